"""What a GET or an ACTION brought: the octets as they came, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, field

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode


@dataclass(slots=True, unsafe_hash=True)  # as `Ok`: a frozen one costs twice as much, and each GET makes one
class AttributeData:
    """One attribute of one object, as read."""

    class_id: int
    obis_code: ObisCode
    attribute_index: int
    data: bytes  #: A-XDR, as it came; some meters put octets of no meaning behind the value
    value: axdr.Value = field(compare=False)  #: the same, decoded

    @classmethod
    def decoded(cls, class_id: int, obis_code: ObisCode, attribute_index: int, data: bytes) -> AttributeData:
        """Decode `data`.  Errors: `ProtocolFault` (DECODE)."""
        return cls(class_id, obis_code, attribute_index, data, axdr.decode(data, strict=False))

    def __len__(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class ActionData:
    """What a method returned."""

    class_id: int
    obis_code: ObisCode
    method_index: int
    data: bytes | None  #: A-XDR; None where the method returns nothing
    value: axdr.Value = field(compare=False)  #: the same, decoded; None where there is nothing

    @classmethod
    def decoded(cls, class_id: int, obis_code: ObisCode, method_index: int, data: bytes | None) -> ActionData:
        """Decode `data`.  Errors: `ProtocolFault` (DECODE)."""
        value = None if data is None else axdr.decode(data, strict=False)
        return cls(class_id, obis_code, method_index, data, value)
