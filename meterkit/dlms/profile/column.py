"""One column of a profile: what is captured in it, and how its raw values are read.

    capture_object_definition { class_id, logical_name, attribute_index, data_index }

Source: Blue Book 4.3.6 (Profile generic, capture_objects); general knowledge for the UNIX clock 0-b:1.1.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from meterkit.dlms.apdu.descriptors import AttributeDescriptor, CaptureObject
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.obis_words import explain
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.profile.status import is_profile_status
from meterkit.errors import ErrorKind, fault

CLOCK_CLASS = 8
_TIME = 2  # attribute of the clock
_UNIX_CLOCK = (0, 1, 1)  # value groups A, C and D
_UNIX_CLASSES = (1, 3, 4)
#: Attributes that are times besides the clock's: capture times of extended and demand registers.
_TIMES = frozenset({(8, 2), (4, 5), (5, 6), (5, 7)})
#: Where the scaler and unit of a captured attribute are: (class, attribute) -> attribute.
_SCALERS = {(3, 2): 3, (4, 2): 3, (5, 2): 4, (5, 3): 4, (61, 2): 4}


class ColumnKind(Enum):
    """What a column is to its row."""

    CLOCK = "clock"  #: when the row was captured, in 12 octets
    UNIX_CLOCK = "unix clock"  #: the same in seconds since 1970
    TIME = "time"  #: another time
    STATUS = "status"  #: an AMR profile status
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class ProfileColumn:
    """One column.  `scaler` and `unit` are None where there are none, or the meter keeps them to itself."""

    obis: ObisCode
    class_id: int
    attribute_index: int
    data_index: int = 0  #: 0 the whole attribute, n its n-th element
    scaler: int | None = None  #: raw values times 10 to this power are in `unit`
    unit: Unit | None = None

    @property
    def name(self) -> str:
        """The OBIS code as people write it; the attribute behind it where it is not the value."""
        code = str(self.obis).removesuffix("*255")
        attribute = "" if self.attribute_index == _TIME else f"/{self.attribute_index}"
        return f"{code}{attribute}" + (f"[{self.data_index}]" if self.data_index else "")

    @property
    def words(self) -> str:
        """What is captured, in words; empty where nothing is known of it."""
        return str(explain(self.obis))

    @property
    def kind(self) -> ColumnKind:
        """What the column is to its row."""
        place = self.class_id, self.attribute_index
        if self.data_index:
            return ColumnKind.VALUE
        if place == (CLOCK_CLASS, _TIME):
            return ColumnKind.CLOCK
        if place in _TIMES:
            return ColumnKind.TIME
        groups = self.obis.a, self.obis.c, self.obis.d
        if groups == _UNIX_CLOCK and self.class_id in _UNIX_CLASSES and self.attribute_index == _TIME:
            return ColumnKind.UNIX_CLOCK
        if is_profile_status(self.class_id, self.obis, self.attribute_index):
            return ColumnKind.STATUS
        return ColumnKind.VALUE

    @property
    def capture_object(self) -> CaptureObject:
        """The column as selective access names it."""
        return CaptureObject(self.class_id, self.obis, self.attribute_index, self.data_index)

    @property
    def scaler_unit(self) -> AttributeDescriptor | None:
        """Where scaler and unit are to be read; None for what has none."""
        index = _SCALERS.get((self.class_id, self.attribute_index))
        return None if index is None else AttributeDescriptor(self.class_id, self.obis, index)

    def __str__(self) -> str:
        return f"{self.class_id}/{self.obis}/{self.attribute_index}" + (
            f"[{self.data_index}]" if self.data_index else ""
        )


def unique_names(columns: Sequence[ProfileColumn]) -> list[str]:
    """Return a name for each column: its own or, where another one has that, with its class, or numbered."""
    names: list[str] = []
    for number, column in enumerate(columns, 1):
        choices = (column.name, str(column), f"{column.name} column {number}")
        names.append(next(name for name in choices if name not in names))
    return names


#: How a user names a column: an OBIS code, its number from 1, or the column itself.
ColumnChoice: TypeAlias = "str | ObisCode | int | ProfileColumn"


def choose(columns: Sequence[ProfileColumn], choices: Sequence[ColumnChoice]) -> tuple[int, ...]:
    """Return the places, from 0, of the columns that are chosen, in the order of the choices.

    Errors: `ProtocolFault` (STATE) for a column that the profile has not, with those that it has.
    """
    return tuple(_place(columns, choice) for choice in choices)


def _place(columns: Sequence[ProfileColumn], choice: ColumnChoice) -> int:
    if isinstance(choice, int) and 1 <= choice <= len(columns):
        return choice - 1
    for place, column in enumerate(columns):
        match choice:
            case ProfileColumn() if choice.capture_object == column.capture_object:
                return place
            case ObisCode() if choice == column.obis:
                return place
            case str() if choice in (column.name, str(column)) or _code(choice) == column.obis:
                return place
            case _:
                continue
    known = ", ".join(f"{number} {column.name}" for number, column in enumerate(columns, 1))
    raise fault(ErrorKind.STATE, f"the profile has no column {choice}; it has {known}")


def _code(text: str) -> ObisCode | None:
    try:
        return ObisCode.parse(text)
    except ValueError:
        return None
