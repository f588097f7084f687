"""Security control octets and what they have to say: nothing weaker than demanded is taken."""

from __future__ import annotations

import pytest

from meterkit.dlms.acse.names import AuthenticationMechanism
from meterkit.dlms.secured.security_setup_reading import demanded, policy_of, policy_words
from meterkit.dlms.security import Security, SecurityControl, SecurityPolicy, SecuritySuite
from meterkit.dlms.security.policy import WEAK, check_mechanism, check_strength, check_titles
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import BOTH, CLIENT, METER, SUITE_0, SUITE_1

GMAC = AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
LOW = AuthenticationMechanism.LOW_LEVEL_SECURITY


@pytest.mark.parametrize("octet", range(256))
def test_every_control_octet_is_taken_apart_or_refused_in_words(octet: int) -> None:
    if octet & 0x80:
        with pytest.raises(ProtocolFault, match=f"{octet:02x}: the APDU is compressed"):
            SecurityControl.decode(octet)
    elif octet & 0x0F > 2:
        with pytest.raises(ProtocolFault, match=f"suite 0, 1 or 2 expected, {octet & 15} came"):
            SecurityControl.decode(octet)
    else:
        assert SecurityControl.decode(octet).encode() == octet


@pytest.mark.parametrize(
    ("octet", "suite", "security"),
    [(0x21, SUITE_1, Security.ENCRYPTION), (0x31, SUITE_1, BOTH), (0x10, SUITE_0, Security.AUTHENTICATION)],
)
def test_the_low_bits_are_the_suite_and_no_flags(
    octet: int, suite: SecuritySuite, security: Security
) -> None:
    assert SecurityControl.decode(octet) == SecurityControl(suite, security)


@pytest.mark.parametrize("required", Security)
@pytest.mark.parametrize("came", Security)
def test_stronger_is_welcome_and_weaker_is_refused_with_both(required: Security, came: Security) -> None:
    policy = SecurityPolicy(SUITE_0, BOTH, required)
    octet = SecurityControl(SUITE_0, came).encode()
    if came in (required, BOTH) or required is Security.NONE:
        assert policy.check(octet).security is came
        return
    with pytest.raises(
        ProtocolFault, match=f"{required.words}, .* expected, {came.words}, .* came"
    ) as refused:
        policy.check(octet)
    assert refused.value.error.kind is ErrorKind.SECURITY


def test_another_suite_is_refused() -> None:
    with pytest.raises(ProtocolFault, match=r"suite 0 expected, .* suite 1 came"):
        SecurityPolicy(SUITE_0, BOTH, BOTH).check(0x31)


def test_an_aare_must_repeat_the_mechanism() -> None:
    check_mechanism(GMAC, GMAC)
    for came in (LOW, AuthenticationMechanism.NONE, b"\x60\x85"):
        with pytest.raises(ProtocolFault, match="authentication by HIGH_LEVEL_SECURITY_GMAC expected"):
            check_mechanism(GMAC, came)


@pytest.mark.parametrize("mechanism", AuthenticationMechanism)
def test_weak_mechanisms_beside_ciphering_have_to_be_asked_for(mechanism: AuthenticationMechanism) -> None:
    check_strength(mechanism, Security.NONE)
    check_strength(mechanism, BOTH, allow_weak=True)
    if mechanism in WEAK:
        with pytest.raises(ValueError, match="allow_weak"):
            check_strength(mechanism, BOTH)
    else:
        check_strength(mechanism, BOTH)


def test_titles_are_pinned_and_never_our_own() -> None:
    assert check_titles(CLIENT, METER) == METER
    assert check_titles(CLIENT, METER, METER) == METER
    assert check_titles(CLIENT, b"", METER) == METER
    for peer, pinned, told in (
        (CLIENT, None, "our own system title"),
        (b"OTHER001", METER, f"system title {METER.hex()} expected, {b'OTHER001'.hex()} came"),
        (None, None, "none came"),
        (b"", None, "none came"),
        (b"SHORT", None, "8 octets expected, 5 came"),
    ):
        with pytest.raises(ProtocolFault, match=told) as refused:
            check_titles(CLIENT, peer, pinned)
        assert refused.value.error.kind is ErrorKind.SECURITY


@pytest.mark.parametrize(
    ("number", "words", "requests"),
    [
        (0, "nothing", Security.NONE),
        (1, "authenticated (1)", Security.AUTHENTICATION),
        (2, "encrypted (2)", Security.ENCRYPTION),
        (3, "authenticated-and-encrypted (3)", BOTH),
        (0x04, "authenticated request", Security.AUTHENTICATION),
        (0x28, "encrypted request, authenticated response", Security.ENCRYPTION),
        (0x50, "digitally signed request, encrypted response", Security.NONE),
    ],
)
def test_what_a_security_setup_says_is_read_by_its_version(
    number: int, words: str, requests: Security
) -> None:
    policy = policy_of(number)
    assert policy_words(policy).startswith(words)
    assert demanded(policy) is requests
