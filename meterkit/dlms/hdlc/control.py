"""The control octet of an HDLC frame: its kind, whose turn is next, and the sequence numbers.

Source: IEC 62056-46 6.4.3, ISO/IEC 13239 (modulo 8).  Bit 4 is P in a command, F in a response.

    bit   7 6 5   4   3 2 1   0
    I     N(R)   P/F   N(S)   0
    RR    N(R)   P/F   0 0 0  1      RNR 0 1 0 1   REJ 1 0 0 1
    SNRM  1 0 0   P    0 0 1  1      DISC 010 P 0011   UI 000 P/F 0011
    UA    0 1 1   F    0 0 1  1      DM 000 F 1111     FRMR 100 F 0111
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from meterkit.errors import ErrorKind, fault

POLL_FINAL: Final = 0x10
MODULO: Final = 8  # sequence numbers count 0 to 7


class HdlcFrameType(IntEnum):
    """The kinds of frame; the value is the control octet without P/F and sequence numbers."""

    INFORMATION = 0x00  #: I: a numbered piece of a message
    RR = 0x01  #: receive ready: acknowledges, and hands over the turn
    RNR = 0x05  #: receive not ready: acknowledges, and asks for a pause
    REJ = 0x09  #: reject: everything from N(R) on again
    UI = 0x03  #: unnumbered information: neither acknowledged nor repeated
    DM = 0x0F  #: disconnected mode: there is no connection
    DISC = 0x43  #: disconnect
    UA = 0x63  #: unnumbered acknowledge of SNRM or DISC
    SNRM = 0x83  #: set normal response mode: connect
    FRMR = 0x87  #: frame reject: something that repetition does not mend

    def __str__(self) -> str:
        return "I" if self is HdlcFrameType.INFORMATION else self.name


_SUPERVISORY: Final = frozenset({HdlcFrameType.RR, HdlcFrameType.RNR, HdlcFrameType.REJ})


@dataclass(frozen=True, slots=True)
class HdlcControl:
    """One control octet.

    Raises: ValueError for sequence numbers outside 0..7, or where the kind of frame has none.
    """

    frame_type: HdlcFrameType
    poll_final: bool = False
    send_sequence: int = 0  #: N(S), of I frames
    receive_sequence: int = 0  #: N(R), of I, RR, RNR and REJ: the number expected next

    SNRM: ClassVar[HdlcControl]  #: 93
    DISC: ClassVar[HdlcControl]  #: 53
    UA: ClassVar[HdlcControl]  #: 73
    DM: ClassVar[HdlcControl]  #: 1F

    def __post_init__(self) -> None:
        is_numbered = self.frame_type is HdlcFrameType.INFORMATION
        send_limit = MODULO if is_numbered else 1
        receive_limit = MODULO if is_numbered or self.frame_type in _SUPERVISORY else 1
        if not 0 <= self.send_sequence < send_limit or not 0 <= self.receive_sequence < receive_limit:
            raise ValueError(
                f"{self.frame_type} with N(S) {self.send_sequence} and N(R) {self.receive_sequence}: "
                f"below {send_limit} and {receive_limit} expected"
            )

    def __str__(self) -> str:
        parts = [str(self.frame_type)]
        if self.frame_type is HdlcFrameType.INFORMATION:
            parts.append(f"N(S)={self.send_sequence}")
        if self.frame_type is HdlcFrameType.INFORMATION or self.frame_type in _SUPERVISORY:
            parts.append(f"N(R)={self.receive_sequence}")
        parts.append(f"P/F={self.poll_final:d}")
        return " ".join(parts)

    def encode(self) -> int:
        """Return the octet, 0..255."""
        return (
            self.frame_type.value
            | self.poll_final << 4
            | self.send_sequence << 1
            | self.receive_sequence << 5
        )

    @classmethod
    def decode(cls, octet: int) -> HdlcControl:
        """Return what the octet says.

        Errors: ProtocolFault PROTOCOL for none of the kinds above.
        """
        control = CONTROLS.get(octet)
        if control is None:
            raise fault(ErrorKind.PROTOCOL, f"control octet {octet:02x} is none of IEC 62056-46's")
        return control


def _every_control() -> dict[int, HdlcControl]:
    controls: list[HdlcControl] = []
    for poll_final in (False, True):
        for kind in HdlcFrameType:
            sends = MODULO if kind is HdlcFrameType.INFORMATION else 1
            receives = MODULO if sends > 1 or kind in _SUPERVISORY else 1
            controls += [HdlcControl(kind, poll_final, s, r) for s in range(sends) for r in range(receives)]
    return {control.encode(): control for control in controls}


CONTROLS: Final = _every_control()  #: every control octet there is, by its value
HdlcControl.SNRM = CONTROLS[HdlcFrameType.SNRM | POLL_FINAL]
HdlcControl.DISC = CONTROLS[HdlcFrameType.DISC | POLL_FINAL]
HdlcControl.UA = CONTROLS[HdlcFrameType.UA | POLL_FINAL]
HdlcControl.DM = CONTROLS[HdlcFrameType.DM | POLL_FINAL]
