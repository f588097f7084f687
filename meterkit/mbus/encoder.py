"""Records and telegrams as octets: what a device sends, for emulated meters and tests.

All multi-octet values are written in mode 1, least significant octet first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal

from meterkit.mbus.dates import write_time
from meterkit.mbus.header import TelegramHeader, identification_octets
from meterkit.mbus.identity import manufacturer_number
from meterkit.mbus.record import MAX_EXTENSIONS, Function
from meterkit.mbus.unit_extensions import PLAIN_TEXT, meaning_of, vif_for
from meterkit.mbus.units import Form
from meterkit.mbus.values import SIZES, DataField, Value, scaled, write_number, write_variable


def encode_record(
    value: Value,
    field: DataField,
    quantity: str,
    unit: str = "",
    exponent: int = 0,
    *,
    storage: int = 0,
    tariff: int = 0,
    subunit: int = 0,
    function: Function = Function.INSTANTANEOUS,
    vifes: bytes = b"",
) -> bytes:
    """Return one record: `value` of `unit`, sent as a whole number of `10 ** exponent` units.

    `quantity` and `unit` as `DataRecord` has them; `vifes`: qualifying codes, extension bits aside.
    Errors: ValueError when no VIF stands for them, or the value does not fit.
    """
    chain = _chain(vif_for(quantity, unit, exponent) + vifes)
    is_signed = meaning_of(chain)[0].form is Form.NUMBER
    head = _place(field, storage, tariff, subunit, function) + chain
    return head + _data(value, field, exponent + _corrections(vifes), is_signed=is_signed)


def encode_plain_text_record(
    value: Value,
    field: DataField,
    unit: str,
    *,
    storage: int = 0,
    tariff: int = 0,
    subunit: int = 0,
    function: Function = Function.INSTANTANEOUS,
    vifes: bytes = b"",
) -> bytes:
    """Return one record whose unit is written out.

    Errors: ValueError as `encode_record`.
    """
    chain = _chain(bytes([PLAIN_TEXT]) + vifes)
    letters = write_variable(unit)
    head = _place(field, storage, tariff, subunit, function) + chain[:1] + letters + chain[1:]
    return head + _data(value, field, _corrections(vifes))


def _corrections(vifes: bytes) -> int:
    """Return the power of ten that correction factors among the VIFEs add."""
    return sum(
        3 if code == 0x7D else (code & 7) - 6
        for code in (vife & 0x7F for vife in vifes)
        if code == 0x7D or 0x70 <= code <= 0x77
    )


def _place(field: DataField, storage: int, tariff: int, subunit: int, function: Function) -> bytes:
    if field is DataField.SPECIAL:
        raise ValueError("special functions are no records")
    if min(storage, tariff, subunit) < 0:
        raise ValueError("storage, tariff and subunit count from 0")
    octets = bytearray([field | function << 4 | (storage & 1) << 6])
    storage >>= 1
    while storage or tariff or subunit:
        octets[-1] |= 0x80
        octets.append(storage & 0x0F | (tariff & 3) << 4 | (subunit & 1) << 6)
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    if len(octets) > 1 + MAX_EXTENSIONS:
        raise ValueError(f"storage, tariff or subunit needs more than {MAX_EXTENSIONS} DIFEs")
    return bytes(octets)


def _chain(codes: bytes) -> bytes:
    """Return codes with the extension bit on all but the last."""
    if len(codes) > 1 + MAX_EXTENSIONS:
        raise ValueError(f"more than {MAX_EXTENSIONS} VIFEs")
    return bytes([code | 0x80 for code in codes[:-1]] + [codes[-1] & 0x7F])


def _data(value: Value, field: DataField, exponent: int, *, is_signed: bool = True) -> bytes:
    if field in (DataField.NONE, DataField.SELECTION):
        if value is not None:
            raise ValueError(f"{field.name} carries no value, but {value!r} is given")
        return b""
    if isinstance(value, bytes):
        if field is DataField.VARIABLE:
            return write_variable(value)
        if len(value) != SIZES[field]:
            raise ValueError(f"{len(value)} octets do not fit {field.name}")
        return value
    if isinstance(value, (date, time)):
        return write_time(value, SIZES.get(field, 0))
    if isinstance(value, Decimal) and value.is_finite():
        raw = scaled(value, -exponent)
        if field is DataField.VARIABLE:
            return write_variable(raw)
        return write_number(raw, field, is_signed=is_signed)
    if isinstance(value, str) and field is DataField.VARIABLE:
        return write_variable(value)
    raise ValueError(f"{value!r} does not fit {field.name}")


# ---------------------------------------------------------------- telegrams
def encode_telegram(header: TelegramHeader, records: Iterable[bytes]) -> bytes:
    """Return a telegram of the variable data structure (CI 72h), from the identification number on.

    Errors: ValueError when the header's parts do not fit.
    """
    if header.version is None:
        raise ValueError("the variable data structure tells a version")
    words = manufacturer_number(header.manufacturer), header.encryption.signature
    manufacturer, signature = (word.to_bytes(2, "little") for word in words)
    middle = bytes([header.version, header.medium_code, header.access_number, header.status.octet])
    identification = identification_octets(header.identification, "little")
    return identification + manufacturer + middle + signature + b"".join(records)


def encode_fixed_telegram(header: TelegramHeader, units: tuple[int, int], counters: tuple[int, int]) -> bytes:
    """Return a telegram of the fixed data structure (CI 73h).

    `units`: the six-bit codes of both counters; `counters`: their numbers in those units, BCD or binary by
    bit 0 of the status.
    Errors: ValueError when the parts do not fit.
    """
    if not 0 <= header.medium_code <= 0xF or not all(0 <= unit <= 0x3F for unit in units):
        raise ValueError("a medium has 4 bits, a unit 6")
    field = DataField.INT32 if header.status.octet & 1 else DataField.BCD8
    first = units[0] | (header.medium_code & 3) << 6
    second = units[1] | header.medium_code >> 2 << 6
    middle = bytes([header.access_number, header.status.octet, first, second])
    numbers = b"".join(write_number(Decimal(counter), field) for counter in counters)
    return identification_octets(header.identification, "little") + middle + numbers
