"""What each octet of an EM1000 frame is believed to be, and how sure anybody can be of it.

    AA  06  01  03 BE 3B 3E 36  87 1C
    |   |   |   |               `- check                                   computed
    |   |   |   `- response to the challenge; how it is made up            unknown
    |   |   `- command: log in                                             inferred
    |   `- octets of payload                                               computed
    `- begins a frame                                                      computed

Source: docs/em1000.md.  Nothing is added to what five frames show: an octet without a label there is
unknown here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from meterkit.em1000.frame import encode

REQUEST_CHALLENGE: Final = 0x0F  #: first octet of the host's request for a challenge; inferred
LOG_IN: Final = 0x01  #: first octet of the host's response to a challenge; inferred
ACCEPTED: Final = 0xFF  #: first octet of a meter's frame when it does as asked; inferred
REFUSED: Final = 0xFD  #: first octet of a meter's frame when it refuses a login; inferred
SECRET_COMMANDS: Final = frozenset((REQUEST_CHALLENGE, LOG_IN))  #: they, or their answers, carry secrets
CHALLENGE_SIZE: Final = 8  #: octets of a challenge behind its status; one sample
_THOUSAND: Final = bytes.fromhex("e803")  # what an accepted login answers first, in the one sample
_SHORTEST_TEXT: Final = 4  # characters; fewer occur by chance in every other frame
_PRINTABLE = re.compile(rb"[ -~]{%d,}" % _SHORTEST_TEXT)


class Certainty(Enum):
    """How a meaning is known."""

    COMPUTED = "computed"  #: proved from all frames that are public
    INFERRED = "inferred"  #: fits the one or few samples there are
    UNKNOWN = "unknown"  #: nobody has said


class Speaker(Enum):
    """Who sent a frame."""

    HOST = "host"
    METER = "meter"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What some octets of a frame are believed to be."""

    at: int  #: octets of the frame before them
    octets: bytes
    text: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Views:
    """Octets nobody understands, seen in ways that others turned out to have; all of it guesswork."""

    texts: tuple[tuple[int, str], ...]  #: runs of four printable characters or more: (octets before, text)
    u16: tuple[int, ...]  #: as little-endian numbers of two octets, one after another
    u32: tuple[int, ...]  #: of four octets; what is left over at the end is in neither


def views(octets: bytes) -> Views:
    """Return the views of `octets`, which are best taken from behind a frame's first octet of payload."""
    return Views(
        tuple((run.start(), run.group().decode("ascii")) for run in _PRINTABLE.finditer(octets)),
        _numbers(octets, 2),
        _numbers(octets, 4),
    )


def _numbers(octets: bytes, size: int) -> tuple[int, ...]:
    ends = range(size, len(octets) + 1, size)
    return tuple(int.from_bytes(octets[end - size : end], "little") for end in ends)


def believed_speaker(payload: bytes) -> Speaker | None:
    """Return who is likely to have sent a payload, going by its first octet; None: no telling."""
    match payload[:1]:
        case b"\xff" | b"\xfd":
            return Speaker.METER
        case b"\x0f" | b"\x01":
            return Speaker.HOST
        case _:
            return None


def explain(
    payload: bytes, speaker: Speaker | None = None, answers: bytes | None = None
) -> tuple[Meaning, ...]:
    """Return what the octets of the frame around `payload` (1 to 255 octets) are believed to be, in order.

    `speaker`: who sent it; None: whoever is believed to.  `answers`: the payload of the host's frame before
    it, if that is known.
    """
    frame = encode(payload)
    size = len(payload)
    match speaker or believed_speaker(payload):
        case Speaker.HOST:
            inside = _of_host(payload)
        case Speaker.METER:
            inside = _of_meter(payload, answers)
        case _:
            inside = [(1, "command or status", Certainty.UNKNOWN), (size - 1, "fields", Certainty.UNKNOWN)]
    parts = [
        (1, "begins a frame", Certainty.COMPUTED),
        (1, f"{size} octet{'s' * (size > 1)} of payload", Certainty.COMPUTED),
        *inside,
        (2, "CRC-16/XMODEM of length and payload, low octet first: fits", Certainty.COMPUTED),
    ]
    meanings: list[Meaning] = []
    at = 0
    for length, text, certainty in parts:
        if length:
            meanings.append(Meaning(at, frame[at : at + length], text, certainty))
        at += length
    return tuple(meanings)


_Part = tuple[int, str, Certainty]  # octets, what they are, how it is known


def _of_host(payload: bytes) -> list[_Part]:
    rest = len(payload) - 1
    match payload[0]:
        case 0x0F:
            return [
                (1, "command: asks for a challenge", Certainty.INFERRED),
                (rest, "fields", Certainty.UNKNOWN),
            ]
        case 0x01:
            return [
                (1, "command: log in", Certainty.INFERRED),
                (rest, "response to the challenge; its parts and how it is made", Certainty.UNKNOWN),
            ]
        case _:
            return [(1, "command", Certainty.UNKNOWN), (rest, "fields", Certainty.UNKNOWN)]


def _of_meter(payload: bytes, answers: bytes | None) -> list[_Part]:
    rest = len(payload) - 1
    if payload[0] == REFUSED:
        return [(1, "status: refused", Certainty.INFERRED), (rest, "fields", Certainty.UNKNOWN)]
    if payload[0] != ACCEPTED:
        return [(1, "status", Certainty.UNKNOWN), (rest, "fields", Certainty.UNKNOWN)]
    status: _Part = (1, "status: accepted", Certainty.INFERRED)
    asked = None if answers is None else answers[0]
    if rest == CHALLENGE_SIZE and asked in (None, REQUEST_CHALLENGE):
        return [status, (rest, "challenge, another one for each login", Certainty.INFERRED)]
    if payload[1:3] == _THOUSAND and asked in (None, LOG_IN):
        return [
            status,
            (2, "1000 as a little-endian number; perhaps the model", Certainty.INFERRED),
            (rest - 2, "fields", Certainty.UNKNOWN),
        ]
    return [status, (rest, "fields", Certainty.UNKNOWN)]
