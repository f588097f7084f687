"""Event logs with names, billing snapshots with times: rows of profiles as people mean them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from meterkit import Err, ErrorKind, MeterError, ObisCode
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.readings.event_names import event_name, is_event_log, log_name
from tests.dlms.rig import NOW, connected, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

STANDARD, FRAUD, SWITCH = (ObisCode(0, 0, 99, 98, e) for e in range(3))


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def test_events_come_oldest_first_with_times_and_names():
    async with connected() as (client, _):
        events = (await client.events()).unwrap()

    assert len(events) == 50
    assert [one.time for one in events] == sorted(one.time for one in events)
    assert {(one.code, one.name) for one in events} == {(1, "power down"), (2, "power up")}
    assert all(one.time.tzinfo is UTC and one.log == STANDARD and one.values == {} for one in events)


async def test_events_since_a_time_are_those_at_and_after_it():
    async with connected() as (client, _):
        everything = (await client.events()).unwrap()
        newest = (await client.events(since=everything[-3].time)).unwrap()
        none = (await client.events(since=NOW + timedelta(days=1))).unwrap()

    assert newest == everything[-3:]
    assert none == ()


async def test_what_is_switched_is_in_the_disconnectors_log():
    async with connected(manager=True) as (client, _):
        assert (await client.events(SWITCH)).unwrap() == ()
        (await client.disconnect_supply()).unwrap()
        (await client.reconnect_supply()).unwrap()
        events = (await client.events("0-0:99.98.2")).unwrap()

    assert [(one.code, one.name, one.time) for one in events] == [
        (62, "disconnected remotely", NOW),
        (63, "connected remotely", NOW),
    ]


async def test_every_log_of_the_meter_is_found_in_its_view():
    async with connected() as (client, _):
        logs = (await client.event_logs()).unwrap()
        fraud = (await client.events(logs[1])).unwrap()

    assert logs == (STANDARD, FRAUD, SWITCH)
    assert [one.name for one in fraud] == ["terminal cover removed", "terminal cover closed"]


async def test_a_log_that_the_meter_has_not_is_refused():
    async with connected() as (client, _):
        assert (await client.events("0-0:99.98.9")).error.code == 4


@pytest.mark.parametrize(
    ("log", "code", "name"),
    [
        (STANDARD, 255, "event log cleared"),
        (STANDARD, 47, "parameters changed"),
        (STANDARD, 77, ""),
        (SWITCH, 1, ""),
        (ObisCode(0, 0, 99, 98, 3), 112, "M-Bus device 2: replace battery"),
        (ObisCode(0, 0, 99, 98, 77), 1, ""),
        (ObisCode(1, 0, 99, 97, 0), 1, ""),
    ],
)
def test_a_code_has_a_name_in_its_own_log_only(log, code, name):
    assert event_name(log, code) == name


def test_logs_are_told_by_their_names():
    assert [log_name(one) for one in (STANDARD, FRAUD, SWITCH)] == [
        "standard",
        "fraud detection",
        "disconnector control",
    ]
    assert log_name(ObisCode(1, 0, 99, 97, 0)) == "power failures"
    assert log_name(ObisCode.LOAD_PROFILE) == ""
    assert not is_event_log(ObisCode.LOAD_PROFILE)


async def test_billing_tells_the_registers_at_the_end_of_each_month():
    async with connected() as (client, _):
        snapshots = (await client.billing()).unwrap()

    first, last = snapshots[0], snapshots[-1]
    assert last.time == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert last.clock.time.hour == 0
    assert [one.time for one in snapshots] == sorted(one.time for one in snapshots)
    energy = last["1-0:1.8.0"]
    assert (energy.unit, energy.words) == (Unit.WATT_HOUR, "active energy import, total")
    assert energy.value == Decimal(energy.raw) > first["1-0:1.8.0"].value
    assert [str(one.obis) for one in last.values] == [f"1-0:{c}.8.0*255" for c in (1, 2, 3, 4)]
    with pytest.raises(KeyError, match=r"1-0:9\.8\.0"):
        last["1-0:9.8.0"]


class BrokenOff:
    """A profile whose rows end in an error after so many."""

    def __init__(self, stream, rows):
        self._stream, self._rows = stream, rows

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self._rows < 0:
            raise StopAsyncIteration
        self._rows -= 1
        if self._rows < 0:
            return Err(MeterError(ErrorKind.TIMEOUT, "no answer"))
        return await anext(self._stream)


def broken_off(client, rows):
    """Let every profile of a client break off after so many rows."""
    load_profile = client.load_profile
    client.load_profile = lambda *which, **how: BrokenOff(load_profile(*which, **how), rows)
    return client


@pytest.mark.parametrize("kind", ["events", "billing"])
async def test_where_the_reading_breaks_off_the_good_ones_are_kept_with_the_error(kind):
    async with connected() as (client, _):
        whole = (await getattr(client, kind)()).unwrap()
        assert whole.error is None
        read = getattr(broken_off(client, 2), kind)
        part = (await read()).unwrap()
    assert part == whole[:2]
    assert part.error.kind is ErrorKind.TIMEOUT


@pytest.mark.parametrize("kind", ["events", "billing"])
async def test_where_there_is_not_even_one_the_error_is_all(kind):
    async with connected() as (client, _):
        read = getattr(broken_off(client, 0), kind)
        assert (await read()).error.kind is ErrorKind.TIMEOUT


async def test_billing_of_a_span_of_time():
    async with connected() as (client, _):
        september, october = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 15, tzinfo=UTC)
        snapshots = (await client.billing(since=september, until=october)).unwrap()

    assert [one.time.month for one in snapshots] == [9]


async def test_a_meter_without_billing_says_which_profile_it_lacks():
    emulator = meter()
    emulator.device.objects[:] = [
        one for one in emulator.device.objects if one.obis != ObisCode.BILLING_PROFILE
    ]
    async with connected(emulator) as (client, _):
        missing = await client.billing()

    assert missing.error.code == 4
    assert "0-0:98.1.0" in str(missing.error)
