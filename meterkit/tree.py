"""Octets as a tree that a person can read: every part with its name, value, meaning and place.

0001    source: 16
0009    command-octet: 03 (read-write-denied)
^ offset in the capture, in hex; parts that were put together from several frames have none
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

Value: TypeAlias = bool | int | float | str | bytes | None

NOT_UNDERSTOOD: Final = "not understood"  #: name of a part that nobody could read
_SHOWN: Final = 64  # octets in a line of text; JSON has them all
_STEP: Final = "  "  # indentation of a part within another


@dataclass(frozen=True, slots=True)
class Node:
    """One part of what was captured."""

    name: str  #: the standard's own, such as "data-access-result"
    value: Value = None  #: None where the parts within say it all
    meaning: str = ""  #: for an engineer; empty where the value speaks for itself
    offset: int | None = None  #: octets from the capture's start; None: it stands nowhere in one piece
    length: int = 0  #: octets
    children: tuple[Node, ...] = ()
    is_understood: bool = True  #: False for octets that make no sense

    def walk(self) -> Iterator[Node]:
        """Yield this part and all within it, in the order of the octets."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> Node | None:
        """Return the first part of that name, this one included; None if there is none."""
        return next((node for node in self.walk() if node.name == name), None)

    @property
    def value_text(self) -> str:
        """The value as a line of text has it; long octets are cut short."""
        match self.value:
            case None:
                return ""
            case bool():
                return "true" if self.value else "false"
            case bytes() if len(self.value) > _SHOWN:
                more = len(self.value) - _SHOWN
                return f"{self.value[:_SHOWN].hex(' ')} ... and {more} octets more"
            case bytes():
                return self.value.hex(" ") or "no octets"
            case str():
                return "".join(map(_printable, self.value))
            case value:
                return str(value)

    def document(self) -> dict[str, object]:
        """Return the tree as JSON knows it; octets are hex."""
        document: dict[str, object] = {"name": self.name}
        if self.value is not None:
            document["value"] = self.value.hex() if isinstance(self.value, bytes) else self.value
        if self.meaning:
            document["meaning"] = self.meaning
        document |= {"offset": self.offset, "length": self.length}
        if not self.is_understood:
            document["is_understood"] = False
        if self.children:
            document["children"] = [child.document() for child in self.children]
        return document


def _printable(letter: str) -> str:
    """Return a letter, or how Python writes one that would break or steer a line of text."""
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Line:
    """One part in a line of text."""

    offset: str  #: hex, or blanks
    indent: str
    name: str
    value: str
    meaning: str
    is_understood: bool
    start: int | None = None  #: octets from the capture's start; None: it stands nowhere in one piece
    own: int = 0  #: octets of its own, in front of those of the parts within

    def __str__(self) -> str:
        value = f": {self.value}" if self.value else ""
        meaning = f" ({self.meaning})" if self.meaning else ""
        return f"{self.offset}  {self.indent}{self.name}{value}{meaning}"


def lines(nodes: Iterable[Node], depth: int = 0) -> Iterator[Line]:
    """Yield the trees line by line."""
    for node in nodes:
        offset = " " * 4 if node.offset is None else f"{node.offset:04x}"
        indent, own = _STEP * depth, own_octets(node)
        yield Line(
            offset, indent, node.name, node.value_text, node.meaning, node.is_understood, node.offset, own
        )
        yield from lines(node.children, depth + 1)


def own_octets(node: Node) -> int:
    """Return how many octets of a part stand in front of the parts within: a tag and a length, mostly."""
    first = next((child.offset for child in node.children if child.offset is not None), None)
    if node.offset is None:
        return 0
    return node.length if first is None else max(first - node.offset, 0)


def text(nodes: Iterable[Node]) -> str:
    """Return the trees as text, a line for each part."""
    return "\n".join(map(str, lines(nodes)))


def not_understood(octets: bytes, offset: int | None, why: str = "") -> Node:
    """Return a part that makes no sense, with the reason if there is one to tell."""
    return Node(NOT_UNDERSTOOD, octets, why, offset, len(octets), is_understood=False)


def strange_octets(nodes: Iterable[Node]) -> int:
    """Return how many octets of the trees make no sense."""
    return sum(node.length for root in nodes for node in root.walk() if not node.is_understood)


def moved(offset: int | None, by: int) -> int | None:
    """Return the offset of what stands `by` octets behind `offset`."""
    return None if offset is None else offset + by
