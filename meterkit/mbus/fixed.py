"""The fixed data structure: two counters and their units.  Source: "The M-Bus: A Documentation" 4.8, 6.2.

    id id id id  access status  medium/unit medium/unit  counter 1 (4)  counter 2 (4)     (16 octets)

The first medium/unit octet holds the unit of counter 1 and the low two bits of the medium, the second the
unit of counter 2 and the high two; in mode 2 too.
"""

from __future__ import annotations

from meterkit.codec.cursor import ByteOrder, Reader
from meterkit.mbus.header import DeviceStatus, TelegramHeader, take_identification
from meterkit.mbus.identity import fixed_medium_name
from meterkit.mbus.record import DataRecord
from meterkit.mbus.units import Form, Meaning, one, scale, table
from meterkit.mbus.values import Coding, Datum, read_datum, scaled

FIXED_SIZE = 16  # octets
_SAME_BUT_HISTORIC = 0x3E
_NO_UNIT = 0x3F

#: Units by their six bits.  kWh, GJ and the like are told in Wh, J, W, J/h, m3, m3/h.
FIXED_UNITS = table(
    one(0x00, "time of day", "h, m, s", form=Form.OCTETS),
    one(0x01, "date", "D, M, Y", form=Form.OCTETS),
    scale(0x02, 9, "energy", "Wh", 0),
    scale(0x0B, 9, "energy", "J", 3),
    scale(0x14, 9, "power", "W", 0),
    scale(0x1D, 9, "power", "J/h", 3),
    scale(0x26, 9, "volume", "m3", -6),
    scale(0x2F, 9, "volume flow", "m3/h", -6),
    one(0x38, "temperature", "°C", -3),
    one(0x39, "heat cost allocation", "HCA units"),
    one(_NO_UNIT, "count"),
)


def decode_fixed_telegram(
    octets: bytes, *, order: ByteOrder = "little"
) -> tuple[TelegramHeader, tuple[DataRecord, ...]]:
    """Return header and counters of a fixed data structure; octets beyond the 16 are not looked at.

    Counters read as records: storage 0 for actual values, 1 for those of a fixed date.
    Errors: ProtocolFault (DECODE) when it is cut short.
    """
    reader = Reader(octets, order=order, where="fixed data structure")
    identification = take_identification(reader)
    access = reader.unsigned(1, "access number")
    status = DeviceStatus(reader.unsigned(1, "status"), is_fixed=True)
    first, second = reader.take(2, "medium/unit")
    counters = reader.take(4, "counter 1"), reader.take(4, "counter 2")
    medium = first >> 6 | second >> 6 << 2
    header = TelegramHeader(identification, "", None, fixed_medium_name(medium), medium, access, status)
    units = first & 0x3F, second & 0x3F
    records = tuple(
        _counter(octets, unit, units[0], status, order) for octets, unit in zip(counters, units, strict=True)
    )
    return header, records


def _counter(octets: bytes, unit: int, first_unit: int, status: DeviceStatus, order: ByteOrder) -> DataRecord:
    is_stored = status.is_stored or unit == _SAME_BUT_HISTORIC
    code = first_unit if unit == _SAME_BUT_HISTORIC else unit
    meaning = FIXED_UNITS.get(code) or Meaning(f"reserved unit 0x{code:02x}", is_reserved=True)
    storage = int(is_stored)
    if meaning.is_reserved:
        problem = f"{meaning.quantity}: its unit is not known"
        return DataRecord(None, "", meaning.quantity, storage, problem=problem, raw=octets)
    if meaning.form is Form.OCTETS:  # how the parts of a time lie in a counter is not said
        return DataRecord(octets, meaning.unit, meaning.quantity, storage, raw=octets)
    coding = Coding.INTEGER if status.is_binary else Coding.BCD
    value, problem = read_datum(Datum(coding, octets), order)
    if isinstance(value, str) or value is None:
        return DataRecord(value, meaning.unit, meaning.quantity, storage, problem=problem, raw=octets)
    number = scaled(value, meaning.exponent)
    return DataRecord(number, meaning.unit, meaning.quantity, storage, raw=octets)
