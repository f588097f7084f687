"""One line of a declared table: item, array, octets, text, octet_set; and views: bit, bits, derived.

On the class a field is a *reference* (an Expression, good for dimensions and conditions); on a record it
is a *value*.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from meterkit.codec.expression import AsRead, Expression, NotYet, Scope
from meterkit.codec.mistakes import check_field
from meterkit.codec.values import BitSet
from meterkit.codec.wire import CharString, Kind, OctetSet, OctetString

if TYPE_CHECKING:
    from meterkit.codec.record import Record

T = TypeVar("T")
R = TypeVar("R", bound="Record")
Version = tuple[int, ...]

OPTIONAL: Version = (0,)  #: as `since`: some meters have the field and some not, whatever their firmware


class Field(Expression, Generic[T]):
    """One line of a table.  Made by `item`, `array`, `octets`, `text`, `octet_set`."""

    name: str = "?"
    owner: type = object

    def __init__(
        self,
        kind: Kind[Any] | type[Record],
        *,
        count: int | Expression | AsRead | None = None,
        each: Expression | None = None,
        of: tuple[Expression, ...] = (),
        when: Expression | None = None,
        since: Version | None = None,
    ) -> None:
        check_field(kind, count, when, since)
        self.kind, self.count, self.each, self.of = kind, count, each, of
        self.when, self.since = when, since

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __repr__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"

    @overload
    def __get__(self, record: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, record: object, owner: type) -> T: ...
    def __get__(self, record: object | None, owner: type) -> Field[T] | T:
        # A record keeps its values in its __dict__, which Python looks into first: we come here for the
        # class, or for a record that is still being read.
        if record is None:
            return self
        raise NotYet(f"{self!r} has not been read yet")

    @property
    def needs(self) -> frozenset[type]:
        """The record this is a field of."""
        return frozenset([self.owner])

    def evaluate(self, scope: Scope) -> Any:
        """Return this field's value in the record that `scope` knows."""
        return scope.value(self.owner, self.name)

    @property
    def is_maybe_absent(self) -> bool:
        """Tell whether some meters lack the field, which then reads None."""
        return self.when is not None or self.since is not None


class View(Field[T]):
    """A name for something other fields already hold.  Takes no octets."""

    def __init__(
        self, look: Callable[[Any], T], source: Field[Any] | None = None, *, is_shown: bool = True
    ) -> None:
        super().__init__(OctetString(0))
        self.look, self.source, self.is_shown = look, source, is_shown

    @overload
    def __get__(self, record: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, record: object, owner: type) -> T: ...
    def __get__(self, record: object | None, owner: type) -> Field[T] | T:
        return self if record is None else self.look(record)


Of = Expression | tuple[Expression, ...]


def _tuple(of: Of) -> tuple[Expression, ...]:
    return of if isinstance(of, tuple) else (of,)


@overload
def item(kind: Kind[T], *, of: Of = ()) -> Field[T]: ...
@overload
def item(
    kind: Kind[T], *, when: Expression, since: Version | None = None, of: Of = ()
) -> Field[T | None]: ...
@overload
def item(kind: Kind[T], *, since: Version, of: Of = ()) -> Field[T | None]: ...
@overload
def item(kind: type[R], *, of: Of = ()) -> Field[R]: ...
@overload
def item(
    kind: type[R], *, when: Expression, since: Version | None = None, of: Of = ()
) -> Field[R | None]: ...
@overload
def item(kind: type[R], *, since: Version, of: Of = ()) -> Field[R | None]: ...
def item(
    kind: Any, *, when: Expression | None = None, since: Version | None = None, of: Of = ()
) -> Field[Any]:
    """Declare one value or record.

    `when`: present only while true.  `since`: present from that firmware on, or OPTIONAL.
    `of`: records, such as `ActLp.sets[0]`, to which the fields named inside `kind` refer.
    """
    return Field(kind, when=when, since=since, of=_tuple(of))


Count = int | Expression | AsRead | None
Each = Expression | None


@overload
def array(kind: Kind[T], count: Count = None, *, each: Each = None, of: Of = ()) -> Field[tuple[T, ...]]: ...
@overload
def array(
    kind: Kind[T],
    count: Count = None,
    *,
    each: Each = None,
    when: Expression,
    since: Version | None = None,
    of: Of = (),
) -> Field[tuple[T, ...] | None]: ...
@overload
def array(
    kind: Kind[T], count: Count = None, *, each: Each = None, since: Version, of: Of = ()
) -> Field[tuple[T, ...] | None]: ...
@overload
def array(kind: type[R], count: Count = None, *, each: Each = None, of: Of = ()) -> Field[tuple[R, ...]]: ...
@overload
def array(
    kind: type[R],
    count: Count = None,
    *,
    each: Each = None,
    when: Expression,
    since: Version | None = None,
    of: Of = (),
) -> Field[tuple[R, ...] | None]: ...
@overload
def array(
    kind: type[R], count: Count = None, *, each: Each = None, since: Version, of: Of = ()
) -> Field[tuple[R, ...] | None]: ...
def array(
    kind: Any,
    count: Count = None,
    *,
    each: Each = None,
    when: Expression | None = None,
    since: Version | None = None,
    of: Of = (),
) -> Field[Any]:
    """Declare `count` values or records, or one for `each` record of another table's array.

    With `each`, the fields of that array named inside `kind` mean the element of the same number, and
    ELEMENT is that number.  Elements that take no octets on this meter read as an empty tuple.
    """
    if (count is None) == (each is None):
        raise TypeError("array() takes a count, or each=, and not both")
    return Field(kind, count=count, each=each, when=when, since=since, of=_tuple(of))


Size = int | Expression


@overload
def octets(size: Size) -> Field[bytes]: ...
@overload
def octets(size: Size, *, when: Expression, since: Version | None = None) -> Field[bytes | None]: ...
@overload
def octets(size: Size, *, since: Version) -> Field[bytes | None]: ...
def octets(size: Size, *, when: Expression | None = None, since: Version | None = None) -> Field[Any]:
    """Declare `size` octets without further meaning."""
    return Field(OctetString(size), when=when, since=since)


@overload
def octet_set(size: Size) -> Field[BitSet]: ...
@overload
def octet_set(size: Size, *, when: Expression, since: Version | None = None) -> Field[BitSet | None]: ...
@overload
def octet_set(size: Size, *, since: Version) -> Field[BitSet | None]: ...
def octet_set(size: Size, *, when: Expression | None = None, since: Version | None = None) -> Field[Any]:
    """Declare a SET of `size` octets."""
    return Field(OctetSet(size), when=when, since=since)


@overload
def text(size: Size, *, padding: str = " ") -> Field[str]: ...
@overload
def text(
    size: Size, *, padding: str = " ", when: Expression, since: Version | None = None
) -> Field[str | None]: ...
@overload
def text(size: Size, *, padding: str = " ", since: Version) -> Field[str | None]: ...
def text(
    size: Size, *, padding: str = " ", when: Expression | None = None, since: Version | None = None
) -> Field[Any]:
    """Declare `size` octets of characters, filled with `padding` when written."""
    return Field(CharString(size, padding), when=when, since=since)


@overload
def bit(source: Field[int], number: int) -> Field[bool]: ...
@overload
def bit(source: Field[int | None], number: int) -> Field[bool | None]: ...
def bit(source: Field[Any], number: int) -> Field[Any]:
    """Name bit `number` of an integer field; bit 0 is the least significant once its octets are in order.

    None where the integer is absent.
    """
    return bits(source, number, number, bool)


@overload
def bits(source: Field[int], low: int, high: int) -> Field[int]: ...
@overload
def bits(source: Field[int], low: int, high: int, convert: Callable[[int], T]) -> Field[T]: ...
@overload
def bits(source: Field[int | None], low: int, high: int) -> Field[int | None]: ...
@overload
def bits(source: Field[int | None], low: int, high: int, convert: Callable[[int], T]) -> Field[T | None]: ...
def bits(source: Field[Any], low: int, high: int, convert: Callable[[int], Any] = int) -> Field[Any]:
    """Name bits `low` to `high`, both included, of an integer field; `convert` must be total.

    None where the integer is absent.
    """
    mask = (1 << (high - low + 1)) - 1

    def look(record: Any) -> Any:
        value = getattr(record, source.name)
        return None if value is None else convert(value >> low & mask)

    return View(look, source)


def derived(look: Callable[[Any], T], *, is_shown: bool = True) -> Field[T]:
    """Name what `look(record)` makes of a record's other fields; `look` must be total.

    `is_shown`: `plain` lists it beside the fields.
    """
    return View(look, is_shown=is_shown)
