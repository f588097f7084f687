"""What a cloned meter says besides answers: what its push setup names, and its registers in a data readout.

Source: Blue Book, Push setup (class 40, attribute 2), Register (class 3); general knowledge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.configuration import Clearance
from meterkit.emulator.dlms.cosem_object import CosemObject
from meterkit.emulator.dlms.object_view import ObjectView
from meterkit.errors import ProtocolFault

_PUSH_SETUP: Final = 40
_REGISTERS: Final = (3, 4)
_NULL: Final = b"\x00"


def push_body(objects: Sequence[CosemObject]) -> bytes:
    """Return a structure of what the first push setup names; null-data for what is not there.

    Without a push setup the structure is empty.
    """
    view = ObjectView(objects, Clearance.MANAGER)
    setup = next((one for one in objects if one.class_id == _PUSH_SETUP), None)
    named = [] if setup is None else _value(view, setup, 2)
    values: list[bytes] = []
    for item in named if isinstance(named, list) else ():
        match item:
            case (int(class_id), bytes(name), int(index), *_):
                values.append(_named(view, class_id, name, index))
            case _:
                values.append(_NULL)
    return axdr.encode_structure(values)


def readout(objects: Sequence[CosemObject]) -> list[tuple[ObisCode, int, int, int]]:
    """Return OBIS code, value, scaler and unit of every register that is a whole number."""
    view = ObjectView(objects, Clearance.MANAGER)
    found: list[tuple[ObisCode, int, int, int]] = []
    for one in objects:
        if one.class_id not in _REGISTERS:
            continue
        match _value(view, one, 2), _value(view, one, 3):
            case int(value), (int(scaler), int(unit)):
                found.append((one.obis, value, scaler, unit))
            case _:
                continue
    return found


def _named(view: ObjectView, class_id: int, name: bytes, index: int) -> bytes:
    for one in view.objects:
        if one.class_id == class_id and one.obis.to_bytes() == name:
            octets = view.read(one, index)
            return octets if isinstance(octets, bytes) else _NULL
    return _NULL


def _value(view: ObjectView, one: CosemObject, index: int) -> axdr.Value:
    octets = view.read(one, index)
    try:
        return axdr.decode(octets) if isinstance(octets, bytes) else None
    except ProtocolFault:
        return None
