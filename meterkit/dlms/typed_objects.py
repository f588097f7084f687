"""The association view as typed objects: each line of it with its interface class.

objects = (await client.objects()).unwrap()
for one in typed_objects(objects):
    print(one.object, one.words)            # Register("1-0:1.8.0*255") active energy import, total
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from meterkit.dlms.cosem.classes import class_for
from meterkit.dlms.cosem.declare import CosemObject
from meterkit.dlms.cosem.obis_words import ObisWords, explain
from meterkit.dlms.object_list import ObjectListElement


@dataclass(frozen=True, slots=True)
class TypedObject:
    """One object of a meter with its class and its rights."""

    object: CosemObject
    rights: ObjectListElement

    @property
    def words(self) -> ObisWords:
        """What its logical name means."""
        return explain(self.rights.obis)

    @property
    def readable(self) -> tuple[str, ...]:
        """The attributes that may be read, by name; "attribute_9" for one that is not declared."""
        indices = sorted(self.rights.attribute_access or self.object.attributes)
        readable = (index for index in indices if self.rights.is_readable(index))
        return tuple(self.object.attribute_ref(index).name.partition(".")[2] for index in readable)


def object_for(element: ObjectListElement) -> CosemObject:
    """Return the typed object behind one line of an association view."""
    return class_for(element.class_id, element.version)(element.obis)


def typed_objects(view: Iterable[ObjectListElement]) -> tuple[TypedObject, ...]:
    """Return every line of an association view with its typed object, in the meter's order."""
    return tuple(TypedObject(object_for(element), element) for element in view)
