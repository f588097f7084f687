"""ET16 and ET51 of the emulated meter, octet by octet at the guide's offsets."""

import struct
from datetime import datetime

import pytest

from tests.emulator.meters import make_meter

ENTRY = 517
LOCAL = datetime(2026, 11, 21, 11, 0)  # the last full hour, an hour east of Greenwich


def entry(octets, place):
    return octets[ENTRY * place : ENTRY * (place + 1)]


def bcd(octets):
    return int(octets[::-1].hex())


@pytest.mark.parametrize(("preset", "nbr_devices"), [("2.10", 5), ("3.70", 5), ("4.30", 6)])
def test_et16_has_an_entry_for_every_device_of_et11(preset, nbr_devices):
    meter = make_meter(preset)
    assert meter.tables[2059][0] == nbr_devices
    assert len(meter.tables[2064]) == ENTRY * nbr_devices


def test_firmware_2_0_has_no_et16():
    assert 2064 not in make_meter(firmware_version=(2, 0, 0)).tables


def test_the_water_meter_sends_two_telegrams():
    meter = make_meter("3.70")
    octets = entry(meter.tables[2064], 0)
    assert datetime(2000 + octets[0], *octets[1:6]) == LOCAL
    assert octets[6] == 0b100  # mode 1, variable, key not wanting
    first = octets[8 : 8 + octets[7]]
    assert bcd(first[:4]) == 20260017
    assert struct.unpack_from("<H", first, 4)[0] == (13 * 32 + 11) * 32 + 20  # MKT
    assert first[7] == 7  # water
    assert first[12:14] == bytes((0x0C, 0x13))  # BCD8, volume in 10^-3 m3
    assert bcd(first[14:18]) == meter.household.water(meter.now().replace(minute=0, second=0))
    assert first[-1] == 0  # the terminator that the length counts
    second = octets[8 + octets[7] :]
    assert second[1:5] == first[:4]
    assert second[13:15] == bytes((0x4C, 0x13))  # storage 1
    assert octets[8 + octets[7] + 1 + second[0]] == 0  # no third


def test_the_gas_meter_stands_where_the_load_profile_has_it():
    meter = make_meter("3.70")
    octets = entry(meter.tables[2064], 1)
    telegram = octets[8 : 8 + octets[7]]
    assert telegram[7] == 3  # gas
    assert telegram[9] == 4  # power low
    assert telegram[12:14] == bytes((0x04, 0x13))
    hour = meter.now().replace(minute=0, second=0)
    assert struct.unpack_from("<i", telegram, 14)[0] == meter.measurement.sources((100,), hour)[0]


def test_the_heat_meter_is_encrypted_and_its_key_not_there():
    octets = entry(make_meter("3.70").tables[2064], 2)
    assert octets[6] == 0
    telegram = octets[8 : 8 + octets[7]]
    assert struct.unpack_from("<H", telegram, 10)[0] == 0x0520  # mode 5, two blocks
    assert len(telegram) == 12 + 32 + 1
    assert telegram[12:14] != b"\x2f\x2f"


def test_the_old_water_meter_has_a_fixed_data_structure_without_terminator():
    meter = make_meter("3.70")
    octets = entry(meter.tables[2064], 3)
    assert octets[6] >> 1 & 1
    assert octets[7] == 16
    assert bcd(octets[8:12]) == 987654
    assert octets[14] >> 6 | octets[15] >> 6 << 2 == 7  # water
    assert bcd(octets[16:20]) > bcd(octets[20:24]) > 0
    assert octets[24:] == bytes(ENTRY - 24)


def test_an_mep_device_gives_octets_with_a_count_and_a_length():
    octets = entry(make_meter("4.30").tables[2064], 4)
    read_count, length = struct.unpack_from("<HH", octets, 7)
    assert read_count == (datetime(2026, 11, 21, 10) - datetime(2024, 1, 1)).total_seconds() // 3600
    assert octets[11 : 11 + length] == b"MEP device 1, state ok"
    assert entry(make_meter("4.30").tables[2064], 5) == bytes(ENTRY)


@pytest.mark.parametrize(
    ("firmware", "size"),
    [((2, 10, 1), 8), ((3, 40, 0), 9), ((3, 70, 0), 10), ((4, 0, 0), 20), ((4, 30, 2), 20)],
)
def test_et51_has_an_element_for_every_client(firmware, size):
    table = make_meter(firmware_version=firmware).tables[2099]
    assert len(table) == size
    assert struct.unpack_from("<HBHH", table, 1) == (60, 30, 600, 300)


def test_bt55_tells_tier_and_season_with_the_time():
    meter = make_meter("4.30")
    table = meter.tables[55]
    assert table[:7] == meter.tables[52]
    status = struct.unpack_from("<H", table, 7)[0]
    assert status & 7 == 1  # Saturday: the second tier
    assert status >> 8 & 15 == 15  # no special day
    assert status >> 12 == 0  # winter
