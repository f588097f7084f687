"""The load profile and the event log of the emulated DLMS meter."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.apdu.descriptors import (
    AttributeDescriptor,
    CaptureObject,
    DataAccessResult,
    MethodDescriptor,
    Selection,
)
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms import Clearance, DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.object_view import ObjectView
from tests.emulator.dlms.meters import NOW, make_meter

PROFILE, LOG = ObisCode.LOAD_PROFILE, ObisCode.EVENT_LOG
ENERGY = CaptureObject(3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 2)


def view(emulator):
    return ObjectView(emulator.device.objects, Clearance.MANAGER)


def rows(emulator, selection=None, obis=PROFILE):
    value = view(emulator).get(AttributeDescriptor(7, obis, 2), selection)
    return axdr.decode(value) if isinstance(value, bytes) else value


def number(emulator, attribute):
    return axdr.decode(view(emulator).get(AttributeDescriptor(7, PROFILE, attribute)))


def time_of(row):
    return CosemDateTime.from_octets(row[0]).to_datetime()


def test_rows_end_every_period_up_to_now_and_agree_with_the_registers():
    emulator = make_meter(profile={"rows": 100})
    whole = rows(emulator)
    assert len(whole) == 100
    assert [time_of(b) - time_of(a) for a, b in pairwise(whole)] == [timedelta(minutes=15)] * 99
    end = time_of(whole[-1])
    assert NOW - timedelta(minutes=15) < end <= NOW
    assert whole[-1][2] == int(emulator.household.energy(end)[0])
    assert (number(emulator, 7), number(emulator, 8), number(emulator, 4)) == (100, 100, 900)


@pytest.mark.parametrize("size", [0, 1, 10_000])
def test_a_profile_can_have_any_size(size):
    emulator = make_meter(profile={"rows": size})
    octets = view(emulator).get(AttributeDescriptor(7, PROFILE, 2))
    assert len(octets) == (2 if size < 128 else 4) + 48 * size


def test_the_same_seed_gives_the_same_rows():
    assert rows(make_meter(seed=7)) == rows(make_meter(seed=7)) != rows(make_meter(seed=8))


def test_a_range_takes_the_rows_between_two_times_both_included():
    emulator = make_meter()
    whole = rows(emulator)
    selection = Selection.by_range(time_of(whole[10]), time_of(whole[20]))
    assert rows(emulator, selection) == whole[10:21]
    between = Selection.by_range(time_of(whole[10]) + timedelta(seconds=1), time_of(whole[11]))
    assert rows(emulator, between) == whole[11:12]


def test_a_range_may_name_columns_and_leave_the_zone_open():
    emulator = make_meter()
    whole = rows(emulator)
    first, last = (CosemDateTime.from_datetime(time_of(whole[i]).replace(tzinfo=None)) for i in (5, 7))
    selection = Selection.by_range(first, last, selected=[ENERGY])
    assert rows(emulator, selection) == [(row[2],) for row in whole[5:8]]


def test_a_range_may_be_one_of_values():
    emulator = make_meter()
    whole = rows(emulator)
    limits = (axdr.encode_double_long_unsigned(whole[i][2]) for i in (30, 33))
    found = rows(emulator, Selection.by_range(*limits, column=ENERGY))
    assert found == [row for row in whole if whole[30][2] <= row[2] <= whole[33][2]]


@pytest.mark.parametrize(
    ("bounds", "place", "columns"),
    [
        ((1, 4), slice(0, 4), slice(0, 8)),
        ((958, 0), slice(957, 960), slice(0, 8)),
        ((5, 5, 2, 3), slice(4, 5), slice(1, 3)),
        ((5000, 0), slice(0, 0), slice(0, 8)),
        ((1, 99999), slice(0, 960), slice(0, 8)),
    ],
)
def test_entries_count_from_one_and_zero_is_the_last(bounds, place, columns):
    emulator = make_meter()
    first, last, *selected = bounds
    left, right = selected or (1, 0)
    selection = Selection.by_entry(first, last, first_column=left, last_column=right)
    assert rows(emulator, selection) == [row[columns] for row in rows(emulator)[place]]


@pytest.mark.parametrize(
    ("selection", "result"),
    [
        (Selection(3, axdr.encode_null()), DataAccessResult.SCOPE_OF_ACCESS_VIOLATED),
        (Selection(1, axdr.encode_null()), DataAccessResult.TYPE_UNMATCHED),
        (Selection(2, bytes.fromhex("02040900090009000900")), DataAccessResult.TYPE_UNMATCHED),
        (
            Selection.by_range(NOW, NOW, column=CaptureObject(3, ObisCode.FREQUENCY, 2)),
            DataAccessResult.OTHER_REASON,
        ),
        (Selection.by_range(CosemDateTime(), CosemDateTime()), DataAccessResult.OTHER_REASON),
    ],
)
def test_a_selection_that_cannot_be_says_why(selection, result):
    assert rows(make_meter(), selection) == result


def test_repeated_values_can_be_left_out():
    plain = rows(make_meter(profile={"rows": 20}))
    short = rows(make_meter(profile={"rows": 20, "null_data": True}))
    assert short[0] == plain[0]
    assert all(row[0] is None for row in short[1:])
    assert [row[2] for row in short if row[2] is not None][-1] == plain[-1][2]


def test_rows_come_as_the_clock_passes_their_ends():
    times = [NOW]
    emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(profile={"rows": 10}), clock=lambda: times[0])
    before = rows(emulator)
    times[0] += timedelta(minutes=30)
    after = rows(emulator)
    assert after[:-2] == before[2:]


def test_a_reset_empties_the_profile_until_the_next_period():
    times = [NOW]
    emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(), clock=lambda: times[0])
    result, _ = view(emulator).action(MethodDescriptor(7, PROFILE, 1), axdr.encode_integer(0))
    assert result == 0
    assert rows(emulator) == []
    times[0] += timedelta(minutes=30)
    assert len(rows(emulator)) == 2


def test_columns_can_be_chosen_and_a_wrong_one_is_named():
    emulator = make_meter(profile={"rows": 3, "columns": ("0-0:1.0.0", "1-0:32.7.0")})
    assert len(rows(emulator)[0]) == 2
    with pytest.raises(ValueError, match=r"no column 1-0:99\.9\.9\*255"):
        make_meter(profile={"columns": ("1-0:99.9.9",)})


def test_the_event_log_tells_when_power_failed_and_came_back():
    emulator = make_meter(event_log_rows=6)
    events = rows(emulator, obis=LOG)
    assert [code for _, code in events] == [1, 2] * 3
    times = [time_of(event) for event in events]
    assert times == sorted(times)
    assert times[-1] < NOW
    view(emulator).action(MethodDescriptor(7, LOG, 1), axdr.encode_integer(0))
    assert [code for _, code in rows(emulator, obis=LOG)] == [255]


@pytest.mark.parametrize("year", [1, 1999, 2100, 9999])
def test_a_year_far_away_is_refused(year):
    emulator = make_meter(profile={"rows": 1_000_000, "period": 86400})
    octets = CosemDateTime.from_datetime(datetime(year, 12, 31, 23, 59)).encode()
    clock = AttributeDescriptor(8, ObisCode.CLOCK, 2)
    result = view(emulator).set(clock, None, axdr.encode_octet_string(octets))
    assert result == DataAccessResult.OTHER_REASON
    far = CosemDateTime.from_octets(octets[:9] + b"\x02\xd0\x00")
    assert rows(emulator, Selection.by_range(far, far)) == []
    assert rows(emulator, Selection.by_entry(1, 1))[0][2] == 0


def test_the_clock_is_rounded_shifted_and_preset():
    emulator = make_meter()
    objects = view(emulator)

    def clock(method, parameters):
        result, _ = objects.action(MethodDescriptor(8, ObisCode.CLOCK, method), parameters)
        return int(result), emulator.now()

    assert clock(6, axdr.encode_long(18)) == (0, NOW + timedelta(seconds=18))
    assert clock(3, axdr.encode_integer(0)) == (0, datetime.fromisoformat("2026-11-21T10:38:00+00:00"))
    assert clock(1, axdr.encode_integer(0))[1].minute == 45
    assert clock(6, axdr.encode_long(901))[0] == DataAccessResult.OTHER_REASON
    assert clock(4, axdr.encode_integer(0))[0] == DataAccessResult.TEMPORARY_FAILURE
    time = axdr.encode_octet_string(CosemDateTime.from_datetime(NOW).encode())
    assert clock(5, axdr.encode_structure([time, time, time]))[0] == 0
    assert clock(4, axdr.encode_integer(0)) == (0, NOW)
