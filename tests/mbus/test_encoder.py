"""Records and telegrams written and read back; and any octets at all."""

from __future__ import annotations

import tracemalloc
from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meterkit.mbus import (
    DataField,
    DeviceStatus,
    Encryption,
    Form,
    Function,
    Meaning,
    TelegramHeader,
    Value,
    decode_records,
    decode_telegram,
    encode_fixed_telegram,
    encode_plain_text_record,
    encode_record,
    encode_telegram,
    medium_name,
)
from meterkit.mbus.dates import read_time, write_time
from meterkit.mbus.identity import fixed_medium_name
from meterkit.mbus.unit_extensions import ALTERNATE, MAIN, MAIN_SECOND, vif_for
from meterkit.mbus.units import PRIMARY
from meterkit.mbus.values import BCD_FIELDS, SIZES

KNOWN = [meaning for known in (PRIMARY, MAIN, MAIN_SECOND, ALTERNATE) for meaning in known.values()]
NUMBERS = [
    meaning
    for meaning in KNOWN
    if meaning.form is Form.NUMBER and meaning.quantity != "manufacturer specific"
]
NUMBER_FIELDS = [field for field, size in SIZES.items() if size and field is not DataField.REAL32]


@st.composite
def numbers(draw: st.DrawFn) -> tuple[DataField, int]:
    field = draw(st.sampled_from(NUMBER_FIELDS))
    size = SIZES[field]
    if field in BCD_FIELDS:
        return field, draw(st.integers(1 - 10 ** (2 * size - 1), 10 ** (2 * size) - 1))
    most = 1 << (8 * size - 1)
    return field, draw(st.integers(1 - most, most - 1))


places = st.fixed_dictionaries(
    {
        "storage": st.integers(0, 2**41 - 1),
        "tariff": st.integers(0, 2**20 - 1),
        "subunit": st.integers(0, 2**10 - 1),
        "function": st.sampled_from(Function),
    }
)


@given(st.sampled_from(NUMBERS), numbers(), places)
@settings(max_examples=400)
def test_numbers_of_every_unit_and_size_read_back(
    meaning: Meaning, number: tuple[DataField, int], place: dict[str, int]
) -> None:
    field, raw = number
    value = Decimal(f"{raw}E{meaning.exponent}")
    octets = encode_record(value, field, meaning.quantity, meaning.unit, meaning.exponent, **place)  # type: ignore[arg-type]
    (record,) = decode_records(octets)
    assert (record.value, record.unit, record.quantity) == (value, meaning.unit, meaning.quantity)
    assert {name: getattr(record, name) for name in place} == place
    assert record.raw == octets
    assert record.is_valid


@given(st.sampled_from(KNOWN))
def test_every_meaning_has_its_vif(meaning: Meaning) -> None:
    codes = vif_for(meaning.quantity, meaning.unit, meaning.exponent)
    found = {1: PRIMARY, 2: MAIN if codes[0] == 0xFD else ALTERNATE, 3: MAIN_SECOND}[len(codes)][codes[-1]]
    assert (found.quantity, found.unit, found.exponent) == (meaning.quantity, meaning.unit, meaning.exponent)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_real_numbers_read_back_as_the_shortest_that_is_the_same(number: float) -> None:
    octets = encode_record(Decimal(number), DataField.REAL32, "volume", "m3")
    (record,) = decode_records(octets)
    assert isinstance(record.value, Decimal)
    assert encode_record(record.value, DataField.REAL32, "volume", "m3") == octets
    assert len(record.value.as_tuple().digits) <= 9 or record.value == record.value.to_integral_value()


@given(st.text(st.characters(max_codepoint=255), max_size=0xBF))
def test_text_reads_back(text: str) -> None:
    (record,) = decode_records(encode_record(text, DataField.VARIABLE, "customer"))
    assert record.value == text


@given(st.integers(1 - 10**30, 10**30 - 1))
def test_whole_numbers_of_variable_length_read_back(number: int) -> None:
    (record,) = decode_records(encode_record(Decimal(number), DataField.VARIABLE, "volume", "m3"))
    assert record.value == number


@given(
    st.one_of(
        st.tuples(st.dates(date(1981, 1, 1), date(2080, 12, 31)), st.just(2)),
        st.tuples(st.times().map(lambda at: at.replace(microsecond=0)), st.just(3)),
        st.tuples(
            st.datetimes(datetime(1981, 1, 1), datetime(2299, 12, 31)).map(
                lambda at: at.replace(second=0, microsecond=0)
            ),
            st.just(4),
        ),
        st.tuples(
            st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(
                lambda at: at.replace(microsecond=0)
            ),
            st.just(6),
        ),
    )
)
def test_times_of_every_type_read_back(case: tuple[date | time, int]) -> None:
    value, size = case
    assert read_time(write_time(value, size)).value == value


@pytest.mark.parametrize("size", [2, 3])
def test_any_octets_of_the_short_types_are_a_time_or_none(size: int) -> None:
    for number in range(0, 1 << 8 * size, 1 if size == 2 else 251):
        timed = read_time(number.to_bytes(size, "little"))
        assert (timed.value is None) == bool(timed.problem)


@given(st.binary(max_size=8))
def test_any_octets_are_a_time_or_none(octets: bytes) -> None:
    timed = read_time(octets)
    assert (timed.value is None) == bool(timed.problem)


def test_an_emulated_water_meters_telegram_reads_back() -> None:
    header = TelegramHeader("00123456", "MTK", 1, "water", 7, 12, DeviceStatus(4))
    records = [
        encode_record(Decimal("1234.567"), DataField.BCD8, "volume", "m3", -3),
        encode_record(Decimal("1200.001"), DataField.INT32, "volume", "m3", -3, storage=1),
        encode_record(date(2024, 1, 1), DataField.INT16, "date", storage=1),
        encode_record(datetime(2024, 2, 29, 23, 59), DataField.INT32, "date and time"),
        encode_record(Decimal("0.5"), DataField.BCD4, "volume flow", "m3/h", -3, function=Function.MAXIMUM),
        encode_plain_text_record(Decimal("33.96"), DataField.INT16, "%RH", vifes=b"\x74"),
        encode_record(None, DataField.NONE, "volume", "m3"),
        encode_record(b"\1\2\3", DataField.VARIABLE, "wireless data container"),
        encode_record(Decimal(0xFFFFFFFF), DataField.INT32, "error flags"),
        encode_record(Decimal("12.345"), DataField.INT32, "volume", "m3", -6, vifes=b"\x3c\x7d"),
    ]
    telegram = decode_telegram(encode_telegram(header, records))
    assert telegram.header == header
    assert telegram.is_complete
    values: list[Value] = [
        Decimal("1234.567"),
        Decimal("1200.001"),
        date(2024, 1, 1),
        datetime(2024, 2, 29, 23, 59),
        Decimal("0.5"),
        Decimal("33.96"),
        None,
        b"\1\2\3",
        Decimal(0xFFFFFFFF),
        Decimal("12.345"),
    ]
    assert [record.value for record in telegram.records] == values
    assert telegram.records[-1].qualifiers == ("negative contributions only",)


@given(
    st.from_regex(r"[0-9]{8}", fullmatch=True),
    st.integers(0, 15),
    st.integers(0, 255),
    st.integers(0, 255),
    st.tuples(*[st.integers(0, 99_999_999)] * 2),
)
def test_fixed_structures_read_back(
    identification: str, medium: int, access: int, status: int, counters: tuple[int, int]
) -> None:
    name = fixed_medium_name(medium)
    header = TelegramHeader(
        identification, "", None, name, medium, access, DeviceStatus(status, is_fixed=True)
    )
    octets = encode_fixed_telegram(header, (0x29, 0x2C), counters)
    assert len(octets) == 16
    telegram = decode_telegram(octets, is_fixed=True)
    assert telegram.header == header
    assert [record.value for record in telegram.records] == [Decimal(counters[0]) / 1000, counters[1]]


def test_fixed_structures_may_be_signed() -> None:
    header = TelegramHeader("1" * 8, "", None, "water", 7, 0, DeviceStatus(1, is_fixed=True))
    telegram = decode_telegram(encode_fixed_telegram(header, (0x2C, 0x2C), (-5, 6)), is_fixed=True)
    assert [record.value for record in telegram.records] == [-5, 6]


@given(
    st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
    st.from_regex(r"[A-Z]{3}", fullmatch=True),
    st.tuples(*[st.integers(0, 255)] * 4),
    st.integers(0, 0xFFFF),
)
def test_headers_read_back(
    identification: str, letters: str, parts: tuple[int, int, int, int], signature: int
) -> None:
    version, medium, access, status = parts
    header = TelegramHeader(
        identification,
        letters,
        version,
        medium_name(medium),
        medium,
        access,
        DeviceStatus(status),
        Encryption(signature),
    )
    assert decode_telegram(encode_telegram(header, [])).header == header


@pytest.mark.parametrize(
    ("value", "field", "meaning", "problem"),
    [
        (Decimal("0.0005"), DataField.INT32, ("volume", "m3", -3), "not whole"),
        (Decimal(1000), DataField.BCD4, ("volume", "m3", -3), "does not fit 4 digits"),
        (Decimal(-10), DataField.BCD4, ("volume", "m3", -2), "does not fit 4 digits"),
        (Decimal(128), DataField.INT8, ("volume", "m3", 0), "does not fit 1 octets"),
        (Decimal("nan"), DataField.INT8, ("volume", "m3", 0), "does not fit INT8"),
        (Decimal("1e39"), DataField.REAL32, ("volume", "m3", 0), "does not fit four octets"),
        (Decimal("1e31"), DataField.VARIABLE, ("volume", "m3", 0), "more than 30 digits"),
        ("x" * 192, DataField.VARIABLE, ("customer", "", 0), "191 at most"),
        ("text", DataField.INT8, ("customer", "", 0), "does not fit INT8"),
        (b"\1\2", DataField.INT8, ("volume", "m3", 0), "2 octets do not fit"),
        (bytes(17), DataField.VARIABLE, ("volume", "m3", 0), "no LVAR stands"),
        (Decimal(1), DataField.NONE, ("volume", "m3", 0), "carries no value"),
        (Decimal(1), DataField.SPECIAL, ("volume", "m3", 0), "no records"),
        (datetime(2024, 1, 1), DataField.INT16, ("date", "", 0), "hold a date"),
        (datetime(2024, 1, 1, 0, 0, 5), DataField.INT32, ("date and time", "", 0), "finer"),
        (date(2081, 1, 1), DataField.INT16, ("date", "", 0), "outside the years"),
        (Decimal(1), DataField.INT8, ("volume", "furlong", 0), "no VIF stands"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    value: Value, field: DataField, meaning: tuple[str, str, int], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        encode_record(value, field, *meaning)


@pytest.mark.parametrize(
    "place", [{"storage": -1}, {"storage": 2**41}, {"tariff": 2**20}, {"subunit": 2**10}]
)
def test_a_place_that_does_not_fit_is_refused(place: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        encode_record(Decimal(1), DataField.INT8, "volume", "m3", **place)  # type: ignore[arg-type]


# ---------------------------------------------------------------- any octets
@given(st.binary(max_size=300), st.booleans(), st.sampled_from(["little", "big"]), st.booleans())
@settings(max_examples=800)
@example(bytes(300), False, "little", False)
@example(b"\xff" * 300, False, "little", True)
@example(b"\x2f" * 300, False, "big", False)
def test_any_octets_give_a_telegram(octets: bytes, is_fixed: bool, order: str, is_decrypted: bool) -> None:
    telegram = decode_telegram(octets, is_fixed=is_fixed, order=order, is_decrypted=is_decrypted)  # type: ignore[arg-type]
    assert telegram.raw == octets
    assert telegram.is_complete or telegram.problem
    for record in telegram.records:
        assert record.is_valid or record.value is None
        assert record.raw in octets
    repr(telegram)


def build(dif: int, difes: bytes, vif: int, vifes: bytes, data: bytes) -> bytes:
    return bytes([dif, *difes, vif, *vifes]) + data


@given(st.builds(build, *[st.integers(0, 255), st.binary(max_size=3)] * 2, st.binary(max_size=70)))
@settings(max_examples=1500)
def test_any_record_is_read_without_an_exception(octets: bytes) -> None:
    for order in ("little", "big"):
        records = decode_records(octets, order=order)  # type: ignore[arg-type]
        assert b"".join(record.raw for record in records).replace(b"\x2f", b"") == octets.replace(
            b"\x2f", b""
        )


def test_every_bit_of_a_telegram_may_flip() -> None:
    whole = bytes.fromhex("78563412 2440 01 07 55 00 0000 0313153100 da023b1301 8b6004371802 0dfd1103414243")
    for number in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[number >> 3] ^= 1 << (number & 7)
        telegram = decode_telegram(bytes(flipped))
        assert telegram.header is not None


def test_lengths_that_claim_much_take_little_memory() -> None:
    tracemalloc.start()
    try:
        decode_records(bytes.fromhex("0d13f6") + b"\0" * 10)
        decode_records((bytes.fromhex("84") + b"\xff" * 300) * 10)
        decode_telegram(b"\x2f" * 4000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000
