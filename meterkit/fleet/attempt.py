"""One attempt at one meter: connect, read what is left of its plan, log off."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeAlias

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.fleet.core import Core
from meterkit.fleet.desk import STOPPED, Desk
from meterkit.fleet.observer import MeterState
from meterkit.fleet.readings import SinkFault
from meterkit.fleet.route import RouteLine
from meterkit.fleet.sections import Section
from meterkit.fleet.turn import Turn
from meterkit.result import Err

__all__ = ["Sections", "attempt"]

#: What a plan says of one protocol, in order.
Sections: TypeAlias = Sequence[Section[Any]]

_log = logging.getLogger("meterkit.fleet")


async def attempt(core: Core, turn: Turn, desk: Desk, sections: Sections, line: RouteLine) -> None:
    """Read those of `sections` that are left; `turn` has what came of it.  Only a cancellation is raised."""
    turn.error, turn.failed = None, {}
    try:
        turn.error = await _open(core, turn, desk, line) or await _read(core, turn, desk, sections)
    except ProtocolFault as refused:
        turn.error = refused.error
    except SinkFault as fault:
        turn.error = MeterError(ErrorKind.STATE, str(fault), where="checkpoints")
    except Exception as mistake:
        # A mistake of the program's, or a meter nobody thought of: the others are read all the same.
        _log.exception("meter %s: reading it raised", turn.entry.id)
        message = f"{type(mistake).__name__} while it was read, which is a mistake of meterkit's: see the log"
        turn.error = MeterError(ErrorKind.STATE, message)


async def _open(core: Core, turn: Turn, desk: Desk, line: RouteLine) -> MeterError | None:
    """Have a session, that of the last poll or a new one; an error is the meter's or the line's."""
    if not turn.counts and not turn.done:
        await desk.begin()
    turn.was_kept = turn.is_open
    return None if turn.was_kept else await _connect(core, turn, line)


async def _read(core: Core, turn: Turn, desk: Desk, sections: Sections) -> MeterError | None:
    if core.watch.state is not None:
        core.watch.state(turn.entry.id, MeterState.READING)
    client = turn.client
    assert client is not None  # it is connected
    for section in sections:
        name = section.name
        if name in turn.done:
            continue
        if desk.is_stopping:
            return STOPPED
        before = desk.readings
        try:
            error = await section.read(client, desk)
        finally:
            turn.counts[name] = turn.counts.get(name, 0) + desk.readings - before
        if error is None:
            turn.done.add(name)
        elif error is STOPPED:
            return error
        else:
            turn.failed[name] = error
            if not client.is_connected:
                return error
    if turn.was_kept and turn.failed and not turn.done:
        # A meter that restarted behind a gateway refuses everything on a session it knows nothing of.
        return next(iter(turn.failed.values()))
    return None


async def _connect(core: Core, turn: Turn, line: RouteLine) -> MeterError | None:
    """Connect a new client; an error is the meter's or the line's."""
    if core.watch.state is not None:
        core.watch.state(turn.entry.id, MeterState.CONNECTING)
    if turn.client is not None:
        lost, turn.client = turn.client, None
        await lost.leave()
    transport = await line.transport(turn.entry.id, turn.address)
    client, password = await core.access.client(turn.entry, turn.address, transport)
    client.live_in(core.tasks)
    turn.client = client
    try:
        connected = await client.connect(password)
    except ValueError as wrong:  # a password that the protocol has no room for, or a secret that is missing
        return MeterError(ErrorKind.STATE, str(wrong), where="connect")
    if isinstance(connected, Err):
        return connected.error.at("connect")
    await line.keep()
    return None
