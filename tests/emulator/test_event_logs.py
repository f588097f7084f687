"""BT70, BT71, BT72, BT74 and ET79 of the emulated meter, octet by octet at the guide's offsets."""

import struct
from datetime import UTC, datetime

import pytest

from meterkit.emulator import DEMO_MASTER_KEY
from tests.emulator.meters import NOW, USER, Clock, log_on, make_meter, read, run

PRIMARY, ALTERNATE = 74, 2127
NOBODY = 0xFFFF


def header(octets):
    """Return (flags, valid, last element, last sequence, unread): 11 octets."""
    return struct.unpack_from("<BHHIH", octets)


def entries(octets, size=14):
    """Return the valid entries, oldest first, as (time, sequence, user, event, argument)."""
    _, valid, last, _, _ = header(octets)
    capacity = (len(octets) - 11) // size
    found = []
    for age in reversed(range(valid)):
        at = 11 + size * ((last - age) % capacity)
        time = datetime(2000 + octets[at], *octets[at + 1 : at + 6], tzinfo=UTC)
        found.append((time, *struct.unpack_from("<HHHH", octets, at + 6)))
    return found


def events(meter, table_id=PRIMARY):
    return [event for _, _, _, event, _ in entries(meter.tables[table_id])]


@pytest.mark.parametrize(("preset", "capacity"), [("2.10", 100), ("3.70", 100), ("4.30", 200)])
def test_bt70_tells_the_logs_and_bt71_is_missing_before_2_12(preset, capacity):
    meter = make_meter(preset)
    expected = bytes((0b110, 8, 19, 2, 2)) + struct.pack("<HH", capacity, 0)
    assert meter.tables[70] == expected
    assert (71 in meter.tables, ALTERNATE in meter.tables) == (preset != "2.10", preset != "2.10")
    if preset != "2.10":
        assert meter.tables[71] == expected
    assert len(meter.tables[PRIMARY]) == 11 + capacity * 14


def test_bt72_tells_the_events_of_both_logs():
    table = make_meter("3.70").tables[72]
    standard, own = int.from_bytes(table[:8], "little"), int.from_bytes(table[8:], "little")
    assert len(table) == 27
    for event in (1, 2, 3, 4, 9, 20, 21, 37, 52):
        assert standard >> event & 1
    assert own == (1 << 56) - 1


def test_before_3_70_one_log_holds_everything_without_a_gap():
    meter = make_meter("2.10")
    log = entries(meter.tables[PRIMARY])
    sequences = [one[1] for one in log]
    assert len(log) == 100
    assert sequences == [*range(sequences[0], sequences[0] + 100)]
    assert [one[0] for one in log] == sorted(one[0] for one in log)
    assert log[-1] == (datetime(2026, 11, 21, tzinfo=UTC), sequences[-1], NOBODY, 27, 2)  # tier switched
    assert header(meter.tables[PRIMARY])[3] == sequences[-1]


def test_from_3_70_on_two_logs_share_one_sequence():
    meter = make_meter("3.70")
    primary, alternate = (entries(meter.tables[number]) for number in (PRIMARY, ALTERNATE))
    assert {1, 2} <= {one[3] for one in primary}
    assert {one[3] for one in alternate} == {21, 27}
    numbers = [one[1] for one in primary]
    assert numbers != [*range(numbers[0], numbers[0] + 100)]  # gaps in each ...
    reach = max(primary[0][1], alternate[0][1])
    both = sorted(one[1] for one in primary + alternate if one[1] >= reach)
    assert both == [*range(reach, both[-1] + 1)]  # ... and none in both together
    assert max(header(meter.tables[number])[3] for number in (PRIMARY, ALTERNATE)) == both[-1]


def test_power_failures_are_the_ones_the_household_had():
    meter = make_meter("3.70")
    times = {1: [], 2: []}
    for time, _, _, event, _ in entries(meter.tables[PRIMARY]):
        if event in times:
            times[event].append(time)
    for down, up in zip(times[1][-10:], times[2][-10:], strict=True):
        assert 60 <= (up - down).total_seconds() <= 3600
        assert meter.household.is_dark(down, up)[0]


def test_an_entry_has_the_low_half_of_its_sequence_number():
    meter = make_meter("3.70", first_event=0x0001_0000 - 1600)
    log = entries(meter.tables[ALTERNATE])
    assert header(meter.tables[ALTERNATE])[3] > 0xFFFF
    assert header(meter.tables[ALTERNATE])[3] & 0xFFFF == log[-1][1]
    assert log[0][1] > log[-1][1]  # it rolled over inside the log


def test_the_log_wraps_and_tells_when_nobody_reads_it():
    meter = log_on(make_meter("2.10", event_log_entries=20))
    before = header(meter.tables[PRIMARY])
    assert before[:2] == (0b100, 20)
    for _ in range(7):
        meter.log_event(40)
    after = header(meter.tables[PRIMARY])
    assert after == (0b100, 20, (before[2] + 7) % 20, before[3] + 7, before[4] + 7)
    assert events(meter)[-7:] == [40] * 7
    for _ in range(4):
        meter.log_event(41)
    assert header(meter.tables[PRIMARY])[0] == 0b110
    assert run(meter, 5, b"\x07\x14\x00") == 0  # all 20 have been read ...
    assert header(meter.tables[PRIMARY])[4] == 2  # ... which makes two events
    assert header(meter.tables[PRIMARY])[0] == 0b100


@pytest.mark.parametrize(("preset", "goes_on"), [("2.10", False), ("3.70", True)])
def test_clearing_the_logs_resets_the_sequence_before_3_70_only(preset, goes_on):
    meter = log_on(make_meter(preset))
    last = header(meter.tables[PRIMARY])[3]
    meter.diary.clear_logs()
    flags, valid, _, sequence, unread = header(meter.tables[PRIMARY])
    assert (flags, valid, unread) == (0b100, 0, 0)
    assert sequence == (last if goes_on else 0)
    meter.log_event(40)
    assert entries(meter.tables[PRIMARY])[0][1] == (1 if not goes_on else meter.diary.log.newest.sequence)


def test_procedures_and_writes_are_logged_with_their_user():
    meter = log_on(make_meter("3.70"))
    before = len(meter.tables[PRIMARY])
    assert run(meter, 9, b"\x02") == 0
    octets = bytes(10)
    request = b"\x40\x00\x05\x00\x0a" + octets + b"\x00"
    assert meter.process_request(request) == b"\x00"
    last = entries(meter.tables[ALTERNATE])[-3:]
    assert [(user, event, argument) for _, _, user, event, argument in last] == [
        (USER, 21, 0),
        (USER, 9, 9),
        (USER, 10, 5),
    ]
    assert all(time == NOW for time, *_ in last)
    assert len(meter.tables[PRIMARY]) == before


def test_setting_the_clock_logs_the_old_time_and_the_new():
    meter = log_on(make_meter("3.70"))
    assert run(meter, 10, b"\x03" + bytes((26, 11, 21, 11, 0, 0)) + b"\x00") == 0
    old, new = entries(meter.tables[PRIMARY])[-2:]
    assert (old[0], old[3]) == (NOW, 3)
    assert (new[0], new[3]) == (datetime(2026, 11, 21, 11, tzinfo=UTC), 4)
    assert old[2] == new[2] == USER


def test_a_clock_set_back_lets_the_day_come_again():
    clock = Clock()
    meter = log_on(make_meter("2.10", clock))
    assert run(meter, 10, b"\x03" + bytes((26, 11, 20, 23, 0, 0)) + b"\x00") == 0
    clock.forward(hours=2)
    meter.tick()
    assert events(meter)[-5:] == [3, 4, 9, 21, 27]


def test_reading_adds_no_event():
    meter = log_on(make_meter("3.70"))
    before = [meter.tables[number] for number in (PRIMARY, ALTERNATE)]
    for table_id in meter.tables:
        read(meter, table_id)
    assert [meter.tables[number] for number in (PRIMARY, ALTERNATE)] == before


def test_time_brings_events_while_a_session_lasts():
    clock = Clock()
    meter = log_on(make_meter("2.10", clock))
    last = header(meter.tables[PRIMARY])[3]
    clock.now = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
    read(meter, 1)
    new = [one for one in entries(meter.tables[PRIMARY]) if one[0] > NOW]
    assert [one[1] for one in new] == [*range(last + 1, last + 1 + len(new))]
    assert {one[2] for one in new} == {NOBODY}
    assert sum(one[3] == 21 for one in new) == 10  # a self read a day
    assert [one[0] for one in new] == sorted(one[0] for one in new)


def test_a_wrong_key_raises_an_alarm_once_and_logs_it():
    meter = make_meter("3.70")
    for request in (b"\x20", b"\x50" + USER.to_bytes(2, "big") + b"technician"):
        meter.process_request(request)
    for _ in range(2):
        assert meter.process_request(b"\x51" + bytes(20)) == b"\x01"
    assert meter.tables[3][5] == 1
    assert [one[2:4] for one in entries(meter.tables[PRIMARY])][-2:].count((USER, 2048 + 8)) == 1
    meter.process_request(b"\x51" + DEMO_MASTER_KEY)


def test_a_meter_without_places_for_events_forgets_them():
    meter = make_meter("3.70", event_log_entries=0)
    meter.log_event(40)
    flags, valid, last, _, unread = header(meter.tables[PRIMARY])
    assert (flags, valid, last, unread) == (0, 0, 0, 0)


def test_a_big_endian_meter_logs_the_same():
    big, little = (make_meter("3.70", byte_order=order).tables[PRIMARY] for order in ("big", "little"))
    assert struct.unpack_from(">BHHIH", big) == header(little)
    assert struct.unpack_from(">HHHH", big, 17) == struct.unpack_from("<HHHH", little, 17)
