"""A capture taken apart: frames with what their octets are believed to be, and all that is no frame.

    text, recording, octets  ->  pieces  ->  FrameDecoder, one for each side  ->  frames, noise, damage

Every octet of a capture comes back: in a frame, as noise, or as a secret that was taken out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from meterkit.em1000.capture_text import Piece, read_capture
from meterkit.em1000.frame import SYNC, BadCrc, Frame, FrameDecoder, FrameEvent, encode
from meterkit.em1000.meanings import LOG_IN, Meaning, Speaker, Views, believed_speaker, explain, views

IDLE_GAP: Final = 0.5  # s between two records after which an unfinished frame is given up; our own choice
_MERGED: Final = 4096  # octets of noise that are put together; longer noise comes in several
_HEAD: Final = 3  # octets of a frame that a redactor leaves


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """A frame whose check fits."""

    payload: bytes
    speaker: Speaker | None  #: who sent it; None: no telling
    is_believed: bool  #: the speaker is inferred from the payload: the capture does not say
    answers: bytes | None  #: payload of the host's frame before it, for a meter's frame
    time: datetime | None  #: aware; when it was whole, if the capture says

    @property
    def octets(self) -> bytes:
        """The frame as it was on the line."""
        return encode(self.payload)

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What its octets are believed to be, in order."""
        return explain(self.payload, self.speaker, self.answers)

    @property
    def views(self) -> Views:
        """The payload behind its first octet, as text and as numbers: guesswork."""
        return views(self.payload[1:])


@dataclass(frozen=True, slots=True)
class CapturedNoise:
    """Octets that are part of no frame."""

    octets: bytes
    speaker: Speaker | None  #: None: the capture does not say
    time: datetime | None


@dataclass(frozen=True, slots=True)
class CapturedDamage:
    """What would have been a frame, but for its check; its octets follow as noise or in frames."""

    length: int  #: octets of payload it claims
    found: int  #: check that came, 0..65535
    computed: int  #: check that would have fitted, 0..65535
    speaker: Speaker | None
    time: datetime | None


@dataclass(frozen=True, slots=True)
class CapturedSecret:
    """A frame that a redactor took the challenge or the response out of."""

    head: bytes  #: the octets of it that are left
    hidden: int  #: octets that were taken out
    speaker: Speaker | None
    time: datetime | None


CaptureItem: TypeAlias = CapturedFrame | CapturedNoise | CapturedDamage | CapturedSecret


@dataclass(frozen=True, slots=True)
class Capture:
    """All that a capture holds, in order."""

    items: tuple[CaptureItem, ...]

    @property
    def frames(self) -> tuple[CapturedFrame, ...]:
        """The frames alone."""
        return tuple(item for item in self.items if isinstance(item, CapturedFrame))

    @property
    def skipped(self) -> bytes:
        """All octets that are part of no frame."""
        return b"".join(item.octets for item in self.items if isinstance(item, CapturedNoise))


class CaptureDecoder:
    """Takes a capture piece by piece, as it is read or as it happens."""

    def __init__(self) -> None:
        self._decoders: dict[Speaker | None, FrameDecoder] = {}
        self._speaker: Speaker | None = None
        self._time: datetime | None = None
        self._asked: bytes | None = None  # the last payload of the host
        self._secret: CapturedSecret | None = None  # which more may belong to

    def feed(self, piece: Piece) -> list[CaptureItem]:
        """Take a piece; return what is whole by now.

        The line is half-duplex: where the other side speaks, or after IDLE_GAP seconds between two pieces
        that have times, an unfinished frame is given up.
        """
        items: list[CaptureItem] = []
        if piece.speaker is not self._speaker or self._is_late(piece.time):
            items += self.idle()
        elif piece.octets:
            items += self._take_secret()
        self._speaker, self._time = piece.speaker, piece.time
        decoder = self._decoders.setdefault(piece.speaker, FrameDecoder())
        items += self._items(decoder.feed(piece.octets))
        return items + self._hide(piece.hidden) if piece.hidden else items

    def idle(self) -> list[CaptureItem]:
        """Take the news that the line is quiet, or that the capture ends."""
        return self._take_secret() + self._give_up()

    def _give_up(self) -> list[CaptureItem]:
        decoder = self._decoders.get(self._speaker)
        return [] if decoder is None else self._items(decoder.idle())

    def _is_late(self, time: datetime | None) -> bool:
        if time is None or self._time is None:
            return False
        return (time - self._time).total_seconds() > IDLE_GAP

    def _items(self, events: Iterable[FrameEvent]) -> list[CaptureItem]:
        return [self._item(event) for event in events]

    def _item(self, event: FrameEvent) -> CaptureItem:
        said, time = self._speaker, self._time
        match event:
            case Frame(payload=payload):
                speaker = said or believed_speaker(payload)
                answers = self._asked if speaker is Speaker.METER else None
                if speaker is Speaker.HOST:
                    self._asked = payload
                return CapturedFrame(payload, speaker, said is None and speaker is not None, answers, time)
            case BadCrc():
                return CapturedDamage(event.length, event.found, event.computed, said, time)
            case _:
                return CapturedNoise(event.octets, said, time)

    def _hide(self, hidden: int) -> list[CaptureItem]:
        """Take octets that a redactor took out; the head of their frame becomes part of the secret."""
        if self._secret is not None:
            self._secret = replace(self._secret, hidden=self._secret.hidden + hidden)
            return []
        head, items = b"", self._give_up()
        last = items[-1] if items else None
        if isinstance(last, CapturedNoise) and last.octets[-_HEAD:].startswith(bytes((SYNC,))):
            head, kept = last.octets[-_HEAD:], last.octets[:-_HEAD]
            items = [*items[:-1], *([replace(last, octets=kept)] if kept else [])]
        if head[2:] == bytes((LOG_IN,)):
            self._asked = head[2:]
        self._secret = CapturedSecret(head, hidden, self._speaker, self._time)
        return items

    def _take_secret(self) -> list[CaptureItem]:
        """Return the secret that is whole now, since something else follows it."""
        secret, self._secret = self._secret, None
        return [] if secret is None else [secret]


def decode_pieces(pieces: Iterable[Piece]) -> Capture:
    """Return what a capture's pieces hold."""
    decoder = CaptureDecoder()
    items: list[CaptureItem] = []
    for piece in pieces:
        _extend(items, decoder.feed(piece))
    _extend(items, decoder.idle())
    return Capture(tuple(items))


def decode_capture(text: str) -> Capture:
    """Return what a recording, or hex text as people paste it, holds.

    Errors: DECODE for a line that begins like one of a recording and is none.
    """
    return decode_pieces(read_capture(text))


def decode_octets(octets: bytes, speaker: Speaker | None = None) -> Capture:
    """Return what octets hold that came one after another; both sides may be in them."""
    return decode_pieces([Piece(speaker, octets)])


def _extend(items: list[CaptureItem], more: Iterable[CaptureItem]) -> None:
    """Add items: noise to the noise before it."""
    for item in more:
        last = items[-1] if items else None
        if (
            isinstance(item, CapturedNoise)
            and isinstance(last, CapturedNoise)
            and item.speaker is last.speaker
            and len(last.octets) < _MERGED
        ):
            items[-1] = CapturedNoise(last.octets + item.octets, last.speaker, last.time)
        else:
            items.append(item)
