"""Every time format and every NI_FORMAT, both ways, with octets that are none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from math import isnan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.expression import Scope
from meterkit.codec.layout import InvalidTime, plain
from meterkit.codec.plan import write
from meterkit.codec.wire import Kind, Wire
from meterkit.errors import ProtocolFault
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.numbers import NI_FORMATS, bcd_string
from meterkit.psem.tables.times import DATES, LTIME_DATES, STIME_DATES, TIMES
from meterkit.psem.tables.wire import NI_FMAT1, STIME_DATE


def wire(kind: Kind[Any], order: str = "<") -> Wire[Any]:
    return kind.wire(Scope(order=order), "")  # type: ignore[arg-type]


def decode(kind: Kind[Any], octets: bytes, order: str = "<") -> Any:
    from struct import Struct

    final = wire(kind, order)
    (raw,) = Struct(order + final.code).unpack(octets)
    return final.convert(raw) if final.convert else raw


def encode(kind: Kind[Any], value: Any, order: str = "<") -> bytes:
    out = bytearray()
    write(wire(kind, order), value, "field", order, out)
    return bytes(out)


# Source: vectors of C12.19 times ("ltime_tm1_bcd", "ltime_tm2_uint8", "ltime_tm4_le"); the others by hand.
TIMES_ON_THE_WIRE: list[tuple[Kind[Any], str, str, object]] = [
    (LTIME_DATES[1], "<", "240102030405", datetime(2024, 1, 2, 3, 4, 5)),
    (LTIME_DATES[2], "<", "180102030405", datetime(2024, 1, 2, 3, 4, 5)),
    (LTIME_DATES[4], "<", "257d9365", datetime(2024, 1, 2, 3, 4, 5)),
    (LTIME_DATES[4], ">", "65937d25", datetime(2024, 1, 2, 3, 4, 5)),
    (LTIME_DATES[3], "<", "3864b10105", datetime(2024, 1, 2, 3, 4, 5)),
    (LTIME_DATES[3], ">", "01b1643805", datetime(2024, 1, 2, 3, 4, 5)),
    (STIME_DATES[1], "<", "2401020304", datetime(2024, 1, 2, 3, 4)),
    (STIME_DATES[2], ">", "1801020304", datetime(2024, 1, 2, 3, 4)),
    (STIME_DATES[3], "<", "3864b101", datetime(2024, 1, 2, 3, 4)),
    (STIME_DATES[4], "<", "207d9365", datetime(2024, 1, 2, 3, 4)),
    (TIMES[1], "<", "235958", time(23, 59, 58)),
    (TIMES[2], "<", "173b3a", time(23, 59, 58)),
    (TIMES[3], "<", "7e510100", time(23, 59, 58)),
    (TIMES[4], ">", "0001517e", time(23, 59, 58)),
    (DATES[1], "<", "240229", date(2024, 2, 29)),
    (DATES[2], "<", "18021d", date(2024, 2, 29)),
    (DATES[3], "<", "464d", date(2024, 2, 29)),
    (DATES[4], ">", "4d46", date(2024, 2, 29)),
]


@pytest.mark.parametrize(("kind", "order", "octets", "value"), TIMES_ON_THE_WIRE)
def test_times_by_tm_format_both_ways(kind: Kind[Any], order: str, octets: str, value: object) -> None:
    assert decode(kind, bytes.fromhex(octets), order) == value
    assert encode(kind, value, order) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        (LTIME_DATES[2], "180d02030405"),
        (LTIME_DATES[2], "000000000000"),
        (LTIME_DATES[2], "640101000000"),
        (LTIME_DATES[2], "ffffffffffff"),
        (LTIME_DATES[1], "2a0102030405"),
        (LTIME_DATES[1], "a40102030405"),
        (LTIME_DATES[3], "000000003c"),
        (LTIME_DATES[3], "ffffffff00"),
        (STIME_DATES[2], "18021e0000"),
        (STIME_DATES[1], "2402300000"),
        (STIME_DATES[3], "ffffffff"),
        (TIMES[2], "180000"),
        (TIMES[4], "80510100"),
        (DATES[2], "170229"),
        (DATES[2], "640101"),  # a year of three digits
        (DATES[1], "a40101"),
    ],
)
def test_octets_that_are_no_time_are_kept(kind: Kind[Any], octets: str) -> None:
    value = decode(kind, bytes.fromhex(octets))
    assert value == InvalidTime(bytes.fromhex(octets))
    assert not value
    assert encode(kind, value) == bytes.fromhex(octets)


def test_a_blank_time_is_none_in_json_and_no_time_in_words() -> None:
    assert plain(InvalidTime(bytes(5))) is None
    assert str(InvalidTime(bytes(5))) == "no time"
    assert plain(InvalidTime(b"\x18\x0d")) == "no valid time (18 0d)"


@pytest.mark.parametrize("kind", [LTIME_DATES[0], STIME_DATES[0], TIMES[0], DATES[0]])
def test_a_meter_without_a_clock_has_times_of_no_octets(kind: Kind[Any]) -> None:
    assert wire(kind).size == 0
    assert encode(kind, decode(kind, b"")) == b""


@pytest.mark.parametrize("kind", [LTIME_DATES[2], STIME_DATES[1], STIME_DATES[4]])
def test_none_is_written_as_no_time(kind: Kind[Any]) -> None:
    assert not any(encode(kind, None))


def test_aware_times_are_written_as_utc() -> None:
    noon = datetime(2024, 1, 2, 12, 0, tzinfo=timezone(timedelta(hours=1)))
    assert encode(LTIME_DATES[2], noon) == bytes([24, 1, 2, 11, 0, 0])
    assert encode(STIME_DATES[3], noon) == encode(STIME_DATES[3], noon.astimezone(UTC))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (LTIME_DATES[2], datetime(1999, 12, 31)),
        (LTIME_DATES[2], datetime(2100, 1, 1)),
        (STIME_DATES[2], datetime(2024, 1, 1, 0, 0, 1)),
        (STIME_DATES[3], datetime(2024, 1, 1, 0, 0, 1)),
        (LTIME_DATES[4], datetime(2024, 1, 1, 0, 0, 0, 1)),
        (LTIME_DATES[4], datetime(2107, 1, 1)),
        (LTIME_DATES[3], datetime(1969, 1, 1)),
        (DATES[3], date(2150, 1, 1)),
        (LTIME_DATES[2], "today"),
        (LTIME_DATES[2], InvalidTime(b"12")),
    ],
)
def test_times_that_do_not_fit_are_refused(kind: Kind[Any], value: object) -> None:
    with pytest.raises(ValueError, match=r"field: .* does not fit"):
        encode(kind, value)


def test_an_unknown_time_format_is_a_fault() -> None:
    config = GenConfig.resolve().decode(bytes([2, 5, 0x88]) + bytes(16))
    with pytest.raises(ProtocolFault, match="STIME_DATE has no format 5"):
        STIME_DATE.wire(context_for([config]).scope(), "BT64")
    config = GenConfig.resolve().decode(bytes([2, 2, 0x8E]) + bytes(16))
    with pytest.raises(ProtocolFault, match="BT23 x: NI_FMAT1 has no format 14"):
        NI_FMAT1.wire(context_for([config]).scope(), "BT23 x")


NUMBERS_ON_THE_WIRE = [
    (0, "<", "000000000000f83f", 1.5, 8),
    (1, ">", "3fc00000", 1.5, 4),
    (2, "<", b"        -1.5".hex(), -1.5, 12),
    (3, "<", b"1.5e10".hex(), 1.5e10, 6),
    (4, "<", "39300000", 1.2345, 4),
    (4, ">", "ffffcfc7", -1.2345, 4),
    (5, "<", "000000012345", 12345, 6),
    (6, "<", "99999999", 99999999, 4),
    (7, "<", "feffff", -2, 3),
    (8, ">", "fffffffe", -2, 4),
    (9, "<", "feffffffff", -2, 5),
    (10, ">", "fffffffffffe", -2, 6),
    (11, "<", "feffffffffffffff", -2, 8),
    (12, "<", "0000000000000042", 42, 8),
    (13, "<", (b" " * 18 + b"2.5").hex(), 2.5, 21),
]


@pytest.mark.parametrize(("code", "order", "octets", "value", "size"), NUMBERS_ON_THE_WIRE)
def test_numbers_by_ni_format_both_ways(code: int, order: str, octets: str, value: float, size: int) -> None:
    assert wire(NI_FORMATS[code], order).size == size
    assert decode(NI_FORMATS[code], bytes.fromhex(octets), order) == value
    assert encode(NI_FORMATS[code], value, order) == bytes.fromhex(octets)


def test_all_fourteen_number_formats_are_there() -> None:
    assert sorted(NI_FORMATS) == list(range(14))


@pytest.mark.parametrize(
    ("code", "octets"), [(2, b"no number   "), (3, b"      "), (3, b"1_0   "), (6, b"\xaa\0\0\0")]
)
def test_text_or_bcd_without_a_number_reads_nan(code: int, octets: bytes) -> None:
    value = decode(NI_FORMATS[code], octets)
    assert isnan(value)
    assert isnan(decode(NI_FORMATS[code], encode(NI_FORMATS[code], value)))
    assert plain(value) == "nan"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (3, 1e300 * 1e10),
        (3, -1e-300),
        (5, -1),
        (6, 10**8),
        (6, 1.5),
        (4, 300_000.0),
        (8, 1 << 31),
        (7, 1 << 23),
    ],
)
def test_numbers_that_do_not_fit_are_refused(code: int, value: float) -> None:
    with pytest.raises(ValueError, match=r"field: .* does not fit"):
        encode(NI_FORMATS[code], value)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-99999, max_value=999999))
def test_a_number_in_characters_keeps_what_fits(value: float) -> None:
    if value == 0 or abs(value) > 1e-2:
        six = decode(NI_FORMATS[3], encode(NI_FORMATS[3], value))
        assert abs(six - value) <= abs(value) * 0.05 + 1e-12


@pytest.mark.parametrize("value", [0.1, -0.001, 12345.678, 1.8, 16777216.0, 3.4028235e38, 0.0, 7.2])
def test_a_float32_reads_as_the_decimal_that_was_meant(value: float) -> None:
    assert decode(NI_FORMATS[1], encode(NI_FORMATS[1], value)) == value


@given(st.binary(min_size=4, max_size=4))
def test_a_float32_writes_back_to_the_very_octets(octets: bytes) -> None:
    value = decode(NI_FORMATS[1], octets)
    assert isnan(value) or encode(NI_FORMATS[1], value) == octets


@given(st.integers(-(2**31), 2**31 - 1))
def test_implied_decimals_are_exact(raw: int) -> None:
    octets = raw.to_bytes(4, "little", signed=True)
    assert encode(NI_FORMATS[4], decode(NI_FORMATS[4], octets)) == octets


@given(
    st.sampled_from([*LTIME_DATES.values(), *STIME_DATES.values(), *TIMES.values(), *DATES.values()]),
    st.data(),
)
def test_any_octets_are_a_time_or_none_and_write_back(kind: Kind[Any], data: st.DataObject) -> None:
    order = data.draw(st.sampled_from("<>"))
    size = wire(kind, order).size
    octets = data.draw(st.binary(min_size=size, max_size=size))
    assert encode(kind, decode(kind, octets, order), order) == octets


@given(st.sampled_from([*NI_FORMATS.values(), bcd_string(8)]), st.data())
def test_any_octets_are_a_number(kind: Kind[Any], data: st.DataObject) -> None:
    order = data.draw(st.sampled_from("<>"))
    size = wire(kind, order).size
    value = decode(kind, data.draw(st.binary(min_size=size, max_size=size)), order)
    assert isinstance(value, int | float | str)
