r"""The texts of an IEC 62056-21 sign-on: request, identification, acknowledgement.

    reader  / ? address ! CR LF                              06 V Z Y CR LF
    meter                         / MAN Z \2 text CR LF                       06 V Z Y CR LF, or data

MAN is the manufacturer, Z the highest speed, \2 tells that the meter speaks HDLC (mode E).
The acknowledgement chooses: V the protocol (0 text, 2 HDLC), Z a speed, Y what follows (0 data readout,
1 programming, 2 HDLC).

    Z of the identification   0 300   1 600   2 1200   3 2400   4 4800   5 9600   6 19200   mode C, and E
                                      A 600   B 1200   C 2400   D 4800   E 9600   F 19200   mode B
                              anything else: the meter stays at 300 baud and asks nothing   mode A

Source: IEC 62056-21 6.3 and its annex on mode E (general knowledge).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from meterkit.errors import ErrorKind, fault

SIGN_ON_BAUD_RATE: Final = 300  # bits per second; every sign-on begins at that
LINE_END: Final = b"\r\n"
ACK: Final = b"\x06"
REACTION_TIME: Final = 0.2  # s at least between one end's last octet and the other's first
SHORT_REACTION_TIME: Final = 0.02  # s; of meters whose third letter is a small one
LONGEST_LINE: Final = 128  # octets before CR LF; the text alone has 16 by the standard, of some meters more

_BAUD_RATES: Final = (300, 600, 1200, 2400, 4800, 9600, 19200)  # bits per second, by Z from 0 on
_HDLC: Final = "2"  # of the \W parts: binary mode
_TEXT: Final = r"[ \"-.0-~]"  # printable, but neither ! nor /, which begin and end other texts
_IDENTIFICATION: Final = re.compile(rf"/([A-Za-z]{{3}})({_TEXT})((?:\\{_TEXT})*)({_TEXT}*)")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9 ]{0,32}")

# A sign-on has 7 data bits with even parity, HDLC has 8 without, and both have one start and one stop bit.
# So an 8N1 port whose octets carry the parity in bit 7 gives, bit for bit, a 7E1 wire: parity is put in and
# taken out here, and no port or converter needs to change its framing between sign-on and HDLC.
_WITH_PARITY: Final = bytes((octet & 0x7F) | (octet & 0x7F).bit_count() % 2 << 7 for octet in range(256))
_SEVEN_BITS: Final = bytes(octet & 0x7F for octet in range(256))
_EVEN: Final = bytes(octet for octet in range(256) if not octet.bit_count() % 2)
_HIGH: Final = bytes(range(0x80, 0x100))


class Mode(Enum):
    """What an identification leads to, by its speed letter."""

    A = "A"  #: data follow at 300 baud
    B = "B"  #: data follow at the speed told
    C = "C"  #: the reader chooses; with `is_mode_e`, HDLC too


@dataclass(frozen=True, slots=True)
class Identification:
    """What a meter says of itself when it is asked to sign on."""

    manufacturer: str  #: three letters, as registered with the FLAG association
    baud_letter: str  #: one character
    enhanced: tuple[str, ...] = ()  #: one character for each backslash: "2" stands for HDLC
    text: str = ""  #: the manufacturer's own: often type and firmware

    @property
    def mode(self) -> Mode:
        """Which mode the letter asks for."""
        if "0" <= self.baud_letter <= "9":
            return Mode.C
        return Mode.B if "A" <= self.baud_letter <= "I" else Mode.A

    @property
    def baud_rate(self) -> int | None:
        """Highest speed in bits per second; None for a letter that is reserved (7 to 9, G to I)."""
        match self.mode:
            case Mode.A:
                return SIGN_ON_BAUD_RATE
            case Mode.B:
                index = ord(self.baud_letter) - ord("A") + 1
            case Mode.C:
                index = int(self.baud_letter)
        return _BAUD_RATES[index] if index < len(_BAUD_RATES) else None

    @property
    def is_mode_e(self) -> bool:
        """Whether the meter says that it speaks HDLC; some that do never say so."""
        return self.mode is Mode.C and _HDLC in self.enhanced

    @property
    def reaction_time(self) -> float:
        """Seconds to wait before one answers this meter."""
        return SHORT_REACTION_TIME if self.manufacturer[2].islower() else REACTION_TIME

    def __str__(self) -> str:
        marks = "".join(f"\\{mark}" for mark in self.enhanced)
        return f"/{self.manufacturer}{self.baud_letter}{marks}{self.text}"

    def encode(self) -> bytes:
        """Return the line with its CR LF."""
        return str(self).encode("ascii") + LINE_END

    @classmethod
    def parse(cls, octets: bytes) -> Identification:
        """Read an identification line, with or without its CR LF.

        Errors: ProtocolFault FRAMING, saying what does not belong.
        """
        shown = repr(octets[:LONGEST_LINE])[1:]
        try:
            line = octets.removesuffix(b"\n").removesuffix(b"\r").decode("ascii")
        except UnicodeDecodeError:
            line = ""
        found = _IDENTIFICATION.fullmatch(line)
        if found is None or len(line) > LONGEST_LINE:
            raise fault(
                ErrorKind.FRAMING,
                "an identification is a slash, three letters, a speed and at most "
                f"{LONGEST_LINE} printable characters in all, such as /ABC5\\2TYPE, not {shown}",
            )
        manufacturer, letter, marks, text = found.groups()
        return cls(manufacturer, letter, tuple(marks[1::2]), text)


def request(device_address: str = "") -> bytes:
    """Return the request to sign on: of the meter with this address, or of any.

    Raises: ValueError for an address of other than up to 32 letters, digits and spaces.
    """
    if not _ADDRESS.fullmatch(device_address):
        raise ValueError(f"{device_address!r}: a device address is up to 32 letters, digits and spaces")
    return b"/?" + device_address.encode("ascii") + b"!" + LINE_END


def choose_hdlc(baud_letter: str) -> bytes:
    """Return the acknowledgement that chooses HDLC at a speed, "0" to "6".  Raises: ValueError."""
    return _acknowledgement("2", baud_letter, "2")


def choose_readout(baud_letter: str) -> bytes:
    """Return the acknowledgement that chooses a data readout at a speed, "0" to "6".  Raises: ValueError."""
    return _acknowledgement("0", baud_letter, "0")


def _acknowledgement(protocol: str, baud_letter: str, mode: str) -> bytes:
    if baud_letter not in tuple("0123456"):
        raise ValueError(f"speed {baud_letter!r}: 0 to 6 expected")
    return ACK + f"{protocol}{baud_letter}{mode}".encode("ascii") + LINE_END


def add_parity(octets: bytes) -> bytes:
    """Return 7-bit characters with even parity in bit 7: what makes an 8N1 port a 7E1 one."""
    return octets.translate(_WITH_PARITY)


def strip_parity(octets: bytes) -> bytes:
    """Return the characters without bit 7."""
    return octets.translate(_SEVEN_BITS)


def parity_errors(octets: bytes) -> int:
    """Return how many octets have odd parity; none if no bit 7 is set at all, as from a port set to 7E1."""
    if len(octets.translate(None, _HIGH)) == len(octets):
        return 0
    return len(octets.translate(None, _EVEN))
