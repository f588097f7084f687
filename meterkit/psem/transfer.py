"""Whole tables over services that carry pieces: full reads, offset reads, writes split to fit.

A table that fits the negotiated packets is read in one service.  One that does not, or that the meter
refuses to give whole, is read by offset, piece after piece, each going on from what really came.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.psem.services import (
    ResponseCode,
    ServiceRequest,
    full_read,
    offset_read,
    parse_table_data,
)
from meterkit.psem.session import PsemSession
from meterkit.psem.tables.names import PENDING, table_name
from meterkit.result import Err, Ok, Result

#: Called after each piece with the octets so far and the total, None where nobody knows it.
Progress: TypeAlias = Callable[[int, int | None], None]

PROCEDURE_INITIATE = 7  # ST7 is written whole or not at all: the write starts the procedure
PED_SIZE = (
    6  # octets of the event description before a pending table's data; OSGP guide, "Reading Pending Tables"
)
WRITE_OVERHEAD = 9  # octets of an offset write around its data: code, table 2, offset 3, count 2, checksum
FULL_WRITE_OVERHEAD = 6  # code, table 2, count 2, checksum
MAX_COUNT = 0xFFFF  # octets of one read or write: the count has 16 bits
MAX_OFFSET = 0xFFFFFF  # the offset of a partial read or write has 24 bits

# Refusals of a full read that an offset read may get around.  Real meters mix them up.
_TOO_LARGE = frozenset(
    {
        ResponseCode.OPERATION_NOT_POSSIBLE,
        ResponseCode.SERVICE_NOT_SUPPORTED,
        ResponseCode.RENEGOTIATE_REQUEST,
        ResponseCode.RESPONSE_TOO_LARGE,
        ResponseCode.SEGMENTATION_NOT_POSSIBLE,
    }
)
# Refusals of an offset read that mean "there is nothing there", once something has been read.
_PAST_THE_END = frozenset({ResponseCode.OPERATION_NOT_POSSIBLE, ResponseCode.INAPPROPRIATE_ACTION_REQUESTED})


def is_worth_offsets(error: MeterError) -> bool:
    """Tell whether a refused full read may succeed by offset."""
    return error.kind is ErrorKind.REFUSED and error.code in _TOO_LARGE


def read_full(session: PsemSession, table_id: int) -> Coroutine[Any, Any, Result[bytes]]:
    """Read a table in one full read.  Errors: as `PsemSession.call`; PROTOCOL for a bad checksum."""
    return read_with(session, full_read(table_id))


async def read_piece(session: PsemSession, table_id: int, offset: int, count: int) -> Result[bytes]:
    """Read at most `count` octets at `offset`, as many as one offset read can carry.

    A pending table's PED, which precedes every piece and is counted but not offset, is dropped.
    """
    ped = ped_size(table_id)
    count = min(count + ped, session.read_capacity)
    piece = await read_with(session, offset_read(table_id, offset, count))
    if isinstance(piece, Ok) and len(piece.value) > count:
        error = MeterError(
            ErrorKind.PROTOCOL,
            f"at most {count} octets asked for, {len(piece.value)} came",
            where=f"{table_name(table_id)} offset {offset}",
        )
        return Err(await session.lose(error))
    return piece.map(lambda octets: octets[ped:]) if ped else piece


def ped_size(table_id: int) -> int:
    """Return the octets of the event description in front of a table's data: 6 if it is a pending one."""
    return PED_SIZE if table_id & PENDING else 0


def piece_capacity(session: PsemSession, table_id: int) -> int:
    """Return the most octets of a table's data that one read can bring."""
    return session.read_capacity - ped_size(table_id)


async def read_ped(session: PsemSession, table_id: int) -> Result[bytes]:
    """Read the event description of a pending table, with the one octet of data that a read has at least."""
    head = await read_with(session, offset_read(table_id, 0, PED_SIZE + 1))
    return head.map(lambda octets: octets[:PED_SIZE])


async def read_with(session: PsemSession, request: ServiceRequest) -> Result[bytes]:
    """Perform a reading service and return the table octets it brought, count and checksum verified."""
    # What `session.call` does, but without a coroutine and a Result of its own: every read goes this way.
    answer = await session.ask(request)
    if session.is_done(request, answer):
        octets = answer.value[1:]
    else:
        answer = await session.ask_again(request, await session.not_done(request, answer))
        if isinstance(answer, Err):
            return answer
        octets = answer.value
    try:
        return Ok(parse_table_data(octets))
    except ProtocolFault as wrong:
        # The link's CRC was good, so the meter's own count or checksum is at odds: trust nothing more.
        return Err((await session.lose(wrong.error)).at(request.name))


async def read_next(session: PsemSession, table_id: int, offset: int, count: int) -> Result[bytes]:
    """Read the piece at `offset`, behind octets that were read before, as `read_piece` does.

    Some meters refuse a piece that goes past the end, instead of cutting or padding it.  Then what
    there is of it is found by halves.  Returns b"" at the end of the table.
    """
    count = min(count, piece_capacity(session, table_id))
    piece = await read_piece(session, table_id, offset, count)
    if not _is_past_the_end(piece):
        return piece
    octets = bytearray()
    while count > 1:
        count = (count + 1) // 2
        piece = await read_piece(session, table_id, offset + len(octets), count)
        if isinstance(piece, Ok):
            octets += piece.value
        elif not _is_past_the_end(piece):
            return piece
    return Ok(bytes(octets))


def _is_past_the_end(piece: Result[bytes]) -> bool:
    return (
        isinstance(piece, Err) and piece.error.kind is ErrorKind.REFUSED and piece.error.code in _PAST_THE_END
    )


async def read_range(
    session: PsemSession, table_id: int, offset: int, count: int, progress: Progress | None = None
) -> Result[bytes]:
    """Read `count` octets at `offset` in as many pieces as it takes.

    Returns fewer octets when the table ends before them.  Errors: as `PsemSession.call`.
    """
    if session.exchange.lost is not None:
        return Err(session.exchange.lost)
    octets = bytearray()
    while len(octets) < count:
        read = read_next if octets else read_piece
        piece = await read(session, table_id, offset + len(octets), count - len(octets))
        if isinstance(piece, Err):
            return piece
        if progress is not None:
            progress(len(octets) + len(piece.value), count)
        if len(piece.value) == count:  # the first one, mostly: nothing is to be joined
            return piece
        octets += piece.value
        if not piece.value:
            break
    return Ok(bytes(octets))


async def read_to_the_end(
    session: PsemSession, table_id: int, cap: int, progress: Progress | None = None
) -> Result[bytes]:
    """Read a table of unknown size: until a piece comes short or is refused, or `cap` octets came.

    OSGP meters never come short: they pad with zeros past the end, so there the cap is what ends it.
    """
    octets = bytearray()
    while len(octets) < cap:
        asked = min(piece_capacity(session, table_id), cap - len(octets))
        read = read_next if octets else read_piece
        piece = await read(session, table_id, len(octets), asked)
        if isinstance(piece, Err):
            return piece
        octets += piece.value
        if progress is not None:
            progress(len(octets), None)
        if len(piece.value) < asked:
            break
    return Ok(bytes(octets))


async def write_full(session: PsemSession, table_id: int, data: bytes) -> Result[None]:
    """Write a whole table, in one full write if it fits, else by offset.

    Errors: as `PsemSession.call`.  STATE for table 7 when its parameters do not fit: a procedure's
    request is never split, because its first piece would start it.
    """
    fits = len(data) + FULL_WRITE_OVERHEAD <= session.link.message_capacity
    if fits and len(data) <= MAX_COUNT:
        return (await session.call(ServiceRequest.write_full(table_id, data))).map(_nothing)
    if table_id == PROCEDURE_INITIATE:
        most = session.link.message_capacity - FULL_WRITE_OVERHEAD
        message = f"{len(data)} octets do not fit the negotiated {most}, and table 7 is never split"
        return Err(MeterError(ErrorKind.STATE, message, where="write ST7"))
    return await write_range(session, table_id, 0, data)


async def write_range(session: PsemSession, table_id: int, offset: int, data: bytes) -> Result[None]:
    """Write `data` at `offset` in as many pieces as it takes; none is ever sent twice.

    The data of a pending table begins with its PED, which goes in front of every piece and which the
    offset does not count.
    Errors: as `PsemSession.call`, saying how many octets had been written before.
    Raises: ValueError for a pending table's data without a PED.
    """
    ped, data = data[: ped_size(table_id)], data[ped_size(table_id) :]
    if len(ped) < ped_size(table_id):
        raise ValueError(
            f"{table_name(table_id)}: data begins with an event description of {PED_SIZE} octets"
        )
    most = min(session.link.message_capacity - WRITE_OVERHEAD, MAX_COUNT) - len(ped)
    if table_id == PROCEDURE_INITIATE:
        message = "a procedure is started by a full write of table 7; writing a part of it means nothing"
        return Err(MeterError(ErrorKind.STATE, message, where="write ST7"))
    if session.exchange.lost is not None:
        return Err(session.exchange.lost)
    done = 0
    while done < len(data):
        piece = data[done : done + most]
        request = ServiceRequest.write_offset(table_id, offset + done, ped + piece)
        written = await session.call(request)
        if isinstance(written, Err):
            if not done:
                return written
            return Err(written.error.at(f"after {done} of {len(data)} octets were written"))
        done += len(piece)
    return Ok(None)


def _nothing(_: bytes) -> None:
    return None
