"""One way of a bad line, as a machine without a clock: octets in, pieces out, each with the time it arrives.

    carry(b"abcdef", now=5.0)   ->   [Piece(5.0, b"abc"), Piece(7.5, b"ef")]        "d" is lost, "ef" is late

Every decision comes from one seed.  Pieces never overtake each other, but for datagrams that are reordered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from meterkit.testing.faults import (
    Bandwidth,
    Drop,
    Duplicate,
    Fault,
    Flip,
    Insert,
    Latency,
    LimitData,
    Reorder,
    ResetPeer,
    Slicer,
    Timeout,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets that arrive together."""

    due: float  #: s, on the clock that `carry` was told
    octets: bytes


@dataclass(slots=True)
class _Sending:
    """What becomes of octets that are sent together."""

    portions: list[tuple[float, bytearray]] = field(default_factory=lambda: [(0.0, bytearray())])
    delay: float = 0.0  # s
    left_to_drop: int = 0  # octets
    is_cut: bool = False  # the rest is lost
    is_swapped: bool = False  # an octet and the next change places
    nbr_waiting: int = 0  # octets that the next one goes in front of
    is_lost: bool = False  # the datagram
    is_doubled: bool = False
    is_overtaken: bool = False

    def late_by(self, seconds: float) -> None:
        """Let what follows come later."""
        self.delay += seconds
        self.portions.append((self.delay, bytearray()))

    def add(self, octets: bytes) -> None:
        """Let an octet pass, or what has become of it."""
        last = self.portions[-1][1]
        if self.left_to_drop:
            self.left_to_drop -= 1
        elif self.is_swapped and self.nbr_waiting:
            last[-self.nbr_waiting : -self.nbr_waiting] = octets
            self.is_swapped, self.nbr_waiting = False, 0
        else:
            last += octets
            self.nbr_waiting = len(octets) if self.is_swapped else 0


class ImpairedWay:
    """One way.  `faults` are those of this way; `has_datagrams`: what is sent together stays together."""

    def __init__(self, faults: Sequence[Fault], dice: Random, *, has_datagrams: bool = False) -> None:
        self.position = 0  #: octets that were sent this way so far
        self.nbr_struck = 0  #: how often a fault with a place or a probability has struck
        self.breaks_at = math.inf  #: when the line breaks
        self.reason = ""  #: why it does
        self._striking: tuple[Fault, ...] = ()
        self._always: tuple[Fault, ...] = ()
        self.use(faults)
        self._dice = dice
        self._has_datagrams = has_datagrams
        self._opened_at = 0  # the position at which the line was opened
        self._latest = -math.inf  # when the last piece arrives
        self._is_silent = False
        self._overtaken: bytes = b""  # a datagram that the next one overtakes

    def use(self, faults: Sequence[Fault]) -> None:
        """Let these faults strike from now on, and no others."""
        self._striking = tuple(one for one in faults if not one.is_always)
        self._always = tuple(one for one in faults if one.is_always)

    def mend(self) -> None:
        """Begin anew, as a line does that was opened again; positions count on."""
        self.breaks_at, self.reason, self._is_silent = math.inf, "", False
        self._latest, self._overtaken, self._opened_at = -math.inf, b"", self.position

    def carry(self, octets: bytes, now: float) -> list[Piece]:
        """Return what arrives of octets that are sent together at `now`, and when."""
        octets, end = self._allowed(octets, now), self.position + len(octets)
        sending = self._struck(octets, now)
        self.position = end
        if self._has_datagrams:
            leaving = self._datagrams(sending)
            return [piece for one in leaving for piece in self._timed(one, now, sending.delay)]
        return [
            piece
            for delay, portion in sending.portions * (2 if sending.is_doubled else 1)
            if portion
            for piece in self._timed(bytes(portion), now, delay)
        ]

    # ---------------------------------------------------------------- the stream
    def _allowed(self, octets: bytes, now: float) -> bytes:
        """Return what passes of `octets` through the faults that end a line for good."""
        for fault in self._always:
            if isinstance(fault, LimitData):
                left = self._opened_at + fault.octets - self.position
                if len(octets) >= left:
                    octets = octets[: max(left, 0)]
                    self._break(now, fault)
            elif isinstance(fault, ResetPeer | Timeout):
                self._end(fault, now)
        return b"" if self._is_silent else octets

    def _end(self, fault: ResetPeer | Timeout, now: float) -> None:
        if isinstance(fault, Timeout):
            self._is_silent = True
        if fault.seconds or isinstance(fault, ResetPeer):
            self._break(now + fault.seconds, fault)

    def _break(self, when: float, fault: Fault) -> None:
        if when < self.breaks_at:
            self.breaks_at, self.reason = when, f"{fault!r} struck at octet {self.position}"

    def _timed(self, octets: bytes, now: float, delay: float) -> Iterable[Piece]:
        begin, seconds_an_octet = now + delay, 0.0
        size, variation, gap = len(octets), 0, 0.0
        for fault in self._always:
            match fault:
                case Latency(delay=usual, jitter=jitter):
                    begin += usual + self._dice.uniform(0, jitter)
                case Bandwidth(rate=rate):
                    seconds_an_octet = max(seconds_an_octet, 1 / rate)
                case Slicer() if not self._has_datagrams:
                    size, variation, gap = fault.size, fault.variation, fault.delay
                case _:
                    pass
        due, place = max(begin, self._latest), 0
        while place < len(octets):
            part = octets[place : place + size + self._dice.randint(-variation, variation)]
            due += len(part) * seconds_an_octet + (gap if place else 0.0)
            place += len(part)
            self._latest = due
            yield Piece(due, part)

    # ---------------------------------------------------------------- single octets
    def _struck(self, octets: bytes, now: float) -> _Sending:
        """Return the octets as the faults with a place or a probability leave them."""
        sending = _Sending()
        end = self.position + len(octets)
        if not any(one.at is None or self.position <= one.at < end for one in self._striking):
            sending.add(octets)
            return sending
        for octet in octets:
            passing = bytes((octet,))
            for fault in self._striking:
                if fault.at == self.position or (
                    fault.probability and self._dice.random() < fault.probability
                ):
                    self.nbr_struck += 1
                    passing = self._strike(fault, sending, passing, now)
            if sending.is_cut:
                break
            sending.add(passing)
            self.position += 1
        return sending

    def _strike(self, fault: Fault, sending: _Sending, octets: bytes, now: float) -> bytes:
        """Return what a fault makes of one octet; what it does to the others, `sending` is told."""
        match fault:
            case Drop(count=count):
                sending.is_lost = True
                sending.left_to_drop = max(sending.left_to_drop, count)
            case Duplicate(is_whole=is_whole):
                sending.is_doubled |= is_whole or self._has_datagrams
                return octets if is_whole or self._has_datagrams else octets * 2
            case Flip(bit=bit):
                turned = 1 << (self._dice.randrange(8) if bit is None else bit)
                return octets[:-1] + bytes((octets[-1] ^ turned,))
            case Insert(octets=stray):
                return (self._dice.randbytes(1) if stray is None else stray) + octets
            case Reorder():
                sending.is_overtaken = self._has_datagrams
                sending.is_swapped = not self._has_datagrams
            case Latency(delay=delay, jitter=jitter):
                sending.late_by(delay + self._dice.uniform(0, jitter))
            case ResetPeer() | Timeout():
                self._end(fault, now)
                sending.is_cut = True
            case _:  # Truncate
                sending.is_cut = True
        return octets

    # ---------------------------------------------------------------- datagrams
    def _datagrams(self, sending: _Sending) -> list[bytes]:
        """Return the datagrams that leave: whole ones, whatever became of the octets in them."""
        datagram = b"".join(bytes(portion) for _, portion in sending.portions)
        if sending.is_lost or not datagram:
            return []
        if sending.is_overtaken and not self._overtaken:
            self._overtaken = datagram
            return []
        leaving = [datagram] * (2 if sending.is_doubled else 1)
        overtaken, self._overtaken = self._overtaken, b""
        return [*leaving, overtaken] if overtaken else leaving
