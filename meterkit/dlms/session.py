"""One association with one meter on one line: link up, AARQ, services, RLRQ, link down.

    line --(sign-on)--(SNRM/UA)--AARQ/AARE-- GET SET ACTION ... --RLRQ/RLRE--(DISC/UA)-- closed

`DlmsClient` speaks attributes and methods; this room speaks APDUs, and knows when the association is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Final

from meterkit.dlms.acse.apdus import Rlrq, decode_aare
from meterkit.dlms.agreement import NegotiatedAssociation, agree
from meterkit.dlms.apdu import Apdu
from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.dlms.association import Association
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.dlms.lower_link import lower_link
from meterkit.dlms.proposal import LOGICAL_NAME_SERVICES, plain_aarq, propose
from meterkit.dlms.refusals import EXCEPTIONS, exception, unexpected
from meterkit.dlms.secret_requests import tells_secret
from meterkit.dlms.secured.association import SecureAssociation
from meterkit.dlms.secured.counter_object import counter_in, counter_request, public_options
from meterkit.dlms.secured.link import ciphered
from meterkit.dlms.security import Security
from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.options import DlmsClientOptions
from meterkit.result import Err, Ok, Result
from meterkit.session.exchange import Exchange
from meterkit.session.opening import close_line, farewell, open_line
from meterkit.session.sign_on import sign_on
from meterkit.transport.base import Transport

__all__ = ["LOGICAL_NAME_SERVICES", "DlmsSession"]

GENERAL_BLOCKS: Final = 4  # that a meter may send over TCP before we acknowledge them
GOODBYE: Final = 10.0  # s for RLRQ and DISC together when leaving; the line is closed anyway, in CLOSE_GRACE
RELEASE: Final = 5.0  # s of them for RLRQ: some meters never answer it

_octets = logging.getLogger("meterkit.octets")
_service = logging.getLogger("meterkit.service")

_RELEASE_REQUEST: Final = Rlrq().encode()
_REPEATABLE: Final = frozenset((int(ApduTag.GET_REQUEST), int(ApduTag.READ_REQUEST)))
_NO_SUCH_SESSION: Final = MeterError(ErrorKind.STATE, "not connected: call connect() first")


class DlmsSession:
    """APDUs over one transport.  Not associated until `establish` returns Ok."""

    def __init__(self, transport: Transport, options: DlmsClientOptions) -> None:
        self.transport = transport
        self.options = options
        self.lower = lower_link(transport, options)
        self._hdlc = self.lower if isinstance(self.lower, HdlcLink) else None
        self._ciphered = (
            None
            if options.security is Security.NONE
            else ciphered(self.lower, drops_repeats=transport.is_datagram)
        )
        self._secured = SecureAssociation(options, self._ciphered) if options.is_secured else None
        self._public: DlmsSession | None = None  # reads the meter's count of our messages
        if options.counter_object is not None:
            self._public = DlmsSession(transport, public_options(options))
        self.association = Association(
            self._ciphered or self.lower,
            max_response_size=options.max_response_size,
            window=1 if self._hdlc or transport.is_datagram else GENERAL_BLOCKS,
        )
        self.exchange = Exchange(
            self.association,
            transport,
            timeout=options.exchange_timeout,
            turnaround_delay=options.turnaround_delay,
        )
        self.exchange.lost = _NO_SUCH_SESSION
        self.negotiated: NegotiatedAssociation | None = None
        self.leaves_line = False  #: the line is still open, and nobody's
        self._is_associated = False
        self._has_opened = False  # the line, or tried to
        self._is_stale = False  # a connection died: the meter may still keep it, and its association
        self._speed: int | None = None  # bits/s agreed on in a sign-on

    @property
    def is_associated(self) -> bool:
        """Whether the association stands, as far as anyone can know without asking the meter."""
        return self._is_associated and self.exchange.lost is None

    @property
    def has_link_to_keep(self) -> bool:
        """Whether there is a connection below that the meter would give up when nothing moves."""
        return self._hdlc is not None

    @property
    def conformance(self) -> Conformance:
        """The services granted; none while not associated."""
        return self.negotiated.conformance if self.negotiated else Conformance(0)

    @property
    def max_pdu(self) -> int:
        """Octets that one request may have; 0: any number."""
        largest = self.negotiated.max_pdu if self.negotiated else 0
        if not largest or self._ciphered is None:
            return largest
        return max(1, largest - self._ciphered.overhead)

    def next_invoke(self, confirmed: bool = True) -> int:
        """Return the invoke-id-and-priority octet of the next request."""
        return self.association.next_invoke(confirmed, self.options.high_priority)

    async def call(self, request: Apdu, *, is_secret: bool = False) -> Result[bytes]:
        """Perform one service with all its blocks, and return the response APDU.

        Of requests that are known to be secret, or said to be, the log shows sizes only.
        Errors: STATE the service was not granted (nothing was sent) or not connected; REFUSED an exception
        of the meter, in words; whatever broke the link.
        """
        if self.exchange.lost is None and (objection := self.association.permits(request)) is not None:
            return Err(objection)
        if _octets.isEnabledFor(logging.DEBUG):
            is_secret = is_secret or tells_secret(request)
        return await self.ask(request.encode(), is_secret=is_secret)

    async def ask(self, octets: bytes, *, is_secret: bool = False) -> Result[bytes]:
        """Perform a service that was granted, and return the response APDU.  Errors: as `call`."""
        answer = await self.asked(octets, is_secret=is_secret)
        if self.is_unsettled(answer):
            answer = await self.settled(octets, answer, is_secret=is_secret)
        return self.told(octets, answer)

    def asked(self, octets: bytes, *, is_secret: bool = False) -> Coroutine[Any, Any, Result[bytes]]:
        """Perform a service that was granted, and return what came, to be `settled` and `told`."""
        secured = self._secured
        if secured is None or secured.is_ready:
            return self.exchange(octets, is_secret=is_secret)
        return self._exchange_once_ready(secured, octets, is_secret)

    def told(self, octets: bytes, answer: Result[bytes]) -> Result[bytes]:
        """Return what came of the request `octets`: the response, or why there is none."""
        if isinstance(answer, Err):
            if dropped := self.association.dropped:  # time ran out while the meter said something else
                answer = Err(replace(answer.error, message=f"{answer.error.message} ({dropped})"))
        elif answer.value[:1] in EXCEPTIONS:
            answer = Err(exception(answer.value) or unexpected(answer.value, "a response"))
        if _service.isEnabledFor(logging.DEBUG):
            outcome = apdu_name(answer.value) if isinstance(answer, Ok) else str(answer.error)
            _service.debug("%s: %s -> %s", self.transport.name, apdu_name(octets), outcome)
        return answer

    async def _exchange_once_ready(
        self, secured: SecureAssociation, octets: bytes, is_secret: bool
    ) -> Result[bytes]:
        """Exchange as soon as there is a counter for it.  Errors: SECURITY there is none."""
        try:
            await secured.make_ready()
        except ProtocolFault as refused:
            return Err(refused.error)
        return await self.exchange(octets, is_secret=is_secret)

    def is_unsettled(self, answer: Result[bytes]) -> bool:
        """Whether a secured association has something to do before `answer` is told, which is seldom."""
        secured = self._secured
        return secured is not None and (
            secured.is_behind or (isinstance(answer, Ok) and answer.value[:1] in EXCEPTIONS)
        )

    @property
    def is_at_rest(self) -> bool:
        """Whether a response, now that it came, is neither to be `settled` nor `told`: the usual case."""
        return (self._secured is None or not self._secured.is_behind) and not _service.isEnabledFor(
            logging.DEBUG
        )

    async def settled(self, octets: bytes, answer: Result[bytes], *, is_secret: bool) -> Result[bytes]:
        """Return the answer; where the meter expects another counter, it is followed, and a read repeated.

        Nothing else is: nobody vouches for that refusal, so the request may have been performed.  A counter
        that came is on disk before its message is told, where it has to be.
        """
        secured = self._secured
        if secured is None:
            return answer
        try:
            if isinstance(answer, Ok) and answer.value[:1] in EXCEPTIONS:
                is_followed = await secured.recovers(answer.value)
                if is_followed and octets[0] in _REPEATABLE:
                    answer = await self.exchange(octets, is_secret=is_secret)
            if secured.is_behind:
                await secured.catch_up()
        except ProtocolFault as refused:
            return Err(refused.error)
        return answer

    async def hear(self) -> Result[bytes]:
        """Return the next thing the meter said unasked; wait for it, however long.

        Errors: what ended the session; SECURITY its counter can't be kept.
        """
        heard = await self.exchange.listen()
        if self._secured is not None and self._secured.is_behind:
            try:
                await self._secured.catch_up()
            except ProtocolFault as down:
                return Err(down.error)
        return heard

    async def expect_keys(
        self, encryption_key: bytes | None, authentication_key: bytes | None
    ) -> Result[None]:
        """Take answers by these keys, too, and try both on the next connect.  Errors: as `change_keys`."""
        return await self._on_keys(lambda secured: secured.expect_keys(encryption_key, authentication_key))

    async def change_keys(
        self, encryption_key: bytes | None, authentication_key: bytes | None
    ) -> Result[None]:
        """Use other keys from now on; see `DlmsClient.use_keys`."""
        return await self._on_keys(lambda secured: secured.change_keys(encryption_key, authentication_key))

    async def change_broadcast_key(self, key: bytes) -> Result[None]:
        """Take pushes by another broadcast key from now on.  Errors: as `change_keys`."""
        return await self._on_keys(lambda secured: secured.change_broadcast_key(key))

    async def _on_keys(self, work: Callable[[SecureAssociation], Awaitable[None]]) -> Result[None]:
        if self.exchange.lost is not None:
            return Err(self.exchange.lost)
        if self._secured is None:
            raise ValueError("no keys are in use in this association")
        try:
            await work(self._secured)
        except ProtocolFault as refused:
            return Err(refused.error)
        return Ok(None)

    async def lose(self, error: MeterError) -> MeterError:
        """Give the session up: close the line; later calls return `error`, which is returned marked."""
        return await self.exchange.lose(error)

    # ---------------------------------------------------------------- up
    async def establish(self, password: bytes | None) -> Result[NegotiatedAssociation]:
        """Open the line and the link, then associate; `password` stands in for that of the options.

        Errors: TRANSPORT no line; TIMEOUT or FRAMING no meter; SECURITY wrong password or authentication
        refused; REFUSED the meter wants no such association, with its diagnostic.
        """
        if self.is_associated:
            return Err(MeterError(ErrorKind.STATE, "already connected: disconnect() first"))
        if self._secured is not None:
            try:
                password = await self._secured.arm(password)
            except ProtocolFault as lacking:
                return Err(lacking.error)
        granted: Result[NegotiatedAssociation] | None = None
        try:
            counted = await self._learn_counter()
            linked = counted if isinstance(counted, Err) else await self._link_up()
            granted = linked if isinstance(linked, Err) else await self._associate(password)
            self._is_associated = granted.is_success
            return granted
        finally:
            if not isinstance(granted, Ok):
                await self.end()

    async def _learn_counter(self) -> Result[None]:
        """Read the meter's count of our messages as the public client, on the same line, which stays open."""
        public, secured = self._public, self._secured
        if public is None or secured is None:
            return Ok(None)
        where = f"invocation counter {self.options.counter_object}"
        granted = await public.establish(None)
        if isinstance(granted, Err):
            return Err(granted.error.at(where))
        told = await public.call(counter_request(self.options, public.next_invoke()))
        await public.end(keeps_line=True)
        try:
            if isinstance(told, Ok):
                await secured.follow(counter_in(told.value))
        except ProtocolFault as odd:
            return Err(odd.error.at(where))
        return Ok(None) if isinstance(told, Ok) else Err(told.error.at(where))

    async def _link_up(self) -> Result[None]:
        opened = await self._open_line()
        if isinstance(opened, Err) or self._hdlc is None:
            return opened
        if self._is_stale:
            forgotten = await self._forget_dead_connection(self._hdlc)
            if isinstance(forgotten, Err):
                return forgotten
        if self.options.mode_e:
            signed_on = await self._sign_on()
            if isinstance(signed_on, Err):
                return signed_on
        linked = await self.exchange.perform(self._hdlc.connect, link=self._hdlc)
        if isinstance(linked, Err):
            return Err(linked.error.at("SNRM"))
        self._is_stale = True  # until it is taken down in good order
        return Ok(None)

    async def _forget_dead_connection(self, hdlc: HdlcLink) -> Result[None]:
        """Tell the meter to forget a connection that died: it may keep it, and refuse the next.

        Whatever it says to that, go on.  Source: dlms-cosem issue 74.
        """
        if self._speed is not None:  # after a sign-on the meter still listens at the speed agreed on
            await self.exchange.set_baud_rate(self._speed)
        await self.exchange.perform(hdlc.disconnect, link=hdlc)
        self._is_stale = False
        return Ok(None) if self.exchange.lost is None else await self._open_line()

    async def _sign_on(self) -> Result[None]:
        options = self.options
        answer = await sign_on(
            self.exchange, device_address=options.mode_e_address, baud_switch=options.baud_switch
        )
        self._speed = self.transport.baud_rate if isinstance(answer, Ok) else None
        return answer.map(lambda _: None) if isinstance(answer, Ok) else Err(answer.error.at("sign-on"))

    async def _open_line(self) -> Result[None]:
        if self._public is None or not self._public.leaves_line:
            if self._has_opened or self.transport.is_open:  # what is left of an earlier session
                await close_line(self.transport)
            self._has_opened = True
            opened = await open_line(self.transport, self.options.open_attempts)
            if isinstance(opened, Err):
                return opened
        else:
            self._public.leaves_line = False
        self.lower.reset()
        self.association.reset()
        self.negotiated = None
        await self.exchange.begin()
        return Ok(None)

    async def _associate(self, password: bytes | None) -> Result[NegotiatedAssociation]:
        """Associate; where the meter wants another counter or other keys, once more with those."""
        try:
            answer = await self._ask_to_associate(password)
            while (
                isinstance(answer, Err)
                and self._secured is not None
                and await self._secured.has_another_way(answer.error)
            ):
                answer = await self._ask_to_associate(password)
        except ProtocolFault as odd:
            return Err(odd.error.at("AARQ"))
        return answer

    async def _ask_to_associate(self, password: bytes | None) -> Result[NegotiatedAssociation]:
        secured, offer = self._secured, propose(self.options, is_datagram=self.transport.is_datagram)
        request = plain_aarq(self.options, offer, password)
        if secured is not None:
            offer, request = await secured.begin(offer, request)
        answer = await self.exchange(request.encode(), is_secret=request.authentication_value is not None)
        if isinstance(answer, Err):
            return Err(answer.error.at("AARQ"))
        refused = exception(answer.value)
        if refused is not None:
            if secured is not None:
                secured.note_refusal(answer.value)
            return Err(refused.at("AARQ"))
        try:
            aare = decode_aare(answer.value)
            if secured is not None:
                aare = await secured.accept(request, aare)
            granted = agree(request, offer, aare)
        except ProtocolFault as odd:
            return Err(odd.error.at("AARQ"))
        self.association.configure(granted.conformance, granted.max_pdu, offer.max_pdu)
        self.negotiated = granted
        if secured is not None:
            failed = await secured.complete(self.exchange, self.association, granted)
            if failed is not None:
                return Err(failed)
        return Ok(granted)

    # ---------------------------------------------------------------- alive
    async def beat(self) -> None:
        """Ask the meter's link for a sign of life, so that it keeps the connection."""
        await self.exchange.perform(self.association.enquire)

    # ---------------------------------------------------------------- down
    async def end(self, *, keeps_line: bool = False) -> None:
        """Release, disconnect and close the line: shielded, in bounded time, never raising.

        A line that is well stays open if it `keeps_line`: `leaves_line` then tells so.
        """
        await farewell(self.transport, self._part, lambda: self._end_here(keeps_line), GOODBYE)

    async def _part(self) -> None:
        """Release and disconnect, as far as there is anything to take leave of."""
        told = await self._release() if self.is_associated and self.options.release else b""
        if self._secured is not None:
            await self._secured.finish(told)
        if self.exchange.lost is None and self._hdlc is not None and self._hdlc.is_connected:
            parted = await self.exchange.perform(self._hdlc.disconnect, link=self._hdlc)
            self._is_stale = isinstance(parted, Err)

    def _end_here(self, keeps_line: bool) -> bool:
        """Note that the session is over; return whether the line is to be closed."""
        self._is_associated = False
        self.leaves_line = keeps_line and self.exchange.lost is None
        if self.exchange.lost is None:
            self.exchange.lost = _NO_SUCH_SESSION
        return not self.leaves_line

    async def _release(self) -> bytes:
        """Return what the meter says to a release; it fails nothing: the association is over either way."""
        try:
            request = _RELEASE_REQUEST if self._secured is None else self._secured.release().encode()
        except ProtocolFault as refused:
            _service.debug("%s: no RLRQ: %s", self.transport.name, refused)
            return b""
        release = partial(self.association.send, request)
        answer = await self.exchange.perform(release, patience=RELEASE)
        return answer.value if isinstance(answer, Ok) else b""
