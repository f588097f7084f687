"""The data of one record: integers, BCD, real numbers, text and variable length, as octets.

Source: "The M-Bus: A Documentation" 4.8, 8.4.2 and appendix; EN 13757-3, data types A to D and H.
"""

from __future__ import annotations

import struct
from datetime import date, datetime, time
from decimal import Decimal
from enum import IntEnum
from math import isfinite
from typing import NamedTuple, TypeAlias

from meterkit.codec.cursor import ByteOrder, Reader
from meterkit.errors import ErrorKind, fault

Value: TypeAlias = Decimal | datetime | date | time | str | bytes | None


class DataField(IntEnum):
    """Bits 0 to 3 of a DIF: how many octets, and what they are."""

    NONE = 0x0
    INT8 = 0x1
    INT16 = 0x2
    INT24 = 0x3
    INT32 = 0x4
    REAL32 = 0x5
    INT48 = 0x6
    INT64 = 0x7
    SELECTION = 0x8  #: selection for readout: a request, without data
    BCD2 = 0x9
    BCD4 = 0xA
    BCD6 = 0xB
    BCD8 = 0xC
    VARIABLE = 0xD
    BCD12 = 0xE
    SPECIAL = 0xF


#: Octets by data field; VARIABLE tells its own, SPECIAL has none of this kind.
SIZES = {
    DataField.NONE: 0,
    DataField.INT8: 1,
    DataField.INT16: 2,
    DataField.INT24: 3,
    DataField.INT32: 4,
    DataField.REAL32: 4,
    DataField.INT48: 6,
    DataField.INT64: 8,
    DataField.SELECTION: 0,
    DataField.BCD2: 1,
    DataField.BCD4: 2,
    DataField.BCD6: 3,
    DataField.BCD8: 4,
    DataField.BCD12: 6,
}
BCD_FIELDS = frozenset({DataField.BCD2, DataField.BCD4, DataField.BCD6, DataField.BCD8, DataField.BCD12})


class Coding(IntEnum):
    """What the octets of a value are."""

    NOTHING = 0
    INTEGER = 1  #: type B, two's complement
    UNSIGNED = 2  #: type C or D
    BCD = 3  #: type A; a leading F is a minus sign
    NEGATIVE_BCD = 4
    REAL = 5  #: type H
    TEXT = 6  #: Latin-1


class Datum(NamedTuple):
    """The octets of one value, in the order they came."""

    coding: Coding
    octets: bytes


class Read(NamedTuple):
    """A value, or why there is none."""

    value: Decimal | str | None
    problem: str = ""


def take_datum(reader: Reader, field: DataField) -> Datum:
    """Return the octets of a value.

    Errors: ProtocolFault (DECODE) when they are cut short, or of a length nobody defined.
    """
    if field is DataField.VARIABLE:
        coding, size = _variable(reader.unsigned(1, "LVAR"))
    else:
        coding, size = _fixed(field), SIZES[field]
    return Datum(coding, reader.take(size, "data"))


def _fixed(field: DataField) -> Coding:
    if field in BCD_FIELDS:
        return Coding.BCD
    if field is DataField.REAL32:
        return Coding.REAL
    return Coding.INTEGER if SIZES[field] else Coding.NOTHING


def _variable(length: int) -> tuple[Coding, int]:
    """Return coding and octets that LVAR announces.

    The documentation has F0 to FA for real numbers "to be defined"; EN 13757-3 gave F0 to F6 to long
    binaries, which is what devices send.
    """
    if length <= 0xBF:
        return Coding.TEXT, length
    if length <= 0xCF:
        return Coding.BCD, length - 0xC0
    if length <= 0xDF:
        return Coding.NEGATIVE_BCD, length - 0xD0
    if length <= 0xEF:
        return Coding.UNSIGNED, length - 0xE0
    if length <= 0xF4:
        return Coding.UNSIGNED, 4 * (length - 0xEC)
    if length in (0xF5, 0xF6):
        return Coding.UNSIGNED, 48 if length == 0xF5 else 64
    raise fault(ErrorKind.DECODE, f"LVAR 0x{length:02x}: nobody knows how many octets that is")


def read_datum(datum: Datum, order: ByteOrder) -> Read:
    """Return what the octets of a value say; total."""
    coding, octets = datum
    little = octets if order == "little" else octets[::-1]
    match coding:
        case Coding.NOTHING:
            return Read(None)
        case Coding.TEXT:
            return Read(little[::-1].decode("latin-1"))  # the last character comes first in mode 1
        case Coding.BCD:
            return _read_bcd(little[::-1].hex())
        case Coding.NEGATIVE_BCD:
            found = _read_bcd(little[::-1].hex())
            return Read(found.value.copy_negate()) if isinstance(found.value, Decimal) else found
        case Coding.REAL:
            return _read_real(little)
        case Coding.UNSIGNED:
            return Read(Decimal(int.from_bytes(little, "little")))
        case Coding.INTEGER:
            return _read_signed(little)


def _read_bcd(digits: str) -> Read:
    sign, rest = ("-", digits[1:]) if digits.startswith("f") else ("", digits)
    if not rest.isdecimal():
        return Read(None, f"BCD expected, {digits or 'nothing'} read")
    return Read(Decimal(sign + rest))


def _read_signed(octets: bytes) -> Read:
    value = int.from_bytes(octets, "little", signed=True)
    if value == -1 << (8 * len(octets) - 1):  # EN 13757-3, type B: 80..00 is no value
        return Read(None, "the device marks its value as invalid")
    return Read(Decimal(value))


def _read_real(octets: bytes) -> Read:
    (value,) = struct.unpack("<f", octets)
    if not isfinite(value):
        return Read(None, f"no number ({value})")
    for digits in range(6, 10):  # the shortest text that is the same number in four octets
        text = f"{value:.{digits}g}"
        if abs(float(text)) <= _LARGEST and struct.pack("<f", float(text)) == octets:
            return Read(Decimal(text))
    return Read(Decimal(value))


_LARGEST = 3.4028235e38  # of four octets


def scaled(value: Decimal, exponent: int) -> Decimal:
    """Return `value * 10 ** exponent`, exactly, whatever the precision of the decimal context."""
    sign, digits, own = value.as_tuple()
    if not isinstance(own, int):
        return value
    own += exponent
    return Decimal((sign, digits, own)) if own <= 0 else Decimal((sign, digits + (0,) * own, 0))


# ---------------------------------------------------------------- writing
def write_number(value: Decimal, field: DataField, *, is_signed: bool = True) -> bytes:
    """Return a number in the octets of `field`, least significant first.

    Errors: ValueError when it is not whole where it has to be, or does not fit.
    """
    size = SIZES.get(field, 0)
    if field is DataField.REAL32:
        try:
            return struct.pack("<f", value)
        except OverflowError:
            raise ValueError(f"{value} does not fit four octets") from None
    if not size:
        raise ValueError(f"{field.name} holds no number")
    whole = int(value)
    if whole != value:
        raise ValueError(f"{value} is not whole in this unit: choose a smaller exponent")
    if field in BCD_FIELDS:
        digits = f"{-whole:0{2 * size - 1}}" if whole < 0 else f"{whole:0{2 * size}}"
        if len(digits) > 2 * size - (whole < 0):
            raise ValueError(f"{whole} does not fit {2 * size} digits")
        return bytes.fromhex("f" * (whole < 0) + digits)[::-1]
    try:
        return whole.to_bytes(size, "little", signed=is_signed)
    except OverflowError:
        raise ValueError(f"{whole} does not fit {size} octets") from None


def write_variable(value: str | Decimal | bytes) -> bytes:
    """Return LVAR and the octets of a text, a whole number, or octets as they are, in mode 1 order.

    Errors: ValueError for more than 191 characters or 30 digits, characters beyond Latin-1, or as many
    octets as no LVAR stands for.
    """
    if isinstance(value, bytes):
        return bytes([_BINARY_LENGTHS[_checked_length(value)]]) + value
    if isinstance(value, str):
        octets = value.encode("latin-1")[::-1]
        if len(octets) > 0xBF:
            raise ValueError(f"{len(octets)} characters, 191 at most")
        return bytes([len(octets)]) + octets
    if value != int(value):
        raise ValueError(f"{value} is not whole in this unit: choose a smaller exponent")
    digits = str(abs(int(value)))
    octets = bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))[::-1]
    if len(octets) > 15:
        raise ValueError(f"{value} has more than 30 digits")
    return bytes([(0xD0 if value < 0 else 0xC0) + len(octets)]) + octets


_BINARY_LENGTHS = {_variable(length)[1]: length for length in range(0xE0, 0xF7)}


def _checked_length(octets: bytes) -> int:
    if len(octets) not in _BINARY_LENGTHS:
        raise ValueError(f"{len(octets)} octets: no LVAR stands for that")
    return len(octets)
