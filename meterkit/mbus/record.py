"""Data records: DIF, DIFEs, VIF, VIFEs, data.

    DIF    E s ff dddd     E: DIFEs follow; s: storage; f: function; d: data field
    DIFE   E u tt ssss     u: subunit; t: tariff; s: storage, each above the bits before

Source: "The M-Bus: A Documentation" 4.8, 6.3.2, 6.3.3 and 8.4; EN 13757-3, variable data blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple

from meterkit.codec.cursor import ByteOrder, Reader
from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.mbus.dates import read_time
from meterkit.mbus.identity import manufacturer_letters, medium_name
from meterkit.mbus.qualifiers import UNSIGNED, Qualifier, qualifiers_of
from meterkit.mbus.unit_extensions import PLAIN_TEXT, meaning_of
from meterkit.mbus.units import Form, Meaning
from meterkit.mbus.values import Coding, DataField, Datum, Value, read_datum, scaled, take_datum

MAX_EXTENSIONS = 10  # DIFEs, and VIFEs, of one record

UNREADABLE = "unreadable"  #: quantity of a record whose end nobody can tell: the rest of the telegram

_MANUFACTURER_DATA, _MANUFACTURER_DATA_MORE, _FILLER = 0x0F, 0x1F, 0x2F
_FIXED_STORAGE_BITS = 1


class Function(IntEnum):
    """Bits 4 and 5 of a DIF."""

    INSTANTANEOUS = 0
    MAXIMUM = 1
    MINIMUM = 2
    ERROR_STATE = 3  #: the value while the device was in error


@dataclass(frozen=True, slots=True)
class DataRecord:
    """One value of a device, with all that says what it is.

    `value`: numbers are exact and in `unit`; times are the device's own; text; octets where nobody but the
    manufacturer knows; None where the device gave none, or when `problem` says why.
    """

    value: Value
    unit: str
    quantity: str
    storage: int = 0  #: 0: now; others: stored at some due date
    tariff: int = 0
    subunit: int = 0
    function: Function = Function.INSTANTANEOUS
    qualifiers: tuple[str, ...] = ()
    problem: str = ""
    raw: bytes = b""  #: the whole record as it came

    @property
    def is_valid(self) -> bool:
        """Tell whether nothing is wrong with the record."""
        return not self.problem


def decode_records(octets: bytes, *, order: ByteOrder = "little") -> tuple[DataRecord, ...]:
    """Return the records of a telegram, in order; total.

    Fillers are left out.  What is cut short, or of a length nobody knows, ends the list as a record with a
    `problem` whose `raw` is all the rest.  `order`: "big" in mode 2.
    """
    reader = Reader(octets, order=order)
    found: list[DataRecord] = []
    while reader.left:
        start = reader.position
        try:
            record = _take_record(reader, octets)
        except ProtocolFault as cut:
            found.append(DataRecord(None, "", UNREADABLE, problem=cut.error.message, raw=octets[start:]))
            break
        if record is not None:
            found.append(record)
    return tuple(found)


class _Place(NamedTuple):
    """What DIF and DIFEs say."""

    field: DataField
    function: Function
    storage: int
    tariff: int
    subunit: int


def _take_record(reader: Reader, octets: bytes) -> DataRecord | None:
    start = reader.position
    dif = reader.unsigned(1, "DIF")
    if dif == _FILLER:
        return None
    if dif in (_MANUFACTURER_DATA, _MANUFACTURER_DATA_MORE):
        return DataRecord(reader.rest(), "", "manufacturer specific data", raw=octets[start:])
    if dif & 0x0F == DataField.SPECIAL:
        raise fault(ErrorKind.DECODE, f"DIF 0x{dif:02x} is reserved; what follows cannot be read")
    place = _take_place(reader, dif)
    meaning, qualifiers = _take_meaning(reader)
    datum = take_datum(reader, place.field)
    return _record(place, meaning, qualifiers, datum, reader.order, octets[start : reader.position])


def _take_place(reader: Reader, dif: int) -> _Place:
    storage, tariff, subunit = dif >> 6 & 1, 0, 0
    more, count = dif & 0x80, 0
    while more:
        if count == MAX_EXTENSIONS:
            raise fault(ErrorKind.DECODE, f"more than {MAX_EXTENSIONS} DIFEs")
        dife = reader.unsigned(1, "DIFE")
        storage |= (dife & 0x0F) << (_FIXED_STORAGE_BITS + 4 * count)
        tariff |= (dife >> 4 & 3) << (2 * count)
        subunit |= (dife >> 6 & 1) << count
        more, count = dife & 0x80, count + 1
    return _Place(DataField(dif & 0x0F), Function(dif >> 4 & 3), storage, tariff, subunit)


def _take_meaning(reader: Reader) -> tuple[Meaning, list[Qualifier]]:
    codes = bytearray([reader.unsigned(1, "VIF")])
    text: str | None = None
    if codes[0] & 0x7F == PLAIN_TEXT:  # the text stands before the VIFEs
        letters = reader.take(reader.unsigned(1, "length of the unit's text"), "text of the unit")
        text = (letters[::-1] if reader.order == "little" else letters).decode("latin-1")
    while codes[-1] & 0x80:
        if len(codes) > MAX_EXTENSIONS:
            raise fault(ErrorKind.DECODE, f"more than {MAX_EXTENSIONS} VIFEs")
        codes.append(reader.unsigned(1, "VIFE"))
    if text is not None:
        return Meaning("plain text unit", text), qualifiers_of(bytes(codes[1:]))
    if codes[0] & 0x7F == 0x7F:
        own = codes[1:].hex(" ")
        quantity = f"manufacturer specific {own}".rstrip()
        return Meaning(quantity), []
    meaning, taken = meaning_of(bytes(codes))
    return meaning, qualifiers_of(bytes(codes[taken:]))


def _record(
    place: _Place,
    meaning: Meaning,
    qualifiers: list[Qualifier],
    datum: Datum,
    order: ByteOrder,
    raw: bytes,
) -> DataRecord:
    form, unit, exponent = meaning.form, meaning.unit, meaning.exponent
    problem = f"{meaning.quantity}: its unit is not known" if meaning.is_reserved else ""
    for qualifier in qualifiers:
        if qualifier.form is not None:
            form, unit, exponent = qualifier.form, qualifier.unit, 0
    exponent += sum(qualifier.exponent for qualifier in qualifiers)
    unit += "".join(qualifier.suffix for qualifier in qualifiers)
    names = tuple(qualifier.name for qualifier in qualifiers if qualifier.name)
    if not UNSIGNED.isdisjoint(names) and form is Form.NUMBER:
        form = Form.FLAGS
    value, found, notes = _value(datum, form, exponent, order)
    problem = next((q.problem for q in qualifiers if q.problem), "") or problem or found
    return DataRecord(
        None if problem else value,
        unit,
        meaning.quantity,
        place.storage,
        place.tariff,
        place.subunit,
        place.function,
        (*names, *notes),
        problem,
        raw,
    )


def _value(datum: Datum, form: Form, exponent: int, order: ByteOrder) -> tuple[Value, str, tuple[str, ...]]:
    """Return value, problem and notes."""
    if datum.coding is Coding.NOTHING:
        return None, "", ()
    if form is Form.OCTETS:
        return datum.octets, "", ()
    if datum.coding is Coding.INTEGER and form is Form.TIME:
        timed = read_time(datum.octets if order == "little" else datum.octets[::-1])
        return timed.value, timed.problem, timed.notes
    if datum.coding is Coding.INTEGER and form is not Form.NUMBER:
        datum = Datum(Coding.UNSIGNED, datum.octets)
    value, problem = read_datum(datum, order)
    if not isinstance(value, Decimal):
        return value, problem, ()
    if form is Form.TIME:
        return None, f"a time expected, the number {value} read", ()
    if form is Form.MANUFACTURER and 0 <= value <= 0xFFFF:
        return manufacturer_letters(int(value)), "", ()
    if form is Form.MEDIUM and 0 <= value <= 0xFF:
        return medium_name(int(value)), "", ()
    return scaled(value, exponent), "", ()
