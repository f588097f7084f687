"""Register tables: one value for each of several registers that differ in value group E.

    definition { 3, 1-0:32.7.255, [1, 3, 5, 7], 2 }, values [2305, 48, 74, 25], scaler_unit { -1, V }
    ->  1-0:32.7.1 230.5 V, 1-0:32.7.3 4.8 V ...

Source: Blue Book 4.3.8 (Register table).
"""

from __future__ import annotations

from dataclasses import replace

from meterkit.codec import axdr
from meterkit.dlms.cosem.data_and_registers import RegisterTable
from meterkit.dlms.readings.measurements import Measurement, in_unit
from meterkit.dlms.readings.meter import Meter, read_each, session_error, told
from meterkit.errors import ErrorKind, MeterError
from meterkit.result import Err, Ok, Result


async def read_register_table(meter: Meter, table: RegisterTable) -> Result[tuple[Measurement, ...]]:
    """Read a table.  Errors: see `DlmsClient.register_table`."""
    answers = await read_each(
        meter, [table.table_cell_values, table.table_cell_definition, table.scaler_unit]
    )
    ended = session_error(answers)
    if ended is not None:
        return ended
    values, definition, unit = answers
    if isinstance(values, Err):
        return values
    if isinstance(definition, Err):
        return definition
    cells, groups = _cells(values.value), definition.value.group_e_values
    if cells is None or len(cells) != len(groups):
        came = repr(values.value)[:40] if cells is None else f"{len(cells)} cells"
        message = f"{len(groups)} cells expected, as table_cell_definition says; {came} came"
        return Err(MeterError(ErrorKind.DECODE, message, where=str(table.table_cell_values)))
    known = told(unit)
    scaler, code = (None, None) if known is None else (known.scaler, known.unit)
    measured: list[Measurement] = []
    for raw, group in zip(cells, groups, strict=True):
        value, problem = in_unit(raw, unit)
        obis = replace(definition.value.logical_name, e=group)
        measured.append(Measurement(obis, value, raw, scaler, code, problem=problem))
    return Ok(tuple(measured))


def _cells(value: axdr.Value) -> list[axdr.Value] | None:
    """Return the cells of an array; None for anything else."""
    return value if isinstance(value, list) else None
