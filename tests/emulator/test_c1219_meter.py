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
from meterkit.psem.tables.identity import DeviceNameplate, UtilInfo
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
    assert list(meter.tables[11]) == [0b1010_0100, 20, 4, 1, 3, 8, 2, 20]
    assert meter.tables[10] == meter.tables[11]
    units = struct.unpack(">20I", meter.tables[12])
    assert units[0] == 0x0002_4000  # Wh, quadrants 1 and 4
    assert units[5] & 0x7FF == 0x400  # W, block demand
    assert units[15] & 0xFF == 8  # V ...
    assert units[15] >> 11 & 7 == 6  # ... in thousandths ...
    assert units[15] >> 19 & 7 == 5  # ... of phase A
    assert struct.unpack(">4H", meter.tables[13]) == (15,) * 4
    assert meter.tables[15][:13] == struct.pack(">iBii", 1, 0, 20, 2)  # multiplier, set flags, ratios
    assert meter.tables[14] == bytes((1, 2, 3))  # of the voltages
    others, voltages = 0b01_0001, 0b01_0101
    links = [0b11_1001] * 4 + [0b11_1011] * 4 + [others] * 7 + [voltages] * 3 + [others] * 2
    assert list(meter.tables[16]) == links


def test_it_tells_its_nameplate_its_place_and_its_keys(meter):
    nameplate = DeviceNameplate.resolve(context_of(meter)).decode(meter.tables[2]).electric
    assert (len(meter.tables[2]), nameplate.e_kh, nameplate.e_class_max_amps) == (33, 1.8, 200)
    assert (nameplate.e_ed_config, nameplate.e_freq, nameplate.e_no_of_elements) == ("12S", 4, 2)
    utility = UtilInfo.resolve(context_of(meter)).decode(meter.tables[6])
    assert (len(meter.tables[6]), utility.device_id) == (230, "MK-0000001")
    assert meter.tables[40] == meter.tables[41] == bytes((3, 20, 0, 8, 0, 0))


@pytest.mark.parametrize(
    "changes",
    [{"id_form": "bcd", "serial_number": "1"}, {"target": "gas"}, {"utility_serial_number": 29 * "7"}],
)
def test_its_tables_are_whole_in_other_forms_too(changes):
    meter = make_meter("c12.19", **changes)
    utility = UtilInfo.resolve(context_of(meter)).decode(meter.tables[6])
    assert utility.extra == b""
    assert len(meter.tables[2]) == (0 if "target" in changes else 33)


@pytest.mark.parametrize(("schedule", "days"), [("daily", 1), ("weekly", 2), ("monthly", 10), ("none", 255)])
def test_st56_tells_the_time_left_to_midnight_and_to_the_next_self_read(schedule, days):
    meter = make_meter("c12.19", self_read_schedule=schedule)
    assert struct.unpack(">HB", meter.tables[56]) == (
        13 * 60 + 22,
        days,
    )  # NOW is 10:37 on a Saturday, the 21st


def test_st73_and_st76_are_there(meter):
    supported = meter.tables[72]
    assert meter.tables[73][: len(supported)] == supported
    assert not any(meter.tables[73][len(supported) :])
    assert meter.tables[76] == bytes(11)


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


@pytest.mark.parametrize("number", [13, 15])
def test_an_event_that_no_pending_table_waits_for_is_an_invalid_parameter(number):
    assert run(log_on(make_meter("c12.19")), number, bytes.fromhex("02 746167 0000")) == 2
    assert run(log_on(make_meter("3.70")), number, bytes.fromhex("02 746167 0000")) == 1  # the guide


@pytest.mark.parametrize("size", [0, 1, 7])
def test_an_et51_that_was_cut_short_limits_no_session(size):
    meter = make_meter("3.70")
    meter.tables.write_table(2099, bytes([1]) * size)
    assert meter.session_limits == (False, 600, 300)
