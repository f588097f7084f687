"""BT20 to BT28 of the emulated meter, octet by octet at the guide's offsets, at three firmware levels."""

import struct
from datetime import UTC, datetime, timedelta

import pytest

from meterkit.emulator import EmulatorConfiguration, LoadProfileSetConfiguration
from tests.emulator.meters import NOW, Clock, log_on, make_meter, read, run

IAR = 5  # inappropriate action requested


def block_3_70(octets, number):
    """Return (15 summations, two demands as (time, value), coincident) of BT23's total or of a tier.

    3.70 preset: one octet of demand resets, then blocks of 60 + 2 * (5 + 4) + 4 octets.
    """
    at = 1 + 82 * number
    values = struct.unpack_from("<15i", octets, at)
    demands = [
        (octets[at + 60 + 9 * i :][:5], *struct.unpack_from("<i", octets, at + 65 + 9 * i)) for i in (0, 1)
    ]
    return values, demands, struct.unpack_from("<i", octets, at + 78)[0]


def stime(octets):
    return datetime(2000 + octets[0], *octets[1:5], tzinfo=UTC)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        # BT20: flags, flags, self reads, summations, demands, coincidents, occurrences, tiers, present ...
        ("2.10", [0x03, 0x0E, 24, 15, 0, 0, 1, 4, 0, 18]),
        ("3.70", [0x3F, 0x0E, 253, 15, 8, 16, 1, 8, 8, 55]),
        ("4.30", [0x3F, 0x0E, 253, 19, 8, 16, 1, 8, 8, 84]),
    ],
)
def test_bt20_tells_the_most_of_its_firmware(preset, expected):
    assert list(make_meter(preset).tables[20]) == expected


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("3.70", [0x07, 0x0C, 24, 15, 2, 1, 1, 4, 2, 55]),
        ("4.30", [0x37, 0x0C, 31, 19, 4, 2, 1, 8, 4, 84]),
    ],
)
def test_bt21_tells_what_is_configured(preset, expected):
    assert list(make_meter(preset).tables[21]) == expected


def test_firmware_2_10_refuses_bt21_and_bt71():
    meter = log_on(make_meter("2.10"))
    assert read(meter, 21) == IAR
    assert read(meter, 71) == IAR
    assert len(read(meter, 23)) == 5 * 15 * 4  # as BT20 says: no demands
    assert len(read(meter, 28)) == 18 * 4


@pytest.mark.parametrize(
    ("firmware", "entries"), [((2, 0, 0), 12), ((2, 10, 0), 24), ((3, 0, 1), 214), ((3, 10, 0), 253)]
)
def test_bt20_allows_the_self_reads_the_guide_prints(firmware, entries):
    assert make_meter(firmware_version=firmware).tables[20][2] == entries


def test_bt22_lists_sources_and_which_demands_are_maxima():
    table = make_meter("4.30").tables[22]
    assert list(table[:19]) == list(range(19))
    assert list(table[19:23]) == [0, 1, 2, 0]  # demands
    assert table[23] == 0b0111  # the fourth is a minimum
    assert list(table[24:26]) == [2, 3]  # coincidents
    assert list(table[26:]) == [0, 1]  # go with these demands


@pytest.mark.parametrize(("preset", "nbr_tiers", "nbr_summations"), [("2.10", 4, 15), ("4.30", 8, 19)])
def test_tiers_add_up_to_the_total(preset, nbr_tiers, nbr_summations):
    meter = make_meter(preset, demands=(), coincidents=(), cumulative_demand=False)
    size = 4 * nbr_summations
    octets = meter.tables[23]
    assert len(octets) == size * (1 + nbr_tiers)
    rows = [struct.unpack_from(f"<{nbr_summations}i", octets, size * i) for i in range(1 + nbr_tiers)]
    total, tiers = rows[0], rows[1:]
    assert total[0] > 5_000_000
    for number in {*range(nbr_summations)} - {4, 5, 7, 8, 9, 10}:
        assert sum(tier[number] for tier in tiers) == total[number]
    for number in (4, 5, 8, 9, 10):  # not populated in tier groups
        assert [tier[number] for tier in tiers] == [0] * nbr_tiers
    assert total[6] == total[0] + total[1]
    assert total[7] == total[0] - total[1]
    assert (total[2], total[3]) == (total[11] + total[12], total[13] + total[14])  # by quadrants


def test_on_a_saturday_only_the_second_tier_counts():
    clock = Clock()
    meter = make_meter("3.70", clock)
    before = [block_3_70(meter.tables[23], i)[0] for i in range(5)]
    clock.forward(hours=2)
    after = [block_3_70(meter.tables[23], i)[0] for i in range(5)]
    assert after[0][0] - before[0][0] == after[2][0] - before[2][0] > 0
    assert [after[i] for i in (1, 3, 4)] == [before[i] for i in (1, 3, 4)]


@pytest.mark.parametrize("ratio", [1, 25])
def test_bt23_stands_where_the_load_profile_stands_when_an_interval_ends(ratio):
    profile = LoadProfileSetConfiguration(intervals=8, blocks=2, sources=tuple(range(15)))
    clock = Clock(datetime(2026, 11, 21, 10, 45, tzinfo=UTC))
    meter = make_meter("3.70", clock, load_profile=(profile,), ct_ratio=ratio)
    memory = meter.profiles[0]
    row = memory.last_block * memory.block_size + memory.header_size
    row += (memory.valid_intervals - 1) * memory.interval_size + memory.extended_status_size
    assert memory.last_end_time == clock.now
    assert struct.unpack_from("<15i", meter.tables[64], row) == block_3_70(meter.tables[23], 0)[0]


def test_transformer_ratios_are_in_bt23_and_where_bt28_says_so():
    plain, through = make_meter("4.30", ct_ratio=1), make_meter("4.30", ct_ratio=40, vt_ratio=2)
    one, eighty = (struct.unpack_from("<2i", meter.tables[23], 1) for meter in (plain, through))
    assert [many // 80 for many in eighty] == list(one)
    values, ratioed = (struct.unpack_from("<84i", meter.tables[28], 16) for meter in (plain, through))
    assert values[:18] == ratioed[:18]  # as measured
    assert ratioed[18:22] == tuple(80 * value for value in values[:4])
    assert ratioed[32:38] == tuple(80 * value for value in values[26:32])
    assert ratioed[38:41] == tuple(40 * value for value in values[4:7])  # currents: CT alone


def test_the_energy_register_unit_divides_wh_and_varh_but_not_vah():
    fine, coarse = (make_meter("4.30", energy_register_unit=unit).tables[23] for unit in (1, 100))
    one, hundred = (struct.unpack_from("<19i", octets, 1) for octets in (fine, coarse))
    for number in (0, 1, 2, 3, 11, 13):
        assert hundred[number] == one[number] // 100
    assert hundred[15:] == one[15:]
    assert hundred[4:6] == one[4:6]


def test_demands_have_been_reached_since_the_last_reset_at_the_end_of_an_interval():
    octets = make_meter("3.70").tables[23]
    assert octets[0] == 6  # one reset a month, and demands were programmed six months ago
    _, demands, coincident = block_3_70(octets, 0)
    for when, power in demands:
        assert datetime(2026, 11, 1, tzinfo=UTC) < stime(when) <= NOW
        assert stime(when).minute % 15 == 0
        assert 300 < power < 15_000
    assert coincident == pytest.approx(0.31 * demands[0][1], abs=1)
    highest = [max(block_3_70(octets, tier)[1][i][1] for tier in range(1, 5)) for i in (0, 1)]
    assert highest == [power for _, power in demands]  # the tiers share the month between them
    assert block_3_70(octets, 4)[1] == [(bytes(5), 0)] * 2  # a tier that never was


def test_a_demand_is_the_steepest_interval_of_the_load_profile():
    profile = LoadProfileSetConfiguration(intervals=96, blocks=25, sources=(0, 1))
    meter = make_meter("3.70", load_profile=(profile,))
    memory, table = meter.profiles[0], meter.tables[64]
    readings = {}
    for block in range(25):
        base = block * memory.block_size
        newest = stime(table[base : base + 5])
        start = datetime(newest.year, newest.month, newest.day, tzinfo=UTC) - timedelta(
            days=newest.time() == datetime.min.time()
        )
        for i in range(96):
            if table[base + 5 + i // 8] >> i % 8 & 1:
                at = base + memory.header_size + i * memory.interval_size + memory.extended_status_size
                readings[start + timedelta(minutes=15 * (i + 1))] = struct.unpack_from("<i", table, at)[0]
    powers = {
        end: 4 * (value - readings[end - timedelta(minutes=15)])
        for end, value in readings.items()
        if end > datetime(2026, 11, 1, tzinfo=UTC) and end - timedelta(minutes=15) in readings
    }
    when, power = block_3_70(meter.tables[23], 0)[1][0]
    assert power == pytest.approx(max(powers.values()), abs=4)
    assert powers[stime(when)] == pytest.approx(power, abs=4)


def test_a_demand_reset_begins_demands_anew_and_keeps_the_old_in_bt25():
    clock = Clock()
    meter = log_on(make_meter("3.70", clock))
    before = meter.tables[23]
    assert run(meter, 9, b"\x01") == 0
    after = meter.tables[23]
    assert (before[0], after[0]) == (6, 7)
    assert block_3_70(after, 0)[0] == block_3_70(before, 0)[0]
    assert block_3_70(after, 0)[1] == [(bytes(5), 0)] * 2
    kept = meter.tables[25]
    assert kept[:6] == bytes((26, 11, 21, 10, 37, 0))  # time and season
    assert kept[6:] == before
    clock.forward(minutes=30)
    assert stime(block_3_70(meter.tables[23], 0)[1][0][0]) > NOW


def test_cumulative_demand_grows_by_the_demand_that_a_reset_ends():
    meter = log_on(make_meter("4.30"))

    def first_demand(octets):
        assert len(octets) == 1 + 9 * (19 * 4 + 4 * 17 + 2 * 4)
        return octets[77:82], *struct.unpack_from("<3i", octets, 82)

    _, cumulative, continuous, demand = first_demand(meter.tables[23])
    assert continuous == cumulative + demand
    assert run(meter, 9, b"\x01") == 0
    when, later, same, nothing = first_demand(meter.tables[23])
    assert (when, nothing) == (bytes(5), 0)
    assert later == same == cumulative + demand


def test_bt24_keeps_the_end_of_summer():
    octets = make_meter("3.70").tables[24]
    assert octets[:6] == bytes((26, 10, 1, 0, 0, 1))
    values, demands, _ = block_3_70(octets[6:], 0)
    assert 0 < values[0] < block_3_70(make_meter("3.70").tables[23], 0)[0][0]
    assert all(
        stime(when).month == 9 or stime(when) == datetime(2026, 10, 1, tzinfo=UTC) for when, _ in demands
    )


def test_bt28_begins_with_the_demands_of_the_present_interval():
    clock = Clock(datetime(2026, 11, 21, 10, 45, tzinfo=UTC))
    meter = make_meter("3.70", clock)
    assert struct.unpack_from("<2i", meter.tables[28]) == (0, 0)
    clock.forward(minutes=14)
    first, second = struct.unpack_from("<2i", meter.tables[28])
    assert max(first, second) > 0
    assert len(meter.tables[28]) == 4 * (2 + 55)


def test_the_present_values_of_4_30_agree_with_each_other():
    meter = make_meter("4.30")
    v = struct.unpack_from("<84i", meter.tables[28], 16)
    assert sum(v[26:29]) == v[0]
    assert sum(v[29:32]) == v[1]
    assert v[22:26] == (v[2], 0, v[3], 0)
    assert v[55] + v[57] == v[12]
    assert sum(v[59:71]) == v[12]  # apparent power by phase and quadrant
    assert sum(v[75:78]) == 36_000  # hundredths of a degree
    assert sum(v[78:81]) == v[2]
    assert sum(v[81:84]) == v[3]
    assert sum(v[49:52]) == v[47]
    assert all(220_000 < volts < 245_000 for volts in v[41:47])


def test_bt27_gives_every_present_value_a_source_of_its_own():
    table = make_meter("4.30").tables[27]
    assert list(table[:4]) == [0, 1, 2, 0]
    sources = table[4:]
    assert len(sources) == len(set(sources)) == 84
    assert not set(sources) & {100, 101, 102, 103}  # those are M-Bus devices


def test_a_present_value_past_the_mbus_sources_can_be_a_load_profile_channel():
    sources = (make_meter("4.30").tables[27][4 + 83], 100, 101)
    meter = make_meter("4.30", Clock(datetime(2026, 6, 21, 12, 0, tzinfo=UTC)))
    assert meter.measurement.sources(sources, meter.now()) == [
        struct.unpack_from("<84i", meter.tables[28], 16)[83],
        meter.household.gas(meter.now()),
        0,
    ]


def test_clear_data_begins_tiers_and_demands_at_zero_too():
    clock = Clock()
    meter = log_on(make_meter("3.70", clock))
    assert run(meter, 3) == 0
    assert meter.tables[23] == bytes(len(meter.tables[23]))
    assert meter.tables[25] == bytes(len(meter.tables[25]))
    assert meter.tables[26][1] == 0
    clock.forward(days=2)
    values = [block_3_70(meter.tables[23], i)[0][0] for i in range(5)]
    assert values[0] == sum(values[1:]) > 0


def test_outages_are_minutes_on_firmware_2_0():
    seconds, minutes = (
        struct.unpack_from("<i", make_meter(firmware_version=version).tables[23], 16)[0]
        for version in ((2, 10, 0), (2, 0, 0))
    )
    assert minutes == seconds // 60 > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"firmware_version": (3, 0, 0), "demands": ({"source": 0},)}, "demands came with firmware 3.10"),
        ({"nbr_tiers": 8}, "8 tiers came with firmware 3.70"),
        ({"energy_register_unit": 10}, "of transformer meters, firmware 3.70"),
        ({"firmware_version": (4, 0, 0), "energy_register_unit": 10}, "of transformer meters"),
        ({"firmware_version": (4, 0, 0), "nbr_summations": 11}, "11 summations"),
        ({"nbr_summations": 19}, "19 summations came with firmware 4.0"),
        ({"cumulative_demand": True}, "needs a demand"),
        ({"coincidents": ({"demand": 1},), "demands": ({},)}, "goes with one of the demands"),
    ],
)
def test_registers_that_the_firmware_has_not_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        EmulatorConfiguration(**changes)


def test_a_preset_can_be_changed_and_unknown_ones_are_named():
    assert EmulatorConfiguration.preset("3.70", seed=5).seed == 5
    with pytest.raises(ValueError, match=r"no meter of firmware '3.71'; there are: 2.10, 3.70, 4.30"):
        EmulatorConfiguration.preset("3.71")


def test_eleven_summations_are_the_first_eleven():
    meter = make_meter("3.70", nbr_summations=11, demands=(), coincidents=())
    assert meter.tables[21][3] == 11
    assert len(meter.tables[23]) == 5 * 11 * 4
    assert meter.tables[23][:44] == make_meter("2.10").tables[23][:44]


@pytest.mark.parametrize("preset", ["2.10", "3.70", "4.30"])
def test_a_big_endian_meter_holds_the_same_numbers(preset):
    little, big = (make_meter(preset, byte_order=order) for order in ("little", "big"))
    assert struct.unpack_from("<9i", little.tables[23], preset != "2.10") == struct.unpack_from(
        ">9i", big.tables[23], preset != "2.10"
    )
