"""The tables of the emulated OSGP meter, octet by octet at the guide's offsets, and who may read them."""

import struct
from datetime import UTC, datetime

import pytest

from meterkit.emulator import (
    DEMO_MASTER_KEY,
    DEMO_PROVISIONING_KEY,
    DEMO_READ_KEY,
    EmulatorConfiguration,
    LoadProfileSetConfiguration,
    MeterEmulator,
    MeterMode,
    MeterTarget,
)
from meterkit.psem.tables import ActLp, GenConfig, GeneralMfgId, LpInternalConfig, context_for

NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)
SMALL = (LoadProfileSetConfiguration(intervals=8, blocks=2),)


def make_meter(key=None, **changes):
    changes.setdefault("load_profile", SMALL)
    meter = MeterEmulator(EmulatorConfiguration(**changes), clock=lambda: NOW)
    if key is not None:
        for request in (b"\x20", bytes.fromhex("50000241646d696e6973747261"), b"\x51" + key):
            assert meter.process_request(request)[:1] == b"\x00"
    return meter


def read(meter, table_id):
    response = meter.process_request(b"\x30" + table_id.to_bytes(2, "big"))
    return response[3:-1] if response[0] == 0 else response[0]


def test_bt00_tells_the_guides_values():
    table = make_meter().tables[0]
    assert table[:3] == bytes((0b0000_0010, 0b0010_1010, 0x88))
    assert table[3:7] == b"NES "
    assert list(table[7:13]) == [2, 0, 255, 12, 1, 0]
    assert list(table[13:19]) == [10, 13, 3, 12, 4, 2]
    assert len(table) == 19 + 2 * 10 + 2 * 13 + 3 + 12


def test_bt00_lists_the_tables_that_exist_and_those_that_can_be_written():
    meter = make_meter()
    config = GenConfig.resolve(context_for()).decode(meter.tables[0])
    for table_id in meter.tables:
        assert config.has_table(table_id)
    assert not config.has_table(2)
    assert config.can_write_table(2051)
    assert not config.can_write_table(1)
    assert config.has_procedure(17)
    meter.tables.write_table(2112, b"custom")
    assert GenConfig.resolve(context_for()).decode(meter.tables[0]).has_table(2112)


@pytest.mark.parametrize(
    ("target", "nameplate"), [(MeterTarget.GAS, 0), (MeterTarget.WATER, 1), (MeterTarget.ELECTRIC, 2)]
)
def test_bt00_tells_what_is_metered(target, nameplate):
    assert make_meter(target=target).tables[0][7] == nameplate


@pytest.mark.parametrize(("version", "octets"), [((3, 0, 24), "3018"), ((3, 10, 21), "3155")])
@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_bt01_packs_versions_as_the_guides_examples(version, octets, byte_order):
    table = make_meter(firmware_version=version, byte_order=byte_order).tables[1]
    assert table[12:16].hex() == octets * 2
    assert table[:12] == b"NES EMULATOR"
    assert table[16:].hex() == "2026000000000001"


def test_bt01_holds_a_text_serial_number_where_the_id_form_says_so():
    meter = make_meter(id_form="char", serial_number="SN1")
    assert meter.tables[1][16:] == b"SN1             "
    context = context_for([GenConfig.resolve(context_for()).decode(meter.tables[0])])
    record = GeneralMfgId.resolve(context).decode(meter.tables[1])
    assert record.mfg_serial_number.rstrip() == "SN1"
    assert tuple(record.firmware) == (3, 60, 5)


def test_et03_is_a_nul_terminated_serial_number_and_zeroes():
    table = make_meter().tables[2051]
    assert table == b"METERKIT-0001" + bytes(130)


def test_bt61_is_seven_octets_and_six_for_each_data_set():
    sets = (*SMALL, LoadProfileSetConfiguration(interval_minutes=1440, intervals=31, blocks=3, sources=(0,)))
    meter = make_meter(load_profile=sets)
    memory = len(meter.tables[64]) + len(meter.tables[65])
    assert meter.tables[61] == struct.pack("<IHB HHBB HHBB", memory, 0x0C00, 0x20, 2, 8, 4, 15, 3, 31, 1, 84)
    assert 66 not in meter.tables


def test_bt62_is_three_octets_a_channel_and_a_format():
    assert make_meter().tables[62] == bytes((0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 32))


def test_et21_agrees_with_bt61_bt63_and_the_data():
    meter = make_meter()
    table, profile = meter.tables[2069], meter.profiles[0]
    block, header = 5 + 1 + 8 * (3 + 16), 6
    assert struct.unpack_from("<I", table, 8) == (block,)
    assert struct.unpack_from("<HHHHH", table, 12) == (
        header,
        2,
        profile.valid_intervals,
        profile.last_block,
        profile.valid_intervals - 1,
    )
    assert list(table[22:30]) == [5, 1, 6, 19, 3, 0, 4, 15]
    assert list(table[30:38]) == [0, 1, 2, 3, 0, 0, 0, 0]
    assert table[94:100] == bytes((26, 11, 21, 10, 30, 0))  # interval end time, UTC
    assert table[101:107] == bytes((26, 11, 21, 11, 30, 0))  # local: after the undescribed octet 100
    assert struct.unpack_from("<I", table, 107) == (2 * block,)
    assert len(table) == 131


@pytest.mark.parametrize(
    ("firmware", "size"),
    [
        ((2, 0, 0), 38),
        ((2, 10, 0), 70),
        ((2, 12, 0), 83),
        ((3, 10, 0), 94),
        ((3, 30, 0), 107),
        ((4, 20, 0), 131),
    ],
)
def test_et21_is_as_long_as_the_firmware_makes_it(firmware, size):
    meter = make_meter(firmware_version=firmware)
    assert len(meter.tables[2069]) == size
    context = context_for([GenConfig.resolve(context_for()).decode(meter.tables[0])])
    context = context.with_(ActLp.resolve(context).decode(meter.tables[61]))
    (one,) = LpInternalConfig.resolve(context).decode(meter.tables[2069]).sets
    assert one.block_size == meter.profiles[0].block_size


def test_old_firmware_has_one_data_set():
    meter = make_meter(firmware_version=(3, 40, 1), load_profile=SMALL * 4)
    assert len(meter.tables[61]) == 13
    assert len(meter.tables[63]) == 13
    assert 65 not in meter.tables
    assert len(make_meter(load_profile=SMALL * 4).tables[63]) == 52


def test_a_meter_without_load_profile_has_none_of_its_tables():
    meter = make_meter(DEMO_MASTER_KEY, mode=MeterMode.DEMAND_ONLY)
    assert not {61, 62, 63, 64, 2069} & set(meter.tables)
    assert read(meter, 61) == 5  # inappropriate action requested


OPEN = {0, 1, 2051}
NOT_FOR_THE_READ_KEY = {4, 2069, 2099}


def test_open_tables_need_no_key_and_all_others_do():
    meter = make_meter()
    meter.process_request(b"\x20")
    meter.process_request(bytes.fromhex("50000241646d696e6973747261"))
    readable = {table_id for table_id in meter.tables if isinstance(read(meter, table_id), bytes)}
    assert readable == OPEN
    assert read(meter, 64) == 3  # insufficient security clearance


def test_the_read_key_opens_all_but_the_tables_the_guide_keeps_back():
    meter = make_meter(DEMO_READ_KEY)
    refused = {table_id for table_id in meter.tables if not isinstance(read(meter, table_id), bytes)}
    assert refused == NOT_FOR_THE_READ_KEY


@pytest.mark.parametrize("key", [DEMO_PROVISIONING_KEY, DEMO_MASTER_KEY])
def test_the_other_keys_open_every_table(key):
    meter = make_meter(key)
    assert all(isinstance(read(meter, table_id), bytes) for table_id in meter.tables)


def test_bt23_holds_total_and_tiers_that_do_not_exceed_it():
    meter = make_meter(DEMO_READ_KEY)
    rows = [struct.unpack_from("<15i", read(meter, 23), 60 * i) for i in range(5)]
    assert rows[0][0] > 5_000_000
    assert sum(row[0] for row in rows[1:]) in range(rows[0][0] - 4, rows[0][0] + 1)
    assert meter.tables[21][3] == 15
    newest = struct.unpack_from("<i", meter.tables[64], meter.profiles[0].header_size + 3)
    assert rows[0][0] >= newest[0]


@pytest.mark.parametrize(
    ("firmware", "count"), [((2, 0, 0), 18), ((3, 60, 0), 41), ((3, 70, 0), 55), ((4, 30, 0), 84)]
)
def test_bt28_grows_with_the_firmware(firmware, count):
    meter = make_meter(DEMO_READ_KEY, firmware_version=firmware)
    values = struct.unpack(f"<{count}i", read(meter, 28))
    assert 220_000 < values[7] < 245_000  # RMS voltage L1, mV
    assert 49_900 < values[11] < 50_100  # mHz
    assert meter.tables[20][9] == count  # BT21 is missing on 2.0


def test_bt52_is_the_clock_with_its_qualifier():
    # 2026-11-21 is a Saturday (6); bits: GMT 4, DST supported 7.
    assert make_meter().tables[52] == bytes((26, 11, 21, 10, 37, 12, 6 | 1 << 4 | 1 << 7))


def test_bt03_tells_unread_load_profile():
    meter = make_meter(load_profile=SMALL * 3)
    assert meter.tables[3][3] == 0b011  # data sets 2 and 3
    assert meter.tables[3][7] >> 6 & 1  # data set 1


@pytest.mark.parametrize(
    ("firmware", "size"), [((3, 0, 0), 24), ((3, 30, 0), 27), ((3, 60, 0), 32), ((4, 20, 0), 39)]
)
def test_et11_is_as_long_as_the_firmware_makes_it(firmware, size):
    table = make_meter(firmware_version=firmware).tables[2059]
    assert len(table) == size
    assert struct.unpack_from("<H", table, 5) == (517,)


def test_a_pending_table_is_read_behind_its_event_description():
    meter = make_meter(DEMO_PROVISIONING_KEY)
    event = bytes((0, 26, 12, 1, 0, 0))
    meter.tables.set_pending(54, event, bytes(range(200)))
    assert read(meter, 4096 + 54) == event + bytes(range(200))
    # The guide's example: 4 octets from offset 3 are count 10, offset 3.
    response = meter.process_request(bytes.fromhex("3f1036000003000a"))
    assert response[3:-1] == event + bytes((3, 4, 5, 6))
    assert meter.tables[4][6] == 1 << 6  # BT54 is pending
    assert meter.tables[4][23 + 5 + 1 :][:8] == event + struct.pack("<H", 4096 + 54)


def test_a_pending_table_can_be_written_and_replaces_the_table_when_activated():
    meter = make_meter(DEMO_PROVISIONING_KEY)
    event = bytes((2, 1, 2, 3, 4, 5))
    octets = event + bytes(range(200))
    request = b"\x40" + (4096 + 54).to_bytes(2, "big") + len(octets).to_bytes(2, "big")
    assert meter.process_request(request + octets + bytes((-sum(octets) & 255,))) == b"\x00"
    assert meter.tables[54] != bytes(range(200))
    piece = event + b"\xaa"
    request = b"\x4f" + (4096 + 54).to_bytes(2, "big") + bytes((0, 0, 2, 0, len(piece)))
    assert meter.process_request(request + piece + bytes((-sum(piece) & 255,))) == b"\x00"
    meter.activate_pending(54)
    assert meter.tables[54][:4] == bytes((0, 1, 0xAA, 3))
    assert 4096 + 54 not in meter.tables


def test_secrets_are_in_no_repr():
    meter = make_meter(master_key=b"TOP-SECRET")
    assert "TOP-SECRET" not in repr(meter) + repr(meter.configuration) + repr(meter.tables)
