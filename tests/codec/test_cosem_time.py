"""Dates and times of COSEM, with everything they leave open."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.cosem_time import (
    LAST_DAY,
    LAST_DAY_BUT_ONE,
    SUMMER_TIME_BEGINS,
    SUMMER_TIME_ENDS,
    ClockStatus,
    CosemDate,
    CosemDateTime,
    CosemTime,
    moment,
)
from meterkit.errors import ErrorKind, ProtocolFault

VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
    if vector["kind"] == "datetime"
}


def zone(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


def read(octets: str) -> CosemDateTime:
    return CosemDateTime.from_octets(bytes.fromhex(octets))


def test_a_deviation_of_minus_sixty_is_an_hour_before_utc() -> None:
    value = CosemDateTime.from_octets(VECTORS["datetime-minus-60"])
    assert value.deviation == -60
    assert value.status == ClockStatus(0)
    assert value.to_datetime() == datetime(2020, 1, 6, 0, 3, tzinfo=zone(1))
    assert value.to_datetime() == datetime(2020, 1, 5, 23, 3, tzinfo=UTC)
    assert str(value) == "2020-01-06 00:03:00+01:00"


def test_a_deviation_may_be_two_hours() -> None:
    value = CosemDateTime.from_octets(VECTORS["datetime-status-none"])
    assert (value.deviation, value.status) == (-120, ClockStatus(0))
    assert value.to_datetime() == datetime(2020, 1, 1, 0, 3, tzinfo=zone(2))


def test_the_beginning_of_summer_time_is_a_pattern() -> None:
    value = CosemDateTime.from_octets(VECTORS["datetime-wildcards-dst-begin"])
    assert value.date == CosemDate(None, 3, LAST_DAY, 7)
    assert value.time == CosemTime(3, 0, 0, 0)
    assert value.to_datetime() is None
    assert str(value) == "*-03-last Sun 03:00:00+01:00"


@pytest.mark.parametrize("octets", VECTORS.values(), ids=VECTORS.keys())
def test_the_vectors_are_written_as_they_were_read(octets: bytes) -> None:
    assert CosemDateTime.from_octets(octets).encode() == octets


@given(st.binary(min_size=12, max_size=12))
def test_any_twelve_octets_are_a_value_that_encodes_to_them(octets: bytes) -> None:
    value = CosemDateTime.from_octets(octets)
    assert value.encode() == octets
    assert str(value)
    assert moment(octets) == (value.to_datetime() or value)


def deviation_octets(minutes: int) -> bytes:
    return minutes.to_bytes(2, "big", signed=True)


# Octets of likely times: one in so many is a datetime.
likely = st.tuples(
    st.sampled_from([b"\x07\xe8", b"\x07\xe7", b"\xff\xff", b"\x00\x00", b"\x27\x10"]),
    st.sampled_from([1, 2, 12, 13, 0, 0xFD, 0xFE, 0xFF]),
    st.sampled_from([1, 28, 29, 30, 31, 32, 0, 0xFD, 0xFE, 0xFF]),
    st.sampled_from([1, 7, 8, 0xFF]),
    st.sampled_from([0, 23, 24, 0xFF]),
    st.sampled_from([0, 59, 60, 0xFF]),
    st.sampled_from([0, 59, 60, 0xFF]),
    st.sampled_from([0, 99, 100, 0xFF]),
    st.sampled_from(
        [b"\x00\x00", b"\xff\xc4", b"\x80\x00", b"\x05\xa0", b"\x05\x9f", b"\x7f\xff", b"\x80\x01"]
    ),
    st.sampled_from([0, 0x80, 0xFF]),
)


@given(likely)
def test_the_fast_way_to_a_datetime_is_the_plain_way(parts: tuple[bytes | int, ...]) -> None:
    octets = b"".join(part if isinstance(part, bytes) else bytes([part]) for part in parts)
    value = CosemDateTime.from_octets(octets)
    fast = moment(octets)
    assert fast == (value.to_datetime() or value)
    if isinstance(fast, datetime):
        assert fast.utcoffset() == (None if value.deviation is None else timedelta(minutes=-value.deviation))


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        ("07e8021d040c1e2d328000ff", datetime(2024, 2, 29, 12, 30, 45, 500_000)),
        ("07e8021d040c1e2dff000000", datetime(2024, 2, 29, 12, 30, 45, tzinfo=UTC)),
        ("07e8021dff0c1e2d00fe9800", datetime(2024, 2, 29, 12, 30, 45, tzinfo=zone(6))),
        ("07e8021dff0c1e2d00012c00", datetime(2024, 2, 29, 12, 30, 45, tzinfo=zone(-5))),
    ],
)
def test_what_may_be_open_leaves_a_datetime(octets: str, told: datetime) -> None:
    value = read(octets).to_datetime()
    assert value == told
    assert value is not None
    assert value.tzinfo == told.tzinfo


@pytest.mark.parametrize(
    "octets",
    [
        "ffff021d040c1e2d00000000",
        "07e8ff1d040c1e2d00000000",
        "07e802ff040c1e2d00000000",
        "07e8fd1d040c1e2d00000000",
        "07e802fe040c1e2d00000000",
        "07e8021d04ff1e2d00000000",
        "07e8021d040cff2d00000000",
        "07e8021d040c1eff00000000",
        "07e7021d040c1e2d00000000",
        "07e8021d04181e2d00000000",
        "07e8021d040c1e2d64000000",
        "07e8021d040c1e2d0005a000",
        "000001010100000000000000",
        "ffffffffffffffffff8000ff",
    ],
)
def test_a_pattern_or_an_impossible_time_is_no_datetime(octets: str) -> None:
    value = read(octets)
    assert value.to_datetime() is None
    assert moment(bytes.fromhex(octets)) == value


def test_everything_may_be_open() -> None:
    assert read("ffffffffffffffffff8000ff") == CosemDateTime()
    assert CosemDateTime().encode().hex() == "ffffffffffffffffff8000ff"
    assert str(CosemDateTime()) == "*-*-* *:*:*"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (CosemDate(2024, 2, 29, 4), "2024-02-29"),
        (CosemDate(2024, 2, 29, 1), "2024-02-29 Mon"),
        (CosemDate(None, SUMMER_TIME_ENDS, LAST_DAY_BUT_ONE), "*-summer-time-ends-last-but-one"),
        (CosemDate(None, SUMMER_TIME_BEGINS, None, 9), "*-summer-time-begins-* weekday 9"),
        (CosemTime(1, 2, 3), "01:02:03"),
        (CosemTime(1, None, 3, 7), "01:*:03.07"),
        (CosemDateTime(CosemDate(2024, 1, 1, 1), CosemTime(0, 0, 0), 570), "2024-01-01 00:00:00-09:30"),
        (CosemDateTime(CosemDate(2024, 1, 1, 1), CosemTime(0, 0, 0), 0), "2024-01-01 00:00:00+00:00"),
    ],
)
def test_a_person_can_read_it(value: CosemDate | CosemTime | CosemDateTime, text: str) -> None:
    assert str(value) == text


def test_the_status_says_what_the_clock_knows_of_itself() -> None:
    value = read("07e8021d040c1e2d00000083")
    assert value.status is not None
    assert ClockStatus.DAYLIGHT_SAVING_ACTIVE in value.status
    assert ClockStatus.INVALID_VALUE | ClockStatus.DOUBTFUL_VALUE in value.status
    assert read("07e8021d040c1e2d00000070").encode()[-1] == 0x70
    assert read("07e8021d040c1e2d000000ff").status is None


# ---------------------------------------------------------------- from Python's own
def test_summer_time_is_in_the_deviation_and_in_the_status() -> None:
    vienna = ZoneInfo("Europe/Vienna")
    summer = CosemDateTime.from_datetime(datetime(2024, 7, 1, 12, 0, 1, 230_000, tzinfo=vienna))
    winter = CosemDateTime.from_datetime(datetime(2024, 1, 1, 12, tzinfo=vienna))
    assert (summer.deviation, summer.status) == (-120, ClockStatus.DAYLIGHT_SAVING_ACTIVE)
    assert (winter.deviation, winter.status) == (-60, ClockStatus(0))
    assert summer.encode().hex() == "07e80701010c000117ff8880"


def test_a_naive_datetime_leaves_the_deviation_open() -> None:
    value = CosemDateTime.from_datetime(datetime(2024, 7, 1, 12), status=ClockStatus.DOUBTFUL_VALUE)
    assert value.encode().hex() == "07e80701010c000000800002"
    assert value.to_datetime() == datetime(2024, 7, 1, 12)


def test_time_is_cut_to_hundredths() -> None:
    assert CosemTime.from_time(time(1, 2, 3, 129_999)).hundredths == 12
    assert CosemDate.from_date(date(2024, 2, 29)) == CosemDate(2024, 2, 29, 4)


def test_a_zone_of_seconds_is_refused() -> None:
    class Odd(tzinfo):
        def utcoffset(self, when: datetime | None) -> timedelta:
            return timedelta(minutes=53, seconds=28)

    with pytest.raises(ValueError, match="not whole minutes"):
        CosemDateTime.from_datetime(datetime(1900, 1, 1, tzinfo=Odd()))


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-1439, 1439))
def test_a_datetime_survives_the_way_through_octets(when: datetime, minutes: int) -> None:
    when = when.replace(
        microsecond=when.microsecond // 10_000 * 10_000, tzinfo=timezone(timedelta(minutes=minutes))
    )
    octets = CosemDateTime.from_datetime(when).encode()
    assert CosemDateTime.from_octets(octets).to_datetime() == when
    assert moment(octets) == when


# ---------------------------------------------------------------- what is wrong
@pytest.mark.parametrize("kind", [CosemDate, CosemTime, CosemDateTime])
@pytest.mark.parametrize("size", [0, 3, 6, 11, 13])
def test_another_number_of_octets_is_a_fault(
    kind: type[CosemDate | CosemTime | CosemDateTime], size: int
) -> None:
    with pytest.raises(ProtocolFault, match=rf"octets expected, {size} came") as caught:
        kind.from_octets(bytes(size))
    assert caught.value.error.kind is ErrorKind.DECODE


def test_a_moment_of_another_size_is_a_fault() -> None:
    with pytest.raises(ProtocolFault, match="date-time: 12 octets expected, 4 came: 00 00 00 00"):
        moment(bytes(4))


@pytest.mark.parametrize(
    "value",
    [
        CosemDate(65536),
        CosemDate(2024, 256),
        CosemDate(2024, 1, -1),
        CosemTime(256),
        CosemDateTime(deviation=32768),
        CosemDateTime(status=ClockStatus(256)),
    ],
)
def test_a_part_that_does_not_fit_is_the_programmers_mistake(
    value: CosemDate | CosemTime | CosemDateTime,
) -> None:
    with pytest.raises(ValueError, match="does not fit its octets"):
        value.encode()
