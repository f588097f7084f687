"""Telegrams: headers, the fixed data structure, encryption, and telegrams that are not whole."""

from __future__ import annotations

from decimal import Decimal

import pytest

from meterkit.mbus import (
    DeviceStatus,
    Encryption,
    Telegram,
    decode_telegram,
    manufacturer_letters,
    manufacturer_number,
    medium_name,
)
from meterkit.mbus.fixed import FIXED_UNITS

# Source: "The M-Bus: A Documentation" 4.8, 6.4.3, variable data structure.
VARIABLE = bytes.fromhex("78563412 2440 01 07 55 00 0000 0313153100 da023b1301 8b6004371802")
# Source: the same, 6.2, fixed data structure: a water meter at 1 l, 135 l at the due date.
FIXED = bytes.fromhex("78563412 0a 00 e97e 01000000 35010000")


def test_the_documentations_header_reads_as_it_is_described() -> None:
    telegram = decode_telegram(VARIABLE)
    header = telegram.header
    assert header is not None
    assert (header.identification, header.manufacturer, header.version) == ("12345678", "PAD", 1)
    assert (header.medium, header.medium_code, header.access_number) == ("water", 7, 0x55)
    assert (str(header.status), header.encryption.mode) == ("no error", 0)
    assert len(telegram.records) == 3
    assert telegram.is_complete
    assert (telegram.raw, telegram.encrypted) == (VARIABLE, b"")


def test_the_documentations_fixed_structure_reads_as_it_is_described() -> None:
    telegram = decode_telegram(FIXED, is_fixed=True)
    header = telegram.header
    assert header is not None
    assert (header.identification, header.medium, header.access_number) == ("12345678", "water", 10)
    assert (header.manufacturer, header.version) == ("", None)
    actual, historic = telegram.records
    assert (actual.quantity, actual.value, actual.unit, actual.storage) == (
        "volume",
        Decimal("0.001"),
        "m3",
        0,
    )
    assert (historic.value, historic.unit, historic.storage) == (Decimal("0.135"), "m3", 1)


def test_fixed_counters_are_binary_or_stored_when_the_status_says_so() -> None:
    binary = bytes.fromhex("78563412 0a 03 e97e feffffff 35010000")
    first, second = decode_telegram(binary, is_fixed=True).records
    assert (first.value, first.storage) == (Decimal("-0.002"), 1)
    assert second.value == Decimal("0.309")


def test_mode_2_turns_all_of_a_fixed_structure_but_medium_and_unit() -> None:
    telegram = decode_telegram(
        bytes.fromhex("12345678 0a 00 e97e 00000001 00000135"), is_fixed=True, order="big"
    )
    assert telegram.header is not None
    assert (telegram.header.identification, telegram.header.medium) == ("12345678", "water")
    assert [record.value for record in telegram.records] == [Decimal("0.001"), Decimal("0.135")]


def test_mode_2_turns_all_of_a_variable_header() -> None:
    octets = bytes.fromhex("12345678 4024 01 07 55 00 0510 0313003115")
    header = decode_telegram(octets, order="big", is_decrypted=True).header
    assert header is not None
    assert (header.identification, header.manufacturer) == ("12345678", "PAD")
    assert header.encryption.mode == 5


@pytest.mark.parametrize(
    ("code", "unit", "exponent"),
    [
        (0x02, "Wh", 0),
        (0x05, "Wh", 3),
        (0x0A, "Wh", 8),
        (0x0B, "J", 3),
        (0x13, "J", 11),
        (0x17, "W", 3),
        (0x23, "J/h", 9),
        (0x26, "m3", -6),
        (0x2C, "m3", 0),
        (0x35, "m3/h", 0),
        (0x38, "°C", -3),
    ],
)
def test_the_units_of_fixed_counters_are_those_printed(code: int, unit: str, exponent: int) -> None:
    assert (FIXED_UNITS[code].unit, FIXED_UNITS[code].exponent) == (unit, exponent)


def test_fixed_counters_that_are_no_number_say_why() -> None:
    telegram = decode_telegram(bytes.fromhex("78563412 0a 00 fa40 01000000 3a010000"), is_fixed=True)
    first, second = telegram.records
    assert (first.value, first.problem) == (None, "reserved unit 0x3a: its unit is not known")
    assert (second.quantity, second.value) == ("time of day", bytes.fromhex("3a010000"))
    (first, _) = decode_telegram(
        bytes.fromhex("78563412 0a 00 e97e 0100000c 35010000"), is_fixed=True
    ).records
    assert "BCD expected" in first.problem


def test_a_fixed_structure_of_another_length_says_so() -> None:
    assert decode_telegram(FIXED + b"\0", is_fixed=True).is_complete
    assert "16 octets, not 17" in decode_telegram(FIXED + b"\1", is_fixed=True).problem
    short = decode_telegram(FIXED[:12], is_fixed=True)
    assert short.header is None
    assert "counter 2: 4 octets expected" in short.problem


def test_the_status_octet_is_told_in_words() -> None:
    status = DeviceStatus(0b0101_1110)
    assert str(status) == "error, power low, permanent error, temporary error, manufacturer bits 2"
    assert status.is_power_low
    assert status.is_permanent_error
    assert status.is_temporary_error
    assert str(DeviceStatus(0b11, is_fixed=True)) == "no error"


@pytest.mark.parametrize(
    ("signature", "name", "encrypted"),
    [
        (0x0000, "not encrypted", 0),
        (0x0210, "DES-CBC, initial vector zero", 16),
        (0x0308, "DES-CBC, initial vector from the header", 8),
        (0x0300, "DES-CBC, initial vector from the header", 40),
        (0x0410, "AES-128-CBC, initial vector zero", 16),
        (0x0520, "AES-128-CBC, initial vector from the header", 32),
        (0x2520, "AES-128-CBC, initial vector from the header", 32),
        (0x05F0, "AES-128-CBC, initial vector from the header", 40),
        (0x0710, "AES-128-CBC, derived key", 40),
        (0x0900, "AES-128-GCM", 40),
        (0x0B00, "mode 11", 40),
    ],
)
def test_the_signature_tells_how_much_is_encrypted_and_how(signature: int, name: str, encrypted: int) -> None:
    encryption = Encryption(signature)
    assert (encryption.name, encryption.size(40)) == (name, encrypted)


HEADER = VARIABLE[:10]


def test_encrypted_records_are_kept_and_clear_ones_after_them_read() -> None:
    secret = bytes(range(0x80, 0x90))
    telegram = decode_telegram(HEADER + b"\x10\x05" + secret + bytes.fromhex("011305"))
    assert telegram.encrypted == secret
    assert [record.value for record in telegram.records] == [Decimal("0.005")]
    assert telegram.is_complete


@pytest.mark.parametrize(("body", "is_decrypted"), [("2f2f011305", False), ("011305", True)])
def test_records_that_were_decrypted_on_the_way_are_read(body: str, is_decrypted: bool) -> None:
    telegram = decode_telegram(HEADER + b"\x10\x05" + bytes.fromhex(body), is_decrypted=is_decrypted)
    assert telegram.encrypted == b""
    assert [record.value for record in telegram.records] == [Decimal("0.005")]


def test_every_prefix_of_a_telegram_reads_as_far_as_it_goes() -> None:
    for held in range(len(VARIABLE) + 1):
        telegram = decode_telegram(VARIABLE[:held])
        if held < 12:
            assert telegram.header is None
            assert "cut short" in telegram.problem
        else:
            ends = [12, 17, 22, 28]
            assert telegram.is_complete == (held in ends)
            whole = sum(record.is_valid for record in telegram.records)
            assert whole == sum(end <= held for end in ends[1:])


def test_more_records_follow_when_the_last_dif_says_so() -> None:
    assert decode_telegram(VARIABLE + b"\x1f\x01").has_more
    assert not decode_telegram(VARIABLE + b"\x0f\x01").has_more
    assert not Telegram(None).has_more


def test_manufacturer_ids_are_three_letters_of_five_bits() -> None:
    assert manufacturer_letters(0x4024) == "PAD"
    assert manufacturer_letters(0x4024 | 0x8000) == "PAD"
    assert manufacturer_letters(0x0421) == "AAA"
    assert manufacturer_letters(0x6B5A) == "ZZZ"
    assert manufacturer_letters(0x0000) == "0x0000"
    for number in range(0x8000):
        assert manufacturer_number(manufacturer_letters(number)) == number
    for wrong in ("AB", "A1C", "ÄBC", "0x12345", "0xzz"):
        with pytest.raises(ValueError):
            manufacturer_number(wrong)


def test_the_guides_media_have_the_guides_names() -> None:
    assert [medium_name(code) for code in (3, 4, 6, 7)] == ["gas", "heat", "hot water", "water"]
    assert medium_name(0x1F) == "reserved 0x1f"
