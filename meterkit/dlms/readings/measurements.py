"""A register's value in its unit, exactly: Register, Extended register, Demand register, Data.

    value 12345, scaler_unit { -3, Wh }   ->   12.345 Wh          raw 12345

The raw value is always there.  Without a scaler that makes sense the value is not: nobody can tell 12345 from
12.345 then.

Source: Blue Book 4.3.1 to 4.3.4 (Data, Register, Extended register, Demand register).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final, TypeAlias

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.cosem.data_and_registers import Data, DemandRegister, ExtendedRegister, Register
from meterkit.dlms.cosem.declare import AttributeRef
from meterkit.dlms.cosem.definitions import ScalerUnit
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.readings.meter import Meter, is_missing, read_each, session_error, told
from meterkit.dlms.readings.times import moment
from meterkit.result import Err, Ok, Result

#: Powers of ten that a unit can have, from yocto to yotta: what is beyond is a mistake of the meter.
SCALERS: Final = range(-24, 25)

Measured: TypeAlias = Data | Register | ExtendedRegister | DemandRegister
_CLASSES: Final = (Register, ExtendedRegister, DemandRegister, Data)  # in the order they are tried


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of a meter."""

    obis: ObisCode
    #: In `unit`; None where it cannot be told, see `problem`.  What is no number, or of an object that has no
    #: unit, stays as it came.
    value: Decimal | axdr.Value
    raw: axdr.Value  #: as the meter gave it
    scaler: int | None = None  #: raw times 10 to this power is the value; None without one
    unit: Unit | None = None  #: None where the meter keeps it to itself, and for Data
    status: axdr.Value = None  #: the meter's own; None where it has none
    time: datetime | None = None  #: of its capture: UTC; naive, by the meter's clock, without deviation
    clock: CosemDateTime | None = None  #: the same as the meter wrote it
    problem: str = ""  #: why the value, its unit or its time is not known

    @property
    def is_valid(self) -> bool:
        """Tell whether nothing is wrong with value, unit and time."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class DemandMeasurement(Measurement):
    """A demand register: `value` is the mean of the interval that goes on, `last_value` of the one before."""

    last_value: Decimal | axdr.Value = None  #: in `unit`; `time` is when its interval ended
    last_raw: axdr.Value = None
    start_time: datetime | None = None  #: of the interval that goes on
    period: int | None = None  #: seconds
    number_of_periods: int | None = None  #: in an interval; 1 is block demand


async def read_measurement(meter: Meter, what: ObisCode | str | Measured) -> Result[Measurement]:
    """Read one value.  Errors: see `DlmsClient.measure`."""
    (result,) = await read_measurements(meter, [what])
    return result


async def read_measurements(
    meter: Meter, wanted: Iterable[ObisCode | str | Measured]
) -> list[Result[Measurement]]:
    """Read several values: one Result each, in order, in as few requests as the meter lets us.

    A name alone is tried as a Register first; what the meter has under another class is asked for again.
    """
    given = list(wanted)
    objects = [_object(one) for one in given]
    results = await _read(meter, objects)
    is_open = [not isinstance(one, Measured) for one in given]
    for kind in _CLASSES[1:]:
        missing = [
            place
            for place, result in enumerate(results)
            if is_open[place] and isinstance(result, Err) and is_missing(result.error)
        ]
        if not missing:
            break
        found = await _read(meter, [kind(objects[place].obis) for place in missing])
        for place, result in zip(missing, found, strict=True):
            if isinstance(result, Ok) or not is_missing(result.error):
                results[place] = result
    return results


def _object(what: ObisCode | str | Measured) -> Measured:
    if isinstance(what, Measured):
        return what
    if isinstance(what, ObisCode | str):  # pyright: ignore[reportUnnecessaryIsInstance]
        return Register(what)
    raise TypeError(f"an OBIS code or a Data, Register, ExtendedRegister or DemandRegister, not {what!r}")


async def _read(meter: Meter, objects: Sequence[Measured]) -> list[Result[Measurement]]:
    refs = [_refs(one) for one in objects]
    answers = await read_each(meter, [ref for some in refs for ref in some])
    results: list[Result[Measurement]] = []
    for one, some in zip(objects, refs, strict=True):
        own, answers = answers[: len(some)], answers[len(some) :]
        results.append(session_error(own) or _measurement(one, own))
    return results


def _refs(one: Measured) -> list[AttributeRef[Any]]:
    match one:
        case Register():
            return [one.value, one.scaler_unit]
        case ExtendedRegister():
            return [one.value, one.scaler_unit, one.status, one.capture_time]
        case DemandRegister():
            values = [one.current_average_value, one.scaler_unit, one.status, one.capture_time]
            interval: list[AttributeRef[Any]] = [one.start_time_current, one.period, one.number_of_periods]
            return [*values, one.last_average_value, *interval]
        case Data():
            return [one.value]


def _measurement(one: Measured, answers: Sequence[Result[Any]]) -> Result[Measurement]:
    value, *others = answers
    if isinstance(value, Err):
        return value
    if not others:
        return Ok(Measurement(one.obis, value.value, value.value))
    unit, *rest = others
    status, clock = map(told, rest[:2]) if rest else (None, None)
    scaled, problem = in_unit(value.value, unit)
    time = moment(clock)
    if clock is not None and time is None:
        problem = _joined(problem, f"its time is no moment: {clock}")
    known = told(unit)
    scaler, code = (None, None) if known is None else (known.scaler, known.unit)
    if not isinstance(one, DemandRegister):
        return Ok(Measurement(one.obis, scaled, value.value, scaler, code, status, time, clock, problem))
    last, start, period, count = map(told, rest[2:])
    return Ok(
        DemandMeasurement(
            *(one.obis, scaled, value.value, scaler, code, status, time, clock, problem),
            last_value=None if last is None else in_unit(last, unit)[0],
            last_raw=last,
            start_time=moment(start),
            period=period,
            number_of_periods=count,
        )
    )


def in_unit(raw: axdr.Value, scaler_unit: Result[ScalerUnit]) -> tuple[Decimal | axdr.Value, str]:
    """Return a raw value in its unit, and what is wrong with it: empty if nothing is.

    The value is None where a number cannot be told; what is no number stays as it is.
    """
    if isinstance(raw, float) and not isfinite(raw):
        return None, f"{raw} is no number"
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return raw, ""
    if isinstance(scaler_unit, Err):
        return None, f"no scaler, so that only the raw value is known: {scaler_unit.error.message}"
    scaler = scaler_unit.value.scaler
    if scaler not in SCALERS:
        return None, f"scaler {scaler}: a power of ten from {SCALERS[0]} to {SCALERS[-1]} expected"
    return scaler_unit.value.scale(raw), ""


def _joined(*problems: str) -> str:
    return "; ".join(filter(None, problems))
