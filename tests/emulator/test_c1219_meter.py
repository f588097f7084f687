"""The emulated C12.19 meter that is no OSGP meter: most significant octet first, meaning in ST11 to ST16."""

import struct
from decimal import Decimal

import pytest

from meterkit.emulator import DEMO_READ_KEY
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.clock import ActTimeTou, Clock, TimeOffset
from meterkit.psem.tables.clock_reading import read_clock
from meterkit.psem.tables.constants import Constants
from meterkit.psem.tables.engineering import SourceTables
from meterkit.psem.tables.sources import ActSourcesLim, DemandControl, Sources, UomEntryTbl
from tests.emulator.meters import NOW, log_on, make_meter, read, run


@pytest.fixture
def meter():
    return make_meter("c12.19")


def context_of(meter, *tables):
    context = context_for([GenConfig.resolve().decode(meter.tables[0])])
    for table in tables:
        context = context.with_(table.resolve(context).decode(meter.tables[table.number]))
    return context


def test_it_names_its_maker_and_has_no_manufacturers_tables(meter):
    assert meter.tables[0][3:7] == b"MKIT"
    assert meter.tables[0][0] & 1  # big endian
    assert all(table_id < 2048 for table_id in meter.tables)


def test_st11_to_st16_are_laid_out_as_c12_19_has_them(meter):
    assert list(meter.tables[11]) == [0b1010_0100, 20, 4, 0, 0, 8, 2, 20]
    units = struct.unpack(">20I", meter.tables[12])
    assert units[0] == 0x0002_4000  # Wh, quadrants 1 and 4
    assert units[5] & 0x7FF == 0x400  # W, block demand
    assert units[15] & 0xFF == 8  # V ...
    assert units[15] >> 11 & 7 == 6  # ... in thousandths ...
    assert units[15] >> 19 & 7 == 5  # ... of phase A
    assert struct.unpack(">4H", meter.tables[13]) == (15,) * 4
    assert meter.tables[15][:13] == struct.pack(">iBii", 1, 0, 20, 2)  # multiplier, set flags, ratios
    assert list(meter.tables[16]) == [0b11_1001] * 4 + [0b11_1011] * 4 + [0b01_0001] * 12


def test_registers_are_secondary_and_the_ratios_bring_them_to_engineering_values(meter):
    sources = SourceTables.of(
        context_of(meter, ActSourcesLim, UomEntryTbl, DemandControl, Constants, Sources)
    )
    raw = struct.unpack_from(">4i", meter.tables[23], 1)
    same_house = struct.unpack_from("<4i", make_meter("3.70").tables[23], 1)
    assert raw == same_house
    values = [sources.value(number, raw[number]) for number in range(4)]
    assert [value.value for value in values] == [Decimal(number * 40) for number in raw]
    assert [value.unit for value in values] == ["Wh", "Wh", "varh", "varh"]
    demand = struct.unpack_from(">i", meter.tables[23], 1 + 16 + 5)[0]
    assert sources.value(meter.tables[22][4], demand).unit == "W"
    assert sources.source(meter.tables[22][4]).interval == 15
    volts = struct.unpack_from(">12i", meter.tables[28], 8)[7]
    value = sources.value(meter.tables[27][2 + 7], volts)
    assert (value.unit, value.problem) == ("V", "")
    assert 220 < value.value < 245


def test_every_source_that_a_selection_names_has_a_meaning(meter):
    sources = SourceTables.of(
        context_of(meter, ActSourcesLim, UomEntryTbl, DemandControl, Constants, Sources)
    )
    selected = {*meter.tables[22][:6], meter.tables[22][7], *meter.tables[27]}
    assert all(not sources.source(number).problem for number in selected)


def test_its_clock_tells_utc(meter):
    context = context_of(meter, ActTimeTou, TimeOffset)
    reading = read_clock(Clock.resolve(context).decode(meter.tables[52]), context.records[TimeOffset])
    assert (reading.time, reading.problem) == (NOW, "")
    assert struct.unpack_from(">h", meter.tables[53], 4) == (-300,)


def test_its_logs_have_one_sequence_and_no_alternate(meter):
    flags, valid, _, sequence, _ = struct.unpack_from(">BHHIH", meter.tables[74])
    assert (flags, valid) == (0b100, 100)
    assert sequence > 100
    assert 2127 not in meter.tables


def test_its_st3_has_c12_19s_alarms_only(meter):
    assert meter.tables[3] == bytes((1, 0, 0, 0, 0, 0, 0, 0))
    meter.raise_alarm("Low Battery")
    assert meter.tables[3][:4] == bytes((1, 1, 0, 0))  # most significant octet first


def test_sessions_and_procedures_work_as_on_any_meter(meter):
    log_on(meter)
    assert run(meter, 9, b"\x03") == 0
    assert meter.tables[23][0] == 7
    reader = log_on(make_meter("c12.19"), DEMO_READ_KEY)
    assert all(isinstance(read(reader, table_id), bytes) for table_id in reader.tables if table_id != 4)
    assert meter.session_limits == (False, 600, 300)
