"""A data readout: the text in which a meter tells its registers.

    STX 1-0:1.8.0(0001234.567*kWh) CR LF  0.1.2*03(26-01-01) CR LF ... ! CR LF ETX BCC

One data set is an address and any number of values in parentheses, each perhaps with a unit.  BCC is the
exclusive or of all that follows STX, ETX included.  Some meters of modes A and B send no STX, ETX and BCC.
Source: IEC 62056-21 6.3, data message and block check character (general knowledge).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.mode_e import Identification, strip_parity

STX: Final = b"\x02"
ETX: Final = b"\x03"
MAX_BLOCK: Final = 1 << 18  # octets; 256 KiB take 2.5 hours at 300 baud, and readouts have a few thousand
_SHOWN: Final = 40  # octets of what came, in messages
_END: Final = re.compile(rb"(?:\A|\n)![\r\n]*\Z")
_LOST_START: Final = b"!\r\n" + ETX
_DATA_SET: Final = re.compile(r"([^()]*)((?:\([^()]*\))+)")
_VALUE: Final = re.compile(r"\(([^()*]*)\*?([^()]*)\)")
_TEXT: Final = re.compile(r"[ -~\r\n]*")


class ReadoutValue(NamedTuple):
    """One value as the meter wrote it."""

    value: str
    unit: str  #: such as "kWh"; empty if none was told


@dataclass(frozen=True, slots=True)
class ReadoutLine:
    """One data set."""

    address: str  #: such as "1-0:1.8.0", "1.8.0*01" or "F.F"; empty where values go on from the line before
    values: tuple[ReadoutValue, ...]  #: none for a line of mere text, which is then the address


@dataclass(frozen=True, slots=True)
class Readout:
    """All that one readout told."""

    identification: Identification | None
    lines: tuple[ReadoutLine, ...]
    is_checked: bool  #: whether a block check came with it, and was right

    def find(self, address: str) -> ReadoutLine | None:
        """Return the first data set with this address, spelt as the meter does; None if there is none."""
        return next((line for line in self.lines if line.address == address), None)

    @classmethod
    def parse(cls, octets: bytes, identification: Identification | None = None) -> Readout:
        """Read a data block, as `BlockReader` gives it or as captured with the identification before it.

        Errors: ProtocolFault FRAMING torn, or an identification that is none; CRC a wrong BCC; DECODE a line
        that is no data set.
        """
        octets = strip_parity(octets)
        if octets[:1] == b"/":
            first, _, octets = octets.partition(b"\n")
            identification = Identification.parse(first)
        is_checked = STX in octets or ETX in octets
        text = _checked(octets) if is_checked else octets
        return cls(identification, _data_sets(_before_end(text)), is_checked)


def block_check(octets: bytes) -> int:
    """Return the BCC of what follows STX, ETX included: 7 bits."""
    check = 0
    for octet in octets:
        check ^= octet
    return check & 0x7F


def _checked(octets: bytes) -> bytes:
    """Return what is between STX and ETX.  Errors: as `Readout.parse`."""
    start = octets.find(STX)
    end = octets.find(ETX, start + 1)
    if start < 0 or end < 0 or end + 1 >= len(octets):
        missing = "STX" if start < 0 else "ETX" if end < 0 else "BCC"
        raise fault(ErrorKind.FRAMING, f"a data block without {missing}: {_shown(octets)}")
    expected = block_check(octets[start + 1 : end + 1])
    if octets[end + 1] != expected:
        raise fault(
            ErrorKind.CRC,
            f"the BCC of {end - start} octets should be {expected:02x}, {octets[end + 1]:02x} came",
        )
    return octets[start + 1 : end]


def _before_end(text: bytes) -> str:
    """Return the lines before the one with `!` alone."""
    found = _END.search(text)
    if found is None:
        raise fault(ErrorKind.FRAMING, f"a data block ends with a line of ! alone, not so: {_shown(text)}")
    lines = text[: found.start()].decode("ascii")
    odd = _TEXT.match(lines)
    if odd is not None and odd.end() < len(lines):
        at = odd.end()
        raise fault(
            ErrorKind.DECODE,
            f"octet {ord(lines[at]):02x} at {at} of the data block is no printable character",
        )
    return lines


def _data_sets(text: str) -> tuple[ReadoutLine, ...]:
    found: list[ReadoutLine] = []
    for number, line in enumerate(re.split(r"[\r\n]+", text.strip("\r\n")), start=1):
        if "(" not in line and ")" not in line:
            if line:
                found.append(ReadoutLine(line, ()))
            continue
        at = 0
        while at < len(line):
            part = _DATA_SET.match(line, at)
            if part is None:
                raise fault(
                    ErrorKind.DECODE,
                    f"address(value*unit) expected, {line[at:][:_SHOWN]!r} came",
                    where=f"line {number} of the data block",
                )
            values = tuple(ReadoutValue(*value) for value in _VALUE.findall(part[2]))
            found.append(ReadoutLine(part[1].strip(), values))
            at = part.end()
    return tuple(found)


def _shown(octets: bytes) -> str:
    """Show how a block ends, for an engineer."""
    return f"{len(octets)} octets, ending {octets[-_SHOWN:]!r}"


class BlockReader:
    """Finds one data block in 7-bit characters as they come off a line; what precedes STX is dropped."""

    __slots__ = ("_has_start", "_held", "_seen", "limit")

    def __init__(self, limit: int = MAX_BLOCK) -> None:
        self.limit = limit  #: octets held at most
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._held = bytearray()
        self._has_start = False
        self._seen = 0  # octets of `_held` that need not be searched again

    @property
    def has_begun(self) -> bool:
        """Whether anything came."""
        return bool(self._held)

    def feed(self, octets: bytes) -> bytes | None:
        """Take what came; return the block, from STX to BCC, once it is whole.

        Errors: ProtocolFault FRAMING for a block whose beginning was lost, or that is too long.
        """
        held = self._held
        held += octets
        if not self._has_start:
            start = held.find(STX, self._seen)
            self._has_start = start >= 0
            if self._has_start:
                del held[:start]
                self._seen = 0
        if self._has_start:
            end = held.find(ETX, self._seen)
            if 0 <= end < len(held) - 1:
                # STX is no text: an earlier one was noise, such as a change of speed makes.
                return bytes(held[held.rfind(STX, 0, end) : end + 2])
            self._seen = end if end >= 0 else len(held)
        else:
            self._look_for_lost_start()
        if len(held) > self.limit:
            raise fault(ErrorKind.FRAMING, f"a data block of more than {self.limit} octets")
        return None

    def _look_for_lost_start(self) -> None:
        held = self._held
        if held.find(_LOST_START, max(0, self._seen - len(_LOST_START))) >= 0:
            raise fault(
                ErrorKind.FRAMING,
                f"the beginning of the data block was lost: ETX came without STX, in {_shown(bytes(held))}; "
                "did the speed change too late?",
            )
        self._seen = len(held)

    def silence(self) -> bytes:
        """Take the news that nothing more comes; return a block that had neither STX nor ETX.

        Errors: ProtocolFault TIMEOUT nothing had come; FRAMING the block is not whole.
        """
        held = bytes(self._held)
        if not held:
            raise fault(ErrorKind.TIMEOUT, "no data block came")
        if self._has_start or not _END.search(held):
            raise self._torn(held)
        return held

    def _torn(self, held: bytes) -> ProtocolFault:
        wanted = "ETX and BCC" if self._has_start else "its end"
        return fault(ErrorKind.FRAMING, f"the data block broke off before {wanted}: {_shown(held)}")
