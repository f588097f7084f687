"""What a user can set: pydantic models, checked at the door and never below it.

Times are seconds.  A secret shows in no repr and no error, and no URL may carry one.
"""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    field_validator,
    model_validator,
)

from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.security.control import Security
from meterkit.dlms.security.counters import CounterStore
from meterkit.dlms.security.keys import private_key_of, public_key_of
from meterkit.dlms.security.policy import check_strength
from meterkit.dlms.security.suites import SYSTEM_TITLE_SIZE, SecuritySuite
from meterkit.errors import ProtocolFault
from meterkit.psem.codes import BAUD_CODES

Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
Delay = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]
_UNPUBLISHED = ("baud_rate", "parity", "stop_bits")  # what nobody has told of the EM1000's port


class Options(BaseModel):
    """Base of all options: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TcpOptions(Options):
    """Where a meter, modem or serial converter listens."""

    host: Annotated[str, Field(min_length=1)]  #: IPv4, IPv6 or host name
    port: Annotated[int, Field(ge=1, le=65535)] = 1153  #: IANA's port for C12.22, also used for C12.18
    connect_timeout: Seconds = 10.0
    is_noisy: bool = False  #: a serial converter is at the far end: skip stray octets
    echo: bool = False  #: the far end sends our own octets back (optical probe behind a converter)


class UdpOptions(Options):
    """Where a meter takes datagrams: one application PDU each, behind a WRAPPER header."""

    host: Annotated[str, Field(min_length=1)]  #: IPv4, IPv6 or host name
    port: Annotated[int, Field(ge=1, le=65535)] = 4059  #: IANA's port for DLMS/COSEM


class SerialOptions(Options):
    """A serial port with an optical probe or RS-232/485 converter on it."""

    port: Annotated[str, Field(min_length=1)]  #: such as /dev/ttyUSB0 or COM3
    baud_rate: Annotated[int, Field(ge=50, le=4_000_000)] = 9600  #: C12.18 sessions begin at 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    rts: bool | None = None  #: level to set after opening; many probes draw power from RTS or DTR
    dtr: bool | None = None
    #: "serialx" needs the extra of that name; then `port` may also be rfc2217://HOST:PORT.
    backend: Literal["pyserial", "serialx"] = "pyserial"
    exclusive: bool = True  #: refuse a port that another process holds
    echo: bool = False  #: the probe sends our own octets back: drop exactly those


class Em1000SerialOptions(SerialOptions):
    """A serial port with an EM1000's optical head on it: speed, parity and stop bits have no default.

    Source: docs/em1000.md; eight data bits are certain, since octets of 0x80 and more occur.
    """

    # Without the defaults of SerialOptions: that is what this class is for.
    baud_rate: Annotated[int, Field(ge=50, le=4_000_000)]  # pyright: ignore[reportGeneralTypeIssues]
    parity: Literal["N", "E", "O"]  # pyright: ignore[reportGeneralTypeIssues]
    stop_bits: Literal[1, 2]  # pyright: ignore[reportGeneralTypeIssues]

    @model_validator(mode="before")
    @classmethod
    def _says_how_fast(cls, values: object) -> object:
        given: object = values
        names = set(cast("dict[str, object]", given)) if isinstance(given, dict) else set(_UNPUBLISHED)
        if missing := [name for name in _UNPUBLISHED if name not in names]:
            raise ValueError(
                f"{', '.join(missing)} must be given: nobody has published an EM1000's speed, parity and "
                "stop bits, so there is no default; use what the meter's own software sets"
            )
        return values

    @field_validator("data_bits")
    @classmethod
    def _has_eight(cls, value: int) -> int:
        if value != 8:
            raise ValueError("an EM1000 talks with 8 data bits: octets of 0x80 and more were seen")
        return value


class Em1000Options(Options):
    """How to talk to an EM1000.  The times are our own choice: nobody has published the meter's.

    Nothing is ever sent twice, so there are no retries to set.
    """

    echo: bool = False  #: the head sends our own frames back: drop exactly those
    response_timeout: Seconds = 2.0  #: for the first octet of an answer, and again after noise
    idle_gap: Seconds = 0.5  #: of silence, after which a frame that is not whole is given up
    exchange_timeout: Seconds = 30.0  #: for one request with its answer, however slow and noisy
    open_attempts: Annotated[int, Field(ge=1, le=20)] = 1  #: tries to open the line, with backoff


class PsemClientOptions(Options):
    """How to talk PSEM.  The defaults are C12.18's; a C12.21 modem wants 30, 1 and 4 s.

    Source: C12.18-1996 and 2006; OSGP guide, "Security and Keys" for user id and name.
    """

    user_id: Annotated[int, Field(ge=0, le=0xFFFF)] = 2  #: Logon; meters only write it into their log
    user_name: str = "meterkit"  #: Logon; at most 10 octets of ASCII
    identity: Annotated[int, Field(ge=0, le=255)] = 0  #: device on a multi-drop line (C12.21)
    packet_size: Annotated[int, Field(ge=64, le=8192)] = 1024  #: octets asked for, framing included
    max_packets: Annotated[int, Field(ge=1, le=255)] = 16  #: packets a message may span
    #: Rates offered in Negotiate, 0 to 11 of them; None offers the one in use, as most readers do.
    baud_rates: Annotated[tuple[int, ...] | None, Field(max_length=11)] = None
    password_padding: Literal["nul", "space"] = "nul"  #: what fills the 20 octets
    retries: Annotated[int, Field(ge=0, le=20)] = 3  #: identical retransmissions of one packet
    response_timeout: Seconds = 2.0  #: for the ACK
    intercharacter_timeout: Seconds = 0.5
    channel_traffic_timeout: Seconds = 6.0  #: without traffic, after which the meter hangs up
    answer_timeout: Seconds = 6.0  #: for the answer after the ACK; some procedures take 20
    exchange_timeout: Seconds = 120.0  #: for one request with its whole answer, however slow
    turnaround_delay: Delay = 0.0  #: before we answer a frame; slow UARTs need 0.01 to 0.06
    timing_setup: bool = False  #: C12.21: tell the meter these time-outs, and use what it answers
    hang_up: bool = False  #: C12.21: end with Disconnect, so that a modem drops its carrier
    wake_up: bool = False  #: send 0x55 and wait before Identify (shared optical ports)
    wake_up_delay: Delay = 0.05
    keep_alive: bool = True
    keep_alive_wait: Annotated[int, Field(ge=10, le=255)] = 75  #: s asked for: one exchange a minute
    retry_busy: Annotated[int, Field(ge=0, le=100)] = 0  #: repeats of a read answered busy or not ready
    retry_busy_delay: Delay = 2.0
    procedure_polls: Annotated[int, Field(ge=1, le=1000)] = 20
    procedure_poll_interval: Delay = 0.5
    unknown_table_cap: Annotated[int, Field(ge=1, le=0x100000)] = 65536  #: octets, size unknown
    open_attempts: Annotated[int, Field(ge=1, le=20)] = 1  #: tries to open the line, with backoff

    @field_validator("user_name")
    @classmethod
    def _fits_logon(cls, value: str) -> str:
        if not value.isascii() or len(value) > 10:
            raise ValueError("Logon carries at most 10 ASCII characters")
        return value

    @field_validator("baud_rates")
    @classmethod
    def _has_code(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        for rate in value or ():
            if rate not in BAUD_CODES:
                known = ", ".join(str(rate) for rate in sorted(BAUD_CODES))
                raise ValueError(f"C12.18 has no code for {rate} baud; it knows {known}")
        return value


def _security(value: object) -> object:
    """Let text name what is wanted: "authentication_encryption"."""
    if isinstance(value, str):
        name = value.strip().upper().replace("-", "_")
        if name not in Security.__members__:
            raise ValueError(f"one of {', '.join(Security.__members__).lower()} expected")
        return Security[name]
    return value


def _title(value: object) -> object:
    """Return a system title; text is 16 hexadecimal digits, or 8 characters."""
    if isinstance(value, str):
        try:
            value = bytes.fromhex(value) if len(value) == 2 * SYSTEM_TITLE_SIZE else value.encode("ascii")
        except ValueError:
            raise ValueError("a system title is 16 hexadecimal digits, or 8 characters of ASCII") from None
    if isinstance(value, bytes) and len(value) != SYSTEM_TITLE_SIZE:
        raise ValueError(f"a system title has {SYSTEM_TITLE_SIZE} octets, not {len(value)}")
    return value


def _counter_store(value: object) -> object:
    if value is not None and not all(hasattr(value, name) for name in _STORE_METHODS):
        raise ValueError(f"a CounterStore, such as SqliteCounterStore, expected, not {type(value).__name__}")
    return value


Secret = Annotated[bytes | None, Field(repr=False)]
_HIGH = AuthenticationMechanism.HIGH_LEVEL_SECURITY
_STORE_METHODS = ("reserve", "raise_to", "received", "note_received")
_SYMMETRIC_KEYS = (
    "encryption_key",
    "authentication_key",
    "broadcast_key",
    "other_encryption_key",
    "other_authentication_key",
)


class DlmsClientOptions(Options):
    """How to talk DLMS/COSEM: who we are, who the meter is, and what is asked for in its association.

    Source: IEC 62056-46 and -47 for addresses and links, IEC 62056-53 for the association.
    """

    client_address: Annotated[int, Field(ge=0, le=0xFFFF)] = 16  #: client SAP; 16 is the public client
    server_address: Annotated[int, Field(ge=0, le=0xFFFF)] = 1  #: logical device; 1 is the management one
    server_physical_address: Annotated[int | None, Field(ge=0, le=0x3FFF)] = None  #: HDLC, several on a line
    server_address_size: Literal[1, 2, 4] | None = None  #: HDLC octets; None: as few as hold the address
    serial_number: Annotated[int | None, Field(ge=0)] = None  #: HDLC: gives the physical address instead
    interface: Literal["wrapper", "hdlc"] = "wrapper"
    authentication: AuthenticationMechanism = AuthenticationMechanism.NONE
    #: Of LOW_LEVEL_SECURITY; the secret of HIGH_LEVEL_SECURITY, _MD5, _SHA1 and _SHA256.
    password: Secret = None
    #: Put on what we send and demanded of what comes back; anything weaker is an error.
    security: Annotated[Security, BeforeValidator(_security)] = Security.NONE
    suite: SecuritySuite = SecuritySuite.SUITE_0
    #: Ours, 8 octets, or 16 hexadecimal digits as text.
    system_title: Annotated[bytes | None, BeforeValidator(_title)] = None
    #: The meter's, if it is known: no other is then believed.
    server_system_title: Annotated[bytes | None, BeforeValidator(_title)] = None
    encryption_key: Secret = None  #: global unicast; 16 octets, 32 in suite 2
    authentication_key: Secret = None
    broadcast_key: Secret = None  #: for what the meter pushes with it
    #: While keys are being changed: tried where the meter doesn't understand the other two.
    other_encryption_key: Secret = None
    other_authentication_key: Secret = None
    dedicated_key: bool = False  #: make a key for this association alone, and use it for its services
    envelope: Literal["service", "general"] = "service"  #: "general": general-glo-ciphering, where granted
    signing_key: Secret = None  #: of ECDSA: our private key, a number of 32 or 48 octets
    server_signing_key: Annotated[bytes | None, Field(repr=False)] = None  #: the meter's public one: x | y
    allow_weak: bool = False  #: let a mechanism that listeners defeat stand beside ciphering
    challenge_length: Annotated[int, Field(ge=8, le=64)] = 16  #: octets; meters are known that fail on more
    #: Object with the meter's count of our messages, such as 0.0.43.1.0.255: read first, as this client.
    counter_object: str | None = None
    counter_client_address: Annotated[int, Field(ge=0, le=0xFFFF)] = 16
    #: Where invocation counters outlast the program; None: the file meterkit/counters.db of this user.
    counters: Annotated[CounterStore | None, PlainValidator(_counter_store), Field(repr=False)] = None
    referencing: Literal["logical_name", "short_name"] = "logical_name"
    #: Services asked for; the meter grants some of them.  None: all that this client knows.
    conformance: Conformance | None = None
    max_pdu: Annotated[int, Field(ge=0, le=0xFFFF)] = 0xFFFF  #: octets we take in one PDU; 0: any number
    max_response_size: Annotated[int, Field(ge=1024, le=1 << 30)] = 1 << 24  #: octets in all blocks together
    list_limit: Annotated[int, Field(ge=1, le=255)] = 16  #: attributes asked for in one list
    high_priority: bool = True  #: in the invoke-id-and-priority octet
    release: bool = True  #: end with RLRQ; some meters want none
    hdlc_max_info: Annotated[int, Field(ge=16, le=2030)] = 128  #: octets proposed for an information field
    hdlc_window: Annotated[int, Field(ge=1, le=7)] = 1  #: frames proposed before an acknowledgement
    hdlc_propose: bool = True  #: False sends SNRM without parameters, for meters that choke on them
    retries: Annotated[int, Field(ge=0, le=20)] = 3  #: HDLC: repeats of one frame
    response_timeout: Seconds = 5.0  #: for the first octet of an answer
    interoctet_timeout: Seconds = 1.0  #: within a frame
    exchange_timeout: Seconds = 120.0  #: for an answer, or for each block of a long one
    turnaround_delay: Delay = 0.0  #: before we answer a frame
    mode_e: bool = False  #: begin with the IEC 62056-21 sign-on at 300 baud
    mode_e_address: Annotated[str, Field(max_length=32)] = ""  #: device address of the sign-on
    baud_switch: bool = True  #: False: the converter keeps its speed after the sign-on
    keep_alive: bool = True  #: HDLC: RR while nobody asks anything
    keep_alive_interval: Seconds = 40.0  #: a third of the usual inactivity time-out of 120 s
    open_attempts: Annotated[int, Field(ge=1, le=20)] = 1  #: tries to open the line, with backoff

    @field_validator("mode_e_address")
    @classmethod
    def _is_device_address(cls, value: str) -> str:
        if value and not (value.isascii() and value.replace(" ", "").isalnum()):
            raise ValueError("a device address has letters, digits and spaces only")
        return value

    @model_validator(mode="after")
    def _fits_the_interface(self) -> DlmsClientOptions:
        if self.interface == "hdlc":
            _ = self.hdlc_client, self.hdlc_server  # ValueError for what no HDLC address can say
        elif self.mode_e:
            raise ValueError("the mode E sign-on leads to HDLC: interface='hdlc' goes with it")
        return self

    @model_validator(mode="after")
    def _is_secured_as_meant(self) -> DlmsClientOptions:
        check_strength(self.authentication, self.security, allow_weak=self.allow_weak)
        if missing := [name for name in self._needed() if getattr(self, name) is None]:
            raise ValueError(f"{', '.join(missing)} missing for {self._protection_words}")
        if self.system_title is not None and self.system_title == self.server_system_title:
            raise ValueError("client and meter have the same system title: each has its own")
        if self.dedicated_key and not self.security.covers(Security.ENCRYPTION):
            raise ValueError("a dedicated key travels in the AARQ: security with encryption goes with it")
        if self.referencing == "short_name" and self.authentication >= _HIGH:
            raise ValueError("authentication by challenge is built for logical names only")
        if self.counter_object is not None:
            if not self.counts_messages:
                raise ValueError("counter_object is of use with ciphering or GMAC only")
            _ = ObisCode.parse(self.counter_object)
        self._check_key_sizes()
        return self

    def _needed(self) -> list[str]:
        """Return the options without which the protection asked for is impossible."""
        is_gmac = self.authentication is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
        is_ecdsa = self.authentication is AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA
        has_titles = self.authentication is AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256 or is_ecdsa
        why = {
            "system_title": self.counts_messages or has_titles,
            "encryption_key": self.counts_messages,
            "authentication_key": is_gmac or self.security.covers(Security.AUTHENTICATION),
            "signing_key": is_ecdsa,
            "server_signing_key": is_ecdsa,
        }
        return [name for name, is_needed in why.items() if is_needed]

    def _check_key_sizes(self) -> None:
        """Make sure that keys fit the suite, without showing them."""
        size = self.suite.key_size
        for name in _SYMMETRIC_KEYS:
            key = cast("bytes | None", getattr(self, name))
            if key is not None and len(key) != size:
                raise ValueError(f"{name} has {len(key)} octets, suite {int(self.suite)} wants {size}")
        if self.signing_key is not None:
            private_key_of(self.suite, self.signing_key)
        if self.server_signing_key is not None:
            try:
                public_key_of(self.suite, self.server_signing_key)
            except ProtocolFault as odd:
                raise ValueError(f"server_signing_key: {odd.error.message}") from None

    @property
    def _protection_words(self) -> str:
        return f"authentication {self.authentication.name} with {self.security.words}"

    @property
    def counts_messages(self) -> bool:
        """Whether invocation counters are used: with ciphering, and with GMAC."""
        is_gmac = self.authentication is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
        return self.security is not Security.NONE or is_gmac

    @property
    def is_secured(self) -> bool:
        """Whether there is ciphering, or authentication by challenge."""
        return self.authentication >= _HIGH or self.security is not Security.NONE

    @property
    def hdlc_client(self) -> HdlcAddress:
        """Our address on an HDLC line.  Raises: ValueError for one of more than one octet."""
        return HdlcAddress(self.client_address)

    @property
    def hdlc_server(self) -> HdlcAddress:
        """The meter's address on an HDLC line.  Raises: ValueError for one that does not fit."""
        if self.serial_number is not None:
            return HdlcAddress.from_serial_number(self.serial_number, self.server_address)
        return HdlcAddress(self.server_address, self.server_physical_address, self.server_address_size or 0)
