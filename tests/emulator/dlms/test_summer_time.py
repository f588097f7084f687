"""The emulated DLMS meter's summer time: what its clock says around both Sundays, and its profile."""

from datetime import UTC, datetime, timedelta

import pytest

from meterkit import DlmsClient
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator import EmulatorTransport
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.local_time import LocalTime
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

SPRING = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.mark.parametrize(
    ("time", "hour", "deviation", "status"),
    [
        (SPRING - SECOND, 1, -60, 0x00),
        (SPRING, 3, -120, 0x80),
        (AUTUMN - SECOND, 2, -120, 0x80),
        (AUTUMN, 2, -60, 0x00),
    ],
)
def test_the_clock_is_put_forward_and_back_at_one_oclock_utc(time, hour, deviation, status):
    told = CosemDateTime.from_octets(LocalTime(60, summer_time=True).octets(time))
    assert (told.time.hour, told.deviation, int(told.status)) == (hour, deviation, status)
    assert told.to_datetime() == time


@pytest.mark.parametrize("moment", [SPRING, AUTUMN])
def test_a_local_time_and_its_fold_lead_back_to_the_same_moment(moment):
    zone = LocalTime(60, summer_time=True).zone
    for minutes in range(-180, 181, 15):
        time = moment + timedelta(minutes=minutes)
        assert time.astimezone(zone).astimezone(UTC) == time


def test_a_meter_without_summer_time_has_none():
    assert CosemDateTime.from_octets(LocalTime(60).octets(SPRING)).deviation == -60


@pytest.mark.parametrize("moment", [SPRING, AUTUMN])
async def test_a_profile_read_over_the_change_has_every_quarter_hour_once(moment):
    now = moment + timedelta(hours=6)
    configuration = DlmsEmulatorConfiguration(summer_time=True)
    emulator = DlmsMeterEmulator(configuration, clock=lambda: now)
    async with DlmsClient(EmulatorTransport(emulator)) as client:
        (await client.connect()).unwrap()
        rows = (await client.load_profile(since=moment - timedelta(hours=6)).collect()).unwrap()
        clock = (await client.read_clock(now=lambda: now)).unwrap()
    assert [row.time for row in rows] == [
        moment + timedelta(minutes=15 * number) for number in range(-24, 25)
    ]
    assert (clock.drift_s, clock.is_daylight_saving) == (0, moment == SPRING)


async def test_the_clock_object_tells_when_summer_time_is():
    emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(summer_time=True), clock=lambda: SPRING)
    async with DlmsClient(EmulatorTransport(emulator)) as client:
        (await client.connect()).unwrap()
        told = [
            (await client.get_attribute(8, ObisCode.CLOCK, index)).unwrap().value for index in (5, 6, 7, 8)
        ]
    begins, ends = (CosemDateTime.from_octets(one) if isinstance(one, bytes) else one for one in told[:2])
    assert (begins.date.month, begins.date.weekday, begins.time.hour) == (3, 7, 2)
    assert (ends.date.month, ends.date.weekday, ends.time.hour) == (10, 7, 3)
    assert told[2:] == [60, True]
