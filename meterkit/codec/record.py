"""Record: a table as a class body of fields; Context: what is known of the meter that it is read from.

Records are plain immutable values.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from meterkit.codec.expression import Expression, Order, Scope
from meterkit.codec.field import OPTIONAL, Field, View
from meterkit.codec.wire import Kind

if TYPE_CHECKING:
    from meterkit.codec.layout import Layout


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
