"""Identity, present values, alarms, M-Bus and clock, on OSGP meters and on a generic one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from meterkit.codec.layout import InvalidTime
from meterkit.errors import ErrorKind
from meterkit.psem.readings import PresentKind
from meterkit.result import Err
from tests.psem.readings.meters import american_meter, osgp_meter
from tests.psem.readings.test_registers import tables_read
from tests.psem.rig import NOON, connected
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

FIRMWARES = ["2.10", "3.70", "4.30"]
READINGS = ["registers", "self_reads", "instantaneous", "events", "alarms", "mbus", "clock"]


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


# ---------------------------------------------------------------- identity
async def test_an_osgp_meter_tells_who_it_is():
    async with connected(osgp_meter("3.70")) as (client, transport):
        identity = (await client.identity()).unwrap()
        assert sorted(tables_read(transport)) == [0, 1, 2051]
    assert (identity.manufacturer, identity.model, identity.firmware) == ("NES", "EMULATOR", "3.70.04")
    assert (identity.serial_number, identity.utility_serial_number) == ("2014000000000370", "METERKIT-0370")
    assert (identity.is_osgp, identity.is_big_endian, identity.hardware) == (True, False, None)
    assert identity.withheld == ()


async def test_a_generic_meter_tells_versions_as_c12_19_means_them():
    async with connected(american_meter()) as (client, _):
        identity = (await client.identity()).unwrap()
    assert (identity.manufacturer, identity.is_osgp, identity.is_big_endian) == ("MKIT", False, True)
    assert identity.device_id == "00000000000012345678"
    assert identity.utility_serial_number is None
    assert identity.firmware == identity.hardware == "55.133"  # 0x3785 of 3.60.05, packed


async def test_what_a_meter_withholds_is_noted():
    meter = osgp_meter("3.70")
    meter.tables.remove(2051)
    async with connected(meter) as (client, _):
        identity = (await client.identity()).unwrap()
    assert identity.utility_serial_number is None
    assert identity.serial_number == "2014000000000370"
    assert [error.where for error in identity.withheld] == ["read MT3"]


async def test_a_meter_without_st1_still_has_an_identity():
    meter = osgp_meter("3.70")
    meter.tables.remove(1)
    async with connected(meter) as (client, _):
        identity = (await client.identity()).unwrap()
    assert identity.serial_number is identity.firmware is None
    assert identity.utility_serial_number == "METERKIT-0370"


# ---------------------------------------------------------------- present values
@pytest.mark.parametrize(("firmware", "count"), [("2.10", 18), ("3.70", 55), ("4.30", 84)])
async def test_present_values_have_names_units_and_scales(firmware, count):
    async with connected(osgp_meter(firmware)) as (client, _):
        values = (await client.instantaneous()).unwrap()
    measured = [value for value in values if value.kind is PresentKind.VALUE]
    named = [value for value in measured if not value.name.startswith("Present value")]
    assert len(named) == count
    voltage = measured[7]
    assert (voltage.name, voltage.unit) == ("RMS Voltage L1", "V")
    assert voltage.value == Decimal(voltage.raw) / 1000
    assert 200 < voltage.value < 260
    frequency = measured[11]
    assert frequency.unit == "Hz"
    assert 49 < frequency.value < 51
    if firmware == "4.30":
        assert measured[65].name == "Apparent Power Q3 VA L2"
        assert measured[75].unit == "deg"
        assert measured[75].value == Decimal(measured[75].raw) / 100


async def test_a_generic_meters_present_values_are_those_of_their_sources():
    async with connected(american_meter()) as (client, _):
        voltage, unknown, demand = (await client.instantaneous()).unwrap()
    assert (voltage.value, voltage.unit, voltage.kind) == (Decimal("230.012"), "V", PresentKind.VALUE)
    assert (unknown.value, unknown.unit, unknown.is_valid) == (17, "", False)
    assert (demand.kind, demand.value, demand.unit) == (PresentKind.DEMAND, 9 * 240 * 1000, "W")
    assert demand.name == "active demand, delivered, present demand"


async def test_without_st27_present_values_come_raw():
    async with connected(american_meter(st27=None)) as (client, _):
        values = (await client.instantaneous()).unwrap()
    assert [value.value for value in values] == [230012, 17, 9]
    assert {value.problem for value in values} == {"ST27 names no source"}


# ---------------------------------------------------------------- alarms
@pytest.mark.parametrize("firmware", FIRMWARES)
async def test_alarms_have_the_guides_names(firmware):
    meter = osgp_meter(firmware)
    meter.raise_alarm("Cover Removed")
    async with connected(meter) as (client, transport):
        alarms = (await client.alarms()).unwrap()
        assert sorted(tables_read(transport)) == [0, 1, 3]
    assert "Cover Removed" in {alarm.name for alarm in alarms if alarm.is_set}
    assert ("Load Side Voltage Detected" in {alarm.name for alarm in alarms}) == (firmware != "2.10")


async def test_a_generic_meters_alarms_have_c12_19s_names():
    async with connected(american_meter()) as (client, _):
        alarms = (await client.alarms()).unwrap()
    assert [alarm.name for alarm in alarms if alarm.is_set] == [
        "Clock Error",
        "Power Failure",
        "Manufacturer status 0.0",
    ]


# ---------------------------------------------------------------- M-Bus
@pytest.mark.parametrize("firmware", FIRMWARES)
async def test_water_and_gas_meters_are_told_with_their_volumes(firmware):
    async with connected(osgp_meter(firmware)) as (client, transport):
        found = (await client.mbus()).unwrap()
        assert {2059, 2064} <= set(tables_read(transport))
    water, gas = found.devices[:2]
    assert (water.header.medium, gas.header.medium) == ("water", "gas")
    volume = next(record for record in water.records if record.quantity == "volume")
    assert volume.unit == "m3"
    assert isinstance(volume.value, Decimal)
    assert water.time.tzinfo is None
    assert water.problems == ()


async def test_a_device_without_its_key_is_told_as_encrypted():
    async with connected(osgp_meter("3.70")) as (client, _):
        found = (await client.mbus()).unwrap()
    (encrypted,) = [device for device in found.devices if device.is_encrypted]
    assert not encrypted.has_key
    assert "AES" in str(encrypted.header.encryption)
    assert encrypted.records == ()


async def test_entries_that_never_said_anything_are_left_out():
    meter = osgp_meter("3.70")
    meter.tables.write_table(2064, bytes(len(meter.tables[2064])))
    async with connected(meter) as (client, _):
        found = (await client.mbus()).unwrap()
    assert found.devices == found.meps == ()


async def test_a_devices_time_in_month_13_is_marked():
    meter = osgp_meter("3.70")
    octets = bytearray(meter.tables[2064])
    octets[1] = 13
    meter.tables.write_table(2064, bytes(octets))
    async with connected(meter) as (client, _):
        water = (await client.mbus()).unwrap().devices[0]
    assert isinstance(water.time, InvalidTime)
    assert any("time" in problem for problem in water.problems)
    assert water.records


async def test_a_generic_meters_own_table_16_is_not_taken_for_et16():
    async with connected(american_meter(st2064="00")) as (client, transport):
        missing = await client.mbus()
        assert tables_read(transport) == [0]
    assert isinstance(missing, Err)
    assert missing.error.kind is ErrorKind.STATE


# ---------------------------------------------------------------- clock
async def test_an_osgp_meters_clock_is_in_utc():
    async with connected(osgp_meter("3.70")) as (client, transport):
        clock = (await client.clock()).unwrap()
        assert tables_read(transport) == [0, 52]
    assert clock.time == NOON
    assert clock.is_utc


async def test_a_local_clock_is_brought_to_utc_by_st53():
    async with connected(american_meter()) as (client, _):
        clock = (await client.clock()).unwrap()
    assert clock.shown == datetime(2026, 3, 10, 8, 7, 5)
    assert clock.time == datetime(2026, 3, 10, 13, 7, 5, tzinfo=UTC)


async def test_a_local_clock_without_st53_needs_the_callers_word():
    async with connected(american_meter(st53=None)) as (client, _):
        clock = (await client.clock()).unwrap()
        helped = (await client.clock(utc_offset=timedelta(hours=-5))).unwrap()
    assert clock.time is None
    assert "ST53" in clock.problem
    assert helped.time == datetime(2026, 3, 10, 13, 7, 5, tzinfo=UTC)


async def test_a_meter_without_st52_is_read_by_st55():
    meter = american_meter(st52=None, st55="1a030a080705 12 0000")
    async with connected(meter) as (client, _):
        clock = (await client.clock()).unwrap()
    assert clock.time == datetime(2026, 3, 10, 8, 7, 5, tzinfo=UTC)


async def test_a_clock_in_month_13_has_a_problem_and_no_time():
    async with connected(american_meter(st52="1a0d0a080705 12")) as (client, _):
        clock = (await client.clock()).unwrap()
    assert clock.time is clock.shown is None
    assert "1a 0d" in clock.problem


# ---------------------------------------------------------------- all of them
@pytest.mark.parametrize("reading", READINGS)
async def test_a_meter_without_its_tables_is_an_error_and_no_exception(reading):
    meter = osgp_meter("3.70")
    for number in meter.tables.table_ids:
        if number not in (0, 1, 2099):
            meter.tables.remove(number)
    async with connected(meter) as (client, _):
        failed = await getattr(client, reading)()
        assert isinstance(failed, Err)
        assert failed.error.kind is ErrorKind.REFUSED
        assert client.is_connected


@pytest.mark.parametrize("reading", ["identity", *READINGS])
async def test_a_meter_that_falls_silent_is_an_error_that_ends_the_session(reading):
    meter = osgp_meter("3.70")
    async with connected(meter) as (client, _):
        meter.faults.silent = True
        failed = await getattr(client, reading)()
        assert isinstance(failed, Err)
        assert failed.error.has_ended_session


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("filler", [0x00, 0x99, 0xFF])
async def test_any_octets_in_the_tables_are_values_or_a_decode_error(reading, filler):
    meter = osgp_meter("4.30")
    for number in meter.tables.table_ids:
        if number not in (0, 1, 20, 21, 70, 71, 2059, 2099):
            meter.tables.write_table(number, bytes([filler]) * len(meter.tables[number]))
    async with connected(meter) as (client, _):
        result = await getattr(client, reading)()
        if isinstance(result, Err):
            assert result.error.kind is ErrorKind.DECODE


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("filler", [0x00, 0x07, 0xFF])
async def test_any_dimensions_are_values_or_an_error(reading, filler):
    meter = osgp_meter("4.30")
    for number in (20, 21, 70, 71, 2059):
        meter.tables.write_table(number, bytes([filler]) * len(meter.tables[number]))
    async with connected(meter) as (client, _):
        result = await getattr(client, reading)()
        if isinstance(result, Err):
            assert result.error.kind in (ErrorKind.DECODE, ErrorKind.REFUSED)
