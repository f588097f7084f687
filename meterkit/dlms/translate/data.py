"""COSEM Data as a tree: every value by its type, with what octets look like.

    02 02 | 09 06 00 00 01 00 00 FF | 11 05      structure of 2: octet-string 0-0:1.0.0*255, unsigned 5

Octets that are no Data are shown as far as they go.
"""

from __future__ import annotations

from typing import Final

from meterkit.codec import axdr
from meterkit.codec.axdr_compact import open_compact_array
from meterkit.codec.axdr_tags import MAX_DEPTH, Tag
from meterkit.codec.axdr_values import DontCare
from meterkit.dlms.translate.words import octets_meaning
from meterkit.errors import ProtocolFault
from meterkit.tree import Node, Value, moved, not_understood

_NESTED: Final = frozenset((Tag.ARRAY, Tag.STRUCTURE))


class _Stopped(Exception):
    """What follows cannot be told apart any more."""

    def __init__(self, node: Node) -> None:
        self.node = node


def data_node(octets: bytes, offset: int | None, name: str = "data") -> Node:
    """Return the tree of the Data that `octets` begin with; what follows it is shown as a part of its own.

    `offset`: where the octets stand in the capture.
    """
    try:
        node, end = _value(octets, 0, offset, 0)
    except _Stopped as stopped:
        node, end = stopped.node, len(octets)
    children: tuple[Node, ...] = (node,)
    if end < len(octets):
        rest = not_understood(octets[end:], moved(offset, end), "octets behind the value")
        children = (node, rest)
    return Node(name, None, "", offset, len(octets), children)


def _value(octets: bytes, at: int, base: int | None, depth: int) -> tuple[Node, int]:
    """Return the value at `at`, and where it ends.

    Errors: `_Stopped` with what could be read of it.
    """
    tag = octets[at] if at < len(octets) else None
    if tag in _NESTED:
        return _sequence(octets, at, base, depth)
    try:
        if tag == Tag.COMPACT_ARRAY:
            return _compact_array(octets, at, base, depth)
        value, end = axdr.decode_prefix(octets, at, depth=depth)
    except ProtocolFault as odd:
        raise _Stopped(not_understood(octets[at:], moved(base, at), odd.error.message)) from None
    return _leaf(Tag(octets[at]), value, moved(base, at), end - at), end


def _sequence(octets: bytes, at: int, base: int | None, depth: int) -> tuple[Node, int]:
    tag, begin = Tag(octets[at]), at
    children: list[Node] = []
    try:
        count, at = axdr.decode_length(octets, at + 1)
        if depth >= MAX_DEPTH:
            raise axdr_too_deep(octets, begin, base)
    except ProtocolFault as odd:
        raise _Stopped(not_understood(octets[begin:], moved(base, begin), odd.error.message)) from None
    meaning = f"{count} element{'' if count == 1 else 's'}"
    for _ in range(count):
        try:
            child, at = _value(octets, at, base, depth + 1)
        except _Stopped as stopped:
            children.append(stopped.node)
            whole = Node(tag.words, None, meaning, moved(base, begin), len(octets) - begin, tuple(children))
            raise _Stopped(whole) from None
        children.append(child)
    return Node(tag.words, None, meaning, moved(base, begin), at - begin, tuple(children)), at


def axdr_too_deep(octets: bytes, begin: int, base: int | None) -> _Stopped:
    """Return the end of a tree that goes too deep."""
    why = f"more than {MAX_DEPTH} arrays and structures within one another"
    return _Stopped(not_understood(octets[begin:], moved(base, begin), why))


def _compact_array(octets: bytes, at: int, base: int | None, depth: int) -> tuple[Node, int]:
    """Return a compact array; its elements have no tags, so their octets are not told one by one."""
    end = axdr.measure(octets, at, depth=depth)
    description, begin, _ = open_compact_array(octets, at + 1, depth)
    data = axdr.parse(octets[at:end])
    assert isinstance(data.value, axdr.CompactArray)
    items = tuple(_typed(item) for item in data.value.items)
    meaning = f"{len(items)} elements of {description.tag.words} in {end - begin} octets"
    return Node(Tag.COMPACT_ARRAY.words, None, meaning, moved(base, at), end - at, items), end


def _typed(data: axdr.Data) -> Node:
    if isinstance(data.value, tuple):
        items = tuple(_typed(item) for item in data.value)
        return Node(data.tag.words, None, f"{len(items)} elements", None, 0, items)
    assert not isinstance(data.value, axdr.CompactArray)
    return _leaf(data.tag, data.value, None, 0)


def _leaf(tag: Tag, value: axdr.Value, offset: int | None, length: int) -> Node:
    shown: Value
    meaning = ""
    match value:
        case bytes():
            shown, meaning = value, octets_meaning(value)
        case bool() | int() | float() | str():
            shown = int(value) if isinstance(value, int) and not isinstance(value, bool) else value
        case DontCare() | None:
            shown = None
        case _:  # bits, dates and times; arrays and structures are no leaves
            shown = str(value)
    return Node(tag.words, shown, meaning, offset, length)
