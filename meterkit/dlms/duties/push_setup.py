"""Push setup: what a meter pushes, where to; told otherwise; made to push now.

    push_object   { class_id, logical_name, attribute_index, data_index [, restriction [, columns]] }

Versions differ in the list and in the delay.  Which one a meter has follows from what it sends.
Source: Blue Book 4.4.8 (Push setup).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from meterkit import arguments
from meterkit.dlms.attribute_data import AttributeData
from meterkit.dlms.cosem.declare import AttributeRef
from meterkit.dlms.cosem.definitions import CaptureObject, RestrictedObject, Window
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.push_and_image import (
    PushColumnsObject,
    PushMessage,
    PushSetup,
    PushSetupV1,
    PushSetupV2,
    RepetitionDelay,
    SendDestination,
    TransportService,
)
from meterkit.dlms.readings.meter import Meter, decode, session_error, told
from meterkit.dlms.readings.texts import text
from meterkit.errors import ProtocolFault
from meterkit.result import Err, Ok, Result

PushObject = CaptureObject | RestrictedObject | PushColumnsObject
_VERSIONS: Final = (PushSetup, PushSetupV1, PushSetupV2)
_ATTRIBUTES: Final = (2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class PushReading:
    """A push setup; None where the meter does not tell."""

    objects: tuple[PushObject, ...] | None  #: what is pushed, in order
    destination: SendDestination | None
    windows: tuple[Window, ...] | None  #: when it may push; none: at any time
    randomisation: int | None  #: s, up to which a push is put off
    retries: int | None
    repetition_delay: int | RepetitionDelay | None  #: s; from version 2 on how it grows

    @property
    def address(self) -> str | None:
        """Where to, as text, or hex."""
        return None if self.destination is None else text(self.destination.destination)


async def read_push_setup(meter: Meter, obis: ObisCode | str) -> Result[PushReading]:
    """Read a push setup.  Errors: see `DlmsClient.read_push_setup`."""
    name = PushSetup(obis).obis
    raw = await meter.get_attribute_list([(PushSetup.class_id, name, one) for one in _ATTRIBUTES]).collect()
    ended = session_error(raw)
    if ended is not None:
        return ended
    if all(isinstance(answer, Err) for answer in raw):
        return Err(raw[0].error)
    version = _version(name, raw[0])
    decoded = [decode(version.attribute_ref(index), one) for index, one in zip(_ATTRIBUTES, raw, strict=True)]
    return Ok(PushReading(*map(told, decoded)))


def _version(obis: ObisCode, objects: Result[AttributeData]) -> PushSetup | PushSetupV1 | PushSetupV2:
    """Return the first version whose list of objects is what came; version 0 where none came."""
    for kind in _VERSIONS:
        setup = kind(obis)
        ref: AttributeRef[Any] = setup.attribute_ref(2)
        if isinstance(objects, Ok) and _fits(ref, objects.value.data):
            return setup
    return PushSetup(obis)


def _fits(ref: AttributeRef[Any], octets: bytes) -> bool:
    try:
        ref.decode(octets)
    except ProtocolFault:
        return False
    return True


async def write_push_destination(
    meter: Meter,
    obis: ObisCode | str,
    address: str | bytes,
    service: TransportService = TransportService.TCP,
    message: PushMessage = PushMessage.A_XDR_ENCODED_APDU,
) -> Result[None]:
    """Write where to push.  Errors: see `DlmsClient.write_push_destination`."""
    octets = address.encode() if isinstance(address, str) else arguments.octets("address", address)
    destination = SendDestination(service, octets, message)
    return await meter.set(PushSetup(obis).send_destination_and_method, destination)


async def write_push_objects(
    meter: Meter, obis: ObisCode | str, objects: Iterable[PushObject]
) -> Result[None]:
    """Write what is pushed.  Errors and Raises: see `DlmsClient.write_push_objects`."""
    wanted = tuple(objects)
    kinds = {type(one) for one in wanted}
    if len(kinds) > 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(f"objects of one version of Push setup expected, not {names}")
    kind = next((version for version, item in _LISTS.items() if item in kinds), PushSetup)
    ref: AttributeRef[Any] = kind(obis).attribute_ref(2)
    return await meter.set(ref, wanted)


_LISTS: Final[dict[type[PushSetup] | type[PushSetupV1] | type[PushSetupV2], type[Any]]] = {
    PushSetup: CaptureObject,
    PushSetupV1: RestrictedObject,
    PushSetupV2: PushColumnsObject,
}


async def trigger_push(meter: Meter, obis: ObisCode | str) -> Result[None]:
    """Have the meter push.  Errors: see `DlmsClient.trigger_push`."""
    return await meter.call(PushSetup(obis).push)
