"""Profiles over lines: a sign of life between two rows, rows that are none in a fleet."""

import anyio
import pytest

from meterkit import ErrorKind, Ok
from meterkit.emulator.dlms import ProfileConfiguration, ProfileOddity
from meterkit.fleet import ReadPlan
from tests.dlms.profile.rig import odd_meter
from tests.dlms.rig import connected
from tests.fleet.fleet_rig import Site, dlms
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio
RECEIVE_READY = 0x01  # low bits of an RR's control octet
PLAN = ReadPlan.model_validate({"dlms": {"registers": ["1-0:1.8.0"], "load_profile": [{"first_days": 2}]}})


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def controls(log):
    """Return the control octets of the frames sent that have one-octet addresses."""
    return [octets[5] for _, octets in log]


@pytest.mark.parametrize("pause", [50, 200], ids=["one beat", "several beats"])
async def test_a_sign_of_life_goes_between_two_rows_and_the_stream_goes_on(pause):
    emulator = odd_meter(interface="hdlc")
    async with connected(emulator, keep_alive_interval=40) as (client, wire):
        whole = (await client.load_profile().collect()).unwrap()
        stream = client.load_profile()
        rows = []
        async for item in stream:
            rows.append(item.unwrap())
            if len(rows) in (10, 290):
                sent = len(wire.log)
                await anyio.sleep(pause)
                beats = controls(wire.log[sent:])
                assert len(beats) >= pause // 50
                assert all(control & 0x0F == RECEIVE_READY for control in beats)
        assert rows == whole
        assert client.is_connected


async def test_a_sign_of_life_that_finds_the_meter_gone_leaves_a_position_to_go_on_from():
    emulator = odd_meter(interface="hdlc")
    async with connected(emulator, keep_alive_interval=40) as (client, _):
        whole = (await client.load_profile().collect()).unwrap()
        stream = client.load_profile()
        first = [(await anext(stream)).unwrap() for _ in range(20)]
        emulator.faults.silent = True
        await anyio.sleep(200)
        assert not client.is_connected
        position = stream.position
        emulator.faults.silent = False
        (await client.connect()).unwrap()
        rest = (await client.load_profile(position=position).collect()).unwrap()
    assert first + rest == whole


async def test_a_fleet_delivers_the_good_rows_and_calls_the_section_partly_read():
    site = Site()
    for host, oddities in (("odd", {ProfileOddity.CLOCK_IMPOSSIBLE}), ("even", set())):
        site.add_dlms(host, profile=ProfileConfiguration(rows=96, oddities=frozenset(oddities)))
    async with site.fleet() as fleet:
        reports = {one.meter: one for one in await fleet.run(PLAN, [dlms("odd"), dlms("even")]).collect()}
    sections = {one.name: one for one in reports["odd"].sections}
    assert {name: one.outcome.value for name, one in sections.items()} == {
        "registers": "read",
        "profile/1-0:99.1.0": "partly",
    }
    error = sections["profile/1-0:99.1.0"].error
    assert error.kind is ErrorKind.DECODE
    assert "month 13 came" in error.message
    times = [{one.time for one in reports[name].data if one.interval} for name in ("odd", "even")]
    assert times[0] < times[1]
    left_out = len(times[1] - times[0])
    assert error.message.endswith(f"{left_out} rows were left out")
    assert reports["even"].outcome.value == "read"


async def test_every_stretch_is_read_although_one_before_has_rows_that_are_none():
    async with connected(odd_meter(ProfileOddity.CLOCK_IMPOSSIBLE)) as (client, _):
        whole = client.load_profile()
        good = [item.value async for item in whole if isinstance(item, Ok)]
        first, rest = good[0].time, good[100].time
        early = client.load_profile(until=rest)
        late = client.load_profile(since=rest)
        halves = [[one.value async for one in half if isinstance(one, Ok)] for half in (early, late)]
    assert halves[0] + halves[1][1:] == good
    assert first < rest
    assert early.rows_left_out + late.rows_left_out == whole.rows_left_out
