"""The entries of a log or a billing profile, as far as they could be read: a tuple, and what ended it early.

events = (await client.events()).unwrap()
if events.error is not None: ...            the good ones are in `events` all the same
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Self, TypeVar

from meterkit.errors import MeterError
from meterkit.result import Err, Ok, Result

T = TypeVar("T")
R = TypeVar("R")


class Entries(tuple[T, ...]):
    """Entries, oldest first.  `error` is what ended the reading before it was whole, or None."""

    error: MeterError | None

    def __new__(cls, entries: Iterable[T] = (), error: MeterError | None = None) -> Self:
        """Return the entries with what ended their reading."""
        made = super().__new__(cls, entries)
        made.error = error
        return made


async def read_rows(stream: AsyncIterator[Result[R]]) -> Result[Entries[R]]:
    """Read a stream as far as it goes.

    Errors: what ended it before the first row.
    """
    rows: list[R] = []
    async for result in stream:
        if isinstance(result, Err):
            return Ok(Entries(rows, result.error)) if rows else result
        rows.append(result.value)
    return Ok(Entries(rows))
