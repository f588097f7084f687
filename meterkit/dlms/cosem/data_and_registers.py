"""Interface classes of values: data, registers, demand, activation, tables of registers, status words.

    value = CHOICE of the meter's own      scaler_unit { scaler, unit }: value times 10^scaler is in unit

Source: Blue Book 4.3.1 to 4.3.5, 4.3.8, 4.3.9; general knowledge.
"""

from __future__ import annotations

from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    ANY,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_DATE_TIME,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import ObjectDefinition, ScalerUnit
from meterkit.dlms.cosem.obis import ObisCode


@structure
class RegisterActMask:
    """Which of the assigned registers count while a mask is active."""

    mask_name: bytes = element(OCTET_STRING)
    index_list: tuple[int, ...] = element(array(UNSIGNED))  #: into register_assignment, from 1


@structure
class TableCellDefinition:
    """What the cells of a register table have in common, and the value group E of each."""

    class_id: int = element(LONG_UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    group_e_values: tuple[int, ...] = element(array(UNSIGNED))
    attribute_index: int = element(INTEGER)


@structure
class StatusMappingTable:
    """Which entries of which reference table the bits of a status word are."""

    ref_table_id: int = element(UNSIGNED)
    ref_table_mapping: object = element(ANY)  #: long-unsigned, the entry of bit 0; or an array, one a bit


class Data(CosemObject, class_id=1, version=0):
    """Data: one value of any type."""

    value = attribute(2, ANY)


class Register(CosemObject, class_id=3, version=0):
    """Register: a value with its scaler and unit."""

    value = attribute(2, ANY)  #: raw; times 10^scaler in the unit of scaler_unit
    scaler_unit = attribute(3, ScalerUnit, static=True)
    reset = method(1, NOTHING)


class ExtendedRegister(CosemObject, class_id=4, version=0):
    """Extended register: a value with scaler, unit, status and the time it was captured."""

    value = attribute(2, ANY)  #: raw; times 10^scaler in the unit of scaler_unit
    scaler_unit = attribute(3, ScalerUnit, static=True)
    status = attribute(4, ANY)  #: the meter's own
    capture_time = attribute(5, OCTET_DATE_TIME)
    reset = method(1, NOTHING)


class DemandRegister(CosemObject, class_id=5, version=0):
    """Demand register: a mean over periods, block or sliding."""

    current_average_value = attribute(2, ANY)  #: raw, of the interval that goes on
    last_average_value = attribute(3, ANY)  #: raw, of the last whole interval
    scaler_unit = attribute(4, ScalerUnit, static=True)
    status = attribute(5, ANY)  #: the meter's own
    capture_time = attribute(6, OCTET_DATE_TIME)  #: when last_average_value was made
    start_time_current = attribute(7, OCTET_DATE_TIME)  #: of the interval that goes on
    period = attribute(8, DOUBLE_LONG_UNSIGNED, static=True)  #: seconds
    number_of_periods = attribute(9, LONG_UNSIGNED, static=True)  #: in an interval; 1 is block demand
    reset = method(1, NOTHING)
    next_period = method(2, NOTHING)


class RegisterActivation(CosemObject, class_id=6, version=0):
    """Register activation: which registers count just now, as tariffs change."""

    register_assignment = attribute(2, array(ObjectDefinition), static=True)
    mask_list = attribute(3, array(RegisterActMask), static=True)
    active_mask = attribute(4, OCTET_STRING)  #: the name of one
    add_register = method(1, ObjectDefinition)
    add_mask = method(2, RegisterActMask)
    delete_mask = method(3, OCTET_STRING)


class RegisterTable(CosemObject, class_id=61, version=0):
    """Register table: the same attribute of registers that differ in value group E only."""

    table_cell_values = attribute(2, ANY)  #: an array or compact-array, one value a cell
    table_cell_definition = attribute(3, TableCellDefinition, static=True)
    scaler_unit = attribute(4, ScalerUnit, static=True)  #: of every cell
    reset = method(1, NOTHING)
    capture = method(2, NOTHING)


class StatusMapping(CosemObject, class_id=63, version=0):
    """Status mapping: what the bits of a status word mean."""

    status_word = attribute(2, ANY)  #: whatever its type, read as bits
    mapping_table = attribute(3, StatusMappingTable, static=True)
