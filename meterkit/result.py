"""The outcome of one meter operation: `Ok` with a value, or `Err` with a `MeterError`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NoReturn, TypeAlias, TypeVar

from meterkit.errors import MeterError, MeterFailure

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


@dataclass(slots=True, unsafe_hash=True)  # a frozen one costs twice as much, and every call makes several
class Ok(Generic[T_co]):
    """The operation succeeded."""

    value: T_co
    is_success: ClassVar[Literal[True]] = True
    is_failure: ClassVar[Literal[False]] = False

    @property
    def error(self) -> NoReturn:
        """An `Ok` has none: asking for it is a mistake in the program."""
        raise AttributeError("Ok has no error; check is_success or is_failure first")

    def unwrap(self) -> T_co:
        """Return the value."""
        return self.value

    def map(self, function: Callable[[T_co], U]) -> Ok[U]:
        """Return `Ok(function(value))`."""
        return Ok(function(self.value))

    def bind(self, function: Callable[[T_co], Result[U]]) -> Result[U]:
        """Return `function(value)`, itself a Result."""
        return function(self.value)

    def match(self, on_success: Callable[[T_co], U], on_failure: Callable[[MeterError], U]) -> U:
        """Return `on_success(value)`."""
        return on_success(self.value)


@dataclass(frozen=True, slots=True)
class Err:
    """The operation failed; `error` says where and why."""

    error: MeterError
    is_success: ClassVar[Literal[False]] = False
    is_failure: ClassVar[Literal[True]] = True

    @property
    def value(self) -> NoReturn:
        """Raise the error as `MeterFailure`: there is no value."""
        raise MeterFailure(self.error)

    def unwrap(self) -> NoReturn:
        """Raise the error as `MeterFailure`."""
        raise MeterFailure(self.error)

    def map(self, function: Callable[[Any], object]) -> Err:
        """Return this error unchanged."""
        return self

    def bind(self, function: Callable[[Any], object]) -> Err:
        """Return this error unchanged."""
        return self

    def match(self, on_success: Callable[[Any], U], on_failure: Callable[[MeterError], U]) -> U:
        """Return `on_failure(error)`."""
        return on_failure(self.error)


Result: TypeAlias = Ok[T] | Err
