"""PsemLink: the client's end of C12.18's data link, as a machine without a clock.

    send     -> packet --> | ACK    (NAK or silence: the same octets again, at most `retries` times)
             -> packet --> | ACK    ... until the message is out
    receive  <- packet <-- | -> ACK (damaged: NAK, at most `retries` times)
             <- packet <-- | -> ACK, Message

Source: C12.18-1996 and 2006, layer 2; where they are silent, what other implementations do:

* Each new packet flips the toggle bit, in each direction by itself, across messages.  A packet with the
  toggle bit and the CRC of the one before is a repetition: it gets its ACK again and is dropped.  The
  same toggle bit with another CRC is a new packet of a meter that does not flip; it is accepted.
* A packet that comes while we wait for the ACK of our last one means that this ACK was lost: nobody
  answers a request that did not arrive.  It is stale instead, answers something older and is acknowledged
  and dropped while we keep waiting, if our message is not out yet, if it does not begin a message, or
  if it is the first packet since `reset`: then a meter still repeats an answer of the session before.
* Once the whole message is acknowledged nothing is ever sent again, whatever comes: a request must not
  be performed twice.  Silence is then the end.
* A packet equal to the one we sent is the line's echo, and dropped.
* `identity` 0 (no multi-drop) accepts packets of any identity, as some meters put 5 there; any other
  accepts its own only, and leaves other devices' packets unanswered.
* Reserved control bits are ignored; FIRST on a lone packet is tolerated if its sequence is 0.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from meterkit.errors import ErrorKind, MeterError
from meterkit.link import Broken, Events, Message, Transmit
from meterkit.psem.packet import (
    ACK,
    DEFAULT_MAX_PACKETS,
    DEFAULT_PACKET_SIZE,
    HEADER_SIZE,
    LARGEST_MAX_PACKETS,
    LARGEST_PACKET_SIZE,
    NAK,
    OVERHEAD_SIZE,
    SHORT,
    SMALLEST_PACKET_SIZE,
    ControlFlags,
    encode_packet,
    encode_short_packet,
)
from meterkit.psem.packet_reader import Damage, Item, Noise, PacketReader
from meterkit.psem.trouble import Trouble

_TOGGLE: Final = int(ControlFlags.TOGGLE)
_FIRST: Final = int(ControlFlags.FIRST)
_MULTI: Final = int(ControlFlags.MULTI)
_DATA_FORMAT: Final = int(ControlFlags.DATA_FORMAT_MASK)
_UNUSUAL: Final = _MULTI | _DATA_FORMAT
_NOISE_ALLOWANCE: Final = 1024  # octets, 1 s at 9600 baud, beside one packet's worth for each try
_STALE_ALLOWANCE: Final = 8  # packets that answer nothing, in one exchange; a meter repeats one 3 times

_ACKNOWLEDGE: Final = Transmit(bytes([ACK]))
_REFUSE: Final = Transmit(bytes([NAK]))


class _Phase(Enum):
    IDLE = "idle"  # nothing asked; what comes is old: acknowledged and dropped
    AWAIT_ACK = "await ack"
    AWAIT_ANSWER = "await answer"  # its first packet, or its next
    BROKEN = "broken"  # deaf until the next send


# Those of every exchange under names of their own: to look a member up in its Enum costs 8 times as much.
_IDLE: Final = _Phase.IDLE
_AWAIT_ACK: Final = _Phase.AWAIT_ACK
_READY: Final = (_Phase.IDLE, _Phase.BROKEN)


class PsemLink:
    """The client's end of a C12.18 data link; implements `meterkit.link.Link`.

    The message handed over last is answered by one Message or one Broken.  After Broken the toggle
    bits are kept, so a farewell can still be sent; whether to trust the line is the caller's to judge.
    """

    def __init__(
        self,
        *,
        identity: int = 0,
        retries: int = 3,
        response_timeout: float = 2.0,
        intercharacter_timeout: float = 0.5,
        answer_timeout: float = 6.0,
        skip_noise: bool = True,
    ) -> None:
        """Times in seconds.  `skip_noise` False: stray octets break the link (TCP).

        Raises: ValueError for an identity outside 0..255, negative retries, times not above 0.
        """
        if not 0 <= identity <= 0xFF or retries < 0:
            raise ValueError(f"identity {identity}: 0 to 255 expected; retries {retries}: 0 or more")
        if not min(response_timeout, intercharacter_timeout, answer_timeout) > 0:
            raise ValueError("time-outs are above 0 s")
        self.identity = identity
        self.retries = retries
        self.response_timeout = response_timeout
        self.intercharacter_timeout = intercharacter_timeout
        self.answer_timeout = answer_timeout
        self.skip_noise = skip_noise
        self._reader = PacketReader()
        self.reset()

    def reset(self) -> None:
        """Begin a new session: 64 octets x 1, no memory of toggle bits, packets or octets."""
        self._reader.clear()
        self._use(DEFAULT_PACKET_SIZE, DEFAULT_MAX_PACKETS)
        self._phase = _Phase.IDLE
        self.timeout = self.answer_timeout
        self._toggle = _TOGGLE  # of the last packet sent; the first one goes without
        self._last_seen: tuple[int, bytes] | None = None  # toggle bit and CRC of the last packet accepted
        self._message = b""  # ours
        self._sent = 0  # its octets that are in the packet under way or before
        self._to_follow = 0  # packets of our message behind the one under way
        self._packet = b""  # the packet under way or last sent
        self._tries = 0  # times it was sent again
        self._refused = 0  # NAKs sent since a packet was last accepted
        self._dropped = 0  # intact packets dropped since then
        self._parts: list[bytes] = []  # of the message coming in
        self._expected = 0  # sequence of its next packet
        self._trouble = Trouble()

    def configure(self, packet_size: int, max_packets: int) -> None:
        """Use what Negotiate agreed on: octets a packet, framing included, and packets a message.

        Raises: ValueError outside 64..8192 and 1..255 (C12.18).
        """
        if not SMALLEST_PACKET_SIZE <= packet_size <= LARGEST_PACKET_SIZE:
            raise ValueError(f"packet_size {packet_size}: 64 to 8192 octets expected")
        if not 1 <= max_packets <= LARGEST_MAX_PACKETS:
            raise ValueError(f"max_packets {max_packets}: 1 to 255 expected")
        self._use(packet_size, max_packets)

    def _use(self, packet_size: int, max_packets: int) -> None:
        self.packet_size = packet_size
        self.max_packets = max_packets
        self._reader.packet_size = packet_size
        self._room = packet_size - OVERHEAD_SIZE
        self.message_capacity = self._room * max_packets  #: the largest message, in octets, each way
        self._noise_limit = _NOISE_ALLOWANCE + (self.retries + 1) * packet_size

    def send(self, message: bytes) -> Events:
        """Begin to send `message` (1..`message_capacity` octets).

        Octets of an unfinished packet that came before are forgotten.
        Raises: ValueError for a message that does not fit; RuntimeError in mid-exchange.
        """
        return [Transmit(self.send_bare(message))]

    def send_bare(self, message: bytes) -> bytes:
        """Begin to send as `send` does, and return what to transmit."""
        if self._phase not in _READY:
            raise RuntimeError("the last message still waits for its answer")
        size = len(message)
        if not 0 < size <= self.message_capacity:
            raise ValueError(
                f"{size} octets of message: {self.max_packets} packets of {self.packet_size} octets "
                f"carry 1 to {self.message_capacity}"
            )
        if not self._reader.is_fresh:
            self._reader.clear()
        self._trouble = Trouble()
        self._parts = []
        self._refused = 0
        self._message = message
        self._sent = 0
        self._to_follow = -(-size // self._room)
        self._phase = _AWAIT_ACK
        self.timeout = self.response_timeout
        return self._next_packet(_MULTI | _FIRST if self._to_follow > 1 else 0)

    def _next_packet(self, flags: int) -> bytes:
        start = self._sent
        self._sent = end = start + self._room
        self._toggle = toggle = self._toggle ^ _TOGGLE
        self._to_follow = to_follow = self._to_follow - 1
        self._tries = self._dropped = 0
        message = self._message
        encode = encode_short_packet if len(message) <= SHORT else encode_packet
        self._packet = packet = encode(self.identity, flags | toggle, to_follow, message[start:end])
        return packet

    def receive(self, octets: bytes) -> Events:
        """Take octets as they came off the line."""
        if self._phase is _AWAIT_ACK and not self._to_follow:
            data = self._usual_answer(octets)
            if data is not None:
                self._phase = _IDLE
                self.timeout = self.answer_timeout
                return [_ACKNOWLEDGE, Message(data)]
        elif self._phase is _Phase.BROKEN:
            return []
        return self._take_all(self._reader.feed(octets))

    def _usual_answer(self, octets: bytes) -> bytes | None:
        """Return the data of an answer that came with its ACK, in one piece and one packet; else None.

        It does what `_take_all` does with such octets, in a third of the time.
        """
        packet = self._reader.lone_answer(octets)
        if packet is None or packet[2] & _UNUSUAL or packet[3]:
            return None
        seen = (packet[2] & _TOGGLE, packet[-2:])
        if seen == self._last_seen or packet == self._packet:
            return None
        if self.identity and packet[1] != self.identity:
            return None
        self._last_seen = seen
        return packet[HEADER_SIZE:-2]

    def timed_out(self) -> Events:
        """Take the news that `timeout` passed in silence."""
        if self._reader.is_waiting:
            return self._take_all(self._reader.silence())
        events: Events = []
        self._reader.clear()
        if self._phase is _Phase.AWAIT_ACK:
            self._trouble.silences += 1
            self._send_again(events)
        elif self._phase is _Phase.AWAIT_ANSWER:
            self._give_up(ErrorKind.TIMEOUT, self._describe_missing_answer(), events)
        self._set_timeout()
        return events

    def _take_all(self, items: list[Item]) -> Events:
        events: Events = []
        for item in items:
            if self._phase is _Phase.BROKEN:
                break
            if isinstance(item, bytes):
                self._take_packet(item, events)
            elif isinstance(item, int):
                self._take_control(item, events)
            elif isinstance(item, Noise):
                self._take_noise(item, events)
            else:
                self._take_damage(item, events)
        self._set_timeout()
        return events

    def _set_timeout(self) -> None:
        if self._reader.is_waiting:
            self.timeout = self.intercharacter_timeout
        elif self._phase is _Phase.AWAIT_ACK:
            self.timeout = self.response_timeout
        else:
            self.timeout = self.answer_timeout

    def _take_control(self, octet: int, events: Events) -> None:
        if self._phase is _Phase.AWAIT_ACK:
            if octet == NAK:
                self._trouble.naks += 1
                self._send_again(events)
            elif self._to_follow:
                self._reader.turn()
                events.append(Transmit(self._next_packet(_MULTI)))
            else:
                self._phase = _Phase.AWAIT_ANSWER
        elif self._phase is _Phase.AWAIT_ANSWER:
            self._trouble.surplus += 1
            self._check_noise(events)

    def _send_again(self, events: Events) -> None:
        self._tries += 1
        if self._tries > self.retries:
            kind, hint = self._trouble.diagnose()
            told = f"{self._tries} tries ({self._trouble.describe(self._packet)})"
            self._give_up(kind, f"{len(self._packet)} octets not acknowledged in {told}; {hint}", events)
            return
        self._reader.turn()
        events.append(Transmit(self._packet))

    def _take_noise(self, noise: Noise, events: Events) -> None:
        if self._phase is _Phase.IDLE:
            return
        self._trouble.add_noise(noise.octets)
        if noise.is_stray and not self.skip_noise:
            stray = self._trouble.describe_sample(self._packet)
            self._give_up(
                ErrorKind.FRAMING, f"expected ACK (06) or a packet (ee), got stray octets, {stray}", events
            )
        else:
            self._check_noise(events)

    def _check_noise(self, events: Events) -> None:
        trouble = self._trouble
        if trouble.noise + trouble.surplus > self._noise_limit:
            self._give_up(
                ErrorKind.FRAMING,
                f"nothing but noise where a packet was expected ({trouble.describe(self._packet)}); "
                "check the baud rate, 8N1, and what else talks on the line",
                events,
            )

    def _take_damage(self, damage: Damage, events: Events) -> None:
        if self._phase is _Phase.IDLE:
            return  # the meter repeats it by itself, and nobody waits
        self._trouble.damages += 1
        self._trouble.damage = damage.reason
        self._refused += 1
        if self._refused > self.retries:
            told = self._trouble.describe(self._packet)
            self._give_up(
                ErrorKind.CRC,
                f"no intact packet in {self._refused} tries ({told}); check the head, the baud rate and 8N1",
                events,
            )
        else:
            events.append(_REFUSE)

    def _take_packet(self, packet: bytes, events: Events) -> None:
        trouble = self._trouble
        control = packet[2]
        seen = (control & _TOGGLE, packet[-2:])
        if packet == self._packet:
            trouble.echoes += 1
            self._drop(events)
        elif self.identity and packet[1] != self.identity:
            trouble.strangers += 1
            trouble.stranger = packet[1]
            self._drop(events)
        elif seen == self._last_seen:
            trouble.repeats += 1
            events.append(_ACKNOWLEDGE)
            self._drop(events)
        elif self._phase is _Phase.IDLE or (self._phase is _Phase.AWAIT_ACK and self._is_stale(control)):
            trouble.stale += 1
            self._last_seen = seen
            events.append(_ACKNOWLEDGE)
            self._drop(events)
        elif (against := self._judge(control, packet[3])) is not None:
            self._give_up(ErrorKind.PROTOCOL, f"packet {packet[:HEADER_SIZE].hex(' ')}: {against}", events)
        else:
            self._last_seen = seen
            self._accept(packet[3], packet[HEADER_SIZE:-2], events)

    def _is_stale(self, control: int) -> bool:
        """Tell whether a new packet, come before the ACK, cannot answer our message.  See the rules above."""
        continues = control & (_MULTI | _FIRST) == _MULTI
        return self._to_follow > 0 or continues or self._last_seen is None

    def _drop(self, events: Events) -> None:
        self._dropped += 1
        if self._dropped > _STALE_ALLOWANCE + self.retries and self._phase is not _Phase.IDLE:
            told = self._trouble.describe(self._packet)
            self._give_up(
                ErrorKind.PROTOCOL, f"{self._dropped} packets and none of them new ({told})", events
            )

    def _judge(self, control: int, sequence: int) -> str | None:
        """Say what rule of reassembly a new packet breaks."""
        if control & _DATA_FORMAT:
            return f"data format {control & _DATA_FORMAT} (1 is C12.22), where C12.18's 0 was expected"
        is_multi, is_first = control & _MULTI, control & _FIRST
        if self._parts:
            if not is_multi or is_first or sequence != self._expected:
                return (
                    f"a packet with MULTI, without FIRST and with sequence {self._expected} was to come next"
                )
        elif not is_multi:
            if sequence:
                return f"a lone packet has sequence 0, not {sequence}"
        elif not is_first:
            return "it continues a message whose first packet never came"
        elif sequence >= self.max_packets:
            return f"it begins a message of {sequence + 1} packets, at most {self.max_packets} were agreed"
        return None

    def _accept(self, sequence: int, data: bytes, events: Events) -> None:
        self._refused = self._dropped = 0
        events.append(_ACKNOWLEDGE)
        if sequence:
            self._phase = _Phase.AWAIT_ANSWER
            self._parts.append(data)
            self._expected = sequence - 1
            return
        self._phase = _Phase.IDLE
        if self._parts:
            self._parts.append(data)
            data = b"".join(self._parts)
            self._parts = []
        events.append(Message(data))

    def _describe_missing_answer(self) -> str:
        limit = f"in {self.answer_timeout:g} s"
        if self._parts:
            have = len(self._parts)
            missing = f"packet {have + 1} of the answer's {have + self._expected + 1} did not come {limit}"
        elif self._refused:
            missing = f"the answer came damaged, and after our NAK no repetition of it {limit}"
        else:
            missing = f"the meter acknowledged the request but sent no answer {limit}"
        told = self._trouble.describe(self._packet)
        if self._trouble.repeats:
            told += "; a meter that never flips its toggle bit looks like this"
        return f"{missing} ({told})" if told else missing

    def _give_up(self, kind: ErrorKind, message: str, events: Events) -> None:
        self._phase = _Phase.BROKEN
        self._parts = []
        self._reader.clear()
        events.append(Broken(MeterError(kind, message)))
