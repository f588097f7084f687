"""What a fleet should deliver: from what it has delivered, also for meters that never answered."""

from datetime import timedelta

import pytest

from meterkit.fleet import ReadPlan
from meterkit.fleet.coverage import Expected
from meterkit.fleet.expectation import expected_of
from meterkit.fleet.sinks import open_sink
from tests.fleet.fleet_rig import dlms, psem
from tests.fleet.samples import START, day, interval

pytestmark = pytest.mark.anyio

PLAN = ReadPlan.model_validate(
    {"psem": {"load_profile": [{"data_set": 1}]}, "dlms": {"load_profile": [{"obis": "1-0:99.1.0"}]}}
)
DAY = timedelta(days=1)
ENERGY = "profile/1-0:99.1.0/1-0:1.8.0"


@pytest.fixture
async def store(tmp_path):
    sink = open_sink(f"sqlite:{tmp_path / 'readings.db'}")
    await sink.open()
    yield sink
    await sink.close()


async def test_a_meter_that_never_answered_should_deliver_what_most_of_its_kind_do(store):
    for name in ("p1", "p2"):
        await store.write(day(name, "LP1/ch1", 4) + day(name, "LP1/ch2", 4))
    await store.write(day("p3", "LP1/ch1", 4))
    await store.write(day("d1", ENERGY, 4))
    meters = [psem("p1"), psem("p3"), psem("silent"), psem("p2"), dlms("d1"), dlms("d2")]
    found = await expected_of(store, PLAN, meters, START, START + DAY)
    assert found.unknown == ()
    assert found.expected == (
        Expected("p1", "LP1/ch1", 900),
        Expected("p1", "LP1/ch2", 900),
        Expected("p3", "LP1/ch1", 900),
        Expected("silent", "LP1/ch1", 900),
        Expected("silent", "LP1/ch2", 900),
        Expected("p2", "LP1/ch1", 900),
        Expected("p2", "LP1/ch2", 900),
        Expected("d1", ENERGY, 900),
        Expected("d2", ENERGY, 900),
    )


@pytest.mark.parametrize(("days", "is_known"), [(1, True), (6, True), (25, True), (40, False)])
async def test_a_window_that_holds_nothing_is_known_from_the_month_before(store, days, is_known):
    await store.write(day("p1", "LP1/ch1", 4))
    since = START + timedelta(days=days)
    found = await expected_of(store, PLAN, [psem("p1")], since, since + DAY)
    assert found.expected == ((Expected("p1", "LP1/ch1", 900),) if is_known else ())
    assert found.unknown == (() if is_known else ("LP1",))


async def test_meters_of_nobody_other_groups_and_odd_intervals_are_left_out(store):
    await store.write(day("stranger", "LP1/ch1", 4) + day("p1", "LP2/ch1", 4))
    await store.write([interval("p1", 1, "LP1/ch1")])
    odd = interval("p1", 2, "LP1/ch9")
    await store.write([type(odd)(**{name: getattr(odd, name) for name in odd.__slots__} | {"interval": 420})])
    found = await expected_of(store, PLAN, [psem("p1")], START, START + DAY)
    assert found.expected == (Expected("p1", "LP1/ch1", 900),)


async def test_without_profiles_in_the_plan_nothing_is_expected(store):
    plan = ReadPlan.model_validate({"psem": {"registers": True}})
    found = await expected_of(store, plan, [psem("p1"), dlms("d1")], START, START + DAY)
    assert (found.expected, found.unknown) == ((), ())
