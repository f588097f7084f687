"""Between the association and the link below: what goes down is protected, what comes up is verified.

    Association   C0 01 C1 ...           C4 01 C1 ...
    CipheredLink        |  protect             ^  unprotect, or Failed
    HDLC, WRAPPER C8 1E 30 00000001 ...  CC 1A 30 00000007 ...

General blocks carry pieces of a protected APDU, so they pass as they are: the association asks for `protect`
before it cuts and for `joined` once it has joined.  A meter may protect each block instead; then all of them.
What a meter pushes is verified too, and dropped if it can't be.  Source: Green Book 9.2, 9.4.6.13.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.polled import PolledLink
from meterkit.dlms.security import Cipher, SeenBefore
from meterkit.dlms.unconfirmed import UnconfirmedLink
from meterkit.dlms.unrepeated import forgo
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.link import (
    Bare,
    Broken,
    Event,
    Events,
    Failed,
    Message,
    Notice,
    bare_verbs,
    lone_message,
    received,
    sent,
)

LOW: Final = 500  # invocation counters left; from here on more are asked for
_SHOWN: Final = 8  # octets of a message that can't be read
_GENERAL_BLOCK: Final = int(ApduTag.GENERAL_BLOCK_TRANSFER)

_service = logging.getLogger("meterkit.service")
_NO_CIPHER: Final = MeterError(ErrorKind.STATE, "no keys are in use: connect first; nothing was sent")


class CipheredLink:
    """A link over `lower` that lets nothing pass unprotected once it has a cipher; see `Link`.

    `drops_repeats`: on a line that may deliver a datagram twice, a counter that doesn't rise ends nothing.
    """

    def __init__(self, lower: UnconfirmedLink, *, drops_repeats: bool = False) -> None:
        self.lower = lower
        self._send_below, self._receive_below = bare_verbs(lower)
        self.drops_repeats = drops_repeats
        self.cipher: Cipher | None = None
        #: Called when few counters are left, in the middle of an exchange too.
        self.running_low: Callable[[], None] = _nothing
        self.use(None)

    def use(self, cipher: Cipher | None) -> None:
        """Begin an association with these keys."""
        self.cipher = cipher
        self._has_bare_blocks = False  # general blocks came that were not protected one by one
        self._dropped: MeterError | None = None  # of this exchange, the last repeat

    @property
    def timeout(self) -> float:
        """The lower link's, in seconds."""
        return self.lower.timeout

    @property
    def overhead(self) -> int:
        """Octets, at most, that protection makes an APDU longer."""
        return 0 if self.cipher is None else self.cipher.overhead

    # ------------------------------------------------------------------------------------------ out
    def protect(self, apdu: bytes) -> bytes:
        """Return `apdu` as it goes out.  Errors: `ProtocolFault` SECURITY no counter, no ciphered form."""
        cipher = self.cipher
        if cipher is None:
            raise ProtocolFault(_NO_CIPHER)
        octets = cipher.protect(apdu)
        counters = cipher.unicast.counters
        if counters is not None and counters.left < LOW:
            self.running_low()
        return octets

    def send(self, message: bytes) -> Events:
        """Begin to send a message; Failed where it can't be protected."""
        return sent(self.send_bare(message))

    def send_bare(self, message: bytes) -> Bare:
        """Do as `send`; see `link.bare_verbs`."""
        self._dropped = None
        try:
            octets = message if message[0] == _GENERAL_BLOCK else self.protect(message)
        except ProtocolFault as refused:
            return [Failed(refused.error)]
        return self._send_below(octets)

    def send_unconfirmed(self, message: bytes) -> Events:
        """Send a message that nobody answers; Failed where it can't be protected."""
        try:
            octets = self.protect(message)
        except ProtocolFault as refused:
            return [Failed(refused.error)]
        return self.lower.send_unconfirmed(octets)

    def forgo(self) -> bool:
        """Let another message be sent though the last one was not answered, where the lower link can."""
        return forgo(self.lower)

    # ------------------------------------------------------------------------------------------ in
    def receive(self, octets: bytes) -> Events:
        """Take octets as they came off the line."""
        return received(self.receive_bare(octets))

    def receive_bare(self, octets: bytes) -> Bare:
        """Do as `receive`; see `link.bare_verbs`."""
        taken, cipher = self._receive_below(octets), self.cipher
        message = lone_message(taken)
        if message and message[0] != _GENERAL_BLOCK and cipher is not None:
            # The usual lane: one message that is no piece of one.  Whatever else there is, `_opened` takes.
            try:
                return cipher.unprotect(message)
            except ProtocolFault as refused:
                odd = self._refused(Message(message), refused)
                return [] if odd is None else [odd]
        return self._opened(received(taken))

    def timed_out(self) -> Events:
        """Take the news that `timeout` passed in silence."""
        return self._opened(self.lower.timed_out())

    def joined(self, octets: bytes) -> bytes:
        """Return the APDU that general blocks carried.  Errors: as `Cipher.unprotect`."""
        return self._unprotect(octets) if self._has_bare_blocks else octets

    def _opened(self, events: Events) -> Events:
        opened: Events = []
        for event in events:
            if isinstance(event, Message | Notice):
                if (plain := self._open(event)) is not None:
                    opened.append(plain)
            elif isinstance(event, Broken) and self._dropped is not None:
                told = f"{event.error.message} (an answer was dropped: {self._dropped.message})"
                opened.append(Broken(replace(event.error, message=told)))
            else:
                opened.append(event)
        return opened

    def _open(self, event: Message | Notice) -> Event | None:
        """Return the event with what its octets protect; None to drop it."""
        octets = event.octets
        if not octets:  # a sign of life
            return event
        if octets[0] == _GENERAL_BLOCK:
            self._has_bare_blocks = True
            return event
        try:
            plain = self._unprotect(octets)
        except ProtocolFault as refused:
            return self._refused(event, refused)
        return Message(plain) if type(event) is Message else Notice(plain)

    def _unprotect(self, octets: bytes) -> bytes:
        if self.cipher is None:
            told = f"a message came before any keys are in use: {octets[:_SHOWN].hex(' ')}; connect first"
            raise fault(ErrorKind.STATE, told)
        return self.cipher.unprotect(octets)

    def _refused(self, event: Message | Notice, refused: ProtocolFault) -> Event | None:
        if isinstance(event, Notice):
            _service.debug("a push was dropped: %s", refused)
            return None
        if self.drops_repeats and isinstance(refused, SeenBefore):
            self._dropped = refused.error
            return None
        return Failed(refused.error)


class PolledCipheredLink(CipheredLink):
    """The same over a link whose meter speaks only when it is asked; see `PolledLink`."""

    def __init__(self, lower: UnconfirmedLink, polled: PolledLink, *, drops_repeats: bool = False) -> None:
        super().__init__(lower, drops_repeats=drops_repeats)
        self._polled = polled

    def enquire(self) -> Events:
        """Begin to ask for a sign of life; its Message is b""."""
        return self._polled.enquire()

    def ask_on(self) -> Events:
        """Ask for what follows a Message that was none of the answer."""
        return self._polled.ask_on()


def ciphered(lower: UnconfirmedLink, *, drops_repeats: bool = False) -> CipheredLink:
    """Return a ciphered link over `lower`, polled if that one is."""
    if isinstance(lower, PolledLink):
        return PolledCipheredLink(lower, lower, drops_repeats=drops_repeats)
    return CipheredLink(lower, drops_repeats=drops_repeats)


def _nothing() -> None:
    """Do nothing: nobody waits to be told."""
