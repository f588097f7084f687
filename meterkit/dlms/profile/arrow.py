"""Columns to a typed pyarrow Table, without a Python object for each value.

    raw uint32 12345, scaler -3   ->   decimal128(10, 3) 12.345       the same number, 16 octets wide

An Arrow decimal is an integer with a scale, which is what COSEM has: only its width changes.
Source: Arrow columnar format, fixed-size primitive layout and validity bitmaps.
"""

from __future__ import annotations

import sys
from array import array
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from meterkit.codec.axdr_values import BcdString, BitString
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.profile.column import ProfileColumn, unique_names
from meterkit.dlms.profile.layout import clock_place

if TYPE_CHECKING:
    from meterkit.dlms.profile.columns import ColumnData, ProfileColumns

_TYPES: Final = {
    "b": "int8", "B": "uint8", "h": "int16", "H": "uint16", "i": "int32", "I": "uint32",
    "q": "int64", "Q": "uint64", "f": "float32", "d": "float64",
}  # fmt: skip
_DIGITS: Final = {"b": 3, "B": 3, "h": 5, "H": 5, "i": 10, "I": 10, "q": 19, "Q": 20}
_WIDTH: Final = 16  # octets of a decimal128
_MOST_SCALE: Final = 38  # digits of a decimal128
_BITS: Final = 8
_LITTLE: Final = sys.byteorder == "little"


def to_arrow(columns: ProfileColumns) -> Any:
    """Return the table.  Errors: ImportError without pyarrow."""
    arrow: Any = import_module("pyarrow")
    arrays: list[Any] = []
    fields: list[Any] = []
    captured = [one.column for one in columns.columns]
    clock = clock_place(captured)
    if clock is not None:
        times = _times(arrow, columns)
        arrays.append(times)
        fields.append(arrow.field("time", times.type))
    for place, (one, name) in enumerate(zip(columns.columns, unique_names(captured), strict=True)):
        if place == clock:
            continue
        made = _column(arrow, one)
        arrays.append(made)
        fields.append(arrow.field(name, made.type, metadata=_metadata(one.column)))
    return arrow.Table.from_arrays(arrays, schema=arrow.schema(fields))


def _metadata(column: ProfileColumn) -> dict[str, str]:
    told: dict[str, object] = {
        "obis": column.obis,
        "class_id": column.class_id,
        "attribute_index": column.attribute_index,
        "data_index": column.data_index,
        "name": column.words,
    }
    if column.unit is not None:
        told |= {"scaler": column.scaler, "unit": column.unit.symbol}
    return {key: str(value) for key, value in told.items()}


def _times(arrow: Any, columns: ProfileColumns) -> Any:
    zone = None if columns.is_local else "UTC"
    times, unit = columns.times, "s"
    if columns.hundredths is not None:
        pairs = zip(columns.times, columns.hundredths, strict=True)
        times, unit = array("q", [second * 1000 + rest * 10 for second, rest in pairs]), "ms"
    return _buffered(arrow, arrow.timestamp(unit, zone), times, columns.valid)


def _buffered(arrow: Any, kind: Any, octets: Any, valid: bytes | None) -> Any:
    """Return an array over octets that are laid out already."""
    count = len(memoryview(octets).cast("B")) // (kind.bit_width // _BITS)
    bitmap = None if valid is None else arrow.py_buffer(_bitmap(valid))
    return arrow.Array.from_buffers(kind, count, [bitmap, arrow.py_buffer(octets)])


def _bitmap(valid: bytes) -> bytes:
    """Return one bit for each octet, the first one lowest."""
    size = (len(valid) + _BITS - 1) // _BITS
    padded = valid.ljust(size * _BITS, b"\0")
    bits = 0
    for place in range(_BITS):
        bits |= int.from_bytes(padded[place::_BITS], "little") << place
    return bits.to_bytes(size, "little")


def _column(arrow: Any, one: ColumnData) -> Any:
    values, scaler = one.values, one.column.scaler
    if not isinstance(values, array):
        return _objects(arrow, values)
    if not scaler:
        return _buffered(arrow, getattr(arrow, _TYPES[values.typecode])(), values, one.valid)
    if values.typecode in _DIGITS and 0 < -scaler <= _MOST_SCALE:
        digits = max(_DIGITS[values.typecode], -scaler)
        return _buffered(arrow, arrow.decimal128(digits, -scaler), _widened(values), one.valid)
    factor = 10.0**scaler
    return _buffered(arrow, arrow.float64(), array("d", [value * factor for value in values]), one.valid)


def _widened(values: array[Any]) -> bytearray:
    """Return integers in 16 octets each, in the order of octets that this machine has."""
    size, octets = values.itemsize, values.tobytes()
    wide = bytearray(_WIDTH * len(values))
    for number in range(size):
        wide[_place(number, _WIDTH) :: _WIDTH] = octets[_place(number, size) :: size]
    if values.typecode.islower() and min(values, default=0) < 0:
        signs = bytes(0xFF if octet & 0x80 else 0 for octet in octets[_place(size - 1, size) :: size])
        for number in range(size, _WIDTH):
            wide[_place(number, _WIDTH) :: _WIDTH] = signs
    return wide


def _place(number: int, size: int) -> int:
    """Return where the octet of an integer stands that is `number`-th from the least significant, 0."""
    return number if _LITTLE else size - 1 - number


def _objects(arrow: Any, values: list[Any]) -> Any:
    """Return what is no number: octets, texts, booleans; anything else as text."""
    kinds: set[type[Any]] = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return arrow.array(values, arrow.bool_())
    if kinds == {bytes}:
        return arrow.array(values, arrow.binary())
    texts = [None if value is None else _text(value) for value in values]
    return arrow.array(texts, arrow.string())


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    known = str | BcdString | BitString | CosemDate | CosemTime | CosemDateTime
    text = str(value) if isinstance(value, known) else repr(value)
    return text.encode("utf-8", "backslashreplace").decode()
