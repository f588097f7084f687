"""Takes passwords and challenges out of a recording, by the look of the octets in front of them.

    ee id control seq length(2) 51|53 ....................    PSEM Security, Authenticate: to the packet's end
    7e a. .. ... ac L 80 n ......... be ... .. .. 7e          AARQ (ac), AARE (aa): value, and HDLC's check
    c1 01 .. 00 0f ...... 07 00 09 n .........                SET of a secret, and the ACTIONs that change one
    aa 01 0f de c2, then aa 09 ff ..., aa L 01 ...            an EM1000's challenge and response

A check goes with what it checks: two octets of it are enough to try short passwords on.  It goes by heads
and not by whole messages: a message torn over two records hides its secret all the same.  In doubt it hides
too much.  Secrets in PSEM's tables, in lists and blocks of DLMS, and those that are read, it does not know:
they look like any other data.
Source: C12.18-2006, Security; C12.21, Authenticate; Green Book 9.4.2 (ACSE) and 8.4 (HDLC); docs/em1000.md.
"""

from __future__ import annotations

import re
from typing import Final

from meterkit.recording import HIDDEN, Direction

_HEAD: Final = re.compile(
    rb"""(?= (?P<frame> \x7e [\xa0-\xaf] .)              # HDLC: flag, format, length
           | (?P<packet> \xee .{3} [\x00-\x1f] . [QS])   # PSEM: header, service
           | (?P<value> [\xac\xaa] . \x80 .)             # ACSE: tag, length, charstring, length
           | (?P<long_value> [\xac\xaa] \x81 . \x80 \x81 .)
           | (?P<written> \xc1\x01. (?: \x00\x0f.{6}\x07      # SET of a secret: Association LN,
                                    | \x00\x13.{6}[\x07-\x09])   # or the passwords of a local port
                          \x00\x09.                          # no selection; octet-string, length
                      | \xc3\x01. (?: \x00\x0f.{6}[\x01\x02]  # ACTION: a proof, a new secret,
                                    | \x00\x48.{6}\x07)      # or an M-Bus device's key
                          \x01\x09.
                      | \x06\x01\x02\xfa[\x40\x48\x58]\x01\x09.  # the same with short names
                      | \x05\x01\x04\xfa\x58.\x09.)
           | (?P<request> \xaa\x01\x0f\xde\xc2)          # EM1000: the request for a challenge, whole
           | (?P<challenge> \xaa\x09\xff)
           | (?P<response> \xaa [\x02-\xff] \x01))""",
    re.VERBOSE | re.DOTALL,
)
_TAIL: Final = 14  # octets before the last one of the longest head
_CHECK: Final = 2  # octets of every check here
_FRAMING: Final = 20  # octets at most between two segments' information: check, flags, header and its check
_SHORT: Final = 16  # octets of information that a segment has at least


class PasswordRedactor:
    """What a `RecordingTransport` takes by itself; one for each line, since it remembers what passed."""

    def __init__(self) -> None:
        self._ways = {direction: _Way() for direction in Direction}
        self._login = _Login()

    def __call__(self, direction: Direction, octets: bytes) -> str:
        """Return the hex of `octets`, with ".." for those that are secret."""
        return self._ways[direction].take(octets, self._login)


class _Login:
    """How far an EM1000's login has come; its heads are too short to be believed before it begins."""

    has_begun = False
    awaits_challenge = False


class _Way:
    """What one side has said: the octets last heard, and what is secret of those to come."""

    def __init__(self) -> None:
        self._tail = b""
        self._at = 0  # octets heard so far
        self._frame_end = 0  # where the closing flag of the last HDLC frame is
        self._secrets: list[tuple[int, int]] = []  # (first octet, octet behind the last)

    def take(self, octets: bytes, login: _Login) -> str:
        window = self._tail + octets
        base = self._at - len(self._tail)
        for head in _HEAD.finditer(window):
            kind = head.lastgroup
            if kind is not None and base + head.end(kind) > self._at:
                self._heed(kind, base + head.start(), head[kind], login)
        shown = [f"{octet:02x}" for octet in octets]
        end = self._at + len(octets)
        for first, behind in self._secrets:
            for at in range(max(first, self._at), min(behind, end)):
                shown[at - self._at] = HIDDEN
        self._secrets = [secret for secret in self._secrets if secret[1] > end]
        self._tail, self._at = window[-_TAIL:], end
        return "".join(shown)

    def _heed(self, kind: str, start: int, head: bytes, login: _Login) -> None:
        """Take a head of some kind that is whole by now."""
        behind = start + len(head)
        match kind:
            case "frame" if start >= self._frame_end:
                self._frame_end = start + 1 + ((head[1] & 0x07) << 8 | head[2])
            case "packet":
                length = int.from_bytes(head[4:6])
                if length > 1 and head[2] & 0xC0 != 0x80:  # a single packet, or the first of several
                    self._secrets.append((behind, behind + length - 1 + _CHECK))
            case "value" if head[1] == head[3] + 2:
                self._hide_value(behind, head[3])
            case "written":
                self._hide_value(behind, head[-1])
            case "long_value" if head[2] == head[5] + 3:
                self._hide_value(behind, head[5])
            case "request":
                login.has_begun = login.awaits_challenge = True
            case "challenge" if login.awaits_challenge:
                login.awaits_challenge = False
                self._secrets.append((behind, behind + head[1] - 1 + _CHECK))
            case "response" if login.has_begun:
                self._secrets.append((behind, behind + head[1] - 1 + _CHECK))
            case _:
                return

    def _hide_value(self, first: int, size: int) -> None:
        """Hide an authentication value, and the check of the HDLC frame that it stands in, if it does."""
        check = self._frame_end - _CHECK
        if first < check < first + size:  # it goes on in further segments, whose heads are in between
            self._secrets.append((first, first + size + _FRAMING * (1 + size // _SHORT)))
            return
        self._secrets.append((first, first + size))
        if first < check:
            self._secrets.append((check, check + _CHECK))
