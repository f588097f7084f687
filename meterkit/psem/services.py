"""PSEM services: requests and responses as octets.  Source: C12.18-1996, C12.18-2006, C12.21.

    request:  code | parameters        response:  code (0 is OK) | data

Multi-octet integers of the services are most significant octet first, whatever order the tables use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, Self

from meterkit import arguments
from meterkit.errors import ErrorKind, fault
from meterkit.psem.codes import (
    BAUD_CODES,
    BAUD_RATES,
    MAX_BAUD_RATES,
    MAX_INDICES,
    BaudCode,
    ResponseCode,
    ServiceCode,
    service_of,
)
from meterkit.psem.identification import Feature, Identification, parse_identification
from meterkit.psem.packet import LARGEST_MAX_PACKETS, LARGEST_PACKET_SIZE, SMALLEST_PACKET_SIZE
from meterkit.psem.tables.names import table_name

__all__ = [
    "BAUD_CODES",
    "Feature",
    "Identification",
    "Negotiated",
    "ResponseCode",
    "ServiceCode",
    "ServiceRequest",
    "ServiceResponse",
    "checksum",
    "parse_identification",
    "parse_negotiated",
    "parse_table_data",
    "service_of",
    "table_name",
]

PASSWORD_SIZE: Final = 20  # octets of a Security request
USER_NAME_SIZE: Final = 10  # octets of a Logon request
_RESPONSE_CODES: Final = {code: ResponseCode(code) for code in range(0x20)}
_REMEMBERED: Final = 1024  # requests of a kind
_PADDING: Final = {"nul": b"\0", "space": b" "}


def checksum(data: bytes) -> int:
    """Return the octet that makes the sum of `data` and itself 0 modulo 256.  Source: C12.18."""
    return -sum(data) & 0xFF


def _uint(name: str, value: int, size: int) -> bytes:
    return arguments.whole(name, value, 0, (1 << 8 * size) - 1).to_bytes(size, "big")


def _written(data: bytes) -> bytes:
    data = arguments.octets("data", data)
    return _uint("octets to write", len(data), 2) + data + bytes([checksum(data)])


@dataclass(frozen=True, slots=True, repr=False)
class ServiceRequest:
    """One request: the service's code and its parameters as octets.  Its repr shows no parameters."""

    code: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """Return the request's octets."""
        return bytes([self.code]) + self.payload

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return the request that `octets` are; its parameters are not looked at.

        Errors: ProtocolFault PROTOCOL when empty or a response (below 0x20).
        """
        if not octets or octets[0] < ServiceCode.IDENTIFY:
            raise fault(
                ErrorKind.PROTOCOL, f"a request begins with 20 to ff, not {octets[:1].hex() or 'nothing'}"
            )
        return cls(octets[0], octets[1:])

    @property
    def table_id(self) -> int | None:
        """The table a read or write is about, else None."""
        service = service_of(self.code)
        if service is None or not ServiceCode.READ_FULL <= service <= ServiceCode.WRITE_OFFSET:
            return None
        return int.from_bytes(self.payload[:2], "big") if len(self.payload) >= 2 else None

    @property
    def name(self) -> str:
        """The request as a person would say it: "read MT64 offset 1482 count 64"; never a secret."""
        return _name(self)

    def __repr__(self) -> str:
        return f"<ServiceRequest {self.name}>"

    @classmethod
    def identify(cls) -> Self:
        """Ask which standard the meter speaks; begins every session."""
        return cls(ServiceCode.IDENTIFY)

    @classmethod
    def terminate(cls) -> Self:
        """End the session at once; the channel goes back to its defaults."""
        return cls(ServiceCode.TERMINATE)

    @classmethod
    def disconnect(cls) -> Self:
        """Have a modem drop its carrier.  Source: C12.21."""
        return cls(ServiceCode.DISCONNECT)

    @classmethod
    def logon(cls, user_id: int, user_name: str) -> Self:
        """Begin a session as `user_id` (0..65535) and `user_name` (at most 10 ASCII characters).

        The name is filled up with spaces, as termineter does.  Meters only log both.
        Raises: ValueError.
        """
        if not user_name.isascii() or len(user_name) > USER_NAME_SIZE:
            raise ValueError(f"user_name {user_name!r}: at most {USER_NAME_SIZE} ASCII characters expected")
        return cls(ServiceCode.LOGON, _uint("user_id", user_id, 2) + user_name.encode().ljust(USER_NAME_SIZE))

    @classmethod
    def security(cls, password: bytes, padding: Literal["nul", "space"] = "nul") -> Self:
        """Present a password of at most 20 octets, filled up with `padding`: meters differ in it.

        Raises: ValueError, which does not show the password.
        """
        password = arguments.octets("password", password)
        if len(password) > PASSWORD_SIZE:
            raise ValueError(f"the password has {len(password)} octets; at most {PASSWORD_SIZE} are possible")
        if padding not in _PADDING:
            raise ValueError(f"padding {padding!r}: 'nul' or 'space' expected")
        return cls(ServiceCode.SECURITY, password.ljust(PASSWORD_SIZE, _PADDING[padding]))

    @classmethod
    def logoff(cls) -> Self:
        """End the session but keep the channel's settings."""
        return cls(ServiceCode.LOGOFF)

    @classmethod
    def authenticate(cls, request: bytes) -> Self:
        """Answer the meter's ticket: `request` is key id and encrypted ticket, 1..255 octets.  C12.21."""
        return cls(ServiceCode.AUTHENTICATE, _uint("octets of the request", len(request), 1) + request)

    @classmethod
    def negotiate(cls, packet_size: int, max_packets: int, bauds: Sequence[int] = ()) -> Self:
        """Ask for packets of `packet_size` octets (64..8192), `max_packets` (1..255) a message.

        `bauds`: at most 11 speeds offered, in bits per second.  None offered: the speed stays.
        Raises: ValueError.
        """
        if not SMALLEST_PACKET_SIZE <= packet_size <= LARGEST_PACKET_SIZE:
            raise ValueError(f"packet_size {packet_size}: 64 to 8192 octets expected")
        if not 1 <= max_packets <= LARGEST_MAX_PACKETS:
            raise ValueError(f"max_packets {max_packets}: 1 to 255 expected")
        unknown = [rate for rate in bauds if rate not in BAUD_CODES]
        if unknown or len(bauds) > MAX_BAUD_RATES:
            raise ValueError(f"bauds {tuple(bauds)}: at most 11 of {sorted(BAUD_CODES)} expected")
        codes = bytes(BAUD_CODES[rate] for rate in bauds)
        parameters = packet_size.to_bytes(2, "big") + bytes([max_packets]) + codes
        return cls(ServiceCode.NEGOTIATE + len(bauds), parameters)

    @classmethod
    def wait(cls, seconds: int) -> Self:
        """Ask the meter to bear `seconds` (0..255) of silence, once, counted from the answer."""
        return cls(ServiceCode.WAIT, _uint("seconds", seconds, 1))

    @classmethod
    def timing_setup(
        cls, channel_traffic_timeout: int, intercharacter_timeout: int, response_timeout: int, retries: int
    ) -> Self:
        """Set the meter's time-outs, in whole seconds (0..255), and its retries.  Source: C12.21."""
        values = (channel_traffic_timeout, intercharacter_timeout, response_timeout, retries)
        return cls(ServiceCode.TIMING_SETUP, b"".join(_uint("timing value", value, 1) for value in values))

    @classmethod
    def read_full(cls, table_id: int) -> Self:
        """Read a whole table."""
        return cls(ServiceCode.READ_FULL, arguments.whole("table_id", table_id, 0, 0xFFFF).to_bytes(2, "big"))

    @classmethod
    def read_default(cls) -> Self:
        """Read the table the meter considers its default."""
        return cls(ServiceCode.READ_DEFAULT)

    @classmethod
    def read_offset(cls, table_id: int, offset: int, count: int) -> Self:
        """Read `count` octets (0..65535) of a table from octet `offset` (24 bits)."""
        table_id = arguments.whole("table_id", table_id, 0, 0xFFFF)
        offset = arguments.whole("offset", offset, 0, 0xFFFFFF)
        count = arguments.whole("count", count, 0, 0xFFFF)
        return cls(ServiceCode.READ_OFFSET, (table_id << 40 | offset << 16 | count).to_bytes(7, "big"))

    @classmethod
    def read_index(cls, table_id: int, indices: Sequence[int], count: int = 1) -> Self:
        """Read from the element that 1 to 9 `indices` lead to.

        `count`: elements; of octets in meters that follow C12.18-1996.
        """
        where = _uint("table_id", table_id, 2) + _indices(indices)
        return cls(ServiceCode.READ_INDEX + len(indices) - 1, where + _uint("count", count, 2))

    @classmethod
    def write_full(cls, table_id: int, data: bytes) -> Self:
        """Write a whole table, at most 65535 octets."""
        return cls(ServiceCode.WRITE_FULL, _uint("table_id", table_id, 2) + _written(data))

    @classmethod
    def write_offset(cls, table_id: int, offset: int, data: bytes) -> Self:
        """Write `data` into a table at octet `offset` (24 bits)."""
        where = _uint("table_id", table_id, 2) + _uint("offset", offset, 3)
        return cls(ServiceCode.WRITE_OFFSET, where + _written(data))

    @classmethod
    def write_index(cls, table_id: int, indices: Sequence[int], data: bytes) -> Self:
        """Write `data` from the element on that 1 to 9 `indices` lead to."""
        where = _uint("table_id", table_id, 2) + _indices(indices)
        return cls(ServiceCode.WRITE_INDEX + len(indices) - 1, where + _written(data))


# What the meters of a fleet are asked for alike, made once.  The arguments have to be whole numbers:
# as keys 1, 1.0 and True are one.
full_read = lru_cache(_REMEMBERED)(ServiceRequest.read_full)
offset_read = lru_cache(_REMEMBERED)(ServiceRequest.read_offset)


def _indices(indices: Sequence[int]) -> bytes:
    if not isinstance(indices, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"indices {indices!r}: 1 to {MAX_INDICES} whole numbers expected, in a list or tuple")
    if not 1 <= len(indices) <= MAX_INDICES:
        raise ValueError(f"{len(indices)} indices: 1 to {MAX_INDICES} expected")
    return b"".join(_uint("index", index, 2) for index in indices)


def _name(request: ServiceRequest) -> str:
    service = service_of(request.code)
    if service is None:
        return f"service 0x{request.code:02X}"
    octets, word = request.payload, service.name.lower().replace("_", " ")
    if request.table_id is not None:
        return f"{word.split()[0]} {table_name(request.table_id)}{_range_name(request, service)}"
    match service:
        case ServiceCode.NEGOTIATE if len(octets) >= 3:
            return f"{word} {int.from_bytes(octets[:2], 'big')} octets x {octets[2]}"
        case ServiceCode.LOGON if len(octets) >= 2:
            return f"{word} user {int.from_bytes(octets[:2], 'big')}"
        case ServiceCode.WAIT if octets:
            return f"{word} {octets[0]} s"
        case _:
            return word


def _range_name(request: ServiceRequest, service: ServiceCode) -> str:
    octets, at = request.payload, 2
    where = ""
    if service in (ServiceCode.READ_OFFSET, ServiceCode.WRITE_OFFSET):
        where, at = f" offset {int.from_bytes(octets[2:5], 'big')}", 5
    elif service in (ServiceCode.READ_INDEX, ServiceCode.WRITE_INDEX):
        end = at + 2 * (request.code - service + 1)
        numbers = [str(int.from_bytes(octets[i : i + 2], "big")) for i in range(at, end, 2)]
        where, at = f" index {'.'.join(numbers)}", end
    if len(octets) < at + 2:
        return where
    return f"{where} count {int.from_bytes(octets[at : at + 2], 'big')}"


@dataclass(frozen=True, slots=True, repr=False)
class ServiceResponse:
    """One response: the meter's code and what follows it.  Its repr shows how much, not what."""

    code: ResponseCode
    data: bytes = b""

    def encode(self) -> bytes:
        """Return the response's octets."""
        return bytes([self.code]) + self.data

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return the response that `octets` are.

        Errors: ProtocolFault PROTOCOL when empty, or when the first octet is a request's (above 0x1F).
        """
        try:
            return cls(_RESPONSE_CODES[octets[0]], octets[1:])
        except (IndexError, KeyError):
            # Not the rest: a line that sends our request back would have it show a password.
            came = f"{octets[:1].hex()} came, {len(octets)} octets in all" if octets else "nothing came"
            raise fault(ErrorKind.PROTOCOL, f"a response begins with 00 to 1f; {came}") from None

    @property
    def is_ok(self) -> bool:
        """Whether the meter did what it was asked."""
        return self.code == ResponseCode.OK

    def __repr__(self) -> str:
        return f"<ServiceResponse {self.code.name}, {len(self.data)} octets>"


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What meter and client will use from the next exchange on."""

    packet_size: int  #: octets, framing included
    max_packets: int  #: packets a message may span
    baud_rate: int | None  #: bits per second; None keeps the speed


def parse_negotiated(
    data: bytes, *, packet_size: int, max_packets: int, baud_rates: Sequence[int] = ()
) -> Negotiated:
    """Return what a Negotiate response says; the keywords are what was asked for.

    A missing baud octet is tolerated.  Without rates asked for the octet some meters send all the
    same means nothing, and `baud_rate` is None; so it is for code 0, a speed set by other means.
    A known rate that was not offered is the one the meter stays at.

    Errors: ProtocolFault PROTOCOL for wrong lengths, more than was asked for, sizes out of C12.18's
    range, or a baud code that it does not define.
    """
    if len(data) not in (3, 4):
        raise fault(
            ErrorKind.PROTOCOL, f"negotiate: 3 or 4 octets expected, {len(data)} came: {data[:16].hex(' ')}"
        )
    size, packets = int.from_bytes(data[:2], "big"), data[2]
    if not SMALLEST_PACKET_SIZE <= size <= packet_size:
        limits = f"{SMALLEST_PACKET_SIZE} to {packet_size} were possible"
        raise fault(ErrorKind.PROTOCOL, f"negotiate: the meter chose packets of {size} octets; {limits}")
    if not 1 <= packets <= max_packets:
        limits = f"1 to {max_packets} were possible"
        raise fault(ErrorKind.PROTOCOL, f"negotiate: the meter chose {packets} packets a message; {limits}")
    if len(data) == 3 or not baud_rates or data[3] == BaudCode.EXTERNAL:
        return Negotiated(size, packets, None)
    if data[3] not in BAUD_RATES:
        raise fault(
            ErrorKind.PROTOCOL,
            f"negotiate: baud code {data[3]:02x} is not defined; 01 to 0e are (C12.18-2006)",
        )
    return Negotiated(size, packets, BAUD_RATES[data[3]])


def parse_table_data(data: bytes) -> bytes:
    """Return the table octets of a read response: count and checksum taken off and verified.

    Errors: ProtocolFault PROTOCOL when either does not fit.
    """
    size = len(data)
    if size < 3 or size != (data[0] << 8 | data[1]) + 3:
        count = int.from_bytes(data[:2], "big")
        raise fault(
            ErrorKind.PROTOCOL,
            f"read response: count {data[:2].hex(' ')} asks for {count + 3} octets with checksum, "
            f"{len(data)} came",
        )
    octets = data[2:-1]
    if (sum(octets) + data[-1]) & 0xFF:
        raise fault(
            ErrorKind.PROTOCOL,
            f"read response: checksum {data[-1]:02x} came where {checksum(octets):02x} fits "
            f"{size - 3} octets; read again, and if it stays so, suspect the meter's memory or firmware",
        )
    return octets
