"""Tables from JSON, for meters whose manufacturer's tables nobody has written a class for.

    {
      "name": "PhaseValues", "number": 2100, "description": "Values by phase.",
      "records": {
        "Phase": [{"name": "voltage", "type": "UINT16"}, {"name": "current", "type": "NI_FMAT1"}]
      },
      "fields": [
        {"name": "flags", "type": "UINT8", "bits": {"has_time": 0, "mode": [1, 3]}},
        {"name": "nbr_phases", "type": "UINT8"},
        {"name": "end_time", "type": "STIME_DATE", "condition": "has_time and ActRegs.nbr_tiers > 0"},
        {"name": "phases", "type": "Phase", "count": "nbr_phases"},
        {"name": "label", "type": "CHAR", "size": 10, "since": [3, 10]}
      ]
    }

`size` (octets), `count` and `condition` are numbers or formulas (`meterkit.psem.tables.formulas`): a bare
name is an earlier field here, "ActRegs.nbr_tiers" or "ST21.nbr_tiers" one of another table of the registry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from keyword import iskeyword
from pathlib import Path
from types import new_class
from typing import Any, TypeVar, cast

from meterkit.codec.field import Field
from meterkit.codec.layout import MAX_SIZE, OPTIONAL, Expression, Record, bits
from meterkit.codec.wire import CharString, Kind, OctetSet, OctetString
from meterkit.psem.tables import wire
from meterkit.psem.tables.dates import ANSI_DATE, RDATE
from meterkit.psem.tables.formulas import Formula, member, parse_formula
from meterkit.psem.tables.names import Table, table_name
from meterkit.psem.tables.numbers import bcd_string

R = TypeVar("R", bound=Record)

MAX_FIELDS = 2000  # of one table with its records, a record counted at every use
MAX_NESTING = 20  # records within records
MAX_EDITIONS = 40  # different firmware versions in `since`: each makes a layout of its own
_IDENTIFIER = re.compile(r"[A-Za-z]\w*", re.ASCII)
_SHOWN = 40  # characters of a wrong value in an error
_INTEGERS = ("UINT8", "UINT16", "UINT24", "UINT32", "UINT40", "UINT48", "UINT64")

#: Types that need no size, by the name that a definition uses.
TYPES: dict[str, Kind[Any]] = {
    **{name: getattr(wire, name) for name in (*_INTEGERS, *(name[1:] for name in _INTEGERS))},
    **{name: getattr(wire, name) for name in ("FLOAT32", "FLOAT64", "NI_FMAT1", "NI_FMAT2")},
    **{name: getattr(wire, name) for name in ("LTIME_DATE", "STIME_DATE", "TIME", "DATE", "SERIAL_NUMBER")},
    "RDATE": RDATE,
    "ANSI_DATE": ANSI_DATE,
}


def _bcd(size: Formula) -> Kind[Any]:
    if not isinstance(size, int):
        raise ValueError("the size of a BCD field is a number, not a formula")  # noqa: TRY004
    return bcd_string(size)


#: Types that need a size in octets.
SIZED_TYPES: dict[str, Callable[[Any], Kind[Any]]] = {
    "CHAR": CharString,
    "OCTETS": OctetString,
    "SET": OctetSet,
    "BCD": _bcd,
}

_TABLE_KEYS = ("name", "number", "description", "records", "fields")
_FIELD_KEYS = ("name", "type", "size", "count", "condition", "since", "bits", "description", "unit")


class DefinitionError(ValueError):
    """A definition that makes no table; says which field, what was expected and what was found."""


def load_definition(document: str | bytes | Mapping[str, Any], tables: Iterable[type[Table]]) -> type[Table]:
    """Return the Table class that a JSON document, or the mapping it stands for, defines.

    `tables`: those that its formulas may look at, such as a TableRegistry.
    Errors: DefinitionError.
    """
    try:
        parsed: object = json.loads(document) if isinstance(document, str | bytes) else document
    except (ValueError, RecursionError) as problem:
        raise DefinitionError(f"the definition is no JSON: {problem}") from None
    return _Loader(_mapping(parsed, "definition"), {table.__name__: table for table in tables}).table()


def load_definition_file(path: str | Path, tables: Iterable[type[Table]]) -> type[Table]:
    """Return the Table class that a JSON file defines.  Errors: OSError; DefinitionError naming the file."""
    try:
        return load_definition(Path(path).read_bytes(), tables)
    except DefinitionError as problem:
        raise DefinitionError(f"{path}: {problem}") from None


class _Names:
    """What the names in a formula stand for: earlier fields of the record at hand, then of its table."""

    def __init__(self, tables: Mapping[str, type[Table]], outer: Mapping[str, Field[Any]]) -> None:
        self._tables, self._outer = tables, outer
        self.fields: dict[str, Field[Any]] = {}

    def resolve(self, name: str) -> Expression:
        """Return what a dotted name stands for.  Errors: ValueError saying which names are known."""
        first, *rest = name.split(".")
        known = {**self._outer, **self.fields}
        found: Expression
        if first in known:
            found = known[first]
        elif not rest:
            raise ValueError(f"no earlier field {first!r}; there are {_listed(known)}")
        else:
            found = self._of_table(first, rest.pop(0))
        for part in rest:
            found = member(found, part)
        return found

    def _of_table(self, called: str, name: str) -> Field[Any]:
        table = self._tables.get(called) or self._by_number(called)
        if table is None:
            raise ValueError(f"no table {called!r}; known are {_listed(self._tables)}")
        fields = {f.name: f for f in (*table.fields, *table.views)}
        if name not in fields:
            raise ValueError(f"{called} has no field {name!r}; it has {_listed(fields)}")
        return fields[name]

    def _by_number(self, name: str) -> type[Table] | None:
        """Return the table called "ST21" or "MT64", or by the guide's names "BT21" and "ET64"."""
        return next((t for t in self._tables.values() if name in (table_name(t.number), t.label())), None)


class _Loader:
    def __init__(self, document: Mapping[str, Any], tables: Mapping[str, type[Table]]) -> None:
        self._document, self._tables = document, tables
        self._open: list[str] = []  # records being made, outermost first
        self._count = 0
        self._editions: set[tuple[int, ...]] = set()

    def table(self) -> type[Table]:
        document = self._document
        _check_keys(document, _TABLE_KEYS, "definition")
        name = _identifier(document.get("name"), "definition: name")
        self._records = _mapping(document.get("records", {}), f"{name}: records")
        for record in self._records:
            _identifier(record, f"{name}: records")
            if record in TYPES or record in SIZED_TYPES:
                raise DefinitionError(f"{name}: records: {record} is a type already")
        number = document.get("number")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 0xFFFF:
            raise DefinitionError(
                f"{name}: number: a table number 0 to 65535 expected, {_shown(number)} found"
            )
        namespace = self._fields(document.get("fields"), name, {})
        return _new(name, Table, namespace, document.get("description"), number=number)

    def _record(self, kind: str, outer: Mapping[str, Field[Any]], where: str) -> type[Record]:
        """Return the class of a record of this document, a new one at every use: its formulas look at the
        record it lies in.
        """
        if kind in self._open:
            raise DefinitionError(f"{where}: type: record {kind!r} would hold itself")
        if len(self._open) == MAX_NESTING:
            raise DefinitionError(f"{where}: type: records nested more than {MAX_NESTING} deep")
        self._open.append(kind)
        namespace = self._fields(self._records[kind], where, outer)
        self._open.pop()
        return _new(kind, Record, namespace, None)

    def _fields(self, listed: Any, where: str, outer: Mapping[str, Field[Any]]) -> dict[str, Field[Any]]:
        entries = _list(listed)
        if not entries:
            raise DefinitionError(f"{where}: fields: a list of fields expected, {_shown(listed)} found")
        names = _Names(self._tables, outer)
        for index, entry in enumerate(entries):
            self._count += 1
            if self._count > MAX_FIELDS:
                raise DefinitionError(f"{where}: more than {MAX_FIELDS} fields")
            spec = _mapping(entry, f"{where}: field {index}")
            name = _identifier(spec.get("name"), f"{where}: field {index}: name")
            _check_free(name, names, f"{where}.{name}: name")
            self._add_field(name, spec, names, outer, f"{where}.{name}")
        return names.fields

    def _add_field(
        self, name: str, spec: Mapping[str, Any], names: _Names, outer: Mapping[str, Field[Any]], where: str
    ) -> None:
        _check_keys(spec, _FIELD_KEYS, where)
        kind = self._kind(spec, names, {**outer, **names.fields}, where)
        count = _formula(spec, "count", names, where)
        condition = _formula(spec, "condition", names, where)
        if isinstance(condition, int):
            raise DefinitionError(f"{where}: condition: it is always {bool(condition)}; name a field")
        since = _since(spec, where)
        if since is not None:
            self._editions.add(since)
        if len(self._editions) > MAX_EDITIONS:
            raise DefinitionError(f"{where}: since: more than {MAX_EDITIONS} firmware versions")
        field: Field[Any] = Field(kind, count=count, when=condition, since=since)
        field.name = name
        names.fields[name] = field
        if "bits" in spec:
            _add_bits(field, spec, names, where)

    def _kind(
        self, spec: Mapping[str, Any], names: _Names, outer: Mapping[str, Field[Any]], where: str
    ) -> Kind[Any] | type[Record]:
        kind, size = spec.get("type"), _formula(spec, "size", names, where)
        if not isinstance(kind, str):
            raise DefinitionError(f"{where}: type: the name of a type expected, {_shown(kind)} found")
        if kind in SIZED_TYPES:
            if size is None:
                raise DefinitionError(f"{where}: size: {kind} needs its octets")
            try:
                return SIZED_TYPES[kind](size)
            except ValueError as problem:
                raise DefinitionError(f"{where}: size: {problem}") from None
        if size is not None:
            raise DefinitionError(f"{where}: size: {kind} takes none; {_listed(SIZED_TYPES)} do")
        if kind in self._records:
            return self._record(kind, outer, where)
        if kind not in TYPES:
            known = _listed((*TYPES, *SIZED_TYPES, *self._records))
            raise DefinitionError(f"{where}: type: one of {known} expected, {_shown(kind)} found")
        return TYPES[kind]


def _formula(spec: Mapping[str, Any], key: str, names: _Names, where: str) -> Formula | None:
    given = spec.get(key)
    if given is None:
        return None
    try:
        formula = parse_formula(given, names.resolve) if isinstance(given, str) else given
    except ValueError as problem:
        raise DefinitionError(f"{where}: {key}: {problem}") from None
    if isinstance(formula, Expression):
        return formula
    if isinstance(formula, bool) or not isinstance(formula, int) or not 0 <= formula <= MAX_SIZE:
        expected = f"a whole number 0 to {MAX_SIZE} or a formula"
        raise DefinitionError(f"{where}: {key}: {expected} expected, {_shown(given)} found")
    return formula


def _since(spec: Mapping[str, Any], where: str) -> tuple[int, ...] | None:
    since = spec.get("since")
    if since is None:
        return None
    if since == "optional":
        return OPTIONAL
    parts = _list(since) or []
    if not 1 <= len(parts) <= 3 or not all(type(part) is int and part >= 0 for part in parts):
        expected = 'a firmware version such as [3, 10], or "optional", expected'
        raise DefinitionError(f"{where}: since: {expected}, {_shown(since)} found")
    return tuple(parts)


def _add_bits(field: Field[Any], spec: Mapping[str, Any], names: _Names, where: str) -> None:
    """Add the views that `bits` names; a number is one flag, a pair the first and last bit of a number."""
    kind = spec["type"]
    if kind not in _INTEGERS or spec.get("count") is not None:
        raise DefinitionError(f"{where}: bits: only a single {_listed(_INTEGERS)} has bits")
    last = int(kind.removeprefix("UINT")) - 1
    for name, given in _mapping(spec["bits"], f"{where}: bits").items():
        _identifier(name, f"{where}: bits")
        _check_free(name, names, f"{where}: bits")
        pair = _list(given) or [given, given]
        if len(pair) != 2 or not all(type(end) is int for end in pair) or not 0 <= pair[0] <= pair[1] <= last:
            expected = f"a bit 0 to {last}, or the first and last of several, expected"
            raise DefinitionError(f"{where}: bits: {name}: {expected}, {_shown(given)} found")
        view: Field[Any] = bits(field, pair[0], pair[1], int if isinstance(given, list) else bool)
        view.name = name
        names.fields[name] = view


def _check_free(name: str, names: _Names, where: str) -> None:
    if hasattr(Table, name):
        raise DefinitionError(f"{where}: every table needs {name!r} for itself; take another name")
    if name in names.fields:
        raise DefinitionError(f"{where}: {name!r} is already taken")


def _new(
    name: str, base: type[R], namespace: Mapping[str, Any], description: object, **keywords: Any
) -> type[R]:
    about = description if isinstance(description, str) else f"{name}, defined in JSON."
    body = {**namespace, "__doc__": about, "__module__": __name__}
    return cast("type[R]", new_class(name, (base,), keywords, lambda inside: inside.update(body)))


# ---------------------------------------------------------------- pieces of JSON
def _list(given: Any) -> list[Any] | None:
    return cast("Any", given) if isinstance(given, list) else None


def _mapping(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise DefinitionError(f"{where}: an object expected, {_shown(given)} found")
    return cast("Mapping[str, Any]", given)


def _check_keys(given: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise DefinitionError(f"{where}: {_listed(known)} expected, {_shown(key)} found")


def _identifier(given: Any, where: str) -> str:
    if not isinstance(given, str) or _IDENTIFIER.fullmatch(given) is None or iskeyword(given):
        raise DefinitionError(f"{where}: a name of letters, digits and _ expected, {_shown(given)} found")
    return given


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _shown(given: Any) -> str:
    """Return a piece of the document, short enough for an error."""
    text = "nothing" if given is None else repr(given)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
