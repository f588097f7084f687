"""What went wrong on an HDLC line during one exchange, kept to tell an engineer when the link gives up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.dlms.hdlc.control import HdlcFrameType
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.errors import ErrorKind

_SAMPLE_SIZE: Final = 16  # octets of noise shown
_ECHO_SIZE: Final = 4  # octets of our own frames that, found in noise, betray an echo

_REJECT_REASONS: Final = {  # bits of FRMR's third octet; ISO/IEC 13239 5.5.3.4.2
    0x01: "unknown or unexpected control octet",
    0x02: "information where none is allowed",
    0x04: "more information than it can take",
    0x08: "an N(R) for frames it never sent",
}


@dataclass(slots=True)
class HdlcTrouble:
    """Counts since the exchange began, and a sample of what came."""

    silences: int = 0  #: times nothing came in time
    damages: int = 0  #: damaged frames that came
    damage: str = ""  #: what the last of them looked like
    noise: int = 0  #: octets that belong to no frame
    sample: bytes = b""  #: the first of those octets
    repeats: int = 0  #: I frames that came again, or out of order
    resent: int = 0  #: times the meter said that our I frames did not arrive
    pauses: int = 0  #: RNR: times the meter asked for a pause
    unready: int = 0  #: RR: times the meter had the whole request and no answer yet
    misnumbered: int = 0  #: frames that acknowledge what was never sent
    strays: int = 0  #: intact frames with no meaning now
    stray: str = ""  #: what the last of them was
    strangers: int = 0  #: frames between other stations
    stranger: str = ""  #: the last of them
    echoes: int = 0  #: our own frames, come back

    def add_noise(self, octets: bytes) -> None:
        """Count octets that belong to no frame."""
        self.noise += len(octets)
        if len(self.sample) < _SAMPLE_SIZE:
            self.sample = (self.sample + octets)[:_SAMPLE_SIZE]

    def add_damage(self, reason: str) -> None:
        """Count a damaged frame."""
        self.damages += 1
        self.damage = reason

    def add_stranger(self, frame: HdlcFrame) -> None:
        """Count a frame that is not for us, or not from our meter."""
        self.strangers += 1
        self.stranger = str(frame)

    def add_stray(self, frame: HdlcFrame) -> None:
        """Count a frame that makes no sense now."""
        self.strays += 1
        self.stray = str(frame)

    def describe(self, sent: bytes) -> str:
        """Return the non-zero counts in words, "" for none; `sent`, our last frames, is never shown."""
        parts = [
            (self.silences, f"silence {_times(self.silences)}"),
            (self.damages, f"{self.damages} damaged, the last: {self.damage}"),
            (self.resent, f"the meter had not received our I frame {_times(self.resent)}"),
            (self.pauses, f"RNR (busy) {_times(self.pauses)}"),
            (self.unready, f"RR (no answer yet) {_times(self.unready)}"),
            (self.repeats, f"{self.repeats} I frames repeated or out of order"),
            (self.misnumbered, f"{self.misnumbered} frames acknowledging what was never sent"),
            (self.strays, f"{self.strays} frames without meaning now, the last: {self.stray}"),
            (self.strangers, f"{self.strangers} frames between other stations, the last: {self.stranger}"),
            (self.echoes, f"our own frame {_times(self.echoes)}: the line echoes"),
            (self.noise, f"{self.noise} stray octets, {self.describe_sample(sent)}"),
        ]
        return "; ".join(text for count, text in parts if count)

    def diagnose(self) -> tuple[ErrorKind, str]:
        """Return what kind of failure it is that no answer came, and what to check."""
        if self.damages:
            return (
                ErrorKind.CRC,
                "frames arrive damaged: check the optical head, the wiring and the baud rate",
            )
        if self.noise:
            return ErrorKind.FRAMING, "something talks, but not HDLC: check the baud rate, 8N1 and mode E"
        if self.misnumbered or self.resent:
            return ErrorKind.PROTOCOL, "the meter's sequence numbers disagree with ours: connect again"
        if self.strangers:
            return ErrorKind.TIMEOUT, "others talk, our meter does not: check client and server address"
        if self.echoes:
            return ErrorKind.TIMEOUT, "only our own echo is heard: is a meter there?"
        return (
            ErrorKind.TIMEOUT,
            "check power, wiring or the optical head, the baud rate, and client and server address "
            "(meters are silent to those they do not know)",
        )

    def describe_sample(self, sent: bytes) -> str:
        """Return the first stray octets in hex, unless they are our own, which may be a password."""
        sample = self.sample
        width = min(_ECHO_SIZE, len(sample))
        if any(sample[i : i + width] in sent for i in range(len(sample) - width + 1)):
            return "like our own: does the line echo?"
        return f"first {sample.hex(' ')}"


def describe_refusal(frame: HdlcFrame) -> str:
    """Say in words what a DM or an FRMR means.

    Source: ISO/IEC 13239 5.5.3; FRMR's field is the rejected control octet, V(R) and V(S), and reasons.
    """
    if frame.control.frame_type is HdlcFrameType.DM:
        return (
            "the meter answers DM: on its side there is no connection (inactivity time-out, or a new start?)"
        )
    information = frame.information
    if len(information) < 3:
        return "the meter answers FRMR (frame rejected) without saying why"
    reasons = [words for bit, words in _REJECT_REASONS.items() if information[2] & bit]
    return (
        f"the meter answers FRMR: it rejects control octet {information[0]:02x} with "
        f"V(S)={information[1] >> 1 & 7} V(R)={information[1] >> 5}: "
        f"{', '.join(reasons) or 'no reason given'} ({information.hex(' ')})"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
