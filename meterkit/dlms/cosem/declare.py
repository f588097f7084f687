"""Interface classes as class bodies: one line an attribute, one line a method.

    class Register(CosemObject, class_id=3, version=0):
        value = attribute(2, ANY)
        scaler_unit = attribute(3, ScalerUnit, static=True)
        reset = method(1, NOTHING)

    Register.value                   what is declared: index, type, static
    Register("1-0:1.8.0").value      AttributeRef: what GET and SET need, and how to read the answer

A version of a class is written as what it adds to the one before: `class DisconnectControlV1(
DisconnectControl, version=1)`.  Two declarations of one (class_id, version) fail to import.

Source: Blue Book 4.1 (interface classes, attributes, methods and their notation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, ClassVar, Final, Generic, TypeVar, overload

from meterkit.dlms.cosem.composite_types import Declared, type_of
from meterkit.dlms.cosem.data_types import ANY, LOGICAL_NAME, DataType
from meterkit.dlms.cosem.obis import ObisCode

T = TypeVar("T")
P = TypeVar("P")  # what a method takes
Q = TypeVar("Q")
R = TypeVar("R")  # what it returns


@dataclass(frozen=True, slots=True)
class AttributeRef(Generic[T]):
    """One attribute of one object."""

    class_id: int
    obis: ObisCode
    index: int
    type: DataType[T]
    name: str  #: class and attribute, such as "Register.scaler_unit"

    def decode(self, octets: bytes) -> T:
        """Return the value of A-XDR octets.  Errors: `ProtocolFault` (DECODE) naming object and place."""
        return self.type.decode(octets, str(self))

    def encode(self, value: T) -> bytes:
        """Return `value` in A-XDR.  Raises: ValueError or TypeError for no value of its type."""
        try:
            return self.type.encode(value)
        except (TypeError, ValueError) as wrong:
            raise type(wrong)(f"{self}: {wrong}") from None

    def __str__(self) -> str:
        class_name, _, name = self.name.partition(".")
        return f"{class_name} {self.obis} {name}"


@dataclass(frozen=True, slots=True)
class MethodRef(Generic[P, R]):
    """One method of one object."""

    class_id: int
    obis: ObisCode
    index: int
    type: DataType[P]
    returns: DataType[R] | None  #: None where the method returns nothing
    name: str  #: class and method, such as "DisconnectControl.remote_disconnect"

    def encode(self, value: P) -> bytes:
        """Return the parameters in A-XDR.  Raises: ValueError or TypeError for none of its type."""
        try:
            return self.type.encode(value)
        except (TypeError, ValueError) as wrong:
            raise type(wrong)(f"{self}: {wrong}") from None

    def __str__(self) -> str:
        class_name, _, name = self.name.partition(".")
        return f"{class_name} {self.obis} {name}"


class attribute(Generic[T]):  # noqa: N801  # it reads as the word it stands for
    """One attribute of an interface class; `static` ones change by configuration only."""

    name: str

    def __init__(self, index: int, kind: Declared[T], *, static: bool = False) -> None:
        self.index, self.type, self.is_static = index, type_of(kind), static

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, obj: None, owner: type[Any]) -> attribute[T]: ...
    @overload
    def __get__(self, obj: CosemObject, owner: type[Any]) -> AttributeRef[T]: ...
    def __get__(self, obj: CosemObject | None, owner: type[Any]) -> attribute[T] | AttributeRef[T]:
        return self if obj is None else self.of(obj)

    def of(self, obj: CosemObject) -> AttributeRef[T]:
        """Return this attribute of one object."""
        name = f"{type(obj).__name__}.{self.name}"
        return AttributeRef(obj.class_id, obj.obis, self.index, self.type, name)


class method(Generic[P, R]):  # noqa: N801
    """One method of an interface class: what it takes and, where it does, what it returns."""

    name: str

    @overload
    def __init__(self: method[Q, None], index: int, kind: Declared[Q]) -> None: ...
    @overload
    def __init__(self, index: int, kind: Declared[P], *, returns: Declared[R]) -> None: ...
    def __init__(self, index: int, kind: Declared[Any], *, returns: Declared[Any] | None = None) -> None:
        self.index = index
        self.type: DataType[P] = type_of(kind)
        self.returns: DataType[R] | None = None if returns is None else type_of(returns)

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, obj: None, owner: type[Any]) -> method[P, R]: ...
    @overload
    def __get__(self, obj: CosemObject, owner: type[Any]) -> MethodRef[P, R]: ...
    def __get__(self, obj: CosemObject | None, owner: type[Any]) -> method[P, R] | MethodRef[P, R]:
        if obj is None:
            return self
        name = f"{type(obj).__name__}.{self.name}"
        return MethodRef(obj.class_id, obj.obis, self.index, self.type, self.returns, name)


#: Every class declared so far, by (class_id, version); `meterkit.dlms.cosem.classes` declares them all.
DECLARED: Final[dict[tuple[int, int], type[CosemObject]]] = {}


class CosemObject:
    """An object of a meter: an interface class and a logical name.

    A body without `class_id` and `version` is what several versions have in common.
    """

    class_id: ClassVar[int]
    version: ClassVar[int]
    attributes: ClassVar[Mapping[int, attribute[Any]]]  #: by index
    methods: ClassVar[Mapping[int, method[Any, Any]]]  #: by index
    withheld: ClassVar[tuple[str, ...]] = ()  #: what the standard has and no source at hand confirms

    logical_name = attribute(1, LOGICAL_NAME, static=True)

    def __init__(self, obis: ObisCode | str) -> None:
        self.obis = ObisCode.parse(obis) if isinstance(obis, str) else obis

    def __init_subclass__(cls, *, class_id: int | None = None, version: int | None = None) -> None:
        bodies = [vars(base) for base in reversed(cls.__mro__)]
        cls.attributes = _numbered(cls, [one for body in bodies for one in _of(body, attribute)])
        cls.methods = _numbered(cls, [one for body in bodies for one in _of(body, method)])
        if class_id is not None:
            cls.class_id = class_id
        if version is not None:
            cls.version = version
            if DECLARED.setdefault((cls.class_id, version), cls) is not cls:
                raise TypeError(f"class {cls.class_id} version {version} is declared twice: {cls.__name__}")

    def attribute_ref(self, index: int) -> AttributeRef[Any]:
        """Return an attribute by index; one that is not declared is read as plain Python."""
        declared = self.attributes.get(index)
        if declared is not None:
            return declared.of(self)
        return AttributeRef(self.class_id, self.obis, index, ANY, f"{type(self).__name__}.attribute_{index}")

    def method_ref(self, index: int) -> MethodRef[Any, Any]:
        """Return a method by index; one that is not declared takes and returns plain Python."""
        declared = self.methods.get(index)
        if declared is not None:
            return declared.__get__(self, type(self))
        return MethodRef(self.class_id, self.obis, index, ANY, ANY, f"{type(self).__name__}.method_{index}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.obis == self.obis

    def __hash__(self) -> int:
        return hash((self.class_id, self.version, self.obis))

    def __repr__(self) -> str:
        return f'{type(self).__name__}("{self.obis}")'


M = TypeVar("M", "attribute[Any]", "method[Any, Any]")


def _of(body: Mapping[str, object], kind: type[M]) -> list[M]:
    return [member for member in body.values() if isinstance(member, kind)]


def _numbered(cls: type[CosemObject], members: list[M]) -> Mapping[int, M]:
    """Return members by index, later versions' last.  Raises: TypeError for one index under two names."""
    numbered: dict[int, M] = {}
    for member in members:
        known = numbered.get(member.index)
        if known is not None and known.name != member.name:
            raise TypeError(f"{cls.__name__}: {known.name} and {member.name} are both number {member.index}")
        numbered[member.index] = member
    return MappingProxyType(dict(sorted(numbered.items())))


@lru_cache(maxsize=256)
def generic(class_id: int, version: int) -> type[CosemObject]:
    """Return a class for what is not declared: attributes and methods by number, values as plain Python."""
    return type(
        f"Class{class_id}Version{version}", (CosemObject,), {"class_id": class_id, "version": version}
    )
