"""A-XDR at its edges: rows wider than the fast way takes, depths, and values that no type has."""

from __future__ import annotations

import pytest

from meterkit.codec.axdr import Data, Tag, decode, parse
from meterkit.codec.axdr_data import CompactArray, TypeDescription
from meterkit.codec.axdr_json import document_of
from meterkit.codec.axdr_rows import decode_rows


def test_rows_of_more_columns_than_one_octet_counts_are_read_one_by_one() -> None:
    row = b"\x02\x81\x80" + b"\x11\x05" * 128
    octets = b"\x01\x02" + row * 2
    assert [list(one) for one in decode_rows(octets)] == [[5] * 128] * 2


def test_elements_of_a_compact_array_nest_no_deeper_than_others() -> None:
    element = TypeDescription(Tag.UNSIGNED)
    value = Data(Tag.UNSIGNED, 7)
    for _ in range(17):
        element = TypeDescription(Tag.STRUCTURE, (element,))
        value = Data(Tag.STRUCTURE, (value,))
    with pytest.raises(ValueError, match="more than 16 arrays and structures"):
        Data(Tag.COMPACT_ARRAY, CompactArray(element, (value,))).encode()


def test_a_value_that_no_type_has_is_none_in_json_either() -> None:
    with pytest.raises(ValueError, match="is no unsigned"):
        document_of(Data(Tag.UNSIGNED, 1j))  # type: ignore[arg-type]


def test_the_two_readers_agree_at_sixteen_levels() -> None:
    deep = b"\x02\x01" * 16 + b"\x11\x07"
    assert repr(parse(deep).plain()) == repr(decode(deep))
