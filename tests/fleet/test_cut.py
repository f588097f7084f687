"""A run that is cut: a second Ctrl-C waits for nobody."""

import asyncio

import anyio
import pytest

from meterkit.fleet import FleetLimits
from tests.fleet.fleet_rig import ONE_TABLE, Site, outcomes, psem
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.fixture
def site():
    return Site()


async def test_a_run_that_is_cut_waits_for_no_meter(site):
    site.add_psem("silent", faults={"silent": True})
    site.add_psem("next")
    limits = FleetLimits(sessions=1)
    async with site.fleet(limits=limits) as fleet:
        run = fleet.run(ONE_TABLE, [psem("silent"), psem("next")])
        await anyio.sleep(1)
        run.cut()
        reports = await run.collect()
        assert asyncio.get_running_loop().time() == pytest.approx(1, abs=0.5)
    assert outcomes(reports) == {"silent": "failed", "next": "not reached"}
    assert run.stop_reason == "the run was cut"
    assert not site.open_lines
