"""Wire types: how one value lies in octets.

A `Wire` is final: a struct code, and functions to and from what struct gives.  Other kinds become a
`Wire` once a meter's octet order, formats and dimensions are known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from meterkit import arguments
from meterkit.codec.expression import Expression, Scope
from meterkit.codec.values import BitSet
from meterkit.errors import ErrorKind, ProtocolFault, fault

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_SIZE = 0xFFFFFF + 0xFFFF  # octets; no read service reaches past offset UINT24 + count UINT16


class Kind(ABC, Generic[T_co]):
    """Anything that describes one value of type T on the wire."""

    __slots__ = ()

    @property
    def needs(self) -> frozenset[type]:
        """Record classes that must be known before this becomes a `Wire`."""
        return frozenset()

    @abstractmethod
    def wire(self, scope: Scope, where: str) -> Wire[T_co]:
        """Return the final wire type.

        Errors: ProtocolFault (DECODE) at `where` when the meter names a format nobody knows.
        """


@dataclass(frozen=True, slots=True)
class Wire(Kind[T_co]):
    """One value of `size` octets: its struct code and its conversions.

    `convert` is total: it has a value for whatever struct gives.  `revert` raises ValueError,
    OverflowError, TypeError or AttributeError for a value that does not fit.
    """

    name: str
    code: str  #: struct code without octet order, yielding exactly one value
    size: int
    convert: Callable[[Any], T_co] | None = None
    revert: Callable[[Any], Any] | None = None

    def wire(self, scope: Scope, where: str) -> Wire[T_co]:
        """Return itself."""
        return self


@dataclass(frozen=True, slots=True)
class Formed(Kind[T_co]):
    """A value whose form hangs on the meter's octet order or number formats."""

    form: Callable[[Scope], Wire[T_co]]

    def wire(self, scope: Scope, where: str) -> Wire[T_co]:
        """Return the form for this meter.

        Errors: the form's own ProtocolFault, at `where`.
        """
        try:
            return self.form(scope)
        except ProtocolFault as problem:
            raise ProtocolFault(problem.error.at(where)) from None


@dataclass(frozen=True, slots=True)
class Chosen(Kind[T_co]):
    """A value whose kind the meter selects by a code in some table, such as NI_FMAT1."""

    name: str
    by: Expression
    kinds: Mapping[int, Kind[T_co]]

    @property
    def needs(self) -> frozenset[type]:
        """Record classes that the code and the kinds look at."""
        return self.by.needs.union(*(kind.needs for kind in self.kinds.values()))

    def wire(self, scope: Scope, where: str) -> Wire[T_co]:
        """Return the kind that the code in `scope` selects."""
        code = self.by.evaluate(scope)
        kind = self.kinds.get(code)
        if kind is None:
            known = ", ".join(map(str, sorted(self.kinds)))
            message = f"{self.name} has no format {code} ({self.by!r}); known are {known}"
            raise fault(ErrorKind.DECODE, message, where=where)
        return kind.wire(scope, where)


# ---------------------------------------------------------------- integers
_PYTHON_ORDER = {"<": "little", ">": "big"}


def _wide(name: str, size: int, order: str) -> Wire[int]:
    byte_order: Any = _PYTHON_ORDER[order]

    def convert(octets: bytes) -> int:
        return int.from_bytes(octets, byte_order)

    def revert(value: int) -> bytes:
        return value.to_bytes(size, byte_order)

    return Wire(name, f"{size}s", size, convert, revert)


@cache
def _unsigned(size: int, order: str) -> Wire[int]:
    code = {1: "B", 2: "H", 4: "I", 8: "Q"}.get(size)
    return Wire(f"UINT{size * 8}", code, size) if code else _wide(f"UINT{size * 8}", size, order)


@cache
def _signed(size: int, order: str, int_format: int) -> Wire[int]:
    """Return INTn.  Source: C12.19 ST0 INT_FORMAT 0 two's, 1 one's complement, 2 sign and magnitude."""
    name, code = f"INT{size * 8}", {1: "b", 2: "h", 4: "i", 8: "q"}.get(size)
    if int_format == 0 and code:
        return Wire(name, code, size)
    plain, top, modulus = _unsigned(size, order), 1 << (size * 8 - 1), 1 << (size * 8)
    read, write = plain.convert, plain.revert

    def convert(raw: Any) -> int:
        value: int = read(raw) if read else raw
        if value < top:
            return value
        return value - modulus if int_format == 0 else value - modulus + 1 if int_format == 1 else top - value

    def revert(value: int) -> Any:
        if not -top + (int_format != 0) <= value < top:
            raise ValueError(f"{value} does not fit {name}")
        if value < 0:
            value = (
                value + modulus
                if int_format == 0
                else value + modulus - 1
                if int_format == 1
                else top - value
            )
        return write(value) if write else value

    return Wire(name, plain.code, size, convert, revert)


def _signed_kind(size: int) -> Kind[int]:
    def form(scope: Scope) -> Wire[int]:
        if scope.int_format not in (0, 1, 2):
            raise fault(ErrorKind.DECODE, f"INT_FORMAT {scope.int_format} unknown; C12.19 has 0, 1, 2")
        return _signed(size, scope.order, scope.int_format)

    return Formed(form)


def _unsigned_kind(size: int) -> Kind[int]:
    return Formed(lambda scope: _unsigned(size, scope.order))


UINT8: Kind[int] = _unsigned(1, "<")
UINT16: Kind[int] = _unsigned(2, "<")
UINT24: Kind[int] = _unsigned_kind(3)
UINT32: Kind[int] = _unsigned(4, "<")
UINT40: Kind[int] = _unsigned_kind(5)
UINT48: Kind[int] = _unsigned_kind(6)
UINT56: Kind[int] = _unsigned_kind(7)
UINT64: Kind[int] = _unsigned(8, "<")
INT8: Kind[int] = _signed_kind(1)
INT16: Kind[int] = _signed_kind(2)
INT24: Kind[int] = _signed_kind(3)
INT32: Kind[int] = _signed_kind(4)
INT40: Kind[int] = _signed_kind(5)
INT48: Kind[int] = _signed_kind(6)
INT56: Kind[int] = _signed_kind(7)
INT64: Kind[int] = _signed_kind(8)
FLOAT32: Kind[float] = Wire("FLOAT32", "f", 4)
FLOAT64: Kind[float] = Wire("FLOAT64", "d", 8)


# ---------------------------------------------------------------- octets, sets, characters
def check_dimension(name: str, value: object) -> None:
    """Make sure that a declared dimension is an expression, or a number that a table can have.

    Errors: TypeError, ValueError.
    """
    if not isinstance(value, Expression):
        arguments.whole(name, value, 0, MAX_SIZE)


def measure(size: int | Expression, scope: Scope, where: str) -> int:
    """Return a dimension as a number.

    Errors: ProtocolFault (DECODE) at `where` when it is negative, beyond any table, or cannot be computed.
    """
    if isinstance(size, int):
        return size
    try:
        number = int(size.evaluate(scope))
    except (ZeroDivisionError, IndexError, TypeError, OverflowError) as problem:
        raise fault(ErrorKind.DECODE, f"{size!r} cannot be computed: {problem}", where=where) from None
    if not 0 <= number <= MAX_SIZE:
        raise fault(ErrorKind.DECODE, f"{size!r} is {number}: no table has that dimension", where=where)
    return number


@dataclass(frozen=True, slots=True, eq=False)
class OctetString(Kind[bytes]):
    """`size` octets without further meaning."""

    size: int | Expression

    def __post_init__(self) -> None:
        check_dimension("size", self.size)

    @property
    def needs(self) -> frozenset[type]:
        """Record classes that the size looks at."""
        return self.size.needs if isinstance(self.size, Expression) else frozenset()

    def wire(self, scope: Scope, where: str) -> Wire[bytes]:
        """Return the wire type with its size known."""
        size = measure(self.size, scope, where)
        return Wire("octets", f"{size}s", size, None, _exactly(size))


@dataclass(frozen=True, slots=True, eq=False)
class OctetSet(Kind[BitSet]):
    """A SET of `size` octets: least significant bit of the first octet is number 0, in any octet order."""

    size: int | Expression

    def __post_init__(self) -> None:
        check_dimension("size", self.size)

    @property
    def needs(self) -> frozenset[type]:
        """Record classes that the size looks at."""
        return self.size.needs if isinstance(self.size, Expression) else frozenset()

    def wire(self, scope: Scope, where: str) -> Wire[BitSet]:
        """Return the wire type with its size known."""
        size = measure(self.size, scope, where)
        check = _exactly(size)
        return Wire("SET", f"{size}s", size, BitSet, lambda value: check(value.octets))


def _exactly(size: int) -> Callable[[bytes], bytes]:
    def check(octets: bytes) -> bytes:
        if len(octets) != size:
            raise ValueError(f"{size} octets expected, {len(octets)} given")
        return bytes(octets)

    return check


@dataclass(frozen=True, slots=True, eq=False)
class CharString(Kind[str]):
    """`size` octets of characters: read up to the first NUL, without trailing spaces.

    Written left-justified, filled with `padding`.  Octets that are no characters read as U+FFFD.
    Source: C12.19 ST0 CHAR_FORMAT.
    """

    size: int | Expression
    padding: str = " "

    def __post_init__(self) -> None:
        check_dimension("size", self.size)

    @property
    def needs(self) -> frozenset[type]:
        """Record classes that the size looks at."""
        return self.size.needs if isinstance(self.size, Expression) else frozenset()

    def wire(self, scope: Scope, where: str) -> Wire[str]:
        """Return the wire type with size and character set known."""
        size = measure(self.size, scope, where)
        charset = _charset(scope, where)
        padding = self.padding.encode(charset)

        def convert(octets: bytes) -> str:
            return octets.decode(charset, "replace").partition("\0")[0].rstrip(" ")

        def revert(value: str) -> bytes:
            octets = value.encode(charset)
            if len(octets) > size:
                raise ValueError(f"{len(octets)} octets of characters, {size} at most")
            filled = octets + padding * ((size - len(octets)) // len(padding))
            return filled.ljust(size, b"\0")

        return Wire("CHAR", f"{size}s", size, convert, revert)


def _charset(scope: Scope, where: str) -> str:
    """Return Python's name of CHAR_FORMAT; Latin-1 reads ASCII (1) and unassigned (0) octets too."""
    ending = "le" if scope.order == "<" else "be"
    charsets = {
        0: "latin-1",
        1: "latin-1",
        2: "latin-1",
        3: "utf-8",
        4: f"utf-16-{ending}",
        5: f"utf-32-{ending}",
    }
    charset = charsets.get(scope.char_format)
    if charset is None:
        message = f"CHAR_FORMAT {scope.char_format} unknown; C12.19 has 1 to 5"
        raise fault(ErrorKind.DECODE, message, where=where)
    return charset
