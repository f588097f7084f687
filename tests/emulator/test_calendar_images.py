"""BT50, BT51 and BT54: the emulated meter's calendar says what its schedule does."""

import struct

import pytest

from tests.emulator.meters import make_meter

RECURRENT, SWITCHES = 40, 22


def test_bt51_gives_bt54_its_size():
    meter = make_meter("3.70")
    assert meter.tables[50] == meter.tables[51] == struct.pack("<BBBBBHH", 1, 0, 0x42, 0, 40, 22, 200)
    assert len(meter.tables[54]) == 200


@pytest.mark.parametrize(
    ("schedule", "date"), [("monthly", 13 | 1 << 11), ("weekly", 14 | 1 << 8), ("daily", 15 | 1 << 4)]
)
def test_recurring_dates_tell_daylight_saving_seasons_demand_resets_and_self_reads(schedule, date):
    table = make_meter("3.70", self_read_schedule=schedule).tables[54]
    found = [struct.unpack_from("<HB", table, 3 * i) for i in range(RECURRENT)]
    assert found == [
        (3 | 6 << 4 | 25 << 11, 1),  # the last Sunday of March: offset 6, on or after the 25th
        (10 | 6 << 4 | 25 << 11, 2),
        (4 | 1 << 11, 4),  # 1 April: season 1
        (10 | 1 << 11, 3),
        (13 | 1 << 11, 1 << 5),
        (date, 1 << 6),
        *[(0, 0)] * 34,
    ]


@pytest.mark.parametrize(
    ("preset", "tiers", "summer"),
    [("3.70", [0, 1, 2], [0, 1, 2, 0, 0, 0, 0]), ("4.30", [0, 1, 2, 4, 5, 6], [3, 4, 5, 3, 3, 3, 3])],
)
def test_every_kind_of_day_has_its_tier_from_midnight_on(preset, tiers, summer):
    table = make_meter(preset).tables[54]
    switches = [struct.unpack_from("<HB", table, 3 * (RECURRENT + i)) for i in range(SWITCHES)]
    assert switches[: len(tiers)] == [(tier | 0b11000, number) for number, tier in enumerate(tiers)]
    assert switches[len(tiers) :] == [(0, 0)] * (SWITCHES - len(tiers))
    assert list(table[186:]) == [0, 1, 2, 0, 0, 0, 0, *summer]
