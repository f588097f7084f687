"""A declaration with every size and offset known: a tree of Wire, Series, Various and Group.

What `meterkit.codec.layout` makes of a Record for one meter; walked to write, to name the field at
an offset, and (by `meterkit.codec.decoder`) to compile the reader.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from meterkit.codec.wire import Wire

if TYPE_CHECKING:
    from meterkit.codec.record import Record


@dataclass(frozen=True, slots=True)
class Series:
    """`count` elements of one shape.  Elements that take no octets are not counted: `count` is 0."""

    node: Wire[Any] | Group | None
    count: int

    @property
    def size(self) -> int:
        """Octets of all elements."""
        return self.node.size * self.count if self.node else 0


@dataclass(frozen=True, slots=True)
class Various:
    """Elements whose shapes may differ, one for each element of another array."""

    nodes: tuple[Node, ...]

    @property
    def size(self) -> int:
        """Octets of all elements."""
        return sum(node.size for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Part:
    """One field at its offset; `node` is None when the field is absent on this meter."""

    name: str
    at: int
    node: Node | None


@dataclass(frozen=True, slots=True)
class Group:
    """One record."""

    record: type[Record]
    parts: tuple[Part, ...]
    size: int


Node: TypeAlias = Wire[Any] | Series | Various | Group

_LONG_CODE = 1000  # characters of a struct format

_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]")


def find(group: Group, path: str) -> tuple[int, Node]:
    """Return offset and node of `path`, such as "tier_data_block[3].demands[1].demand".

    Errors: LookupError when the path leads nowhere.
    """
    node: Node | None = group
    at = position = 0
    for step in _STEP.finditer(path):
        if step.start() != position:
            break
        position, (name, index) = step.end(), step.groups()
        if isinstance(node, Group) and name:
            part = next((part for part in node.parts if part.name == name), None)
            if part is None:
                raise LookupError(f"{node.record.__name__} has no field {name!r}")
            at, node = at + part.at, part.node
        elif index and isinstance(node, Series) and node.node and int(index) < node.count:
            at, node = at + int(index) * node.node.size, node.node
        elif index and isinstance(node, Various) and int(index) < len(node.nodes):
            at, node = at + sum(n.size for n in node.nodes[: int(index)]), node.nodes[int(index)]
        else:
            raise LookupError(f"{path}: nothing at {step.group()!r} on this meter")
    if position != len(path) or node is None:
        raise LookupError(f"{path}: {'absent on this meter' if node is None else 'not a path'}")
    return at, node


def name_at(node: Node, offset: int) -> str:
    """Return the path of the value that holds octet `offset`, one of the node's, relative to `node`."""
    if isinstance(node, Group):
        part, within = next(
            (part, part.node) for part in node.parts if part.node and offset < part.at + part.node.size
        )
        inner = name_at(within, offset - part.at)
        return part.name + (f".{inner}" if inner and not inner.startswith("[") else inner)
    if isinstance(node, Series) and node.node:
        index, inside = divmod(offset, node.node.size)
        inner = name_at(node.node, inside)
        return f"[{index}]" + (f".{inner}" if inner else "")
    if isinstance(node, Various):
        index = 0
        while offset >= node.nodes[index].size:
            offset -= node.nodes[index].size
            index += 1
        inner = name_at(node.nodes[index], offset)
        return f"[{index}]" + (f".{inner}" if inner else "")
    return ""


# ---------------------------------------------------------------- writing
def packer(code: str) -> struct.Struct:
    """Return the Struct of a format, a cached one unless the format is long.

    A Struct takes some 30 octets a value for good: a meter with tables of ever other dimensions must not
    fill the memory with them.
    """
    return _cached_packer(code) if len(code) <= _LONG_CODE else struct.Struct(code)


@lru_cache(maxsize=1024)
def _cached_packer(code: str) -> struct.Struct:
    return struct.Struct(code)


def write(node: Node, value: Any, path: str, order: str, out: bytearray) -> None:
    """Append `value` as `node` wants it.

    Errors: ValueError naming the field whose value is missing, unexpected or does not fit.
    """
    if isinstance(node, Wire):
        _write_values(node, (value,), path, order, out)
    elif isinstance(node, Group):
        _write_group(node, value, path, order, out)
    elif isinstance(node, Series):
        values = elements(value, path)
        if node.count == 0 and (node.node is None or node.node.size > 0) and len(values):
            raise ValueError(f"{path}: no elements expected, {len(values)} given")
        if node.count and len(values) != node.count:
            raise ValueError(f"{path}: {node.count} elements expected, {len(values)} given")
        if node.count and isinstance(node.node, Wire):
            _write_values(node.node, values, path, order, out)
        elif node.count and node.node:
            for index, element in enumerate(values):
                write(node.node, element, f"{path}[{index}]", order, out)
    else:
        values = elements(value, path)
        if len(values) != len(node.nodes):
            raise ValueError(f"{path}: {len(node.nodes)} elements expected, {len(values)} given")
        for index, (shape, element) in enumerate(zip(node.nodes, values, strict=True)):
            write(shape, element, f"{path}[{index}]", order, out)


def elements(value: Any, path: str) -> tuple[Any, ...]:
    """Return the elements of an array's value.

    Errors: ValueError naming the field when the value is no sequence.
    """
    if not isinstance(value, (tuple, list)):
        raise ValueError(f"{path}: a tuple expected, {type(value).__name__} given")  # noqa: TRY004
    return tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _write_group(group: Group, value: Any, path: str, order: str, out: bytearray) -> None:
    if not isinstance(value, group.record):
        given = type(value).__name__
        raise ValueError(f"{path}: {group.record.__name__} expected, {given} given")  # noqa: TRY004
    for part in group.parts:
        write_part(part.name, part.node, getattr(value, part.name), path, order, out)


def write_part(name: str, node: Node | None, value: Any, path: str, order: str, out: bytearray) -> None:
    """Append one field of a record.

    Errors: ValueError as `write`, also for a value where the meter has no such field.
    """
    inner = f"{path} {name}" if path.isidentifier() else f"{path}.{name}"
    if node is None:
        if value is not None:
            raise ValueError(f"{inner}: absent on this meter, but a value is given")
    elif value is None:
        raise ValueError(f"{inner}: present on this meter, but no value is given")
    else:
        write(node, value, inner, order, out)


def _write_values(wire: Wire[Any], values: tuple[Any, ...], path: str, order: str, out: bytearray) -> None:
    try:
        raw = values if wire.revert is None else [wire.revert(value) for value in values]
        if len(raw) == 1 or wire.code[-1] == "s":
            pack = packer(order + wire.code).pack
            for value in raw:
                out += pack(value)
        else:
            out += packer(f"{order}{len(raw)}{wire.code}").pack(*raw)
    except (struct.error, ValueError, OverflowError, TypeError, AttributeError) as problem:
        given = ", ".join(map(repr, values[:4]))
        raise ValueError(f"{path}: {given} does not fit {wire.name}: {problem}") from None
