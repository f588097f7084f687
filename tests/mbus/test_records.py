"""Data records: place, meaning and value of each, from octets built by the standard's tables."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import pytest

from meterkit.mbus import DataRecord, Function, decode_records
from meterkit.mbus.record import UNREADABLE


def only(octets: str, **options: str) -> DataRecord:
    (record,) = decode_records(bytes.fromhex(octets), **options)  # type: ignore[arg-type]
    return record


def summary(record: DataRecord) -> tuple[str, str, str]:
    assert record.is_valid, record.problem
    return record.quantity, str(record.value), record.unit


# Source: "The M-Bus: A Documentation" 4.8, 6.4.3: three records of a water meter, described field by field.
DOCUMENTED = bytes.fromhex("0313153100 da023b1301 8b6004371802")


def test_the_documentations_example_reads_as_it_is_described() -> None:
    volume, flow, energy = decode_records(DOCUMENTED)
    assert summary(volume) == ("volume", "12.565", "m3")  # 12565 l
    assert (volume.storage, volume.tariff, volume.subunit) == (0, 0, 0)
    assert summary(flow) == ("volume flow", "0.113", "m3/h")  # 113 l/h
    assert (flow.storage, flow.function) == (5, Function.MAXIMUM)
    assert summary(energy) == ("energy", "218370", "Wh")  # 218.37 kWh
    assert (energy.subunit, energy.tariff, energy.storage) == (1, 2, 0)
    assert b"".join(record.raw for record in (volume, flow, energy)) == DOCUMENTED


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("0113 85", "-0.123"),
        ("0213 8583", "-31.867"),
        ("0313 868584", "-8092.282"),
        ("0413 78563412", "305419.896"),
        ("0513 0000c03f", "0.0015"),
        ("0513 cdcccc3d", "0.0001"),
        ("0613 868584838281", "-139077424478.842"),
        ("0713 8685848382818080", "-9187200842283580.026"),
        ("0913 85", "0.085"),
        ("0a13 3412", "1.234"),
        ("0b13 563412", "123.456"),
        ("0c13 78563412", "12345.678"),
        ("0e13 563412907856", "567890123.456"),
        ("0913 f5", "-0.005"),
        ("0c13 785634f2", "-2345.678"),
        ("0d13 c3 563412", "123.456"),
        ("0d13 d3 563412", "-123.456"),
        ("0d13 e3 563412", "1193.046"),
        ("0d13 f0 01" + "00" * 15, "0.001"),
        ("0d16 f6 01" + "00" * 63, "1"),
    ],
)
def test_every_coding_of_a_number_is_read_exactly(octets: str, value: str) -> None:
    assert str(only(octets).value) == value


def test_numbers_longer_than_the_decimal_context_keep_every_digit() -> None:
    record = only("0d16 f5" + "ff" * 48)
    assert record.value == Decimal(256**48 - 1)


def test_text_of_variable_length_comes_last_character_first() -> None:
    assert only("0dfd11 05 6f6c6c6548").value == "Hello"
    assert only("0dfd11 05 48656c6c6f", order="big").value == "Hello"
    assert only("0dfd11 00").value == ""


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        ("0a13 3c12", "BCD expected, 123c read"),
        ("0913 ff", "BCD expected, ff read"),
        ("0d13 c0", "BCD expected, nothing read"),
        ("0113 80", "marks its value as invalid"),
        ("0413 00000080", "marks its value as invalid"),
        ("0513 0000c07f", "no number (nan)"),
        ("0513 0000807f", "no number (inf)"),
        ("04ef00 01000000", "its unit is not known"),
        ("04fdff00 01000000", "its unit is not known"),
        ("0493 15 01000000", "the device says: no data available"),
        ("0493 bd3c 01000000", "non-metric unit"),
        ("026c e120", "month must be in 1..12"),
    ],
)
def test_a_value_that_is_none_says_why(octets: str, problem: str) -> None:
    record = only(octets)
    assert record.value is None
    assert problem in record.problem
    assert not record.is_valid


def test_a_bad_value_does_not_hide_the_records_after_it() -> None:
    bad, good = decode_records(bytes.fromhex("0913ff 0113 05"))
    assert not bad.is_valid
    assert good.value == Decimal("0.005")


@pytest.mark.parametrize(
    ("octets", "storage", "tariff", "subunit", "function"),
    [
        ("0113 05", 0, 0, 0, Function.INSTANTANEOUS),
        ("5113 05", 1, 0, 0, Function.MAXIMUM),
        ("6113 05", 1, 0, 0, Function.MINIMUM),
        ("7113 05", 1, 0, 0, Function.ERROR_STATE),
        ("c1c45113 05", 41, 4, 3, Function.INSTANTANEOUS),
        ("81 10 13 05", 0, 1, 0, Function.INSTANTANEOUS),
        ("c1" + "ff" * 9 + "7f 13 05", 2**41 - 1, 2**20 - 1, 2**10 - 1, Function.INSTANTANEOUS),
    ],
)
def test_dif_and_difes_tell_the_place(
    octets: str, storage: int, tariff: int, subunit: int, function: Function
) -> None:
    record = only(octets)
    assert (record.storage, record.tariff, record.subunit) == (storage, tariff, subunit)
    assert record.function is function


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("426c ff2c", date(2023, 12, 31)),  # year 23 = 010 111: low 3 bits in octet 0, high 4 in octet 1
        ("426c 7fc1", date(1999, 1, 31)),
        ("046d 1e2dff2c", datetime(2023, 12, 31, 13, 30)),  # 13:30, hundreds 1
        ("046d 1e0dff2c", datetime(2023, 12, 31, 13, 30)),  # hundreds 0 of an older device
        ("046d 1e0d7fcc", datetime(1999, 12, 31, 13, 30)),
        ("036d 1e0c17", time(23, 12, 30)),
        ("066d 0f1e0dff2c00", datetime(2023, 12, 31, 13, 30, 15)),
        ("04fd30 1e2dff2c", datetime(2023, 12, 31, 13, 30)),
        ("02fd70 ff2c", date(2023, 12, 31)),
        ("426c ffdc", None),
        ("426c ffff", None),
        ("046d 9e2dff2c", None),
        ("046d 3c2dff2c", None),
        ("0c6d 12345678", None),
        ("016c 05", None),
    ],
)
def test_times_are_told_apart_by_their_size(octets: str, value: object) -> None:
    record = only(octets)
    assert record.value == value
    assert record.is_valid == (value is not None)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("026c fffc", "****-12-31"),
        ("026c e0ff", "****-**-**"),
        ("046d 0020e1ff", "****-**-01 00:00"),
        ("046d 3f3fff2c", "2023-12-31 **:**"),
        ("036d 001e1f", "**:30:00"),
    ],
)
def test_a_pattern_of_times_is_text_with_asterisks(octets: str, text: str) -> None:
    assert only(octets).value == text


def test_summer_time_is_noted() -> None:
    assert only("046d 1eadfe26").qualifiers == ("summer time",)
    assert only("066d 4f1e0dfe2600").qualifiers == ("summer time",)
    assert only("046d 1e2dff2c").qualifiers == ()


@pytest.mark.parametrize(
    ("octets", "quantity", "value", "unit", "qualifiers"),
    [
        ("04937d 39300000", "volume", "12345", "m3", ()),
        ("049370 39300000", "volume", "0.000012345", "m3", ()),
        ("0493f470 39300000", "volume", "1.2345E-7", "m3", ()),
        ("049322 39300000", "volume", "12.345", "m3/h", ()),
        ("0483ac3c 39300000", "energy", "12345", "Wh/l", ("negative contributions only",)),
        ("04933a 39300000", "volume", "12.345", "m3", ("uncorrected",)),
        ("04a83b 39300000", "power", "12.345", "W", ("positive contributions only",)),
        ("04db40 39300000", "flow temperature", "12345", "°C", ("lower limit",)),
        ("04db41 39300000", "flow temperature", "12345", "", ("number of lower limit exceeds",)),
        ("04db5e 39300000", "flow temperature", "12345", "h", ("duration of last upper limit exceed",)),
        ("04fdc9fc01 39300000", "voltage", "12345", "V", ("L1",)),
        ("01fdc9fc11 ff", "voltage", "255", "V", ("unsigned",)),
        ("049300 39300000", "volume", "12.345", "m3", ()),
        ("04937e 39300000", "volume", "12.345", "m3", ("future value",)),
        ("049379 39300000", "volume", "12.345", "m3", ("additive correction constant 10^-2",)),
        ("0493ff8112 39300000", "volume", "12.345", "m3", ("manufacturer specific 81 12",)),
        ("049310 39300000", "volume", "12.345", "m3", ("reserved VIFE 10",)),
        ("0493fc70 39300000", "volume", "12.345", "m3", ("reserved VIFE fc 70",)),
        ("02ff20 1234", "manufacturer specific 20", "13330", "", ()),
        ("04fd17 ffffffff", "error flags", "4294967295", "", ()),
        ("02fd0a 2440", "manufacturer", "PAD", "", ()),
        ("01fd09 07", "medium", "water", "", ()),
        ("04fb00 39300000", "energy", "1234500000", "Wh", ()),
        ("02fb1a e801", "relative humidity", "48.8", "%", ()),
        ("01fdfd02 78", "remaining battery life", "120", "month", ()),
    ],
)
def test_vif_and_vifes_tell_quantity_unit_and_qualifiers(
    octets: str, quantity: str, value: str, unit: str, qualifiers: tuple[str, ...]
) -> None:
    record = only(octets)
    assert summary(record) == (quantity, value, unit)
    assert record.qualifiers == qualifiers


def test_begin_and_end_of_a_limit_exceed_are_times() -> None:
    record = only("04db4f 1e2dff2c")
    assert record.value == datetime(2023, 12, 31, 13, 30)
    assert (record.unit, record.qualifiers) == ("", ("end of last upper limit exceed",))


def test_a_unit_in_plain_text_stands_before_the_vifes() -> None:
    # Text "%RH", last character first, then a correction of 10^-2.
    assert summary(only("02fc 03 485225 74 440d")) == ("plain text unit", "33.96", "%RH")
    assert summary(only("027c 03 485225 440d")) == ("plain text unit", "3396", "%RH")


def test_profiles_and_containers_are_kept_as_octets() -> None:
    assert only("0d931f 03 010203").value == b"\1\2\3"
    assert only("0dfd3b e3 010203").value == b"\1\2\3"


def test_no_data_and_selections_are_records_without_a_value() -> None:
    for octets in ("0013", "0813"):
        record = only(octets)
        assert (record.value, record.quantity, record.is_valid) == (None, "volume", True)


def test_fillers_are_left_out_and_manufacturer_data_take_the_rest() -> None:
    volume, own = decode_records(bytes.fromhex("2f2f 0113 05 2f 0f 0113 05 2f"))
    assert volume.value == Decimal("0.005")
    assert (own.quantity, own.value) == ("manufacturer specific data", bytes.fromhex("0113052f"))
    assert own.raw == bytes.fromhex("0f0113052f")


def test_mode_2_turns_every_value_round() -> None:
    assert only("0413 00003039", order="big").value == Decimal("12.345")
    assert only("0c13 12345678", order="big").value == Decimal("12345.678")
    assert only("046d 2cff2d1e", order="big").value == datetime(2023, 12, 31, 13, 30)


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        ("04", "VIF: 1 octets expected at 1, 0 left"),
        ("84", "DIFE: 1 octets expected"),
        ("0493", "VIFE: 1 octets expected"),
        ("0413 010203", "data: 4 octets expected at 2, 3 left"),
        ("0d13", "LVAR: 1 octets expected"),
        ("0d13 f7 01", "LVAR 0xf7: nobody knows"),
        ("3f 01", "DIF 0x3f is reserved"),
        ("8f 01", "DIF 0x8f is reserved"),
        ("84" + "80" * 11 + "0013 01000000", "more than 10 DIFEs"),
        ("0493" + "80" * 11 + "00 01000000", "more than 10 VIFEs"),
        ("047c 05 41", "text of the unit: 5 octets expected"),
    ],
)
def test_what_cannot_be_read_ends_the_list_and_is_kept(octets: str, problem: str) -> None:
    good, bad = decode_records(bytes.fromhex("011305" + octets))
    assert good.is_valid
    assert bad.quantity == UNREADABLE
    assert problem.split(" at ")[0] in bad.problem
    assert bad.raw == bytes.fromhex(octets)
