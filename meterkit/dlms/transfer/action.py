"""A long ACTION: parameters up in blocks, results down in blocks.  Source: IEC 62056-53, the ACTION service.

    C3 04 method last? 1 raw-data ->   <-  C7 04 1                     up: the meter asks for the next block
    C3 06        last? 2 raw-data ->   <-  C7 01 result, or
                                       <-  C7 02 last? 1 raw-data      down: we ask for the next one
    C3 02 1                       ->   <-  C7 02 last? 2 raw-data ...

Nothing is sent twice: a block goes out only once the meter has asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from meterkit.codec.axdr import decode_length, encode_length
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.action import (
    ActionRequestBlock,
    ActionRequestFirstBlock,
    ActionRequestNextBlock,
    ActionRequestNormal,
    ActionRequestWithList,
    ActionRequestWithListFirstBlock,
    ActionResponseBlock,
    ActionResponseNextBlock,
    ActionResponseNormal,
    ActionResponseWithList,
)
from meterkit.dlms.apdu.results import ActionResult
from meterkit.dlms.transfer.action_result import list_of_responses, single_response
from meterkit.dlms.transfer.blocks import AnswerBlocks, Next, ParameterBlocks, Step, Whole
from meterkit.dlms.transfer.get import unexpected
from meterkit.errors import ErrorKind, ProtocolFault, fault

_NORMAL, _WITH_LIST = b"\xc7\x01", b"\xc7\x03"
_LIST_REQUEST = b"\xc3\x03"


class ActionTransfer:
    """One ACTION `request` with blocks up, down or both; `limit` bounds its answer, in octets.

    `max_pdu` is what the meter takes, None for a request that went out whole.
    Errors: ProtocolFault STATE if not even its blocks fit, PROTOCOL if it is no whole ACTION request.
    """

    def __init__(self, request: bytes, limit: int, max_pdu: int | None = None) -> None:
        self._request = request
        self._up = _cut(request, max_pdu) if max_pdu else None
        self._down = AnswerBlocks(limit)

    def begin(self) -> bytes:
        """Return the request with the first block, or the whole one."""
        return self._up.next() if self._up else self._request

    def take(self, response: bytes) -> Step:
        """Take an ACTION response; see `Transfer`."""
        match decode_apdu(response, strict=False):
            case ActionResponseNextBlock(_, number) if self._up:
                return self._up.acknowledged(number)
            case ActionResponseBlock(_, is_last, number, raw):
                return self._take_result(number, raw, is_last)
            case ActionResponseNormal(_, result, _):
                self._check((result,))
                return Whole(response)
            case ActionResponseWithList(_, results):
                self._check(result for result, _ in results)
                return Whole(response)
            case _:
                raise unexpected(response, "the next step of the ACTION")

    def _check(self, results: Iterable[ActionResult]) -> None:
        """Let a refusal pass before any result came, success after the last block only."""
        results = tuple(results)
        refused = next((result for result in results if result != ActionResult.SUCCESS), None)
        if refused is not None and self._down.number is not None:
            raise self._broken_off(self._down.number, refused)
        if self._up and not self._up.is_done and refused is None:
            raise self._up.premature()

    @staticmethod
    def _broken_off(number: int, refused: ActionResult) -> ProtocolFault:
        """Return the fault of a meter that had begun to tell the result, so that it had acted by then."""
        return fault(
            ErrorKind.REFUSED,
            f"the answer broke off after block {number}: {refused.words}; the method may have been performed",
            code=int(refused),
        )

    def _take_result(self, number: int, raw: bytes, is_last: bool) -> Step:
        if self._up and not self._up.is_done:
            raise fault(
                ErrorKind.PROTOCOL,
                f"the meter began to answer after block {self._up.number} of the parameters, not the last",
            )
        if not self._down.add(number, raw, is_last=is_last):
            return None
        invoke = self._request[2]
        if not is_last:
            return Next(ActionRequestNextBlock(invoke, number).encode())
        whole = self._down.join()
        if not self._request.startswith(_LIST_REQUEST):
            return Whole(_NORMAL + bytes([invoke]) + single_response(whole))
        count, _ = decode_length(self._request, 3)
        return Whole(_WITH_LIST + bytes([invoke]) + list_of_responses(whole, count))


def _cut(request: bytes, max_pdu: int) -> ParameterBlocks:
    apdu = decode_apdu(request)
    match apdu:
        case ActionRequestNormal(invoke, method, parameters):

            def encode_first(number: int, raw: bytes, is_last: bool) -> bytes:
                return ActionRequestFirstBlock(invoke, method, is_last, number, raw).encode()

            raw = parameters or b""
        case ActionRequestWithList(invoke, methods, values):

            def encode_first(number: int, raw: bytes, is_last: bool) -> bytes:
                return ActionRequestWithListFirstBlock(invoke, methods, is_last, number, raw).encode()

            # The blocks carry the list of parameters as C3 03 does, its count first.
            raw = encode_length(len(values)) + b"".join(values)
        case _:
            raise unexpected(request, "a whole ACTION request")

    def encode_next(number: int, raw: bytes, is_last: bool) -> bytes:
        return ActionRequestBlock(invoke, is_last, number, raw).encode()

    return ParameterBlocks(raw, max_pdu, encode_first, encode_next)
