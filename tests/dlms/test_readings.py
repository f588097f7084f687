"""What people ask for: values in their units, identity, the clock, limits, register tables."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from meterkit import Err, ErrorKind, ObisCode, Ok
from meterkit.codec import axdr
from meterkit.codec.cosem_time import ClockStatus, CosemDateTime
from meterkit.dlms.cosem.classes import Data, ExtendedRegister, Register
from meterkit.dlms.cosem.definitions import ScalerUnit
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.readings.clock import ClockReading
from meterkit.dlms.readings.measurements import DemandMeasurement, Measurement, in_unit
from meterkit.dlms.readings.texts import text
from meterkit.dlms.readings.times import as_date_time, moment, status_words
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.emulator.dlms.cosem_object import Attribute, fixed, scaler_unit
from meterkit.errors import MeterError
from tests.dlms.rig import NOW, connected, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

ENERGY = "1-0:1.8.0"


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def of(emulator, class_id, obis):
    """Return one object of an emulated meter."""
    code = ObisCode.parse(obis)
    return next(one for one in emulator.device.objects if (one.class_id, one.obis) == (class_id, code))


def change(emulator, class_id, obis, index, octets):
    """Let an attribute read otherwise."""
    of(emulator, class_id, obis).attributes[index] = fixed(octets)


# ---------------------------------------------------------------- values in their units
async def test_a_value_comes_in_its_unit_exactly_with_the_raw_one_beside_it():
    async with connected() as (client, wire):
        before = len(wire.log)
        voltage = (await client.measure("1-0:32.7.0")).unwrap()
        assert len(wire.log) == before + 1

    assert voltage.value == Decimal(voltage.raw).scaleb(-1)
    assert (voltage.unit, voltage.scaler, voltage.problem) == (Unit.VOLT, -1, "")
    assert voltage.is_valid


async def test_a_name_alone_is_looked_for_among_all_classes_that_measure():
    async with connected() as (client, _):
        peak = (await client.measure("1-0:1.6.0")).unwrap()
        demand = (await client.measure(ObisCode.parse("1-0:1.4.0"))).unwrap()
        serial = (await client.measure(ObisCode.SERIAL_NUMBER)).unwrap()

    assert peak.time == datetime(2026, 11, 20, 19, 15, tzinfo=UTC)
    assert peak.status == 0
    assert isinstance(demand, DemandMeasurement)
    assert (demand.period, demand.number_of_periods) == (900, 1)
    assert demand.start_time == datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
    assert demand.last_value == demand.last_raw > 0
    assert (serial.value, serial.unit) == (b"20260001", None)


async def test_several_values_cost_few_requests_and_fail_each_by_itself():
    wanted = [ENERGY, "1-0:99.99.9", Register("1-0:32.7.0"), ExtendedRegister("1-0:1.6.0"), Data("1-0:0.2.0")]
    async with connected() as (client, wire):
        before = len(wire.log)
        results = await client.measure_many(wanted)
        spent = len(wire.log) - before

    assert [one.is_success for one in results] == [True, False, True, True, True]
    assert results[1].error.code == 4
    assert "3/1-0:99.99.9" in str(results[1].error)
    assert spent <= 4


async def test_no_value_is_asked_for_when_none_is_wanted():
    async with connected() as (client, wire):
        before = len(wire.log)
        assert await client.measure_many([]) == []
        assert len(wire.log) == before


async def test_a_meter_that_denies_the_scaler_still_gives_the_raw_value_and_no_other():
    async with connected(meter(quirks={DlmsQuirk.SCALER_DENIED})) as (client, _):
        energy = (await client.measure(ENERGY)).unwrap()

    assert energy.raw > 0
    assert (energy.value, energy.unit, energy.scaler) == (None, None, None)
    assert "read-write-denied" in energy.problem
    assert not energy.is_valid


async def test_after_a_lost_session_every_value_has_that_error():
    emulator = meter()
    async with connected(emulator) as (client, _):
        emulator.faults.silent = True
        results = await client.measure_many([ENERGY, "1-0:32.7.0"])

    assert [one.error.kind for one in results] == [ErrorKind.TIMEOUT] * 2
    assert all(one.error.has_ended_session for one in results)


async def test_what_is_no_object_is_the_programmers_mistake():
    async with connected() as (client, _):
        with pytest.raises(TypeError, match="an OBIS code or a Data, Register"):
            await client.measure(3)
        with pytest.raises(ValueError, match="no OBIS code"):
            await client.measure("energy")


@pytest.mark.parametrize("scaler", [127, 25, -25, -128])
async def test_an_impossible_scaler_gives_no_value_but_the_raw_one(scaler):
    emulator = meter()
    change(emulator, 3, ENERGY, 3, scaler_unit(scaler, 30))
    async with connected(emulator) as (client, _):
        energy = (await client.measure(ENERGY)).unwrap()

    assert (energy.value, energy.scaler, energy.unit) == (None, scaler, Unit.WATT_HOUR)
    assert energy.raw > 0
    assert f"scaler {scaler}: a power of ten from -24 to 24 expected" in energy.problem


def wh(scaler=-3):
    return Ok(ScalerUnit(scaler, Unit.WATT_HOUR))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (12345, Decimal("12.345")),
        (-1, Decimal("-0.001")),
        (0, Decimal("0.000")),
        (2**64 - 1, Decimal("18446744073709551.615")),
        (1.5, Decimal("0.0015")),
        (b"abc", b"abc"),
        (True, True),
        (None, None),
    ],
)
def test_numbers_are_scaled_without_loss_and_what_is_no_number_stays(raw, value):
    assert in_unit(raw, wh()) == (value, "")
    assert str(in_unit(12300, wh())[0]) == "12.300"


@pytest.mark.parametrize("raw", [float("nan"), float("inf")])
def test_a_number_that_is_none_has_no_value(raw):
    assert in_unit(raw, wh()) == (None, f"{raw} is no number")


def test_a_missing_scaler_is_told_in_the_meters_words():
    value, problem = in_unit(5, Err(MeterError(ErrorKind.REFUSED, "read-write-denied (3)")))
    assert value is None
    assert "read-write-denied (3)" in problem


async def test_a_capture_time_that_is_no_moment_is_told():
    emulator = meter()
    change(emulator, 4, "1-0:1.6.0", 5, axdr.encode_octet_string(bytes.fromhex("07ea0d28ff18ff00008000ff")))
    async with connected(emulator) as (client, _):
        peak = (await client.measure(ExtendedRegister("1-0:1.6.0"))).unwrap()

    assert peak.time is None
    assert peak.clock.date.month == 13
    assert "its time is no moment" in peak.problem
    assert peak.value > 0


# ---------------------------------------------------------------- identity
async def test_identity_says_who_the_meter_is():
    async with connected() as (client, wire):
        before = len(wire.log)
        identity = (await client.identity()).unwrap()
        assert len(wire.log) <= before + 2

    assert identity.logical_device_name == "MKT20260001"
    assert (identity.manufacturer, identity.serial_number) == ("MKT", "20260001")
    assert identity.firmware == "meterkit emulator"
    assert identity.device_ids == {1: "20260001"}
    assert (identity.electricity_id, identity.firmware_signature, identity.withheld) == (None, None, ())


async def test_what_identity_is_refused_is_none_and_told():
    emulator = meter()
    serial = of(emulator, 1, "0-0:96.1.0")
    serial.attributes[2] = Attribute(None)
    async with connected(emulator) as (client, _):
        identity = (await client.identity()).unwrap()

    assert identity.serial_number is None
    assert [error.code for error in identity.withheld] == [3]
    assert identity.logical_device_name == "MKT20260001"


async def test_a_name_with_control_characters_is_told_in_hex():
    emulator = meter()
    change(emulator, 1, "0-0:42.0.0", 2, axdr.encode_octet_string(b"\x1b[2JMKT"))
    async with connected(emulator) as (client, _):
        identity = (await client.identity()).unwrap()

    assert identity.logical_device_name == "1b5b324a4d4b54"
    assert identity.manufacturer is None


@pytest.mark.parametrize(
    ("value", "told"),
    [(b"ABC \0", "ABC"), (b"\0\0", "0000"), ("a\x1b[31m", "a\ufffd[31m"), ("MKT\0", "MKT"), (5, "5")],
)
def test_texts_are_safe_to_print(value, told):
    assert text(value) == told


# ---------------------------------------------------------------- the clock
async def test_the_clock_is_told_in_utc_with_its_distance_from_ours():
    async with connected() as (client, _):
        reading = (await client.read_clock(now=lambda: NOW - timedelta(seconds=90))).unwrap()

    assert reading.time == NOW
    assert (reading.deviation, reading.drift_s, reading.uncertainty_s) == (-60, 90.0, 0.0)
    assert (reading.is_valid, reading.is_daylight_saving, reading.status_words) == (True, False, ())


def clock_of(octets, **others):
    """Return a meter whose clock says so."""
    emulator = meter()
    change(emulator, 8, "0-0:1.0.0", 2, axdr.encode_octet_string(bytes.fromhex(octets)))
    for index, value in others.items():
        change(emulator, 8, "0-0:1.0.0", int(index[1:]), value)
    return emulator


async def read(emulator, **given):
    async with connected(emulator) as (client, _):
        return (await client.read_clock(now=lambda: NOW, **given)).unwrap()


async def test_a_clock_without_deviation_is_told_by_its_time_zone():
    reading = await read(clock_of("07ea0b15060b250c00800000"))
    assert (reading.time, reading.deviation) == (NOW, -60)


async def test_in_summer_the_time_zone_is_that_of_normal_time():
    reading = await read(clock_of("07ea0b15060c250c00800080", _7=axdr.encode_integer(60)))
    assert (reading.time, reading.deviation, reading.is_daylight_saving) == (NOW, -120, True)


async def test_a_zone_that_nobody_tells_can_be_given():
    emulator = clock_of("07ea0b15060b250c00800000")
    of(emulator, 8, "0-0:1.0.0").attributes[3] = Attribute(None)
    untold = await read(emulator)
    given = await read(emulator, utc_offset=timedelta(hours=1))

    assert (untold.time, untold.drift_s, untold.is_valid) == (None, None, False)
    assert "give utc_offset" in untold.problem
    assert given.time == NOW


async def test_our_own_clock_has_to_tell_its_zone():
    async with connected() as (client, wire):
        before = len(wire.log)
        with pytest.raises(ValueError, match="without a time zone"):
            await client.read_clock(now=lambda: datetime(2026, 1, 1))
        assert len(wire.log) == before


@pytest.mark.parametrize(
    "octets",
    [
        "07ea0d15060b250c00ffc400",  # month 13
        "07ea021e060b250c00ffc400",  # 30 February
        "07ea0b15061b250c00ffc400",  # 27 o'clock
        "ffffffffffffffffff8000ff",  # nothing told
        "0001010101000000007fff00",  # year 1, zone of 22 days
        "00010101010000000002d000",  # a year before 1 in UTC would be fine, after it is not
        "270f0c1f05173b3b00fd3000",  # 9999 and later in UTC
    ],
)
async def test_an_impossible_clock_is_no_time_and_no_failure(octets):
    reading = await read(clock_of(octets))
    assert isinstance(reading, ClockReading)
    assert reading.time is None or reading.time.tzinfo is UTC
    assert reading.local.encode().hex() == octets


def test_doubts_of_the_clock_are_told_in_words():
    assert status_words(ClockStatus(0x83)) == (
        "invalid: the time was lost and could not be recovered",
        "doubtful: the time was lost and recovered",
        "summer time",
    )
    assert status_words(ClockStatus(0x30)) == ("bits 0x30, which mean nothing",)
    assert status_words(None) == ()


async def test_a_doubtful_clock_is_not_valid():
    reading = await read(clock_of("07ea0b15060b250c00ffc402"))
    assert (reading.time, reading.is_valid) == (NOW, False)


def test_moments_that_utc_has_no_year_for_are_none():
    first = CosemDateTime.from_datetime(datetime(1, 1, 1))
    assert moment(dataclasses.replace(first, deviation=-60)) is None
    assert moment(first) == datetime(1, 1, 1)
    assert moment(None) is None


def test_only_twelve_octets_are_a_date_time():
    assert as_date_time(b"\0" * 11) is None
    assert as_date_time(7) is None
    assert as_date_time(bytes.fromhex("07ea0b15060b250c00ffc400")).deviation == -60


# ---------------------------------------------------------------- limits and tables
async def test_a_limiter_tells_its_thresholds_in_the_unit_of_what_it_watches():
    async with connected() as (client, _):
        limiter = (await client.read_limiter()).unwrap()

    assert limiter.monitored.logical_name == ObisCode.ACTIVE_POWER_IMPORT
    assert (limiter.threshold.value, limiter.threshold.unit) == (Decimal(17250), Unit.WATT)
    assert limiter.emergency.value == Decimal(5000)
    assert (limiter.over_duration, limiter.is_emergency) == (30, False)
    assert limiter.actions.action_over_threshold.script_selector == 1


async def test_an_emergency_has_its_own_threshold():
    from meterkit.dlms.cosem.switches_and_limits import EmergencyProfile, Limiter

    limiter = Limiter("0-0:17.0.0")
    begin = CosemDateTime.from_datetime(NOW - timedelta(minutes=5))
    async with connected(manager=True) as (client, _):
        (await client.set(limiter.emergency_profile, EmergencyProfile(7, begin, 600))).unwrap()
        (await client.set(limiter.emergency_profile_group_id_list, (6, 7))).unwrap()
        reading = (await client.read_limiter()).unwrap()

    assert (reading.is_emergency, reading.threshold.value) == (True, Decimal(5000))


async def test_a_register_table_is_one_measurement_a_cell():
    async with connected() as (client, _):
        harmonics = (await client.register_table("1-0:32.7.255")).unwrap()

    assert [str(one.obis) for one in harmonics] == [f"1-0:32.7.{e}*255" for e in (1, 3, 5, 7)]
    assert harmonics[0].unit is Unit.VOLT
    assert 220 < harmonics[0].value < 245
    assert all(isinstance(one, Measurement) and one.is_valid for one in harmonics)


async def test_a_register_table_with_too_few_cells_is_told():
    emulator = meter()
    change(emulator, 61, "1-0:32.7.255", 2, axdr.encode_array([axdr.encode_unsigned(1)]))
    async with connected(emulator) as (client, _):
        answer = await client.register_table("1-0:32.7.255")

    assert answer.error.kind is ErrorKind.DECODE
    assert "4 cells expected, as table_cell_definition says; 1 cells came" in answer.error.message


async def test_what_a_meter_has_not_is_refused():
    async with connected() as (client, _):
        assert (await client.read_limiter("0-0:17.0.9")).error.code == 4
        assert (await client.protected_data()).error.code == 4
        assert (await client.register_table("1-0:31.7.255")).error.code == 4
