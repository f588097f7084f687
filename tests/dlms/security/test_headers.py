"""Envelopes as octets: every form of length, each a way to lie, and what is said of those that don't fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.security import headers
from meterkit.dlms.security.headers import DED, GLO, GeneralCiphered, sender_of, unwrap, wrap
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import CLIENT, GET

SIZES = (0, 1, 3, 126, 127, 128, 252, 255, 256, 257)


def length(size: int, octets: int) -> bytes:
    """A length in as many octets: 0 is the short form, else 8x and x octets."""
    return bytes((size,)) if octets == 0 else bytes((0x80 | octets,)) + size.to_bytes(octets, "big")


def refused(call: Callable[[bytes], object], octets: bytes) -> str:
    """What is said of octets that are no APDU."""
    with pytest.raises(ProtocolFault) as fault:
        call(octets)
    assert fault.value.error.kind is ErrorKind.DECODE
    return str(fault.value.error)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "c8 00"),
        (127, "c8 7f"),
        (128, "c8 81 80"),
        (255, "c8 81 ff"),
        (256, "c8 82 01 00"),
        (65535, "c8 82 ff ff"),
        (65536, "c8 83 01 00 00"),
    ],
)
def test_a_content_goes_behind_the_shortest_length_there_is(size: int, head: str) -> None:
    content = bytes(size)
    octets = wrap(0xC8, content)
    assert octets == bytes.fromhex(head) + content
    assert unwrap(octets) == content


@pytest.mark.parametrize("octets", range(5))
@pytest.mark.parametrize("size", [0, 1, 127])
def test_a_length_may_take_more_octets_than_it_needs(size: int, octets: int) -> None:
    content = bytes(range(size))
    assert unwrap(b"\xc8" + length(size, octets) + content) == content


@pytest.mark.parametrize("octets", range(4))
@pytest.mark.parametrize("size", SIZES)
def test_a_length_that_is_off_by_anything_is_refused(size: int, octets: int) -> None:
    told = range((0x80, 0x100, 300, 300)[octets])
    for content in (bytes(size), b"\xff" * size):
        for announced in told:
            if announced != size:
                refused(unwrap, b"\xc8" + length(announced, octets) + content)


@pytest.mark.parametrize("octets", ["", "c8", "c8 80", "c8 81", "c8 82 00", "c8 80" + " 00" * 128])
def test_a_length_that_is_missing_cut_or_none_at_all_is_refused(octets: str) -> None:
    refused(unwrap, bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("call", "octets", "part", "at"),
    [
        (unwrap, "c8 05 00", "c8 glo-get-request: ciphered content", 1),
        (GeneralCiphered.decode, "db 05 00", "db general-glo-ciphering: system-title", 1),
        (GeneralCiphered.decode, "dc 00 05 00", "dc general-ded-ciphering: ciphered-service", 2),
        (sender_of, "db 05 00", "db general-glo-ciphering: system-title", 1),
        (sender_of, "dd 05 00", "dd general-ciphering: transaction-id", 1),
        (sender_of, "df 00 05 00", "df general-signing: originator-system-title", 2),
    ],
)
def test_what_does_not_fit_is_told_by_apdu_and_part(
    call: Callable[[bytes], object], octets: str, part: str, at: int
) -> None:
    assert refused(call, bytes.fromhex(octets)) == (
        f"{part}: at {at}: a length of at most the 1 octets left expected, 5 came [decode]"
    )


def test_another_apdu_than_general_ciphering_is_told() -> None:
    assert refused(GeneralCiphered.decode, b"\xc8\x00") == (
        "db or dc expected, c8 glo-get-request came [decode]"
    )


@pytest.mark.parametrize("is_dedicated", [False, True])
def test_general_ciphering_is_decoded_as_it_was_encoded(is_dedicated: bool) -> None:
    whole = GeneralCiphered(CLIENT, GET, is_dedicated)
    assert GeneralCiphered.decode(whole.encode()) == whole


@pytest.mark.parametrize("head", ["db", "dc", "dd 02 12 34", "df 02 12 34"])
def test_the_sender_is_read_where_an_apdu_names_one(head: str) -> None:
    assert sender_of(bytes.fromhex(head) + b"\x08" + CLIENT + b"\0") == CLIENT


def test_an_apdu_that_names_no_sender_has_none() -> None:
    assert sender_of(GET) == sender_of(b"\xc8\x00") == sender_of(b"") == b""


def test_tags_with_a_key_of_their_own_are_found_by_their_names() -> None:
    for prefix, table in (("GLO_", GLO), ("DED_", DED)):
        assert headers._ciphered(prefix) == table
        assert all(ApduTag(tag).name == prefix + ApduTag(plain).name for plain, tag in table.items())
