"""The limiter: how much may be taken, for how long, and what happens beyond.

Source: Blue Book 4.5.9 (Limiter).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from meterkit.codec import axdr
from meterkit.dlms.cosem.data_and_registers import DemandRegister, ExtendedRegister, Register
from meterkit.dlms.cosem.declare import AttributeRef
from meterkit.dlms.cosem.definitions import ScalerUnit, ValueDefinition
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.switches_and_limits import EmergencyProfile, Limiter, LimiterActions
from meterkit.dlms.readings.measurements import Measurement, in_unit
from meterkit.dlms.readings.meter import Meter, read_told, told
from meterkit.errors import ErrorKind, MeterError
from meterkit.result import Err, Ok, Result

LIMITER: Final = ObisCode(0, 0, 17, 0, 0)
_REGISTERS: Final[dict[int, type[Register] | type[ExtendedRegister] | type[DemandRegister]]] = {
    3: Register,
    4: ExtendedRegister,
    5: DemandRegister,
}


@dataclass(frozen=True, slots=True)
class LimiterReading:
    """A limiter; None where the meter does not tell.  Thresholds are in the unit of what is monitored."""

    monitored: ValueDefinition | None
    threshold: Measurement | None  #: that holds now
    normal: Measurement | None
    emergency: Measurement | None
    over_duration: int | None  #: s beyond the threshold before something is done
    under_duration: int | None  #: s below it, likewise
    emergency_profile: EmergencyProfile | None
    emergency_groups: tuple[int, ...] | None  #: profiles with one of these ids are obeyed
    is_emergency: bool | None
    actions: LimiterActions | None


async def read_limiter(meter: Meter, limiter: Limiter) -> Result[LimiterReading]:
    """Read a limiter.  Errors: see `DlmsClient.read_limiter`."""
    refs: list[AttributeRef[Any]] = [limiter.attribute_ref(index) for index in sorted(limiter.attributes)[1:]]
    values = await read_told(meter, refs)
    if isinstance(values, Err):
        return values
    monitored, active, normal, emergency, *rest = values.value
    unit = await _unit(meter, monitored)
    if isinstance(unit, Err) and unit.error.has_ended_session:
        return unit
    obis = limiter.obis if monitored is None else monitored.logical_name
    first, second, third = (_threshold(obis, raw, unit) for raw in (active, normal, emergency))
    return Ok(LimiterReading(monitored, first, second, third, *rest))


async def _unit(meter: Meter, monitored: ValueDefinition | None) -> Result[ScalerUnit]:
    kind = None if monitored is None else _REGISTERS.get(monitored.class_id)
    if monitored is None or kind is None:
        told_ = "it does not tell what" if monitored is None else f"class {monitored.class_id}"
        return Err(MeterError(ErrorKind.STATE, f"what is monitored has no unit: {told_}"))
    return await meter.get(kind(monitored.logical_name).scaler_unit)


def _threshold(obis: ObisCode, raw: axdr.Value, unit: Result[ScalerUnit]) -> Measurement | None:
    if raw is None:
        return None
    value, problem = in_unit(raw, unit)
    known = told(unit)
    scaler, code = (None, None) if known is None else (known.scaler, known.unit)
    return Measurement(obis, value, raw, scaler, code, problem=problem)
