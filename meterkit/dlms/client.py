"""DlmsClient: attributes and methods of one DLMS/COSEM meter, by `await`.

    async with DlmsClient(transport, DlmsClientOptions(client_address=16)) as client:
        (await client.connect()).unwrap()
        energy = (await client.get_attribute(3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 2)).unwrap()

Names as SharpMeter's DlmsClient, in snake_case and without Async.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar, cast

from meterkit import arguments
from meterkit.dlms.agreement import NegotiatedAssociation
from meterkit.dlms.apdu.access import AccessRequest, AccessResponse
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, SelectedAttribute, Selection
from meterkit.dlms.attribute_data import ActionData, AttributeData
from meterkit.dlms.cosem.declare import AttributeRef, CosemObject, MethodRef
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.duties.calls import MeterDuties
from meterkit.dlms.logical_names import LogicalNames
from meterkit.dlms.object_list import ObjectListElement
from meterkit.dlms.objects_client import ObjectValues, call_method, get_value, read_object, set_value
from meterkit.dlms.profile.readings import ProfileReadings
from meterkit.dlms.referencing import Referencing
from meterkit.dlms.secured.key_management import KeyManagement
from meterkit.dlms.session import DlmsSession
from meterkit.dlms.short_names import ShortNames
from meterkit.dlms.stream import AttributeStream, NotificationStream, decoded
from meterkit.errors import ProtocolFault
from meterkit.options import DlmsClientOptions
from meterkit.result import Err, Ok, Result
from meterkit.session.keepalive import KeepAlive
from meterkit.session.lifetime import Lifetime
from meterkit.transport.base import Transport

T = TypeVar("T")
P = TypeVar("P")
R = TypeVar("R")

#: class, logical name, attribute; and, where only a part of it is wanted, which.
Reference: TypeAlias = (
    tuple[int, ObisCode | str, int] | tuple[int, ObisCode | str, int, Selection | None] | AttributeDescriptor
)


class DlmsClient(Lifetime, KeyManagement, MeterDuties, ProfileReadings):
    """A DLMS/COSEM meter on one transport.

    Use it in `async with`: entering opens nothing but a place for the keep-alive task; leaving releases
    the association, disconnects and closes the line in bounded time.  Several tasks may call one client
    at once: each exchange waits its turn.  After an error that ended the session every call returns that
    error until `connect` is called again.
    """

    def __init__(self, transport: Transport, options: DlmsClientOptions | None = None) -> None:
        super().__init__(transport)
        self.options = arguments.optional("options", options, DlmsClientOptions)
        self._session = DlmsSession(transport, self.options)
        self._logical = LogicalNames(self._session)
        self._services: Referencing = self._logical
        if self.options.referencing == "short_name":
            self._services = ShortNames(self._session)

    @property
    def is_associated(self) -> bool:
        """Whether the association stands, as far as anyone can know without asking the meter."""
        return self._session.is_associated

    @property
    def is_connected(self) -> bool:
        """The same as `is_associated`, by the name that all clients have."""
        return self._session.is_associated

    @property
    def negotiated(self) -> NegotiatedAssociation | None:
        """What the meter granted; None while not associated."""
        return self._session.negotiated

    async def connect(self, password: bytes | str | None = None) -> Result[NegotiatedAssociation]:
        """Open the line and associate: (sign-on,) SNRM on HDLC, then AARQ.

        `password` (text is taken as UTF-8) stands in for that of the options.  It is kept for as long as
        the client lives.  On a failure the line is closed again.

        With high level security both ends prove themselves before this returns Ok; with ciphering, whatever
        is less protected than the options demand is an error, here and in every other call.

        Errors: TRANSPORT the line does not open; TIMEOUT, FRAMING or CRC no meter is heard; SECURITY the
        password or proof is refused, the meter's is not right, a wrong key or counter; REFUSED another
        reason of the meter's, in words; STATE already connected.
        Raises: RuntimeError outside `async with`; ValueError where the mechanism needs a secret and has none.
        """
        if isinstance(password, str):
            password = password.encode()
        async with self._door:
            self._check_entered()
            granted = await self._session.establish(password)
            if granted.is_success:
                self._services.forget()
                self._keep_alive_begins()
        return granted

    def _keep_alive_begins(self) -> None:
        session, interval = self._session, self.options.keep_alive_interval
        if self.options.keep_alive and session.has_link_to_keep:
            self._start_keep_alive(KeepAlive(session.exchange, session.beat, lambda: interval, interval))

    async def disconnect(self) -> None:
        """Release the association and close the line: in bounded time, whatever the meter does."""
        async with self._door:
            self._stop_keep_alive()
            await self._session.end()
            self._cancel_keep_alive()

    async def get_attribute(
        self,
        class_id: int,
        obis_code: ObisCode | str,
        attribute_index: int,
        selection: Selection | None = None,
    ) -> Result[AttributeData]:
        """Read one attribute, in as many blocks as the meter needs.

        `selection` names a part of it: see `Selection.by_range` and `Selection.by_entry`.

        Errors: REFUSED the meter's data-access-result, in words; STATE the service was not granted;
        DECODE a value that is none; PROTOCOL wrong blocks; the link's.
        """
        attribute = _attribute(class_id, obis_code, attribute_index)
        return decoded(attribute, await self._services.read(attribute, selection))

    def get_attribute_list(self, attributes: Iterable[Reference]) -> AttributeStream:
        """Read several attributes, as many at once as the meter takes; one Result for each, in order.

        Meters that grant no lists, or refuse them, are read one by one.  An attribute that is refused is
        an `Err` among the others, which come all the same.
        """
        return AttributeStream(self._services, map(_selected, attributes), self.options.list_limit)

    async def set_attribute(
        self,
        class_id: int,
        obis_code: ObisCode | str,
        attribute_index: int,
        value: bytes,
        selection: Selection | None = None,
        *,
        confirmed: bool = True,
    ) -> Result[None]:
        """Write one attribute: `value` is A-XDR, from `axdr.encode_...`.  It is never sent twice.

        Not `confirmed`, the meter says nothing, and Ok means that it was sent.
        Errors: as `get_attribute`; after a TIMEOUT nobody knows whether the meter took it.
        """
        attribute = _attribute(class_id, obis_code, attribute_index)
        return await self._services.write(
            attribute, arguments.octets("value", value), selection, confirmed=confirmed
        )

    async def action(
        self,
        class_id: int,
        obis_code: ObisCode | str,
        method_index: int,
        parameters: bytes | None = None,
        *,
        confirmed: bool = True,
    ) -> Result[ActionData]:
        """Perform a method: `parameters` is A-XDR, None for none.  It is never sent twice.

        Not `confirmed`, the meter says nothing, and Ok means that it was sent.

        Errors: as `get_attribute`; REFUSED the meter's action-result.
        """
        method = MethodDescriptor(
            arguments.whole("class_id", class_id, 0, 0xFFFF),
            _obis(obis_code),
            arguments.whole("method_index", method_index, -128, 127),
        )
        if parameters is not None:
            parameters = arguments.octets("parameters", parameters)
        answer = await self._services.act(method, parameters, confirmed=confirmed)
        if isinstance(answer, Err):
            return answer
        try:
            return Ok(ActionData.decoded(class_id, method.obis, method_index, answer.value))
        except ProtocolFault as odd:
            return Err(odd.error.at(f"ACTION {method}"))

    async def access(self, request: AccessRequest) -> Result[AccessResponse]:
        """Perform several GETs, SETs and ACTIONs in one ACCESS request.

        Errors: STATE the service was not granted, or the association uses short names; as `get_attribute`.
        """
        return await self._logical.access(request)

    async def get(self, ref: AttributeRef[T], selection: Selection | None = None) -> Result[T]:
        """Read one attribute as its type: `client.get(Register("1-0:1.8.0").scaler_unit)`.

        Errors: DECODE a value that does not fit, naming object, attribute and place; as `get_attribute`.
        """
        return await get_value(self._services, ref, selection)

    async def set(self, ref: AttributeRef[T], value: T, *, confirmed: bool = True) -> Result[None]:
        """Write one attribute, once.

        Errors: as `set_attribute`.  Raises: ValueError or TypeError for no value of its type.
        """
        return await set_value(self._services, ref, value, confirmed=confirmed)

    async def call(
        self, ref: MethodRef[P, R], value: P | None = None, *, confirmed: bool = True
    ) -> Result[R]:
        """Invoke a method, once, and return what it returns as its type.

        Errors: as `action`; DECODE.  Raises: ValueError or TypeError for parameters that do not fit.
        """
        return await call_method(self._services, cast("MethodRef[Any, R]", ref), value, confirmed=confirmed)

    async def read_object(
        self, obj: CosemObject, rights: ObjectListElement | None = None
    ) -> Result[ObjectValues]:
        """Read every attribute of an object that `rights` let us read; without rights, every declared one.

        An attribute that is refused is an `Err` among the others.  Errors: whatever ended the session.
        """
        return await read_object(self._services, obj, rights, list_limit=self.options.list_limit)

    def listen(self) -> NotificationStream:
        """Stream what the meter says unasked on this line, until the session ends; calls go on meanwhile."""
        return NotificationStream(self._session)


@lru_cache(maxsize=4096)  # meters are read again and again, attribute by attribute
def _attribute(class_id: int, obis_code: ObisCode | str, attribute_index: int) -> AttributeDescriptor:
    return AttributeDescriptor(
        arguments.whole("class_id", class_id, 0, 0xFFFF),
        _obis(obis_code),
        arguments.whole("attribute_index", attribute_index, -128, 127),
    )


def _obis(obis_code: ObisCode | str) -> ObisCode:
    if isinstance(obis_code, str):
        return ObisCode.parse(obis_code)
    return arguments.instance("obis_code", obis_code, ObisCode)


def _selected(reference: Reference) -> SelectedAttribute:
    if isinstance(reference, AttributeDescriptor):
        return reference, None
    class_id, obis_code, attribute_index, *rest = reference
    return _attribute(class_id, obis_code, attribute_index), rest[0] if rest else None
