"""One PSEM session on one line: services in their order, the speed, the keep-alive Wait.

    Base --Identify--> Id --(Negotiate)--Logon--> Session --(Security)-- tables, procedures
         <--Terminate-----<--Logoff---------------'

`PsemClient` speaks tables; this room speaks services, and knows when the session is gone.
"""

from __future__ import annotations

import logging
from math import ceil

import anyio

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.options import PsemClientOptions
from meterkit.psem.link import PsemLink
from meterkit.psem.services import (
    Identification,
    Negotiated,
    ResponseCode,
    ServiceCode,
    ServiceRequest,
    ServiceResponse,
    parse_identification,
    parse_negotiated,
    refusal,
)
from meterkit.psem.state import SessionState, after, check
from meterkit.result import Err, Ok, Result
from meterkit.session.exchange import Exchange, close_line, open_line
from meterkit.transport.base import Transport

INITIAL_BAUD_RATE = 9600  # bits/s at which a C12.18 session begins
GOODBYE = 10.0  # s for Logoff and Terminate together when leaving; then the line is closed anyway
SETTLE = 1.0  # s beyond the channel traffic time-out before a dead session's meter listens again
WAIT_SHARE = 0.8  # of the seconds a Wait asked for: when to send the next
BEAT_SHARE = 2 / 3  # of the channel traffic time-out: how long to stay silent without a Wait
READ_OVERHEAD = 4  # octets of a read response around its data: code, count (2), checksum

_service = logging.getLogger("meterkit.service")

_LATER = (ResponseCode.DEVICE_BUSY, ResponseCode.DATA_NOT_READY)  # "ask again", says C12.18
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
            channel_traffic_timeout=options.channel_traffic_timeout,
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
        self._meter_listens_for = 0.0  # s after the last exchange; then it goes back to Base and 9600
        self._must_wait_out = False  # a session died: its meter still listens, at the negotiated rate
        self._is_establishing = False

    @property
    def is_connected(self) -> bool:
        """Whether the session is up, as far as anyone can know without asking the meter."""
        return self.exchange.lost is None and self.state is SessionState.SESSION

    @property
    def read_capacity(self) -> int:
        """The most table octets one read can bring back with what was negotiated."""
        return min(self.link.message_capacity - READ_OVERHEAD, 0xFFFF)

    async def call(self, request: ServiceRequest) -> Result[bytes]:
        """Perform one service and return the octets after the response code.

        Errors: STATE out of order (nothing was sent) or not connected; REFUSED or SECURITY with the
        meter's code; whatever broke the link.
        """
        if self.exchange.lost is not None:
            return Err(self.exchange.lost)
        if (misplaced := check(self.state, request.code)) is not None:
            return Err(misplaced.at(request.name))
        answer = await self.exchange(request.encode())
        if isinstance(answer, Err):
            return Err(answer.error.at(request.name))
        try:
            response = ServiceResponse.decode(answer.value)
        except ProtocolFault as odd:
            await self.lose(odd.error)
            return Err(odd.error.at(request.name))
        if _service.isEnabledFor(logging.DEBUG):
            _service.debug("%s: %s -> %s", self.transport.name, request.name, response.code.name)
        if response.code != ResponseCode.OK:
            return await self._refused(request, response)
        self.state = after(self.state, request.code)
        self._meter_listens_for = (
            request.payload[0] if request.code == ServiceCode.WAIT else self.link.channel_traffic_timeout
        )
        return Ok(response.data)

    async def _refused(self, request: ServiceRequest, response: ServiceResponse) -> Err:
        error = refusal(request, response.code)
        if (
            response.code == ResponseCode.INVALID_SERVICE_SEQUENCE_STATE
            and self.state is SessionState.SESSION
        ):
            await self.lose(error)  # the meter has left the session without a word
        return Err(error)

    async def lose(self, error: MeterError) -> None:
        """Give the session up: close the line; later calls return `error`."""
        await self.exchange.lose(error)

    async def establish(self, security: ServiceRequest | None) -> Result[Identification]:
        """Open the line, then Identify, Negotiate, Logon and `security`, if a password is to be shown.

        Errors: TRANSPORT no line; TIMEOUT or FRAMING no meter; SECURITY wrong password; REFUSED.
        """
        if self.is_connected or self._is_establishing:
            return Err(MeterError(ErrorKind.STATE, "already connected: disconnect() first"))
        self._is_establishing = True
        try:
            opened = await self._open()
            if isinstance(opened, Err):
                return opened
            greeted = await self._handshake(security)
        finally:
            self._is_establishing = False
        if isinstance(greeted, Err):
            await self.end()
            return greeted
        return greeted

    async def _open(self) -> Result[None]:
        if self.state is not SessionState.BASE:  # lost, and not ended since
            self._must_wait_out = True
            await close_line(self.transport)
        opened = await open_line(self.transport, self.options.open_attempts)
        if isinstance(opened, Err):
            return opened
        if self._must_wait_out:
            await self.exchange.until_idle(self._meter_listens_for + SETTLE)
            self._must_wait_out = False
        self.transport.discard()
        self.link.reset()
        self.state = SessionState.BASE
        self.identification = self.negotiated = None
        self._wait_is_refused = False
        self.exchange.begin()
        return Ok(None)

    async def _handshake(self, security: ServiceRequest | None) -> Result[Identification]:
        if self.options.wake_up:
            try:
                await self.transport.send(b"\x55")  # psem.md C3: shared optical ports sleep
            except ProtocolFault as broken:
                await self.lose(broken.error)
                return Err(broken.error)
            await self.exchange.pause(self.options.wake_up_delay)
        identified = await self._identify()
        if isinstance(identified, Err):
            return identified
        negotiated = await self._negotiate()
        if isinstance(negotiated, Err):
            return negotiated
        timed = await self._set_timing()
        if isinstance(timed, Err):
            return timed
        logged_on = await self.call(ServiceRequest.logon(self.options.user_id, self.options.user_name))
        if isinstance(logged_on, Err):
            return logged_on
        if security is not None:
            secured = await self.call(security)
            if isinstance(secured, Err):
                return secured
        return identified

    async def _identify(self) -> Result[Identification]:
        answer = await self.call(ServiceRequest.identify())
        if (
            isinstance(answer, Err)
            and answer.error.code == ResponseCode.INVALID_SERVICE_SEQUENCE_STATE
            and self.exchange.lost is None
        ):
            # Somebody's session still stands in the meter: end it, or wait until it times out.
            if isinstance(await self.call(ServiceRequest.terminate()), Err):
                await self.exchange.pause(self.options.channel_traffic_timeout + SETTLE)
            answer = await self.call(ServiceRequest.identify())
        if isinstance(answer, Err):
            return answer
        try:
            self.identification = parse_identification(answer.value)
        except ProtocolFault as odd:
            await self.lose(odd.error)
            return Err(odd.error)
        return Ok(self.identification)

    async def _negotiate(self) -> Result[None]:
        options = self.options
        rates = options.baud_rates
        if rates is None:
            rates = (self.transport.baud_rate or INITIAL_BAUD_RATE,)
        request = ServiceRequest.negotiate(options.packet_size, options.max_packets, rates)
        answer = await self.call(request)
        if isinstance(answer, Err):
            if answer.error.code == ResponseCode.SERVICE_NOT_SUPPORTED:
                return Ok(None)  # the standard's defaults hold: packets of 64 octets, one a message
            return answer
        try:
            negotiated = parse_negotiated(
                answer.value,
                packet_size=options.packet_size,
                max_packets=options.max_packets,
                baud_rates=rates,
            )
        except ProtocolFault as odd:
            await self.lose(odd.error)
            return Err(odd.error)
        self.link.configure(negotiated.packet_size, negotiated.max_packets)
        self.negotiated = negotiated
        return await self._switch(negotiated.baud_rate)

    async def _set_timing(self) -> Result[None]:
        """Tell the meter our time-outs, in whole seconds, and use those it answers (C12.21)."""
        if not self.options.timing_setup:
            return Ok(None)
        link = self.link
        request = ServiceRequest.timing_setup(
            min(ceil(link.channel_traffic_timeout), 255),
            min(ceil(link.intercharacter_timeout), 255),
            min(ceil(link.response_timeout), 255),
            link.retries,
        )
        answer = await self.call(request)
        if isinstance(answer, Err):
            return answer
        if len(answer.value) != 4 or 0 in answer.value[:3]:
            error = MeterError(
                ErrorKind.PROTOCOL,
                f"3 times in seconds and a count expected, {answer.value.hex(' ') or 'nothing'} came",
                where=request.name,
            )
            await self.lose(error)
            return Err(error)
        traffic, intercharacter, response, link.retries = answer.value
        link.channel_traffic_timeout = float(traffic)
        link.intercharacter_timeout, link.response_timeout = float(intercharacter), float(response)
        return Ok(None)

    async def _switch(self, baud_rate: int | None) -> Result[None]:
        if baud_rate is None or self.transport.baud_rate in (None, baud_rate):
            return Ok(None)
        try:
            await self.transport.set_baud_rate(baud_rate)
        except ProtocolFault as broken:
            await self.lose(broken.error)
            return Err(broken.error)
        return Ok(None)

    async def end(self) -> None:
        """Log off, terminate and close the line: shielded, in bounded time, never raising."""
        with anyio.move_on_after(GOODBYE, shield=True) as scope:
            if self.exchange.lost is None and self.state is SessionState.SESSION:
                await self.call(ServiceRequest.logoff())
            if self.exchange.lost is None and self.state is not SessionState.BASE:
                hang_up = self.options.hang_up
                await self.call(ServiceRequest.disconnect() if hang_up else ServiceRequest.terminate())
        if scope.cancelled_caught or self.state is not SessionState.BASE:
            self._must_wait_out = True  # the meter may still be in session, at the negotiated rate
        self.state = SessionState.BASE
        if self.exchange.lost is None:
            self.exchange.lost = _NO_SUCH_SESSION
        await close_line(self.transport)

    @property
    def beat_interval(self) -> float:
        """Seconds of silence after which the meter needs a sign of life."""
        return self.link.channel_traffic_timeout * BEAT_SHARE

    async def beat(self) -> float:
        """Tell the meter to keep listening; return for how many seconds it will, if nothing moves."""
        if not self._wait_is_refused:
            answer = await self.call(ServiceRequest.wait(self.options.keep_alive_wait))
            if isinstance(answer, Ok):
                return self.options.keep_alive_wait * WAIT_SHARE
            self._wait_is_refused = True
        if self.exchange.lost is None:
            # No Wait in this meter: any packet counts as traffic; table 0 is open to everybody.
            await self.call(ServiceRequest.read_offset(0, 0, 1))
        return self.beat_interval

    async def read(self, request: ServiceRequest) -> Result[bytes]:
        """Perform a reading service, again while the meter is busy, as `retry_busy` allows."""
        answer = await self.call(request)
        for _ in range(self.options.retry_busy):
            if answer.is_success or answer.error.code not in _LATER:
                break
            await self.exchange.pause(self.options.retry_busy_delay)
            answer = await self.call(request)
        return answer
