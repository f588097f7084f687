"""Streams of Results: small classes, never generators, so that leaving one early costs nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Self, TypeVar

from meterkit.result import Err, Ok, Result

T = TypeVar("T")


class ResultStream(ABC, Generic[T]):
    """Items of one long read, each a `Result`; at most one `Err`, and it is the last item.

    Nothing is read ahead: each item costs its own exchanges, in between which the line is free for
    keep-alive and for other calls.  `break` is free and leaves the session usable.
    """

    def __init__(self) -> None:
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result[T]:
        if self._is_over:
            raise StopAsyncIteration
        item = await self._next()
        if item is None:
            self._is_over = True
            raise StopAsyncIteration
        if isinstance(item, Err):
            self._is_over = True
        return item

    @abstractmethod
    async def _next(self) -> Result[T] | None:
        """Return the next item, or None at the end."""

    def values(self) -> Values[T]:
        """Return the same stream as plain values; the `Err`, if one comes, is raised as `MeterFailure`."""
        return Values(self)

    async def collect(self) -> Result[list[T]]:
        """Read to the end and return one Result: all items, or the error."""
        items: list[T] = []
        async for item in self:
            if isinstance(item, Err):
                return item
            items.append(item.value)
        return Ok(items)


class Values(Generic[T]):
    """A `ResultStream` whose items are unwrapped.  Errors: raises `MeterFailure`."""

    def __init__(self, stream: ResultStream[T]) -> None:
        self.stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return (await self.stream.__anext__()).unwrap()
