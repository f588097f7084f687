"""High level security, both ends: public examples, and proofs that prove nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meterkit.dlms.acse.names import AuthenticationMechanism
from meterkit.dlms.security import (
    HighLevelSecurity,
    ProtectionKey,
    SecuritySuite,
    check_challenges,
    new_challenge,
)
from meterkit.dlms.security.key_agreement import generate_key
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import (
    AK,
    CLIENT,
    EK,
    METER,
    OTHER_KEY,
    SUITE_0,
    SUITE_1,
    SUITE_2,
    key,
    parameter,
)
from tests.dlms.vectors import octets_of

HLS = [one for one in AuthenticationMechanism if one >= AuthenticationMechanism.HIGH_LEVEL_SECURITY]
BY_NUMBER = {int(one): one for one in HLS}
GMAC, ECDSA = BY_NUMBER[5], BY_NUMBER[7]
CTOS, STOC = bytes(range(16)), bytes(range(100, 116))


def ends(
    mechanism: AuthenticationMechanism, suite: SecuritySuite = SUITE_0
) -> tuple[HighLevelSecurity, HighLevelSecurity]:
    """Return the client's end and the meter's."""
    client_key, meter_key = None, None
    if mechanism is ECDSA:
        suite = suite if suite.has_public_keys else SUITE_1
        client_key, meter_key = generate_key(suite), generate_key(suite)
    client = HighLevelSecurity(
        mechanism=mechanism,
        own_challenge=CTOS,
        peer_challenge=STOC,
        own_title=CLIENT,
        peer_title=METER,
        secret=b"Gurux",
        key=key(suite),
        suite=suite,
        signing_key=client_key,
        peer_key=meter_key.public_key() if meter_key else None,
    )
    meter = replace(
        client,
        own_challenge=STOC,
        peer_challenge=CTOS,
        own_title=METER,
        peer_title=CLIENT,
        signing_key=meter_key,
        peer_key=client_key.public_key() if client_key else None,
    )
    return client, meter


@pytest.mark.parametrize(
    ("name", "number", "is_client"),
    [
        ("hls2-fStoC", 2, True),
        ("hls3-fStoC", 3, True),
        ("hls3-fCtoS", 3, False),
        ("hls4-fStoC", 4, True),
        ("hls4-fCtoS", 4, False),
    ],
)
def test_live_proofs_are_made_and_checked(name: str, number: int, is_client: bool) -> None:
    ctos, stoc, secret = (parameter(name, what) for what in ("ctos", "stoc", "secret"))
    client = HighLevelSecurity(
        mechanism=BY_NUMBER[number], own_challenge=ctos, peer_challenge=stoc, secret=secret
    )
    meter = HighLevelSecurity(
        mechanism=BY_NUMBER[number], own_challenge=stoc, peer_challenge=ctos, secret=secret
    )
    prover, checker = (client, meter) if is_client else (meter, client)
    assert prover.prove() == octets_of(name)
    checker.check(octets_of(name))


@pytest.mark.parametrize(("name", "ctos"), [("hls5-f-StoC", CTOS), ("hls5-live-fStoC", CTOS)])
def test_gmac_is_the_green_books(name: str, ctos: bytes) -> None:
    title, stoc = parameter(name, "system_title_client"), parameter(name, "stoc")
    its_key = ProtectionKey(SUITE_0, parameter(name, "ek"), parameter(name, "ak"))
    proof = octets_of(name)
    client = HighLevelSecurity(
        mechanism=GMAC,
        own_challenge=ctos,
        peer_challenge=stoc,
        own_title=title,
        peer_title=METER,
        key=its_key,
    )
    assert client.prove(int.from_bytes(proof[1:5], "big")) == proof
    meter = HighLevelSecurity(
        mechanism=GMAC,
        own_challenge=stoc,
        peer_challenge=ctos,
        own_title=METER,
        peer_title=title,
        key=its_key,
    )
    meter.check(proof)


@pytest.mark.parametrize("suite", SecuritySuite)
@pytest.mark.parametrize("mechanism", HLS)
def test_both_ends_prove_themselves(mechanism: AuthenticationMechanism, suite: SecuritySuite) -> None:
    client, meter = ends(mechanism, suite)
    meter.check(client.prove(3))
    client.check(meter.prove(4))


@pytest.mark.parametrize("mechanism", HLS)
def test_no_altered_proof_is_taken(mechanism: AuthenticationMechanism) -> None:
    client, meter = ends(mechanism)
    proof = meter.prove(4)
    # A signature costs too much to try every bit.
    bits = range(8 * len(proof)) if mechanism is not ECDSA else range(0, 8 * len(proof), 37)
    for bit in bits:
        altered = bytearray(proof)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProtocolFault) as refused:
            client.check(bytes(altered))
        assert refused.value.error.kind is ErrorKind.SECURITY
    for wrong in (b"", proof[:-1], proof + b"\0"):
        with pytest.raises(ProtocolFault):
            client.check(wrong)


@pytest.mark.parametrize("mechanism", HLS)
def test_our_own_proof_sent_back_is_refused(mechanism: AuthenticationMechanism) -> None:
    client, _ = ends(mechanism)
    with pytest.raises(ProtocolFault):
        client.check(client.prove(3))


def test_another_key_or_secret_proves_nothing() -> None:
    for number in (2, 3, 4, 6):
        client, meter = ends(BY_NUMBER[number])
        with pytest.raises(ProtocolFault, match="did not prove"):
            client.check(replace(meter, secret=b"other").prove())
    client, meter = ends(GMAC)
    for other in (key(encryption=OTHER_KEY), key(authentication=OTHER_KEY)):
        with pytest.raises(ProtocolFault, match="did not prove"):
            client.check(replace(meter, key=other).prove(4))
    client, meter = ends(ECDSA)
    with pytest.raises(ProtocolFault, match="the signature does not verify"):
        client.check(replace(meter, signing_key=generate_key(SUITE_1)).prove())


def test_challenges_are_new_each_time_and_16_octets_long() -> None:
    made = {new_challenge() for _ in range(100)}
    assert len(made) == 100
    assert {len(one) for one in made} == {16}
    assert len(new_challenge(64)) == 64
    for size in (0, 7, 65):
        with pytest.raises(ValueError, match="8 to 64 expected"):
            new_challenge(size)


@pytest.mark.parametrize("mechanism", HLS)
def test_a_challenge_sent_back_is_refused(mechanism: AuthenticationMechanism) -> None:
    client, _ = ends(mechanism)
    with pytest.raises(ProtocolFault, match="sends our own challenge back"):
        replace(client, peer_challenge=CTOS)


@pytest.mark.parametrize("size", [0, 7, 65])
def test_challenges_of_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ProtocolFault, match=f"8 to 64 octets expected, {size} came"):
        check_challenges(CTOS, bytes(size))
    with pytest.raises(ProtocolFault, match="0 came"):
        check_challenges(CTOS, None)
    assert check_challenges(CTOS, bytes(8)) == bytes(8)
    assert check_challenges(CTOS, bytes(64)) == bytes(64)


@pytest.mark.parametrize("number", [5, 6, 7])
def test_equal_titles_are_refused(number: int) -> None:
    client, _ = ends(BY_NUMBER[number])
    with pytest.raises(ProtocolFault, match="claims our own system title"):
        replace(client, peer_title=CLIENT)


def test_what_is_missing_is_told_before_anything_is_sent() -> None:
    client, _ = ends(GMAC)
    with pytest.raises(ValueError, match="counter of its own"):
        client.prove()
    with pytest.raises(ValueError, match="encryption key and authentication key"):
        replace(client, key=None).prove(1)
    with pytest.raises(ValueError, match="needs a secret"):
        replace(ends(BY_NUMBER[6])[0], secret=None).prove()
    with pytest.raises(ValueError, match="a signing key"):
        replace(ends(ECDSA)[0], signing_key=None).prove()
    with pytest.raises(ValueError, match="public key"):
        replace(ends(ECDSA)[0], peer_key=None).check(b"")
    with pytest.raises(ValueError, match="at most 16 octets"):
        replace(ends(BY_NUMBER[2])[0], secret=bytes(17)).prove()
    with pytest.raises(ValueError, match="no high level security"):
        replace(client, mechanism=AuthenticationMechanism.LOW_LEVEL_SECURITY)


def test_no_repr_or_message_shows_secret_key_or_challenge() -> None:
    for mechanism in HLS:
        client, meter = ends(mechanism)
        shown = repr(client) + repr(meter)
        try:
            client.check(bytes(17))
        except ProtocolFault as refused:
            shown += str(refused)
        for secret in (b"Gurux", EK, AK, CTOS, STOC):
            assert secret.hex() not in shown
            assert repr(secret)[2:-1] not in shown


def test_suite_2_signs_with_96_octets() -> None:
    client, _ = ends(ECDSA, SUITE_2)
    assert len(client.prove()) == 96
