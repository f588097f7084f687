"""One client's session with the meter, service by service.  C12.18, layer 7, the meter's side.

Base --identify--> ID --logon--> Session --logoff--> ID        terminate, time-out: back to Base
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from meterkit.emulator import authentication
from meterkit.emulator.access import AccessLevel, EmulatorState
from meterkit.emulator.configuration import PASSWORD_SIZE
from meterkit.emulator.table_services import Refusal, TableServices
from meterkit.psem.codes import BAUD_CODES, BAUD_RATES, BaudCode, ResponseCode, ServiceCode, service_of
from meterkit.psem.packet import SMALLEST_PACKET_SIZE

if TYPE_CHECKING:
    from meterkit.emulator.meter import MeterEmulator
    from meterkit.emulator.procedures import RunningProcedure

_LOGON_SIZE = 2 + 10  # octets: user id, user name
_OK = bytes((ResponseCode.OK,))
_C1221_SERVICES = frozenset({ServiceCode.DISCONNECT, ServiceCode.AUTHENTICATE, ServiceCode.TIMING_SETUP})
_READS = frozenset(
    {ServiceCode.READ_FULL, ServiceCode.READ_INDEX, ServiceCode.READ_DEFAULT, ServiceCode.READ_OFFSET}
)
_WRITES = frozenset({ServiceCode.WRITE_FULL, ServiceCode.WRITE_INDEX, ServiceCode.WRITE_OFFSET})

#: Services allowed in each of the standard's states, Identify and those of any state apart.
_ANYWHERE = frozenset({ServiceCode.TERMINATE, ServiceCode.DISCONNECT})
_IN_BASE = _ANYWHERE | {ServiceCode.IDENTIFY}
_IN_ID = _ANYWHERE | {
    ServiceCode.NEGOTIATE,
    ServiceCode.TIMING_SETUP,
    ServiceCode.LOGON,
    ServiceCode.WAIT,
}
_IN_SESSION = (
    _ANYWHERE
    | _READS
    | _WRITES
    | {ServiceCode.SECURITY, ServiceCode.AUTHENTICATE, ServiceCode.WAIT, ServiceCode.LOGOFF}
)


class ServiceSession:
    """The meter's memory of one client: state, clearance, channel settings, last procedure."""

    def __init__(self, emulator: MeterEmulator, *, has_link: bool = True) -> None:
        self._emulator = emulator
        self._has_link = has_link
        self._tables = TableServices(emulator, self)
        self._handlers: dict[ServiceCode, Callable[[bytes], bytes]] = {
            ServiceCode.IDENTIFY: self._identify,
            ServiceCode.TERMINATE: self._terminate,
            ServiceCode.DISCONNECT: self._disconnect,
            ServiceCode.LOGON: self._logon,
            ServiceCode.SECURITY: self._security,
            ServiceCode.LOGOFF: self._logoff,
            ServiceCode.AUTHENTICATE: self._authenticate,
            ServiceCode.WAIT: self._wait,
            ServiceCode.TIMING_SETUP: self._timing_setup,
        }
        self.state = EmulatorState.IDLE
        self.access_level = AccessLevel.NO_ACCESS
        self.user_id: int | None = None  #: from Logon
        self.procedure: RunningProcedure | None = None  #: what table 8 answers this client
        self.wait: int | None = None  #: seconds that Wait asked for, until someone takes it
        self.channel = emulator.default_channel
        self.is_hung_up = False  #: Disconnect was served: drop the carrier
        self._ticket = b""
        self._after_delivery: Callable[[], None] | None = None

    @property
    def capacity(self) -> int | None:
        """Octets a response may have; None: any number, there is no data link."""
        return self.channel.capacity if self._has_link else None

    def to_base(self) -> None:
        """End the session: Terminate, a time-out, a lost line."""
        self.state = EmulatorState.IDLE
        self.access_level = AccessLevel.NO_ACCESS
        self.user_id = None
        self.procedure = None
        self.wait = None
        self.channel = self._emulator.default_channel
        self._after_delivery = None

    def delivered(self) -> None:
        """Take the news that the client has the response: what it agreed to takes effect now."""
        effect, self._after_delivery = self._after_delivery, None
        if effect is not None:
            effect()

    def process(self, request: bytes) -> bytes:
        """Return the response to one request; never raises, whatever the octets are."""
        self._after_delivery = None
        try:
            return self._serve(request)
        except Refusal as refusal:
            return bytes((refusal.code,))

    def _serve(self, request: bytes) -> bytes:
        if not request:
            raise Refusal(ResponseCode.ERROR)
        self._emulator.user_id = self.user_id
        self._emulator.tick()
        code, payload = request[0], request[1:]
        service = service_of(code)
        if service is None or not self._is_supported(service):
            raise Refusal(ResponseCode.SERVICE_NOT_SUPPORTED)
        if service not in self._allowed():
            raise Refusal(ResponseCode.INVALID_SERVICE_SEQUENCE_STATE)
        if (ordered := self._emulator.faults.refused_services.get(service.name)) is not None:
            raise Refusal(ResponseCode[ordered])
        if service in _READS:
            response = self._tables.read(code, payload)
            self._emulator.count_exchange()
            return response
        if service in _WRITES:
            return self._tables.write(code, payload)
        if service is ServiceCode.NEGOTIATE:
            return self._negotiate(code - ServiceCode.NEGOTIATE, payload)
        return self._handlers[service](payload)

    def _is_supported(self, service: ServiceCode) -> bool:
        configuration = self._emulator.configuration
        if service.name in configuration.unsupported_services:
            return False
        if service in (ServiceCode.READ_INDEX, ServiceCode.WRITE_INDEX):
            return configuration.index_access
        if service is ServiceCode.READ_DEFAULT:
            return configuration.default_table is not None
        if service is ServiceCode.AUTHENTICATE and configuration.authentication_key is None:
            return False
        return configuration.standard == "C12.21" or service not in _C1221_SERVICES

    def _allowed(self) -> frozenset[ServiceCode]:
        if self.state is EmulatorState.IDLE:
            return _IN_BASE
        allowed = _IN_SESSION if self.state.is_session else _IN_ID
        # The standard answers isss to Identify outside Base; most meters take it for a new start.
        return allowed | {ServiceCode.IDENTIFY} if self._emulator.configuration.identify_restarts else allowed

    # ---------------------------------------------------------------- opening and closing
    def _identify(self, payload: bytes) -> bytes:
        _expect_size(payload, 0)
        baud_rate = self.channel.baud_rate  # the client was understood at this speed
        self.to_base()
        self.channel = replace(self._emulator.default_channel, baud_rate=baud_rate)
        self.state = EmulatorState.IDENTIFIED
        is_c1221 = self._emulator.configuration.standard == "C12.21"
        features = b""
        if is_c1221 and self._emulator.configuration.authentication_key is not None:
            self._ticket = self._emulator.new_ticket()
            features = authentication.identify_feature(self._ticket)
        return _OK + (b"\x02\x01\x00" if is_c1221 else b"\x00\x01\x00") + features + b"\x00"

    def _terminate(self, payload: bytes) -> bytes:
        _expect_size(payload, 0)
        self.state = EmulatorState.IDLE
        self.access_level = AccessLevel.NO_ACCESS
        self._after_delivery = self.to_base  # the channel keeps its settings until the ACK
        return _OK

    def _disconnect(self, payload: bytes) -> bytes:
        response = self._terminate(payload)

        def hang_up() -> None:
            self.to_base()
            self.is_hung_up = True

        self._after_delivery = hang_up
        return response

    def _logon(self, payload: bytes) -> bytes:
        _expect_size(payload, _LOGON_SIZE)
        self.user_id = int.from_bytes(payload[:2], "big")
        self.state = EmulatorState.LOGGED_ON
        return _OK

    def _logoff(self, payload: bytes) -> bytes:
        _expect_size(payload, 0)
        self.state = EmulatorState.IDENTIFIED
        self.access_level = AccessLevel.NO_ACCESS
        self.user_id = None
        return _OK

    # ---------------------------------------------------------------- clearance
    def _security(self, payload: bytes) -> bytes:
        _expect_size(payload, PASSWORD_SIZE)
        level = self._emulator.level_of(payload)
        self.access_level = level
        if level is AccessLevel.NO_ACCESS:
            self.state = EmulatorState.LOGGED_ON
            if self._emulator.configuration.wrong_key_response == "isc":
                raise Refusal(ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE)
            raise Refusal(ResponseCode.ERROR)
        self.state = EmulatorState.AUTHENTICATED
        return _OK

    def _authenticate(self, payload: bytes) -> bytes:
        key = self._emulator.configuration.authentication_key
        if key is None or not payload or payload[0] != len(payload) - 1:
            raise Refusal(ResponseCode.ERROR)
        answer = authentication.answer(key.get_secret_value(), self._ticket, payload[1:])
        if answer is None:
            raise Refusal(ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE)
        self.state = EmulatorState.AUTHENTICATED
        self.access_level = AccessLevel.MASTER
        return _OK + bytes((len(answer),)) + answer

    # ---------------------------------------------------------------- the channel
    def _negotiate(self, nbr_bauds: int, payload: bytes) -> bytes:
        _expect_size(payload, 3 + nbr_bauds)
        packet_size, max_packets = int.from_bytes(payload[:2], "big"), payload[2]
        if packet_size < SMALLEST_PACKET_SIZE or not max_packets:
            raise Refusal(ResponseCode.ERROR)
        configuration = self._emulator.configuration
        offered = {BAUD_RATES[code] for code in payload[3:] if code in BAUD_RATES}
        common = offered.intersection(configuration.baud_rates)
        agreed = replace(
            self.channel,
            packet_size=min(packet_size, configuration.packet_size),
            max_packets=min(max_packets, configuration.max_packets),
            baud_rate=max(common, default=self.channel.baud_rate),
        )
        self.state = EmulatorState.NEGOTIATED
        self._after_delivery = lambda: setattr(self, "channel", agreed)
        baud_code = BAUD_CODES.get(agreed.baud_rate, BaudCode.EXTERNAL)
        return _OK + agreed.packet_size.to_bytes(2, "big") + bytes((agreed.max_packets, baud_code))

    def _wait(self, payload: bytes) -> bytes:
        _expect_size(payload, 1)
        self.wait = payload[0]
        return _OK

    def _timing_setup(self, payload: bytes) -> bytes:
        _expect_size(payload, 4)
        if not all(payload[:3]):
            raise Refusal(ResponseCode.ERROR)
        traffic, intercharacter, response, retries = payload
        agreed = replace(
            self.channel,
            channel_traffic_timeout=float(traffic),
            intercharacter_timeout=float(intercharacter),
            response_timeout=float(response),
            retries=retries,
        )
        self._after_delivery = lambda: setattr(self, "channel", agreed)
        return _OK + payload


def _expect_size(payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise Refusal(ResponseCode.ERROR)
