"""ST26 against the guide's offsets, and its ring in order of time."""

from __future__ import annotations

from datetime import datetime

import pytest

from meterkit.codec.layout import Context, InvalidTime
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.list_order import oldest_first
from meterkit.psem.tables.registers import ActRegs
from meterkit.psem.tables.registers_self_read import SelfReadData, self_reads

SEQUENCE_FLAG = 0x02


def meter(
    manufacturer: bytes = b"NES ",
    *,
    flags2: int = 0x0C,
    self_reads: int = 4,
    demands: int = 0,
    flags: int = 3,
) -> Context:
    config = GenConfig.resolve().decode(bytes.fromhex("022a88") + manufacturer + bytes(12))
    octets = bytes([flags, flags2, self_reads, 1, demands, 0, 1, 0, 0, 0])
    return context_for([config, ActRegs.resolve(context_for([config])).decode(octets)])


def table(status: int, valid: int, last: int, entries: bytes, sequence: int = 100) -> bytes:
    return bytes([status, valid, last]) + sequence.to_bytes(2, "little") + b"\x01" + entries


def entry(day: int, season: int = 1) -> bytes:
    return bytes([24, 3, day, 0, 0, season]) + day.to_bytes(4, "little")


def test_the_header_of_bt26_lies_where_the_guide_says() -> None:
    layout = SelfReadData.resolve(meter())
    names = ["nbr_valid_entries", "last_entry_element", "last_entry_seq_nbr", "nbr_unread_entries"]
    assert [layout.offset_of(name) for name in names] == [1, 2, 3, 5]
    record = layout.decode(table(0x06, 2, 1, bytes(40)))
    assert (record.order, record.overflow_flag, record.list_type, record.inhibit_overflow_flag) == (
        0,
        True,
        1,
        False,
    )
    assert (record.last_entry_seq_nbr, record.nbr_unread_entries) == (100, 1)


def test_the_entries_with_bidn_lie_where_the_guide_says() -> None:
    layout = SelfReadData.resolve(meter(demands=1))
    first = "self_reads_entries[0]"
    assert layout.offset_of(f"{first}.bidn") == 6
    assert layout.offset_of(f"{first}.register_info.end_date_time") == 8
    assert layout.offset_of(f"{first}.register_info.season") == 13
    assert layout.offset_of(f"{first}.self_read_register_data") == 14


def test_the_entries_without_demands_have_no_bidn() -> None:
    layout = SelfReadData.resolve(meter())
    assert layout.offset_of("self_reads_entries[0].register_info.end_date_time") == 6
    assert layout.offset_of("self_reads_entries[0].register_info.season") == 11
    assert layout.offset_of("self_reads_entries[0].self_read_register_data") == 12
    assert layout.size == 6 + 4 * 10


@pytest.mark.parametrize("manufacturer", [b"NES ", b"NES\0", b"ELON", bytes(4)])
@pytest.mark.parametrize("flags2", [0x0C, 0x0C | SEQUENCE_FLAG])
def test_an_osgp_meter_has_bidn_by_its_demands_whatever_the_flag(manufacturer: bytes, flags2: int) -> None:
    for demands, size in ((0, 10), (1, 2 + 10 + 9)):
        layout = SelfReadData.resolve(meter(manufacturer, flags2=flags2, demands=demands))
        assert layout.size_of("self_reads_entries[0]") == size


@pytest.mark.parametrize("demands", [0, 1])
def test_any_other_meter_has_a_sequence_number_by_the_flag(demands: int) -> None:
    without = SelfReadData.resolve(meter(b"ABCD", demands=demands))
    assert without.offset_of("self_reads_entries[0].register_info") == 6
    with_it = SelfReadData.resolve(meter(b"ABCD", flags2=SEQUENCE_FLAG, demands=demands))
    assert with_it.offset_of("self_reads_entries[0].self_read_seq_nbr") == 6
    assert with_it.offset_of("self_reads_entries[0].register_info") == 8


def test_a_ring_is_read_from_the_oldest_to_the_newest() -> None:
    record = SelfReadData.resolve(meter()).decode(table(4, 4, 1, entry(5) + entry(6) + entry(3) + entry(4)))
    reads = self_reads(record)
    assert [one.time for one in reads] == [datetime(2024, 3, day) for day in (3, 4, 5, 6)]
    assert [one.element for one in reads] == [2, 3, 0, 1]
    assert [one.sequence for one in reads] == [97, 98, 99, 100]
    assert [one.registers.tot_data_block.summations for one in reads] == [(3,), (4,), (5,), (6,)]
    assert {(one.season, one.bidn) for one in reads} == {(1, None)}


def test_a_ring_not_yet_full_gives_its_valid_entries_only() -> None:
    record = SelfReadData.resolve(meter()).decode(table(4, 2, 1, entry(5) + entry(6) + bytes(20)))
    assert [one.time for one in self_reads(record)] == [datetime(2024, 3, 5), datetime(2024, 3, 6)]


def test_an_empty_ring_gives_nothing_whatever_its_last_element_says() -> None:
    record = SelfReadData.resolve(meter()).decode(table(4, 0, 255, bytes(40)))
    assert self_reads(record) == ()


def test_sequence_numbers_count_over_the_end_of_their_16_bits() -> None:
    record = SelfReadData.resolve(meter()).decode(table(4, 3, 2, bytes(40), sequence=1))
    assert [one.sequence for one in self_reads(record)] == [65535, 0, 1]


def test_a_sequence_number_of_its_own_goes_before_a_counted_one() -> None:
    layout = SelfReadData.resolve(meter(b"ABCD", flags2=SEQUENCE_FLAG))
    record = layout.decode(table(4, 2, 1, b"\x07\0" + entry(5) + b"\x09\0" + entry(6) + bytes(24)))
    assert [one.sequence for one in self_reads(record)] == [7, 9]


def test_bidn_is_told_with_each_read() -> None:
    layout = SelfReadData.resolve(meter(demands=1, self_reads=1))
    record = layout.decode(table(4, 1, 0, b"\x34\x12" + entry(5) + bytes(9)))
    (one,) = self_reads(record)
    assert one.bidn == 0x1234
    assert layout.encode(record) == table(4, 1, 0, b"\x34\x12" + entry(5) + bytes(9))


def test_a_time_that_is_none_does_not_hide_the_read() -> None:
    record = SelfReadData.resolve(meter(self_reads=1)).decode(table(4, 1, 0, entry(32)))
    (one,) = self_reads(record)
    assert isinstance(one.time, InvalidTime)
    assert one.registers.tot_data_block.summations == (32,)


def test_a_meter_without_dates_and_seasons_has_self_reads_without_them() -> None:
    record = SelfReadData.resolve(meter(flags=0, self_reads=1)).decode(table(4, 1, 0, b"\x05\0\0\0"))
    (one,) = self_reads(record)
    assert (one.time, one.season) == (None, None)


@pytest.mark.parametrize(
    ("valid", "last", "message"),
    [
        (5, 0, "5 valid entries told, the table has 4"),
        (1, 4, "last entry element 4 told, the table has 0 to 3"),
        (4, 255, "last entry element 255 told, the table has 0 to 3"),
    ],
)
def test_a_header_that_points_outside_is_a_fault(valid: int, last: int, message: str) -> None:
    record = SelfReadData.resolve(meter()).decode(table(4, valid, last, bytes(40)))
    with pytest.raises(ProtocolFault) as caught:
        self_reads(record)
    assert (caught.value.error.kind, caught.value.error.where) == (ErrorKind.DECODE, "BT26")
    assert caught.value.error.message == message


@pytest.mark.parametrize(
    ("valid", "last", "is_descending", "order"),
    [
        (0, 9, False, ()),
        (1, 0, False, (0,)),
        (3, 2, False, (0, 1, 2)),  # a FIFO, or a ring that has not turned yet
        (4, 3, False, (0, 1, 2, 3)),
        (4, 0, False, (1, 2, 3, 0)),
        (2, 0, False, (3, 0)),
        (3, 0, True, (2, 1, 0)),
        (4, 2, True, (1, 0, 3, 2)),
    ],
)
def test_oldest_first(valid: int, last: int, is_descending: bool, order: tuple[int, ...]) -> None:
    assert oldest_first(4, valid, last, is_descending=is_descending) == order
