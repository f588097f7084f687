"""The reader's end of an IEC 62056-21 sign-on; implements `meterkit.link.Link`.

    send(request)          -> Message: the identification line      asked again when nobody answers
    send(choose_hdlc)      -> Message: the meter's confirmation     empty if it only falls silent
    send(choose_readout)   -> Message: empty, at once, because the speed changes before the data come
    read()                 -> Message: the data block

An optical probe sends back what it hears, its own light included: the request's echo is dropped, and where
there was one, the acknowledgement's too, although the meter's confirmation is the same line once more.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.link import Advanced, Broken, Events, Message, Transmit
from meterkit.mode_e import (
    ACK,
    LONGEST_LINE,
    SIGN_ON_BAUD_RATE,
    Identification,
    add_parity,
    parity_errors,
    strip_parity,
)
from meterkit.readout import STX, BlockReader

RESPONSE_TIMEOUT: Final = 2.5  # s; the standard's 1.5 and what a converter may take
CONFIRMATION_TIMEOUT: Final = 1.7  # s; meters answer within 1.5, or not at all
INTER_OCTET_TIMEOUT: Final = 2.0  # s; 1.5 by the standard
RETRIES: Final = 2  # requests after the first; battery meters sleep through one
_BITS: Final = 10  # of one octet on the wire, start and stop included
_LONGEST_REQUEST: Final = 64  # octets
_DATA: Final = re.compile(b"%b[ -~]{4}" % STX)  # STX alone may be what a change of speed makes of an octet
_NAK: Final = b"\x15"
_BREAK: Final = b"\x01B0\x03"  # the meter signs off
_SHOWN: Final = 24  # octets of what came, in messages


class _State(Enum):
    IDLE = auto()
    IDENTIFYING = auto()  # the request is out
    CONFIRMING = auto()  # the acknowledgement for HDLC is out
    READING = auto()  # a data block is to come
    BROKEN = auto()


class SignOnLink:
    """One sign-on with one meter; a new one needs no new link.

    `adds_parity`: what is sent carries even parity in bit 7, as a serial line at 8N1 needs; a socket without
    a serial line behind it wants plain octets.  Bit 7 of what comes counts for nothing but error messages.
    Times in seconds.
    """

    def __init__(
        self,
        *,
        adds_parity: bool = True,
        response_timeout: float = RESPONSE_TIMEOUT,
        confirmation_timeout: float = CONFIRMATION_TIMEOUT,
        inter_octet_timeout: float = INTER_OCTET_TIMEOUT,
        retries: int = RETRIES,
    ) -> None:
        self.adds_parity = adds_parity
        self.response_timeout = response_timeout
        self.confirmation_timeout = confirmation_timeout
        self.inter_octet_timeout = inter_octet_timeout
        self.retries = retries
        self._block = BlockReader()
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new connection."""
        self.timeout = self.response_timeout
        self.hears_itself = False  #: whether the request came back
        self._state = _State.IDLE
        self._sent = b""
        self._tries = 0
        self._text = bytearray()  # of a line that is not whole, or not yet asked for
        self._is_echo_due = False  # of the acknowledgement
        self._strays = 0  # octets that answered nothing, since something was sent
        self._last_stray = b""
        self._parity_errors = 0
        self._block.clear()

    # ------------------------------------------------------------------------------------------ out
    def send(self, message: bytes) -> Events:
        """Send a `request` or an acknowledgement; see `meterkit.mode_e`.

        Raises: ValueError for anything else; RuntimeError in mid-exchange.
        """
        if self._state is _State.BROKEN:
            return [Broken(MeterError(ErrorKind.STATE, "the sign-on failed: begin anew"))]
        if self._state is not _State.IDLE:
            raise RuntimeError("the last message still waits for its answer")
        is_request = message.startswith(b"/?") and message.endswith(b"!\r\n")
        is_choice = message[:1] == ACK and len(message) == len(ACK) + 5
        if not (is_request or is_choice) or len(message) > _LONGEST_REQUEST:
            raise ValueError(f"{message!r}: a request or an acknowledgement expected")
        self._sent = message
        self._text.clear()
        self._strays = self._parity_errors = self._tries = 0
        if is_choice and message[1:2] != b"2":
            return [Transmit(self._encoded(message)), Message(b"")]
        if is_request:
            self.hears_itself = False
        self._state = _State.IDENTIFYING if is_request else _State.CONFIRMING
        return self._transmit()

    def read(self) -> Events:
        """Wait for the data block that was chosen, or that follows an identification of mode A or B."""
        if self._state is not _State.IDLE:
            raise RuntimeError("the last message still waits for its answer")
        self._state = _State.READING
        self._block.clear()
        self._parity_errors = 0
        self.timeout = self.response_timeout
        octets = bytes(self._text)
        self._text.clear()
        return self._read_block(octets) if octets else []

    def _transmit(self) -> Events:
        message = self._sent
        is_request = self._state is _State.IDENTIFYING
        wait = self.response_timeout if is_request else self.confirmation_timeout
        self.timeout = wait + len(message) * _BITS / SIGN_ON_BAUD_RATE
        self._is_echo_due = self.hears_itself and not is_request
        self._tries += 1
        return [Transmit(self._encoded(message))]

    def _encoded(self, message: bytes) -> bytes:
        return add_parity(message) if self.adds_parity else message

    # ------------------------------------------------------------------------------------------ in
    def receive(self, octets: bytes) -> Events:
        """Take octets as they came off the line, with or without parity."""
        self._parity_errors += parity_errors(octets)
        text = strip_parity(octets)
        self.timeout = self.inter_octet_timeout
        match self._state:
            case _State.READING:
                return self._read_block(text)
            case _State.IDENTIFYING | _State.CONFIRMING:
                return self._read_lines(text)
            case _State.IDLE | _State.BROKEN:
                return []

    def _read_lines(self, text: bytes) -> Events:
        self._text += text
        while (end := self._text.find(b"\n")) >= 0:
            line = bytes(self._text[:end]).rstrip(b"\r")
            del self._text[: end + 1]
            events = self._take_line(line)
            if events:
                return events
        if self._state is _State.CONFIRMING and (objection := self._objection(bytes(self._text))):
            return objection
        excess = len(self._text) - 2 * LONGEST_LINE
        if excess > 0:
            self._note_stray(bytes(self._text[:excess]))
            del self._text[:excess]
        return []

    def _take_line(self, line: bytes) -> Events:
        if self._state is _State.CONFIRMING:
            return self._take_confirmation(line)
        if b"!" in line:  # of our own request, however mutilated: no identification has one
            self.hears_itself = True
            return []
        start = line.rfind(b"/")
        if start < 0:
            self._note_stray(line)
            return []
        try:
            Identification.parse(line[start:])
        except ProtocolFault as odd:
            return self._break(odd.error)
        return self._finish(line[start:])

    def _take_confirmation(self, line: bytes) -> Events:
        answer = line[line.rfind(ACK) :] if ACK in line else b""
        expected = self._sent.strip()
        if answer == expected and self._is_echo_due:
            self._is_echo_due = False
            return []
        if answer == expected:
            return self._finish(answer)
        objection = self._objection(line)
        if not objection and answer[1:4].isdigit() and len(answer) == len(expected):
            return self._refuse(f"the meter confirms {_shown(answer)} where {_shown(expected)} was chosen")
        self._note_stray(line)
        return objection

    def _objection(self, text: bytes) -> Events:
        """Tell whether the meter does something else than confirm HDLC."""
        if _DATA.search(text):
            return self._refuse(
                "HDLC was chosen, but the meter begins a data readout: it does not speak HDLC here, or wants "
                "another device address or speed"
            )
        if _BREAK in text:
            return self._refuse("HDLC was chosen, but the meter signs off (SOH B0)")
        if text.strip(b"\r\n") == _NAK:
            return self._refuse("HDLC was chosen, but the meter refuses (NAK)")
        return []

    def _read_block(self, text: bytes) -> Events:
        try:
            block = self._block.feed(text)
        except ProtocolFault as torn:
            return self._break(torn.error)
        if block is not None:
            return self._finish(block)
        return [Advanced()] if b"\n" in text else []  # line by line: at 300 baud, a readout takes minutes

    def timed_out(self) -> Events:
        """Take the news that `timeout` passed in silence."""
        match self._state:
            case _State.IDENTIFYING:
                self._note_stray(bytes(self._text))
                self._text.clear()
                return self._transmit() if self._tries <= self.retries else self._nobody()
            case _State.CONFIRMING:
                # Some meters change their speed without a word, and some confirm at the new one.
                return self._finish(b"")
            case _State.READING:
                try:
                    return self._finish(self._block.silence())
                except ProtocolFault as torn:
                    return self._break(torn.error)
            case _State.IDLE | _State.BROKEN:
                return []

    # ------------------------------------------------------------------------------------------ ends
    def _finish(self, message: bytes) -> Events:
        self._state = _State.IDLE
        return [Message(message)]

    def _note_stray(self, octets: bytes) -> None:
        if octets:
            self._strays += len(octets)
            self._last_stray = octets[-_SHOWN:]

    def _nobody(self) -> Events:
        told = f"no identification after {self._tries} requests {_shown(self._sent)} at the sign-on's speed"
        if self._strays:
            told += f"; {self._strays} octets came that are none, the last {_shown(self._last_stray)}"
        elif self.hears_itself:
            told += "; only the echo of the probe came"
        else:
            told += (
                "; is the probe in place, the device address right, the port at 8N1? After an HDLC session "
                "that was cut, a meter is deaf to sign-ons for up to two minutes"
            )
        return self._break(MeterError(ErrorKind.TIMEOUT, told))

    def _refuse(self, message: str) -> Events:
        return self._break(MeterError(ErrorKind.PROTOCOL, message))

    def _break(self, error: MeterError) -> Events:
        self._state = _State.BROKEN
        message = error.message
        if self._parity_errors:
            message += f"; {self._parity_errors} octets came with odd parity"
        return [Broken(MeterError(error.kind, message, where=error.where))]


def _shown(text: bytes) -> str:
    return repr(text)[1:]
