"""load_profile on the emulated meter: by time, by number, whole; the same rows whatever the meter does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import anyio
import pytest

from meterkit import DlmsClient, ErrorKind, ObisCode
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.profile.status import ProfileStatus
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.emulator.dlms.profile_oddities import ProfileOddity as Odd
from tests.dlms.profile.rig import collected, odd_meter
from tests.dlms.rig import NOW, connected, line, meter, options
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio
SINCE, UNTIL = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOCK_IN_THE_MIDDLE = ("1-0:1.8.0", "0-0:1.0.0", "0-0:96.10.1", "1-0:32.7.0")
ODDITIES = [
    (),
    (Odd.RANGE_REFUSED,),
    (Odd.RANGE_IGNORED,),
    (Odd.RANGE_REFUSED, Odd.ENTRY_REFUSED),
    (Odd.RANGE_REFUSED, Odd.ENTRY_IGNORED),
    (Odd.ENTRY_REFUSED,),
    (Odd.ENTRY_IGNORED,),
    (Odd.ENTRY_REFUSED, Odd.RANGE_IGNORED),
    (Odd.NEWEST_FIRST,),
    (Odd.NEWEST_FIRST, Odd.RANGE_REFUSED),
    (Odd.NEWEST_FIRST, Odd.RANGE_REFUSED, Odd.ENTRY_REFUSED),
    (Odd.COMPACT_ARRAY,),
    (Odd.DIFFERENCES,),
    (Odd.DIFFERENCES, Odd.RANGE_REFUSED),
    (Odd.COUNT_HIDDEN,),
    (Odd.COUNT_HIDDEN, Odd.RANGE_REFUSED),
    (Odd.COLUMNS_IGNORED,),
    (Odd.COLUMNS_REFUSED,),
]


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def name_of(oddities):
    return "+".join(one.value for one in oddities) or "none"


async def read(emulator, **wish):
    async with connected(emulator) as (client, _):
        stream = client.load_profile(**wish)
        return (await stream.collect()).unwrap(), stream


@pytest.fixture(scope="module")
def plain():
    """The rows of a meter without oddities."""

    async def rows():
        return (await read(odd_meter()))[0]

    return anyio.run(rows)


def test_rows_have_times_values_and_status(plain):
    assert len(plain) == 300
    assert {b.time - a.time for a, b in pairwise(plain)} == {timedelta(minutes=15)}
    last = plain[-1]
    assert last.time == datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
    assert last.values[0] == last.time
    assert last.values[2:] == last.raw[2:]
    assert last.clock.to_datetime() == last.time
    assert last.status == ProfileStatus(0) == last.values[1]
    assert any(row.values[1] is ProfileStatus.POWER_DOWN for row in plain) == any(row.status for row in plain)


@pytest.mark.parametrize("oddities", ODDITIES, ids=name_of)
@pytest.mark.parametrize("null_data", [False, True], ids=["full", "null"])
async def test_every_way_gives_the_same_rows(plain, oddities, null_data):
    if null_data and Odd.COMPACT_ARRAY in oddities:
        null_data = False  # a compact array has one type for each column
    rows, _ = await read(odd_meter(*oddities, null_data=null_data))
    assert rows == plain


@pytest.mark.parametrize("oddities", ODDITIES, ids=name_of)
async def test_every_way_gives_the_same_span_of_time(plain, oddities):
    rows, _ = await read(odd_meter(*oddities), since=SINCE, until=UNTIL)
    assert rows == [row for row in plain if SINCE <= row.time <= UNTIL]
    assert len(rows) == 49


@pytest.mark.parametrize("oddities", ODDITIES, ids=name_of)
async def test_every_way_gives_the_columns_asked_for_in_their_order(plain, oddities):
    rows, stream = await read(odd_meter(*oddities), since=SINCE, until=UNTIL, columns=["1-0:2.7.0", 3])
    assert [column.name for column in stream.columns] == ["1-0:2.7.0", "1-0:1.8.0"]
    wanted = [row for row in plain if SINCE <= row.time <= UNTIL]
    assert [(row.time, row.values) for row in rows] == [
        (row.time, (row.values[7], row.values[2])) for row in wanted
    ]


@pytest.mark.parametrize(
    "oddities", [(), (Odd.NEWEST_FIRST,), (Odd.ENTRY_REFUSED,), (Odd.ENTRY_IGNORED,), (Odd.COLUMNS_REFUSED,)]
)
@pytest.mark.parametrize(
    ("entries", "begin", "end"),
    [((1, 5), 0, 5), ((-96, 0), 204, 300), ((290, 0), 289, 300), ((-5, -3), 295, 298)],
)
async def test_entries_are_counted_from_the_oldest_or_the_newest(plain, oddities, entries, begin, end):
    rows, _ = await read(odd_meter(*oddities), entries=entries)
    assert rows == plain[begin:end]


async def test_a_meter_without_selective_access_is_read_whole(plain):
    emulator = odd_meter(conformance=["get", "block-transfer-with-get-or-read"])
    rows, _ = await read(emulator, since=SINCE, until=UNTIL)
    assert rows == [row for row in plain if SINCE <= row.time <= UNTIL]


async def test_the_clock_may_be_in_any_column():
    emulator = odd_meter(columns=CLOCK_IN_THE_MIDDLE)
    rows, stream = await read(emulator, since=SINCE, until=UNTIL)
    assert len(rows) == 49
    assert [row.values[1] for row in rows] == [row.time for row in rows]
    voltage = stream.columns[3]
    assert (voltage.scaler, voltage.unit, voltage.unit.symbol) == (-1, Unit.VOLT, "V")
    assert rows[0].values[3] * 10 == rows[0].raw[3]


async def test_a_profile_without_a_clock_is_read_by_number_and_not_by_time():
    emulator = odd_meter(columns=("1-0:1.8.0", "1-0:2.8.0"))
    rows, _ = await read(emulator)
    assert len(rows) == 300
    assert {row.time for row in rows} == {None}
    async with connected(emulator) as (client, _):
        refused = await client.load_profile(since=SINCE).collect()
    assert refused.error.kind is ErrorKind.STATE
    assert "captures no clock" in refused.error.message


async def test_denied_scalers_leave_raw_values(plain):
    emulator = meter(profile={"rows": 10}, quirks=[DlmsQuirk.SCALER_DENIED])
    rows, stream = await read(emulator)
    assert [row.raw for row in rows] == [row.raw for row in plain[-10:]]
    assert {column.scaler for column in stream.columns} == {None}


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize("short", [False, True], ids=["logical", "short"])
async def test_every_line_and_way_of_naming_brings_them(plain, interface, short):
    emulator = meter(profile={"rows": 300}, interface=interface, short_name_referencing=short)
    rows, _ = await read(emulator, since=SINCE, until=UNTIL)
    assert rows == [row for row in plain if SINCE <= row.time <= UNTIL]


async def test_what_a_profile_is_is_asked_once_a_session():
    emulator = meter(profile={"rows": 300})
    wire = line(emulator)
    async with connected(emulator, wire=wire) as (client, _):
        info = (await client.profile_info()).unwrap()
        first = len(wire.log)
        again = (await client.profile_info("1-0:99.1.0")).unwrap()
        assert len(wire.log) - first == 1
    assert info == again
    assert (info.period, info.entries_in_use, info.profile_entries) == (900, 300, 300)
    assert info.clock == 0
    assert info.columns[2].unit is Unit.WATT_HOUR


async def test_another_session_asks_anew():
    emulator = meter(profile={"rows": 5})
    async with DlmsClient(line(emulator), options(emulator)) as client:
        for _ in range(2):
            (await client.connect()).unwrap()
            before = len(client.transport.log)
            (await client.profile_info()).unwrap()
            assert len(client.transport.log) - before == 2
            await client.disconnect()


async def test_an_event_log_is_a_profile_too():
    emulator = meter()
    rows, stream = await read(emulator, obis=ObisCode.EVENT_LOG)
    assert len(rows) == 50
    assert rows == sorted(rows, key=lambda row: row.time)
    since = rows[20].time
    some, _ = await read(emulator, obis="0-0:99.98.0", since=since)
    assert some == rows[20:]
    assert stream.info.period == 0


async def test_an_empty_profile_has_no_rows():
    rows, stream = await read(odd_meter(rows=0))
    assert rows == []
    assert stream.position is None
    assert len((await read(odd_meter(rows=0), since=SINCE))[0]) == 0


async def test_a_column_that_there_is_not_is_told_with_those_there_are():
    async with connected(odd_meter()) as (client, _):
        refused = await client.load_profile(columns=["1-0:9.9.9"]).prepare()
        assert refused.error.kind is ErrorKind.STATE
        assert "no column 1-0:9.9.9; it has 1 0-0:1.0.0, 2 0-0:96.10.1" in refused.error.message


async def test_a_profile_that_there_is_not_is_refused_in_words():
    async with connected(odd_meter()) as (client, _):
        rows, error = await collected(client.load_profile("1-0:99.9.9"))
    assert rows == []
    assert error.kind is ErrorKind.REFUSED
    assert "profile 1-0:99.9.9*255" in error.where


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({"obis": "x"}, ValueError),
        ({"since": "2026"}, TypeError),
        ({"entries": (0, 1)}, ValueError),
        ({"entries": (5, 2)}, ValueError),
        ({"entries": (1, 2), "since": NOW}, ValueError),
        ({"columns": []}, ValueError),
        ({"columns": "1-0:1.8.0"}, ValueError),
        ({"position": {"obis": "0-0:99.98.0"}}, ValueError),
        ({"position": {"time": 3}}, ValueError),
    ],
)
async def test_what_cannot_be_is_told_before_the_meter_is_asked(arguments, wrong):
    async with connected(odd_meter()) as (client, wire):
        before = len(wire.log)
        with pytest.raises(wrong):
            client.load_profile(**arguments)
        assert len(wire.log) == before


async def test_other_calls_slip_in_between_the_pages():
    async with connected(odd_meter(rows=3000)) as (client, _):
        clocks = 0
        async for row in client.load_profile().values():
            if row.time.hour == row.time.minute == 0:
                (await client.get_attribute(8, ObisCode.CLOCK, 2)).unwrap()
                clocks += 1
    assert clocks == 31
