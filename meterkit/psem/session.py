"""One PSEM session on one line: services in their order, the speed, the keep-alive Wait.

    Base --Identify--> Id --(Negotiate)--Logon--> Session --(Security)-- tables, procedures
         <--Terminate-----<--Logoff---------------'

`PsemClient` speaks tables; this room speaks services, and knows when the session is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from functools import lru_cache
from math import ceil
from typing import Any, Final

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.options import PsemClientOptions
from meterkit.psem.codes import BAUD_CODES
from meterkit.psem.link import PsemLink
from meterkit.psem.refusals import refusal
from meterkit.psem.services import (
    Identification,
    Negotiated,
    ResponseCode,
    ServiceCode,
    ServiceRequest,
    ServiceResponse,
    parse_identification,
    parse_negotiated,
)
from meterkit.psem.state import USUAL, SessionState, after, check
from meterkit.result import Err, Ok, Result
from meterkit.session.exchange import Exchange
from meterkit.session.opening import close_line, farewell, open_line
from meterkit.transport.base import Transport

INITIAL_BAUD_RATE = 9600  # bits/s at which a C12.18 session begins
GOODBYE = 10.0  # s for Logoff and Terminate together when leaving; the line is closed anyway, in CLOSE_GRACE
SETTLE = 1.0  # s beyond the channel traffic time-out before a dead session's meter listens again
WAIT_SHARE = 0.8  # of the seconds a Wait asked for: when to send the next
BEAT_SHARE = 2 / 3  # of the channel traffic time-out: how long to stay silent without a Wait
READ_OVERHEAD = 4  # octets of a read response around its data: code, count (2), checksum

_service = logging.getLogger("meterkit.service")

WAKE_UP = b"\x55"  # wakes a shared optical port, as readers of such meters do
_SECRET = frozenset((ServiceCode.SECURITY, ServiceCode.AUTHENTICATE))
_DONE: Final = bytes([ResponseCode.OK])
# Members of Enums that every call looks at: under names of their own they cost an eighth.
_WAIT: Final = ServiceCode.WAIT
_OPEN: Final = SessionState.SESSION
LATER = (ResponseCode.DEVICE_BUSY, ResponseCode.DATA_NOT_READY)  # "ask again", says C12.18
# What the sessions of a fleet open and close with alike, made once; a password is never kept.
_ALIKE: Final = 64  # kinds of each
_IDENTIFY: Final = ServiceRequest.identify()
_LOGOFF: Final = ServiceRequest.logoff()
_TERMINATE: Final = ServiceRequest.terminate()
_logon = lru_cache(_ALIKE)(ServiceRequest.logon)
_negotiate = lru_cache(_ALIKE)(ServiceRequest.negotiate)
_told_by_identify = lru_cache(_ALIKE)(parse_identification)
_told_by_negotiate = lru_cache(_ALIKE)(parse_negotiated)
_NO_SUCH_SESSION = MeterError(ErrorKind.STATE, "not connected: call connect() first")


class PsemSession:
    """Services over one transport.  Not connected until `establish` returns Ok."""

    def __init__(self, transport: Transport, options: PsemClientOptions) -> None:
        self.transport = transport
        self.options = options
        self.link = PsemLink(
            identity=options.identity,
            retries=options.retries,
            response_timeout=options.response_timeout,
            intercharacter_timeout=options.intercharacter_timeout,
            answer_timeout=options.answer_timeout,
            skip_noise=transport.is_noisy,
        )
        self.exchange = Exchange(
            self.link,
            transport,
            timeout=options.exchange_timeout,
            turnaround_delay=options.turnaround_delay,
        )
        self.exchange.lost = _NO_SUCH_SESSION
        self.state = SessionState.BASE
        self.identification: Identification | None = None
        self.negotiated: Negotiated | None = None
        self._wait_is_refused = False
        self._traffic_timeout = options.channel_traffic_timeout  # s; Timing-Setup may change it
        self._meter_listens_for = 0.0  # s after the last exchange; then it goes back to Base and 9600
        self._has_switched = False  # the line runs at a negotiated speed
        self._must_wait_out = False  # a session died at such a speed: its meter still listens at it
        self._is_established = False

    @property
    def is_connected(self) -> bool:
        """Whether the session is up, as far as anyone can know without asking the meter."""
        return self._is_established and self.exchange.lost is None

    @property
    def read_capacity(self) -> int:
        """The most table octets one read can bring back with what was negotiated."""
        return min(self.link.message_capacity - READ_OVERHEAD, 0xFFFF)

    async def call(self, request: ServiceRequest) -> Result[bytes]:
        """Perform one service and return the octets after the response code.

        Errors: STATE out of order (nothing was sent) or not connected; REFUSED or SECURITY with the
        meter's code; whatever broke the link.
        """
        answer = await self.ask(request)
        if self.is_done(request, answer):
            return Ok(answer.value[1:])
        return await self.not_done(request, answer)

    def ask(self, request: ServiceRequest) -> Coroutine[Any, Any, Result[bytes]]:
        """Send a request and return the response.  Errors: STATE out of order; whatever broke the link."""
        code = request.code
        return self.exchange(
            request.encode(),
            check=lambda: None if self.state is _OPEN and code in USUAL else check(self.state, code),
            is_secret=code in _SECRET,
        )

    def is_done(self, request: ServiceRequest, answer: Result[bytes]) -> bool:
        """Note that the meter has done what it was asked for, if its response says so; else return False."""
        if isinstance(answer, Err) or answer.value[:1] != _DONE:
            return False
        if _service.isEnabledFor(logging.DEBUG):
            self._log(request, ResponseCode.OK)
        code = request.code
        if code not in USUAL:
            self.state = after(self.state, code)
        self._meter_listens_for = self._traffic_timeout
        if code == _WAIT:
            self._meter_listens_for = max(self._meter_listens_for, request.payload[0])
        return True

    async def not_done(self, request: ServiceRequest, answer: Result[bytes]) -> Err:
        """Return what a response says that is no OK, or what is wrong with it."""
        if isinstance(answer, Err):
            return Err(answer.error.at(request.name))
        try:
            response = ServiceResponse.decode(answer.value)
        except ProtocolFault as odd:
            return Err((await self.lose(odd.error)).at(request.name))
        if _service.isEnabledFor(logging.DEBUG):
            self._log(request, response.code)
        return await self._refused(request, response)

    def _log(self, request: ServiceRequest, code: ResponseCode) -> None:
        _service.debug("%s: %s -> %s", self.transport.name, request.name, code.name)

    async def _refused(self, request: ServiceRequest, response: ServiceResponse) -> Err:
        error = refusal(request, response.code)
        if (
            response.code == ResponseCode.INVALID_SERVICE_SEQUENCE_STATE
            and self.state is SessionState.SESSION
        ):
            return Err(await self.lose(error))  # the meter has left the session without a word
        return Err(error)

    async def lose(self, error: MeterError) -> MeterError:
        """Give the session up: close the line; later calls return `error`, which is returned marked."""
        return await self.exchange.lose(error)

    async def establish(self, security: ServiceRequest | None) -> Result[Identification]:
        """Open the line, then Identify, Negotiate, Logon and `security`, if a password is to be shown.

        Errors: TRANSPORT no line; TIMEOUT or FRAMING no meter; SECURITY wrong password; REFUSED.
        """
        if self.is_connected:
            return Err(MeterError(ErrorKind.STATE, "already connected: disconnect() first"))
        greeted: Result[Identification] | None = None
        try:
            opened = await self._open()
            if isinstance(opened, Err):
                return opened
            greeted = await self._handshake(security)
            self._is_established = greeted.is_success
            return greeted
        finally:
            if not isinstance(greeted, Ok):
                await self.end()

    async def _open(self) -> Result[None]:
        if self.state is not SessionState.BASE:  # lost, and not ended since
            self._note_dead_session()
            await close_line(self.transport)
        opened = await open_line(self.transport, self.options.open_attempts)
        if isinstance(opened, Err):
            return opened
        if self._must_wait_out:
            _service.debug("%s: waiting until the meter has left its last session", self.transport.name)
            patience = self._meter_listens_for + SETTLE
            await self.exchange.until_idle(lambda: patience, patience)
            self._must_wait_out = False
        self.link.reset()
        self._use_own_times()
        self.state = SessionState.BASE
        self.identification = self.negotiated = None
        self._wait_is_refused = self._has_switched = False
        await self.exchange.begin()
        return Ok(None)

    def _use_own_times(self) -> None:
        options, link = self.options, self.link
        self._traffic_timeout = options.channel_traffic_timeout
        link.intercharacter_timeout = options.intercharacter_timeout
        link.response_timeout = options.response_timeout
        link.retries = options.retries

    async def _handshake(self, security: ServiceRequest | None) -> Result[Identification]:
        if self.options.wake_up:
            woken = await self.exchange.wake(WAKE_UP, self.options.wake_up_delay)
            if isinstance(woken, Err):
                return woken
        identified = await self._identify()
        if isinstance(identified, Err):
            return identified
        negotiated = await self._negotiate()
        if isinstance(negotiated, Err):
            return negotiated
        if self.options.timing_setup:
            timed = await self._set_timing()
            if isinstance(timed, Err):
                return timed
        logged_on = await self.call(_logon(self.options.user_id, self.options.user_name))
        if isinstance(logged_on, Err):
            return logged_on
        if security is not None:
            secured = await self.call(security)
            if isinstance(secured, Err):
                return secured
        return identified

    async def _identify(self) -> Result[Identification]:
        answer = await self.call(_IDENTIFY)
        if (
            isinstance(answer, Err)
            and answer.error.code == ResponseCode.INVALID_SERVICE_SEQUENCE_STATE
            and self.exchange.lost is None
        ):
            # Somebody's session still stands in the meter: end it, or wait until it times out.
            if isinstance(await self.call(_TERMINATE), Err):
                await self.exchange.pause(self._traffic_timeout + SETTLE)
            answer = await self.call(_IDENTIFY)
        if isinstance(answer, Err):
            return answer
        try:
            self.identification = told = _told_by_identify(answer.value)
        except ProtocolFault as odd:
            return Err(await self.lose(odd.error))
        return Ok(told)

    async def _negotiate(self) -> Result[None]:
        options = self.options
        rates = options.baud_rates
        if rates is None:
            kept = self.transport.baud_rate or INITIAL_BAUD_RATE
            rates = (kept,) if kept in BAUD_CODES else ()
        answer = await self.call(_negotiate(options.packet_size, options.max_packets, rates))
        if isinstance(answer, Err):
            if answer.error.code == ResponseCode.SERVICE_NOT_SUPPORTED:
                return Ok(None)  # the standard's defaults hold: packets of 64 octets, one a message
            return answer
        try:
            negotiated = _told_by_negotiate(
                answer.value,
                packet_size=options.packet_size,
                max_packets=options.max_packets,
                baud_rates=rates,
            )
        except ProtocolFault as odd:
            return Err(await self.lose(odd.error))
        self.link.configure(negotiated.packet_size, negotiated.max_packets)
        self.negotiated = negotiated
        baud_rate = negotiated.baud_rate
        if baud_rate is None or self.transport.baud_rate in (None, baud_rate):
            return Ok(None)
        self._has_switched = True
        return await self.exchange.set_baud_rate(baud_rate)

    async def _set_timing(self) -> Result[None]:
        """Tell the meter our time-outs, in whole seconds, and use those it answers (C12.21)."""
        link = self.link
        request = ServiceRequest.timing_setup(
            min(ceil(self._traffic_timeout), 255),
            min(ceil(link.intercharacter_timeout), 255),
            min(ceil(link.response_timeout), 255),
            link.retries,
        )
        answer = await self.call(request)
        if isinstance(answer, Err):
            # A meter without this service keeps the standard's times, and we ours.
            return Ok(None) if answer.error.code == ResponseCode.SERVICE_NOT_SUPPORTED else answer
        if len(answer.value) != 4 or 0 in answer.value[:3]:
            error = MeterError(
                ErrorKind.PROTOCOL,
                f"3 times in seconds and a count expected, {answer.value.hex(' ') or 'nothing'} came",
                where=request.name,
            )
            return Err(await self.lose(error))
        traffic, intercharacter, response, link.retries = answer.value
        self._traffic_timeout = float(traffic)
        link.intercharacter_timeout, link.response_timeout = float(intercharacter), float(response)
        return Ok(None)

    async def end(self) -> None:
        """Log off, terminate and close the line: shielded, in bounded time, never raising."""
        await farewell(self.transport, self._part, self._end_here, GOODBYE)

    async def _part(self) -> None:
        """Log off and terminate, as far as there is anything to take leave of."""
        if self.exchange.lost is None and self.state is SessionState.SESSION:
            await self.call(_LOGOFF)
        if self.exchange.lost is None and self.state is not SessionState.BASE:
            await self.call(ServiceRequest.disconnect() if self.options.hang_up else _TERMINATE)

    def _end_here(self) -> bool:
        """Note that the session is over; a meter that did not say so may still be in it."""
        if self.state is not SessionState.BASE:
            self._note_dead_session()
        self.state = SessionState.BASE
        self._is_established = False
        if self.exchange.lost is None:
            self.exchange.lost = _NO_SUCH_SESSION
        return True

    def _note_dead_session(self) -> None:
        """Remember that the meter may still listen at the negotiated speed, where it hears no Identify.

        At an unchanged speed it hears one, and answers or says that a session is open.
        """
        self._must_wait_out = self._has_switched

    @property
    def usual_silence(self) -> float:
        """Seconds without traffic after which a meter that was asked nothing needs a sign of life."""
        return self._traffic_timeout * BEAT_SHARE

    def allowed_silence(self) -> float:
        """Return the same as of the last exchange: longer when that was a Wait."""
        if self._meter_listens_for > self._traffic_timeout:
            return self._meter_listens_for * WAIT_SHARE
        return self.usual_silence

    async def beat(self) -> None:
        """Tell the meter to keep listening."""
        if not self._wait_is_refused:
            answer = await self.call(ServiceRequest.wait(self.options.keep_alive_wait))
            if isinstance(answer, Ok):
                return
            self._wait_is_refused = answer.error.code == ResponseCode.SERVICE_NOT_SUPPORTED
        if self.exchange.lost is None:
            # No Wait in this meter: any packet counts as traffic; table 0 is open to everybody.
            await self.call(ServiceRequest.read_offset(0, 0, 1))

    async def ask_again(self, request: ServiceRequest, refused: Err) -> Result[bytes]:
        """Repeat a reading service that was `refused` while the meter is busy, as `retry_busy` allows."""
        answer: Result[bytes] = refused
        for _ in range(self.options.retry_busy):
            if answer.is_success or answer.error.code not in LATER:
                break
            await self.exchange.pause(self.options.retry_busy_delay)
            answer = await self.call(request)
        return answer
