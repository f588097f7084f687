"""Write docs/tables.md from the declarations themselves: `python docs/tables_reference.py`.

A field's type, dimensions and condition are its declaration's own words; its unit and meaning the `#:`
comment beside or above it.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from meterkit.codec.field import Field
from meterkit.codec.layout import OPTIONAL, Record
from meterkit.psem.tables import Table, TableRegistry, known_table, known_tables, table_name
from meterkit.psem.tables.event_names import OSGP_EVENTS, OSGP_USERS, STANDARD_EVENTS
from meterkit.psem.tables.names import MANUFACTURER
from meterkit.psem.tables.osgp.alarms import alarm_names
from meterkit.psem.tables.osgp.present_values import present_value_names
from meterkit.psem.tables.osgp.summations import summation_names
from meterkit.psem.tables.substitutes import SUBSTITUTES

PAGE = Path(__file__).with_name("tables.md")
INTRODUCTION = """\
# Tables

This page is generated from the declarations by `python docs/tables_reference.py`.

Every table that meterkit decodes and encodes, field by field, with the names of C12.19 and of the OSGP
guide. BT is a standard ("basic") table, ET one of the manufacturer's ("extended"): ET16 has number 2048 + 16
and means what stands here on OSGP meters only.

- **Type**: as declared. `X[n]` is an array of n, `bits 3..5 of x` a part of an integer that takes no octets
  of its own, `derived` something made of other fields. Integers, times and non-integers are in the octet
  order and formats that ST0 names: `NI_FMAT1`, `STIME_DATE` and the like change with the meter.
- **Present**: the condition under which the field is there, and the firmware it came with; "optional" fields
  are there or not whatever the firmware.
- **Unit and meaning**: numbers without a unit are plain. "General knowledge of C12.19, unconfirmed" marks
  what rests on neither the OSGP guide nor another document at hand.
- **Source**: the clause a declaration was written from.
- **Read access**: the keys of an OSGP meter that may read it: MK master, PK provisioning, RK read.
"""
_DECLARERS = ("item", "array", "octets", "octet_set", "text", "bit", "bits", "derived")


@dataclass(frozen=True)
class Line:
    """One line of a class body."""

    name: str
    kind: str
    present: str
    meaning: str
    record: str = ""  #: record that it holds


def render() -> str:
    """Return the page."""
    tables = list(TableRegistry())
    sections = [INTRODUCTION, *_overview(tables)]
    for table in tables:
        sections += _table(table)
    records = sorted(_records(tables), key=lambda record: record.__name__)
    sections += ["## Records", "What tables hold more than once, or in parts.", ""]
    for record in records:
        sections += _record(record)
    sections += [*_numbers(), *_alarms(), *_events(), *_undeclared(tables)]
    return "\n".join(sections).rstrip("\n") + "\n"


# ---------------------------------------------------------------- tables and records
def _overview(tables: list[type[Table]]) -> Iterator[str]:
    yield "## Overview\n"
    yield from _grid(
        ("number", "table", "name", "class", "read access", "needs"),
        (
            (
                str(table.number),
                f"[{table.label()}](#{_anchor(table)})",
                _title(table),
                f"`{table.__name__}`",
                _access(table.number),
                ", ".join(need.label() for need in sorted(table.needs(), key=lambda need: need.number)),
            )
            for table in tables
        ),
    )
    stand_ins = ", ".join(
        f"{substitute.table.label()} for {table.label()}" for table, substitute in SUBSTITUTES.items()
    )
    yield f"Where a meter lacks an actual dimension table, the limiting one stands in: {stand_ins}.\n"


def _table(table: type[Table]) -> Iterator[str]:
    yield f"## {_heading(table)}\n"
    yield from _prose(table)
    yield f"Table {table.number} ({table_name(table.number)}), class `{table.__module__}.{table.__name__}`.\n"
    yield f"Source: {_source(table)}\n"
    yield from _fields(table)


def _heading(table: type[Table]) -> str:
    return f"{table.label()} {_title(table)}"


def _anchor(table: type[Table]) -> str:
    return re.sub(r"[^\w\- ]", "", _heading(table)).strip().lower().replace(" ", "-")


def _title(table: type[Table]) -> str:
    known = known_table(table.number)
    return known.name if known else table.__name__


def _access(number: int) -> str:
    known = known_table(number)
    return known.access_text if known else "unknown"


def _record(record: type[Record]) -> Iterator[str]:
    yield f"### {record.__name__}\n"
    yield from _prose(record)
    yield f"Source: {_source(record)}\n"
    yield from _fields(record)


def _records(tables: list[type[Table]]) -> set[type[Record]]:
    """Return every record that a table holds, at any depth."""
    found: set[type[Record]] = set()
    waiting: list[type[Record]] = list(tables)
    while waiting:
        for field in waiting.pop().fields:
            if isinstance(field.kind, type) and field.kind not in found:
                found.add(field.kind)
                waiting.append(field.kind)
    return found


def _prose(record: type[Record]) -> Iterator[str]:
    text = inspect.cleandoc(record.__doc__ or "")
    if text:
        yield re.sub(r"\n*Source:.*", "", text, flags=re.DOTALL).strip() + "\n"


def _source(record: type[Record]) -> str:
    """Return the clause that a record names, else its module's."""
    for text in (record.__doc__, sys.modules[record.__module__].__doc__):
        named = re.search(r"Source:\s*(.*?)(?:\n\s*\n|\Z)", inspect.cleandoc(text or ""), re.DOTALL)
        if named:
            return " ".join(named[1].split())
    raise ValueError(f"{record.__module__}.{record.__name__} names no source")


def _fields(record: type[Record]) -> Iterator[str]:
    rows = [_row(record, field) for field in (*record.fields, *record.views) if _is_shown(field)]
    order = {line.name: at for at, line in enumerate(_lines(record))}
    rows.sort(key=lambda row: order[row[0].strip("`")])
    yield from _grid(("field", "type", "present", "unit and meaning"), rows)


def _is_shown(field: Field[object]) -> bool:
    return getattr(field, "is_shown", True)


def _row(record: type[Record], field: Field[object]) -> tuple[str, ...]:
    line = next(line for line in _lines(record) if line.name == field.name)
    kind = f"`{line.kind}`"
    if isinstance(field.kind, type):
        held = field.kind.__name__
        kind = f"[`{line.kind}`](#{held.lower()})"
    present = [f"`{line.present}`"] if line.present else []
    if field.since is not None:
        present.append("optional" if field.since == OPTIONAL else f"firmware {_version(field.since)}")
    return f"`{field.name}`", kind, ", ".join(present), line.meaning


def _version(version: tuple[int, ...]) -> str:
    return ".".join(str(part) if at == 0 else f"{part:02}" for at, part in enumerate(version))


# ---------------------------------------------------------------- class bodies
def _lines(record: type[Record]) -> list[Line]:
    """Return a record's lines, those it inherits first."""
    found: dict[str, Line] = {}
    for base in reversed(record.__mro__):
        if issubclass(base, Record) and base is not Record:
            found.update({line.name: line for line in _body(base)})
    return list(found.values())


@cache
def _module(module: ModuleType) -> tuple[list[str], dict[str, ast.ClassDef]]:
    source = inspect.getsource(module)
    classes = {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}
    return source.splitlines(), classes


def _body(record: type[Record]) -> Iterator[Line]:
    source, classes = _module(sys.modules[record.__module__])
    for node in classes[record.__name__].body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        call, target = node.value, node.targets[0]
        if isinstance(call.func, ast.Name) and call.func.id in _DECLARERS and isinstance(target, ast.Name):
            when = next((ast.unparse(word.value) for word in call.keywords if word.arg == "when"), "")
            yield Line(target.id, _kind(call.func.id, call), when, _meaning(source, node))


def _kind(declarer: str, call: ast.Call) -> str:
    first, *rest = [ast.unparse(argument) for argument in call.args] or [""]
    named = {word.arg: ast.unparse(word.value) for word in call.keywords}
    match declarer:
        case "array":
            count = rest[0] if rest else named.get("count") or f"each of {named['each']}"
            return f"{first}[{count}]"
        case "octets":
            return f"octets[{first}]"
        case "octet_set":
            return f"SET[{first}]"
        case "text":
            return f"CHAR[{first}]"
        case "bit":
            return f"bit {rest[0]} of {first}"
        case "bits":
            low, high = rest[:2]
            return f"bit {low} of {first}" if low == high else f"bits {low}..{high} of {first}"
        case "derived":
            return "derived"
        case _:
            return first


def _meaning(source: list[str], node: ast.Assign) -> str:
    """Return the `#:` comment at the end of a declaration's lines, else that above them."""
    assert node.end_lineno is not None
    for line in source[node.lineno - 1 : node.end_lineno]:
        if "#: " in line:
            return line.split("#: ", 1)[1].strip()
    above: list[str] = []
    at = node.lineno - 2
    while at >= 0 and source[at].lstrip().startswith("#"):
        above.insert(0, source[at].strip())
        at -= 1
    begin = next((at for at, line in enumerate(above) if line.startswith("#: ")), None)
    if begin is None or not all(line.startswith("#: ") for line in above[begin:]):
        return ""
    return " ".join(line.removeprefix("#: ") for line in above[begin:])


# ---------------------------------------------------------------- what numbers mean on OSGP meters
def _numbers() -> Iterator[str]:
    yield "## Summations of BT23 and BT26\n"
    yield "On OSGP meters, by number. Source: OSGP guide, BT23; the OBIS codes are IEC 62056-61's.\n"
    yield from _grid(
        ("number", "name", "unit", "OBIS of the total", "in tiers"),
        (
            (str(one.number), one.name, one.unit, one.obis or "", "yes" if one.is_in_tiers else "")
            for one in summation_names()
        ),
    )
    yield "## Present values of BT28\n"
    yield "On OSGP meters, by number; value = octets times 10 to the exponent. Source: OSGP guide, BT28.\n"
    yield from _grid(
        ("number", "name", "unit", "exponent", "firmware", "transformer ratios in it"),
        (
            (str(one.number), one.name, one.unit, str(one.exponent), _version(one.since), one.ratios)
            for one in present_value_names()
        ),
    )


def _alarms() -> Iterator[str]:
    yield "## Alarms of BT03\n"
    yield "On OSGP meters of the newest firmware. Source: OSGP guide, BT03.\n"
    yield from _grid(
        ("octet.bit", "alarm", "firmware"),
        (
            (f"{one.octet}.{one.bit}", one.name, " and ".join(_version(line) for line in one.lines))
            for one in alarm_names()
        ),
    )


def _events() -> Iterator[str]:
    yield "## Events of the logs\n"
    yield "Standard events by code; the guide names none. Source: C12.19, general knowledge, unconfirmed.\n"
    codes = sorted(STANDARD_EVENTS.keys() | OSGP_EVENTS.keys())
    yield from _grid(
        ("code", "C12.19", "OSGP meters"),
        ((str(code), STANDARD_EVENTS.get(code, ""), OSGP_EVENTS.get(code, "")) for code in codes),
    )
    yield "Users of OSGP logs when nobody had logged in. Source: OSGP guide, BT74.\n"
    yield from _grid(("user id", "who"), ((f"0x{code:04X}", name) for code, name in OSGP_USERS.items()))


def _undeclared(tables: list[type[Table]]) -> Iterator[str]:
    yield "## Tables known by name\n"
    yield "Read as octets. Source: C12.19, list of tables; OSGP guide, Appendix A and each table's page.\n"
    declared = {table.number for table in tables}
    rest = [known for known in known_tables() if known.table_id not in declared]
    yield from _grid(
        ("number", "table", "name", "read access"),
        (
            (
                str(known.table_id),
                known.display_name,
                known.name,
                known.access_text if known.table_id & MANUFACTURER or known.read_access is not None else "",
            )
            for known in rest
        ),
    )


def _grid(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
