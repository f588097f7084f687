"""One standard procedure, ready to be started: octets for table 7, and what table 8 means by its results.

Source: C12.19, tables 7 and 8; OSGP guide, "Pending Table Procedures".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.psem.procedures import (
    ProcedureResponse,
    ProcedureResult,
    StandardProcedure,
    procedure_failure,
    procedure_name,
)

T = TypeVar("T")

NO_MEANINGS: Final[Mapping[int, str]] = {}


@dataclass(frozen=True, slots=True)
class StandardCall(Generic[T]):
    """One standard procedure, ready to be started."""

    procedure: StandardProcedure
    parameters: bytes = field(default=b"", repr=False)  #: may hold a password
    parse: Callable[[bytes], T] = field(default=cast(Any, bytes), repr=False)
    #: Results that mean something else on this meter than in C12.19.  They are final, also result 1.
    meanings: Mapping[int, str] = field(default_factory=lambda: NO_MEANINGS, repr=False)

    def is_final(self, result: ProcedureResult) -> bool:
        """Tell whether `result` ends the procedure, so that table 8 need not be read again."""
        return result is not ProcedureResult.ACCEPTED_NOT_COMPLETE or int(result) in self.meanings

    def failure(self, result: ProcedureResult) -> MeterError:
        """Return the error of a procedure that did not complete: kind PROCEDURE, code its result."""
        meaning = self.meanings.get(result)
        if meaning is None:
            return procedure_failure(self.procedure, False, result)
        message = f"the meter answered: {meaning} (result {int(result)})"
        return MeterError(ErrorKind.PROCEDURE, message, int(result), procedure_name(self.procedure))

    def value(self, response: ProcedureResponse) -> T:
        """Return what the procedure answers.

        Errors: ProtocolFault PROCEDURE when it did not complete, DECODE for an answer that does not fit.
        """
        if response.result is not ProcedureResult.COMPLETED:
            raise ProtocolFault(self.failure(response.result))
        try:
            return self.parse(response.data)
        except ProtocolFault as misfit:
            raise ProtocolFault(misfit.error.at(procedure_name(self.procedure))) from None
