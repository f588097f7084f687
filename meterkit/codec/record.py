"""Declare a table once, as a class body: Record, item, array, octets, text, octet_set, bit, bits, derived.

On the class a field is a *reference* (an Expression, good for dimensions and conditions); on a record it
is a *value*.  Records are plain immutable values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, TypeVar, overload

from meterkit.codec.expression import AsRead, Expression, NotYet, Order, Scope
from meterkit.codec.values import BitSet
from meterkit.codec.wire import CharString, Kind, OctetSet, OctetString

if TYPE_CHECKING:
    from meterkit.codec.layout import Layout

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


# ---------------------------------------------------------------- records
class Record:
    """Base of every declared record.

    `Rcd(field=value, ...)` makes one; fields that a meter may lack can be left out and are None.
    Errors: TypeError for a name that is unknown or missing.
    """

    fields: ClassVar[tuple[Field[Any], ...]] = ()  #: that take octets, in order
    views: ClassVar[tuple[View[Any], ...]] = ()  #: other names for what the fields hold
    is_table: ClassVar[bool] = False
    extra: bytes = b""  #: octets read beyond the declared ones: a newer meter's

    def __init_subclass__(cls) -> None:
        own: list[Field[Any]] = [value for value in vars(cls).values() if isinstance(value, Field)]
        for f in own:
            taken = next((base for base in cls.__mro__[1:] if f.name in vars(base)), None)
            if taken is not None and not isinstance(vars(taken)[f.name], Field):
                raise TypeError(f"{cls.__name__}.{f.name}: {taken.__name__} needs that name for itself")
        inherited = (*cls.fields, *cls.views)
        if cls.is_table:  # tables of one shape: what looks at a field needs this table, not the other
            inherited = tuple(f if f.name in vars(cls) else _adopted(f, cls) for f in inherited)
        # A field declared again takes the place of the inherited one.
        named = {f.name: f for f in (*inherited, *own)}
        cls.fields = tuple(f for f in named.values() if not isinstance(f, View))
        cls.views = tuple(f for f in named.values() if isinstance(f, View))

    def __init__(self, **values: Any) -> None:
        names = {f.name for f in self.fields}
        unknown = values.keys() - names - {"extra"}
        missing = [f.name for f in self.fields if f.name not in values and not f.is_maybe_absent]
        if unknown or missing:
            wrong = [f"unknown: {', '.join(sorted(unknown))}"] if unknown else []
            wrong += [f"missing: {', '.join(missing)}"] if missing else []
            raise TypeError(f"{type(self).__name__}: {'; '.join(wrong)}")
        own = self.__dict__
        for f in self.fields:
            value = values.get(f.name)
            own[f.name] = tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType]
        if values.get("extra"):
            own["extra"] = bytes(values["extra"])

    @classmethod
    def label(cls) -> str:
        """Return the name that errors use."""
        return cls.__name__

    def is_read(self, name: str) -> bool:
        """Tell whether the field, or the one a view looks at, already has a value."""
        declared = getattr(type(self), name, None)
        if isinstance(declared, View) and declared.source is not None:
            name = declared.source.name
        elif isinstance(declared, View):
            return all(f.name in self.__dict__ for f in self.fields)
        return name in self.__dict__

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable; make another with .replace({name}=...)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed.

        Errors: TypeError for an unknown name.
        """
        return type(self)(**{**self.__dict__, **changes})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.__dict__.items())})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    @classmethod
    def needs(cls) -> frozenset[type[Record]]:
        """Return the tables that must be read before this one can be resolved."""
        seen: set[type] = set()
        _collect_needs(cls, seen)
        return frozenset(r for r in seen if issubclass(r, Record) and r.is_table and r is not cls)

    @classmethod
    def grows(cls) -> bool:
        """Tell whether fields were added with later firmware, so that a meter's own should be known."""
        return any(
            f.since not in (None, OPTIONAL) or (isinstance(f.kind, type) and f.kind.grows())
            for f in cls.fields
        )

    @classmethod
    def resolve(cls, context: Context | None = None) -> Layout[Self]:
        """Return the layout of this record on one meter: every size and offset a number.

        Errors: ProtocolFault (DECODE) for a format nobody knows or dimensions no table has;
        ValueError when `context` lacks a table of `needs()`.
        """
        from meterkit.codec.layout import Layout

        return Layout(cls, context or Context())


def _adopted(f: Field[Any], owner: type[Record]) -> Field[Any]:
    """Return a copy of an inherited field that is `owner`'s own."""
    own = copy(f)
    setattr(owner, f.name, own)
    own.owner = owner
    return own


def _collect_needs(record: type[Record], seen: set[type]) -> None:
    for f in record.fields:
        for part in (f.when, f.count, f.each, *f.of):
            if isinstance(part, Expression):
                seen |= part.needs
        if isinstance(f.kind, Kind):
            seen |= f.kind.needs
        else:
            _collect_needs(f.kind, seen)


_NOTHING: Mapping[type[Record], Record] = {}


@dataclass(frozen=True)
class Context:
    """What is known of one meter: tables already read, and how its octets are to be taken."""

    records: Mapping[type[Record], Record] = field(default_factory=lambda: _NOTHING)
    byte_order: Order = "<"  #: ST0 DATA_ORDER
    firmware: tuple[int, int, int] | None = None  #: None: the octets decide which groups are there
    int_format: int = 0  #: ST0 INT_FORMAT
    char_format: int = 1  #: ST0 CHAR_FORMAT

    def with_(self, *records: Record) -> Context:
        """Return a context that knows `records` too; their classes' older records are replaced."""
        return replace(self, records={**self.records, **{type(r): r for r in records}})

    def scope(self) -> Scope:
        """Return the scope in which a declaration is resolved."""
        start = Scope(order=self.byte_order, int_format=self.int_format, char_format=self.char_format)
        return start.bind(*self.records.values())
