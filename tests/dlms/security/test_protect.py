"""AES-GCM with tags of 12 octets: the Green Book's examples both ways, and every octet altered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.dlms.security import ProtectionKey, Security, SecurityControl, SecuritySuite
from meterkit.dlms.security.headers import unwrap, wrap
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import (
    AK,
    CLIENT,
    EK,
    GET,
    METER,
    OTHER_KEY,
    SUITE_0,
    SUITE_1,
    SUITE_2,
    key,
    parameter,
)
from tests.dlms.vectors import VECTORS, names_of, octets_of

PROTECTIONS = [security for security in Security if security is not Security.NONE]
WITH_TAG = [Security.AUTHENTICATION, Security.AUTHENTICATION_ENCRYPTION]


@pytest.mark.parametrize("name", names_of("glo"))
def test_the_green_books_examples_are_protected_and_unprotected_octet_for_octet(name: str) -> None:
    octets, title = octets_of(name), parameter(name, "system_title")
    its_key = ProtectionKey(SUITE_0, parameter(name, "ek"), parameter(name, "ak"))
    content = unwrap(octets)
    plain = its_key.unprotect(content, title)
    assert plain == bytes.fromhex(VECTORS[name]["expected"]["plaintext"])
    counter = int.from_bytes(content[1:5], "big")
    assert wrap(octets[0], its_key.protect(content[0], title, counter, plain)) == octets


def test_a_push_that_is_only_encrypted_opens_without_an_authentication_key() -> None:
    name = "general-glo-kaifa-push-encrypt-only"
    octets, title = octets_of(name), parameter(name, "system_title")
    content = octets[2 + len(title) + 3 :]
    its_key = ProtectionKey(SUITE_1, parameter(name, "ek"))
    plain = its_key.unprotect(content, title)
    assert plain.hex() == VECTORS[name]["expected"]["plaintext"].lower()
    assert its_key.protect(content[0], title, int.from_bytes(content[1:5], "big"), plain) == content


@pytest.mark.parametrize("suite", SecuritySuite)
@pytest.mark.parametrize("security", PROTECTIONS)
@given(plain=st.binary(max_size=600), counter=st.integers(0, 2**32 - 1), header=st.binary(max_size=40))
def test_what_is_protected_comes_back(
    suite: SecuritySuite, security: Security, plain: bytes, counter: int, header: bytes
) -> None:
    control = SecurityControl(suite, security).encode()
    content = key(suite).protect(control, CLIENT, counter, plain, header)
    assert content[:5] == bytes((control,)) + counter.to_bytes(4, "big")
    assert len(content) == 5 + len(plain) + (0 if security is Security.ENCRYPTION else 12)
    assert key(suite).unprotect(content, CLIENT, header) == plain


@pytest.mark.parametrize("security", WITH_TAG)
def test_every_flipped_bit_is_noticed(security: Security) -> None:
    content = key().protect(SecurityControl(SUITE_0, security).encode(), CLIENT, 7, GET)
    for bit in range(8 * len(content)):
        altered = bytearray(content)
        altered[bit // 8] ^= 1 << bit % 8
        if altered[0] & 0x30 == Security.ENCRYPTION.value:
            continue  # no tag any more: the policy's matter, see test_cipher
        with pytest.raises(ProtocolFault) as refused:
            key().unprotect(bytes(altered), CLIENT)
        assert refused.value.error.kind is ErrorKind.SECURITY


@pytest.mark.parametrize("security", WITH_TAG)
def test_every_cut_tag_is_refused(security: Security) -> None:
    content = key().protect(SecurityControl(SUITE_0, security).encode(), CLIENT, 7, GET)
    for end in range(len(content)):
        with pytest.raises(ProtocolFault) as refused:
            key().unprotect(content[:end], CLIENT)
        assert refused.value.error.kind in (ErrorKind.SECURITY, ErrorKind.DECODE)


@pytest.mark.parametrize("security", WITH_TAG)
def test_another_key_title_or_header_does_not_verify(security: Security) -> None:
    content = key().protect(SecurityControl(SUITE_0, security).encode(), CLIENT, 7, GET, b"header")
    for other, title, header in (
        (key(encryption=OTHER_KEY), CLIENT, b"header"),
        (key(authentication=OTHER_KEY), CLIENT, b"header"),
        (key(), METER, b"header"),
        (key(), CLIENT, b"headed"),
    ):
        with pytest.raises(ProtocolFault, match="the tag does not verify") as refused:
            other.unprotect(content, title, header)
        assert refused.value.error.kind is ErrorKind.SECURITY


@pytest.mark.parametrize("security", PROTECTIONS)
@pytest.mark.parametrize("title", [b"", b"\x4d\x4d", CLIENT + b"0", bytes(125)])
def test_a_system_title_that_is_none_is_told(security: Security, title: bytes) -> None:
    content = key().protect(SecurityControl(SUITE_0, security).encode(), CLIENT, 1, GET)
    with pytest.raises(ProtocolFault, match="a system title of 8 octets expected") as refused:
        key().unprotect(content, title)
    assert refused.value.error.kind is ErrorKind.SECURITY
    assert (title.hex(" ") or "nothing") in str(refused.value.error)


def test_too_few_octets_are_told() -> None:
    with pytest.raises(ProtocolFault, match=r"17 octets at least expected .*, 5 came: 30 00 00 00 01"):
        key().unprotect(bytes.fromhex("3000000001"), CLIENT)
    with pytest.raises(ProtocolFault, match=r"5 octets at least expected .*, 0 came: nothing"):
        key().unprotect(b"", CLIENT)


def test_no_protection_is_neither_made_nor_taken() -> None:
    with pytest.raises(ValueError, match="security control 00"):
        key().protect(0, CLIENT, 1, GET)
    with pytest.raises(ProtocolFault, match="protection expected, there is none"):
        key().unprotect(bytes(5) + GET, CLIENT)


def test_a_tag_without_authentication_key_is_told() -> None:
    without = key(authentication=None)
    for act in (
        lambda: without.protect(0x30, CLIENT, 1, GET),
        lambda: without.unprotect(key().protect(0x30, CLIENT, 1, GET), CLIENT),
        lambda: without.unprotect(key().protect(0x10, CLIENT, 1, GET), CLIENT),
    ):
        with pytest.raises(ProtocolFault, match="no authentication key is known"):
            act()


@pytest.mark.parametrize(
    ("suite", "size"), [(SUITE_0, 32), (SUITE_1, 32), (SUITE_2, 16), (SUITE_0, 0), (SUITE_2, 31)]
)
def test_keys_have_the_suites_size(suite: SecuritySuite, size: int) -> None:
    with pytest.raises(ValueError, match=f"encryption key: {suite.key_size} octets expected .* not {size}"):
        ProtectionKey(suite, bytes(size))
    good = bytes(suite.key_size)
    with pytest.raises(
        ValueError, match=f"authentication key: {suite.key_size} octets expected .* not {size}"
    ):
        ProtectionKey(suite, good, bytes(size))


def test_a_repr_shows_no_key() -> None:
    shown = repr(key())
    assert shown == "ProtectionKey(suite 0)"
    assert EK.hex() not in shown
    assert AK.hex() not in shown
