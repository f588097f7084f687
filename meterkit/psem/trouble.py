"""What went wrong on the line during one exchange, kept to tell an engineer when the link gives up."""

from __future__ import annotations

from meterkit.errors import ErrorKind

_SAMPLE_SIZE = 16  # octets of noise shown
_ECHO_SIZE = 4  # octets of our own packet that, found in noise, betray an echo


class Trouble:
    """Counts since the exchange began, and a sample of what came.

    One is made for every exchange, and hardly any ever counts: until then its values are the class's.
    """

    silences: int = 0  #: times nothing came in time
    naks: int = 0  #: NAKs from the meter
    damages: int = 0  #: damaged packets that came
    damage: str = ""  #: what the last of them looked like
    noise: int = 0  #: octets that belong to no packet
    sample: bytes = b""  #: the first of those octets
    repeats: int = 0  #: packets the meter sent again
    stale: int = 0  #: packets that answered nothing we asked
    strangers: int = 0  #: packets from another identity
    stranger: int = 0  #: that identity
    echoes: int = 0  #: our own packets, come back
    surplus: int = 0  #: ACKs and NAKs when none was due

    def add_noise(self, octets: bytes) -> None:
        """Count octets that belong to no packet."""
        self.noise += len(octets)
        if len(self.sample) < _SAMPLE_SIZE:
            self.sample = (self.sample + octets)[:_SAMPLE_SIZE]

    def describe(self, sent: bytes) -> str:
        """Return the non-zero counts in words, "" for none; `sent`, our last packet, is never shown."""
        parts = [
            (self.silences, f"silence {_times(self.silences)}"),
            (self.naks, f"NAK {_times(self.naks)}"),
            (self.damages, f"{self.damages} damaged, the last: {self.damage}"),
            (self.repeats, f"{self.repeats} repeated (same toggle bit and CRC)"),
            (self.stale, f"{self.stale} left over from an earlier request"),
            (self.strangers, f"{self.strangers} from identity {self.stranger}"),
            (self.echoes, f"our own packet {_times(self.echoes)}: the line echoes"),
            (self.surplus, f"{self.surplus} ACK or NAK when none was due"),
            (self.noise, f"{self.noise} stray octets, {self.describe_sample(sent)}"),
        ]
        return "; ".join(text for count, text in parts if count)

    def diagnose(self) -> tuple[ErrorKind, str]:
        """Return what kind of failure it is that our packet was never acknowledged, and what to check."""
        if self.naks:
            return (
                ErrorKind.CRC,
                "the meter receives us damaged: check the optical head, the baud rate and 8N1",
            )
        if self.noise or self.damages:
            return ErrorKind.FRAMING, "something talks, but not C12.18: check the baud rate and 8N1"
        if self.echoes:
            return ErrorKind.TIMEOUT, "only our own echo is heard: is a meter there?"
        return (
            ErrorKind.TIMEOUT,
            "check the meter's power, the wiring or the position of the optical head, and the baud rate",
        )

    def describe_sample(self, sent: bytes) -> str:
        """Return the first stray octets in hex, unless they are our own, which may be a password."""
        sample = self.sample
        width = min(_ECHO_SIZE, len(sample))
        if any(sample[i : i + width] in sent for i in range(len(sample) - width + 1)):
            return "like our own: the line echoes"
        return f"first {sample.hex(' ')}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
