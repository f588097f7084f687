"""HdlcLink: the client's end of an HDLC connection, as a machine without a clock.

    connect     -> SNRM (proposal) | <- UA (what is granted)          disconnect  -> DISC | <- UA or DM
    send        -> I ... I P       | <- RR F      one window after the other, until the message is out
                                   | <- I ... I F
                -> RR P            | <- I ... I F    ... until the answer is whole: Message
    enquire     -> RR P            | <- RR F         keeps the meter from closing an idle connection

Source: IEC 62056-46 6.4 (normal response mode, modulo 8); where it is silent, ISO/IEC 13239 and reason:

* The turn passes with P and comes back with F.  While F is 0 the meter still speaks and we are silent.
* Silence is answered by a question, not by a repetition: RR P, with our N(R).  A meter whose answer got
  lost sends it again, as N(R) does not acknowledge it.  Only when its answer to an RR says that a request
  did not arrive, it gets it again, with the same N(S).  Sending the I frame again at once would do with a
  meter that compares N(S), but there are some that do not, and they would perform the request twice.
* An answer too many, after a question that crossed a slow answer, is told apart: see `hdlc.turn`.
* REJ is not among IEC 62056-46's frames; it is understood, as an RR, and never sent.  Lost I frames are
  asked for by RR.  An I frame that came before is acknowledged and not delivered.
* DM or FRMR to SNRM: the meter is in the middle of something older.  DISC, then SNRM once more.
* A meter that has received everything and has no answer yet says RR, one that is busy RNR: asked again
  after a pause that grows to `POLL_INTERVAL`.
* After a Message the connection is idle; `timed_out` then means that the caller waits for more (the Message
  was none of its answer), and asks for it.
* A frame from us to the meter is the line's echo, and dropped.  Frames between others are not answered.
* UI frames are Notices: see `hdlc.push`.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.hdlc.control import MODULO, POLL_FINAL
from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc.phase import CONNECTED, DEAF, Phase
from meterkit.dlms.hdlc.push import Pushes
from meterkit.dlms.hdlc.reader import Damage, HdlcReader, Item, Noise
from meterkit.dlms.hdlc.segments import LLC_COMMAND, Incoming, Outgoing
from meterkit.dlms.hdlc.speech import HdlcSpeech
from meterkit.dlms.hdlc.stations import Stations
from meterkit.dlms.hdlc.trouble import HdlcTrouble, describe_refusal
from meterkit.dlms.hdlc.turn import Step, Turn
from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.link import Advanced, Broken, Events, Message, Notice, Transmit

_NOISE_ALLOWANCE: Final = 8192  # octets in one exchange, four of the longest frames
_DEFAULTS: Final = HdlcParameters()
_NOT_CONNECTED: Final = MeterError(ErrorKind.STATE, "there is no HDLC connection: connect() first")
_SNRM: Final = HdlcFrameType.SNRM | POLL_FINAL
_DISC: Final = HdlcFrameType.DISC | POLL_FINAL


class HdlcLink(HdlcSpeech):
    """The client's end of one HDLC connection; implements `meterkit.link.Link`.

    `connect`, `send`, `enquire` and `disconnect` each end in one Message or one Broken.
    """

    def __init__(
        self,
        client: HdlcAddress,
        server: HdlcAddress,
        *,
        parameters: HdlcParameters | None = _DEFAULTS,
        retries: int = 3,
        response_timeout: float = 5.0,
        inter_octet_timeout: float = 1.0,
        skip_noise: bool = True,
        max_message_size: int = 1 << 20,
    ) -> None:
        """Times in seconds, `max_message_size` in octets.

        `parameters` None: SNRM goes without a proposal.  `skip_noise` False: stray octets break the link.
        Raises: ValueError for a client address of several octets, negative retries, times not above 0.
        """
        if client.size != 1 or retries < 0 or not min(response_timeout, inter_octet_timeout) > 0:
            raise ValueError("a client address has 1 octet, retries are 0 or more, time-outs above 0 s")
        super().__init__(Stations(client, server))
        self.parameters = parameters  #: what we propose
        self.retries = retries
        self.response_timeout = response_timeout
        self.inter_octet_timeout = inter_octet_timeout
        self.skip_noise = skip_noise
        self._reader = HdlcReader()
        self._incoming = Incoming(max_message_size)
        self._pushes = Pushes(client, max_message_size)
        self.reset()

    def reset(self) -> None:
        """Forget the connection and every octet."""
        self._reader.clear()
        self._incoming.clear()
        self._pushes.clear()
        self._phase = Phase.DISCONNECTED
        self._stations.forget()
        self.timeout = self.response_timeout
        self._has_cleared = False  # DISC was tried before SNRM
        self._fall_silent()
        self._begin()

    def _begin(self) -> None:
        """Begin an exchange: nothing went wrong yet."""
        self._trouble = HdlcTrouble()
        self._is_pausing = False  # the meter needs time; the next question waits for the time-out
        self._turn.begin()

    @property
    def peer(self) -> HdlcAddress:
        """The meter's address: of who answered, if we called a group."""
        return self._stations.peer

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as anyone can know without asking the meter."""
        return self._phase in CONNECTED

    def connect(self) -> Events:
        """Begin a connection, whatever was before; its Message is the information field of UA.

        Errors: TIMEOUT, CRC or FRAMING for no UA; REFUSED for DM or FRMR; DECODE for a field that cannot be.
        """
        self.reset()
        return [self._request_connection()]

    def disconnect(self) -> Events:
        """Begin to disconnect, whatever was under way; the Message, b"" as a rule, comes with UA or DM."""
        self._begin()
        self._incoming.clear()
        self._phase = Phase.DISCONNECTING
        self._set_timeout()
        return [self._command(_DISC)]

    def enquire(self) -> Events:
        """Begin to ask for a sign of life; its Message is b"".

        Raises: RuntimeError in mid-exchange.
        """
        if (broken := self._enter(Phase.ENQUIRING)) is not None:
            return [broken]
        return [self._ask()]

    def ask_on(self) -> Events:
        """Ask at once for what follows a Message that was none of the answer.

        Raises: RuntimeError without connection, or in mid-exchange.
        """
        if self._phase is not Phase.IDLE:
            raise RuntimeError("nothing can follow: there was no Message")
        self._phase = Phase.EXCHANGE
        events: Events = [self._ask()]
        self._set_timeout()
        return events

    def send(self, message: bytes) -> Events:
        """Begin to send an APDU (the LLC header is ours to add); its answer comes as Message.

        Errors: STATE without connection.  Raises: ValueError for no octets; RuntimeError in mid-exchange.
        """
        if not message:
            raise ValueError("a message has 1 octet or more")
        if (broken := self._enter(Phase.EXCHANGE, LLC_COMMAND + message)) is not None:
            return [broken]
        return [self._transmit_window()]

    def send_unconfirmed(self, message: bytes) -> Events:
        """Send an APDU in UI frames, which nobody answers.

        Errors: STATE without connection.  Raises: ValueError for no octets; RuntimeError in mid-exchange.
        """
        if not message:
            raise ValueError("a message has 1 octet or more")
        if not self.is_connected:
            return [Broken(_NOT_CONNECTED)]
        if self._phase is not Phase.IDLE:
            raise RuntimeError("the last request still waits for its answer")
        return [self._tell(LLC_COMMAND + message)]

    def _enter(self, phase: Phase, octets: bytes = b"") -> Broken | None:
        if not self.is_connected:
            return Broken(_NOT_CONNECTED)
        if self._phase is not Phase.IDLE:
            raise RuntimeError("the last request still waits for its answer")
        self._begin()
        self._phase = phase
        # What the meter did not acknowledge, though it said something else, is not repeated from here on.
        self._outgoing = Outgoing(octets, self.negotiated.max_info_transmit, self._outgoing.next_number)
        self._set_timeout()
        return None

    # ------------------------------------------------------------------ what goes out
    def _request_connection(self) -> Transmit:
        self._phase = Phase.CONNECTING
        return self._command(_SNRM, self.parameters.encode() if self.parameters else b"")

    # ------------------------------------------------------------------ what comes in
    def receive(self, octets: bytes) -> Events:
        """Take octets as they came off the line."""
        if self._phase is Phase.BROKEN:
            return []
        return self._take_all(self._reader.feed(octets))

    def timed_out(self) -> Events:
        """Take the news that `timeout` passed in silence."""
        items = self._reader.silence()
        events = self._take_all(items)
        if self._phase not in DEAF and not any(isinstance(item, HdlcFrame) for item in items):
            self._lapse(events)
            self._set_timeout()
        return events

    def _take_all(self, items: list[Item]) -> Events:
        events: Events = []
        for item in items:
            if self._phase is Phase.BROKEN:
                break
            if isinstance(item, HdlcFrame):
                self._take_frame(item, events)
            elif isinstance(item, Damage):
                self._trouble.add_damage(item.reason)
            else:
                self._take_noise(item, events)
        self._set_timeout()
        return events

    def _set_timeout(self) -> None:
        if self._reader.is_waiting:
            self.timeout = self.inter_octet_timeout
        elif self._is_pausing:
            self.timeout = min(self._turn.pause, self.response_timeout)
        else:
            self.timeout = self.response_timeout

    def _take_noise(self, noise: Noise, events: Events) -> None:
        self._trouble.add_noise(noise.octets)
        if self._phase is Phase.IDLE or self._phase is Phase.DISCONNECTED:
            return
        if not self.skip_noise or self._trouble.noise > _NOISE_ALLOWANCE:
            told = self._trouble.describe(self._last_sent)
            self._break(ErrorKind.FRAMING, f"expected an HDLC frame (7e a0..af), got noise ({told})", events)

    def _take_frame(self, frame: HdlcFrame, events: Events) -> None:
        kind = frame.control.frame_type
        if self._stations.is_echo(frame, self._last_sent):
            self._trouble.echoes += 1
        elif kind is HdlcFrameType.UI or self._phase is Phase.DISCONNECTED:
            self._take_push(frame, events)
        elif not self._stations.is_from_peer(frame):
            self._trouble.add_stranger(frame)
        elif kind in (HdlcFrameType.DM, HdlcFrameType.FRMR):
            self._take_refusal(frame, events)
        elif kind is HdlcFrameType.UA:
            self._take_acknowledgement(frame, events)
        elif self._phase not in CONNECTED:
            self._trouble.add_stray(frame)
        elif kind is HdlcFrameType.INFORMATION:
            self._take_information(frame, events)
        elif kind in (HdlcFrameType.RR, HdlcFrameType.RNR, HdlcFrameType.REJ):
            number = frame.control.receive_sequence
            if self._take_receive_sequence(number, events) and frame.control.poll_final:
                self._take_turn(kind, events)
        else:
            self._trouble.add_stray(frame)

    def _take_push(self, frame: HdlcFrame, events: Events) -> None:
        meter = None if self._phase is Phase.DISCONNECTED else self._stations.peer
        if self._pushes.concerns(frame, connected_to=meter):
            events += [Notice(message) for message in self._pushes.take(frame)]
        else:
            self._trouble.add_stranger(frame)

    def _take_acknowledgement(self, frame: HdlcFrame, events: Events) -> None:
        """UA."""
        if self._phase is Phase.CLEARING:
            events.append(self._request_connection())
        elif self._phase is Phase.CONNECTING:
            try:
                self.negotiated = HdlcParameters.granted(frame.information, self.parameters)
            except ProtocolFault as odd:
                self._break(odd.error.kind, f"UA: {odd.error.message}", events)
                return
            self._stations.settle(frame.source)
            self._turn = Turn()
            self._phase = Phase.IDLE
            events.append(Message(frame.information))
        elif self._phase is Phase.DISCONNECTING:
            self._phase = Phase.DISCONNECTED
            events.append(Message(frame.information))
        else:
            self._trouble.add_stray(frame)

    def _take_refusal(self, frame: HdlcFrame, events: Events) -> None:
        """DM or FRMR."""
        kind = frame.control.frame_type
        if self._phase is Phase.DISCONNECTING:
            self._phase = Phase.DISCONNECTED
            events.append(Message(b""))
        elif self._phase is Phase.CLEARING:
            events.append(self._request_connection())
        elif self._phase is not Phase.CONNECTING:
            error = ErrorKind.STATE if kind is HdlcFrameType.DM else ErrorKind.PROTOCOL
            self._break(error, describe_refusal(frame), events)
        elif self._has_cleared:
            told = f"no connection, even after DISC: {describe_refusal(frame)}"
            self._break(ErrorKind.REFUSED, told, events, code=frame.control.encode())
        else:
            self._has_cleared = True
            self._phase = Phase.CLEARING
            events.append(self._command(_DISC))

    def _take_information(self, frame: HdlcFrame, events: Events) -> None:
        control = frame.control
        if not self._take_receive_sequence(control.receive_sequence, events):
            return
        ahead = (control.send_sequence - self._expected) % MODULO
        if ahead == 0:
            self._turn.progress()
            self._expected = (self._expected + 1) % MODULO
            if not self._incoming.take(frame.information, frame.is_segmented):
                self._break(ErrorKind.PROTOCOL, "the answer is longer than max_message_size allows", events)
                return
            if frame.is_segmented and frame.information:
                events.append(Advanced())
        else:
            self._trouble.repeats += 1
        if control.poll_final:
            is_repeat = ahead >= self.negotiated.window_receive  # else one before it got lost
            self._take_turn(HdlcFrameType.INFORMATION, events, is_repeat=is_repeat)

    def _take_receive_sequence(self, number: int, events: Events) -> bool:
        """Take an N(R); False when it acknowledges what was never sent: its frame is not to be believed."""
        acknowledged = self._outgoing.acknowledge(number)
        if acknowledged is None:
            self._trouble.misnumbered += 1
            return False
        if acknowledged:
            self._turn.progress()
            if self._outgoing.is_unfinished:
                events.append(Advanced())
        return True

    # ------------------------------------------------------------------ whose turn it is
    def _take_turn(self, kind: HdlcFrameType, events: Events, *, is_repeat: bool = False) -> None:
        """F came: it is our turn, unless this answered an older question than our last."""
        has_progressed = self._turn.take_final(is_repeat=is_repeat)
        is_enquiring = self._phase is Phase.ENQUIRING
        if self._incoming.whole:
            self._deliver(events)
        elif has_progressed is None:
            return
        elif self._phase is Phase.EXCHANGE or (is_enquiring and self._incoming.is_begun):
            self._go_on(kind, has_progressed, events)
        elif is_enquiring:
            self._deliver(events)

    def _go_on(self, kind: HdlcFrameType, has_progressed: bool, events: Events) -> None:
        """Take our turn in an exchange that is still open."""
        is_busy = kind is HdlcFrameType.RNR
        self._trouble.pauses += is_busy
        is_ready = has_progressed or self._outgoing.is_unfinished
        self._trouble.unready += kind is HdlcFrameType.RR and not is_ready
        step = self._turn.next_step(
            self.retries,
            has_progressed=has_progressed,
            is_busy=is_busy,
            is_information=kind is HdlcFrameType.INFORMATION,
            is_unfinished=self._outgoing.is_unfinished,
            is_in_doubt=self._outgoing.is_in_doubt,
        )
        self._trouble.resent += step is Step.REPEAT
        self._is_pausing = step is Step.PAUSE
        if step is Step.GIVE_UP:
            self._give_up(events)
        elif step is Step.ASK:
            events.append(self._ask())
        elif step is not Step.PAUSE:
            events.append(self._transmit_window())

    def _deliver(self, events: Events) -> None:
        messages = self._incoming.hand_over()
        if self._phase is Phase.ENQUIRING:
            events += [Notice(message) for message in messages]
            messages = [b""]
        events += [Message(message) for message in messages]
        self._phase = Phase.IDLE

    # ------------------------------------------------------------------ silence
    def _lapse(self, events: Events) -> None:
        """Nothing came in time: ask, or give up."""
        if self._is_pausing:
            self._is_pausing = False
            events.append(self._ask())
            return
        self._trouble.silences += 1
        if self._incoming.whole:  # by a meter that never sets F
            self._deliver(events)
            return
        self._turn.lapses += 1
        if self._turn.lapses > self.retries:
            self._give_up(events)
        elif self._phase is Phase.CONNECTING or self._phase is Phase.CLEARING:
            events.append(self._request_connection())
        elif self._phase is Phase.DISCONNECTING:
            events.append(self._command(_DISC))
        else:
            if self._phase is Phase.IDLE:
                self._phase = Phase.EXCHANGE
            events.append(self._ask())

    def _give_up(self, events: Events) -> None:
        kind, hint = self._trouble.diagnose()
        told = self._trouble.describe(self._last_sent)
        missing = self._phase.value
        if self._phase is Phase.EXCHANGE and self._outgoing.is_unfinished:
            missing = f"no acknowledgement of {self._outgoing.describe()}"
        elif self._phase is Phase.EXCHANGE and self._incoming.is_begun:
            missing = f"the answer broke off before I frame N(S)={self._expected}"
        self._break(
            kind, f"{missing} (meter {self.peer}, client {self._stations.client}; {told}); {hint}", events
        )

    def _break(self, kind: ErrorKind, message: str, events: Events, *, code: int | None = None) -> None:
        self._phase = Phase.BROKEN
        self._incoming.clear()
        self._reader.clear()
        events.append(Broken(MeterError(kind, message, code)))
