"""Integers, characters, sets and octets on the wire."""

from __future__ import annotations

import pytest

from meterkit.codec.layout import BitSet, Context, Record, array, item, octet_set, octets, text
from meterkit.codec.wire import INT16, INT24, UINT8
from meterkit.errors import ProtocolFault


class Size(Record):
    is_table = True
    value = item(UINT8)


@pytest.mark.parametrize(
    ("int_format", "octets_", "values"),
    [
        (0, "feff feffff", (-2, -2)),
        (1, "fdff fdffff", (-2, -2)),
        (2, "0280 020080", (-2, -2)),
        (0, "0080 000080", (-32768, -8388608)),
        (2, "0100 010000", (1, 1)),
    ],
)
def test_signed_integers_follow_int_format(int_format: int, octets_: str, values: tuple[int, int]) -> None:
    class Signed(Record):
        short = item(INT16)
        odd = item(INT24)

    layout = Signed.resolve(Context(int_format=int_format))
    record = layout.decode(bytes.fromhex(octets_))
    assert (record.short, record.odd) == values
    assert layout.encode(record) == bytes.fromhex(octets_)


def test_signed_integers_that_do_not_fit_are_refused() -> None:
    class Signed(Record):
        odd = item(INT24)

    for value in (1 << 23, -(1 << 23) - 1):
        with pytest.raises(ValueError, match="Signed odd"):
            Signed.resolve().encode(Signed(odd=value))
    with pytest.raises(ValueError, match="Signed odd"):
        Signed.resolve(Context(int_format=1)).encode(Signed(odd=-(1 << 23)))


def test_an_unknown_int_format_is_a_fault_that_names_the_field() -> None:
    class Mixed(Record):
        plain = item(UINT8)
        odd = item(INT24)

    with pytest.raises(ProtocolFault, match="INT_FORMAT 3") as caught:
        Mixed.resolve(Context(int_format=3))
    assert caught.value.error.where == "Mixed odd"


def test_several_converted_values_in_a_row_keep_their_places() -> None:
    class Row(Record):
        first = array(INT24, 1)
        count = item(UINT8)
        sets = array(INT24, 3)

    layout = Row.resolve(Context())
    octets_ = bytes.fromhex("ffffff 09 010000 020000 feffff")
    record = layout.decode(octets_)
    assert (record.first, record.count, record.sets) == ((-1,), 9, (1, 2, -2))
    assert layout.encode(record) == octets_


class Strings(Record):
    name = text(6)
    null_terminated = text(4, padding="\0")
    members = octet_set(2)
    raw = octets(Size.value + 1)
    names = array(UINT8, 2)


def test_text_sets_and_octets() -> None:
    layout = Strings.resolve(Context().with_(Size(value=1)))
    record = layout.decode(b"AB C  X\0YZ\x05\x80\xde\xad\1\2")
    assert (record.name, record.null_terminated, record.raw) == ("AB C", "X", b"\xde\xad")
    assert list(record.members) == [0, 2, 15]
    assert len(record.members) == 3
    assert 15 in record.members
    assert 16 not in record.members
    assert record.members.last == 15
    assert record.members == BitSet.of({0, 2, 15}, 2)
    assert layout.encode(record)[:10] == b"AB C  X\0\0\0"
    with pytest.raises(ValueError, match=r"Strings name: 'ABCDEFG' does not fit CHAR"):
        layout.encode(record.replace(name="ABCDEFG"))
    with pytest.raises(ValueError, match=r"Strings raw: .* 2 octets expected, 3 given"):
        layout.encode(record.replace(raw=b"123"))
    with pytest.raises(ValueError, match="bit 16 does not fit"):
        BitSet.of({16}, 2)


@pytest.mark.parametrize(
    ("char_format", "octets_"), [(3, "c3a9202020"), (2, "e920202020"), (4, "e900200020")]
)
def test_characters_follow_char_format(char_format: int, octets_: str) -> None:
    class Name(Record):
        name = text(5)

    record = Name.resolve(Context(char_format=char_format)).decode(bytes.fromhex(octets_))
    assert record.name.replace("\ufffd", "").rstrip() == "é"
    with pytest.raises(ProtocolFault, match="CHAR_FORMAT 7"):
        Name.resolve(Context(char_format=7))
