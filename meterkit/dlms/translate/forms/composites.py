"""What forms are made of forms: parts that may be missing, lists, choices, records.

    Record(AttributeDescriptor, ("class_id", Number("ClassId", 2)), ("obis", LogicalName()), ...)
    Many("ValueList", Value())         <ValueList Qty="02"> <UInt8 Value="05" /> <None /> </ValueList>

Errors: reading raises ValueError naming the place, what was expected there and what came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from meterkit.codec import json_parts
from meterkit.dlms.translate.forms.form import Form
from meterkit.dlms.translate.xml_text import Cursor, Element

T = TypeVar("T")


class Optional(Generic[T]):
    """A part that may be missing: None."""

    def __init__(self, form: Form[T]) -> None:
        self.name, self._form = form.name, form

    def to_json(self, value: T | None) -> object:
        """Return the part; None is left out by whoever asks."""
        return None if value is None else self._form.to_json(value)

    def from_json(self, told: object, where: str) -> T | None:
        """Return the part, None for nothing."""
        return None if told is None else self._form.from_json(told, where)

    def to_xml(self, value: T | None) -> list[Element]:
        """Return the part's elements, none for None."""
        return [] if value is None else self._form.to_xml(value)

    def from_xml(self, at: Cursor) -> T | None:
        """Take the part, if it comes next."""
        return self._form.from_xml(at) if at.next_name == self.name else None


class Within(Generic[T]):
    """A part in an XML element of its own."""

    def __init__(self, name: str, form: Form[T]) -> None:
        self.name, self._form = name, form

    def to_json(self, value: T) -> object:
        """Return the part."""
        return self._form.to_json(value)

    def from_json(self, told: object, where: str) -> T:
        """Return the part."""
        return self._form.from_json(told, where)

    def to_xml(self, value: T) -> list[Element]:
        """Return the part in its element."""
        return [Element(self.name, {}, self._form.to_xml(value))]

    def from_xml(self, at: Cursor) -> T:
        """Take the element, whole."""
        within = Cursor(at.take(self.name))
        value = self._form.from_xml(within)
        within.finish()
        return value


class Many(Generic[T]):
    """A SEQUENCE OF: how many there are is told in Qty."""

    def __init__(self, name: str, form: Form[T]) -> None:
        self.name, self._form = name, form

    def to_json(self, value: Sequence[T]) -> object:
        """Return a list."""
        return [self._form.to_json(item) for item in value]

    def from_json(self, told: object, where: str) -> tuple[T, ...]:
        """Return the items."""
        found = json_parts.items(told, where)
        return tuple(self._form.from_json(item, f"{where}[{number}]") for number, item in enumerate(found))

    def to_xml(self, value: Sequence[T]) -> list[Element]:
        """Return an element with the items' elements."""
        within = [element for item in value for element in self._form.to_xml(item)]
        return [Element(self.name, {"Qty": f"{len(value):02X}"}, within)]

    def from_xml(self, at: Cursor) -> tuple[T, ...]:
        """Take the element; Qty may be left out, and counts for nothing: the items do."""
        within = Cursor(at.take(self.name))
        found: list[T] = []
        while within.next_name:
            found.append(self._form.from_xml(within))
        return tuple(found)


class Either:
    """A CHOICE: which part it is tells its type; in JSON its key, in XML its element."""

    def __init__(self, *cases: tuple[str, type, Form[Any]]) -> None:
        self._cases = cases
        self._by_key = {key: form for key, _, form in cases}
        self._by_name = {name: form for _, _, form in cases for name in (form.name, *_also(form))}
        self.name = cases[0][2].name

    def to_json(self, value: object) -> object:
        """Return {key: part}."""
        key, form = self._case(value)
        return {key: form.to_json(value)}

    def from_json(self, told: object, where: str) -> Any:
        """Return the part that the key names."""
        found = json_parts.members(told, where)
        if len(found) != 1 or (key := next(iter(found))) not in self._by_key:
            raise json_parts.wrong(where, f"one of {', '.join(self._by_key)}", ", ".join(found))
        return self._by_key[key].from_json(found[key], f"{where}.{key}")

    def to_xml(self, value: object) -> list[Element]:
        """Return the part's elements."""
        return self._case(value)[1].to_xml(value)

    def from_xml(self, at: Cursor) -> Any:
        """Take the part that comes next."""
        form = self._by_name.get(at.next_name)
        if form is None:
            at.take(*self._by_name)  # tells what was expected
        assert form is not None
        return form.from_xml(at)

    def _case(self, value: object) -> tuple[str, Form[Any]]:
        return next((key, form) for key, kind, form in self._cases if isinstance(value, kind))


def _also(form: Form[Any]) -> tuple[str, ...]:
    """Return what else a form can begin with."""
    found: tuple[str, ...] = getattr(form, "also", ())
    return found


@dataclass(frozen=True, slots=True)
class Inside:
    """Parts of a record that share an XML element."""

    name: str
    parts: tuple[tuple[str, Form[Any]] | Inside, ...]


Part: TypeAlias = tuple[str, Form[Any]] | Inside


def inside(name: str, *parts: Part) -> Inside:
    """Return parts of a record that share the element `name`."""
    return Inside(name, parts)


class Record(Generic[T]):
    """A value with named parts: an object in JSON, the parts' elements in XML."""

    def __init__(self, build: Callable[..., T], *parts: Part) -> None:
        self._build, self._parts = build, parts
        self._flat = tuple(_flat(parts))
        first = parts[0]
        self.name = first.name if isinstance(first, Inside) else first[1].name

    @property
    def kind(self) -> type:
        """The class of what it builds."""
        assert isinstance(self._build, type)
        return self._build

    def to_json(self, value: T) -> dict[str, object]:
        """Return the parts by name; those that are missing are left out."""
        document: dict[str, object] = {}
        for name, form in self._flat:
            told = form.to_json(self.part(value, name))
            if told is not None:
                document[name] = told
        return document

    def from_json(self, told: object, where: str) -> T:
        """Return the value."""
        found = json_parts.members(told, where)
        json_parts.only(found, where, *(name for name, _ in self._flat))
        return self._build(**{n: form.from_json(found.get(n), f"{where}.{n}") for n, form in self._flat})

    def to_xml(self, value: T) -> list[Element]:
        """Return the parts' elements."""
        return self._elements(self._parts, value)

    def from_xml(self, at: Cursor) -> T:
        """Take the parts' elements."""
        found: dict[str, object] = {}
        self._take(self._parts, at, found)
        return self._build(**found)

    def part(self, value: T, name: str) -> object:
        """Return one part of a value."""
        return getattr(value, name)

    def _elements(self, parts: tuple[Part, ...], value: T) -> list[Element]:
        elements: list[Element] = []
        for part in parts:
            if isinstance(part, Inside):
                elements.append(Element(part.name, {}, self._elements(part.parts, value)))
            else:
                elements += part[1].to_xml(self.part(value, part[0]))
        return elements

    def _take(self, parts: tuple[Part, ...], at: Cursor, found: dict[str, object]) -> None:
        for part in parts:
            if isinstance(part, Inside):
                within = Cursor(at.take(part.name))
                self._take(part.parts, within, found)
                within.finish()
            else:
                found[part[0]] = part[1].from_xml(at)


class Row(Record[tuple[Any, ...]]):
    """A tuple with named parts."""

    def __init__(self, *parts: Part) -> None:
        super().__init__(_row, *parts)
        self._places = {name: place for place, (name, _) in enumerate(self._flat)}

    def part(self, value: tuple[Any, ...], name: str) -> object:
        """Return one item of the tuple."""
        return value[self._places[name]]


def _row(**found: object) -> tuple[Any, ...]:
    return tuple(found.values())


def _flat(parts: tuple[Part, ...]) -> list[tuple[str, Form[Any]]]:
    found: list[tuple[str, Form[Any]]] = []
    for part in parts:
        found += _flat(part.parts) if isinstance(part, Inside) else [part]
    return found
