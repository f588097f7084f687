"""What a value information field means: quantity, unit, power of ten.  The primary table.

    VIF     E ddd dnnn     E: VIFEs follow; d: quantity and unit; n: power of ten

Units are the SI word with the power of ten in the value: VIF 0x06, kWh, reads as Wh times 10^3.
Source: "The M-Bus: A Documentation" 4.8, 8.4.3; EN 13757-3, primary VIF codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

DURATIONS = ("s", "min", "h", "d")  # nn = 0 to 3


class Form(Enum):
    """How the data of a record are to be taken."""

    NUMBER = "number"  #: type A, B or H; text where the data field says so
    FLAGS = "flags"  #: type D, and type C: unsigned
    TIME = "time"  #: type G, J, F or I, by size
    OCTETS = "octets"  #: as they are
    MANUFACTURER = "manufacturer"  #: manufacturer id, as letters
    MEDIUM = "medium"  #: kind of device, as a word


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a VIF says of its value: `number * 10 ** exponent` of `unit`."""

    quantity: str
    unit: str = ""
    exponent: int = 0
    form: Form = Form.NUMBER
    is_reserved: bool = False  #: nobody assigned the code: the value's unit is not known


Entries = Iterable[tuple[int, Meaning]]


def scale(first: int, count: int, quantity: str, unit: str, exponent: int) -> Entries:
    """Return `count` codes from `first` on, ten times as much each."""
    return ((first + n, Meaning(quantity, unit, exponent + n)) for n in range(count))


def each_unit(first: int, quantity: str, units: tuple[str, ...] = DURATIONS) -> Entries:
    """Return one code a unit, from `first` on."""
    return ((first + n, Meaning(quantity, unit)) for n, unit in enumerate(units))


def one(code: int, quantity: str, unit: str = "", exponent: int = 0, form: Form = Form.NUMBER) -> Entries:
    """Return one code."""
    return [(code, Meaning(quantity, unit, exponent, form))]


def table(*entries: Entries) -> dict[int, Meaning]:
    """Return a table by code.

    Errors: ValueError when two entries claim a code.
    """
    found: dict[int, Meaning] = {}
    for run in entries:
        for code, meaning in run:
            if code in found:
                raise ValueError(f"VIF 0x{code:02x} is {found[code].quantity} and {meaning.quantity}")
            found[code] = meaning
    return found


PRIMARY = table(
    scale(0x00, 8, "energy", "Wh", -3),
    scale(0x08, 8, "energy", "J", 0),
    scale(0x10, 8, "volume", "m3", -6),
    scale(0x18, 8, "mass", "kg", -3),
    each_unit(0x20, "on time"),
    each_unit(0x24, "operating time"),
    scale(0x28, 8, "power", "W", -3),
    scale(0x30, 8, "power", "J/h", 0),
    scale(0x38, 8, "volume flow", "m3/h", -6),
    scale(0x40, 8, "volume flow", "m3/min", -7),
    scale(0x48, 8, "volume flow", "m3/s", -9),
    scale(0x50, 8, "mass flow", "kg/h", -3),
    scale(0x58, 4, "flow temperature", "°C", -3),
    scale(0x5C, 4, "return temperature", "°C", -3),
    scale(0x60, 4, "temperature difference", "K", -3),
    scale(0x64, 4, "external temperature", "°C", -3),
    scale(0x68, 4, "pressure", "bar", -3),
    one(0x6C, "date", form=Form.TIME),
    one(0x6D, "date and time", form=Form.TIME),
    one(0x6E, "heat cost allocation", "HCA units"),
    each_unit(0x70, "averaging duration"),
    each_unit(0x74, "actuality duration"),
    one(0x78, "fabrication number"),
    one(0x79, "identification"),
    one(0x7A, "bus address", form=Form.FLAGS),
    one(0x7E, "any VIF"),
    one(0x7F, "manufacturer specific"),
)
