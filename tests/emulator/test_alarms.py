"""Alarms of BT03 by name, where the guide puts them, and the events they make."""

import struct

import pytest

from meterkit.emulator.diary import MEP_DEVICE
from tests.emulator.meters import log_on, make_meter, run


def last_event(meter):
    octets = meter.tables[74]
    last = struct.unpack_from("<H", octets, 3)[0]
    return struct.unpack_from("<HHH", octets, 11 + 14 * last + 8)  # user, event, argument


@pytest.mark.parametrize(
    ("name", "octet", "bit", "event"),
    [
        ("Unprogrammed", 1, 0, 37),
        ("Measurement Error", 1, 7, 44),
        ("Low Battery", 2, 0, 45),
        ("Cover Removed", 2, 4, 49),
        ("Disconnect Switch Error", 2, 7, 52),
        ("Neutral Current Deviation or Earth Fault", 3, 3, 2048 + 51),
        ("Phase Loss", 4, 4, 2048 + 4),
        ("M-Bus Alarm", 6, 1, 2048 + 17),
        ("Magnetic Tamper Detected", 7, 1, 2048 + 25),
        ("Modem Error", 8, 5, 2048 + 37),
        ("Control Relay (2) Open", 9, 0, 2048 + 40),
    ],
)
def test_an_alarm_stands_where_the_guide_says_and_is_logged_once(name, octet, bit, event):
    meter = make_meter("4.30")
    assert not meter.tables[3][octet] >> bit & 1
    meter.raise_alarm(name, argument=5)
    meter.raise_alarm(name, argument=6)
    assert meter.tables[3][octet] >> bit & 1
    assert last_event(meter) == (0xFFFF, event, 5)
    meter.clear_alarm(name)
    assert not meter.tables[3][octet] >> bit & 1


@pytest.mark.parametrize(("preset", "size"), [("2.10", 8), ("3.70", 9), ("4.30", 10)])
def test_bt03_is_as_long_as_bt00_17_says(preset, size):
    meter = make_meter(preset)
    assert len(meter.tables[3]) == size == 4 + meter.tables[0][17]


def test_a_meter_may_say_four_octets_as_the_guide_prints():
    meter = make_meter("4.30", manufacturer_status_octets=4)
    assert (meter.tables[0][17], len(meter.tables[3])) == (4, 8)
    with pytest.raises(ValueError, match="has no alarm 'Modem Error'"):
        meter.raise_alarm("Modem Error")


def test_an_alarm_of_newer_firmware_is_refused():
    with pytest.raises(ValueError, match="has no alarm 'Magnetic Tamper Detected'; it has: "):
        make_meter("2.10").raise_alarm("Magnetic Tamper Detected")


def test_an_mep_device_can_be_the_one_who_did_it():
    meter = make_meter("3.70")
    meter.raise_alarm("M-Bus Alarm", user_id=MEP_DEVICE)
    assert last_event(meter)[0] == 0xFFFD


def test_status_procedures_clear_alarms_of_all_octets():
    meter = log_on(make_meter("4.30"))
    for name in ("Low Battery", "Neutral Current Deviation or Earth Fault", "Phase Loss", "Modem Error"):
        meter.raise_alarm(name)
    assert run(meter, 7) == 0
    assert meter.tables[3][1:3] == bytes(2)
    assert not meter.tables[3][3] & 8
    assert meter.tables[3][4]
    assert run(meter, 8) == 0
    assert (meter.tables[3][4], meter.tables[3][8]) == (0, 0)


def test_unread_events_are_an_alarm_while_there_are_any():
    meter = log_on(make_meter("3.70"))
    assert meter.tables[3][7] >> 4 & 1
    meter.diary.log.mark_read(1000)
    meter.diary.alternate_log.mark_read(1000)
    assert not meter.tables[3][7] >> 4 & 1
    meter.log_event(40)
    assert meter.tables[3][7] >> 4 & 1
    assert not make_meter("2.10").tables[3][7]  # the alarm came with 2.12
