"""`meterkit dlms get`: attributes, one or several at once, and parts of profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Final, cast

from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.dlms.references import first_column, selection
from meterkit.cli.dlms.view import (
    reference_title,
    time_text,
    type_name,
    value_document,
    value_parts,
    value_text,
)
from meterkit.cli.grid import make_grid
from meterkit.cli.output import error_document, print_json
from meterkit.cli.running import FAILED, OK, say_error
from meterkit.cli.usage import UsageMistake
from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, Selection
from meterkit.dlms.attribute_data import AttributeData
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.translate import object_name
from meterkit.result import Err, Result

PROFILE_GENERIC: Final = 7
_BUFFER, _CAPTURE_OBJECTS = 2, 3
_CLOCK_TIME: Final = "8/"  # a column of the clock's class: its time
MOST_LINES: Final = 200  #: of a value shown without --all


@dataclass(frozen=True, slots=True)
class Wish:
    """Which attributes, or which part of a profile."""

    references: Sequence[AttributeDescriptor]
    range_: str | None
    entries: str | None
    columns: str | None
    _: KW_ONLY
    show_all: bool
    as_json: bool

    def selection(self) -> Selection | None:
        """Return the part asked for; None for the whole.  Errors: UsageMistake."""
        chosen = selection(self.range_, self.entries, self.columns)
        if chosen is not None and not all(map(_is_buffer, self.references)):
            raise UsageMistake("--range, --entries and --columns are for buffers of profiles: 7/OBIS/2")
        return chosen


@dataclass(frozen=True, slots=True)
class _Answer:
    reference: AttributeDescriptor
    result: Result[AttributeData]
    heads: Sequence[str] = ()  #: of a profile's columns


def get(url: str, access: DlmsAccess, wish: Wish) -> int:
    """Read what is wished; what the meter refuses is told, and the rest shown, with exit status 1."""
    if not wish.references:
        raise UsageMistake("name an attribute: CLASS/OBIS/ATTRIBUTE, such as 8/0-0:1.0.0/2")
    chosen = wish.selection()

    async def body(client: DlmsClient) -> int:
        answers = await _read(client, wish, chosen)
        if wish.as_json:
            print_json({"attributes": [_document(answer) for answer in answers]})
        else:
            _show(answers, show_all=wish.show_all)
        failures = [answer.result.error for answer in answers if isinstance(answer.result, Err)]
        for error in failures:
            say_error(str(error))
        return FAILED if failures else OK

    return on_dlms_meter(url, access, body)


async def _read(client: DlmsClient, wish: Wish, chosen: Selection | None) -> list[_Answer]:
    """Return the answers in the order asked; a lost session leaves those that it cost as errors too."""
    if len(wish.references) == 1:
        one = wish.references[0]
        results = [await client.get_attribute(one.class_id, one.obis, one.attribute, chosen)]
    else:
        wanted = [(one.class_id, one.obis, one.attribute, chosen) for one in wish.references]
        results = await client.get_attribute_list(wanted).collect()
        results += [results[-1]] * (len(wanted) - len(results))
    answers: list[_Answer] = []
    for reference, result in zip(wish.references, results, strict=True):
        heads = await _heads(client, reference, wish.columns) if _is_buffer(reference) else ()
        answers.append(_Answer(reference, result, heads))
    return answers


def _is_buffer(reference: AttributeDescriptor) -> bool:
    return reference.class_id == PROFILE_GENERIC and reference.attribute == _BUFFER


async def _heads(client: DlmsClient, profile: AttributeDescriptor, columns: str | None) -> Sequence[str]:
    """Return what a profile's columns are, as far as the meter tells; none if it does not."""
    if not client.is_associated:
        return ()
    captured = await client.get_attribute(PROFILE_GENERIC, profile.obis, _CAPTURE_OBJECTS)
    if isinstance(captured, Err) or not isinstance(captured.value.value, list):
        return ()
    return [_head(one) for one in captured.value.value][first_column(columns) - 1 :]


def _head(captured: axdr.Value) -> str:
    match captured:
        case (int(class_id), bytes(name), int(attribute), *_) if len(name) == 6:
            return f"{class_id}/{ObisCode(*name)}/{attribute}"
        case _:
            return "?"


def _document(answer: _Answer) -> dict[str, object]:
    reference, result = answer.reference, answer.result
    document: dict[str, object] = {
        "class_id": reference.class_id,
        "obis_code": str(reference.obis),
        "attribute": reference.attribute,
        "name": object_name(reference.obis) or None,
    }
    if isinstance(result, Err):
        return document | error_document(result.error)
    told = value_document(result.value.data, result.value.value)
    rows = _rows(result.value) if answer.heads else None
    if rows is not None:
        told["value"] = [_row_document(row, answer.heads) for row in rows]
    return document | ({"columns": list(answer.heads)} if answer.heads else {}) | told


def _row_document(row: tuple[axdr.Value, ...], heads: Sequence[str]) -> list[object]:
    """Return a row with its times in ISO 8601; None stays where a meter left a value out."""
    is_time = [head.startswith(_CLOCK_TIME) for head in heads] + [False] * len(row)
    return [
        time_text(value) if is_time[at] and isinstance(value, bytes) else value
        for at, value in enumerate(row)
    ]


def _show(answers: list[_Answer], *, show_all: bool) -> None:
    simple = [answer for answer in answers if _is_simple(answer)]
    if len(answers) > 1 and simple:
        show(make_grid(("attribute", "~object", "~type", "~value"), map(_row, simple)))
    for answer in answers:
        data = _data(answer)
        if data is None or (len(answers) > 1 and answer in simple):
            continue
        show(reference_title(answer.reference))
        rows = _rows(data)
        if _is_buffer(answer.reference) and rows is not None:
            _show_rows(rows, answer.heads, show_all=show_all)
            continue
        parts = value_parts(data.data)
        show(*(parts if show_all else parts[:MOST_LINES]))
        _tell_hidden(len(parts), show_all=show_all)


def _is_simple(answer: _Answer) -> bool:
    data = _data(answer)
    return data is not None and not isinstance(data.value, list | tuple)


def _data(answer: _Answer) -> AttributeData | None:
    return None if isinstance(answer.result, Err) else answer.result.value


def _row(answer: _Answer) -> tuple[str, ...]:
    data = _data(answer)
    assert data is not None  # a simple one
    reference = answer.reference
    return str(reference), object_name(reference.obis), type_name(data.data), value_text(data.value)


def _rows(data: AttributeData) -> list[tuple[axdr.Value, ...]] | None:
    """Return a buffer's rows; None if it does not consist of rows."""
    if not isinstance(data.value, list) or not all(isinstance(row, tuple) for row in data.value):
        return None
    return cast("list[tuple[axdr.Value, ...]]", data.value)


def _show_rows(rows: list[tuple[axdr.Value, ...]], heads: Sequence[str], *, show_all: bool) -> None:
    width = max(map(len, rows), default=len(heads))
    named = [*heads, *(str(number) for number in range(len(heads) + 1, width + 1))][:width]
    shown = rows if show_all else rows[:MOST_LINES]
    cells = [[*map(value_text, row), *[""] * (width - len(row))] for row in shown]
    show(make_grid([_short(head) for head in named], cells))
    show(Text(f"{len(rows)} rows", style="dim"))
    _tell_hidden(len(rows), show_all=show_all)


def _short(head: str) -> str:
    """Return a column's head: its object, and the attribute where it is not the value."""
    pieces = head.split("/")
    if len(pieces) != 3:
        return head
    object_, attribute = pieces[1].removesuffix("*255"), pieces[2]
    return object_ if attribute == "2" else f"{object_}/{attribute}"


def _tell_hidden(count: int, *, show_all: bool) -> None:
    if not show_all and count > MOST_LINES:
        show(Text(f"{count - MOST_LINES} more not shown (--all shows them)", style="dim"))
