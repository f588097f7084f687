"""Structures that several interface classes share.

    scal_unit_type             { scaler, unit }
    object_definition          { class_id, logical_name }
    value_definition           { class_id, logical_name, attribute_index }
    capture_object_definition  { class_id, logical_name, attribute_index, data_index }
    action_item                { script_logical_name, script_selector }
    window_element             { start_time, end_time }
    restriction_element        { restriction_type, restriction_value }

Source: Blue Book 4.3.2 (Register), 4.3.5, 4.3.6, 4.5.6, 4.5.9; general knowledge.
"""

from __future__ import annotations

from decimal import Decimal

from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import element, structure, trailing
from meterkit.dlms.cosem.data_types import (
    ANY,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    OCTET_DATE_TIME,
)
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.units import Unit, scaled


@structure
class ScalerUnit:
    """The power of ten and the unit of a register's value."""

    scaler: int = element(INTEGER)  #: value times 10 to this power is in `unit`
    unit: Unit = element(Unit)

    def scale(self, raw: int | float) -> Decimal:
        """Return a raw value in `unit`, exactly."""
        return scaled(raw, self.scaler)


@structure
class ObjectDefinition:
    """Which object."""

    class_id: int = element(LONG_UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)


@structure
class ValueDefinition:
    """Which attribute of which object."""

    class_id: int = element(LONG_UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    attribute_index: int = element(INTEGER)


@structure
class CaptureObject:
    """Which attribute of which object is captured, or which part of it."""

    class_id: int = element(LONG_UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    attribute_index: int = element(INTEGER)
    data_index: int = element(LONG_UNSIGNED)  #: 0 the whole attribute, n its n-th element


@structure
class ActionItem:
    """Which script of which script table."""

    script_logical_name: ObisCode = element(LOGICAL_NAME)
    script_selector: int = element(LONG_UNSIGNED)


@structure
class Window:
    """From when to when; wildcards make it come again."""

    start_time: CosemDateTime = element(OCTET_DATE_TIME)
    end_time: CosemDateTime = element(OCTET_DATE_TIME)


class RestrictionType(Code):
    """Which part of a buffer is meant."""

    NONE = 0, "all of it; the value is null-data"
    BY_DATE = 1, "by date: structure { from_date, to_date }"
    BY_ENTRY = 2, "by entry: structure { from_entry, to_entry }"


@structure
class Restriction:
    """A part of a buffer."""

    restriction_type: RestrictionType = element(RestrictionType)
    restriction_value: object = element(ANY)  #: see the type


@structure
class RestrictedObject:
    """Which attribute of which object, which part of it, and which part of a buffer."""

    class_id: int = element(LONG_UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    attribute_index: int = element(INTEGER)
    data_index: int = element(LONG_UNSIGNED)  #: 0 the whole attribute, n its n-th element
    restriction_element: Restriction | None = trailing(Restriction)
