"""Dimensions and conditions of one table, written over the fields of others.

`ActRegs.nbr_tiers`, `(ActLp.nbr_blk_ints + 7) // 8` and `ActRegs.date_time_field_flag & ~GenConfig.x`
are Expressions: they say what they need to be known, and give a number once it is.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Order = Literal["<", ">"]  #: of multi-octet values: least, or most significant octet first


class NotYet(Exception):
    """An expression asks for a field of the very record that is still being read."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may look at while a declaration is resolved."""

    records: Mapping[type, Any] = field(default_factory=dict[type, Any])
    order: Order = "<"
    int_format: int = 0
    char_format: int = 1
    edition: tuple[int, ...] | None = None  #: newest `since` group to take in; None: all
    pending: frozenset[type] = frozenset()  #: records being read now
    element: int | None = None  #: number of the array element at hand
    left: int | None = None  #: octets from the current field to the end

    def bind(self, *records: Any) -> Scope:
        """Return a scope that knows `records` too, each under its class and its base classes."""
        if not records:
            return self
        known = dict(self.records)
        for record in records:
            for base in type(record).__mro__:
                known[base] = record
        return replace(self, records=known)

    def over(self, left: int | None) -> Scope:
        """Return a scope with `left` octets from the current field to the end."""
        return self if left == self.left else replace(self, left=left)

    def value(self, owner: type, name: str) -> Any:
        """Return field `name` of the record of class `owner`.

        Errors: NotYet while that record is being read; ValueError when nobody read it.
        """
        record = self.records.get(owner)
        if record is None:
            if owner in self.pending:
                raise NotYet(f"{owner.__name__}.{name}")
            raise ValueError(
                f"{owner.__name__}.{name} is needed: read {owner.__name__} first, give it in Context"
            )
        if owner in self.pending and not record.is_read(name):
            raise NotYet(f"{owner.__name__}.{name}")
        return getattr(record, name)


class Expression(ABC):
    """A number, flag or record known only once some table has been read.

    `& | ~` are "and", "or", "not" of flags; on integers `&` and `|` work bit by bit.
    """

    __hash__ = object.__hash__

    @property
    @abstractmethod
    def needs(self) -> frozenset[type]:
        """Record classes whose values this looks at."""

    @abstractmethod
    def evaluate(self, scope: Scope) -> Any:
        """Return the value in `scope`."""

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} is not known yet: combine expressions with & | ~, not and/or/not")

    def __add__(self, other: int | Expression) -> Expression:
        return Computed("({} + {})", operator.add, self, other)

    def __radd__(self, other: int) -> Expression:
        return Computed("({} + {})", operator.add, other, self)

    def __sub__(self, other: int | Expression) -> Expression:
        return Computed("({} - {})", operator.sub, self, other)

    def __rsub__(self, other: int) -> Expression:
        return Computed("({} - {})", operator.sub, other, self)

    def __mul__(self, other: int | Expression) -> Expression:
        return Computed("({} * {})", operator.mul, self, other)

    def __rmul__(self, other: int) -> Expression:
        return Computed("({} * {})", operator.mul, other, self)

    def __floordiv__(self, other: int | Expression) -> Expression:
        return Computed("({} // {})", _floor, self, other)

    def __mod__(self, other: int | Expression) -> Expression:
        return Computed("({} % {})", operator.mod, self, other)

    def __rshift__(self, other: int | Expression) -> Expression:
        return Computed("({} >> {})", _shift, self, other)

    def __and__(self, other: int | Expression) -> Expression:
        return Computed("({} & {})", _and, self, other)

    def __or__(self, other: int | Expression) -> Expression:
        return Computed("({} | {})", _or, self, other)

    def __invert__(self) -> Expression:
        return Computed("~{}", operator.not_, self)

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return Computed("({} == {})", operator.eq, self, other)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return Computed("({} != {})", operator.ne, self, other)

    def __lt__(self, other: int | Expression) -> Expression:
        return Computed("({} < {})", operator.lt, self, other)

    def __le__(self, other: int | Expression) -> Expression:
        return Computed("({} <= {})", operator.le, self, other)

    def __gt__(self, other: int | Expression) -> Expression:
        return Computed("({} > {})", operator.gt, self, other)

    def __ge__(self, other: int | Expression) -> Expression:
        return Computed("({} >= {})", operator.ge, self, other)

    def __getitem__(self, index: int | Expression) -> Expression:
        return Computed("{}[{}]", operator.getitem, self, index)

    def bit(self, number: int | Expression) -> Expression:
        """Return bit `number` of an integer, bit 0 the least significant, as a flag."""
        return Computed("{}.bit({})", _bit, self, number)

    def has(self, number: int | Expression) -> Expression:
        """Tell whether a SET holds `number`."""
        return Computed("{}.has({})", operator.contains, self, number)


def _floor(left: int, right: int) -> int:
    return left // right


def _shift(value: int, count: int) -> int:
    if count < 0:
        raise IndexError(f"no bit {count}")
    return value >> count


def _bit(value: int, number: int) -> bool:
    return bool(_shift(value, number) & 1)


def _and(left: int, right: int) -> int:
    return left & right


def _or(left: int, right: int) -> int:
    return left | right


class Computed(Expression):
    """An operation on expressions and constants."""

    def __init__(self, text: str, function: Callable[..., Any], *operands: Any) -> None:
        self._text, self._function, self._operands = text, function, operands

    def __repr__(self) -> str:
        return self._text.format(*self._operands)

    @property
    def needs(self) -> frozenset[type]:
        """Record classes whose values the operands look at."""
        needs: frozenset[type] = frozenset()
        return needs.union(*(part.needs for part in self._operands if isinstance(part, Expression)))

    def evaluate(self, scope: Scope) -> Any:
        """Return the operation's result in `scope`."""
        parts = [part.evaluate(scope) if isinstance(part, Expression) else part for part in self._operands]
        return self._function(*parts)


class _Element(Expression):
    needs = frozenset[type]()  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def __repr__(self) -> str:
        return "ELEMENT"

    def evaluate(self, scope: Scope) -> int:
        if scope.element is None:
            raise ValueError("ELEMENT has a value only inside array(..., each=...)")
        return scope.element


ELEMENT: Expression = _Element()  #: number of the element, from 0, in an `array(..., each=...)`


@dataclass(frozen=True, slots=True)
class AsRead:
    """As many elements as the octets hold, within bounds; for the last field of a table."""

    at_least: int
    at_most: int


def as_read(at_least: int, at_most: int) -> AsRead:
    """Return a dimension that the octets themselves tell: `at_least` to `at_most` elements."""
    if not 0 <= at_least <= at_most:
        raise ValueError(f"as_read({at_least}, {at_most}): bounds must be 0 or more, in order")
    return AsRead(at_least, at_most)
