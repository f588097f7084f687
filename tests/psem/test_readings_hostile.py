"""Every reading of meters whose tables lie: a value or an Err, in bounded memory, and the session goes on."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from meterkit.codec.layout import InvalidTime, plain
from meterkit.errors import ErrorKind
from meterkit.psem.tables import (
    ActRegs,
    CurrentRegData,
    GeneralMfgId,
    HistoryLogData,
    MepDeviceData,
    SelfReadData,
    TableData,
    TableRegistry,
)
from meterkit.psem.tables.names import PENDING
from meterkit.result import Err, Ok
from tests.psem.readings.meters import american_meter, osgp_meter
from tests.psem.rig import connected
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

MAKERS = {
    "2.10": lambda: osgp_meter("2.10"),
    "3.70": lambda: osgp_meter("3.70"),
    "4.30": lambda: osgp_meter("4.30"),
    "american": american_meter,
}
ALL_TABLES = list(TableRegistry())
SESSION_LIMITS = 2099  # ET51 also rules the emulated session
MEMORY = 4_000_000  # octets


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


# ---------------------------------------------------------------- what is done to octets, and what is asked
def noise(random, octets):
    return random.randbytes(len(octets))


def cut(random, octets):
    return octets[: random.randrange(len(octets) + 1)]


def flipped(random, octets):
    changed = bytearray(octets)
    for _ in range(random.randrange(1, 6) if octets else 0):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def edges(random, octets):
    """Put in month 13, year 99, BCD nibbles that are no digits, the largest and smallest numbers."""
    changed = bytearray(octets)
    for _ in range(random.randrange(1, 5) if octets else 0):
        changed[random.randrange(len(changed))] = random.choice([0, 1, 13, 99, 0x7F, 0x80, 0xF0, 0xFF])
    return bytes(changed)


def full(random, octets):
    return b"\xff" * len(octets)


def blank(random, octets):
    return bytes(len(octets))


def longer(random, octets):
    return octets + random.randbytes(random.randrange(1, 300))


MUTATIONS = (noise, cut, flipped, edges, full, blank, longer)


def questions(client, is_osgp):
    """Yield every question that a client answers, as (name, call)."""
    aware, naive = datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 9)
    yield "identity", client.identity
    yield "registers", client.registers
    yield "self_reads", lambda: client.self_reads(naive)
    yield "instantaneous", client.instantaneous
    yield "events", lambda: client.events(aware if is_osgp else naive)
    yield "alarms", client.alarms
    yield "mbus", client.mbus
    yield "clock", lambda: client.clock(timedelta(hours=1))
    yield "set_date_time", lambda: client.procedures.set_date_time(naive)
    yield "pending", lambda: client.procedures.activate_specific_pending_tables(aware)
    for number in (1, 4):
        yield f"load_profile {number}", lambda number=number: first_rows(client.load_profile(number))
    for table in ALL_TABLES:
        yield f"read {table.label()}", lambda table=table: client.read(table)
        yield f"decode {table.label()}", lambda table=table: decoded(client, table.number)
        yield f"stream {table.label()}", lambda table=table: first_rows(client.stream_table(table.number))


async def first_rows(stream):
    """Return the first item that is an Err, else an Ok."""
    count = 0
    async for item in stream:
        count += 1
        if isinstance(item, Err) or count == 20:
            return item
    return Ok(None)


async def decoded(client, number):
    octets = await client.read_table(number)
    return await client.decode(octets.value) if isinstance(octets, Ok) else octets


@pytest.mark.parametrize("seed", range(48))
async def test_no_lie_of_a_table_raises_or_ends_the_session(seed):
    random = Random(seed)
    maker = random.choice(list(MAKERS))
    meter = MAKERS[maker]()
    declared = [table.number for table in ALL_TABLES if table.number in meter.tables]
    lies = random.sample([n for n in declared if n != SESSION_LIMITS], random.choice([1, 1, 2, 4]))
    for number in lies:
        meter.tables.write_table(number, random.choice(MUTATIONS)(random, meter.tables[number]))
    if random.random() < 0.3:
        meter.faults.refused_services = {"READ_FULL": "OPERATION_NOT_POSSIBLE"}
    told = f"seed {seed}: {maker}, tables {lies}"
    async with connected(meter, procedure_polls=2) as (client, _):
        asked = list(questions(client, maker != "american"))
        for name, ask in random.sample(asked, 16):
            answer = await ask()
            assert isinstance(answer, Ok | Err), f"{told}: {name}"
            assert client.is_connected, f"{told}: {name}: {answer}"


@pytest.mark.parametrize("maker", MAKERS)
async def test_a_table_that_does_not_decode_leaves_the_session_as_it_was(maker):
    meter = MAKERS[maker]()
    meter.tables.write_table(23, meter.tables[23][:-1])
    async with connected(meter) as (client, _):
        wrong = await client.registers()
        assert isinstance(wrong, Err)
        assert wrong.error.kind is ErrorKind.DECODE
        assert wrong.error.where.startswith("BT23 ")
        assert "octets expected" in wrong.error.message
        assert not wrong.error.has_ended_session
        assert (await client.read(GeneralMfgId)).is_success
        assert (await client.identity()).is_success


@pytest.mark.parametrize("maker", MAKERS)
async def test_any_octets_decode_as_any_table_or_are_an_error(maker):
    random, meter = Random(maker), MAKERS[maker]()
    async with connected(meter) as (client, _):
        for table in ALL_TABLES:
            here = meter.tables[table.number] if table.number in meter.tables else random.randbytes(60)
            for number in (table.number, table.number | PENDING):
                for mutate in MUTATIONS:
                    data = TableData(number, mutate(random, bytes(6) * (number != table.number) + here))
                    answer = await client.decode(data)
                    told = f"{maker}: {data.display_name} {data.data[:40].hex()}"
                    if isinstance(answer, Ok) and answer.value is not None:
                        assert repr(answer.value), told
                        assert plain(answer.value), told
                    else:
                        assert isinstance(answer, Ok) or not answer.error.has_ended_session, told


# ---------------------------------------------------------------- dimensions
@pytest.mark.parametrize(
    ("dimensions", "table", "kind"),
    [
        (21, CurrentRegData, ErrorKind.DECODE),
        (21, SelfReadData, ErrorKind.DECODE),
        (71, HistoryLogData, ErrorKind.DECODE),
        (2059, MepDeviceData, ErrorKind.REFUSED),  # 255 entries of 65535 octets would just be possible
    ],
)
@pytest.mark.parametrize("refused", [False, True])
async def test_dimensions_that_claim_everything_take_no_memory(dimensions, table, kind, refused):
    meter = osgp_meter("3.70", read_past_end="onp")
    meter.tables.write_table(dimensions, b"\xff" * len(meter.tables[dimensions]))
    if refused:
        meter.faults.refused_services = {"READ_FULL": "OPERATION_NOT_POSSIBLE"}
    async with connected(meter) as (client, _):
        (await client.identity()).unwrap()
        tracemalloc.start()
        try:
            wrong = await client.read(table)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert isinstance(wrong, Err)
        assert wrong.error.kind is kind
        assert peak < MEMORY
        assert (await client.identity()).is_success


async def test_a_table_whose_format_nobody_knows_can_still_be_had_as_octets():
    meter = american_meter()
    config = bytearray(meter.tables[0])
    config[1] |= 7  # TM_FORMAT 7
    meter.tables.write_table(0, bytes(config))
    async with connected(meter) as (client, _):
        wrong = await client.clock()
        assert isinstance(wrong, Err)
        assert "LTIME_DATE has no format 7" in wrong.error.message
        assert (await client.read_table(52)).unwrap().data == meter.tables[52]
        chunks = [chunk.unwrap() async for chunk in client.stream_table(52, chunk_size=1)]
        assert b"".join(chunks) == meter.tables[52]
        never = await client.procedures.activate_specific_pending_tables(datetime(2026, 5, 1, tzinfo=UTC))
        assert isinstance(never, Err)
        assert never.error.kind is ErrorKind.STATE
        assert "TM_FORMAT 7" in never.error.message


async def test_a_meter_without_a_clock_has_demands_without_times():
    meter = american_meter()
    config = bytearray(meter.tables[0])
    config[1] &= 0xF8  # TM_FORMAT 0: times take no octets, though ST21 says that demands have them
    meter.tables.write_table(0, bytes(config))
    meter.tables.write_table(23, bytes(1 + 2 * 20))
    meter.tables.write_table(26, bytes(6) + bytes(2 * (2 + 1 + 1 + 2 * 20)))
    async with connected(meter) as (client, _):
        assert (await client.read(ActRegs)).unwrap().date_time_field_flag
        registers = (await client.registers()).unwrap()
        assert {value.time for value in registers.values} == {None}
        assert (await client.self_reads()).is_success
        clock = (await client.clock()).unwrap()
        assert clock.time is None
        assert clock.problem == "the clock shows no time"


# ---------------------------------------------------------------- single values that are none
async def test_month_13_and_year_99_are_marked_where_they_stand():
    async with connected(american_meter(st52="63 0c 1f 17 3b 3b 02")) as (client, _):
        last = (await client.clock(timedelta(0))).unwrap()
        demands = [one for one in (await client.registers()).unwrap().tier(1) if one.time is not None]
    assert last.shown == datetime(2099, 12, 31, 23, 59, 59)
    assert last.time == datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert [type(one.time) for one in demands] == [InvalidTime]
    assert "1a 0d" in demands[0].problem
    assert demands[0].value is not None  # the value itself is good


async def test_a_clock_past_the_calendars_end_is_none_and_says_why():
    meter = american_meter()
    config = bytearray(meter.tables[0])
    config[1] = config[1] & 0xF8 | 3  # minutes since 1970, in 32 bits
    meter.tables.write_table(0, bytes(config))
    meter.tables.write_table(52, b"\xff\xff\xff\xff\x3b" + b"\x07")
    meter.tables.write_table(53, bytes(8))
    async with connected(meter) as (client, _):
        clock = (await client.clock(timedelta(hours=-23))).unwrap()
    assert clock.time is None
    assert clock.problem


async def test_a_repeated_hour_is_told_apart_by_the_daylight_saving_bit():
    # 01:30 comes twice on 2026-11-01.  ST53: 60 minutes of saving, 300 west; the qualifier says what applies.
    times = []
    for saving in ("68", "20"):
        meter = american_meter(st52="1a0b01011e00 " + saving, st53="020000 3c fed4")
        async with connected(meter) as (client, _):
            times.append((await client.clock()).unwrap())
    first, second = times
    assert first.shown == second.shown == datetime(2026, 11, 1, 1, 30)
    assert (first.is_dst, second.is_dst) == (True, False)
    assert first.time == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert second.time == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
