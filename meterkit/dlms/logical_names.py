"""Objects by their logical names: GET, SET, ACTION and ACCESS of one session.

`short_names` offers the same calls for meters that know objects by numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from meterkit.dlms.apdu import Apdu, decode_apdu
from meterkit.dlms.apdu.access import AccessRequest, AccessResponse
from meterkit.dlms.apdu.action import ActionRequestNormal, ActionResponseNormal
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, SelectedAttribute, Selection
from meterkit.dlms.apdu.get import (
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithList,
    encode_get,
)
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.apdu.set import SetRequestNormal, SetResponseNormal
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.refusals import refused, unexpected
from meterkit.dlms.secret_requests import is_secret
from meterkit.dlms.session import DlmsSession
from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.result import Err, Ok, Result

LIST_HEAD: Final = 4  # octets of a GET-request-with-list beside its descriptors: tag, choice, invoke, count
LONG_LIST_HEAD: Final = 5  # the same with 128 attributes and more
_NORMAL: Final = b"\xc4\x01"  # GET-response-normal
_NORMAL_DATA: Final = 4  # octets of a GET-response-normal before its Data


class LogicalNames:
    """The services of an association with logical names."""

    def __init__(self, session: DlmsSession) -> None:
        self.session = session
        self._refuses_lists = False

    def forget(self) -> None:
        """Begin anew: what the last session learned of the meter no longer holds."""
        self._refuses_lists = False

    async def read(self, attribute: AttributeDescriptor, selection: Selection | None = None) -> Result[bytes]:
        """Read one attribute and return its Data, with whatever octets the meter put behind it.

        Errors: REFUSED the meter's data-access-result; as `DlmsSession.call`.
        """
        session = self.session
        association = session.association
        if selection is None and attribute.attribute and association.grants_get:
            request = encode_get(association.next_invoke(True, session.options.high_priority), attribute)
            hides = is_secret(attribute)
            answer = await session.asked(request, is_secret=hides)
            if (
                type(answer) is Ok
                and (octets := answer.value)[:2] == _NORMAL
                and len(octets) > _NORMAL_DATA
                and not octets[3]
                and session.is_at_rest
            ):
                return Ok(octets[_NORMAL_DATA:])
            if session.is_unsettled(answer):
                answer = await session.settled(request, answer, is_secret=hides)
            answer = session.told(request, answer)
        else:
            answer = await session.call(GetRequestNormal(session.next_invoke(), attribute, selection))
        if isinstance(answer, Err):
            return Err(answer.error.at(f"GET {attribute}"))
        octets = answer.value
        if octets[:2] == _NORMAL and len(octets) > _NORMAL_DATA and not octets[3]:
            return Ok(octets[_NORMAL_DATA:])
        result = _got(octets)
        return result if isinstance(result, Ok) else Err(result.error.at(f"GET {attribute}"))

    async def read_list(self, attributes: Sequence[SelectedAttribute]) -> list[Result[bytes]]:
        """Read several attributes, at once where the meter does that; one result each, in order."""
        if len(attributes) > 1 and self._may_list():
            results = await self._read_at_once(attributes)
            if results is not None:
                return results
            self._refuses_lists = True
        return [await self.read(attribute, selection) for attribute, selection in attributes]

    def pieces(self, attributes: Sequence[SelectedAttribute], limit: int) -> list[list[SelectedAttribute]]:
        """Cut a list into lists of at most `limit` attributes whose requests fit the meter's PDU size."""
        if not self._may_list():
            return [[attribute] for attribute in attributes]
        room = (self.session.max_pdu or 1 << 30) - LONG_LIST_HEAD
        pieces: list[list[SelectedAttribute]] = []
        left = 0
        for attribute, selection in attributes:
            size = len(attribute.encode()) + 1 + (len(selection.encode()) if selection else 0)
            if not pieces or size > left or len(pieces[-1]) >= limit:
                pieces.append([])
                left = room
            pieces[-1].append((attribute, selection))
            left -= size
        return pieces

    def _may_list(self) -> bool:
        return not self._refuses_lists and bool(self.session.conformance & Conformance.MULTIPLE_REFERENCES)

    async def _read_at_once(self, attributes: Sequence[SelectedAttribute]) -> list[Result[bytes]] | None:
        """Return one result each, or None where the meter grants lists and then answers none."""
        session = self.session
        answer = await session.call(GetRequestWithList(session.next_invoke(), tuple(attributes)))
        if isinstance(answer, Err):
            if answer.error.kind is ErrorKind.REFUSED:
                return None
            return [Err(answer.error.at(f"GET {attribute}")) for attribute, _ in attributes]
        try:
            response = decode_apdu(answer.value, strict=False)
        except ProtocolFault as odd:
            return [Err(odd.error.at(f"GET {attribute}")) for attribute, _ in attributes]
        if not isinstance(response, GetResponseWithList) or len(response.results) != len(attributes):
            return None
        return [
            Err(refused(result).at(f"GET {attribute}"))
            if isinstance(result, DataAccessResult)
            else Ok(result)
            for (attribute, _), result in zip(attributes, response.results, strict=True)
        ]

    async def write(
        self,
        attribute: AttributeDescriptor,
        value: bytes,
        selection: Selection | None = None,
        *,
        confirmed: bool = True,
    ) -> Result[None]:
        """Write one attribute; nothing is ever sent twice.  Not `confirmed`, nobody says what became of it.

        Errors: REFUSED the meter's data-access-result; as `DlmsSession.call`.
        """
        session = self.session
        answer = await session.call(
            SetRequestNormal(session.next_invoke(confirmed), attribute, selection, value)
        )
        outcome = answer.bind(_was_set) if confirmed else answer.map(lambda _: None)
        return outcome if isinstance(outcome, Ok) else Err(outcome.error.at(f"SET {attribute}"))

    async def act(
        self, method: MethodDescriptor, parameters: bytes | None = None, *, confirmed: bool = True
    ) -> Result[bytes | None]:
        """Perform a method and return its Data, None where it returns nothing; it is never sent twice.

        Errors: REFUSED the meter's action-result, or why it returns no value; as `DlmsSession.call`.
        """
        session = self.session
        answer = await session.call(ActionRequestNormal(session.next_invoke(confirmed), method, parameters))
        outcome = answer.bind(_was_done) if confirmed else answer.map(lambda _: None)
        return outcome if isinstance(outcome, Ok) else Err(outcome.error.at(f"ACTION {method}"))

    async def access(self, request: AccessRequest) -> Result[AccessResponse]:
        """Perform an ACCESS request: several services in one.  Errors: as `DlmsSession.call`."""
        answer = await self.session.call(request)
        if isinstance(answer, Err):
            return answer
        response = _decoded(answer.value)
        if isinstance(response, Err):
            return response
        if not isinstance(response.value, AccessResponse):
            return Err(unexpected(answer.value, "an access-response"))
        return Ok(response.value)


def _decoded(octets: bytes) -> Result[Apdu]:
    try:
        return Ok(decode_apdu(octets, strict=False))
    except ProtocolFault as odd:
        return Err(odd.error)


def _got(octets: bytes) -> Result[bytes]:
    response = _decoded(octets)
    if isinstance(response, Err):
        return response
    if not isinstance(response.value, GetResponseNormal):
        return Err(unexpected(octets, "a get-response"))
    result = response.value.result
    return Err(refused(result)) if isinstance(result, DataAccessResult) else Ok(result)


def _was_set(octets: bytes) -> Result[None]:
    response = _decoded(octets)
    if isinstance(response, Err):
        return response
    if not isinstance(response.value, SetResponseNormal):
        return Err(unexpected(octets, "a set-response"))
    result = response.value.result
    return Ok(None) if result is DataAccessResult.SUCCESS else Err(refused(result))


def _was_done(octets: bytes) -> Result[bytes | None]:
    response = _decoded(octets)
    if isinstance(response, Err):
        return response
    answer = response.value
    if not isinstance(answer, ActionResponseNormal):
        return Err(unexpected(octets, "an action-response"))
    if answer.result is not ActionResult.SUCCESS:
        return Err(refused(answer.result))
    returned = answer.return_value
    if isinstance(returned, DataAccessResult):
        error = refused(returned)
        return Err(
            MeterError(
                error.kind, f"the method was performed, but returns no value: {error.message}", error.code
            )
        )
    return Ok(returned)
