"""Octets and who spoke, out of text: recordings, and hex as people paste it into a forum.

    {"time": ..., "direction": "sent", "hex": "aa010fdec2"}       a line of a recording
    AA 01 0F DE C2 >> asks to log in                              an arrow behind its octets
    << AA 01 FD 83 0D                                             or in front: >> to the meter, << from it
    aa010fdec2 0xAA 0x01 ... AA:01:0F:DE:C2 {0xAA, 0x01} AAh 01h  or none; any usual way to write hex
    2026-03-01 12:00:01.250 AA 01 0F DE C2                        a clock in front is no octets

In a sentence, only what can hardly be a word is taken for octets: two pairs of digits or more in a row,
one beside an arrow, or a long string of digits that begins with AA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from meterkit.em1000.meanings import Speaker
from meterkit.recording import HIDDEN, Direction, Recorded

_SPEAKERS: Final = {
    Direction.SENT: Speaker.HOST,
    Direction.RECEIVED: Speaker.METER,
    Direction.OVERHEARD: None,
}
_ARROWS: Final = {">>": Speaker.HOST, "<<": Speaker.METER}
_TOKEN = re.compile(r">>|<<|(?:(?!>>|<<)\S)+")
_OCTET = r"(?:0x|\\x)?(?:[0-9a-f]{2}|\.\.)"
_BARE = re.compile(rf"(?:{_OCTET}[\s,;:\-]*)*", re.IGNORECASE)  # a line of nothing but octets
_PAIR = re.compile(rf"{_OCTET}h?[,;]?", re.IGNORECASE)
_STRING = re.compile(rf"(?:0x|\\x)?aa(?:[,:\-]?{_OCTET}){{4,}}", re.IGNORECASE)
_DIGITS = re.compile(r"(?<!\\)0x|\\x|[\s,;:\-h]", re.IGNORECASE)  # what stands around digits
_RECORDED = re.compile(r"\s*\{(?!\s*(?:0x)?[0-9a-f]{2}\b)", re.IGNORECASE)  # and not an array in C
_AROUND = str.maketrans("[](){}\"'`$|", " " * 11)  # what stands around octets
_CLOCK = re.compile(
    r"^\s*(?:\d{4}-\d\d-\d\d[T\s])?\d{1,2}:[0-5]\d:[0-5]\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)?(?=:?\s+\S)"
)
_HIDDEN_RUN = re.compile(r"(?:\.\.)+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets that stand together in a capture."""

    speaker: Speaker | None  #: None: the capture does not say
    octets: bytes
    hidden: int = 0  #: octets behind them that a redactor took out
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """Hex digits and hidden octets in a line, and whether they touch an arrow."""

    digits: str
    follows_arrow: bool


def read_capture(text: str) -> Iterator[Piece]:
    """Yield what `text` holds, in order; words and numbers that are no octets are passed over.

    Errors: DECODE for a line that begins like one of a recording and is none.
    """
    for line in text.splitlines():
        if _RECORDED.match(line):
            recorded = Recorded.parse(line.strip())
            yield from recorded_pieces(recorded.hex, _SPEAKERS[recorded.direction], recorded.time)
        else:
            yield from _pieces_of_line(line)


def recorded_pieces(digits: str, speaker: Speaker | None, time: datetime | None = None) -> Iterator[Piece]:
    """Yield what hex holds that a redactor may have been over: octets up to each hidden run."""
    at = 0
    for hidden in _HIDDEN_RUN.finditer(digits):
        yield Piece(speaker, bytes.fromhex(digits[at : hidden.start()]), len(hidden.group()) // 2, time)
        at = hidden.end()
    if at < len(digits):
        yield Piece(speaker, bytes.fromhex(digits[at:]), 0, time)


def _pieces_of_line(line: str) -> Iterator[Piece]:
    parts = list(_parts(_CLOCK.sub(" ", line.translate(_AROUND))))
    arrows_lead = _arrows_lead(parts)
    spoken: list[tuple[_Run, str]] = []
    arrow = ""
    for part in parts if arrows_lead else reversed(parts):
        if isinstance(part, str):
            arrow = part
        else:
            spoken.append((part, arrow))
            arrow = arrow if arrows_lead else ""  # behind octets, an arrow is those octets' own
    for run, arrow in spoken if arrows_lead else reversed(spoken):
        yield from recorded_pieces(run.digits, _ARROWS.get(arrow))


def _arrows_lead(parts: list[_Run | str]) -> bool:
    """Tell whether a line's arrows stand in front of their octets rather than behind."""
    leading = sum(isinstance(part, _Run) and part.follows_arrow for part in parts)
    trailing = 0
    for part, following in pairwise(parts):
        trailing += isinstance(part, _Run) and isinstance(following, str)
    if leading != trailing:
        return leading > trailing
    return bool(parts) and isinstance(parts[0], str)


def _parts(line: str) -> Iterator[_Run | str]:
    """Yield runs of octets and arrows, in order; words are left out."""
    tokens = _TOKEN.findall(line)
    is_bare = all(token in _ARROWS or _BARE.fullmatch(token) for token in tokens)
    run: list[str] = []
    follows_arrow = False
    for at, token in enumerate([*tokens, ""]):
        is_pair = bool(_BARE.fullmatch(token) if is_bare else _PAIR.fullmatch(token)) and token != ""
        if is_pair and (run or not token.startswith(HIDDEN)):
            follows_arrow = follows_arrow if run else at > 0 and tokens[at - 1] in _ARROWS
            run.append(token)
            continue
        if is_bare or len(run) > 1 or (run and (follows_arrow or token in _ARROWS)):
            yield from _run("".join(run), follows_arrow=follows_arrow)
        run = []
        if token in _ARROWS:
            yield token
        elif _STRING.fullmatch(token):
            yield from _run(token, follows_arrow=at > 0 and tokens[at - 1] in _ARROWS)


def _run(tokens: str, *, follows_arrow: bool) -> Iterator[_Run]:
    digits = _DIGITS.sub("", tokens)
    if digits:
        yield _Run(digits, follows_arrow)
