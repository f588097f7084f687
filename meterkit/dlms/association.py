"""The application association as a Link: one whole request APDU in, one whole response APDU out.

    C0 01 ... -> Association -> C0 01 ...                 <- C4 02 block 1
                             -> C0 02 1                   <- C4 02 block 2, last
                 Message     <- C4 01 ... as if no block transfer had happened

Invoke ids tell answers from late ones; what answers nothing is dropped, and told if the answer never comes.
What a meter pushes is a Notice.  The links below move messages; here it is known what they are.
Source: IEC 62056-53 (xDLMS), Green Book 9.4.6.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from meterkit.dlms.answers import (
    ANSWERS,
    NOTHING,
    REFUSALS,
    RESPONSES,
    SIGN_OF_LIFE,
    accepts_association,
    has_same_invoke_id,
    is_unconfirmed,
)
from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.general_blocks import GeneralBlocks
from meterkit.dlms.polled import PolledLink
from meterkit.dlms.secured.link import CipheredLink
from meterkit.dlms.state import AssociationEvent
from meterkit.dlms.strays import Stray, Strays
from meterkit.dlms.transfer.blocks import Next, Step, Transfer, Whole
from meterkit.dlms.transfer.general_block import LARGEST_WINDOW
from meterkit.dlms.transfer.long_request import goes_by_general_blocks
from meterkit.dlms.transfer.pushed_blocks import PUSHES
from meterkit.dlms.transfer.service_blocks import begin_blocks, follow_blocks
from meterkit.dlms.unconfirmed import send_unconfirmed
from meterkit.dlms.unrepeated import forgo
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.link import (
    Advanced,
    Bare,
    Broken,
    Events,
    Failed,
    Link,
    Message,
    Notice,
    Transmit,
    bare_verbs,
    lone_message,
    received,
    sent,
)

MAX_RESPONSE_SIZE: Final = 16 * 1024 * 1024  # octets; a year of 15-minute rows with 8 columns is 2 MiB


_HEADROOM: Final = 512  # octets; no protection adds more, so a shorter request needs no closer look
_GET: Final = int(ApduTag.GET_REQUEST)
_GET_RESPONSE: Final = int(ApduTag.GET_RESPONSE)
#: How a GET-response-normal begins, by its invoke-id-and-priority.
_GET_RESPONSES: Final = tuple(bytes((_GET_RESPONSE, 1, invoke)) for invoke in range(256))
_AARQ: Final = int(ApduTag.AARQ)
#: Requests that move the association from one state to another.
_MOVES: Final[dict[int, AssociationEvent]] = {
    ApduTag.AARQ: AssociationEvent.AARQ,
    ApduTag.RLRQ: AssociationEvent.RLRQ,
}


class Association(GeneralBlocks):
    """One association over a `lower` link: HDLC or WRAPPER, or a ciphered one over either.

    `max_response_size` bounds an answer's octets.  `window` is how many general blocks the meter may send
    without waiting for us: 1 over HDLC, where it has one turn for one message.  `send_window` is how many we
    send, where the meter allows it: more than 1 needs a lower link that takes messages in a row.
    Raises: ValueError for a window outside 1..63.
    """

    def __init__(
        self,
        lower: Link,
        *,
        max_response_size: int = MAX_RESPONSE_SIZE,
        window: int = 1,
        send_window: int = 1,
    ) -> None:
        if not 1 <= min(window, send_window) <= max(window, send_window) <= LARGEST_WINDOW:
            raise ValueError(
                f"windows {window}, {send_window}: 1 to {LARGEST_WINDOW} general blocks expected"
            )
        self.lower = lower
        self._send_below, self._receive_below = bare_verbs(lower)
        self._ciphered = lower if isinstance(lower, CipheredLink) else None
        self._headroom = 0 if self._ciphered is None else _HEADROOM
        self.max_response_size = max_response_size
        self.window = window
        self.send_window = send_window
        self.reset()

    def reset(self) -> None:
        """Begin anew, not associated, on a lower link that was reset as well: nothing is known or awaited."""
        self._forget_context()
        self._strays = Strays()
        self._forget_blocks()
        self._finish()

    def _finish(self) -> None:
        self._awaited = NOTHING  # the tag of the response waited for
        self._short_answer = b""  # how the answer to a short GET begins, while nothing but that has come
        self._request = b""
        self._transfer: Transfer | None = None
        self._end_general()
        self._outbox: list[bytes] = []  # what goes on with the exchange once all that came is taken
        self._is_our_turn = False  # to send general blocks, once all that came is taken
        self._is_lower_idle = True

    @property
    def timeout(self) -> float:
        """The lower link's, in seconds."""
        return self.lower.timeout

    @property
    def is_pending(self) -> bool:
        """Whether a request waits for its answer."""
        return self._awaited != NOTHING

    @property
    def dropped(self) -> str:
        """What came and answered nothing, in words, while a request waits for its answer."""
        return self._strays.describe() if self.is_pending else ""

    # ------------------------------------------------------------------------------------------ out
    def send(self, message: bytes) -> Events:
        """Begin an exchange with a whole request APDU; see `Link`.

        An unconfirmed service is done once it is sent: its Message is empty.
        Raises: RuntimeError in mid-exchange; ValueError for octets that are no request.
        """
        return sent(self.send_bare(message))

    def send_bare(self, message: bytes) -> Bare:
        """Do as `send`; see `link.bare_verbs`."""
        if self._awaited != NOTHING:
            raise RuntimeError("the last request still waits for its answer")
        if not (3 <= len(message) <= self._largest_pdu - self._headroom and message[0] == _GET):
            return self._send_other(message)
        self._awaited = _GET_RESPONSE  # as `_begin`: most requests are short GETs
        self._short_answer = _GET_RESPONSES[message[2]]
        self._request = message
        self._is_lower_idle = False
        begun = self._send_below(message)
        if not isinstance(begun, bytes) and type(begun[0]) is not Transmit:
            self._check_sent(begun)
        return begun

    def _send_other(self, message: bytes) -> Events:
        """Begin an exchange with anything but a short GET."""
        tag = message[0] if message else NOTHING
        awaited = ANSWERS.get(tag)
        if awaited is None or len(message) < 3:
            raise ValueError(f"{apdu_name(message)}: a whole request APDU expected")
        if len(message) > self._limit and tag != _AARQ:
            return self._send_long(message, awaited)
        if is_unconfirmed(message):
            events = send_unconfirmed(self.lower, message)
            self._check_sent(events)
            return events
        if (moves := _MOVES.get(tag)) is not None:
            self._note(moves)
        return self._send_whole(message, awaited)

    def _send_whole(self, message: bytes, awaited: int) -> Events:
        self._begin(message, awaited)
        events = self.lower.send(message)
        if type(events[0]) is not Transmit:
            self._check_sent(events)
        return events

    @property
    def _limit(self) -> int:
        """The longest request that goes in one PDU, in octets; what protects it needs room as well."""
        return self._largest_pdu if self._ciphered is None else self._largest_pdu - self._ciphered.overhead

    def _begin(self, message: bytes, awaited: int) -> None:
        self._awaited = awaited
        self._request = message
        self._is_lower_idle = False

    def enquire(self) -> Events:
        """Begin to ask for a sign of life, where the lower link asks for what the meter has to say.

        Its Message is b"".  Raises: RuntimeError in mid-exchange.
        """
        if self._awaited != NOTHING:
            raise RuntimeError("the last request still waits for its answer")
        if not isinstance(self.lower, PolledLink):
            return [Message(b"")]
        self._awaited = SIGN_OF_LIFE
        self._is_lower_idle = False
        events = self.lower.enquire()
        self._check_sent(events)
        return events

    def _send_long(self, message: bytes, awaited: int) -> Events:
        """Send a request that the meter cannot take in one PDU, in blocks of whichever kind it grants."""
        granted = self.conformance or Conformance(0)
        try:
            if goes_by_general_blocks(
                message, granted, self._limit, prefers_general=self.prefers_general_blocks
            ):
                whole = message if self._ciphered is None else self._ciphered.protect(message)
                general, transfer = self._general_transfer(whole), None
                first = general.begin()
            else:
                general = None
                transfer, block = begin_blocks(message, self._limit, self.max_response_size)
                first = [block]
        except ProtocolFault as refused:
            return [Failed(refused.error)]
        self._begin(message, awaited)
        self._general, self._transfer = general, transfer
        return self._put(first)

    def _put(self, apdus: list[bytes]) -> Events:
        """Send what goes on with the exchange."""
        self._is_lower_idle = False
        events: Events = []
        for apdu in apdus:
            events += self.lower.send(apdu)
        self._check_sent(events)
        return events

    def _check_sent(self, events: Events) -> None:
        """End the exchange if the lower link could not even send."""
        if any(isinstance(event, Broken) for event in events):
            self._note(AssociationEvent.BROKEN)
            self._finish()
        elif any(isinstance(event, Failed) for event in events):
            self._give_up()

    # ------------------------------------------------------------------------------------------ in
    def receive(self, octets: bytes) -> Events:
        """Take octets as they came off the line; see `Link`."""
        return received(self.receive_bare(octets))

    def receive_bare(self, octets: bytes) -> Bare:
        """Do as `receive`; see `link.bare_verbs`."""
        taken = self._receive_below(octets)
        message = taken if isinstance(taken, bytes) else lone_message(taken)
        if message and message[:3] == self._short_answer and 3 < len(message) <= self.max_response_size:
            # The common case: the attribute that was asked for, whole.  Nothing of it is decoded here.
            if self._strays.dropped:
                self._strays.clear()
            self._awaited = NOTHING
            self._short_answer = b""
            self._is_lower_idle = True
            return message
        return self._take_all(received(taken))

    def timed_out(self) -> Events:
        """Take the news that `timeout` passed in silence; see `Link`."""
        was_idle = self._is_lower_idle and self._awaited != NOTHING
        if (general := self._general) is not None:
            # Blocks were lost, or what we said of them, or the meter forgot to say that it waits for us.
            if was_idle and general.has_news:
                self._is_our_turn = True
                return self._go_on()
            if general.may_repeat and (was_idle or forgo(self.lower)):
                return self._put([general.repeat()])
        events = self.lower.timed_out()
        if was_idle and not events:
            error = MeterError(ErrorKind.TIMEOUT, f"no answer to {apdu_name(self._request)}")
            return [self._broken(error)]
        if any(isinstance(event, Transmit) for event in events):
            self._is_lower_idle = False  # it asks for more by itself
        return self._take_all(events)

    def _take_all(self, events: Events) -> Events:
        taken: Events = []
        if events:
            self._short_answer = b""
        for event in events:
            match event:
                case Message(message):
                    self._is_lower_idle = True
                    taken += self._take(message)
                case Notice(message):
                    taken += self._take_notice(message)
                case Broken(error):
                    taken.append(self._broken(error))
                case Failed():
                    self._give_up()
                    taken.append(event)
                case _:  # Transmit, Advanced
                    taken.append(event)
        # Several messages may have come at once; only now is it our turn.
        if self._outbox or self._is_our_turn:
            return taken + self._go_on()
        return taken + self._ask_on() if self._awaited != NOTHING and self._is_lower_idle else taken

    def _go_on(self) -> Events:
        """Send what goes on with the exchange."""
        outbox, self._outbox = self._outbox, []
        if self._is_our_turn and self._general is not None:
            self._is_our_turn = False
            try:
                outbox = self._general.our_turn()
            except ProtocolFault as stuck:
                return self._fail(stuck)
        return self._put(outbox)

    def _ask_on(self) -> Events:
        """Ask for the answer, once what came was none, if the meter does not go on by itself."""
        if self._general is not None or not isinstance(self.lower, PolledLink):
            return []
        self._is_lower_idle = False
        return self.lower.ask_on()

    def _take(self, message: bytes) -> Events:
        """Take one whole message of the lower link."""
        if self._awaited == SIGN_OF_LIFE and not message:
            self._conclude()
            return [Message(b"")]
        tag = message[0] if message else NOTHING
        if tag in PUSHES:
            return [Notice(message)]
        if tag == ApduTag.GENERAL_BLOCK_TRANSFER:
            return self._take_general_block(message)
        if self._awaited == NOTHING:
            return self._drop(Stray.LATE, message)
        if tag in REFUSALS:
            self._note_answer(message)
            self._conclude()
            return [Message(message)]
        if tag != self._awaited:
            return self._drop(Stray.OTHER_SERVICE, message)
        if not has_same_invoke_id(self._request, message):
            return self._drop(Stray.OTHER_INVOKE_ID, message)
        return self._take_answer(message)

    def _take_notice(self, message: bytes) -> Events:
        """Take what the lower link knows to be no answer: pushes, and what goes on between other stations."""
        tag = message[0] if message else NOTHING
        if tag == ApduTag.GENERAL_BLOCK_TRANSFER:
            return self._take_general_block(message, is_push=True)
        if tag in RESPONSES:
            return self._drop(Stray.OTHER_STATION, message)
        return [Notice(message)]

    def _take_answer(self, message: bytes) -> Events:
        if self._outbox:
            return self._drop(Stray.UNASKED, message)
        self._end_general()
        try:
            step = self._step(message)
        except ProtocolFault as failed:
            return self._fail(failed)
        match step:
            case Whole(response):
                self._note_answer(response)
                self._conclude()
                return [Message(response)]
            case Next(request):
                self._outbox = [request]
                return [Advanced()]
            case _:
                return self._drop(Stray.REPEATED, message)

    def _step(self, message: bytes) -> Step:
        if self._transfer is None:
            self._transfer = follow_blocks(self._request, message, self.max_response_size)
        if self._transfer is not None:
            return self._transfer.take(message)
        if len(message) > self.max_response_size:
            raise fault(
                ErrorKind.PROTOCOL,
                f"an answer of {len(message)} octets, {self.max_response_size} are allowed",
            )
        return Whole(message)

    # ------------------------------------------------------------------------------------------ ends
    def _drop(self, reason: Stray, message: bytes) -> Events:
        self._strays.add(reason, message)
        return []

    def _conclude(self) -> None:
        """End an exchange that got its answer."""
        self._strays.clear()
        self._finish()

    def _fail(self, failed: ProtocolFault) -> Events:
        self._give_up()
        return [Failed(failed.error)]

    def _give_up(self) -> None:
        """End an exchange that came to nothing."""
        self._note(AssociationEvent.LOST)
        self._finish()

    def _broken(self, error: MeterError) -> Broken:
        """Return `error` with what was dropped meanwhile, which often tells why no answer came."""
        told = self._general.told_in_vain if self._general is not None else ""
        if told := "; ".join(filter(None, (told, self.dropped))):
            error = replace(error, message=f"{error.message} ({told})")
        self._note(AssociationEvent.BROKEN)
        self._finish()
        return Broken(error)

    def _note_answer(self, response: bytes) -> None:
        """Follow the association's state as answers to AARQ and RLRQ come."""
        if self._awaited == ApduTag.RLRE:
            self._note(AssociationEvent.RELEASED)
        elif self._awaited == ApduTag.AARE:
            self._note(
                AssociationEvent.ACCEPTED if accepts_association(response) else AssociationEvent.REFUSED
            )
