"""Which PSEM service is possible when.  Source: C12.18-2006, session states.

Base --Identify--> Id --Logon--> Session
^----Terminate----+--------------+
^----Logoff----+
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from meterkit.errors import ErrorKind, MeterError
from meterkit.psem.codes import ServiceCode, service_of


class SessionState(Enum):
    """Where a session stands, as far as its client can know."""

    BASE = "base"  #: nothing said yet, or terminated
    ID = "id"  #: identified; the channel can be negotiated
    SESSION = "session"  #: logged on; tables can be read


#: For each state the services it allows and the state they lead to when the meter answers OK.
#: Identify in Id is no service of the standard there, but meters take it for a fresh start.
#: A service of nobody's standard (0x80 to 0xFF and other gaps) is an extension of the session.
TRANSITIONS: Final[dict[SessionState, dict[ServiceCode, SessionState]]] = {
    SessionState.BASE: {
        ServiceCode.IDENTIFY: SessionState.ID,
        ServiceCode.TERMINATE: SessionState.BASE,
        ServiceCode.DISCONNECT: SessionState.BASE,
    },
    SessionState.ID: {
        ServiceCode.IDENTIFY: SessionState.ID,
        ServiceCode.NEGOTIATE: SessionState.ID,
        ServiceCode.TIMING_SETUP: SessionState.ID,
        ServiceCode.WAIT: SessionState.ID,
        ServiceCode.LOGON: SessionState.SESSION,
        ServiceCode.TERMINATE: SessionState.BASE,
        ServiceCode.DISCONNECT: SessionState.BASE,
    },
    SessionState.SESSION: {
        ServiceCode.READ_FULL: SessionState.SESSION,
        ServiceCode.READ_INDEX: SessionState.SESSION,
        ServiceCode.READ_DEFAULT: SessionState.SESSION,
        ServiceCode.READ_OFFSET: SessionState.SESSION,
        ServiceCode.WRITE_FULL: SessionState.SESSION,
        ServiceCode.WRITE_INDEX: SessionState.SESSION,
        ServiceCode.WRITE_OFFSET: SessionState.SESSION,
        ServiceCode.SECURITY: SessionState.SESSION,
        ServiceCode.AUTHENTICATE: SessionState.SESSION,
        ServiceCode.WAIT: SessionState.SESSION,
        ServiceCode.LOGOFF: SessionState.ID,
        ServiceCode.TERMINATE: SessionState.BASE,
        ServiceCode.DISCONNECT: SessionState.BASE,
    },
}

_WORDS: Final = {
    SessionState.BASE: "nobody has identified yet",
    SessionState.ID: "nobody is logged on",
    SessionState.SESSION: "a session is open",
}


def check(state: SessionState, request_code: int) -> MeterError | None:
    """Return why a request with this code is out of order in `state`, or None if it is not.

    The error's kind is STATE; nothing has been sent, so the session is as it was.
    """
    if _next_state(state, request_code) is not None:
        return None
    service = service_of(request_code)
    name = f"service 0x{request_code:02X}" if service is None else service.name.lower().replace("_", " ")
    possible = " or ".join(
        other.name.lower() for other in SessionState if _next_state(other, request_code) is not None
    )
    return MeterError(
        ErrorKind.STATE,
        f"{name} belongs to state {possible}; the state is {state.name.lower()}: {_WORDS[state]}",
    )


def after(state: SessionState, request_code: int) -> SessionState:
    """Return the state once the meter has answered OK to a request with this code.

    Raises: ValueError for a request that `check` objects to.
    """
    following = _next_state(state, request_code)
    if following is None:
        raise ValueError(f"service 0x{request_code:02X} is out of order in state {state.name}")
    return following


def _next_state(state: SessionState, request_code: int) -> SessionState | None:
    for begin, end in _WAYS.get(request_code, ()):
        if begin is state:
            return end
    return None


def _ways(request_code: int) -> tuple[tuple[SessionState, SessionState], ...]:
    """Return the states that allow a request with this code, each with the one it leads to."""
    service = service_of(request_code)
    if service is None:
        return ((SessionState.SESSION, SessionState.SESSION),)
    return tuple((begin, ways[service]) for begin, ways in TRANSITIONS.items() if service in ways)


# By code, and a state is looked for by its identity: an Enum's hash would cost more than all the rest.
_WAYS: Final = {code: _ways(code) for code in range(0x100)}

#: Codes of the requests that an open session is for: possible there, and they change no state.
USUAL: Final = frozenset(
    code
    for code, ways in _WAYS.items()
    if (SessionState.SESSION, SessionState.SESSION) in ways and all(begin is end for begin, end in ways)
)
