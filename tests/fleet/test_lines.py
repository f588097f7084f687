"""Meters behind one socket: one at a time, over a line that is dialled once."""

import pytest

from meterkit.emulator.shared_line import SharedLine
from meterkit.fleet import MeterEntry, RetryPolicy
from tests.fleet.fleet_rig import ONE_TABLE, QUICK, Site, outcomes
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def bus(site, count, host="bus", **changes):
    """Put `count` PSEM meters on one line, told apart by their identity."""
    meters = [site.add_psem(host, identity=n + 1, serial_number=str(n), **changes) for n in range(count)]
    site.meters[host] = SharedLine(host, meters)
    return meters


def on_bus(number, host="bus", **settings):
    return MeterEntry(id=f"m{number}", url=f"psem+tcp://{host}:1153?identity={number}", **settings)


async def test_the_meters_of_one_line_are_read_one_after_another_over_one_connection():
    site = Site()
    bus(site, 5)
    async with site.fleet() as fleet:
        reports = [r async for r in fleet.run(ONE_TABLE, [on_bus(n) for n in range(1, 6)])]
    assert [(r.meter, r.outcome.value) for r in reports] == [(f"m{n}", "read") for n in range(1, 6)]
    assert len(site.dialled) == 1
    assert site.most_lines == 1
    serials = [r.data[0].value for r in reports]
    assert len(set(serials)) == 5


async def test_wrapper_and_hdlc_meters_share_a_line_too():
    site = Site()
    wrapper = [site.add_dlms("w", logical_device=n, serial_number=str(n)) for n in (1, 2, 3)]
    site.meters["w"] = SharedLine("w", wrapper)
    hdlc = [
        site.add_dlms("h", interface="hdlc", hdlc={"physical_address": 16 + n}, serial_number=str(n))
        for n in (1, 2, 3)
    ]
    site.meters["h"] = SharedLine("h", hdlc)
    meters = [MeterEntry(id=f"w{n}", url=f"dlms+tcp://w:4059?server={n}") for n in (1, 2, 3)]
    meters += [
        MeterEntry(id=f"h{n}", url=f"dlms+hdlc+tcp://h:4059?server_physical_address={16 + n}")
        for n in (1, 2, 3)
    ]
    async with site.fleet() as fleet:
        reports = await fleet.run(ONE_TABLE, meters).collect()
    assert set(outcomes(reports).values()) == {"read"}
    assert sorted(host for _, host in site.dialled) == ["h", "w"]


async def test_a_silent_meter_on_the_line_costs_only_its_own_time():
    site = Site()
    meters = bus(site, 3)
    meters[1].faults.silent = True
    async with site.fleet() as fleet:
        reports = await fleet.run(ONE_TABLE, [on_bus(n) for n in (1, 2, 3)]).collect()
    assert outcomes(reports) == {"m1": "read", "m2": "failed", "m3": "read"}


async def test_a_line_that_breaks_is_dialled_again_for_the_next_meter():
    site = Site()
    meters = bus(site, 3)
    meters[1].faults.hang_up_after = 2
    async with site.fleet(retries=RetryPolicy(backoff=5)) as fleet:
        reports = await fleet.run(ONE_TABLE, [on_bus(n) for n in (1, 2, 3)]).collect()
    assert set(outcomes(reports).values()) == {"read"}
    assert {r.meter: r.attempts for r in reports} == {"m1": 1, "m2": 2, "m3": 1}
    assert site.most_lines == 1


async def test_meters_with_the_same_line_settings_follow_each_other():
    site = Site()
    bus(site, 4)
    odd, even = "", "&connect_timeout=5"
    meters = [
        MeterEntry(id=f"m{n}", url=f"psem+tcp://bus:1153?identity={n}{(odd, even)[n % 2]}")
        for n in range(1, 5)
    ]
    async with site.fleet() as fleet:
        reports = [r async for r in fleet.run(ONE_TABLE, meters)]
    assert [r.meter for r in reports] == ["m1", "m3", "m2", "m4"]
    assert len(site.dialled) == 2


async def test_two_runs_at_once_still_have_the_line_one_at_a_time():
    site = Site()
    bus(site, 4)
    async with site.fleet(limits=QUICK) as fleet:
        first = fleet.run(ONE_TABLE, [on_bus(n) for n in (1, 2)])
        second = fleet.run(ONE_TABLE, [on_bus(n) for n in (3, 4)])
        reports = await first.collect() + await second.collect()
    assert set(outcomes(reports).values()) == {"read"}
    assert site.most_lines == 1
    assert len(site.dialled) == 2
