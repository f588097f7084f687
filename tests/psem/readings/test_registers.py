"""Registers and self reads: names, units, tiers, times; which tables are read for them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from meterkit.codec.layout import InvalidTime
from meterkit.errors import ErrorKind
from meterkit.psem.services import ServiceCode
from meterkit.psem.tables.registers_entries import RegisterKind
from meterkit.result import Err
from tests.psem.readings.meters import BLOCK, TIER, american_meter, osgp_meter
from tests.psem.rig import connected
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def tables_read(transport):
    """Return the ids of the tables that full and partial reads asked for, in order."""
    reads = (ServiceCode.READ_FULL, ServiceCode.READ_OFFSET)
    return [int.from_bytes(octets[1:3], "big") for _, octets in transport.requests if octets[0] in reads]


@pytest.mark.parametrize(
    ("firmware", "tiers", "summations"), [("2.10", 4, 15), ("3.70", 4, 15), ("4.30", 8, 19)]
)
async def test_an_osgp_meters_summations_have_the_guides_names_and_units(firmware, tiers, summations):
    meter = osgp_meter(firmware)
    async with connected(meter) as (client, _):
        registers = (await client.registers()).unwrap()
    energies = [value for value in registers.totals() if value.kind is RegisterKind.SUMMATION]
    assert len(energies) == summations
    first = energies[0]
    octets = meter.tables[23]
    at = 1 if registers.nbr_demand_resets is not None else 0
    assert (first.name, first.unit, first.tier) == ("Fwd Active Wh L1L2L3", "Wh", 0)
    assert first.raw == first.value == int.from_bytes(octets[at : at + 4], "little")
    assert (first.obis, first.source) == ("1-0:1.8.0", 0)
    assert {value.tier for value in registers.values} == set(range(tiers + 1))
    assert [value.unit for value in energies[4:6]] == ["s", "count"]
    assert "Power Outage Qty" not in {value.name for value in registers.tier(1)}  # never populated there
    assert all(value.is_valid for value in registers.values)


async def test_demands_and_coincidents_tell_their_source_and_time():
    async with connected(osgp_meter("3.70")) as (client, _):
        registers = (await client.registers()).unwrap()
    demand = next(value for value in registers.totals() if value.kind is RegisterKind.DEMAND)
    assert demand.name == "Fwd Active Wh L1L2L3, maximum demand"
    assert (demand.source, demand.is_maximum, demand.unit) == (0, True, "")
    assert demand.time.tzinfo is None
    coincident = next(value for value in registers.totals() if value.kind is RegisterKind.COINCIDENT)
    assert coincident.name == "Import Reactive VArh L1L2L3, coincident with demand 0"


async def test_an_energy_register_unit_multiplies_energies_and_nothing_else():
    async with connected(osgp_meter("4.30")) as (client, _):
        plain = (await client.registers()).unwrap().totals()
        tens = (await client.registers(energy_register_unit=10)).unwrap().totals()
        with pytest.raises(ValueError, match="1, 10 or 100"):
            await client.registers(energy_register_unit=5)
    for one, ten in zip(plain, tens, strict=True):
        assert ten.value == one.value * (10 if one.unit in ("Wh", "varh") else 1)
        assert ten.raw == one.raw


@pytest.mark.parametrize("meter", [osgp_meter("2.10"), american_meter()])
async def test_an_energy_register_unit_on_a_meter_that_has_none_is_an_error(meter):
    async with connected(meter) as (client, _):
        refused = await client.registers(energy_register_unit=100)
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.STATE
        assert "3.70" in refused.error.message


async def test_only_the_tables_needed_are_read_and_dimensions_once_a_session():
    async with connected(osgp_meter("3.70")) as (client, transport):
        (await client.registers()).unwrap()
        assert sorted(tables_read(transport)) == [0, 1, 21, 22, 23]
        transport.requests.clear()
        (await client.registers()).unwrap()
        assert tables_read(transport) == [23]


async def test_a_meter_without_bt21_is_read_by_bt20_and_asked_for_bt21_once():
    async with connected(osgp_meter("2.10")) as (client, transport):
        registers = (await client.registers()).unwrap()
        assert len(registers.totals()) == 15
        assert tables_read(transport).count(21) == 1
        assert tables_read(transport).count(20) == 1
        (await client.instantaneous()).unwrap()
        (await client.self_reads()).unwrap()
        assert tables_read(transport).count(21) == tables_read(transport).count(20) == 1


async def test_a_meter_without_bt21_and_bt20_says_that_bt21_is_missing():
    meter = osgp_meter("2.10")
    meter.tables.remove(20)
    async with connected(meter) as (client, _):
        missing = await client.registers()
        assert isinstance(missing, Err)
        assert missing.error.kind is ErrorKind.REFUSED
        assert "ST21" in missing.error.where


async def test_a_generic_meters_registers_are_engineering_values_of_their_sources():
    async with connected(american_meter()) as (client, transport):
        registers = (await client.registers()).unwrap()
        read = tables_read(transport)
    assert sorted(read) == [0, 11, 12, 13, 15, 16, 21, 22, 23]
    assert registers.nbr_demand_resets == 7
    energy, unknown, demand, cumulative, voltage = registers.totals()
    assert (energy.name, energy.unit) == ("active energy, delivered", "Wh")
    assert energy.value == Decimal(1234) * 2 * 120 * 1000
    assert (energy.raw, energy.source) == (1234, 0)
    assert (unknown.value, unknown.unit, unknown.source) == (42, "", 3)
    assert "ST16" in unknown.problem
    assert (demand.name, demand.unit) == ("active demand, delivered, maximum demand", "W")
    assert demand.value == 12 * 240 * 1000
    assert demand.time == datetime(2026, 3, 10, 11, 30)
    assert cumulative.kind is RegisterKind.CUMULATIVE_DEMAND
    assert (voltage.value, voltage.unit) == (Decimal("230.000"), "V")
    assert voltage.name.endswith("coincident with demand 0")


async def test_month_13_marks_the_value_and_leaves_the_rest():
    async with connected(american_meter()) as (client, _):
        demand = next(
            value
            for value in (await client.registers()).unwrap().tier(1)
            if value.kind is RegisterKind.DEMAND
        )
    assert isinstance(demand.time, InvalidTime)
    assert demand.value == 10 * 240 * 1000
    assert not demand.is_valid
    assert "1a 0d 0a 0b 1e" in demand.problem


async def test_octets_that_are_no_number_are_a_value_marked_invalid():
    meter = american_meter()
    image = bytearray(meter.tables[0])
    image[2] = 0x80 | 6  # NI_FORMAT1: BCD4
    meter.tables.write_table(0, bytes(image))
    bcd = "0000123f 00000042" + "1a030a0b1e 00000064 0000000c" + "00038270"
    meter.tables.write_table(23, bytes.fromhex("07" + bcd + TIER))
    async with connected(meter) as (client, _):
        registers = await client.registers()
    values = registers.unwrap().totals()
    assert values[0].value is None
    assert "no number" in values[0].problem
    assert values[1].value == 42


async def test_without_st12_and_st16_values_come_raw_with_the_reason():
    meter = american_meter(st12=None, st16=None, st15=None)
    async with connected(meter) as (client, _):
        energy = (await client.registers()).unwrap().values[0]
    assert (energy.value, energy.unit) == (1234, "")
    assert "ST12" in energy.problem


async def test_without_st22_nobody_knows_the_sources():
    async with connected(american_meter(st22=None)) as (client, _):
        energy = (await client.registers()).unwrap().values[0]
    assert (energy.name, energy.value, energy.unit) == ("summation 0", 1234, "")
    assert "ST22" in energy.problem


async def test_a_cut_table_is_an_error_that_names_the_value():
    async with connected(american_meter(st23="07" + BLOCK)) as (client, _):
        cut = await client.registers()
    assert isinstance(cut, Err)
    assert cut.error.kind is ErrorKind.DECODE
    assert "BT23 tier_data_block[0]" in cut.error.where


@pytest.mark.parametrize("firmware", ["2.10", "3.70", "4.30"])
async def test_self_reads_come_oldest_first_with_names(firmware):
    async with connected(osgp_meter(firmware)) as (client, _):
        reads = (await client.self_reads()).unwrap()
        since = reads[3].time
        later = (await client.self_reads(since)).unwrap()
    assert [one.time for one in reads] == sorted(one.time for one in reads)
    assert [one.sequence for one in reads] == list(range(reads[0].sequence, reads[0].sequence + len(reads)))
    assert later == reads[3:]
    assert reads[0].registers.values[0].name == "Fwd Active Wh L1L2L3"
    assert {one.bidn for one in reads} == {{"2.10": None, "3.70": 7, "4.30": 43}[firmware]}


async def test_a_generic_meters_self_reads_tell_their_own_sequence_numbers():
    async with connected(american_meter()) as (client, _):
        first, second = (await client.self_reads()).unwrap()
    assert (first.sequence, second.sequence) == (4, 5)
    assert first.time == datetime(2026, 2, 1)
    assert (first.registers.nbr_demand_resets, second.registers.nbr_demand_resets) == (5, 6)
    assert second.registers.values[0].unit == "Wh"


async def test_self_reads_since_an_aware_time_is_a_mistake():
    async with connected(american_meter()) as (client, _):
        with pytest.raises(ValueError, match="without a zone"):
            await client.self_reads(datetime(2026, 1, 1, tzinfo=UTC))


async def test_a_ring_that_points_past_its_end_is_an_error():
    async with connected(american_meter(st26="04 02 09 0005 01" + "00" * 116)) as (client, _):
        wrong = await client.self_reads()
    assert isinstance(wrong, Err)
    assert wrong.error.kind is ErrorKind.DECODE
    assert "last entry element 9" in wrong.error.message
