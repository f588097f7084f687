"""What can go wrong with a meter or its line, as values.

A `MeterError` says what was expected, what came and where.  Rooms below the client raise it inside
a `ProtocolFault`; the client turns that into an `Err`; `MeterFailure` is for whoever asks to raise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class ErrorKind(Enum):
    """Which layer failed.  Source: SharpMeter's error codes; REFUSED and DECODE are ours."""

    TRANSPORT = "transport"  #: the port or socket could not be opened, or broke
    TIMEOUT = "timeout"  #: the meter stayed silent
    FRAMING = "framing"  #: octets that are no frame of this protocol
    CRC = "crc"  #: frames kept arriving damaged
    PROTOCOL = "protocol"  #: well-formed, but against the rules
    REFUSED = "refused"  #: the meter said no; `MeterError.code` is its response code
    STATE = "state"  #: not possible now: not connected, session lost, service out of order
    SECURITY = "security"  #: password, key or clearance
    PROCEDURE = "procedure"  #: no final answer of a procedure; `MeterError.code` is its last result
    DECODE = "decode"  #: the octets of a table or value do not fit its declaration


@dataclass(frozen=True, slots=True)
class MeterError:
    """One failure, told to an engineer standing at the meter."""

    kind: ErrorKind
    message: str
    code: int | None = None  #: the meter's own code: a ResponseCode or a ProcedureResult
    where: str = ""  #: the service, table or field that failed, such as "read ST64 offset 1482"
    has_ended_session: bool = False  #: the line's state is unknown since: connect again

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} [{self.kind.value}]"

    def at(self, where: str) -> MeterError:
        """Return this error with `where` put in front of the place it names."""
        return replace(self, where=f"{where}: {self.where}" if self.where else where)


class MeterFailure(Exception):
    """A `MeterError`, raised because the user asked for exceptions."""

    def __init__(self, error: MeterError) -> None:
        super().__init__(str(error))
        self.error = error


class ProtocolFault(Exception):
    """A `MeterError` on its way up to the client's edge, where it becomes an `Err`."""

    def __init__(self, error: MeterError) -> None:
        super().__init__(str(error))
        self.error = error


def ends_session(error: MeterError) -> bool:
    """Tell whether the session ended with `error`, so that one must connect again."""
    return error.has_ended_session


def fault(kind: ErrorKind, message: str, *, code: int | None = None, where: str = "") -> ProtocolFault:
    """Return a `ProtocolFault` ready to raise."""
    return ProtocolFault(MeterError(kind, message, code, where))
