"""Billing registers with name, unit, tier and time.  Source: C12.19 Tables 20 to 25; OSGP guide, BT23.

OSGP meters: names and units are the guide's.  Others: those of the sources that ST22 selects, through
ST12, ST15 and ST16.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from meterkit.codec.layout import InvalidTime
from meterkit.errors import ErrorKind, MeterError
from meterkit.psem.readings.dialect import Dialect, read_dialect
from meterkit.psem.readings.meanings import NO_NUMBER, finite, read_source_tables
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import CurrentRegData, DataSelection
from meterkit.psem.tables.engineering import SourceTables
from meterkit.psem.tables.numbers import Number, scaled
from meterkit.psem.tables.osgp.summations import (
    ENERGY_REGISTER_UNITS,
    SummationValue,
    summation_values,
)
from meterkit.psem.tables.registers import RegisterData
from meterkit.psem.tables.registers_entries import RegisterEntry, RegisterKind, register_entries
from meterkit.psem.tables.times import MaybeDatetime
from meterkit.result import Err, Ok, Result

_REGISTER_UNITS = (3, 70)  # firmware; OSGP guide, BT23, "Energy Register Unit"


@dataclass(frozen=True, slots=True)
class RegisterValue:
    """One register.  `value` is in `unit`; both are what the meter's book says of `raw`."""

    name: str
    value: Decimal | None  #: None where `raw` is no number, see `problem`
    unit: str  #: such as "Wh"; "" for plain numbers, and where nobody tells
    kind: RegisterKind
    tier: int  #: 0 for the totals, else 1 and up
    index: int  #: among its kind, from 0
    occurrence: int  #: of a demand or coincident, from 0; 0 for the others
    raw: Number  #: as the meter gives it
    source: int | None = None  #: number that ST22 selects; None without ST22
    #: Of a demand: when it was, naive, by the meter's own clock; an InvalidTime where the octets are none.
    time: MaybeDatetime | None = None
    is_maximum: bool | None = None  #: of a demand: maximum, else minimum; None without ST22
    demand: int | None = None  #: of a coincident: index of the demand at whose time it was taken
    obis: str | None = None  #: IEC 62056-61 code of the same quantity, of OSGP summations
    problem: str = ""  #: why the value, the time or their meaning is not, or not wholly, known

    @property
    def is_valid(self) -> bool:
        """Tell whether nothing is wrong with the value, its meaning and its time."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class Registers:
    """All registers at one moment: totals first, then tier by tier."""

    values: tuple[RegisterValue, ...]
    nbr_demand_resets: int | None = None  #: None where the meter does not count them

    def totals(self) -> tuple[RegisterValue, ...]:
        """Return the registers that are not of a tier."""
        return tuple(value for value in self.values if value.tier == 0)

    def tier(self, number: int) -> tuple[RegisterValue, ...]:
        """Return the registers of tier `number`, from 1; 0 are the totals."""
        return tuple(value for value in self.values if value.tier == number)


@dataclass(frozen=True, slots=True)
class RegisterMeanings:
    """What a meter's registers mean: good for ST23 and for self reads."""

    dialect: Dialect
    selection: DataSelection | None
    sources: SourceTables
    energy_register_unit: int = 1

    def registers(self, record: RegisterData) -> Registers:
        """Return register data with names and units."""
        entries = register_entries(record, self.selection)
        if self.dialect.is_osgp:
            values = tuple(self._osgp(record, entries))
        else:
            values = tuple(self._generic(entry) for entry in entries)
        return Registers(values, record.nbr_demand_resets)

    def _osgp(self, record: RegisterData, entries: tuple[RegisterEntry, ...]) -> Iterator[RegisterValue]:
        unit = self.energy_register_unit
        named = {
            (one.tier, one.number): one
            for one in summation_values(record, self.dialect.firmware, energy_register_unit=unit)
        }
        for entry in entries:
            if entry.kind is not RegisterKind.SUMMATION:
                yield self._demanded(entry, named)
            elif (one := named.get((entry.tier, entry.index))) is not None:
                value = finite(one.value)
                yield _value(entry, one.name or f"Summation {one.number}", value, one.unit, obis=one.obis)

    def _demanded(self, entry: RegisterEntry, named: dict[tuple[int, int], SummationValue]) -> RegisterValue:
        """Return a demand or coincident.

        The guide leaves the meaning of source numbers to the head end: a source that a summation has too
        goes by that name, and the unit is not told.
        """
        selected = self.selection.summation_select if self.selection else ()
        at = selected.index(entry.source) if entry.source in selected else None
        known = named.get((0, at)) if at is not None else None
        source = f"source {entry.source}" if entry.source is not None else "unknown source"
        name = known.name if known is not None and known.name else source
        return _value(entry, _described(entry, name), finite(scaled(entry.value)), "")

    def _generic(self, entry: RegisterEntry) -> RegisterValue:
        if entry.source is None:
            name = f"{entry.kind.value} {entry.index}"
            return _value(entry, name, finite(scaled(entry.value)), "", problem="ST22 names no source")
        meant = self.sources.value(entry.source, entry.value)
        return _value(entry, _described(entry, meant.name), meant.value, meant.unit, problem=meant.problem)


def _described(entry: RegisterEntry, name: str) -> str:
    """Return what a register is: the name of its source, and what was made of it."""
    match entry.kind:
        case RegisterKind.SUMMATION:
            return name
        case RegisterKind.DEMAND:
            extreme = "" if entry.is_maximum is None else "maximum " if entry.is_maximum else "minimum "
            return f"{name}, {extreme}demand"
        case RegisterKind.COINCIDENT:
            return f"{name}, coincident" + ("" if entry.demand is None else f" with demand {entry.demand}")
        case _:
            return f"{name}, {entry.kind.value}"


def _value(
    entry: RegisterEntry,
    name: str,
    value: Decimal | None,
    unit: str,
    *,
    obis: str | None = None,
    problem: str = "",
) -> RegisterValue:
    problems = [problem] if problem else []
    if value is None:
        problems.append(NO_NUMBER)
    if isinstance(entry.time, InvalidTime) and not entry.time.is_blank:
        problems.append(f"its time: {entry.time}")
    return RegisterValue(
        name=name,
        value=value,
        unit=unit,
        kind=entry.kind,
        tier=entry.tier,
        index=entry.index,
        occurrence=entry.occurrence,
        raw=entry.value,
        source=entry.source,
        time=entry.time,
        is_maximum=entry.is_maximum,
        demand=entry.demand,
        obis=obis,
        problem="; ".join(problems),
    )


async def read_meanings(tables: TableCache, energy_register_unit: int) -> Result[RegisterMeanings]:
    """Read, once a session, what says what registers mean.

    Errors: the tables'; STATE for an energy register unit on a meter that has none.
    Raises: ValueError for a unit other than 1, 10 or 100.
    """
    if type(energy_register_unit) is not int or energy_register_unit not in ENERGY_REGISTER_UNITS:
        raise ValueError(f"the energy register unit is 1, 10 or 100, not {energy_register_unit!r}")
    dialect = await read_dialect(tables)
    if isinstance(dialect, Err):
        return dialect
    refused = _refuse_unit(dialect.value, energy_register_unit)
    if refused is not None:
        return Err(refused)
    selection = await tables.optional(DataSelection)
    if isinstance(selection, Err):
        return selection
    meanings = RegisterMeanings(dialect.value, selection.value, SourceTables(), energy_register_unit)
    if dialect.value.is_osgp:
        return Ok(meanings)
    sources = await read_source_tables(tables)
    return sources.map(lambda found: replace(meanings, sources=found))


def _refuse_unit(dialect: Dialect, energy_register_unit: int) -> MeterError | None:
    if energy_register_unit == 1:
        return None
    if dialect.is_osgp and (dialect.firmware is None or dialect.firmware >= _REGISTER_UNITS):
        return None
    message = f"energy register unit {energy_register_unit}: only OSGP firmware 3.70 and later has one"
    return MeterError(ErrorKind.STATE, message, where="registers")


async def read_registers(tables: TableCache, energy_register_unit: int = 1) -> Result[Registers]:
    """Read ST23.  Errors and Raises: see `PsemClient.registers`."""
    meanings = await read_meanings(tables, energy_register_unit)
    if isinstance(meanings, Err):
        return meanings
    record = await tables.read(CurrentRegData)
    return record.map(meanings.value.registers)
