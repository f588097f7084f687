"""Columns out of a stream and out of octets, and typed Arrow tables."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import anyio
import pyarrow
import pytest

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.profile.batch import batches_of
from meterkit.dlms.profile.column import ProfileColumn, choose
from meterkit.dlms.profile.columns import ColumnBuilder
from meterkit.emulator.dlms.profile_oddities import ProfileOddity as Odd
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.profile.rig import CLOCK, ENERGY, STATUS, WINTER, clock, layout, odd_meter, row
from tests.dlms.rig import connected

BEGIN = datetime(2026, 3, 1, tzinfo=WINTER)
QUARTER = timedelta(minutes=15)


def columns_of(octets, shape, order=None):
    builder = ColumnBuilder(shape, range(len(shape.places)) if order is None else order)
    for batch in batches_of(octets, shape, []):
        builder.add(shape, batch)
    return builder.built()


def scaled(scaler):
    return ProfileColumn(ENERGY.obis, 3, 2, 0, scaler, Unit.WATT_HOUR)


def buffer(count):
    return axdr.encode_array([row(BEGIN + number * QUARTER, number) for number in range(count)])


@pytest.mark.parametrize("oddities", [(), (Odd.RANGE_REFUSED,), (Odd.RANGE_IGNORED,), (Odd.NEWEST_FIRST,)])
def test_columns_of_a_stream_are_its_rows(oddities):
    async def read():
        async with connected(odd_meter(*oddities)) as (client, _):
            rows = (await client.load_profile().collect()).unwrap()
            stream = client.load_profile()
            columns = (await stream.collect_columns()).unwrap()
            return rows, columns, stream

    rows, columns, stream = anyio.run(read)
    assert list(columns.to_rows()) == rows
    assert len(columns) == stream.rows_done == 300
    assert list(columns["1-0:1.8.0"].values) == [one.raw[2] for one in rows]
    assert [datetime.fromtimestamp(time, UTC) for time in columns.times] == [one.time for one in rows]
    assert stream.position.time == rows[-1].time
    assert columns.to_arrow()["time"].to_pylist() == [one.time for one in rows]


def test_columns_may_be_collected_after_some_rows():
    async def read():
        async with connected(odd_meter()) as (client, _):
            stream = client.load_profile()
            first = [(await anext(stream)).unwrap() for _ in range(5)]
            rest = (await stream.collect_columns()).unwrap()
            whole = (await client.load_profile().collect()).unwrap()
            return first + list(rest.to_rows()), whole

    came, whole = anyio.run(read)
    assert came == whole


def test_numbers_lie_in_buffers_of_their_own_type():
    columns = columns_of(buffer(10_000), layout())
    energy = columns["1-0:1.8.0"]
    assert energy.values.typecode == "I"
    assert energy.valid is None
    assert memoryview(energy.values)[9999] == 9999
    assert (len(columns), len(energy)) == (10_000, 10_000)
    assert columns.times.typecode == "q"
    assert columns.times[1] - columns.times[0] == 900
    with pytest.raises(KeyError):
        columns["1-0:2.8.0"]


@pytest.mark.parametrize(
    ("scaler", "kind", "value"),
    [
        (None, pyarrow.uint32(), 7),
        (0, pyarrow.uint32(), 7),
        (-3, pyarrow.decimal128(10, 3), Decimal("0.007")),
        (-30, pyarrow.decimal128(30, 30), Decimal("7E-30")),
        (2, pyarrow.float64(), 700.0),
        (127, pyarrow.float64(), 7e127),
        (-128, pyarrow.float64(), 7e-128),
    ],
)
def test_a_table_is_typed_by_the_scaler(scaler, kind, value):
    table = columns_of(buffer(9), layout(CLOCK, scaled(scaler))).to_arrow()
    assert table.schema.field("1-0:1.8.0").type == kind
    assert table["1-0:1.8.0"][7].as_py() == value
    assert table.schema.field("time").type == pyarrow.timestamp("s", "UTC")
    if scaler is not None:
        assert table.schema.field("1-0:1.8.0").metadata[b"unit"] == b"Wh"
    table.validate(full=True)


def test_negative_numbers_are_decimals_too():
    rows = [axdr.encode_structure([axdr.encode_double_long(number)]) for number in (-5, 5, -(1 << 31))]
    table = columns_of(axdr.encode_array(rows * 4), layout(scaled(-2))).to_arrow()
    assert table["1-0:1.8.0"].to_pylist()[:3] == [Decimal("-0.05"), Decimal("0.05"), Decimal("-21474836.48")]
    assert table.column_names == ["1-0:1.8.0"]


def test_what_is_missing_is_null_and_not_nought():
    rows = [row(None, 1), row(bytes([0xFF] * 12), 2), row(BEGIN, 3)]
    cells = [axdr.encode_structure([axdr.encode_octet_string(clock(BEGIN)), b"\0"])]
    for octets in (axdr.encode_array(rows), axdr.encode_array(rows * 9)):
        table = columns_of(octets, layout()).to_arrow()
        assert table["time"].to_pylist()[:3] == [None, None, BEGIN]
        table.validate(full=True)
    table = columns_of(axdr.encode_array(cells * 20), layout()).to_arrow()
    assert table["1-0:1.8.0"].null_count == 20


def test_types_that_change_on_the_way_are_widened():
    narrow = [axdr.encode_structure([axdr.encode_unsigned(number)]) for number in range(20)]
    wide = [axdr.encode_structure([axdr.encode_long64_unsigned((1 << 64) - 1)])] * 20
    floats = [axdr.encode_structure([axdr.encode_float64(0.5)])] * 20
    texts = [axdr.encode_structure([axdr.encode_visible_string("x")])] * 20
    other = ProfileColumn(ObisCode(0, 0, 96, 1, 0), 1, 2)
    for rows, code in ((narrow, "B"), (narrow + wide, "Q"), (narrow + floats, "d")):
        values = columns_of(axdr.encode_array(rows), layout(other)).columns[0].values
        assert values.typecode == code
        assert values[3] == 3
    mixed = columns_of(axdr.encode_array(narrow + texts), layout(other))
    assert mixed.to_arrow().column(0).to_pylist()[-1] == "x"


def test_integers_that_no_type_of_eight_octets_has_become_floats():
    negative = [axdr.encode_structure([axdr.encode_long64(-1)])] * 20
    most = [axdr.encode_structure([axdr.encode_long64_unsigned((1 << 64) - 1)])] * 20
    other = ProfileColumn(ObisCode(0, 0, 96, 1, 0), 1, 2)
    values = columns_of(axdr.encode_array(negative + most), layout(other)).columns[0].values
    assert (values.typecode, values[0], values[39]) == ("d", -1.0, 2.0**64)


def test_octets_among_texts_are_told_in_hex():
    cells = [axdr.encode_octet_string(b"\x00\x01"), axdr.encode_visible_string("x"), b"\0"]
    shape = layout(ProfileColumn(ObisCode(0, 0, 96, 1, 0), 1, 2))
    table = columns_of(axdr.encode_array([axdr.encode_structure([cell]) for cell in cells]), shape).to_arrow()
    assert table.schema.types == [pyarrow.string()]
    assert table.column(0).to_pylist() == ["0001", "x", "x"]  # null-data repeats


def test_local_times_and_hundredths_keep_what_they_are():
    local = [row(datetime(2026, 3, 1, number), number) for number in range(9)]
    table = columns_of(axdr.encode_array(local), layout(deviation=-60)).to_arrow()
    assert table.schema.field("time").type == pyarrow.timestamp("s")
    assert table["time"][3].as_py() == datetime(2026, 3, 1, 3)
    fine = [row(BEGIN.replace(microsecond=250_000), 1)]
    table = columns_of(axdr.encode_array(fine), layout()).to_arrow()
    assert table.schema.field("time").type == pyarrow.timestamp("ms", "UTC")
    assert table["time"][0].as_py() == BEGIN.replace(microsecond=250_000)


def test_octets_texts_and_booleans_have_types_of_their_own():
    shape = layout(STATUS, *(ProfileColumn(ObisCode(0, 0, 96, 1, e), 1, 2) for e in range(3)))
    cells = [
        axdr.encode_unsigned(0x80),
        axdr.encode_octet_string(b"\x00\x01"),
        axdr.encode_boolean(True),
        axdr.encode_bit_string(axdr.BitString.from_text("101")),
    ]
    table = columns_of(axdr.encode_array([axdr.encode_structure(cells)] * 5), shape).to_arrow()
    assert table.schema.types == [pyarrow.uint8(), pyarrow.binary(), pyarrow.bool_(), pyarrow.string()]
    assert table.slice(4).to_pylist()[0] == {
        "0-0:96.10.1": 0x80,
        "0-0:96.1.0": b"\x00\x01",
        "0-0:96.1.1": True,
        "0-0:96.1.2": "101",
    }


def test_no_rows_are_an_empty_table():
    table = columns_of(axdr.encode_array([]), layout()).to_arrow()
    assert table.num_rows == 0
    assert table.column_names == ["time", "1-0:1.8.0"]


def test_a_column_is_chosen_by_code_number_or_itself():
    extended = ProfileColumn(ENERGY.obis, 4, 2)
    columns = (CLOCK, ENERGY, extended)
    choices = (extended, ObisCode.CLOCK, 3, "1-0:1.8.0*255", "4/1-0:1.8.0*255/2", scaled(-3))
    assert choose(columns, choices) == (2, 0, 2, 1, 2, 1)


@pytest.mark.parametrize(
    "choice", ["energy", 0, 4, ObisCode(1, 0, 2, 8, 0), ProfileColumn(ENERGY.obis, 5, 2)]
)
def test_a_choice_that_names_no_column_is_told_with_those_there_are(choice):
    with pytest.raises(ProtocolFault) as caught:
        choose((CLOCK, ENERGY, STATUS), [choice])
    assert caught.value.error.kind is ErrorKind.STATE
    known = "it has 1 0-0:1.0.0, 2 1-0:1.8.0, 3 0-0:96.10.1"
    assert caught.value.error.message == f"the profile has no column {choice}; {known}"


def test_columns_of_one_name_and_a_second_clock_are_all_there():
    other_clock = ProfileColumn(ObisCode(0, 1, 1, 0, 0), 8, 2)
    extended = ProfileColumn(ENERGY.obis, 4, 2)
    shape = layout(CLOCK, ENERGY, extended, ENERGY, other_clock)
    time = datetime(2026, 3, 1, 12, tzinfo=WINTER)
    number = axdr.encode_double_long_unsigned
    cells = [axdr.encode_octet_string(clock(time)), number(1), number(2), number(3)]
    cells.append(axdr.encode_octet_string(clock(time + timedelta(hours=1))))
    told = columns_of(axdr.encode_array([axdr.encode_structure(cells)]), shape)

    (row_,) = told.to_rows()
    assert row_.values[1:4] == (1, 2, 3)
    assert row_.values[4] == datetime(2026, 3, 1, 12, tzinfo=UTC)
    names = ["time", "1-0:1.8.0", "4/1-0:1.8.0*255/2", "3/1-0:1.8.0*255/2", "0-1:1.0.0"]
    assert told.to_arrow().column_names == names
