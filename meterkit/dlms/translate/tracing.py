"""A reader that remembers what it read: each part of an APDU by the name it was asked for.

An APDU's own `read` does the reading, so the tree says what the library understands, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from meterkit.codec import axdr
from meterkit.dlms.apdu.initiate import LOGICAL_NAMES, SHORT_NAMES
from meterkit.dlms.apdu.reader import ApduReader
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.translate.data import data_node
from meterkit.dlms.translate.words import class_name, object_name, octets_meaning
from meterkit.errors import ProtocolFault
from meterkit.tree import Node, Value, moved

T = TypeVar("T")

_CONFIRMED, _HIGH_PRIORITY = 0x40, 0x80  # invoke-id-and-priority
_LONG_CONFIRMED, _LONG_HIGH_PRIORITY = 1 << 30, 1 << 31  # long-invoke-id-and-priority
_UNNAMED: Final = "octets"
_LONG_ID: Final = 0xFFFFFF
_DESCRIPTORS: Final = {
    "attribute-id": "cosem-attribute-descriptor",
    "method-id": "cosem-method-descriptor",
}
_LAST_BLOCK, _STREAMING, _WINDOW = 0x80, 0x40, 0x3F  # block-control


class TracingReader(ApduReader):
    """Reads like `ApduReader`; `nodes` holds what was read, also after a fault."""

    __slots__ = ("_base", "_is_inside", "_octets_read", "nodes")

    def __init__(self, octets: bytes, where: str, position: int, base: int | None) -> None:
        super().__init__(octets, where, position, is_strict=False)
        self.nodes: list[Node] = []
        self._base = base  # where the APDU stands in the capture
        self._octets_read = bytes(octets)
        self._is_inside = False  # a part of a part is being read: only the whole is remembered

    def octet(self, what: str) -> int:
        """Return the next octet."""
        return self._traced(what, lambda: ApduReader.octet(self, what), lambda value: value)

    def boolean(self, what: str) -> bool:
        """Return the next octet as a BOOLEAN."""
        return self._traced(what, lambda: ApduReader.boolean(self, what), lambda value: value)

    def is_present(self, what: str) -> bool:
        """Return whether an OPTIONAL part follows."""
        read: Callable[[], bool] = lambda: ApduReader.is_present(self, what)  # noqa: E731
        return self._traced(what, read, lambda value: "present" if value else "absent")

    def choice(self, what: str, *known: int) -> int:
        """Return the next octet, which has to be one of `known`."""
        name = what if what.endswith("specification") else f"{what} choice"
        return self._traced(name, lambda: ApduReader.choice(self, what, *known), lambda value: value)

    def count(self, what: str) -> int:
        """Return a length or count."""
        return self._traced(f"{what} count", lambda: ApduReader.count(self, what), lambda value: value)

    def octet_string(self, what: str) -> bytes:
        """Return an OCTET STRING."""
        return self._traced(what, lambda: ApduReader.octet_string(self, what), lambda value: value)

    def take(self, count: int, what: str = _UNNAMED) -> bytes:
        """Return the next `count` octets."""
        name = "choice" if what == _UNNAMED and count == 1 else what
        return self._traced(name, lambda: ApduReader.take(self, count, what), lambda value: value)

    def unsigned(self, size: int, what: str = "integer") -> int:
        """Return the next `size` octets as an unsigned integer."""
        return self._traced(what, lambda: ApduReader.unsigned(self, size, what), lambda value: value)

    def signed(self, size: int, what: str = "integer") -> int:
        """Return the next `size` octets as a two's complement integer."""
        return self._traced(what, lambda: ApduReader.signed(self, size, what), lambda value: value)

    def obis(self) -> ObisCode:
        """Return a logical name."""
        return self._traced("instance-id", lambda: ApduReader.obis(self), str)

    def conformance(self) -> Conformance:
        """Return a conformance block."""
        return self._traced("conformance", lambda: ApduReader.conformance(self), lambda value: value.words)

    def data(self, what: str) -> bytes:
        """Return the octets of one Data; what of it can be read is remembered even if it is none."""
        octets, begin = self._octets_read, self.position
        try:
            end = axdr.measure(octets, begin)
        except ProtocolFault:
            self._remember_data(begin, len(octets), what)
            raise
        self._remember_data(begin, end, what)
        return octets[begin:end]

    def _remember_data(self, begin: int, end: int, what: str) -> None:
        if begin < end:
            self.nodes.append(data_node(self._octets_read[begin:end], moved(self._base, begin), what))
            self.position = end

    def last_data(self, what: str) -> bytes:
        """Return the Data that ends the APDU."""
        return self.data(what)

    def _traced(self, name: str, read: Callable[[], T], shown: Callable[[T], Value]) -> T:
        if self._is_inside:
            return read()
        begin, self._is_inside = self.position, True
        try:
            value = read()
        finally:
            self._is_inside = False
        told = shown(value)
        node = Node(name, told, meaning(name, value), moved(self._base, begin), self.position - begin)
        self.nodes.append(node)
        return value


def meaning(name: str, value: object) -> str:
    """Return what a part of an APDU means, by its name in the standard; empty if its value says it."""
    match name, value:
        case "invoke-id", int():
            return _invoke(value & 0x0F, value & _CONFIRMED, value & _HIGH_PRIORITY)
        case "long-invoke-id-and-priority", int():
            return _invoke(value & _LONG_ID, value & _LONG_CONFIRMED, value & _LONG_HIGH_PRIORITY)
        case "class-id", int():
            return class_name(value)
        case _, ObisCode():
            return object_name(value)
        case (("data-access-result" | "data-access-error" | "result"), int()):
            return DataAccessResult(value).words
        case "action-result", int():
            return ActionResult(value).words
        case "block-control", int():
            kind = "last block" if value & _LAST_BLOCK else "more to come"
            streaming = ", streaming" if value & _STREAMING else ""
            return f"{kind}{streaming}, window {value & _WINDOW}"
        case (("result choice" | "ReadResponse choice" | "WriteResponse choice"), int()):
            return ("data or success", "error", "block", "block-number")[value] if value < 4 else ""
        case "vaa-name", int():
            return {LOGICAL_NAMES: "logical names", SHORT_NAMES: "short names"}.get(value, "")
        case "dedicated-key", bytes():
            return "a key: keep it to yourself"
        case _, bytes():
            return octets_meaning(value)
        case _:
            return ""


def _invoke(number: int, confirmed: int, high: int) -> str:
    service = "confirmed" if confirmed else "unconfirmed"
    return f"id {number}, {service}, {'high' if high else 'normal'} priority"


def grouped(nodes: list[Node]) -> Iterator[Node]:
    """Yield the parts with class, logical name and attribute or method put together."""
    at = 0
    while at < len(nodes):
        three = nodes[at : at + 3]
        names = [node.name for node in three]
        if names[:2] == ["class-id", "instance-id"] and names[-1] in _DESCRIPTORS:
            yield _descriptor(three)
            at += 3
        else:
            yield nodes[at]
            at += 1


def _descriptor(three: list[Node]) -> Node:
    spelled = "/".join(node.value_text for node in three)
    words = ", ".join(node.meaning for node in three if node.meaning)
    length = sum(node.length for node in three)
    return Node(_DESCRIPTORS[three[2].name], spelled, words, three[0].offset, length, tuple(three))
