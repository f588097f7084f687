"""What the meter measures now: power, current, voltage.  Source: C12.19 Tables 27, 28; OSGP guide, BT28."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from meterkit.codec.layout import InvalidTime
from meterkit.psem.readings.dialect import Dialect, read_dialect
from meterkit.psem.readings.meanings import NO_NUMBER, finite, read_source_tables
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import PresentRegisterData, PresentRegisterSelection
from meterkit.psem.tables.engineering import SourceTables
from meterkit.psem.tables.numbers import Number, scaled
from meterkit.psem.tables.osgp.present_values import present_values
from meterkit.psem.tables.registers_present import PresentDemand, present_demands, source_at
from meterkit.psem.tables.times import MaybeTime
from meterkit.result import Err, Ok, Result


class PresentKind(Enum):
    """What a value of ST28 is."""

    VALUE = "value"  #: measured at this moment
    DEMAND = "demand"  #: of the interval that is under way


@dataclass(frozen=True, slots=True)
class PresentReading:
    """One value as it is now; the meter gives no time with it."""

    name: str
    value: Decimal | None  #: in `unit`; None where `raw` is no number, see `problem`
    unit: str  #: such as "V"; "" for plain ratios, and where nobody tells
    kind: PresentKind
    number: int  #: among its kind, from 0; of OSGP values the guide's
    raw: Number  #: as the meter gives it
    source: int | None = None  #: number that ST27 selects; None without ST27
    ratios: str = ""  #: OSGP: transformer ratios in the value: "CT/VT", "CT" or none
    time_remaining: MaybeTime | None = None  #: of a demand: hours, minutes, seconds to its interval's end
    problem: str = ""  #: why the value or its meaning is not, or not wholly, known

    @property
    def is_valid(self) -> bool:
        """Tell whether nothing is wrong with the value and its meaning."""
        return not self.problem


async def read_instantaneous(tables: TableCache) -> Result[tuple[PresentReading, ...]]:
    """Read ST28.  Errors: see `PsemClient.instantaneous`."""
    dialect = await read_dialect(tables)
    if isinstance(dialect, Err):
        return dialect
    selection = await tables.optional(PresentRegisterSelection)
    if isinstance(selection, Err):
        return selection
    sources: Result[SourceTables] = Ok(SourceTables())
    if not dialect.value.is_osgp:
        sources = await read_source_tables(tables)
        if isinstance(sources, Err):
            return sources
    table = await tables.read(PresentRegisterData)
    if isinstance(table, Err):
        return table
    values = _values(table.value, dialect.value, selection.value, sources.value)
    demands = (
        _demand(one, dialect.value, sources.value) for one in present_demands(table.value, selection.value)
    )
    return Ok((*values, *demands))


def _values(
    table: PresentRegisterData,
    dialect: Dialect,
    selection: PresentRegisterSelection | None,
    sources: SourceTables,
) -> Iterator[PresentReading]:
    if not dialect.is_osgp:
        selected = selection.present_value_select if selection else ()
        for number, raw in enumerate(table.present_value):
            yield _meant(PresentKind.VALUE, number, source_at(selected, number), raw, sources)
        return
    for one in present_values(table, dialect.firmware, selection):
        value = finite(one.value)
        yield PresentReading(
            name=one.name or f"Present value {one.number}",
            value=value,
            unit=one.unit,
            kind=PresentKind.VALUE,
            number=one.number,
            raw=one.raw,
            source=one.source,
            ratios=one.ratios,
            problem="" if value is not None else NO_NUMBER,
        )


def _demand(one: PresentDemand, dialect: Dialect, sources: SourceTables) -> PresentReading:
    time = one.time_remaining
    wrong = f"time remaining: {time}" if isinstance(time, InvalidTime) else ""
    if not dialect.is_osgp:
        return _meant(PresentKind.DEMAND, one.index, one.source, one.value, sources, time, wrong)
    # The guide leaves the meaning of source numbers to the head end.
    name = f"present demand {one.index}" if one.source is None else f"source {one.source}, present demand"
    return _reading(
        name, finite(scaled(one.value)), "", PresentKind.DEMAND, one.index, one.value, one.source, time, wrong
    )


def _meant(
    kind: PresentKind,
    number: int,
    source: int | None,
    raw: Number,
    sources: SourceTables,
    time: MaybeTime | None = None,
    wrong: str = "",
) -> PresentReading:
    """Return a value by what its source means."""
    if source is None:
        wrong = "; ".join(part for part in ("ST27 names no source", wrong) if part)
        return _reading(
            f"present {kind.value} {number}", finite(scaled(raw)), "", kind, number, raw, None, time, wrong
        )
    meant = sources.value(source, raw)
    wrong = "; ".join(part for part in (meant.problem, wrong) if part)
    name = meant.name if kind is PresentKind.VALUE else f"{meant.name}, present demand"
    return _reading(name, meant.value, meant.unit, kind, number, raw, source, time, wrong)


def _reading(
    name: str,
    value: Decimal | None,
    unit: str,
    kind: PresentKind,
    number: int,
    raw: Number,
    source: int | None,
    time: MaybeTime | None,
    wrong: str,
) -> PresentReading:
    problem = wrong if value is not None else "; ".join(part for part in (NO_NUMBER, wrong) if part)
    return PresentReading(name, value, unit, kind, number, raw, source, time_remaining=time, problem=problem)
