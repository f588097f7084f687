"""Pending tables become active when their PED says so.  Source: OSGP guide, PED."""

import struct
from datetime import UTC, datetime

import pytest

from tests.emulator.meters import NOW, Clock, log_on, make_meter, read

PENDING_CALENDAR = 4096 + 54
CALENDAR = bytes(range(200))


def put(meter, event, octets=CALENDAR):
    octets = event + octets
    request = b"\x40" + PENDING_CALENDAR.to_bytes(2, "big") + len(octets).to_bytes(2, "big") + octets
    assert meter.process_request(request + bytes((-sum(octets) & 255,))) == b"\x00"


def last_entry(meter):
    octets = meter.tables[74]
    last = struct.unpack_from("<H", octets, 3)[0]
    at = 11 + 14 * last
    return tuple(octets[at : at + 6]), struct.unpack_from("<H", octets, at + 10)[0]


def test_an_absolute_time_is_utc_and_to_the_minute():
    clock = Clock()
    meter = log_on(make_meter("3.70", clock))
    put(meter, bytes((0, 26, 11, 21, 10, 40)))
    clock.forward(minutes=2)
    assert len(read(meter, PENDING_CALENDAR)) == 206
    clock.forward(hours=5)
    assert read(meter, 54) == CALENDAR
    assert read(meter, PENDING_CALENDAR) == 5  # inappropriate action requested: there is none any more
    assert last_entry(meter) == ((26, 11, 21, 10, 40, 0), 28)
    status = meter.tables[4]
    assert status[6] == 0  # BT54 is not pending
    assert status[23:29] == bytes((26, 11, 21, 10, 40, 0))  # last activation, none pending


def test_a_relative_time_counts_from_when_the_table_came():
    clock = Clock()
    meter = log_on(make_meter("3.70", clock))
    put(meter, bytes((1, 0, 0, 1, 0, 30)))  # one hour and thirty seconds
    clock.forward(hours=1)
    assert read(meter, 54) != CALENDAR
    clock.forward(seconds=30)
    assert read(meter, 54) == CALENDAR


@pytest.mark.parametrize("event", [bytes(6), bytes((2, 26, 1, 1, 0, 0)), bytes((0, 26, 13, 1, 0, 0))])
def test_an_empty_event_a_command_and_no_time_at_all_wait(event):
    clock = Clock()
    meter = log_on(make_meter("3.70", clock))
    put(meter, event)
    clock.forward(days=300)
    assert len(read(meter, PENDING_CALENDAR)) == 206


def test_flags_ask_for_a_self_read_and_a_demand_reset_before():
    clock = Clock()
    meter = log_on(make_meter("3.70", clock))
    resets, element = meter.tables[23][0], meter.tables[26][2]
    put(meter, bytes((0x30, 26, 11, 21, 11, 0)))
    clock.forward(hours=1)
    assert read(meter, 54) == CALENDAR
    assert meter.tables[23][0] == resets + 1
    table = meter.tables[26]
    assert table[2] == (element + 1) % 24
    at = 6 + 419 * table[2]
    assert tuple(table[at + 2 : at + 7]) == (26, 11, 21, 11, 0)
    assert table[at + 8] == resets  # the self read came first


def test_what_the_calendar_brings_before_is_logged_before():
    clock = Clock()
    meter = log_on(make_meter("2.10", clock))
    put(meter, bytes((0, 26, 11, 22, 12, 0)))
    clock.forward(days=2)
    read(meter, 1)
    octets = meter.tables[74]
    capacity, last = 100, struct.unpack_from("<H", octets, 3)[0]
    times = []
    for age in range(8, -1, -1):
        at = 11 + 14 * ((last - age) % capacity)
        times.append(datetime(2000 + octets[at], *octets[at + 1 : at + 6], tzinfo=UTC))
    assert times == sorted(times)
    assert datetime(2026, 11, 22, 12, tzinfo=UTC) in times
    assert times[0] <= NOW


def test_generation_4_has_room_for_four_pending_tables():
    meter = make_meter("4.30")
    assert meter.tables[0][18] == 4
    assert len(meter.tables[4]) == 10 + 20 + 5 + 1 + 4 * 8
