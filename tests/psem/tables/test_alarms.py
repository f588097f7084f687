"""The alarms of BT03 by name and firmware, against the octets and bits that the guide prints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.layout import Context
from meterkit.psem.tables import FirmwareVersion, GenConfig, context_for
from meterkit.psem.tables.osgp.alarms import ALARM_NAMES, alarm_names, alarms, standard_alarms
from meterkit.psem.tables.status import EdModeStatus


def context(mfg_status: int = 4, order: int = 0) -> Context:
    octets = (
        bytes([2 | order, 10, 0x88]) + b"NES\0" + bytes([2, 0, 255, 12, 1, 0, 10, 13, 2, 12, mfg_status, 2])
    )
    return context_for([GenConfig.resolve().decode(octets)])


def bt03(octets: str, mfg_status: int = 4, order: int = 0) -> EdModeStatus:
    return EdModeStatus.resolve(context(mfg_status, order)).decode(bytes.fromhex(octets))


def names_set(record: EdModeStatus, firmware: tuple[int, ...] | None = None) -> list[str]:
    return [alarm.name for alarm in alarms(record, firmware) if alarm.is_set]


@pytest.mark.parametrize(
    ("place", "since", "name"),
    [
        ((1, 2), None, "System Reset"),
        ((2, 4), None, "Cover Removed"),
        ((2, 5), None, "Reverse Energy"),
        ((2, 6), None, "Data Backup Incomplete"),
        ((2, 7), None, "Disconnect Switch Error"),
        ((3, 2), (3, 50), "Load Profile Data Set 4 Unread Entries Exist"),
        ((4, 0), None, "Load Profile Overflow"),
        ((4, 3), None, "Control Relay (1) Open"),
        ((5, 7), None, "Load Profile Backfill Failed"),
        ((6, 0), (2, 10), "MEP Installed or Removed"),
        ((6, 6), (2, 0), "Event Log Overflow Pending"),
        ((6, 7), (2, 12), "Mfg Log Entry Available"),
        ((7, 5), (2, 12), "THD State Changed"),
        ((7, 6), (3, 10), "Load Profile 1 Unread Entries Exist"),
        ((7, 7), (3, 30), "Load Side Voltage Detected"),
        ((8, 0), (3, 60), "Unbalanced Voltage Detected"),
        ((8, 1), (3, 70), "Password Table Written To"),
        ((8, 5), (4, 10), "Modem Error"),
        ((8, 7), (4, 20), "G3 Event Logged"),
        ((9, 0), (4, 30), "Control Relay (2) Open"),
    ],
)
def test_an_alarm_has_the_guides_place_name_and_firmware(
    place: tuple[int, int], since: tuple[int, ...] | None, name: str
) -> None:
    octets = bytearray(10)
    octets[place[0]] = 1 << place[1]
    found = [alarm for alarm in alarms(bt03(octets.hex(), 6)) if alarm.is_set]
    assert [(alarm.name, alarm.octet, alarm.bit, alarm.since) for alarm in found] == [(name, *place, since)]


def test_every_place_of_the_guide_is_named_once() -> None:
    places = [(one.octet, one.bit) for one in alarm_names()]
    full = [(octet, bit) for octet in (1, 2, 4, 5, 6, 7, 8) for bit in range(8)]
    assert places == sorted([*full, *((3, bit) for bit in range(4)), (9, 0)])
    assert len({one.name for one in ALARM_NAMES}) == len(ALARM_NAMES) == 62


@pytest.mark.parametrize(
    ("firmware", "count"),
    [
        ((2, 0, 5), 16 + 16 + 1 + 1),
        ((2, 10, 0), 16 + 16 + 7 + 1),
        ((2, 12, 3), 16 + 16 + 8 + 6 + 1),
        ((3, 0, 24), 16 + 16 + 7),  # "2.12 and 3.01": 3.00 is neither
        ((3, 1, 0), 16 + 16 + 8 + 6),
        ((3, 10, 21), 16 + 16 + 8 + 7),
        ((3, 50, 0), 16 + 3 + 16 + 8 + 8),
        ((3, 70, 0), 16 + 4 + 16 + 8 + 8 + 2),
        ((4, 30, 0), 61),
        ((5, 0, 0), 61),
    ],
)
def test_a_firmware_has_the_alarms_it_brought(firmware: tuple[int, int, int], count: int) -> None:
    assert len(alarm_names(FirmwareVersion(*firmware))) == count


def test_only_octets_that_the_meter_tells_of_have_alarms() -> None:
    whole = "00 0000 00 00000000 01 01"
    assert names_set(bt03(whole, 6), (4, 30, 0)) == ["Unbalanced Voltage Detected", "Control Relay (2) Open"]
    four = bt03("00 0000 00 00000000", 4)
    assert {alarm.octet for alarm in alarms(four, (4, 30, 0))} == {1, 2, 3, 4, 5, 6, 7}
    assert {alarm.octet for alarm in alarms(bt03("00 0000 00", 0))} == {1, 2, 3}


def test_octets_that_a_whole_read_brought_beyond_bt00_have_alarms_too() -> None:
    record = bt03("00 0000 00 00000000 02 01", 4)
    assert names_set(record, (4, 30, 0)) == ["Password Table Written To", "Control Relay (2) Open"]


def test_a_bit_that_the_firmware_has_no_name_for_is_still_an_alarm() -> None:
    record = bt03("00 0000 80 00000040")
    found = [alarm for alarm in alarms(record, (3, 1, 0)) if alarm.is_set]
    assert [(alarm.name, alarm.octet, alarm.bit, alarm.since) for alarm in found] == [
        ("Alarm 3.7", 3, 7, None),
        ("Alarm 7.6", 7, 6, None),
    ]


def test_the_neutral_current_may_be_an_earth_fault_from_firmware_4_on() -> None:
    record = bt03("00 0000 08 00000000")
    assert names_set(record, (3, 60, 0)) == ["Neutral Current Deviation"]
    assert names_set(record, (4, 0, 0)) == ["Neutral Current Deviation or Earth Fault"]


def test_octet_order_does_not_move_alarms() -> None:
    assert names_set(bt03("00 1000 00 01000000", order=1)) == ["Cover Removed", "Load Profile Overflow"]
    assert names_set(bt03("00 0010 00 01000000", order=0)) == ["Cover Removed", "Load Profile Overflow"]


def test_other_meters_have_c12_19s_names_and_places() -> None:
    found = standard_alarms(bt03("00 0410 01 00000001 "))
    assert [alarm.name for alarm in found if alarm.is_set] == [
        "Self-Check Error",
        "Tamper Detected",
        "Alarm 3.0",
        "Manufacturer status 3.0",
    ]
    assert len(found) == 14 + 2


@given(
    st.binary(min_size=4, max_size=300), st.integers(0, 255), st.none() | st.tuples(*[st.integers(0, 40)] * 3)
)
def test_any_octets_have_alarms_in_order(octets: bytes, told: int, firmware: tuple[int, ...] | None) -> None:
    told = min(told, len(octets) - 4)
    record = EdModeStatus.resolve(context(told)).decode(octets)
    found = alarms(record, firmware)
    places = [(alarm.octet, alarm.bit) for alarm in found]
    assert places == sorted(set(places))
    set_bits = sum(octet.bit_count() for octet in octets[1 : 4 + told + 255])
    assert sum(alarm.is_set for alarm in found) == set_bits
    assert sum(alarm.is_set for alarm in standard_alarms(record)) == set_bits
