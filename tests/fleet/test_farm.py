"""A farm over real TCP: mixed meters, one port each and many behind one, some of them broken."""

from collections import Counter

import pytest

from meterkit.emulator.farm import Farm, FarmConfiguration, Trouble
from meterkit.fleet import Fleet, FleetFile, Outcome, ReadPlan, RetryPolicy

pytestmark = pytest.mark.anyio

PLAN = ReadPlan.model_validate(
    {
        "psem": {"registers": True, "load_profile": [{"first_days": 0.5}]},
        "dlms": {"registers": ["1-0:1.8.0"], "load_profile": [{"first_days": 0.5}]},
    }
)


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("METERKIT_PASSWORD", "METERKIT-DEMO-READER")


@pytest.mark.parametrize("per_port", [1, 3])
async def test_a_mixed_fleet_is_read_over_tcp(per_port):
    async with Farm(FarmConfiguration(psem=6, dlms=6, per_port=per_port)) as farm:
        assert farm.nbr_built == 0
        fleet_file = FleetFile.model_validate(farm.fleet_file())
        async with Fleet(limits=fleet_file.limits) as fleet:
            reports = await fleet.run(PLAN, fleet_file.meters).collect()
        assert farm.nbr_ports == 12 // per_port
        assert farm.nbr_built == 12
    assert Counter(report.outcome for report in reports) == {Outcome.READ: 12}
    serials = {report.meter: len(report.data) for report in reports}
    assert len(serials) == 12
    assert all(count > 40 for count in serials.values())


async def test_broken_meters_fail_each_in_its_way_and_the_rest_is_read():
    configuration = FarmConfiguration(psem=4, dlms=4, broken=1.0, seed=3)
    troubles = {meter.id: meter.trouble for meter in configuration.meters()}
    assert set(troubles.values()) == set(Trouble) - {Trouble.NONE, Trouble.SLOW}
    plan = ReadPlan.model_validate(
        {"psem": {"registers": True}, "dlms": {"identity": True, "registers": ["1-0:1.8.0"]}}
    )
    async with Farm(configuration) as farm:
        await farm.build()
        fleet_file = FleetFile.model_validate(farm.fleet_file())
        meters = [
            entry.model_copy(update={"options": {"response_timeout": 0.5, "retries": 0}})
            for entry in fleet_file.meters
        ]
        async with Fleet(limits=fleet_file.limits, retries=RetryPolicy(attempts=1)) as fleet:
            reports = await fleet.run(plan, meters).collect()
    kinds = {(troubles[report.meter], report.error.kind.value) for report in reports}
    assert kinds == {
        (Trouble.REFUSES, "transport"),
        (Trouble.SILENT, "timeout"),
        (Trouble.DROPS, "transport"),
        (Trouble.WRONG_PASSWORD, "security"),
    }


def test_a_seed_makes_the_same_farm():
    one, other = (FarmConfiguration(psem=50, slow=0.2, broken=0.2, seed=seed) for seed in (1, 2))
    assert one.meters() == one.model_copy().meters()
    assert one.meters() != other.meters()
    assert Counter(meter.trouble for meter in one.meters())[Trouble.SLOW] == 10


async def test_meters_that_nobody_talks_to_are_forgotten_and_come_back_the_same():
    async with Farm(FarmConfiguration(psem=6, awake=2)) as farm:
        fleet_file = FleetFile.model_validate(farm.fleet_file())
        plan = ReadPlan.model_validate({"psem": {"tables": ["ST1"]}})
        async with Fleet(limits=fleet_file.limits) as fleet:
            first = await fleet.run(plan, fleet_file.meters).collect()
            again = await fleet.run(plan, fleet_file.meters).collect()
        assert farm.nbr_built <= 3
    values = [{report.meter: report.data[0].value for report in reports} for reports in (first, again)]
    assert values[0] == values[1]
