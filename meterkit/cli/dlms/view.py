"""What DLMS verbs show: values of any type, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from meterkit.cli.output import safe_text
from meterkit.codec import axdr
from meterkit.codec.axdr_tags import tag_words
from meterkit.codec.cosem_time import DATE_TIME_SIZE, CosemDateTime
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.translate import class_name, data_node, object_name
from meterkit.dlms.translate.words import octets_meaning, time_meaning
from meterkit.errors import ProtocolFault
from meterkit.tree import Line, Node, lines

_SHOWN: Final = 8  # octets beside a line of a tree
_COLUMN: Final = 3 * _SHOWN - 1  # letters of them


def type_name(data: bytes) -> str:
    """Return the type that encoded Data begins with."""
    return tag_words(data[0]).partition(" (")[0] if data else "nothing"


def value_document(data: bytes | None, value: axdr.Value) -> dict[str, object]:
    """Return a value as JSON has it: its type, itself, what octets mean, and the octets as they came."""
    if data is None:
        return {"type": None, "value": None, "hex": None}
    document: dict[str, object] = {"type": type_name(data), "value": value}
    if isinstance(value, bytes) and (meaning := octets_meaning(value)):
        document["meaning"] = meaning
    return document | {"hex": data}


def value_text(value: axdr.Value) -> str:
    """Return a value in one cell; octets as what they mean, where they mean something."""
    match value:
        case None:
            return ""
        case bytes() if len(value) == DATE_TIME_SIZE and (time := time_meaning(value)):
            return time
        case bytes():
            return octets_meaning(value) or value.hex(" ")
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return "{" + ", ".join(map(value_text, value)) + "}"
        case _:
            return safe_text(str(value))


def time_text(octets: bytes) -> str:
    """Return the time in octets as ISO 8601, or, of a pattern, as a person reads it; else their hex."""
    try:
        time = CosemDateTime.from_octets(octets)
    except ProtocolFault:
        return octets.hex()
    moment = time.to_datetime()
    return str(time) if moment is None else moment.isoformat()


def value_parts(data: bytes) -> list[RenderableType]:
    """Return a value of any depth as a tree."""
    value = data_node(data, None).children
    return [*tree_parts(value, has_offsets=False)]


def tree_parts(
    nodes: Iterable[Node], *, has_offsets: bool = True, octets: bytes | None = None
) -> Iterable[Text]:
    """Yield trees line by line, names in cyan, what is not understood in yellow.

    `octets`: the capture; each line then begins with those of its own.
    """
    for line in lines(nodes):
        yield _line(line, has_offsets, octets)


def _line(line: Line, has_offset: bool, octets: bytes | None) -> Text:
    text = Text(f"{line.offset}  " if has_offset else "", style="dim")
    if octets is not None:
        text.append(f"{_column(line, octets):{_COLUMN}}  ", style="" if line.is_understood else "yellow")
    text.append(line.indent)
    text.append(line.name, style="cyan not dim" if line.is_understood else "yellow not dim")
    if line.value:
        text.append(f": {safe_text(line.value)}", style="not dim")
    if line.meaning:
        text.append(f" ({safe_text(line.meaning)})", style="dim")
    return text


def _column(line: Line, octets: bytes) -> str:
    """Return the octets of a line's own, as many as the column holds."""
    if line.start is None:
        return ""
    own = octets[line.start : line.start + line.own]
    return own.hex(" ") if len(own) <= _SHOWN else f"{own[: _SHOWN - 1].hex(' ')} .."


def reference_title(reference: AttributeDescriptor | MethodDescriptor) -> Text:
    """Return a reference with the names of its class and object."""
    words = ", ".join(filter(None, (class_name(reference.class_id), object_name(reference.obis))))
    text = Text(str(reference), style="bold")
    text.append(f"  {words}" if words else "", style="not bold dim")
    return text


def readable_address(address: str) -> str:
    """Return what the address of a readout's line stands for; empty if it is no OBIS code."""
    try:
        return object_name(ObisCode.parse(address))
    except ValueError:
        return ""
