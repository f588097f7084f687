"""XML as the translator needs it: elements with attributes, read safely and written for people.

    <GetRequest>
      <GetRequestNormal>
        <InvokeIdAndPriority Value="C1" />

Values stand in attributes; text between elements is refused.  So are document types, and with them every
entity; depth, size and number of elements are bounded.  Source: XML 1.0; the bounds are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

MAX_DEPTH: Final = 64  # elements within one another; APDUs, and 16 arrays and structures in them
MAX_LENGTH: Final = 64 << 20  # letters
_STEP: Final = "  "
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


@dataclass(slots=True)
class Element:
    """One element."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    children: list[Element] = field(default_factory=list["Element"])
    line: int = 0  #: of the text it was read from, from 1; 0: it was made

    @classmethod
    def of(cls, name: str, value: str) -> Element:
        """Return <name Value="value" />."""
        return cls(name, {"Value": value})

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"line {self.line}: <{self.name}>" if self.line else f"<{self.name}>"

    def attribute(self, name: str = "Value") -> str:
        """Return an attribute.  Errors: ValueError if there is none."""
        if name not in self.attributes:
            raise ValueError(f'{self.place}: an attribute {name}="..." expected, there is none')
        return self.attributes[name]


class Cursor:
    """The elements within one, taken in order.

    Errors: ValueError naming the line, what was expected there and what came.
    """

    __slots__ = ("_at", "_elements", "_parent")

    def __init__(self, parent: Element) -> None:
        self._parent, self._elements, self._at = parent, parent.children, 0

    @property
    def next_name(self) -> str:
        """The name of the next element; empty behind the last one."""
        return self._elements[self._at].name if self._at < len(self._elements) else ""

    def take(self, *names: str) -> Element:
        """Return the next element, which has one of `names`; any name without."""
        if self._at >= len(self._elements):
            wanted = " or ".join(f"<{name}>" for name in names) or "one more element"
            raise ValueError(f"{self._parent.place}: {wanted} expected, it ends")
        element = self._elements[self._at]
        if names and element.name not in names:
            wanted = " or ".join(f"<{name}>" for name in names)
            raise ValueError(f"{element.place}: {wanted} expected within <{self._parent.name}>")
        self._at += 1
        return element

    def finish(self) -> None:
        """Make sure that nothing is left."""
        if self._at < len(self._elements):
            odd = self._elements[self._at]
            raise ValueError(f"{odd.place}: not expected within <{self._parent.name}>")


def write_xml(elements: Iterable[Element]) -> str:
    """Return elements as text, a line each, with a line's end behind the last."""
    return "".join(line + "\n" for element in elements for line in _lines(element, ""))


def _lines(element: Element, indent: str) -> Iterator[str]:
    attributes = "".join(f' {name}="{_escaped(value)}"' for name, value in element.attributes.items())
    if not element.children:
        yield f"{indent}<{element.name}{attributes} />"
        return
    yield f"{indent}<{element.name}{attributes}>"
    for child in element.children:
        yield from _lines(child, indent + _STEP)
    yield f"{indent}</{element.name}>"


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def parse_xml(text: str) -> list[Element]:
    """Return the elements that `text` holds side by side; comments are passed over.

    Errors: ValueError with the line: no XML, a document type, too deep, too long.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{len(text)} letters of XML: at most {MAX_LENGTH} are read")
    return _Reading().read(text)


_ROOT: Final = "Messages"  # put around what may be several elements side by side


class _Reading:
    """One text on its way through expat."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._letters
        self._open = [Element(_ROOT)]

    def read(self, text: str) -> list[Element]:
        """Return the elements."""
        try:
            # Our root goes in front, on the same line: a declaration can't stand behind it.
            self._parser.Parse(f"<{_ROOT}>", False)
            self._parser.Parse(_without_declaration(text), False)
            self._parser.Parse(f"</{_ROOT}>", True)
        except expat.ExpatError as odd:
            # Within our own element a document type is no XML; nobody should have to guess that.
            reason = "a document type is not read" if "<!DOCTYPE" in text else expat.ErrorString(odd.code)
            raise ValueError(f"line {odd.lineno}: no XML: {reason}") from None
        return self._open[0].children[0].children

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > MAX_DEPTH:
            raise ValueError(f"{self._line}: more than {MAX_DEPTH} elements within one another")
        element = Element(name, attributes, line=self._parser.CurrentLineNumber)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _letters(self, letters: str) -> None:
        if letters.strip():
            raise ValueError(f"{self._line}: text between elements: {letters.strip()[:40]!r}")

    @property
    def _line(self) -> str:
        return f"line {self._parser.CurrentLineNumber}"


def _without_declaration(text: str) -> str:
    """Return `text` without a byte order mark and an XML declaration, its lines counted as before."""
    bare = text.lstrip("\ufeff")
    if not bare.lstrip().startswith("<?xml"):
        return bare
    _, _, rest = bare.partition("?>")
    return "\n" * (bare[: len(bare) - len(rest)].count("\n")) + rest
