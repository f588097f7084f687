"""BT26 of the emulated meter: a ring of registers as they were, at the guide's offsets."""

import struct
from datetime import UTC, datetime

import pytest

from meterkit.emulator import EmulatorConfiguration
from tests.emulator.meters import Clock, log_on, make_meter, run

HEAD = 6  # octets


def header(octets):
    """Return (flags, valid, last element, last sequence, unread)."""
    return struct.unpack_from("<BBBHB", octets)


def entry(octets, place, size, bidn=True):
    """Return (BIDN, time, season, registers) of one entry, by the guide's offsets 6, 8, 13, 14."""
    at = HEAD + size * place
    number = struct.unpack_from("<H", octets, at)[0] if bidn else None
    at += 2 * bidn
    return number, tuple(octets[at : at + 5]), octets[at + 5], octets[at + 6 :][: size - 6 - 2 * bidn]


def test_entries_have_a_bidn_where_demands_are_configured():
    octets = make_meter("3.70").tables[26]
    size = 2 + 5 + 1 + 411
    assert len(octets) == HEAD + 24 * size
    flags, valid, last, sequence, unread = header(octets)
    assert (flags, valid, unread) == (0b100, 24, 1)  # circular, ascending, no overflow
    days = (datetime(2026, 11, 21) - datetime(2024, 1, 1)).days
    assert (sequence, last) == (days - 1, (days - 1) % 24)  # daily since the meter was installed
    number, time, season, registers = entry(octets, last, size)
    assert (number, time, season) == (7, (26, 11, 21, 0, 0), 0)
    assert struct.unpack_from("<i", registers, 1)[0] > 5_000_000
    assert entry(octets, (last + 1) % 24, size)[1] == (26, 10, 29, 0, 0)  # the oldest


def test_entries_have_no_bidn_without_demands():
    octets = make_meter("2.10").tables[26]
    size = 5 + 1 + 300
    assert len(octets) == HEAD + 24 * size  # BT20 prints 24 entries for 2.10
    last = header(octets)[2]
    assert entry(octets, last, size, bidn=False)[1:3] == ((26, 11, 21, 0, 0), 0)


def test_entries_are_the_registers_of_their_moment_with_their_tiers():
    clock = Clock(datetime(2026, 11, 20, 23, 59, tzinfo=UTC))
    meter = log_on(make_meter("3.70", clock))
    clock.now = datetime(2026, 11, 21, tzinfo=UTC)
    meter.tick()
    octets = meter.tables[26]
    assert entry(octets, header(octets)[2], 419)[3] == meter.tables[23]


def test_the_ring_grows_at_midnight_and_wraps():
    clock = Clock()
    meter = make_meter("3.70", clock)
    before = header(meter.tables[26])
    clock.forward(days=3)
    meter.tick()
    after = header(meter.tables[26])
    assert after == (0b100, 24, (before[2] + 3) % 24, before[3] + 3, 4)
    assert meter.tables[3][4] >> 1 & 1  # "Self-Read Occurred"
    clock.forward(days=30)
    meter.tick()
    assert header(meter.tables[26])[0] == 0b110  # nobody came to read: overflow
    assert header(meter.tables[26])[4] == 24


def test_procedures_take_read_and_clear_self_reads():
    meter = log_on(make_meter("3.70"))
    before = header(meter.tables[26])
    assert run(meter, 9, b"\x02") == 0
    octets = meter.tables[26]
    assert header(octets)[2:] == ((before[2] + 1) % 24, before[3] + 1, 2)
    assert entry(octets, header(octets)[2], 419)[1] == (26, 11, 21, 10, 37)
    assert run(meter, 5, b"\x02\x03\x00") == 2  # more than are unread: invalid
    assert run(meter, 5, b"\x02\x02\x00") == 0
    assert header(meter.tables[26])[4] == 0
    assert run(meter, 4, b"\x02") == 0
    assert header(meter.tables[26]) == (0b100, 0, 0, before[3] + 1, 0)  # the sequence is never reset
    assert run(meter, 9, b"\x02") == 0
    assert header(meter.tables[26]) == (0b100, 1, 0, before[3] + 2, 1)


def test_self_read_occurred_is_cleared_with_the_manufacturers_status():
    meter = log_on(make_meter("3.70"))
    assert not meter.tables[3][4] & 2
    run(meter, 9, b"\x02")
    assert meter.tables[3][4] & 2
    run(meter, 8)
    assert not meter.tables[3][4] & 2


@pytest.mark.parametrize(
    ("schedule", "newest", "oldest"),
    [("weekly", (26, 11, 16, 0, 0), (26, 10, 26, 0, 0)), ("monthly", (26, 11, 1, 0, 0), (26, 8, 1, 0, 0))],
)
def test_self_reads_follow_their_schedule(schedule, newest, oldest):
    octets = make_meter(self_read_schedule=schedule, self_reads=4).tables[26]
    last = header(octets)[2]
    assert entry(octets, last, 306, bidn=False)[1] == newest
    assert entry(octets, (last + 1) % 4, 306, bidn=False)[1] == oldest


def test_a_meter_without_self_reads_has_an_empty_list():
    assert make_meter(self_reads=0).tables[26] == bytes(6)  # "reads FALSE if max entries is 0"


def test_a_new_meter_has_places_that_were_never_written():
    clock = Clock(datetime(2024, 1, 3, 12, 0, tzinfo=UTC))
    octets = make_meter("3.70", clock).tables[26]
    assert header(octets) == (0b100, 2, 1, 1, 1)
    assert entry(octets, 2, 419) == (7, (0, 0, 0, 0, 0), 0, bytes(411))


def test_the_largest_ring_is_encoded_once():
    meter = make_meter(self_reads=253, self_read_schedule="daily")
    assert EmulatorConfiguration().self_reads == 12
    assert meter.tables[26] is not None
    image = meter.tables.get(26).octets
    assert meter.tables.get(26).octets is image
    meter.self_read()
    assert meter.tables.get(26).octets is not image
