"""Compile a plan into one straight-line Python function.

A run of plain fields becomes one struct; an array of plain records one `iter_unpack`; nothing is looked up
while decoding.  The source is cached, so that meters of one shape share the compiled code.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

from meterkit.codec.plan import Group, Node, Series, Various, packer
from meterkit.codec.wire import Wire

Decoder = Callable[[bytes, int], Any]

_MOST_NAMES = 64  # values of one struct that get a variable each; beyond, they stay in the tuple


def compile_group(group: Group, order: str) -> Decoder:
    """Return a function (octets, at) -> record.  The octets must hold the whole group from `at` on."""
    source, namespace = source_of(group, order)
    exec(_compiled(source), namespace)
    decode: Decoder = namespace["decode"]
    return decode


def source_of(group: Group, order: str) -> tuple[str, dict[str, Any]]:
    """Return the reader's Python source and the names it uses."""
    writer = _SourceWriter(order)
    result = writer.group(group, "at", 0)
    lines = ["def decode(octets, at):", *writer.lines, f"    return {result}"]
    return "\n".join(lines), writer.namespace


@lru_cache(maxsize=512)
def _compiled(source: str) -> CodeType:
    return compile(source, "<table layout>", "exec")


def is_flat(node: Node | None) -> bool:
    """Tell whether a node's values can be part of a larger struct: it holds no array of records."""
    match node:
        case None | Wire():
            return True
        case Series():
            return node.count == 0 or isinstance(node.node, Wire)
        case Group():
            return all(is_flat(part.node) for part in node.parts)
        case _:
            return False


def struct_code(node: Node | None) -> str:
    """Return the struct code of a flat node, without octet order."""
    match node:
        case Wire():
            return node.code
        case Series() if node.count and isinstance(node.node, Wire):
            one = node.node.code
            return f"{node.count}{one}" if len(one) == 1 else one * node.count
        case Group():
            return "".join(struct_code(part.node) for part in node.parts)
        case _:
            return ""


def _value_count(node: Node | None) -> int:
    match node:
        case Wire():
            return 1
        case Series():
            return node.count
        case Group():
            return sum(_value_count(part.node) for part in node.parts)
        case _:
            return 0


class _Values:
    """The values of one unpacked struct, handed out in order as Python expressions."""

    def __init__(self, target: str, names: list[str] | None) -> None:
        self.target, self.names, self.next = target, names, 0

    def one(self) -> str:
        at, self.next = self.next, self.next + 1
        return self.names[at] if self.names is not None else f"{self.target}[{at}]"

    def many(self, count: int) -> str:
        at, self.next = self.next, self.next + count
        if self.names is not None:
            return f"({', '.join(self.names[at : at + count])},)"
        return f"{self.target}[{at}:{at + count}]"


class _SourceWriter:
    """Writes the body of one decode function."""

    def __init__(self, order: str) -> None:
        self.order, self.lines = order, list[str]()
        self.namespace: dict[str, Any] = {"new": object.__new__}
        self._named: dict[int, str] = {}
        self._count = 0
        self._indent = "    "

    def group(self, group: Group, base: str, shift: int) -> str:
        """Write the reading of a record at `base + shift`; return the variable that holds it."""
        expressions: list[tuple[str, str]] = []
        parts = list(group.parts)
        while parts:
            run = 0
            while run < len(parts) and is_flat(parts[run].node):
                run += 1
            if run:
                flat, parts = parts[:run], parts[run:]
                values = self._unpack_run([part.node for part in flat], base, shift + flat[0].at)
                expressions += [(part.name, self._flat_value(part.node, values)) for part in flat]
            else:
                part = parts.pop(0)
                expressions.append((part.name, self._array(part.node, base, shift + part.at)))
        return self._record(group, expressions)

    def _unpack_run(self, nodes: list[Node | None], base: str, shift: int) -> _Values:
        code, count = "".join(map(struct_code, nodes)), sum(map(_value_count, nodes))
        if not count:
            return _Values("()", [])
        values = self._values(nodes, count)
        unpack = self._name(packer(self.order + code), "s") + ".unpack_from"
        self._line(f"{values.target} = {unpack}(octets, {_sum(base, shift)})")
        return values

    def _values(self, nodes: list[Node | None], count: int) -> _Values:
        whole = len(nodes) == 1 and isinstance(nodes[0], Series) and count > 1
        if whole or count > _MOST_NAMES:
            return _Values(self._fresh("t"), None)
        names = [self._fresh("v") for _ in range(count)]
        return _Values(", ".join(names) + ",", names)

    def _flat_value(self, node: Node | None, values: _Values) -> str:
        match node:
            case Wire():
                value = values.one()
                return f"{self._name(node.convert, 'c')}({value})" if node.convert else value
            case Series() if node.count and isinstance(node.node, Wire):
                return self._series(node.count, node.node, values)
            case Group():
                return self._record(node, [(p.name, self._flat_value(p.node, values)) for p in node.parts])
            case None:
                return "None"
            case _:
                return "()"

    def _series(self, count: int, wire: Wire[Any], values: _Values) -> str:
        if wire.convert is None:
            return values.many(count)
        convert = self._name(wire.convert, "c")
        if values.names is None:
            return f"tuple(map({convert}, {values.many(count)}))"
        return f"({', '.join(f'{convert}({values.one()})' for _ in range(count))},)"

    def _record(self, group: Group, expressions: list[tuple[str, str]]) -> str:
        record, values = self._fresh("r"), self._fresh("d")
        self._line(f"{record} = new({self._name(group.record, 'R')}); {values} = {record}.__dict__")
        for name, expression in expressions:
            self._line(f"{values}[{name!r}] = {expression}")
        return record

    def _array(self, node: Node | None, base: str, shift: int) -> str:
        if isinstance(node, Group):
            return self.group(node, base, shift)
        if isinstance(node, Various):
            found: list[str] = []
            for element in node.nodes:
                found.append(self._element(element, base, shift))
                shift += element.size
            return f"({', '.join(found)},)" if found else "()"
        assert isinstance(node, Series)
        assert isinstance(node.node, Group)
        listed, start = self._fresh("l"), _sum(base, shift)
        self._line(f"{listed} = []")
        if is_flat(node.node):
            values = self._values([part.node for part in node.node.parts], _value_count(node.node))
            iterate = self._name(packer(self.order + struct_code(node.node)), "s") + ".iter_unpack"
            self._line(f"for {values.target} in {iterate}(octets[{start}:{_sum(base, shift + node.size)}]):")
            self._indent += "    "
            record = self._flat_value(node.node, values)
        else:
            at = self._fresh("p")
            end = _sum(base, shift + node.size)
            self._line(f"for {at} in range({start}, {end}, {node.node.size}):")
            self._indent += "    "
            record = self.group(node.node, at, 0)
        self._line(f"{listed}.append({record})")
        self._indent = self._indent[:-4]
        return f"tuple({listed})"

    def _element(self, node: Node, base: str, shift: int) -> str:
        if is_flat(node):
            return self._flat_value(node, self._unpack_run([node], base, shift))
        return self._array(node, base, shift)

    def _line(self, line: str) -> None:
        self.lines.append(self._indent + line)

    def _fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _name(self, value: Any, prefix: str) -> str:
        name = self._named.get(id(value))
        if name is None:
            name = self._named[id(value)] = self._fresh(prefix)
            self.namespace[name] = value  # also keeps it alive, so that its id stays its own
        return name


def _sum(base: str, shift: int) -> str:
    return f"{base} + {shift}" if shift else base
