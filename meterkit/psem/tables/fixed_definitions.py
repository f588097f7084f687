"""Tables as a list of fields at fixed offsets, the way SharpMeter writes them down.

    {"id": 1, "name": "Manufacturer ID", "fields": [
        {"name": "manufacturer", "offset": 0, "length": 4, "type": "ASCII"}, ...]}

One meter's layout can be written down like this, and such a list makes a Table class; what has dimensions,
conditions or bits is for `meterkit.psem.tables.definitions`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from keyword import iskeyword
from typing import Any, cast

from meterkit.codec.layout import Field, Layout, Record, Wire
from meterkit.codec.plan import Node
from meterkit.psem.tables.definitions import SIZED_TYPES, TYPES, DefinitionError, load_definition
from meterkit.psem.tables.names import Table

#: SharpMeter's names of types, in capitals, and ours.
_ALIASES = {"ASCII": "CHAR", "STRING": "CHAR", "BYTES": "OCTETS", "BINARY": "OCTETS"}
_BY_LENGTH = {"UINT": "UINT{}", "INT": "INT{}", "BITFIELD": "UINT{}"}  # bits


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One field: where it lies, how long it is, and its type."""

    name: str
    offset: int  #: octets
    length: int  #: octets
    type: str  #: such as "ASCII", "UINT16", "STIME_DATE"


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table as a list of fields.  Octets between them belong to nobody.

    Times and numbers whose size a meter's ST0 tells have the length they take on the meter at hand.
    """

    id: int
    name: str
    fields: tuple[FieldDefinition, ...]

    @property
    def size(self) -> int:
        """Octets up to the end of the last field."""
        return max((field.offset + field.length for field in self.fields), default=0)

    @classmethod
    def of(cls, layout: Layout[Any]) -> TableDefinition:
        """Return the fields of a table as they lie on one meter, in its newest edition.

        Errors: ValueError when the table describes itself, so that only its octets can tell.
        """
        record: type[Record] = layout.record
        if layout.is_self_described:
            raise ValueError(f"{record.label()} describes itself: it has no fixed offsets")
        fields: list[FieldDefinition] = []
        for field in record.fields:
            try:
                offset, node = layout.find(field)
            except LookupError:
                continue  # absent on this meter
            fields.append(FieldDefinition(field.name, offset, node.size, _type_of(field, node)))
        number = record.number if issubclass(record, Table) else -1
        return cls(number, record.__name__, tuple(fields))

    @classmethod
    def from_json(cls, document: str | bytes | Mapping[str, Any]) -> TableDefinition:
        """Return the definition in a JSON document, or in the mapping it stands for; keys in any case.

        Errors: DefinitionError.
        """
        try:
            parsed: object = json.loads(document) if isinstance(document, str | bytes) else document
        except (ValueError, RecursionError) as problem:
            raise DefinitionError(f"the definition is no JSON: {problem}") from None
        table = _lowered(parsed, "definition")
        name = _text(table, "name", "definition")
        if not isinstance(table.get("fields"), list):
            raise DefinitionError(f"{name}: fields: a list of fields expected")
        entries: list[Any] = table["fields"]
        fields = tuple(_field_of(entry, f"{name}: field {index}") for index, entry in enumerate(entries))
        return cls(_whole(table, "id", name), name, fields)

    def to_json(self) -> str:
        """Return the definition as a JSON document, which `from_json` reads."""
        return json.dumps(asdict(self), indent=2)

    def to_table(self) -> type[Table]:
        """Return a Table class with these fields; octets between them are called `unused_` and the offset.

        Errors: DefinitionError for fields that overlap, and for a type nobody knows or whose length is
        another.
        """
        at, fields = 0, list[dict[str, Any]]()
        for field in sorted(self.fields, key=lambda one: one.offset):
            if field.offset < at:
                raise DefinitionError(f"{self.name}: {field.name} begins at {field.offset}, before {at}")
            if field.offset > at:
                fields.append({"name": f"unused_{at}", "type": "OCTETS", "size": field.offset - at})
            fields.append({"name": _identifier(field.name), **_typed(field, self.name)})
            at = field.offset + field.length
        name = _identifier(self.name, "Table", whole=True)
        return load_definition(
            {"name": name, "number": self.id, "description": self.name, "fields": fields}, ()
        )


def _type_of(field: Field[Any], node: Node) -> str:
    """Return the type of what lies at one offset; more than one value is octets."""
    if field.count is None and isinstance(node, Wire):
        named = next((name for name, kind in TYPES.items() if kind is field.kind), None)
        return named or {"CHAR": "ASCII", "SET": "SET"}.get(node.name, "BYTES")
    return "BYTES"


def _typed(field: FieldDefinition, where: str) -> dict[str, Any]:
    """Return type and size as `load_definition` takes them."""
    kind = field.type.upper()
    kind = _ALIASES.get(kind, kind)
    if kind in _BY_LENGTH:
        kind = _BY_LENGTH[kind].format(8 * field.length)
    if kind in SIZED_TYPES:
        return {"type": kind, "size": field.length}
    if kind not in TYPES:
        known = ", ".join((*_ALIASES, *SIZED_TYPES, *_BY_LENGTH, *TYPES))
        raise DefinitionError(f"{where}: {field.name}: type: one of {known} expected, {field.type!r} found")
    plain = re.fullmatch(r"U?INT(\d+)|FLOAT(\d+)", kind)
    if plain and int(plain[1] or plain[2]) != 8 * field.length:
        raise DefinitionError(f"{where}: {field.name}: {kind} does not take {field.length} octets")
    return {"type": kind}


def _identifier(name: str, prefix: str = "field", *, whole: bool = False) -> str:
    """Return a name as a table allows it: "Manufacturer ID" -> manufacturer_id, ManufacturerID."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    made = "".join(word[0].upper() + word[1:] for word in words) if whole else "_".join(words).lower()
    made = made if made[:1].isalpha() else f"{prefix}_{made}"
    return f"{made}_" if iskeyword(made) or hasattr(Table, made) else made


def _field_of(entry: Any, where: str) -> FieldDefinition:
    field = _lowered(entry, where)
    length = "length" if "length" in field else "size"
    return FieldDefinition(
        name=_text(field, "name", where),
        offset=_whole(field, "offset", where),
        length=_whole(field, length, where),
        type=_text(field, "type", where),
    )


def _lowered(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise DefinitionError(f"{where}: an object expected")
    return {key.lower(): value for key, value in cast("Mapping[str, Any]", given).items()}


def _text(given: Mapping[str, Any], key: str, where: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value:
        raise DefinitionError(f"{where}: {key}: a text expected, {value!r:.40} found")
    return value


def _whole(given: Mapping[str, Any], key: str, where: str) -> int:
    value = given.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DefinitionError(f"{where}: {key}: a whole number from 0 expected, {value!r:.40} found")
    return value
