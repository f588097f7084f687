"""Which short name leads to which attribute or method.

    base_name            attribute 1, the logical name
    base_name + 8        attribute 2 ...
    base_name + offset   method 1, then every 8; the offset is the class's

Source: Green Book, short name referencing and reserved base names; Blue Book, "short name" columns
(general knowledge).
"""

from __future__ import annotations

from collections.abc import Iterable

from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import CosemObject

ASSOCIATION_NAME = 0xFA00  # the current association SN
SCRIPT_TABLE_NAME, SAP_NAME, DEVICE_NAME = 0xFB00, 0xFC00, 0xFD00  # reserved base names
_FIRST_NAME = 0x0100
_STEP = 8
_METHOD_OFFSETS = {
    3: 0x28,
    4: 0x38,
    5: 0x48,
    7: 0x58,
    8: 0x60,
    9: 0x20,
    11: 0x10,
    12: 0x30,
    17: 0x20,
    18: 0x40,
    20: 0x50,
    40: 0x38,
    64: 0x30,
    70: 0x20,
}  # class: offset of method 1
_RESERVED = {
    (12, ObisCode.CURRENT_ASSOCIATION): ASSOCIATION_NAME,
    (17, ObisCode.SAP_ASSIGNMENT): SAP_NAME,
    (1, ObisCode.LOGICAL_DEVICE_NAME): DEVICE_NAME,
    (9, ObisCode(0, 0, 10, 0, 106)): SCRIPT_TABLE_NAME,
}


class ShortNames:
    """The names of a meter's objects, given out in order."""

    def __init__(self, objects: Iterable[CosemObject]) -> None:
        self.bases: dict[int, CosemObject] = {}  #: by base name
        self._attributes: dict[int, tuple[CosemObject, int]] = {}
        self._methods: dict[int, tuple[CosemObject, int]] = {}
        self._free = _FIRST_NAME
        for one in objects:
            self.add(one)

    def add(self, one: CosemObject) -> None:
        """Name one object: a reserved name, or the next that is free."""
        base = _RESERVED.get((one.class_id, one.obis)) if one.base_name is None else one.base_name
        if base is None:
            base, self._free = self._free, self._free + _span(one)
        self.bases[base] = one
        for index in one.attributes:
            self._attributes[base + _STEP * (index - 1)] = one, index
        first = _METHOD_OFFSETS.get(one.class_id)  # None: a cloned class whose methods have no known names
        for index in one.methods if first is not None else ():
            self._methods[base + (first or 0) + _STEP * (index - 1)] = one, index

    def attribute(self, name: int) -> tuple[CosemObject, int] | None:
        """Return the object and attribute a name means, or None."""
        return self._attributes.get(name)

    def method(self, name: int) -> tuple[CosemObject, int] | None:
        """Return the object and method a name means, or None."""
        return self._methods.get(name)


def _span(one: CosemObject) -> int:
    """Return how many names an object takes."""
    span = _STEP * max(one.attributes)
    if one.methods and one.class_id in _METHOD_OFFSETS:
        span = max(span, _METHOD_OFFSETS[one.class_id] + _STEP * max(one.methods))
    return span + _STEP
