"""Interface classes of captured values: profiles, compact data, utility tables.

    buffer            array of structure, one a row   01 | n | 02 m | ...
    capture_objects   the columns   { class_id, logical_name, attribute_index, data_index }

Rows as streams and columns are made elsewhere, from `ProfileGeneric.buffer`.
Source: Blue Book 4.3.6, 4.3.7, 4.3.10; general knowledge.
"""

from __future__ import annotations

from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import ROWS, array, optional
from meterkit.dlms.cosem.data_types import (
    DOUBLE_LONG_UNSIGNED,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import CaptureObject


class SortMethod(Code):
    """In which order a profile keeps its rows."""

    FIFO = 1, "first in, first out"
    LIFO = 2, "last in, first out"
    LARGEST = 3, "the largest first"
    SMALLEST = 4, "the smallest first"
    NEAREST_TO_ZERO = 5, "the nearest to zero first"
    FARTHEST_FROM_ZERO = 6, "the farthest from zero first"


class CaptureMethod(Code):
    """When compact data is captured."""

    INVOKE = 0, "when the method capture is invoked"
    IMPLICIT = 1, "when compact_buffer is read"


class ProfileGeneric(CosemObject, class_id=7, version=1):
    """Profile generic: rows of values, captured now and then or at events."""

    buffer = attribute(2, ROWS)  #: selective access by range (1) and by entry (2)
    capture_objects = attribute(3, array(CaptureObject), static=True)  #: the columns
    capture_period = attribute(4, DOUBLE_LONG_UNSIGNED, static=True)  #: seconds; 0 at events only
    sort_method = attribute(5, SortMethod, static=True)
    sort_object = attribute(6, optional(CaptureObject), static=True)
    entries_in_use = attribute(7, DOUBLE_LONG_UNSIGNED)
    profile_entries = attribute(8, DOUBLE_LONG_UNSIGNED, static=True)  #: rows that there is room for
    reset = method(1, NOTHING)
    capture = method(2, NOTHING)

    withheld = ("version 0", "methods 3 and 4, which later versions reserve")


class UtilityTables(CosemObject, class_id=26, version=0):
    """Utility tables: one table of ANSI C12.19 as octets."""

    table_id = attribute(2, LONG_UNSIGNED, static=True)
    length = attribute(3, DOUBLE_LONG_UNSIGNED)  #: octets
    buffer = attribute(4, OCTET_STRING)


class CompactData(CosemObject, class_id=62, version=0):
    """Compact data: values of several objects without their types, which a template tells."""

    compact_buffer = attribute(2, OCTET_STRING)
    capture_objects = attribute(3, array(CaptureObject), static=True)
    template_id = attribute(4, UNSIGNED, static=True)
    template_description = attribute(5, OCTET_STRING)  #: the types, as in a compact-array
    capture_method = attribute(6, CaptureMethod, static=True)
    reset = method(1, NOTHING)
    capture = method(2, NOTHING)

    withheld = (
        "what is in compact_buffer besides the values: meters differ on the lengths of arrays",
        "version 1: the restriction that capture_objects may have",
    )
