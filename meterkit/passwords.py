"""Takes passwords and challenges out of a recording, by the look of the octets in front of them.

    ee id control seq length(2) 51|53 ....................    PSEM Security, Authenticate: to the packet's end
    7e a. .. ... ac L 80 n ......... be ... .. .. 7e          AARQ (ac), AARE (aa): value, and HDLC's check
    c1 01 .. 00 0f ...... 07 00 09 n .........                SET of a secret, and the ACTIONs that change one
    c1 02 .. 00 0f ...... 07 00 00 00000001 ...   c1 03 ...   the same in blocks: to the message's end, each
    c1 04 .. n (00 0f ...... 07 00)n .........                the same in a list, if one of it is a secret
    aa 01 0f de c2, then aa 09 ff ..., aa L 01 ...            an EM1000's challenge and response

A check goes with what it checks: two octets of it are enough to try short passwords on.  It goes by heads
and not by whole messages: a message torn over two records hides its secret all the same.  In doubt it hides
too much.  Secrets in PSEM's tables, in lists and blocks of short names, and those that are read, it does not
know: they look like any other data.
Source: C12.18-2006, Security; C12.21, Authenticate; Green Book 8.4 (HDLC), 9.4.2 (ACSE), 9.5 (SET, ACTION),
9.4.6.13; docs/em1000.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from meterkit.recording import HIDDEN, Direction

#: Attributes that are secret, by class: a client's log leaves them out, too.  Source: Blue Book.
ATTRIBUTES: Final[Mapping[int, tuple[int, ...]]] = {
    15: (7,),  # Association LN: secret
    19: (7, 8, 9),  # IEC local port setup: passwords
    44: (5,),  # PPP setup: PPP_authentication
    45: (3,),  # GPRS modem setup: PIN_code
    46: (3, 4),  # SMTP setup: user name, password
    91: (5,),  # G3 MAC setup: mac_key_table
    100: (6, 7),  # NTP setup: authentication_keys, client_key
    101: (10, 11),  # ZigBee SAS startup: link_key, network_key
}
#: Methods whose parameters are secret, by class.  Source: Blue Book.
METHODS: Final[Mapping[int, tuple[int, ...]]] = {
    12: (5, 6, 8),  # Association SN: change_LLS_secret, change_HLS_secret, reply_to_HLS_authentication
    15: (1, 2),  # Association LN: reply_to_HLS_authentication, change_HLS_secret
    64: (2, 3),  # Security setup: key_transfer, key_agreement
    72: (7, 8),  # M-Bus client: set_encryption_key, transfer_key
    100: (2,),  # NTP setup: add_authentication_key
}


def _places(secret: Mapping[int, tuple[int, ...]]) -> bytes:
    """Return the pattern of a class, a logical name and one of its secrets."""
    classes = (
        b"".join((b"\\x00\\x%02x.{6}[" % of, *(b"\\x%02x" % one for one in numbers), b"]"))
        for of, numbers in secret.items()
    )
    return b"(?:" + b"|".join(classes) + b")"


_HEAD: Final = re.compile(
    rb"""(?= (?P<frame> \x7e [\xa0-\xaf] .)              # HDLC: flag, format, length
           | (?P<wrapper> \x00\x01 .{6})                # WRAPPER: version, ports, length
           | (?P<packet> \xee .{3} [\x00-\x1f] . [QS])   # PSEM: header, service
           | (?P<value> [\xac\xaa] . \x80 .)             # ACSE: tag, length, charstring, length
           | (?P<long_value> [\xac\xaa] \x81 . \x80 \x81 .)
           | (?P<written> \xc1\x01. %(attributes)s \x00\x09.  # SET: no selection; octet-string, length
                      | \xc3\x01. %(methods)s \x01\x09.       # ACTION with a parameter, likewise
                      | \x06\x01\x02\xfa[\x40\x48\x58]\x01\x09.  # the same with short names
                      | \x05\x01\x04\xfa\x58.\x09.)
           | (?P<whole> \xc1\x01. %(attributes)s | \xc3\x01. %(methods)s)  # something else than a string
           | (?P<block> \xc1\x02. %(attributes)s | \xc3\x04. %(methods)s)  # the first of several
           | (?P<more> (?: \xe6\xe6\x00)? (?: \xc1\x03 | \xc3\x06) . [\x00\x01] .{4})  # a further one
           | (?P<list> (?: \xe6\xe6\x00)? (?: \xc1[\x04\x05] | \xc3[\x03\x05]) . [\x01-\x7f])  # its length
           | (?P<general> (?: \xe6\xe6\x00)? \xe0 . .{4})   # a general block
           | (?P<request> \xaa\x01\x0f\xde\xc2)          # EM1000: the request for a challenge, whole
           | (?P<challenge> \xaa\x09\xff)
           | (?P<response> \xaa [\x02-\xff] \x01))"""
    % {b"attributes": _places(ATTRIBUTES), b"methods": _places(METHODS)},
    re.VERBOSE | re.DOTALL,
)
_TAIL: Final = 14  # octets before the last one of the longest head
_CHECK: Final = 2  # octets of every check here
_FRAMING: Final = 20  # octets at most between two segments' information: check, flags, header and its check
_SHORT: Final = 16  # octets of information that a segment has at least
_LLC: Final = b"\xe6\xe6\x00"  # in front of a request over HDLC
_LENGTH: Final = 3  # octets of a general block's length at most
_SEGMENTED: Final = 0x08  # in an HDLC frame's format: the message goes on in the next frame
_LAST: Final = 0x80  # of a general block
_UNFRAMED: Final = 1024  # octets that are hidden where nobody can tell how long a message is
_ATTRIBUTE, _METHOD = 10, 9  # octets of a descriptor in a list; the attribute's has a selection, absent


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
        self._is_segmented = False  # that frame is not the last of its message
        self._body = self._message_end = 0  # of the last WRAPPER message: its APDU, and behind it
        self._general = 0, True  # behind the head of the last general block; whether no other follows
        self._hides_segments = False  # the frames up to the end of a message are secret
        self._hides_blocks = False  # the blocks up to the last one are secret
        self._hides_general = False  # the general blocks up to the last one are secret
        self._list: _List | None = None  # whose descriptors are not all here
        self._secrets: list[tuple[int, int]] = []  # (first octet, octet behind the last)

    def take(self, octets: bytes, login: _Login) -> str:
        window = self._tail + octets
        base = self._at - len(self._tail)
        if self._list is not None:
            self._walk(self._list, octets)
        for head in _HEAD.finditer(window):
            kind = head.lastgroup
            if kind is not None and base + head.end(kind) > self._at:
                rest = window[head.end(kind) :] if kind == "list" else b""
                self._heed(kind, base + head.start(), head[kind], login, rest)
        shown = [f"{octet:02x}" for octet in octets]
        end = self._at + len(octets)
        for first, behind in self._secrets:
            for at in range(max(first, self._at), min(behind, end)):
                shown[at - self._at] = HIDDEN
        self._secrets = [secret for secret in self._secrets if secret[1] > end]
        self._tail, self._at = window[-_TAIL:], end
        return "".join(shown)

    def _heed(self, kind: str, start: int, head: bytes, login: _Login, rest: bytes) -> None:
        """Take a head of some kind that is whole by now; `rest` is what stands behind that of a list."""
        behind = start + len(head)
        match kind:
            case "frame" if start >= self._frame_end:
                self._begin_frame(start, head)
            case "wrapper" if start == self._message_end:
                self._body, self._message_end = behind, behind + int.from_bytes(head[6:8])
            case "whole" | "block":
                self._hides_blocks |= kind == "block"
                self._hide_message(behind)
            case "more" if self._hides_blocks and self._is_first(start, head):
                self._hides_blocks = not head.removeprefix(_LLC)[3]
                self._hide_message(behind)
            case "list" if self._is_first(start, head):
                self._walk(_List(head.removeprefix(_LLC), behind), rest)
            case "general" if self._is_first(start, head):
                self._general = behind, bool(head.removeprefix(_LLC)[1] & _LAST)
                if self._hides_general:
                    self._hide_message(behind)
            case "packet":
                length = int.from_bytes(head[4:6])
                if length > 1 and head[2] & 0xC0 != 0x80:  # a single packet, or the first of several
                    self._secrets.append((behind, behind + length - 1 + _CHECK))
            case "value" if head[1] == head[3] + 2:
                self._hide_value(behind, head[3])
            case "written":
                if self._end_of_message(behind) is None:
                    self._hide_value(behind, head[-1])
                else:
                    self._hide_message(behind)
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

    def _begin_frame(self, start: int, head: bytes) -> None:
        self._frame_end = start + 1 + ((head[1] & 0x07) << 8 | head[2])
        self._is_segmented = bool(head[1] & _SEGMENTED)
        if self._hides_segments:
            self._secrets.append((start + len(head), self._frame_end))
            self._hides_segments = self._is_segmented

    def _is_first(self, start: int, head: bytes) -> bool:
        """Whether a head is at the beginning of its message, as far as that can be told."""
        if head.startswith(_LLC) or start == self._body or self._end_of_message(start) is None:
            return True
        return 0 < start - self._general[0] <= _LENGTH

    def _end_of_message(self, first: int) -> int | None:
        """Return where the message, or this frame of it, ends; None where nobody can tell."""
        if first <= self._message_end:
            return self._message_end
        return self._frame_end if first <= self._frame_end else None

    def _hide_message(self, first: int) -> None:
        """Hide all that follows in a message, in further frames and general blocks, too."""
        end = self._end_of_message(first)
        self._secrets.append((first, first + _UNFRAMED if end is None else end))
        if end is not None and end == self._frame_end:
            self._hides_segments = self._is_segmented
        began, is_last = self._general
        if began and end is not None and began < first <= end:
            self._hides_general = not is_last

    def _walk(self, descriptors: _List, octets: bytes) -> None:
        """Take octets of a list's descriptors; once they are all here, hide what is written to a secret."""
        self._list = None
        end = self._end_of_message(descriptors.first)
        if end is not None and end < descriptors.behind + (_CHECK if end == self._frame_end else 0):
            # The heads of frames or of general blocks stand among them: in doubt they are secret.
            self._hides_blocks |= descriptors.is_in_blocks
            self._hide_message(descriptors.first)
            return
        descriptors.take(octets)
        if not descriptors.is_whole:
            self._list = descriptors
        elif descriptors.is_secret:
            self._hides_blocks |= descriptors.is_in_blocks
            self._hide_message(descriptors.behind)


class _List:
    """The descriptors of a SET or an ACTION with a list, as they come in; `first` is where they begin."""

    def __init__(self, head: bytes, first: int) -> None:
        self.first = first
        self.is_in_blocks = head[1] == 0x05
        self._is_of_methods = head[0] == 0xC3
        self._size = _METHOD if self._is_of_methods else _ATTRIBUTE
        self._needed = head[3] * self._size
        self._octets = b""

    def take(self, octets: bytes) -> None:
        """Take what came, as far as it belongs to them."""
        self._octets += octets[: self._needed - len(self._octets)]

    @property
    def behind(self) -> int:
        """Where they end."""
        return self.first + self._needed

    @property
    def is_whole(self) -> bool:
        """Whether all are here."""
        return len(self._octets) == self._needed

    @property
    def is_secret(self) -> bool:
        """Whether one of them is, or cannot be told, since a selection of some length stands among them."""
        places = METHODS if self._is_of_methods else ATTRIBUTES
        for at in range(0, self._needed, self._size):
            one = self._octets[at : at + self._size]
            selection = 0 if self._is_of_methods else one[9]
            if one[0] > 1 or selection > 1:  # no class, no flag: this is no list
                return False
            if selection or one[8] in places.get(int.from_bytes(one[:2]), ()):
                return True
        return False
