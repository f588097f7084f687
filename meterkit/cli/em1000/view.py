"""A capture as a person reads it, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.output import safe_text
from meterkit.em1000 import (
    CapturedDamage,
    CapturedFrame,
    CapturedNoise,
    CapturedSecret,
    CaptureItem,
    Certainty,
    Speaker,
    Views,
)

_STYLES = {Certainty.COMPUTED: "green", Certainty.INFERRED: "yellow", Certainty.UNKNOWN: "red"}
_WAYS = {Speaker.HOST: "host to meter", Speaker.METER: "meter to host", None: "either way"}
_IN_A_ROW = 16  # octets


def item_parts(item: CaptureItem) -> Iterable[RenderableType]:
    """Yield what shows one item of a capture."""
    way = _WAYS[item.speaker]
    match item:
        case CapturedFrame():
            believed = " (believed)" if item.is_believed else ""
            yield Text(f"{way}{believed}: frame of {len(item.octets)} octets", style="bold")
            yield _meanings(item)
            if told := _guesses(item):
                yield Text(f"  {told}", style="dim")
        case CapturedNoise():
            yield Text(f"{way}: {len(item.octets)} octet(s) skipped, part of no frame", style="bold")
            yield Text("\n".join(f"  {row}" for row in _rows(item.octets)), style="red")
        case CapturedDamage():
            found, computed = (_check(check) for check in (item.found, item.computed))
            yield Text(
                f"{way}: no frame of {item.length + 4} octets: its check would be {computed}, {found} came",
                style="yellow",
            )
        case CapturedSecret():
            yield Text(f"{way}: a frame whose secret was taken out", style="bold")
            yield Text(f"  {item.head.hex(' ').upper()} and {item.hidden} octets more")


def _meanings(frame: CapturedFrame) -> Grid:
    grid = Grid.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_column(no_wrap=True)
    for meaning in frame.meanings:
        rows = list(_rows(meaning.octets))
        style = _STYLES[meaning.certainty]
        grid.add_row(
            "", Text(rows[0], style="cyan"), meaning.text, Text(meaning.certainty.value, style=style)
        )
        for row in rows[1:]:
            grid.add_row("", Text(row, style="cyan"), "", "")
    return grid


def _guesses(frame: CapturedFrame) -> str:
    """Return unknown octets of the meter as numbers and texts; what the host makes up is no number."""
    is_unknown = any(part.certainty is Certainty.UNKNOWN and len(part.octets) > 1 for part in frame.meanings)
    if frame.speaker is Speaker.HOST or not is_unknown:
        return ""
    seen = frame.views
    told = [f"u16 {' '.join(map(str, seen.u16))}"] if seen.u16 else []
    told += [f"u32 {' '.join(map(str, seen.u32))}"] if seen.u32 else []
    told += [f"text {safe_text(text)!r}" for _, text in seen.texts]
    return f"guesswork behind {frame.payload[:1].hex().upper()}, little-endian: {'; '.join(told)}"


def _rows(octets: bytes) -> Iterable[str]:
    for at in range(0, len(octets), _IN_A_ROW):
        yield octets[at : at + _IN_A_ROW].hex(" ").upper()


def _check(check: int) -> str:
    return check.to_bytes(2, "little").hex(" ").upper()


def item_document(item: CaptureItem) -> dict[str, object]:
    """Return one item of a capture for JSON."""
    about: dict[str, object] = {"time": item.time, "speaker": item.speaker}
    match item:
        case CapturedFrame():
            return {
                "kind": "frame",
                **about,
                "is_believed": item.is_believed,
                "hex": item.octets,
                "payload": item.payload,
                "meanings": [
                    {"at": part.at, "hex": part.octets, "meaning": part.text, "certainty": part.certainty}
                    for part in item.meanings
                ],
                "views": _views_document(item.views),
            }
        case CapturedNoise():
            return {"kind": "skipped", **about, "hex": item.octets}
        case CapturedDamage():
            checks = {"length": item.length, "crc_found": item.found, "crc_computed": item.computed}
            return {"kind": "bad_crc", **about, **checks}
        case CapturedSecret():
            return {"kind": "secret", **about, "head": item.head, "hidden": item.hidden}


def _views_document(seen: Views) -> dict[str, object]:
    texts = [{"at": at, "text": text} for at, text in seen.texts]
    return {"texts": texts, "u16": seen.u16, "u32": seen.u32}
