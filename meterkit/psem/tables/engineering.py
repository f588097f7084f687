"""From a source's number to an engineering value.  Source: C12.19 Tables 12, 13, 15 and 16.

    value = (number * multiplier + offset) * F1 * P1 * 10^n
            |<-- ST15, where the reader applies it -->| ST12

Ratios that the meter has applied already (SET_APPLIED_FLAG) are left out; that the flag means this is
general knowledge of C12.19, unconfirmed, and how a public reader of meters takes it.  Values are exact
decimals; binary fractions are taken for the shortest decimal that stands for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import TypeVar

from meterkit.codec.layout import Context, Record
from meterkit.psem.tables.constants import Constants, ElectricConstants, SetApplied
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.numbers import EXACT, Number, exact
from meterkit.psem.tables.sources import DemandControl, IntControl, SourceLink, Sources, UomEntry, UomEntryTbl
from meterkit.psem.tables.units import unit_of

R = TypeVar("R", bound=Record)

#: Read these, as far as the meter has them, for `SourceTables.of`.
SOURCE_TABLES: tuple[type[Table], ...] = (Sources, UomEntryTbl, Constants, DemandControl)

_ONE, _ZERO = Decimal(1), Decimal(0)
_WHOLE = 30  # digits up to which a value with a positive exponent is written out


@dataclass(frozen=True, slots=True)
class Source:
    """What one source's numbers mean: value = number * multiplier + offset, in `unit`."""

    number: int  #: index into ST16, as ST22, ST27 and ST62 select it
    name: str  #: such as "active energy, delivered"; "source 7" when the meter does not tell
    unit: str  #: such as "Wh"; "pulses" for sources in pulses without constants; "" when not known
    multiplier: Decimal = _ONE
    offset: Decimal = _ZERO
    interval: int | None = None  #: minutes of the demand interval
    problem: str = ""  #: why the meaning is not, or not wholly, known


@dataclass(frozen=True, slots=True)
class EngineeringValue:
    """One number of a meter with its meaning."""

    source: int
    name: str
    unit: str
    value: Decimal | None  #: in `unit`; None when `raw` is absent or no number
    raw: Number | None  #: as the meter gives it
    problem: str = ""  #: as in `Source`


@dataclass(frozen=True, slots=True)
class SourceTables:
    """The tables that say what sources mean, each None when the meter lacks it."""

    sources: Sources | None = None
    uom: UomEntryTbl | None = None
    constants: Constants | None = None
    demand_control: DemandControl | None = None

    @classmethod
    def of(cls, context: Context) -> SourceTables:
        """Return the tables that a context knows."""
        return cls(
            sources=_known(context, Sources),
            uom=_known(context, UomEntryTbl),
            constants=_known(context, Constants),
            demand_control=_known(context, DemandControl),
        )

    def source(self, number: int) -> Source:
        """Return the meaning of a source.  Total: an index past the end has a `problem`.

        A meter without ST16 is taken to have an entry of ST12 for every source, and nothing to apply.
        """
        if self.sources is None:
            return self._with_unit(number, number, None)
        links = self.sources.sources_link
        if not 0 <= number < len(links):
            message = f"ST16 has {len(links)} sources, no source {number}"
            return Source(number, f"source {number}", "", problem=message)
        link = links[number]
        at = sum(one.uom_entry_flag for one in links[:number]) if link.uom_entry_flag else None
        return self._with_unit(number, at, link)

    def value(self, number: int, raw: Number | None) -> EngineeringValue:
        """Return a source's number as an engineering value."""
        return engineering_value(self.source(number), raw)

    def _with_unit(self, number: int, at: int | None, link: SourceLink | None) -> Source:
        name, unit, scale, problem = self._unit(number, at)
        multiplier, offset, wrong = self._constants(number, link)
        if link is not None and not link.pulse_engr_flag and multiplier is None:
            # The unit is what pulses come to; without constants nobody can tell how many they take.
            unit, scale = "pulses", _ONE
        multiplier = _ONE if multiplier is None else multiplier
        return Source(
            number,
            name,
            unit,
            multiplier=EXACT.multiply(multiplier, scale),
            offset=EXACT.multiply(offset, scale),
            interval=self._interval(number, link),
            problem="; ".join(part for part in (problem, wrong) if part),
        )

    def _unit(self, number: int, at: int | None) -> tuple[str, str, Decimal, str]:
        """Return name, unit, power of ten and what is wrong."""
        entry: UomEntry | None = None
        problem = f"ST16 names no unit for source {number}"
        if at is not None:
            entry, problem = _entry(self.uom.uom_entry if self.uom else None, at, "ST12")
        if entry is None:
            return f"source {number}", "", _ONE, problem
        unit = unit_of(entry)
        wrong = "" if unit.is_known else f"ST12 entry {at}: unit code {entry.id_code} is not C12.19's"
        return unit.name, unit.unit, unit.scale, wrong

    def _constants(self, number: int, link: SourceLink | None) -> tuple[Decimal | None, Decimal, str]:
        """Return multiplier, offset and what is wrong; no multiplier when there is nothing to apply."""
        if self.sources is None or link is None or not link.constants_flag or not link.constant_to_be_applied:
            return None, _ZERO, ""
        at = sum(one.constants_flag for one in self.sources.sources_link[:number])
        if self.constants is not None and self.constants.electric is None:
            return None, _ZERO, "ST15 holds no electric constants: none are applied"
        constants, problem = _entry(self.constants.electric if self.constants else None, at, "ST15")
        if constants is None:
            return None, _ZERO, problem
        return _applied(constants)

    def _interval(self, number: int, link: SourceLink | None) -> int | None:
        if self.sources is None or link is None or not link.demand_ctrl_flag:
            return None
        at = sum(one.demand_ctrl_flag for one in self.sources.sources_link[:number])
        control, _ = _entry(self.demand_control.interval_value if self.demand_control else None, at, "ST13")
        return None if control is None else _minutes(control)


def engineering_value(source: Source, raw: Number | None) -> EngineeringValue:
    """Return a number of `source` as an engineering value: exact, up to 200 digits."""
    value: Decimal | None = None
    if raw is not None and isfinite(raw):
        value = EXACT.add(EXACT.multiply(exact(raw), source.multiplier), source.offset)
        value = _written_out(value) if value.is_finite() else None
    return EngineeringValue(source.number, source.name, source.unit, value, raw, source.problem)


def _known(context: Context, table: type[R]) -> R | None:
    record = context.records.get(table)
    return record if isinstance(record, table) else None


def _entry(entries: Sequence[R] | None, at: int, table: str) -> tuple[R | None, str]:
    """Return entry `at`, or None and why not."""
    if entries is None:
        return None, f"{table} is not known"
    if at >= len(entries):
        return None, f"{table} has {len(entries)} entries, no entry {at}"
    return entries[at], ""


def _applied(constants: ElectricConstants) -> tuple[Decimal | None, Decimal, str]:
    """Return what the reader has to apply: multiplier, offset, and what is wrong with them."""
    factor = exact(constants.multiplier)
    offset = exact(0 if constants.offset is None else constants.offset)
    for ratios in (constants.set1_constants, constants.set2_constants):
        by = _ratio(ratios)
        factor, offset = EXACT.multiply(factor, by), EXACT.multiply(offset, by)
    if not (factor.is_finite() and offset.is_finite()):
        return None, _ZERO, "ST15 holds something else than numbers: not applied"
    return factor, offset, ""


def _ratio(ratios: SetApplied | None) -> Decimal:
    if ratios is None or ratios.set_applied_flag:
        return _ONE
    return EXACT.multiply(exact(ratios.ratio_f1), exact(ratios.ratio_p1))


def _minutes(control: IntControl) -> int:
    if control.int_length is not None:
        return control.int_length
    return (control.sub_int or 0) * (control.int_multiplier or 0)


def _written_out(value: Decimal) -> Decimal:
    """Return the value without a positive exponent: 12300, not 1.23E+4."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0 and value.adjusted() < _WHOLE:
        return value.quantize(_ONE, context=EXACT)
    return value
