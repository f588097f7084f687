"""The layout engine, with the registers of C12.19 Table 23 as its example."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime

import pytest

from meterkit.codec.layout import (
    Context,
    Expression,
    Record,
    array,
    bit,
    bits,
    derived,
    item,
    plain,
)
from meterkit.codec.wire import INT32, UINT8, UINT16, UINT24, UINT32, UINT40, Chosen
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables.times import STIME_DATES


class Registers(Record):
    is_table = True
    flags = item(UINT8)
    reset_counter_flag = bit(flags, 2)
    date_time_flag = bit(flags, 1)
    cum_demand_flag = bit(flags, 4)
    nbr_summations = item(UINT8)
    nbr_demands = item(UINT8)
    nbr_coin_values = item(UINT8)
    nbr_occur = item(UINT8)
    nbr_tiers = item(UINT8)


STIME_DATE = STIME_DATES[2]


class Coincidents(Record):
    coincident_values = array(INT32, Registers.nbr_occur)


class Demands(Record):
    event_time = array(STIME_DATE, Registers.nbr_occur, when=Registers.date_time_flag)
    cum_demand = item(INT32, when=Registers.cum_demand_flag)
    demand = array(INT32, Registers.nbr_occur)


class DataBlock(Record):
    summations = array(INT32, Registers.nbr_summations)
    demands = array(Demands, Registers.nbr_demands)
    coincidents = array(Coincidents, Registers.nbr_coin_values)


class CurrentRegData(Record):
    is_table = True
    nbr_demand_resets = item(UINT8, when=Registers.reset_counter_flag)
    tot_data_block = item(DataBlock)
    tier_data_block = array(DataBlock, Registers.nbr_tiers)


def registers(flags: int = 0b10110, **changes: int) -> Registers:
    counts = {"nbr_summations": 2, "nbr_demands": 2, "nbr_coin_values": 1, "nbr_occur": 1, "nbr_tiers": 4}
    return Registers(flags=flags, **{**counts, **changes})


def test_dimension_tables_are_computed_from_the_expressions() -> None:
    assert CurrentRegData.needs() == {Registers}
    assert Registers.needs() == frozenset()


def test_offsets_follow_from_dimensions_and_flags() -> None:
    layout = CurrentRegData.resolve(Context().with_(registers()))
    demand_size = 5 + 4 + 4
    block_size = 2 * 4 + 2 * demand_size + 4
    assert layout.size == layout.minimum_size == 1 + 5 * block_size
    assert layout.offset_of(CurrentRegData.tot_data_block) == 1
    assert (
        layout.offset_of("tier_data_block[3].demands[1].demand") == 1 + 4 * block_size + 8 + demand_size + 9
    )
    assert layout.size_of("tier_data_block[0]") == block_size


def test_absent_fields_take_no_octets_and_read_none() -> None:
    layout = CurrentRegData.resolve(Context().with_(registers(flags=0, nbr_tiers=0)))
    record = layout.decode(bytes(range(24)) + bytes(20))
    assert layout.size == 2 * 4 + 2 * 4 + 4
    assert record.nbr_demand_resets is None
    assert record.tot_data_block.demands[0].event_time is None
    assert record.tier_data_block == ()
    with pytest.raises(LookupError, match="absent"):
        layout.offset_of("nbr_demand_resets")
    with pytest.raises(LookupError, match="nothing at"):
        layout.offset_of("tier_data_block[0]")
    with pytest.raises(LookupError, match="no field"):
        layout.offset_of("bogus")


def test_a_decoded_record_is_a_plain_value() -> None:
    layout = CurrentRegData.resolve(Context().with_(registers(nbr_tiers=0)))
    record = layout.decode(
        bytes.fromhex("05 0a000000 ffffffff") + bytes.fromhex("1801020304 01000000 02000000") * 2 + bytes(4)
    )
    assert record.nbr_demand_resets == 5
    assert record.tot_data_block.summations == (10, -1)
    assert record.tot_data_block.demands[1] == Demands(
        event_time=(datetime(2024, 1, 2, 3, 4),), cum_demand=1, demand=(2,)
    )
    assert hash(record) == hash(layout.decode(layout.encode(record)))
    with pytest.raises(AttributeError, match="immutable"):
        record.nbr_demand_resets = 6
    assert record.replace(nbr_demand_resets=6).nbr_demand_resets == 6
    assert plain(record)["tot_data_block"]["demands"][0] == {
        "event_time": ["2024-01-02T03:04:00"],
        "cum_demand": 1,
        "demand": [2],
    }


def test_too_few_octets_name_the_value_that_is_not_whole() -> None:
    layout = CurrentRegData.resolve(Context().with_(registers()))
    size = layout.size or 0
    at = layout.offset_of("tier_data_block[3].demands[1].demand")
    with pytest.raises(ProtocolFault) as caught:
        layout.decode(bytes(at + 3))
    field = "tier_data_block[3].demands[1].demand[0]"
    message = f"CurrentRegData {field}: {size} octets expected, {at + 3} read [decode]"
    assert str(caught.value.error) == message
    assert caught.value.error.kind is ErrorKind.DECODE


def test_too_many_octets_are_kept() -> None:
    layout = CurrentRegData.resolve(Context().with_(registers()))
    octets_ = bytes(layout.size or 0) + b"newer"
    record = layout.decode(octets_)
    assert record.extra == b"newer"
    assert layout.encode(record) == octets_
    assert layout.decode(b"x" + octets_, at=1).extra == b""


def test_reading_at_an_offset_outside_is_the_programmers_mistake() -> None:
    layout = Registers.resolve()
    with pytest.raises(ValueError, match="outside"):
        layout.decode(b"", at=1)


def test_a_record_is_made_by_name_and_complains_about_names() -> None:
    with pytest.raises(TypeError, match=r"unknown: tiers; missing: flags, nbr_summations"):
        Registers(tiers=1)
    assert Demands(demand=(1,)).cum_demand is None


def test_encoding_names_the_field_that_does_not_fit() -> None:
    layout = CurrentRegData.resolve(Context().with_(registers(nbr_tiers=0)))
    good = layout.decode(bytes(layout.size or 0))
    block = good.tot_data_block
    with pytest.raises(ValueError, match=r"CurrentRegData nbr_demand_resets: 256 does not fit UINT8"):
        layout.encode(good.replace(nbr_demand_resets=256))
    with pytest.raises(ValueError, match=r"nbr_demand_resets: present on this meter, but no value"):
        layout.encode(good.replace(nbr_demand_resets=None))
    with pytest.raises(ValueError, match=r"tot_data_block\.summations: 2 elements expected, 1 given"):
        layout.encode(good.replace(tot_data_block=block.replace(summations=(1,))))
    with pytest.raises(ValueError, match=r"tot_data_block\.summations: 1, 'x' does not fit INT32"):
        layout.encode(good.replace(tot_data_block=block.replace(summations=(1, "x"))))
    with pytest.raises(ValueError, match=r"tier_data_block: no elements expected, 1 given"):
        layout.encode(good.replace(tier_data_block=(block,)))
    with pytest.raises(ValueError, match=r"tot_data_block: DataBlock expected, int given"):
        layout.encode(good.replace(tot_data_block=1))
    bare = CurrentRegData.resolve(Context().with_(registers(flags=0, nbr_tiers=0)))
    with pytest.raises(ValueError, match=r"nbr_demand_resets: absent on this meter"):
        bare.encode(good)


def test_a_missing_dimension_table_is_the_programmers_mistake() -> None:
    with pytest.raises(ValueError, match="read Registers first"):
        CurrentRegData.resolve(Context())


def test_dimensions_that_claim_more_than_any_table_are_refused() -> None:
    class Huge(Record):
        values = array(Coincidents, Registers.nbr_occur * Registers.nbr_occur * 65535)

    with pytest.raises(ProtocolFault, match="no table has"):
        Huge.resolve(Context().with_(registers(nbr_occur=255)))

    class Wide(Record):
        values = array(UINT16, Registers.nbr_occur * 65793)  # 24 bits of them, two octets each

    with pytest.raises(ProtocolFault) as caught:
        Wide.resolve(Context().with_(registers(nbr_occur=255)))
    told = "Wide values: its dimensions claim 33554430 octets; no table has more than 16842750 [decode]"
    assert str(caught.value.error) == told


def test_dimensions_that_claim_more_than_the_octets_hold_allocate_nothing() -> None:
    layout = CurrentRegData.resolve(Context().with_(registers(nbr_occur=255, nbr_tiers=255)))
    with pytest.raises(ProtocolFault, match="octets expected, 10 read"):
        layout.decode(bytes(10))


def test_elements_that_take_no_octets_are_not_counted() -> None:
    class Empty(Record):
        value = item(UINT8, when=Registers.cum_demand_flag)

    class Many(Record):
        values = array(Empty, 1_000_000)
        after = item(UINT8)

    layout = Many.resolve(Context().with_(registers(flags=0)))
    record = layout.decode(b"\x07")
    assert (record.values, record.after) == ((), 7)
    assert layout.encode(record) == b"\x07"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Registers.nbr_tiers + 1, 5),
        (10 - Registers.nbr_tiers, 6),
        (2 * Registers.nbr_tiers - 1, 7),
        ((Registers.nbr_tiers + 7) // 8, 1),
        (Registers.nbr_tiers % 3, 1),
        (Registers.flags >> 4, 1),
        (Registers.flags & 6, 6),
        (Registers.flags | 1, 23),
        (Registers.flags.bit(4), True),
        (Registers.date_time_flag & Registers.cum_demand_flag, True),
        (~Registers.date_time_flag, False),
        (~Registers.date_time_flag | Registers.cum_demand_flag, True),
        (Registers.nbr_tiers == 4, True),
        (Registers.nbr_tiers != 4, False),
        (Registers.nbr_tiers > Registers.nbr_occur, True),
        (Registers.nbr_tiers >= 4, True),
        (Registers.nbr_tiers < 4, False),
        (Registers.nbr_tiers <= 3, False),
    ],
    ids=repr,
)
def test_expressions_are_written_as_the_standard_writes_them(expression: Expression, expected: int) -> None:
    assert expression.evaluate(Context().with_(registers()).scope()) == expected
    assert expression.needs == {Registers}


def test_expressions_cannot_be_asked_for_their_truth() -> None:
    with pytest.raises(TypeError, match=r"combine expressions with & \| ~"):
        bool(Registers.nbr_tiers > 3)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (Registers.nbr_tiers // (Registers.nbr_occur - 1), "cannot be computed"),
        (Registers.nbr_occur - Registers.nbr_tiers, "is -3: no table"),
        (Registers.flags >> (Registers.nbr_occur - 2), "cannot be computed"),
    ],
    ids=repr,
)
def test_a_dimension_that_makes_no_sense_is_a_fault_with_its_path(count: Expression, said: str) -> None:
    class Odd(Record):
        values = array(UINT8, count)

    with pytest.raises(ProtocolFault) as caught:
        Odd.resolve(Context().with_(registers()))
    assert said in caught.value.error.message
    assert caught.value.error.where == "Odd values"


def test_an_unknown_format_is_a_fault_with_its_path() -> None:
    class Reading(Record):
        value = item(Chosen("NI_FMAT1", Registers.nbr_tiers, {8: INT32, 1: UINT8}))

    class Readings(Record):
        readings = array(Reading, 3)

    assert Readings.needs() == {Registers}
    with pytest.raises(ProtocolFault) as caught:
        Readings.resolve(Context().with_(registers()))
    expected = (
        "Readings readings.value: NI_FMAT1 has no format 4 (Registers.nbr_tiers); known are 1, 8 [decode]"
    )
    assert str(caught.value.error) == expected


class Views(Record):
    flags8 = item(UINT8)
    low3 = bits(flags8, 0, 2)
    flags16 = item(UINT16)
    bit9 = bit(flags16, 9)
    flags24 = item(UINT24)
    middle24 = bits(flags24, 4, 19)
    flags32 = item(UINT32)
    top32 = bit(flags32, 31)
    wide = item(UINT40)
    doubled = derived(lambda record: 2 * record.flags8)


@pytest.mark.parametrize(
    ("order", "octets_"),
    [("<", "0d 0002 f0ff0f 00000080 0100000000"), (">", "0d 0200 0ffff0 80000000 0000000001")],
)
def test_bit_views_honour_the_octet_order(order: str, octets_: str) -> None:
    layout = Views.resolve(Context(byte_order=order))  # type: ignore[arg-type]
    record = layout.decode(bytes.fromhex(octets_))
    assert (record.low3, record.bit9, record.middle24, record.top32, record.wide) == (
        5,
        True,
        0xFFFF,
        True,
        1,
    )
    assert record.doubled == 26
    assert layout.offset_of(Views.bit9) == layout.offset_of("flags16") == 1
    assert layout.encode(record) == bytes.fromhex(octets_)
    assert plain(record)["bit9"] is True


def test_the_generated_reader_can_be_read() -> None:
    source = CurrentRegData.resolve(Context().with_(registers())).source
    assert source.startswith("def decode(octets, at):")
    assert "iter_unpack" in source


def test_a_flat_record_gives_its_struct() -> None:
    assert Registers.resolve().flat_struct().size == 6
    with pytest.raises(ValueError, match="no run of plain values"):
        DataBlock.resolve(Context().with_(registers())).flat_struct()


def test_records_can_be_copied_and_pickled() -> None:
    record = registers()
    assert copy.deepcopy(record) == record
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.copy(record).nbr_tiers == 4


def test_a_field_cannot_take_a_name_that_every_record_needs() -> None:
    with pytest.raises(TypeError, match=r"Bad\.extra: Record needs that name"):

        class Bad(Record):
            extra = item(UINT8)  # type: ignore[assignment]


def test_a_later_version_of_a_record_is_a_delta() -> None:
    class Later(Registers):
        nbr_occur = item(UINT16)
        nbr_present_values = item(UINT8)

    layout = Later.resolve()
    assert (layout.size, layout.offset_of("nbr_occur"), layout.offset_of("nbr_present_values")) == (8, 4, 7)
    assert repr(layout) == "<Layout of Later: 8 to 8 octets>"
