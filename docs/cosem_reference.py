"""Write docs/cosem.md from the declarations themselves: `python docs/cosem_reference.py`.

An attribute's unit and meaning is the `#:` comment beside its declaration, its type what it says of itself.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.classes import CLASSES, versions_of
from meterkit.dlms.cosem.composite_types import ArrayType, OptionalType, StructureType
from meterkit.dlms.cosem.data_types import BitFlagsType, DataType, EnumType, FlagsType
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.units import Unit

PAGE = Path(__file__).with_name("cosem.md")
INTRODUCTION = """\
# Interface classes

This page is generated from the declarations by `python docs/cosem_reference.py`.

Every COSEM interface class that meterkit knows, with the standard's names in snake_case.
`Register("1-0:1.8.0").value` is a typed reference to an attribute. A class or a version that is not here is
read all the same, by number, as plain Python (`class_for`).

- **Type**: the A-XDR type that is written. Reading takes any integer that fits for a number, and dates with
  their own tag or as octet-strings. `CHOICE` is left to the meter.
- **Static** attributes change by configuration only.
- A version of a class shows what differs from the version before.
- **Withheld** is what the standard has and no source at hand confirms: it was left out, not guessed.
- **Source**: the standard's books are not to be had here. "General knowledge" is what public documentation
  and implementations agree on.
"""


def render() -> str:
    """Return the page."""
    class_ids = sorted({class_id for class_id, _ in CLASSES})
    sections = [INTRODUCTION, *_overview(class_ids)]
    for class_id in class_ids:
        sections += _class(class_id)
    kinds = sorted(_kinds(), key=lambda kind: kind.__name__)
    sections += ["## Structures\n", "What arrays and structures of attributes are made of.\n"]
    for kind in kinds:
        if not issubclass(kind, int):
            sections += _structure(kind)
    sections += ["## Codes and flags\n", "Codes without a name are members too: `UNKNOWN_200`.\n"]
    for kind in kinds:
        if issubclass(kind, int) and kind is not Unit:
            sections += _codes(kind)
    sections += [*_units(), *_withheld(class_ids)]
    return "\n".join(sections).rstrip("\n") + "\n"


# ---------------------------------------------------------------- classes
def _overview(class_ids: list[int]) -> Iterator[str]:
    yield "## Overview\n"
    yield from _grid(
        ("class_id", "class", "versions", "Python"),
        (
            (
                str(class_id),
                f"[{_title(class_id)}](#{_anchor(_heading(class_id))})",
                ", ".join(str(cls.version) for cls in versions_of(class_id)),
                ", ".join(f"`{cls.__name__}`" for cls in versions_of(class_id)),
            )
            for class_id in class_ids
        ),
    )


def _title(class_id: int) -> str:
    """Return the standard's name of a class: what its docstring has before the colon."""
    text = inspect.getdoc(versions_of(class_id)[0]) or ""
    return re.split(r"[:;.,] |\.$", text, maxsplit=1)[0].removesuffix(".")


def _heading(class_id: int) -> str:
    return f"{class_id} {_title(class_id)}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")


def _class(class_id: int) -> Iterator[str]:
    first, *later = versions_of(class_id)
    yield f"## {_heading(class_id)}\n"
    yield f"{inspect.getdoc(first)} Class `{first.__module__}.{first.__name__}`, version {first.version}.\n"
    yield f"Source: {_source(first)}\n"
    yield from _members(first, None)
    before = first
    for cls in later:
        yield f"**Version {cls.version}**, `{cls.__name__}`: {inspect.getdoc(cls)}\n"
        yield from _members(cls, before)
        before = cls


def _members(cls: type[CosemObject], before: type[CosemObject] | None) -> Iterator[str]:
    attributes = [one for index, one in cls.attributes.items() if index > 1 and _is_new(one, before)]
    methods = [one for one in cls.methods.values() if _is_new(one, before)]
    if attributes:
        yield from _grid(
            ("index", "attribute", "type", "static", "unit and meaning"),
            (
                (
                    str(one.index),
                    f"`{one.name}`",
                    _type(one.type),
                    "static" if one.is_static else "",
                    _meaning(cls, one.name),
                )
                for one in attributes
            ),
        )
    if methods:
        yield from _grid(
            ("index", "method", "takes", "returns", "meaning"),
            (
                (
                    str(one.index),
                    f"`{one.name}`",
                    _type(one.type),
                    _type(one.returns) if one.returns else "",
                    _meaning(cls, one.name),
                )
                for one in methods
            ),
        )


def _is_new(member: attribute[Any] | method[Any, Any], before: type[CosemObject] | None) -> bool:
    if before is None:
        return True
    known = before.attributes if isinstance(member, attribute) else before.methods
    return member not in known.values()


def _type(kind: DataType[Any]) -> str:
    """Return the words of a type; a name of ours in it leads to its section."""
    inner = kind
    while isinstance(inner, ArrayType | OptionalType):
        inner = inner.item if isinstance(inner, ArrayType) else inner.kind
    named = _named(inner)
    if named is None:
        return kind.words
    target = "units" if named is Unit else _anchor(named.__name__)
    return kind.words.replace(named.__name__, f"[{named.__name__}](#{target})")


def _named(kind: DataType[Any]) -> type[Any] | None:
    match kind:
        case StructureType():
            return kind.kind
        case EnumType():
            return kind.codes
        case FlagsType() | BitFlagsType():
            return kind.flags
        case _:
            return None


def _source(cls: type[Any]) -> str:
    text = inspect.cleandoc(sys.modules[cls.__module__].__doc__ or "")
    named = re.search(r"Source:\s*(.*?)(?:\n\s*\n|\Z)", text, re.DOTALL)
    if named is None:
        raise ValueError(f"{cls.__module__} names no source")
    return " ".join(named[1].split())


# ---------------------------------------------------------------- structures and codes
def _kinds() -> set[type[Any]]:
    """Return every structure, code and flag that an attribute or a method uses, at any depth."""
    found: set[type[Any]] = set()
    waiting: list[DataType[Any]] = []
    for cls in CLASSES.values():
        waiting += [one.type for one in cls.attributes.values()]
        waiting += [one.type for one in cls.methods.values()]
        waiting += [one.returns for one in cls.methods.values() if one.returns]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, ArrayType | OptionalType):
            waiting.append(kind.item if isinstance(kind, ArrayType) else kind.kind)
        named = _named(kind)
        if named is not None and named not in found:
            found.add(named)
            if isinstance(kind, StructureType):
                waiting += [element.type for element in kind.elements]
    return found


def _structure(kind: type[Any]) -> Iterator[str]:
    yield f"### {kind.__name__}\n"
    yield f"{inspect.getdoc(kind)} `{kind.__module__}.{kind.__name__}`\n"
    yield from _grid(
        ("element", "type", "unit and meaning"),
        (
            (
                f"`{one.name}`",
                _type(one.type) + (" (may be absent)" if one.may_be_absent else ""),
                _meaning(kind, one.name),
            )
            for one in StructureType(kind).elements
        ),
    )


def _codes(kind: type[Any]) -> Iterator[str]:
    yield f"### {kind.__name__}\n"
    yield f"{inspect.getdoc(kind)} `{kind.__module__}.{kind.__name__}`\n"
    known = [pair for pair in kind.__members__.items() if not pair[0].startswith("UNKNOWN_")]
    head = "code" if issubclass(kind, Code) else "value"
    yield from _grid(
        (head, "name", "meaning"),
        (
            (
                str(int(one)),
                f"`{name}`",
                one.meaning if isinstance(one, Code) else _meaning(kind, name),
            )
            for name, one in known
        ),
    )


def _units() -> Iterator[str]:
    yield "## Units\n"
    yield f"`meterkit.dlms.cosem.units.Unit`. Source: {_source(Unit)}\n"
    known = [unit for unit in Unit.__members__.values() if not unit.name.startswith("UNKNOWN_")]
    yield from _grid(
        ("code", "name", "symbol", "quantity"),
        ((str(int(unit)), f"`{unit.name}`", unit.symbol, unit.quantity) for unit in known),
    )


def _withheld(class_ids: list[int]) -> Iterator[str]:
    yield "## Withheld\n"
    yield "What the standard has and no source at hand confirms. It is read by number.\n"
    rows: list[tuple[str, ...]] = []
    for class_id in class_ids:
        notes = dict.fromkeys(note for cls in versions_of(class_id) for note in cls.withheld)
        rows += [(str(class_id), _title(class_id), note) for note in notes]
    yield from _grid(("class_id", "class", "what"), rows)


# ---------------------------------------------------------------- class bodies
def _meaning(cls: type[Any], name: str) -> str:
    """Return the `#:` comment of a line in a class body, the class's own or one that it inherits."""
    for base in cls.__mro__:
        if base.__module__.startswith("meterkit."):
            found = _comments(sys.modules[base.__module__].__name__).get((base.__name__, name))
            if found is not None:
                return found
    return ""


@cache
def _comments(module: str) -> dict[tuple[str, str], str]:
    source = inspect.getsource(sys.modules[module])
    lines = source.splitlines()
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for line in node.body:
            if isinstance(line, ast.Assign | ast.AnnAssign):
                target = line.targets[0] if isinstance(line, ast.Assign) else line.target
                if isinstance(target, ast.Name):
                    assert line.end_lineno is not None
                    text = "\n".join(lines[line.lineno - 1 : line.end_lineno])
                    found[node.name, target.id] = text.split("#: ", 1)[1].strip() if "#: " in text else ""
    return found


def _grid(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
