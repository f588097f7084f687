"""The load profile the emulator records: its octets by the guide's offsets, its ring, its growth."""

import struct
from datetime import UTC, datetime, timedelta

import pytest

from meterkit.emulator import EmulatorConfiguration, LoadProfileSetConfiguration, MeterEmulator
from meterkit.psem.tables import ActLp, GenConfig, LpCtrl, LpDataSet1, LpDataSet3, context_for

NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)
QUARTERS = LoadProfileSetConfiguration(interval_minutes=15, intervals=96, blocks=4, sources=(0, 1, 26))


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


def make_meter(*sets, clock=None, **changes):
    configuration = EmulatorConfiguration(load_profile=sets or (QUARTERS,), **changes)
    return MeterEmulator(configuration, clock=clock or Clock())


def status(meter, data_set=1):
    """BT63 by the guide: flags, valid blocks, last block, sequence, unread blocks, valid intervals."""
    return struct.unpack_from("<BHHIHH", meter.tables[63], 13 * (data_set - 1))


def block(meter, place, profile=0):
    """BT64 by the guide: end time, simple status, [(nibbles, values)]."""
    data_set = meter.configuration.load_profile[profile]
    channels, intervals = len(data_set.sources), data_set.intervals
    simple = (intervals + 7) // 8
    header, row = 5 + simple, channels // 2 + 1 + 4 * channels
    octets = meter.tables[64 + profile][place * (header + intervals * row) :][: header + intervals * row]
    end = datetime(2000 + octets[0], *octets[1:5], tzinfo=UTC)
    bits = [bool(octets[5 + i // 8] >> i % 8 & 1) for i in range(intervals)]
    rows = []
    for i in range(intervals):
        at = header + i * row
        extended = octets[at : at + channels // 2 + 1]
        nibbles = [n for octet in extended for n in (octet >> 4, octet & 15)][: channels + 1]
        rows.append((nibbles, struct.unpack_from(f"<{channels}i", octets, at + len(extended))))
    return end, bits, rows


def test_the_newest_block_ends_with_the_interval_before_now():
    meter = make_meter()
    _, valid, last, _, _, intervals = status(meter)
    assert valid == 4
    end, bits, _ = block(meter, last)
    assert end == datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
    assert intervals == 42  # from midnight
    assert bits[41]
    assert not any(bits[42:])


def test_a_complete_block_ends_at_midnight_of_the_following_day():
    meter = make_meter()
    _, _, last, _, _, _ = status(meter)
    for age in (1, 2, 3):
        end, bits, _ = block(meter, (last - age) % 4)
        assert end == datetime(2026, 11, 22 - age, tzinfo=UTC)
        assert bits[-1]


def test_the_ring_is_numbered_without_gaps():
    meter = make_meter()
    _, _, last, sequence, _, _ = status(meter)
    assert last == sequence % 4


def test_import_and_export_registers_never_run_backwards():
    meter = make_meter()
    _, _, last, _, _, _ = status(meter)
    before = (0, 0)
    for age in (3, 2, 1, 0):
        _, bits, rows = block(meter, (last - age) % 4)
        for is_valid, (_, values) in zip(bits, rows, strict=True):
            if is_valid:
                assert values[0] >= before[0]
                assert values[1] >= before[1]
                before = values[:2]
    assert before[0] > 5_000_000  # Wh since 2024


def test_a_day_of_the_house_is_believable():
    meter = make_meter()
    _, _, last, _, _, _ = status(meter)
    _, bits, rows = block(meter, (last - 1) % 4)
    valid = [values for is_valid, (_, values) in zip(bits, rows, strict=True) if is_valid]
    assert 5_000 < valid[-1][0] - valid[0][0] < 16_000  # Wh in a day
    voltages = [values[2] for values in valid if values[2]]
    assert all(215_000 < value < 250_000 for value in voltages)  # mV


def test_the_tail_of_the_newest_block_holds_old_rows_that_its_status_disowns():
    meter = make_meter()
    _, _, last, _, _, _ = status(meter)
    _, bits, rows = block(meter, last)
    assert not bits[-1]
    assert any(rows[-1][1])


def test_a_profile_that_has_not_run_long_fills_the_ring_from_its_start():
    meter = make_meter(LoadProfileSetConfiguration(intervals=10, blocks=5, interval_minutes=60, history=17))
    flags, valid, last, sequence, unread, intervals = status(meter)
    assert flags == 0x24  # active, circular, no overflow
    assert (valid, last, sequence, unread) == (last + 1, last, last, last + 1)
    profile = meter.profiles[0]
    assert profile.valid_intervals == intervals
    assert meter.tables[64][(last + 1) * profile.block_size :] == bytes((4 - last) * profile.block_size)


def test_no_history_means_an_empty_profile():
    meter = make_meter(LoadProfileSetConfiguration(history=0))
    assert status(meter) == (0x24, 0, 0, 0, 0, 0)
    meter.grow(1)
    assert status(meter)[1:] == (1, 0, 0, 1, status(meter)[5])


@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 60, 1440])
def test_every_interval_length_has_its_code(minutes):
    meter = make_meter(LoadProfileSetConfiguration(interval_minutes=minutes, intervals=8, blocks=2))
    assert meter.tables[61][12] == (84 if minutes == 1440 else minutes)
    assert meter.profiles[0].interval == timedelta(minutes=minutes)


def test_growing_adds_rows_and_wraps_the_ring():
    meter = make_meter()
    flags, _, last, sequence, _, intervals = status(meter)
    meter.grow(1)
    assert status(meter) == (flags, 4, last, sequence, 4, intervals + 1)
    meter.grow(96)
    assert status(meter)[1:4] == (4, (last + 1) % 4, sequence + 1)
    assert status(meter)[0] & 2  # overflow: an unread block was overwritten
    assert block(meter, (last + 1) % 4)[0] == datetime(2026, 11, 22, 10, 45, tzinfo=UTC)


def test_growing_one_data_set_leaves_the_others_alone():
    meter = make_meter(QUARTERS, QUARTERS)
    before = status(meter, 1)
    meter.grow(3, data_set=2)
    assert status(meter, 1) == before
    assert status(meter, 2)[5] == before[5] + 3


def test_the_profile_grows_while_it_is_read():
    meter = make_meter(grow_intervals=2, grow_exchanges=3)
    for text in ("20", "50000241646d696e6973747261", "51" + b"METERKIT-DEMO-READER".hex()):
        meter.process_request(bytes.fromhex(text))
    counts = []
    for _ in range(7):
        meter.process_request(bytes.fromhex("3f003f0000000d"[:12] + "000d"))
        counts.append(status(meter)[5])
    assert counts == [42, 42, 44, 44, 44, 46, 46]


def test_the_profile_follows_the_clock():
    clock = Clock()
    meter = make_meter(clock=clock)
    clock.now += timedelta(minutes=45)
    meter.process_request(b"\x20")
    assert status(meter)[5] == 45
    clock.now += timedelta(days=400)  # more than the ring holds
    meter.process_request(b"\x20")
    assert status(meter)[1] == 4
    assert meter.profiles[0].last_end_time == datetime(2027, 12, 26, 11, 15, tzinfo=UTC)


def test_the_profile_can_ignore_the_clock():
    clock = Clock()
    meter = make_meter(clock=clock, follow_clock=False)
    clock.now += timedelta(days=1)
    meter.process_request(b"\x20")
    assert status(meter)[5] == 42


def test_the_same_seed_gives_the_same_octets_and_another_seed_others():
    assert make_meter(seed=5).tables[64] == make_meter(seed=5).tables[64]
    assert make_meter(seed=5).tables[64] != make_meter(seed=6).tables[64]


def test_summer_time_is_flagged_and_winter_time_is_not():
    for now, flag in ((datetime(2026, 7, 1, 12, tzinfo=UTC), 1), (datetime(2026, 12, 1, 12, tzinfo=UTC), 0)):
        meter = make_meter(clock=Clock(now))
        _, _, last, _, _, intervals = status(meter)
        assert block(meter, last)[2][intervals - 1][0][0] & 1 == flag


def outage_meter():
    """A meter whose house lost power for more than two quarters of an hour within the ring."""
    sets = (LoadProfileSetConfiguration(intervals=96, blocks=60, sources=(0, 5)),)
    return make_meter(*sets, seed=3)


def test_a_power_failure_is_flagged_counted_and_leaves_unprocessed_intervals():
    meter = outage_meter()
    flagged = skipped = 0
    for place in range(60):
        end, bits, rows = block(meter, place)
        if end == datetime(2026, 11, 21, 10, 30, tzinfo=UTC):
            continue
        flagged += sum(
            nibbles[0] >> 1 & 1 for is_valid, (nibbles, _) in zip(bits, rows, strict=True) if is_valid
        )
        skipped += bits.count(False)
    assert flagged
    assert skipped
    first, last = block(meter, (status(meter)[2] + 1) % 60), block(meter, status(meter)[2])
    assert last[2][0][1][1] > first[2][0][1][1]  # the outage counter


def test_a_gas_meter_is_missing_now_and_then():
    meter = make_meter(
        LoadProfileSetConfiguration(interval_minutes=60, intervals=24, blocks=30, sources=(0, 100))
    )
    seen = set()
    for place in range(30):
        _, bits, rows = block(meter, place)
        seen |= {nibbles[2] for is_valid, (nibbles, _) in zip(bits, rows, strict=True) if is_valid}
    assert {0, 10, 11} <= seen


def test_setting_the_clock_forward_marks_the_next_interval_and_leaves_out_the_lost_ones():
    clock = Clock()
    meter = make_meter(clock=clock)
    assert meter.set_clock(bytes((26, 11, 21, 11, 40, 0)))  # an hour and three minutes ahead
    clock.now += timedelta(minutes=6)
    meter.process_request(b"\x20")
    end, bits, rows = block(meter, status(meter)[2])
    assert end == datetime(2026, 11, 21, 11, 45, tzinfo=UTC)
    assert bits[40:48] == [True, True, False, False, False, False, True, False]
    assert rows[46][0] == [4, 2, 2, 2]  # clock reset forward; partial interval in every channel


def test_setting_the_clock_backward_marks_the_next_interval_as_long():
    clock = Clock()
    meter = make_meter(clock=clock)
    assert meter.set_clock(bytes((26, 11, 21, 10, 31, 0)))
    clock.now += timedelta(minutes=15)
    meter.process_request(b"\x20")
    _, _, rows = block(meter, status(meter)[2])
    assert rows[42][0] == [8, 3, 3, 3]


def test_big_endian_meters_turn_numbers_round_and_times_not():
    little, big = make_meter().tables, make_meter(byte_order="big").tables
    assert struct.unpack_from("<H", little[63], 11) == struct.unpack_from(">H", big[63], 11)
    profile = make_meter().profiles[0]
    at = profile.header_size + profile.extended_status_size
    assert little[64][:at] == big[64][:at]
    assert struct.unpack_from("<3i", little[64], at) == struct.unpack_from(">3i", big[64], at)


@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_the_clients_declarations_read_what_the_emulator_wrote(byte_order):
    meter = MeterEmulator(EmulatorConfiguration(byte_order=byte_order), clock=Clock())
    tables = meter.tables
    context = context_for([GenConfig.resolve(context_for()).decode(tables[0])])
    for table in (ActLp, LpCtrl):
        context = context.with_(table.resolve(context).decode(tables[table.number]))
    for table, number in ((LpDataSet1, 0), (LpDataSet3, 2)):
        layout = table.resolve(context)
        assert layout.size == len(tables[table.number])
        record = layout.decode(tables[table.number])
        profile = meter.profiles[number]
        newest = record.blocks[profile.last_block]
        assert newest.blk_end_time.replace(tzinfo=UTC) == profile.last_end_time
        assert (
            newest.lp_int[profile.valid_intervals - 1].int_data[0]
            == (meter.measurement.sources((0,), profile.last_end_time)[0])
        )
