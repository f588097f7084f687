"""Whole and scaled meter values as exact decimals."""

from __future__ import annotations

from decimal import Decimal

from meterkit.psem.tables.numbers import Number


def scaled(raw: Number, exponent: int = 0) -> Decimal:
    """Return `raw` times ten to the power of `exponent`, exact; NaN and infinities stay what they are.

    Floats, which no OSGP meter has, are taken for the shortest decimal that stands for them.
    """
    exact = Decimal(raw) if isinstance(raw, int) else Decimal(repr(raw).removesuffix(".0"))
    return exact.scaleb(exponent) if exponent else exact
