"""What SNRM proposes and UA grants: how much information a frame carries, how many frames go in a row.

Source: IEC 62056-46 6.4.4.4.3.2.  Transmit and receive are as seen by whoever sends the field.

    81 | 80 | length | 05 n max. info transmit | 06 n max. info receive | 07 n window transmit | 08 n ...

A value takes 1, 2 or 4 octets, high octet first.  What is not named has its default: 128 octets, 1 frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.dlms.hdlc.frame import MAX_INFO_LENGTH
from meterkit.errors import ErrorKind, fault

DEFAULT_INFO_LENGTH: Final = 128  # octets; IEC 62056-46 6.4.4.4.3.2
DEFAULT_WINDOW: Final = 1  # frames
MAX_WINDOW: Final = 7  # frames; sequence numbers are modulo 8
_FORMAT: Final = 0x81  # general format identifier
_GROUP: Final = 0x80  # parameter negotiation; other groups are skipped
_LONGEST_VALUE: Final = 4  # octets


@dataclass(frozen=True, slots=True)
class HdlcParameters:
    """Limits of one end: octets of information a frame, and frames before the turn passes.

    Raises: ValueError outside 1..2030 octets and 1..7 frames.
    """

    max_info_transmit: int = DEFAULT_INFO_LENGTH
    max_info_receive: int = DEFAULT_INFO_LENGTH
    window_transmit: int = DEFAULT_WINDOW
    window_receive: int = DEFAULT_WINDOW

    def __post_init__(self) -> None:
        for size in (self.max_info_transmit, self.max_info_receive):
            if not 1 <= size <= MAX_INFO_LENGTH:
                raise ValueError(f"{size} octets of information: 1 to {MAX_INFO_LENGTH} expected")
        for window in (self.window_transmit, self.window_receive):
            if not 1 <= window <= MAX_WINDOW:
                raise ValueError(f"a window of {window} frames: 1 to {MAX_WINDOW} expected")

    def encode(self) -> bytes:
        """Return the information field; sizes take 1 octet if they fit, windows 4."""
        values = b"".join(
            bytes((identifier, 1 if size <= 0xFF else 2)) + size.to_bytes(1 if size <= 0xFF else 2, "big")
            for identifier, size in ((5, self.max_info_transmit), (6, self.max_info_receive))
        ) + b"".join(
            bytes((identifier, 4)) + window.to_bytes(4, "big")
            for identifier, window in ((7, self.window_transmit), (8, self.window_receive))
        )
        return bytes((_FORMAT, _GROUP, len(values))) + values

    @classmethod
    def decode(cls, octets: bytes) -> HdlcParameters:
        """Return what an information field says; b"" says nothing, so all defaults.

        A value of 0 means the default, one above the standard's range its upper end.
        Errors: ProtocolFault DECODE for a field that is cut short or starts otherwise.
        """
        values = _values(octets) if octets else {}
        return cls(
            min(values.get(5) or DEFAULT_INFO_LENGTH, MAX_INFO_LENGTH),
            min(values.get(6) or DEFAULT_INFO_LENGTH, MAX_INFO_LENGTH),
            min(values.get(7) or DEFAULT_WINDOW, MAX_WINDOW),
            min(values.get(8) or DEFAULT_WINDOW, MAX_WINDOW),
        )

    def as_seen_by_the_other_end(self) -> HdlcParameters:
        """Return the same limits, transmit and receive exchanged."""
        return HdlcParameters(
            self.max_info_receive, self.max_info_transmit, self.window_receive, self.window_transmit
        )

    @classmethod
    def granted(cls, octets: bytes, proposal: HdlcParameters | None) -> HdlcParameters:
        """Return our own limits after a UA's information field: the meter's, seen from our end.

        Where it grants more than our `proposal` (None: there was none) we still send no more than that.
        Errors: as `decode`.
        """
        theirs = cls.decode(octets)
        own = proposal or theirs.as_seen_by_the_other_end()
        return cls(
            min(theirs.max_info_receive, own.max_info_transmit),
            theirs.max_info_transmit,
            min(theirs.window_receive, own.window_transmit),
            theirs.window_transmit,
        )


def _values(octets: bytes) -> dict[int, int]:
    """Return the parameters of the negotiation group by their identifiers."""
    if octets[0] != _FORMAT:
        raise fault(ErrorKind.DECODE, f"HDLC parameters start with 81, not {octets[:4].hex(' ')}")
    values: dict[int, int] = {}
    at = 1
    while at < len(octets):
        group, body, at = _take(octets, at, octets)
        if group == _GROUP:
            inner = 0
            while inner < len(body):
                identifier, value, inner = _take(body, inner, octets)
                if not 1 <= len(value) <= _LONGEST_VALUE:
                    raise fault(
                        ErrorKind.DECODE,
                        f"HDLC parameter {identifier:02x} takes {len(value)} octets, 1 to 4 expected, "
                        f"in {octets.hex(' ')}",
                    )
                values[identifier] = int.from_bytes(value, "big")
    return values


def _take(octets: bytes, at: int, whole: bytes) -> tuple[int, bytes, int]:
    """Return identifier, value and end of the element at `at`."""
    end = at + 2 + octets[at + 1] if at + 1 < len(octets) else len(octets) + 1
    if end > len(octets):
        raise fault(ErrorKind.DECODE, f"HDLC parameters are cut short: {whole.hex(' ')}")
    return octets[at], octets[at + 2 : end], end
