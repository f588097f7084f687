"""What readings and duties need of a client: typed calls, several attributes at once, the association.

(three,) = await read_each(meter, [clock.time, clock.time_zone, clock.status])   a Result for each
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

from meterkit.dlms.attribute_data import AttributeData
from meterkit.dlms.cosem.declare import AttributeRef, MethodRef
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.stream import AttributeStream
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, ends_session
from meterkit.options import DlmsClientOptions
from meterkit.result import Err, Ok, Result

T = TypeVar("T")
P = TypeVar("P")
R = TypeVar("R")

#: data-access-results that say: no such object here, or not of this class.
NO_SUCH_OBJECT: Final = frozenset((4, 9))


class Meter(Protocol):
    """A client of a meter, as far as readings and duties use it."""

    options: DlmsClientOptions  #: how the meter is spoken to

    async def get_attribute(
        self, class_id: int, obis_code: ObisCode | str, attribute_index: int
    ) -> Result[AttributeData]:
        """Read one attribute."""
        ...

    async def get(self, ref: AttributeRef[T]) -> Result[T]:
        """Read one attribute as its type."""
        ...

    async def set(self, ref: AttributeRef[T], value: T) -> Result[None]:
        """Write one attribute, once."""
        ...

    async def call(self, ref: MethodRef[P, R], value: P | None = None) -> Result[R]:
        """Invoke a method, once."""
        ...

    def get_attribute_list(self, attributes: Iterable[Any]) -> AttributeStream:
        """Read several attributes, as many at once as the meter takes."""
        ...


async def read_each(meter: Meter, refs: Sequence[AttributeRef[Any]]) -> list[Result[Any]]:
    """Read several attributes as their types: one Result each, in order.

    After an error that ended the session the rest have that error too.
    """
    answers: list[Result[AttributeData]] = []
    if refs:
        wanted = [(one.class_id, one.obis, one.index) for one in refs]
        answers = await meter.get_attribute_list(wanted).collect()
    while answers and len(answers) < len(refs):
        answers.append(answers[-1])
    return [decode(ref, answer) for ref, answer in zip(refs, answers, strict=True)]


async def read_told(meter: Meter, refs: Sequence[AttributeRef[Any]]) -> Result[list[Any]]:
    """Read the attributes of one object; None stands for those that the meter does not tell.

    Errors: what ended the session; the first refusal where it tells nothing at all.
    """
    answers = await read_each(meter, refs)
    ended = session_error(answers)
    if ended is not None:
        return ended
    if answers and all(isinstance(answer, Err) for answer in answers):
        return answers[0]
    return Ok([*map(told, answers)])


def decode(ref: AttributeRef[T], answer: Result[AttributeData]) -> Result[T]:
    """Return what was read, as the type of `ref`.  Errors: DECODE; those of the reading."""
    if isinstance(answer, Err):
        return answer
    try:
        return Ok(ref.decode(answer.value.data))
    except ProtocolFault as odd:
        return Err(odd.error)


def told(answer: Result[T]) -> T | None:
    """Return the value, or None where the meter did not tell it."""
    return answer.value if isinstance(answer, Ok) else None


def session_error(answers: Iterable[Result[Any]]) -> Err | None:
    """Return the error among `answers` that ended the session, or None."""
    for answer in answers:
        if isinstance(answer, Err) and ends_session(answer.error):
            return answer
    return None


def is_missing(error: MeterError) -> bool:
    """Tell whether the meter says that it has no such object of that class."""
    return error.kind is ErrorKind.REFUSED and error.code in NO_SUCH_OBJECT
