"""Two captures side by side, exchange by exchange: which octets of which answers differ.

    a:  0F -> FF 43 38 ...     | the same question in both
    b:  0F -> FF 91 0A ...     `- octets 1 to 8 of answer 0 differ

Whoever changes one setting of a meter between two captures sees which octets follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from meterkit.em1000.capture import Capture, CapturedFrame
from meterkit.em1000.meanings import LOG_IN, Speaker


@dataclass(frozen=True, slots=True)
class CapturedExchange:
    """One frame of the host and what came back before the next."""

    request: CapturedFrame | None  #: None: what the meter said before the host said anything
    replies: tuple[CapturedFrame, ...]  #: frames of the meter, and those that no one can be said to have sent


@dataclass(frozen=True, slots=True)
class ReplyChange:
    """One answer that is not the same in both captures."""

    index: int  #: of the reply within its exchange
    a: bytes | None  #: payload; None: there is no such answer
    b: bytes | None
    offsets: tuple[int, ...]  #: octets of the payload that differ, those that only one has included


@dataclass(frozen=True, slots=True)
class Difference:
    """One exchange that is not the same in both captures."""

    a: CapturedExchange | None  #: None: it is in b alone
    b: CapturedExchange | None
    changes: tuple[ReplyChange, ...]  #: of an exchange that is in both


def exchanges(capture: Capture) -> tuple[CapturedExchange, ...]:
    """Return the frames of a capture as questions with their answers."""
    found: list[CapturedExchange] = []
    request: CapturedFrame | None = None
    replies: list[CapturedFrame] = []
    for frame in capture.frames:
        if frame.speaker is Speaker.HOST:
            if request is not None or replies:
                found.append(CapturedExchange(request, tuple(replies)))
            request, replies = frame, []
        else:
            replies.append(frame)
    if request is not None or replies:
        found.append(CapturedExchange(request, tuple(replies)))
    return tuple(found)


def diff(a: Capture, b: Capture) -> tuple[Difference, ...]:
    """Return the exchanges that differ, in order; equal ones are left out.

    Exchanges are aligned by their questions.  Logins count as the same question, whatever they answer to
    the challenge.
    """
    one, other = exchanges(a), exchanges(b)
    matcher = SequenceMatcher(None, [_question(it) for it in one], [_question(it) for it in other])
    found: list[Difference] = []
    for tag, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        if tag == "equal":
            found += _changed(one[a_from:a_to], other[b_from:b_to])
        else:
            found += [Difference(it, None, ()) for it in one[a_from:a_to]]
            found += [Difference(None, it, ()) for it in other[b_from:b_to]]
    return tuple(found)


def _question(exchange: CapturedExchange) -> bytes:
    payload = b"" if exchange.request is None else exchange.request.payload
    return bytes((LOG_IN, len(payload))) if payload[:1] == bytes((LOG_IN,)) else payload


def _changed(one: Sequence[CapturedExchange], other: Sequence[CapturedExchange]) -> Iterable[Difference]:
    for a, b in zip(one, other, strict=True):
        changes: list[ReplyChange] = []
        for index, (left, right) in enumerate(zip_longest(a.replies, b.replies)):
            before = None if left is None else left.payload
            after = None if right is None else right.payload
            if before != after:
                changes.append(ReplyChange(index, before, after, _offsets(before or b"", after or b"")))
        if changes:
            yield Difference(a, b, tuple(changes))


def _offsets(a: bytes, b: bytes) -> tuple[int, ...]:
    return tuple(at for at, (left, right) in enumerate(zip_longest(a, b)) if left != right)
