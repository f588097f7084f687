"""Application PDUs as trees: their parts by the standard's names, values and APDUs in them as trees again.

C4 01 C1 00 06 00 00 13 91      get-response-normal: invoke-id, result, data: double-long-unsigned 5009
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from meterkit.dlms.apdu import access, action, block, errors, get, initiate, notification, short_name
from meterkit.dlms.apdu import set as set_service
from meterkit.dlms.apdu.reader import ApduReader
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.translate.acse import acse_nodes
from meterkit.dlms.translate.ciphered import ciphered_nodes
from meterkit.dlms.translate.tracing import TracingReader, grouped
from meterkit.errors import ProtocolFault
from meterkit.tree import Node, moved, not_understood

MAX_NESTING: Final = 8  # APDUs within one another: ours; a general block of a ciphered AARQ has four

Within: TypeAlias = Callable[[bytes, int | None], Node]


class _Body(Protocol):
    """An APDU class that reads what follows its tag, or its tag and choice."""

    @classmethod
    def read(cls, reader: ApduReader) -> object: ...


_CHOICES: Final[dict[int, tuple[type[_Body], ...]]] = {
    ApduTag.GET_REQUEST: (get.GetRequestNormal, get.GetRequestNext, get.GetRequestWithList),
    ApduTag.GET_RESPONSE: (get.GetResponseNormal, get.GetResponseWithBlock, get.GetResponseWithList),
    ApduTag.SET_REQUEST: (
        set_service.SetRequestNormal,
        set_service.SetRequestFirstBlock,
        set_service.SetRequestBlock,
        set_service.SetRequestWithList,
        set_service.SetRequestWithListFirstBlock,
    ),
    ApduTag.SET_RESPONSE: (
        set_service.SetResponseNormal,
        set_service.SetResponseBlock,
        set_service.SetResponseLastBlock,
        set_service.SetResponseLastBlockWithList,
        set_service.SetResponseWithList,
    ),
    ApduTag.ACTION_REQUEST: (
        action.ActionRequestNormal,
        action.ActionRequestNextBlock,
        action.ActionRequestWithList,
        action.ActionRequestFirstBlock,
        action.ActionRequestWithListFirstBlock,
        action.ActionRequestBlock,
    ),
    ApduTag.ACTION_RESPONSE: (
        action.ActionResponseNormal,
        action.ActionResponseBlock,
        action.ActionResponseWithList,
        action.ActionResponseNextBlock,
    ),
}
_WHOLE: Final[dict[int, type[_Body]]] = {
    ApduTag.INITIATE_REQUEST: initiate.InitiateRequest,
    ApduTag.READ_REQUEST: short_name.ReadRequest,
    ApduTag.WRITE_REQUEST: short_name.WriteRequest,
    ApduTag.INITIATE_RESPONSE: initiate.InitiateResponse,
    ApduTag.READ_RESPONSE: short_name.ReadResponse,
    ApduTag.WRITE_RESPONSE: short_name.WriteResponse,
    ApduTag.CONFIRMED_SERVICE_ERROR: errors.ConfirmedServiceError,
    ApduTag.DATA_NOTIFICATION: notification.DataNotification,
    ApduTag.UNCONFIRMED_WRITE_REQUEST: short_name.UnconfirmedWriteRequest,
    ApduTag.INFORMATION_REPORT_REQUEST: short_name.InformationReport,
    ApduTag.EVENT_NOTIFICATION_REQUEST: notification.EventNotification,
    ApduTag.EXCEPTION_RESPONSE: errors.ExceptionResponse,
    ApduTag.ACCESS_REQUEST: access.AccessRequest,
    ApduTag.ACCESS_RESPONSE: access.AccessResponse,
    ApduTag.GENERAL_BLOCK_TRANSFER: block.GeneralBlockTransfer,
}
_ACSE: Final = (ApduTag.AARQ, ApduTag.AARE, ApduTag.RLRQ, ApduTag.RLRE)


def apdu_node(octets: bytes, offset: int | None, nesting: int = 0) -> Node:
    """Return the tree of the APDU that `octets` begin with; octets behind it are shown as not understood.

    `offset`: where the octets stand in the capture.  `nesting`: how many APDUs they lie in.
    """
    if not octets:
        return not_understood(b"", offset, "an APDU expected, no octets came")
    if nesting >= MAX_NESTING:
        return not_understood(octets, offset, f"more than {MAX_NESTING} APDUs within one another")

    def within(inner: bytes, place: int | None) -> Node:
        return apdu_node(inner, place, nesting + 1)

    try:
        tag = ApduTag(octets[0])
    except ValueError:
        return not_understood(octets, offset, f"{octets[0]:02x} is the tag of no APDU")
    if tag in _ACSE:
        children, words = acse_nodes(octets, offset, within)
        return Node(tag.name, None, words, offset, len(octets), children)
    if tag.is_ciphered:
        children = ciphered_nodes(tag, octets, offset)
        return Node(tag.standard_name, None, "ciphered", offset, len(octets), children)
    return _plain(tag, octets, offset, within)


def _plain(tag: ApduTag, octets: bytes, offset: int | None, within: Within) -> Node:
    choices, begin = _CHOICES.get(tag), 1
    if choices is None:
        body = _WHOLE[tag]
    elif len(octets) > 1 and 1 <= octets[1] <= len(choices):
        body, begin = choices[octets[1] - 1], 2
    else:
        rest = not_understood(octets[1:], moved(offset, 1), f"choice 1 to {len(choices)} expected")
        return Node(tag.standard_name, None, "", offset, len(octets), (rest,))
    name = spoken(body.__name__)
    reader = TracingReader(octets, name, begin, offset)
    why, read = "", None
    try:
        read = body.read(reader)
        words = (
            read.words if isinstance(read, errors.ExceptionResponse | errors.ConfirmedServiceError) else ""
        )
    except ProtocolFault as odd:
        why, words = odd.error.message, ""
    children = [_block(node, read, within) for node in grouped(reader.nodes)]
    if reader.left or (why and not any(not node.is_understood for one in children for node in one.walk())):
        tail = octets[reader.position :]
        why = why or "octets behind the APDU"
        children.append(not_understood(tail, moved(offset, reader.position), why))
    return Node(name, None, words, offset, len(octets), tuple(children))


def _block(node: Node, read: object, within: Within) -> Node:
    """Return the data of a general block that is the only one as the APDU it holds."""
    match read, node:
        case (
            block.GeneralBlockTransfer(is_last=True, block_number=1, data=data),
            Node(name="block-data", offset=place, length=length),
        ) if data:
            inner = within(data, moved(place, length - len(data)))
            return Node(node.name, None, "", place, length, (inner,))
        case _:
            return node


def spoken(name: str) -> str:
    """Return a class's name as the standard spells it: GetRequestNormal is get-request-normal."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
