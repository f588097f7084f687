"""A meter as a JSON file: what `meterkit dlms clone` writes, and people edit.

    {"schema": "meterkit.meter/1", "referencing": "logical_name", "saved": "2026-11-21T10:37:12+00:00",
     "objects": [{"class_id": 3, "version": 0, "obis": "1-0:1.8.0*255",
                  "attributes": {"2": {"access": ["read"], "value": {"type": "unsigned", "value": 5}}},
                  "methods": {"1": {"access": ["execute"]}}}]}

A value may stand as "octets" in hex instead, or be "refused" with a data-access-result.  A "generator" makes
it move.  Values are written as `meterkit.codec.axdr_json` has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from meterkit.codec import axdr_json, json_parts
from meterkit.codec.json_parts import Members
from meterkit.dlms.apdu.results import DataAccessResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cloned.generators import Generator, parse_generator
from meterkit.emulator.dlms.cloned.rights import attribute_rights, method_rights

SCHEMA: Final = "meterkit.meter/1"
REFERENCING: Final = ("logical_name", "short_name")
CLEARANCES: Final = ("public", "reader", "manager")
_LONG_AGO: Final = datetime(2024, 1, 1, tzinfo=UTC)  # of values that say nothing of when they were read
_MOST_OBJECTS: Final = 10_000
_RESULTS: Final = {result.standard_name: result for result in DataAccessResult}


@dataclass(frozen=True, slots=True)
class AttributeFile:
    """One attribute."""

    rights: int  #: bits, as `rights` has them
    octets: bytes | None = None  #: Data; None: it is refused
    refused: DataAccessResult = DataAccessResult.READ_WRITE_DENIED
    selectors: tuple[int, ...] = ()  #: of selective access
    generator: Generator | None = None  #: None: the value stays until it is written


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """One object."""

    class_id: int
    version: int
    obis: ObisCode
    attributes: Mapping[int, AttributeFile] = field(default_factory=dict[int, AttributeFile])
    methods: Mapping[int, int] = field(default_factory=dict[int, int])  #: rights by number
    base_name: int | None = None  #: short name


@dataclass(frozen=True, slots=True)
class MeterFile:
    """A meter."""

    objects: tuple[ObjectFile, ...]
    referencing: str = "logical_name"
    saved: datetime = _LONG_AGO  #: when the values were read
    writer: str = "public"  #: clearance that writing and invoking needs, beside the rights

    def find(self, class_id: int, obis: ObisCode | None = None) -> ObjectFile | None:
        """Return the first object of a class, and of a name; None if there is none."""
        for one in self.objects:
            if one.class_id == class_id and obis in (None, one.obis):
                return one
        return None


def parse_meter_file(document: object) -> MeterFile:
    """Return the meter that a JSON document describes.

    Errors: ValueError naming object and attribute, what was expected there and what came.
    """
    told = json_parts.members(document, "meter", "an object with schema and objects")
    json_parts.only(told, "meter", "schema", "referencing", "saved", "writer", "client", "objects")
    if told.get("schema") != SCHEMA:
        raise json_parts.wrong("schema", f'"{SCHEMA}"', told.get("schema"))
    found = json_parts.items(told.get("objects"), "objects")
    if not 0 < len(found) <= _MOST_OBJECTS:
        raise json_parts.wrong("objects", f"1 to {_MOST_OBJECTS} objects", len(found))
    objects = tuple(_object(one, f"objects[{number}]") for number, one in enumerate(found))
    _check_different(objects)
    referencing = _word(told, "referencing", REFERENCING)
    if referencing == "short_name":
        _check_names(objects)
    return MeterFile(objects, referencing, _saved(told), _word(told, "writer", CLEARANCES))


def _word(told: Members, name: str, known: tuple[str, ...]) -> str:
    word = told.get(name, known[0])
    if word not in known:
        raise json_parts.wrong(name, f"one of {', '.join(known)}", word)
    return str(word)


def _saved(told: Members) -> datetime:
    if "saved" not in told:
        return _LONG_AGO
    try:
        saved = datetime.fromisoformat(json_parts.text(told["saved"], "saved"))
    except ValueError:
        saved = datetime.min
    if saved.tzinfo is None:
        expected = "a time with its offset, such as 2026-11-21T10:37:12+00:00,"
        raise json_parts.wrong("saved", expected, told["saved"])
    return saved.astimezone(UTC)


def _object(document: object, place: str) -> ObjectFile:
    told = json_parts.members(document, place)
    obis = _obis(told.get("obis"), f"{place}.obis")
    class_id = json_parts.whole(told.get("class_id"), f"{place}.class_id", 0, 0xFFFF)
    where = f"{place} ({class_id}/{obis})"
    json_parts.only(told, where, "class_id", "version", "obis", "name", "base_name", "attributes", "methods")
    base = told.get("base_name")
    return ObjectFile(
        class_id,
        json_parts.whole(told.get("version", 0), f"{where}.version", 0, 0xFF),
        obis,
        {
            _number(index, where): _attribute(one, f"{where} attribute {index}")
            for index, one in json_parts.members(told.get("attributes", {}), f"{where}.attributes").items()
        },
        {
            _number(index, where): _method(one, f"{where} method {index}")
            for index, one in json_parts.members(told.get("methods", {}), f"{where}.methods").items()
        },
        None if base is None else json_parts.whole(base, f"{where}.base_name", 0, 0xFFFF),
    )


def _obis(told: object, where: str) -> ObisCode:
    try:
        return ObisCode.parse(json_parts.text(told, where))
    except ValueError:
        raise json_parts.wrong(where, "an OBIS code such as 1-0:1.8.0*255", told) from None


def _number(index: str, where: str) -> int:
    try:
        number = int(index)
    except ValueError:
        number = 0
    # "02" or "+2" would stand for 2 once more; negative ones are the manufacturer's own.
    if not -128 <= number <= 127 or number == 0 or str(number) != index:
        raise json_parts.wrong(where, 'attributes and methods by number, such as "2",', index)
    return number


def _attribute(document: object, where: str) -> AttributeFile:
    told = json_parts.members(document, where)
    json_parts.only(told, where, "access", "selectors", "value", "octets", "refused", "generator", "name")
    selectors = json_parts.items(told.get("selectors", []), f"{where}.selectors")
    rights = attribute_rights(told.get("access", ["read"]), f"{where}.access")
    octets = _value(told, where)
    refused = told.get("refused", "read-write-denied")
    if refused not in _RESULTS:
        raise json_parts.wrong(f"{where}.refused", f"one of {', '.join(_RESULTS)}", refused)
    generator = None
    if "generator" in told:
        generator = parse_generator(told["generator"], octets, f"{where}.generator")
    return AttributeFile(
        rights,
        octets,
        _RESULTS[str(refused)],
        tuple(json_parts.whole(one, f"{where}.selectors", 0, 0xFF) for one in selectors),
        generator,
    )


def _value(told: Members, where: str) -> bytes | None:
    if "octets" in told:
        return json_parts.octets(told["octets"], f"{where}.octets")
    return axdr_json.from_json(told["value"], f"{where}.value") if "value" in told else None


def _method(document: object, where: str) -> int:
    told = json_parts.members(document, where)
    json_parts.only(told, where, "access", "name")
    return method_rights(told.get("access", ["execute"]), f"{where}.access")


def _check_different(objects: tuple[ObjectFile, ...]) -> None:
    seen: dict[tuple[int, ObisCode], int] = {}
    for number, one in enumerate(objects):
        before = seen.setdefault((one.class_id, one.obis), number)
        if before != number:
            raise ValueError(f"objects[{number}]: {one.class_id}/{one.obis} is objects[{before}], too")


def _check_names(objects: tuple[ObjectFile, ...]) -> None:
    for number, one in enumerate(objects):
        where = f"objects[{number}] ({one.class_id}/{one.obis})"
        if one.base_name is None:
            raise json_parts.wrong(f"{where}.base_name", "with short names a number", None)
        for parts in (one.attributes, one.methods):
            below = next((index for index in parts if index < 0), None)
            if below is not None:  # its name would be another object's
                expected = "with short names, which count on from the base name, numbers from 1"
                raise json_parts.wrong(where, expected, str(below))
