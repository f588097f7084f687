"""Fleets with SQLite behind them, whose threads know no virtual time: what is on disk, what is filled."""

from datetime import timedelta

import pytest

from meterkit.fleet import Outcome, ReadPlan
from meterkit.fleet.checkpoints import SqliteCheckpoints
from meterkit.fleet.coverage import Coverage, Expected
from meterkit.fleet.gaps import find_gaps
from meterkit.fleet.sinks import open_sink
from tests.fleet.fleet_rig import BEGIN, SMALL, Site, dlms, psem

pytestmark = pytest.mark.anyio

PROFILES = ReadPlan.model_validate(
    {
        "psem": {"load_profile": [{"data_set": 1, "first_days": 0.25}]},
        "dlms": {"load_profile": [{"first_days": 0.25}]},
    }
)
CHANNELS = {"p": "LP1/ch0", "d": "profile/1-0:99.1.0/1-0:1.8.0"}


@pytest.fixture
def site():
    site = Site()
    site.clock = lambda: BEGIN
    site.add_psem("p", mode="demand_plus_load_profile", load_profile=SMALL, seed=4)
    site.add_dlms("d", seed=4)
    return site


def both():
    return [psem("p"), dlms("d")]


async def test_what_was_read_is_on_disk_when_the_loop_ends_and_the_next_run_goes_on(site, tmp_path):
    for expected in (24, 0):
        sink = open_sink(f"sqlite:{tmp_path / 'readings.db'}")
        checkpoints = SqliteCheckpoints(tmp_path / "checkpoints.db")
        async with site.fleet(sink=sink, checkpoints=checkpoints) as fleet:
            reports = await fleet.run(PROFILES, both()).collect()
            assert fleet.pipeline.counts.written == sum(report.readings for report in reports)
            window = BEGIN - timedelta(hours=6), BEGIN
            wanted = [Expected(meter, channel, 900) for meter, channel in CHANNELS.items()]
            coverage = await Coverage.of(sink, *window, wanted, now=BEGIN)
        assert {report.outcome for report in reports} == {Outcome.READ}
        assert [tally.received for tally in coverage.by_meter().values()] == [24, 24]
        assert all((report.readings > 0) == (expected > 0) for report in reports)
        assert all(report.data == () for report in reports)


async def test_coverage_finds_what_backfill_reads(site, tmp_path):
    sink = open_sink(f"sqlite:{tmp_path / 'readings.db'}")
    window = BEGIN - timedelta(hours=6), BEGIN
    wanted = [Expected(meter, channel, 900) for meter, channel in CHANNELS.items()]
    late = ReadPlan.model_validate(
        {name: {"load_profile": [{"first_days": 1 / 12}]} for name in ("psem", "dlms")}
    )
    async with site.fleet(sink=sink) as fleet:
        await fleet.run(late, both()).collect()
        coverage = await Coverage.of(sink, *window, wanted, now=BEGIN)
        assert [tally.missing for tally in coverage.by_meter().values()] == [16, 16]
        await fleet.backfill(PROFILES, both(), find_gaps(coverage)).collect()
        coverage = await Coverage.of(sink, *window, wanted, now=BEGIN)
    assert [tally.missing for tally in coverage.by_meter().values()] == [0, 0]
