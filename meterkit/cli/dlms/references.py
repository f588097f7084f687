"""What a person types to name attributes, methods and parts of a profile, checked."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from meterkit.cli.usage import UsageMistake
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, Selection
from meterkit.dlms.cosem.obis import ObisCode

_LIKE: Final = "write CLASS/OBIS/ATTRIBUTE, such as 3/1-0:1.8.0/2"
_MOST_ENTRY, _MOST_COLUMN = 0xFFFFFFFF, 0xFFFF


def parse_attribute(text: str) -> AttributeDescriptor:
    """Return the attribute that 3/1-0:1.8.0/2 names; 0 stands for all of them.  Errors: UsageMistake."""
    class_id, obis, number = _parts(text, "attribute")
    return AttributeDescriptor(class_id, obis, number)


def parse_method(text: str) -> MethodDescriptor:
    """Return the method that 70/0-0:96.3.10/1 names.  Errors: UsageMistake."""
    class_id, obis, number = _parts(text, "method")
    return MethodDescriptor(class_id, obis, number)


def parse_obis(text: str) -> ObisCode:
    """Return the object that 0-0:96.3.10 names.  Errors: UsageMistake."""
    try:
        return ObisCode.parse(text)
    except ValueError as odd:
        raise UsageMistake(str(odd)) from None


def _parts(text: str, what: str) -> tuple[int, ObisCode, int]:
    pieces = [piece.strip() for piece in text.split("/")]
    if len(pieces) != 3:
        raise UsageMistake(f"{text!r} names no {what}: {_LIKE.replace('ATTRIBUTE', what.upper())}")
    try:
        obis = ObisCode.parse(pieces[1])
    except ValueError as odd:
        raise UsageMistake(f"{text!r} names no {what}: {odd}") from None
    return _number(text, "class", pieces[0], 0, 0xFFFF), obis, _number(text, what, pieces[2], -128, 127)


def _number(text: str, what: str, digits: str, lowest: int, highest: int) -> int:
    if re.fullmatch(r"-?[0-9]{1,6}", digits) and lowest <= int(digits) <= highest:
        return int(digits)
    raise UsageMistake(f"{text!r}: the {what} is a number from {lowest} to {highest}, not {digits!r}")


def selection(range_: str | None, entries: str | None, columns: str | None) -> Selection | None:
    """Return the part of a profile that --range, or --entries and --columns, name.  Errors: UsageMistake."""
    if range_ is not None and entries is not None:
        raise UsageMistake("say --range or --entries, not both")
    if range_ is not None:
        if columns is not None:
            raise UsageMistake("--columns goes with --entries")
        return Selection.by_range(*_times(range_))
    if entries is None and columns is None:
        return None
    first, last = (1, 0) if entries is None else parse_span("--entries", entries, _MOST_ENTRY)
    first_column, last_column = (1, 0) if columns is None else parse_span("--columns", columns, _MOST_COLUMN)
    return Selection.by_entry(first, last, first_column=first_column, last_column=last_column)


def first_column(columns: str | None) -> int:
    """Return the number of the first column asked for, from 1."""
    return 1 if columns is None else parse_span("--columns", columns, _MOST_COLUMN)[0]


def _times(text: str) -> tuple[datetime, datetime]:
    first, dots, last = text.partition("..")
    try:
        times = datetime.fromisoformat(first.strip()), datetime.fromisoformat(last.strip())
    except ValueError:
        times = None
    if times is None or not dots:
        raise UsageMistake(
            f"--range {text}: write FROM..TO, such as 2026-03-01..2026-03-02T12:00 in the meter's own time"
        )
    if (times[0].tzinfo is None) != (times[1].tzinfo is None):
        raise UsageMistake(f"--range {text}: give both times an offset from UTC, or neither")
    if times[0] > times[1]:
        raise UsageMistake(f"--range {text}: the first time is after the second")
    return times


def parse_span(option: str, text: str, highest: int) -> tuple[int, int]:
    """Return the first and the last number that were typed; 0 as the last is to the end.

    Errors: UsageMistake that names `option`.
    """
    match = re.fullmatch(r"\s*([0-9]{1,10})\s*(?:(?:\.\.|-)\s*([0-9]{0,10})\s*)?", text)
    if match is not None:
        first = int(match[1])
        last = first if match[2] is None else int(match[2] or 0)
        if 1 <= first <= highest and last <= highest and (last == 0 or first <= last):
            return first, last
    raise UsageMistake(
        f"{option} {text}: write FIRST..LAST counted from 1, such as 1..96; 97.. is to the end"
    )
