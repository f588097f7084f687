"""Finding HDLC frames in octets as they come off a line, in pieces of any size.

A frame is believed for its format octet, its length, its HCS and its FCS, not for its flags: one flag may
serve two frames, get lost, or stand anywhere within one.

    noise ... 7E 7E | A0 1E ... HCS ... FCS | 7E | A0 07 ... FCS | 7E
                      `- checked as soon as it is whole, so noise that looks like the start of a long
                         frame holds nothing up

When the FCS says that a frame is damaged, the search goes on one octet behind its start: a frame that
lost octets must not take the next good one with it.  A frame is given out when its closing flag is there,
because until then the other end still speaks; if another octet comes instead, or silence, the flag was
lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from meterkit.codec.crc import is_intact
from meterkit.dlms.hdlc.address import decode_address
from meterkit.dlms.hdlc.control import CONTROLS
from meterkit.dlms.hdlc.frame import CHECK_SIZE, FLAG, LONGEST_HEADER, SEGMENTED, HdlcFrame, describe_damage


def _octets_where(bit: int) -> bytes:
    """Return a pattern for the octets whose bit 0 is `bit`."""
    return b"[" + b"".join(b"\\x%02x" % octet for octet in range(bit, 256, 2)) + b"]"


_LAST: Final = _octets_where(1)
_MORE: Final = _octets_where(0)
_ADDRESS: Final = b"(%b|%b%b|%b{3}%b)" % (_LAST, _MORE, _LAST, _MORE, _LAST)
_START: Final = re.compile(rb"[\xa0-\xaf]")
_HEADER: Final = re.compile(rb"[\xa0-\xaf]." + _ADDRESS + _ADDRESS + b".", re.DOTALL)
_BEGINNING: Final = re.compile(  # a header that more octets may yet make whole
    rb"[\xa0-\xaf](?:.(?:%b{0,3}|%b%b{0,3}|%b%b))?\Z" % (_MORE, _ADDRESS, _MORE, _ADDRESS, _ADDRESS),
    re.DOTALL,
)

_UNTOLD: Final = 0  # more octets are needed to judge a header
_NONE: Final = -1  # no header
_DAMAGED: Final = -2  # a header, but for its HCS


@dataclass(frozen=True, slots=True)
class Noise:
    """Octets that belong to no frame; flags between frames are none."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """A frame came, but not intact."""

    reason: str  #: for an engineer; shows its first octets and the check, not what it carries


#: An intact frame, or what came instead.
Item: TypeAlias = HdlcFrame | Noise | Damage


class HdlcReader:
    """Cuts a stream of octets into `Item`s.  Never holds more than one frame's octets."""

    __slots__ = ("_held", "_needed")

    def __init__(self) -> None:
        self._held = b""
        self._needed = 0  # octets to be held before it is worth looking again

    @property
    def is_waiting(self) -> bool:
        """Whether octets are held that only more octets, or silence, can settle."""
        return bool(self._held)

    def clear(self) -> None:
        """Forget what is held."""
        self._held = b""
        self._needed = 0

    def feed(self, octets: bytes) -> list[Item]:
        """Take what came and return what can be told by now."""
        held = self._held + octets if self._held else octets
        if len(held) < self._needed:
            self._held = held
            return []
        return self._cut(held, is_settled=False)

    def silence(self) -> list[Item]:
        """Take the news that nothing came for the inter-octet time-out, and settle what is held."""
        return self._cut(self._held, is_settled=True)

    def _cut(self, held: bytes, *, is_settled: bool) -> list[Item]:
        items: list[Item] = []
        total = len(held)
        taken = at = 0  # octets accounted for; where to look next
        while (found := _START.search(held, at)) is not None:
            start = found.start()
            header = _HEADER.match(held, start)
            size = _judge(held, start, header)
            end = start + size
            is_whole = size > 0 and end <= total
            is_good = is_whole and is_intact(held[start:end])
            if not is_settled and (end == total if is_good else not is_whole and size >= _UNTOLD):
                _add_noise(held[taken:start], items)
                self._held = held[start:]
                self._needed = max(size, total - start) + 1
                return items
            at = start + 1
            if is_good and header is not None:
                _add_noise(held[taken:start], items)
                items.append(_frame(held, header, start, end))
                at = end
                taken = max(taken, end)
            elif size > 0 or (size == _DAMAGED and held[start - 1 : start] in (FLAG, b"")):
                _add_noise(held[taken:start], items)
                items.append(Damage(_describe(held[start:total], size)))
                taken = max(taken, start, min(end, total))
        self.clear()
        _add_noise(held[taken:], items)
        return items


def _judge(held: bytes, start: int, header: re.Match[bytes] | None) -> int:
    """Return the octets of the frame that the header at `start` announces, or what else it is."""
    if header is None:
        return _UNTOLD if _BEGINNING.match(held, start) else _NONE
    size = (held[start] & 0x07) << 8 | held[start + 1]
    header_end = header.end()
    rest = size - (header_end - start)
    if rest == CHECK_SIZE:
        return size
    if rest < 2 * CHECK_SIZE:
        return _NONE
    header_end += CHECK_SIZE
    if header_end > len(held):
        return _UNTOLD
    return size if is_intact(held[start:header_end]) else _DAMAGED


def _frame(held: bytes, header: re.Match[bytes], start: int, end: int) -> HdlcFrame | Damage:
    after = header.end()
    control = CONTROLS.get(held[after - 1])
    if control is None:
        shown = held[start:after].hex(" ")
        return Damage(f"frame {shown} is intact, but control octet {held[after - 1]:02x} is unknown")
    return HdlcFrame(
        decode_address(header[1]),
        decode_address(header[2]),
        control,
        held[after + CHECK_SIZE : end - CHECK_SIZE],
        held[start] & SEGMENTED > 0,
    )


def _describe(octets: bytes, size: int) -> str:
    """Say what is wrong with the frame in front of `octets`."""
    if size == _DAMAGED:
        return f"header {octets[:LONGEST_HEADER].hex(' ')} with a wrong HCS"
    if size > len(octets):
        shown = octets[:LONGEST_HEADER].hex(" ")
        return f"a frame broke off: header {shown} announces {size} octets, {len(octets)} came"
    return describe_damage(octets[:size], "FCS")


def _add_noise(octets: bytes, items: list[Item]) -> None:
    noise = octets.strip(FLAG)
    if noise:
        items.append(Noise(noise))
