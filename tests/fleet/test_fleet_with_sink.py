"""Fleets with a sink in memory: gaps filled again, sinks that fail, clocks ahead, secrets by reference."""

from datetime import timedelta

import pytest

from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.fleet import Outcome, ReadPlan, Window
from meterkit.fleet.checkpoints import MemoryCheckpoints
from meterkit.fleet.readings import SinkFault
from tests.dlms.security_rig import BOTH, COUNTER_OBJECT, TITLE, keys, secured_meter
from tests.fleet.fleet_rig import BEGIN, ONE_TABLE, SMALL, Site, dlms, psem
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

PROFILES = ReadPlan.model_validate(
    {
        "psem": {"load_profile": [{"data_set": 1, "first_days": 0.25}]},
        "dlms": {"load_profile": [{"first_days": 0.25}]},
    }
)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.fixture
async def site():
    site = Site()
    site.add_psem("p", mode="demand_plus_load_profile", load_profile=SMALL, seed=4)
    site.add_dlms("d", seed=4)
    return site


def both():
    return [psem("p"), dlms("d")]


class MemorySink:
    """Keeps batches; refuses those that have a reading of `refuses`."""

    name = "memory"

    def __init__(self, refuses=None):
        self.readings, self.refuses = {}, refuses

    async def open(self):
        self.is_open = True

    async def close(self):
        self.is_open = False

    async def write(self, batch):
        if any(reading.meter == self.refuses for reading in batch):
            raise SinkFault("no such meter", is_refusal=True)
        self.readings.update((reading.key, reading) for reading in batch)


async def test_a_gap_is_read_again_and_nothing_else(site):
    sink = MemorySink()
    async with site.fleet(sink=sink) as fleet:
        await fleet.run(PROFILES, both()).collect()
        before = dict(sink.readings)
        hole = [key for key in before if BEGIN - timedelta(hours=3) < key[2] <= BEGIN - timedelta(hours=2)]
        for key in hole:
            del sink.readings[key]
        window = Window("LP1", BEGIN - timedelta(hours=3), BEGIN - timedelta(hours=2))
        (report,) = await fleet.run(PROFILES, both(), windows={"p": [window]}).collect()
        assert (report.meter, report.outcome, report.readings) == ("p", Outcome.READ, 8)
        assert sum(key[0] == "p" for key in hole) == 8
        assert {key for key in before if key[0] == "p"} == {key for key in sink.readings if key[0] == "p"}


async def test_what_a_sink_refuses_holds_the_checkpoint_of_that_meter_alone(site):
    sink, checkpoints = MemorySink(refuses="p"), MemoryCheckpoints()
    async with site.fleet(sink=sink, checkpoints=checkpoints) as fleet:
        await fleet.run(PROFILES, both()).collect()
        assert "no such meter" in fleet.pipeline.held["p"]
        assert fleet.pipeline.counts.given_up > 0
    assert await checkpoints.load("p") == {}
    assert await checkpoints.load("d") == {"profile/1-0:99.1.0": BEGIN}
    sink.refuses = None
    async with site.fleet(sink=sink, checkpoints=checkpoints) as fleet:
        reports = await fleet.run(PROFILES, both()).collect()
    assert {report.meter: report.readings > 0 for report in reports} == {"p": True, "d": False}


async def test_a_sink_that_does_not_open_is_told_before_any_meter_is_called(site):
    class Dead(MemorySink):
        async def open(self):
            raise SinkFault("the database is gone")

    with pytest.raises(SinkFault, match="the database is gone"):
        async with site.fleet(sink=Dead()):
            pass
    assert not site.dialled


async def test_checkpoints_that_cannot_be_read_fail_the_meter_before_it_is_called(site):
    class Broken(MemoryCheckpoints):
        async def load(self, meter):
            raise SinkFault("checkpoints are gone")

    async with site.fleet(checkpoints=Broken()) as fleet:
        reports = await fleet.run(PROFILES, both()).collect()
    assert {report.outcome for report in reports} == {Outcome.FAILED}
    assert "checkpoints are gone" in str(reports[0].error)
    assert not site.dialled


async def test_a_meter_whose_clock_is_ahead_does_not_hide_what_comes_later(site):
    site.meters["d"].set_clock(BEGIN + timedelta(hours=2))
    checkpoints = MemoryCheckpoints()
    async with site.fleet(checkpoints=checkpoints) as fleet:
        (report,) = await fleet.run(PROFILES, [dlms("d")]).collect()
    assert max(reading.time for reading in report.data) > BEGIN
    assert await checkpoints.load("d") == {"profile/1-0:99.1.0": BEGIN}


async def test_a_secured_meter_is_read_with_keys_by_reference(site, monkeypatch):
    site.meters["s"] = secured_meter()
    encryption, authentication = keys()
    monkeypatch.setenv("S_ENCRYPTION", encryption.hex())
    monkeypatch.setenv("S_AUTHENTICATION", authentication.hex())
    entry = dlms(
        "s",
        options={
            "client_address": 1,
            "authentication": AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC.name.lower(),
            "security": BOTH.name.lower(),
            "system_title": TITLE.hex(),
            "counter_object": COUNTER_OBJECT,
        },
        keys={"encryption": "env:S_ENCRYPTION", "authentication": "env:S_AUTHENTICATION"},
    )
    from meterkit.dlms.secured.counter_store import MemoryCounterStore

    async with site.fleet(counters=MemoryCounterStore()) as fleet:
        (report,) = await fleet.run(ONE_TABLE, [entry]).collect()
        monkeypatch.delenv("S_ENCRYPTION")
        (failed,) = await fleet.run(ONE_TABLE, [entry]).collect()
    assert report.outcome is Outcome.READ, report.error
    assert failed.outcome is Outcome.FAILED
    assert "env:S_ENCRYPTION: there is nothing" in str(failed.error)
    assert encryption.hex() not in str(report.to_json()) + str(failed.to_json())
