"""Running a procedure: write ST7, then read ST8 until it answers this very request."""

from __future__ import annotations

from collections.abc import Callable
from random import randrange
from typing import TypeVar

import anyio

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.psem import transfer
from meterkit.psem.procedures import (
    ProcedureResponse,
    ProcedureResult,
    decode_response,
    encode_initiate,
    procedure_name,
)
from meterkit.psem.session import LATER, PsemSession
from meterkit.psem.standard_call import StandardCall
from meterkit.psem.table_cache import TableCache
from meterkit.result import Err, Ok, Result

T = TypeVar("T")
IsFinal = Callable[[ProcedureResult], bool]

RESPONSE = 8  # table; C12.19 decade 0
RESPONSE_HEAD = 4  # octets: procedure (2), sequence number, result


def _is_final(result: ProcedureResult) -> bool:
    return result is not ProcedureResult.ACCEPTED_NOT_COMPLETE


class ProcedureCaller:
    """Runs procedures, each under a new sequence number, one at a time."""

    def __init__(self, session: PsemSession, tables: TableCache) -> None:
        self._session = session
        self._tables = tables
        self._sequence = randrange(256)  # ST8 may still hold an answer to another session's numbers
        self._turn = anyio.Lock()  # ST8 holds one answer: a second procedure would overwrite it

    async def call(self, call: StandardCall[T]) -> Result[T]:
        """Run a typed procedure and return what it answers.

        Errors: as `execute`; PROCEDURE, code its result, when it did not complete; DECODE for its answer.
        """
        response = await self.execute(call.procedure, call.parameters, False, call.is_final)
        if isinstance(response, Err):
            return response
        try:
            return Ok(call.value(response.value))
        except ProtocolFault as failed:
            return Err(failed.error)

    async def execute(
        self, number: int, parameters: bytes, manufacturer: bool, is_final: IsFinal = _is_final
    ) -> Result[ProcedureResponse]:
        """Write ST7 once, then poll ST8 until `is_final` of the result.

        Errors: see `PsemClient.execute_standard_procedure`.
        """
        async with self._turn:
            order = await self._tables.byte_order()
            if isinstance(order, Err):
                return order
            self._sequence = sequence = self._sequence % 255 + 1  # 1..255: a fresh meter's ST8 holds 0
            request = encode_initiate(number, manufacturer, sequence, parameters, order.value)
            written = await transfer.write_full(self._session, transfer.PROCEDURE_INITIATE, request)
            if isinstance(written, Err):
                return Err(written.error.at(procedure_name(number, manufacturer)))
            return await self._poll(number, manufacturer, sequence, order.value, is_final)

    async def _poll(
        self, number: int, manufacturer: bool, sequence: int, order: str, is_final: IsFinal
    ) -> Result[ProcedureResponse]:
        seen, code = "nothing", None
        options = self._session.options
        for attempt in range(options.procedure_polls):
            if attempt:
                await self._session.exchange.pause(options.procedure_poll_interval)
            response = await self._read_response(order)
            if isinstance(response, Err):
                if response.error.code not in LATER:
                    return Err(response.error.at(procedure_name(number, manufacturer)))
                seen = '"busy"'
            elif not response.value.answers(number, manufacturer, sequence):
                other = procedure_name(response.value.number, response.value.is_manufacturer)
                seen = f"an older answer, to {other} with sequence number {response.value.sequence}"
            elif not is_final(response.value.result):
                seen, code = '"accepted, not fully completed"', ProcedureResult.ACCEPTED_NOT_COMPLETE
            else:
                return response
        message = f"no final answer in table 8 after {options.procedure_polls} reads; the last brought {seen}"
        return Err(MeterError(ErrorKind.PROCEDURE, message, code, procedure_name(number, manufacturer)))

    async def _read_response(self, order: str) -> Result[ProcedureResponse]:
        answer = await transfer.read_full(self._session, RESPONSE)
        if isinstance(answer, Err) and transfer.is_worth_offsets(answer.error):
            size = RESPONSE_HEAD + self._tables.max_response_size
            answer = await transfer.read_range(self._session, RESPONSE, 0, size)
        if isinstance(answer, Err):
            return answer
        try:
            return Ok(decode_response(answer.value, order))
        except ProtocolFault as odd:
            return Err(odd.error)
