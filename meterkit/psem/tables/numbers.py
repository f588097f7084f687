"""Non-integer formats and BCD; numbers as exact decimals.  Source: C12.19 ST0, NI_FORMAT1 and NI_FORMAT2.

A FLOAT32 reads as the shortest decimal that its octets stand for: a multiplier of 0.1 is meant to be 0.1.
Text and BCD that hold no number read as NaN, and NaN is written as spaces or 0xFF octets.  The order of
BCD digits (most significant first, whatever DATA_ORDER) is general knowledge of C12.19, unconfirmed.
"""

from __future__ import annotations

import re
from decimal import Context as Arithmetic
from decimal import Decimal
from math import isfinite, isnan, nan
from struct import Struct
from typing import TypeAlias

from meterkit.codec.expression import Scope
from meterkit.codec.wire import FLOAT64, INT24, INT32, INT40, INT48, INT64, Formed, Kind, Wire

Number: TypeAlias = int | float

#: Exact whatever decimal context the caller has set: more digits than six 17-digit factors make.
EXACT = Arithmetic(prec=200, traps=[])

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)?")
_EXPONENT = re.compile(r"e\+?(-?)0*(?=\d)")  # of Python's "1.5e+10": the sign and zeroes take up room
_FLOAT32 = Struct("<f")
_FLOAT32_DIGITS = range(6, 9)  # decimal digits: six always mean something, nine always suffice
_IMPLIED = 10_000  # NI_FORMAT 4: INT32 with an implied decimal point between the 4th and 5th digits


def _float_char(size: int) -> Wire[Number]:
    """Return FLOAT_CHARn: a number written out in `size` characters."""

    def convert(octets: bytes) -> float:
        digits = octets.strip(b" \0")
        return float(digits) if _NUMBER.fullmatch(digits) else nan

    def revert(value: float) -> bytes:
        if isnan(value):
            return b" " * size
        if not isfinite(value):
            raise ValueError(f"{value} cannot be written as a number")
        return _shortest(value, size).rjust(size).encode("ascii")

    return Wire(f"FLOAT_CHAR{size}", f"{size}s", size, convert, revert)


def _shortest(value: float, size: int) -> str:
    """Return the most exact text of `value` in at most `size` characters.

    Errors: ValueError when even its leading digit does not fit.
    """
    exact = repr(float(value)).removesuffix(".0")
    if len(exact) <= size:
        return exact
    texts = [_EXPONENT.sub(r"e\1", f"{value:.{digits}{form}}") for digits in range(17) for form in "fge"]
    fitting = [text for text in texts if len(text) <= size and (float(text) != 0 or value == 0)]
    if not fitting:
        raise ValueError(f"{value} does not fit {size} characters")
    return min(fitting, key=lambda text: abs(float(text) - value))


def _shortest_float32(value: float) -> float:
    """Return the shortest decimal that the same four octets stand for: 0.1, not 0.10000000149011612."""
    if not isfinite(value):
        return value
    octets = _FLOAT32.pack(value)
    shorter = (float(f"{value:.{digits}g}") for digits in _FLOAT32_DIGITS)
    return next((decimal for decimal in shorter if _FLOAT32.pack(decimal) == octets), value)


def _bcd_number(size: int) -> Wire[Number]:
    """Return BCDn as an unsigned whole number."""

    def convert(octets: bytes) -> Number:
        digits = octets.hex()
        return int(digits) if digits.isdigit() else nan

    def revert(value: Number) -> bytes:
        if isnan(value):
            return b"\xff" * size
        if value != int(value) or not 0 <= value < 100**size:
            raise ValueError(f"{value} is no whole number of {2 * size} digits")
        return bytes.fromhex(f"{int(value):0{2 * size}d}")

    return Wire(f"BCD{size}", f"{size}s", size, convert, revert)


def _implied(scope: Scope) -> Wire[Number]:
    plain = INT32.wire(scope, "")
    read, write = plain.convert, plain.revert

    def convert(raw: int) -> float:
        return (read(raw) if read else raw) / _IMPLIED

    def revert(value: float) -> int:
        raw = round(value * _IMPLIED)
        return write(raw) if write else raw

    return Wire("INT32 with 4 decimals", plain.code, 4, convert, revert)


#: NI_FMAT1 and NI_FMAT2 by their code.  12 and 13 are general knowledge of C12.19, unconfirmed.
NI_FORMATS: dict[int, Kind[Number]] = {
    0: FLOAT64,
    1: Wire("FLOAT32", "f", 4, _shortest_float32),
    2: _float_char(12),
    3: _float_char(6),
    4: Formed(_implied),
    5: _bcd_number(6),
    6: _bcd_number(4),
    7: INT24,
    8: INT32,
    9: INT40,
    10: INT48,
    11: INT64,
    12: _bcd_number(8),
    13: _float_char(21),
}


def bcd_string(size: int) -> Wire[str]:
    """Return packed BCD digits as a string, such as a serial number; leading zeroes are kept.

    Octets that are no digits are kept as hexadecimal letters, so that every value reads and writes back.
    """

    def revert(value: str) -> bytes:
        if len(value) > 2 * size:
            raise ValueError(f"{2 * size} digits at most")
        return bytes.fromhex(value.rjust(2 * size, "0"))

    return Wire(f"BCD[{size}]", f"{size}s", size, bytes.hex, revert)


def exact(raw: Number) -> Decimal:
    """Return a meter's number as an exact decimal; NaN and infinities stay what they are.

    Binary fractions are taken for the shortest decimal that stands for them.
    """
    return Decimal(raw) if isinstance(raw, int) else Decimal(repr(raw).removesuffix(".0"))


def scaled(raw: Number, exponent: int = 0) -> Decimal:
    """Return `raw` times ten to the power of `exponent`, exact."""
    return exact(raw).scaleb(exponent, EXACT) if exponent else exact(raw)
