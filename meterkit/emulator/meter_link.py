"""The meter's end of the PSEM data link, as a pure machine.  C12.18, layer 2.

    client  EE .. request ..                 EE .. (duplicate)       06
    meter                    06 EE .. response ..           06

A good packet is ACKed at once, a bad one NAKed once the line is quiet; a packet with the toggle bit
and the CRC of the one before is a duplicate: ACKed again, not delivered.  A response packet is
repeated unchanged on a NAK or on silence, then the link gives up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from meterkit.codec.crc import CRC_SIZE, crc16_wire, is_intact
from meterkit.errors import ErrorKind, MeterError
from meterkit.link import Broken, Message, Transmit
from meterkit.psem.packet import (
    DEFAULT_MAX_PACKETS,
    DEFAULT_PACKET_SIZE,
    HEADER_SIZE,
    OVERHEAD_SIZE,
    STP,
    ControlFlags,
)

ACK = b"\x06"
NAK = b"\x15"
IDENTIFY_REQUEST = b"\x20"
_MULTI, _FIRST = int(ControlFlags.MULTI), int(ControlFlags.FIRST)
_TOGGLE, _FORMAT = int(ControlFlags.TOGGLE), int(ControlFlags.DATA_FORMAT_MASK)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The client has acknowledged the whole response."""


MeterEvent: TypeAlias = Transmit | Message | Delivered | Broken
MeterEvents: TypeAlias = list[MeterEvent]


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What Negotiate and Timing Setup change.  Times in seconds, sizes in octets."""

    packet_size: int = DEFAULT_PACKET_SIZE
    max_packets: int = DEFAULT_MAX_PACKETS
    baud_rate: int = 9600
    channel_traffic_timeout: float = 6.0
    intercharacter_timeout: float = 0.5
    response_timeout: float = 2.0
    retries: int = 3

    @property
    def capacity(self) -> int:
        """Octets that the largest message can have."""
        return (self.packet_size - OVERHEAD_SIZE) * self.max_packets


class MeterLink:
    """One client's line.  Feed it octets and lapses of time; do what its events say.

    `identity` None answers any device number and echoes it.  `refuse` is asked for each good packet
    what to answer in place of taking it: NAK (a shared optical port), nothing (a fault that a test
    ordered), or None to take it.
    """

    def __init__(
        self,
        settings: ChannelSettings | None = None,
        *,
        identity: int | None = None,
        refuse: Callable[[], bytes | None] | None = None,
    ) -> None:
        self.settings = settings or ChannelSettings()
        self.packets_received = 0  #: good packets so far, duplicates included
        self._identity = identity
        self._refuse = refuse
        self._echoed_identity = identity or 0
        self._toggle = 0  # of the next packet we send
        self.reset()

    def reset(self) -> None:
        """Forget the conversation: buffers, duplicates and what was being sent."""
        self._buffer = bytearray()
        self._is_garbled = False
        self._last_received: tuple[int, bytes] | None = None
        self._parts: list[bytes] = []
        self._parts_left = 0
        self._unsent: list[bytes] = []  # packets not acknowledged yet; the first is on the line
        self._attempts = 0
        self._is_answering = False  # a request was passed up and nothing was sent since

    @property
    def is_sending(self) -> bool:
        """Whether a response waits for its acknowledgement."""
        return bool(self._unsent)

    @property
    def timeout(self) -> float:
        """Seconds of silence after which `timed_out` is due; inf when the link waits for nothing."""
        if self._buffer or self._is_garbled:
            return self.settings.intercharacter_timeout
        return self.settings.response_timeout if self._unsent else math.inf

    def send(self, message: bytes) -> MeterEvents:
        """Begin to send a response of at most `settings.capacity` octets."""
        if not 0 < len(message) <= self.settings.capacity:
            raise ValueError(f"{len(message)} octets do not fit a channel of {self.settings.capacity}")
        self._is_answering = False
        room = self.settings.packet_size - OVERHEAD_SIZE
        chunks = [message[at : at + room] for at in range(0, len(message), room)]
        self._unsent = [self._packet(chunk, len(chunks) - 1 - i, i == 0) for i, chunk in enumerate(chunks)]
        self._attempts = 0
        return [Transmit(self._unsent[0])]

    def skip_response(self) -> None:
        """Leave the last request without a response."""
        self._is_answering = False

    def receive(self, octets: bytes) -> MeterEvents:
        """Take octets as they came off the line, in pieces of any size."""
        self._buffer += octets
        events: MeterEvents = []
        while self._buffer:
            match self._buffer[0]:
                case octet if self._is_garbled and octet != STP:
                    del self._buffer[0]  # the rest of a damaged packet: no ACK or NAK is meant
                case 0x06:
                    self._drop_run(ACK)
                    self._acknowledged(events)
                case 0x15:
                    self._drop_run(NAK)
                    self._repeat(events, "NAK")
                case 0xEE:  # STP
                    if not self._take_packet(events):
                        break
                case _:  # wake-up octets, noise
                    del self._buffer[0]
        return events

    def timed_out(self) -> MeterEvents:
        """Take the news that `timeout` passed in silence: NAK half a packet, or repeat the response."""
        events: MeterEvents = []
        if self._buffer or self._is_garbled:
            self._buffer.clear()
            self._is_garbled = False
            events.append(Transmit(NAK))
        elif self._unsent:
            self._repeat(events, "silence")
        return events

    def _packet(self, data: bytes, sequence: int, is_first: bool) -> bytes:
        control = self._toggle
        self._toggle ^= _TOGGLE
        if sequence or not is_first:
            control |= _MULTI | (_FIRST if is_first else 0)
        head = bytes((STP, self._echoed_identity, control, sequence, len(data) >> 8, len(data) & 0xFF))
        return head + data + crc16_wire(head + data)

    def _drop_run(self, octet: bytes) -> None:
        """Take an ACK or NAK off the buffer, doubled ones too: what is sent next was not heard yet."""
        while self._buffer.startswith(octet):
            del self._buffer[0]

    def _acknowledged(self, events: MeterEvents) -> None:
        if not self._unsent:
            return  # some clients acknowledge acknowledgements
        del self._unsent[0]
        self._attempts = 0
        events.append(Transmit(self._unsent[0]) if self._unsent else Delivered())

    def _repeat(self, events: MeterEvents, why: str) -> None:
        if not self._unsent:
            return
        self._attempts += 1
        if self._attempts <= self.settings.retries:
            events.append(Transmit(self._unsent[0]))
            return
        text = f"the client never acknowledged a response packet sent {self._attempts} times; last: {why}"
        self.reset()
        events.append(Broken(MeterError(ErrorKind.TIMEOUT, text)))

    def _take_packet(self, events: MeterEvents) -> bool:
        """Take one packet off the buffer's front; False when more octets are needed."""
        if len(self._buffer) < HEADER_SIZE:
            return False
        size = int.from_bytes(self._buffer[4:6], "big") + OVERHEAD_SIZE
        if self._buffer[2] & _FORMAT or not OVERHEAD_SIZE < size <= self.settings.packet_size:
            self._skip_start()
            return True
        if len(self._buffer) < size:
            return False
        packet = bytes(self._buffer[:size])
        if not is_intact(packet):
            if len(self._buffer) == size:
                del self._buffer[:]
                self._is_garbled = False
                events.append(Transmit(NAK))
            else:
                self._skip_start()
            return True
        del self._buffer[:size]
        self._is_garbled = False
        self._heard(packet, events)
        return True

    def _skip_start(self) -> None:
        """Look for the next start octet: this one began no packet.  NAK when the line is quiet."""
        start = self._buffer.find(STP, 1)
        del self._buffer[: start if start > 0 else len(self._buffer)]
        self._is_garbled = True

    def _heard(self, packet: bytes, events: MeterEvents) -> None:
        if self._identity is not None and packet[1] != self._identity:
            return  # another device's
        refusal = None if self._refuse is None else self._refuse()
        if refusal is not None:
            events += [Transmit(refusal)] if refusal else []
            return
        self.packets_received += 1
        mark = (packet[2] & _TOGGLE, packet[-CRC_SIZE:])
        data = packet[HEADER_SIZE:-CRC_SIZE]
        # Identify may be repeated by a client that starts over: it is answered anew once the last
        # answer has arrived, whatever its toggle bit.
        is_restart = data == IDENTIFY_REQUEST and not self._unsent and not self._is_answering
        if mark == self._last_received and not is_restart:
            events.append(Transmit(ACK))
            return
        if self._unsent:  # who asks something new has seen our answer, or given it up
            is_whole = len(self._unsent) == 1
            self._unsent = []
            if is_whole:
                events.append(Delivered())
        self._last_received = mark
        self._echoed_identity = packet[1]
        self._collect(packet[2], packet[3], data, events)

    def _collect(self, control: int, sequence: int, data: bytes, events: MeterEvents) -> None:
        if not control & _MULTI:
            self._parts, self._parts_left = [], 0
            self._is_answering = True
            events += (Transmit(ACK), Message(data))
            return
        if control & _FIRST:
            self._parts, self._parts_left = [], sequence + 1
        is_in_order = self._parts_left == sequence + 1 <= self.settings.max_packets
        if not is_in_order:
            self._parts, self._parts_left = [], 0
            self._last_received = None  # its repetition is no duplicate: nothing was accepted
            events.append(Transmit(NAK))
            return
        self._parts.append(data)
        self._parts_left = sequence
        events.append(Transmit(ACK))
        if not sequence:
            self._is_answering = True
            message, self._parts = b"".join(self._parts), []
            events.append(Message(message))
