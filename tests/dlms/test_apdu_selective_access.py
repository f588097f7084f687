"""A part of a profile, by range and by entry, both ways."""

from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.descriptors import (
    CLOCK_COLUMN,
    AttributeDescriptor,
    CaptureObject,
    EntryDescriptor,
    RangeDescriptor,
    Selection,
    Selector,
)
from meterkit.dlms.apdu.get import GetRequestNormal
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.errors import ProtocolFault
from tests.dlms.apdus import data, obis, u16, u32
from tests.dlms.vectors import octets_of

BUFFER = AttributeDescriptor(7, ObisCode.LOAD_PROFILE, 2)
FIRST = bytes.fromhex("07ea0101ff001e0000000000")
LAST = bytes.fromhex("07ea0101ff01000000000000")
column = st.builds(CaptureObject, u16, obis, st.integers(-128, 127), u16)
ranges = st.builds(RangeDescriptor, column, data, data, st.lists(column, max_size=4).map(tuple))
entries = st.builds(EntryDescriptor, u32, u32, u16, u16)


def test_rows_by_time():
    selection = Selection.by_range(CosemDateTime.from_octets(FIRST), CosemDateTime.from_octets(LAST))
    octets = octets_of("get-request-selective-range")
    assert GetRequestNormal(0xC1, BUFFER, selection).encode() == octets
    assert decode_apdu(octets).selection == selection


def test_rows_by_number():
    selection = Selection.by_entry(2, 4)
    octets = octets_of("get-request-selective-entry")
    assert GetRequestNormal(0xC1, BUFFER, selection).encode() == octets
    assert decode_apdu(octets).selection == selection
    assert selection.selector == Selector.ENTRY


def test_a_datetime_goes_with_its_deviation():
    zone = timezone(timedelta(hours=1))
    selection = Selection.by_range(datetime(2026, 1, 1, tzinfo=zone), datetime(2026, 1, 2, tzinfo=zone))
    limits = RangeDescriptor.decode(selection.parameters)
    assert limits.restricting_object == CLOCK_COLUMN
    first = CosemDateTime.from_octets(axdr.decode_octet_string(limits.from_value))
    assert first.to_datetime() == datetime(2026, 1, 1, tzinfo=zone)
    assert first.deviation == -60


def test_only_some_columns_and_another_sort_object():
    counter = CaptureObject(1, ObisCode.parse("0-0:96.3.1"), 2)
    wanted = CaptureObject(3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 2, 1)
    selection = Selection.by_range(
        axdr.encode_double_long_unsigned(5),
        axdr.encode_double_long_unsigned(9),
        column=counter,
        selected=[wanted],
    )
    assert selection.parameters == bytes.fromhex(
        "0204 0204 12 0001 09 06 0000600301ff 0f 02 12 0000 06 00000005 06 00000009"
        "01 01 0204 12 0003 09 06 0100010800ff 0f 02 12 0001"
    )
    assert axdr.decode(selection.parameters) == (
        (1, counter.obis.to_bytes(), 2, 0), 5, 9, [(3, wanted.obis.to_bytes(), 2, 1)],
    )  # fmt: skip


@given(ranges)
@settings(derandomize=True, deadline=None)
def test_any_range_comes_back_the_same(limits):
    octets = limits.encode()
    assert RangeDescriptor.decode(octets) == limits
    assert axdr.measure(octets) == len(octets)


@given(entries)
@settings(derandomize=True, deadline=None)
def test_any_entries_come_back_the_same(limits):
    assert EntryDescriptor.decode(limits.encode()) == limits
    assert axdr.decode(limits.encode()) == (
        limits.from_entry, limits.to_entry, limits.from_selected_value, limits.to_selected_value,
    )  # fmt: skip


@given(ranges | entries, st.data())
@settings(derandomize=True, deadline=None)
def test_a_cut_is_a_fault_and_a_flipped_bit_a_value_or_a_fault(limits, draw):
    octets = bytearray(limits.encode())
    kind = type(limits)
    with pytest.raises(ProtocolFault):
        kind.decode(bytes(octets[: draw.draw(st.integers(0, len(octets) - 1))]))
    at = draw.draw(st.integers(0, 8 * len(octets) - 1))
    octets[at // 8] ^= 1 << at % 8
    with suppress(ProtocolFault):
        kind.decode(bytes(octets))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Selection.by_entry(-1),
        lambda: Selection.by_entry(1 << 32),
        lambda: CaptureObject(65536, ObisCode.CLOCK, 2).encode(),
        lambda: CaptureObject(8, ObisCode.CLOCK, 200).encode(),
    ],
)
def test_a_number_that_does_not_fit_is_a_value_error(build):
    with pytest.raises(ValueError):
        build()
