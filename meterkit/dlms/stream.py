"""Streams of one association: the answers of a list, and what the meter says unasked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Self

from meterkit.codec import axdr
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, SelectedAttribute
from meterkit.dlms.apdu.notification import DataNotification, EventNotification
from meterkit.dlms.apdu.short_name import InformationReport
from meterkit.dlms.attribute_data import AttributeData
from meterkit.dlms.referencing import Referencing
from meterkit.dlms.refusals import unexpected
from meterkit.dlms.session import DlmsSession
from meterkit.errors import ProtocolFault, ends_session
from meterkit.result import Err, Ok, Result
from meterkit.session.stream import ResultStream

Notification = DataNotification | EventNotification | InformationReport


class AttributeStream:
    """One Result for each attribute asked for, in order.

    An attribute that the meter refuses is an `Err` among the others, which come all the same; only an
    error that ended the session ends the stream, as its last item.  `position` counts the items given.
    """

    def __init__(self, services: Referencing, attributes: Iterable[SelectedAttribute], limit: int) -> None:
        self.position = 0
        self._services = services
        self._wanted = list(attributes)
        self._limit = limit
        self._ready: deque[Result[AttributeData]] = deque()
        self._asked = 0
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result[AttributeData]:
        if not self._ready and not self._is_over:
            await self._ask()
        if not self._ready:
            raise StopAsyncIteration
        self.position += 1
        return self._ready.popleft()

    async def _ask(self) -> None:
        left = self._wanted[self._asked :]
        if not left:
            self._is_over = True
            return
        piece = self._services.pieces(left, self._limit)[0]
        results = await self._services.read_list(piece)
        self._asked += len(piece)
        for (attribute, _), result in zip(piece, results, strict=True):
            self._ready.append(decoded(attribute, result))
            if isinstance(result, Err) and ends_session(result.error):
                self._is_over = True
                return

    async def collect(self) -> list[Result[AttributeData]]:
        """Read to the end and return all the Results."""
        return [result async for result in self]


class NotificationStream(ResultStream[Notification]):
    """What the meter pushes, as it comes, until the session ends; then its error, once."""

    def __init__(self, session: DlmsSession) -> None:
        super().__init__()
        self._session = session

    async def _next(self) -> Result[Notification]:
        heard = await self._session.hear()
        if isinstance(heard, Err):
            return heard
        return notification(heard.value)


def notification(octets: bytes) -> Result[Notification]:
    """Return what a pushed APDU says.  Errors: DECODE; PROTOCOL it is none of the three kinds."""
    try:
        apdu = decode_apdu(octets, strict=False)
    except ProtocolFault as odd:
        return Err(odd.error)
    if not isinstance(apdu, DataNotification | EventNotification | InformationReport):
        return Err(unexpected(octets, "a notification"))
    return Ok(apdu)


def decoded(attribute: AttributeDescriptor, read: Result[bytes]) -> Result[AttributeData]:
    """Return what was read of `attribute`, decoded.  Errors: DECODE, besides those of the reading."""
    if isinstance(read, Err):
        return read
    try:
        data = read.value
        value, _ = axdr.decode_prefix(data)  # some meters put junk behind the value
        return Ok(AttributeData(attribute.class_id, attribute.obis, attribute.attribute, data, value))
    except ProtocolFault as odd:
        return Err(odd.error.at(f"GET {attribute}"))
