"""WRAPPER: application PDUs over TCP and UDP.

Source: IEC 62056-47 (DLMS/COSEM transport layer for IPv4); every number goes high octet first.

    version = 1 (2) | source wPort (2) | destination wPort (2) | length (2) | APDU ...

The length counts the APDU alone.  A client's wPort is its SAP (16: public), a meter's its logical device
(1: management).  Answers have the two exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.link import Bare, Broken, Events, Message, Notice, Transmit, received, sent

VERSION: Final = 1
HEADER_SIZE: Final = 8  # octets
MAX_LENGTH: Final = 0xFFFF  # octets of APDU
_HEADER: Final = Struct(">4H")
_SAMPLE_SIZE: Final = 16  # octets shown of what came


@dataclass(frozen=True, slots=True)
class WrapperHeader:
    """The 8 octets before an APDU."""

    source: int  #: wPort, 0..65535
    destination: int  #: wPort, 0..65535
    length: int  #: octets of the APDU
    version: int = VERSION

    def __str__(self) -> str:
        return f"{self.length} octets from wPort {self.source} to {self.destination}"

    def encode(self) -> bytes:
        """Return the header's 8 octets.

        Errors: ValueError for a number outside 0..65535.
        """
        numbers = (self.version, self.source, self.destination, self.length)
        if not 0 <= min(numbers) <= max(numbers) <= 0xFFFF:
            raise ValueError(f"{numbers}: version, wPorts and length are 0 to 65535")
        return _HEADER.pack(*numbers)

    @classmethod
    def decode(cls, octets: bytes) -> WrapperHeader:
        """Return the header that `octets` begin with.

        Errors: ProtocolFault FRAMING for fewer than 8 octets, or a version other than 1.
        """
        if len(octets) < HEADER_SIZE:
            raise fault(
                ErrorKind.FRAMING, f"a WRAPPER header is 8 octets, {len(octets)} came: {octets.hex(' ')}"
            )
        version, source, destination, length = _HEADER.unpack_from(octets)
        if version != VERSION:
            raise fault(
                ErrorKind.FRAMING,
                f"a WRAPPER header starts with version 00 01, not {octets[:HEADER_SIZE].hex(' ')}; "
                "does the meter speak HDLC on this port?",
            )
        return cls(source, destination, length)


@dataclass(frozen=True, slots=True)
class WrapperMessage:
    """One APDU with its header."""

    header: WrapperHeader
    apdu: bytes

    def encode(self) -> bytes:
        """Return header and APDU as octets."""
        return self.header.encode() + self.apdu


class WrapperReader:
    """Cuts a stream of octets into messages.  Never holds more than one message and what came last."""

    __slots__ = ("_needed", "held", "max_length")

    def __init__(self, max_length: int = MAX_LENGTH) -> None:
        self.max_length = max_length  #: octets of the longest APDU accepted
        self.held = bytearray()  #: part of a message, or nothing
        self._needed = HEADER_SIZE

    @property
    def is_waiting(self) -> bool:
        """Whether part of a message is held."""
        return bool(self.held)

    def clear(self) -> None:
        """Forget what is held."""
        self.held.clear()
        self._needed = HEADER_SIZE

    def describe(self) -> str:
        """Say what is held, for an engineer."""
        shown = bytes(self.held[:HEADER_SIZE]).hex(" ")
        return f"{len(self.held)} of {self._needed} octets came, beginning with {shown}"

    def feed(self, octets: bytes) -> list[WrapperMessage]:
        """Take what came and return the messages that are whole.

        Errors: ProtocolFault FRAMING where no header is: nothing behind it can be found any more, so it is
        forgotten.  Whole messages before it are returned first; the next call raises.
        """
        held = self.held
        held += octets
        messages: list[WrapperMessage] = []
        at = 0
        try:
            while len(held) - at >= self._needed:
                header = self._read_header(bytes(held[at : at + HEADER_SIZE]))
                end = at + HEADER_SIZE + header.length
                if end > len(held):
                    self._needed = end - at
                    break
                messages.append(WrapperMessage(header, bytes(held[at + HEADER_SIZE : end])))
                self._needed = HEADER_SIZE
                at = end
        except ProtocolFault:
            if not messages:
                self.clear()
                raise
        del held[:at]
        return messages

    def _read_header(self, octets: bytes) -> WrapperHeader:
        header = WrapperHeader.decode(octets)
        if header.length > self.max_length:
            raise fault(
                ErrorKind.FRAMING,
                f"WRAPPER header {octets.hex(' ')} announces {header.length} octets of APDU, "
                f"{self.max_length} is most",
            )
        return header


class WrapperLink:
    """The client's end of WRAPPER; implements `meterkit.link.Link`.

    What comes from the meter's wPort to ours is a Message, whether asked for or not (the association knows
    late answers); anything else is a Notice, as pushes go to wPorts of their own.  Nothing is ever sent
    again here: TCP does that itself, and over UDP nobody could tell a lost request from a lost answer.
    """

    def __init__(
        self,
        client_port: int,
        server_port: int,
        *,
        response_timeout: float = 10.0,
        inter_octet_timeout: float = 5.0,
        max_message_size: int = MAX_LENGTH,
        is_datagram: bool = False,
    ) -> None:
        """Times in seconds, sizes in octets.

        `is_datagram`: what `receive` takes is whole datagrams (UDP), and a bad one is dropped, not fatal.
        Raises: ValueError for wPorts or a size outside 0..65535, times not above 0.
        """
        if not min(response_timeout, inter_octet_timeout) > 0:
            raise ValueError("time-outs are above 0 s")
        self.client_port = client_port
        self.server_port = server_port
        self.response_timeout = response_timeout
        self.inter_octet_timeout = inter_octet_timeout
        self.is_datagram = is_datagram
        self._request_start = WrapperHeader(client_port, server_port, 1).encode()[:6]
        self._answer_start = WrapperHeader(server_port, client_port, 1).encode()[:6]
        self._reader = WrapperReader(max_message_size)
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new connection."""
        self._reader.clear()
        self.timeout = self.response_timeout
        self._is_awaiting = False
        self._is_broken = False
        self._others = 0  # messages between other wPorts, since the request
        self._bad = 0  # datagrams dropped, since then
        self._last_odd = ""  # the last of either

    def send(self, message: bytes) -> Events:
        """Begin to send an APDU of 1 to 65535 octets; its answer comes as Message.

        Errors: STATE after a Broken.  Raises: ValueError for a size that does not fit; RuntimeError in
        mid-exchange.
        """
        return sent(self.send_bare(message))

    def send_bare(self, message: bytes) -> Bare:
        """Do as `send`; see `link.bare_verbs`."""
        if self._is_awaiting or self._is_broken or self._last_odd or not 0 < len(message) <= MAX_LENGTH:
            events = self.send_unconfirmed(message)
            self._is_awaiting = not self._is_broken
            return events
        self._is_awaiting = True
        return self._request_start + len(message).to_bytes(2, "big") + message

    def send_unconfirmed(self, message: bytes) -> Events:
        """Send an APDU that nobody answers.  Errors and Raises: as `send`."""
        size = len(message)
        if not 0 < size <= MAX_LENGTH:
            raise ValueError(f"{size} octets: a WRAPPER message carries 1 to {MAX_LENGTH}")
        if self._is_broken:
            return [Broken(MeterError(ErrorKind.STATE, "the link is broken: connect again"))]
        if self._is_awaiting:
            raise RuntimeError("the last message still waits for its answer")
        if self._last_odd:
            self._others = self._bad = 0
            self._last_odd = ""
        return [Transmit(self._request_start + size.to_bytes(2, "big") + message)]

    def forgo(self) -> bool:
        """Wait no longer for the answer, so that another message may be sent; False if a part of one came."""
        if self._is_broken or self._reader.is_waiting:
            return False
        self._is_awaiting = False
        return True

    def receive(self, octets: bytes) -> Events:
        """Take octets as they came off the line; any of them once broken are dropped."""
        return received(self.receive_bare(octets))

    def receive_bare(self, octets: bytes) -> Bare:
        """Do as `receive`; see `link.bare_verbs`."""
        reader = self._reader
        length = len(octets) - HEADER_SIZE
        if (
            0 < length <= reader.max_length
            and octets[:HEADER_SIZE] == self._answer_start + length.to_bytes(2, "big")
            and not (reader.held or self._is_broken)
        ):
            self._is_awaiting = False  # the usual case: one whole answer at once
            return octets[HEADER_SIZE:]
        events: Events = []
        if not self._is_broken:
            self._take_all(octets, events)
        return events

    def _take_all(self, octets: bytes, events: Events) -> None:
        reader = self._reader
        try:
            messages = reader.feed(octets)
            while messages:
                for message in messages:
                    self._take(message, events)
                messages = reader.feed(b"") if reader.is_waiting else []
            if self.is_datagram and reader.is_waiting:
                self._drop(f"a datagram cut short: {reader.describe()}")
        except ProtocolFault as bad:
            if self.is_datagram:
                self._drop(bad.error.message)
            else:
                self._break(bad.error.kind, bad.error.message, events)
        self._set_timeout()

    def _take(self, message: WrapperMessage, events: Events) -> None:
        header = message.header
        if not message.apdu:
            return
        if header.source == self.server_port and header.destination == self.client_port:
            self._is_awaiting = False
            events.append(Message(message.apdu))
        else:
            self._others += 1
            self._last_odd = f"{header}, {message.apdu[:_SAMPLE_SIZE].hex(' ')}"
            events.append(Notice(message.apdu))

    def _drop(self, reason: str) -> None:
        self._reader.clear()
        self._bad += 1
        self._last_odd = reason

    def _set_timeout(self) -> None:
        self.timeout = self.inter_octet_timeout if self._reader.is_waiting else self.response_timeout

    def timed_out(self) -> Events:
        """Take the news that `timeout` passed in silence: nothing can be done about it."""
        events: Events = []
        if self._reader.is_waiting:
            told = f"a message broke off for {self.inter_octet_timeout:g} s: {self._reader.describe()}"
            hint = ""
        else:
            told = f"no answer in {self.response_timeout:g} s"
            hint = "; a meter is silent to a client or a logical device that it does not know"
        where = f"{told} (meter's wPort {self.server_port}, ours {self.client_port})"
        if self._others or self._bad:
            hint = (
                f"; meanwhile {self._others} messages between other wPorts and {self._bad} bad datagrams "
                f"came, the last: {self._last_odd}"
            )
        self._break(ErrorKind.TIMEOUT, where + hint, events)
        return events

    def _break(self, kind: ErrorKind, message: str, events: Events) -> None:
        self._is_broken = True
        self._is_awaiting = False
        self._reader.clear()
        events.append(Broken(MeterError(kind, message)))
