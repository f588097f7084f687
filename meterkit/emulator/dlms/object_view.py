"""The meter's objects as one association sees them: what it may get, set and invoke.

Every refusal is the one the standard has for it: an object nobody knows, one of another class, an
attribute this client may not touch.  Source: IEC 62056-53, Data-Access-Result; general knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import (
    ActionResult,
    AttributeDescriptor,
    DataAccessResult,
    MethodDescriptor,
    Selection,
)
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.configuration import Clearance
from meterkit.emulator.dlms.cosem_object import ActionRefused, Attribute, AttributeRefused, CosemObject

ALL_ATTRIBUTES = 0
Returned = tuple[ActionResult, bytes | DataAccessResult | None]


class ObjectView:
    """Objects by class and name, for a client of one clearance."""

    def __init__(self, objects: Iterable[CosemObject], clearance: Clearance) -> None:
        self.objects = tuple(objects)
        self.clearance = clearance
        self._known = {(one.class_id, one.obis): one for one in self.objects}
        self._names = {one.obis for one in self.objects}

    # ---------------------------------------------------------------- by logical name
    def get(
        self, descriptor: AttributeDescriptor, selection: Selection | None = None
    ) -> bytes | DataAccessResult:
        """Return an attribute's value, or why not."""
        one = self._known.get((descriptor.class_id, descriptor.obis))
        if one is None:
            return self._missing(descriptor.obis)
        return self.read(one, descriptor.attribute, selection)

    def set(
        self, descriptor: AttributeDescriptor, selection: Selection | None, octets: bytes
    ) -> DataAccessResult:
        """Write an attribute."""
        one = self._known.get((descriptor.class_id, descriptor.obis))
        if one is None:
            return self._missing(descriptor.obis)
        if selection is not None:  # none of this meter's attributes is written in part
            return DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
        return self.write(one, descriptor.attribute, octets)

    def action(self, descriptor: MethodDescriptor, parameters: bytes | None) -> Returned:
        """Invoke a method; return its result and what it gives back."""
        one = self._known.get((descriptor.class_id, descriptor.obis))
        if one is None:
            return ActionResult(int(self._missing(descriptor.obis))), None
        return self.invoke(one, descriptor.method, parameters)

    def _missing(self, obis: ObisCode) -> DataAccessResult:
        if obis in self._names:
            return DataAccessResult.OBJECT_CLASS_INCONSISTENT
        return DataAccessResult.OBJECT_UNDEFINED

    # ---------------------------------------------------------------- by object
    def read(
        self, one: CosemObject, index: int, selection: Selection | None = None
    ) -> bytes | DataAccessResult:
        """Return attribute `index` of an object, or why not."""
        if index == ALL_ATTRIBUTES:
            return self._read_all(one)
        attribute = one.attributes.get(index)
        if attribute is None:
            return DataAccessResult.OBJECT_UNDEFINED
        try:
            return self._value(attribute, selection)
        except AttributeRefused as refused:
            return refused.result

    def write(self, one: CosemObject, index: int, octets: bytes) -> DataAccessResult:
        """Write attribute `index` of an object."""
        attribute = one.attributes.get(index)
        if attribute is None:
            return DataAccessResult.OBJECT_UNDEFINED
        if attribute.write is None or not attribute.is_writable(self.clearance):
            return DataAccessResult.READ_WRITE_DENIED
        try:
            attribute.write(octets)
        except AttributeRefused as refused:
            return refused.result
        return DataAccessResult.SUCCESS

    def invoke(self, one: CosemObject, index: int, parameters: bytes | None) -> Returned:
        """Invoke method `index` of an object."""
        method = one.methods.get(index)
        if method is None:
            return ActionResult.OBJECT_UNDEFINED, None
        if self.clearance < method.invoker:
            return ActionResult.READ_WRITE_DENIED, None
        try:
            return ActionResult.SUCCESS, method.invoke(parameters)
        except ActionRefused as refused:
            return refused.result, None
        except AttributeRefused as refused:  # of its parameters
            return ActionResult(int(refused.result)), None

    def _read_all(self, one: CosemObject) -> bytes:
        """Return all attributes as a structure; null-data for those this client may not read."""
        values: list[bytes] = []
        for index in range(1, max(one.attributes) + 1):
            value = self.read(one, index)
            values.append(value if isinstance(value, bytes) else axdr.encode_null())
        return axdr.encode_structure(values)

    def _value(self, attribute: Attribute, selection: Selection | None) -> bytes:
        if attribute.read is None or not attribute.is_readable(self.clearance):
            raise AttributeRefused(DataAccessResult.READ_WRITE_DENIED)
        if selection is None:
            return attribute.read()
        if attribute.select is None or selection.selector not in attribute.selectors:
            raise AttributeRefused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
        return attribute.select(selection)
