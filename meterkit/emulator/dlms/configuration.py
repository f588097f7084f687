"""What an emulated DLMS meter is: identity, clients, line, load profile, oddities.  Loadable from JSON.

The password here is for demonstrations and printed in the documentation: it protects nothing.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    SecretBytes,
    field_validator,
    model_validator,
)

from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.security import Security
from meterkit.emulator.dlms.cloned.meter_file import MeterFile, parse_meter_file
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.image_configuration import ImageConfiguration
from meterkit.emulator.dlms.profile_oddities import ProfileOddity
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.security_configuration import Secret, SecurityConfiguration, as_octets
from meterkit.options import Options, Seconds

DEMO_PASSWORD = b"12345678"  # LLS
PUBLIC_CLIENT, MANAGEMENT_CLIENT, READING_CLIENT = 16, 1, 2  # SAPs
PUSH_CLIENT = 0x40  # SAP that pushes go to, as public push servers have it
MAX_PDU = 0xFFFF  # octets; the AARE has 16 bits

#: What this meter can do, by referencing.
LN_SERVICES = (
    Conformance.GENERAL_BLOCK_TRANSFER
    | Conformance.ATTRIBUTE0_SUPPORTED_WITH_GET
    | Conformance.PRIORITY_MGMT_SUPPORTED
    | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
    | Conformance.BLOCK_TRANSFER_WITH_ACTION
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.DATA_NOTIFICATION
    | Conformance.ACCESS
    | Conformance.GET
    | Conformance.SET
    | Conformance.SELECTIVE_ACCESS
    | Conformance.EVENT_NOTIFICATION
    | Conformance.ACTION
)
SN_SERVICES = (
    Conformance.READ
    | Conformance.WRITE
    | Conformance.UNCONFIRMED_WRITE
    | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.INFORMATION_REPORT
    | Conformance.PARAMETERIZED_ACCESS
)


class Clearance(IntEnum):
    """What a client may touch."""

    PUBLIC = 0  #: read what everybody may know
    READER = 1  #: read the profiles and registers too
    MANAGER = 2  #: write and switch


_AUTHENTICATIONS = ("none", "low", "hls2", "hls3", "hls4", "hls5", "hls6", "hls7")  # by mechanism
_LONGEST_HLS2_SECRET = 16  # octets: an AES key
_WITH_PASSWORD = ("low", "hls2", "hls3", "hls4", "hls6")
Authentication = Literal["none", "low", "hls2", "hls3", "hls4", "hls5", "hls6", "hls7"]
Sap = Annotated[int, Field(ge=0, le=0xFFFF)]


def _as_meter(value: object) -> object:
    return value if value is None or isinstance(value, MeterFile) else parse_meter_file(value)


ClonedMeter = Annotated[InstanceOf[MeterFile], BeforeValidator(_as_meter)]


class ClientConfiguration(Options):
    """One client that the meter knows."""

    sap: Sap
    authentication: Authentication = "none"
    password: Secret | None = None  #: of low-level security; the secret of hls2, hls3, hls4 and hls6
    security: SecurityConfiguration | None = None  #: keys and ciphering; None: no ciphering
    clearance: Clearance = Clearance.PUBLIC
    conformance: tuple[str, ...] | None = None  #: services by the standard's names; None: all it has

    @field_validator("conformance")
    @classmethod
    def _are_services(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in value or ():
            if name.upper().replace("-", "_") not in Conformance.__members__:
                raise ValueError(f"no service is called {name}; known: {', '.join(Conformance.__members__)}")
        return value

    @model_validator(mode="after")
    def _has_what_it_proves_with(self) -> Self:
        if (self.authentication in _WITH_PASSWORD) != (self.password is not None):
            raise ValueError(
                f"a client has a password with {', '.join(_WITH_PASSWORD)}, and only then; not with "
                f"{self.authentication}"
            )
        secret = None if self.password is None else self.password.get_secret_value()
        if self.authentication == "hls2" and secret is not None and len(secret) > _LONGEST_HLS2_SECRET:
            raise ValueError(f"hls2: a secret of at most {_LONGEST_HLS2_SECRET} octets expected")
        if self.authentication.startswith("hls") and secret == b"":
            raise ValueError("high level security needs a secret that is not empty")
        security = self.security
        if self.authentication == "hls5" and (
            security is None or security.encryption_key is None or security.authentication_key is None
        ):
            raise ValueError("hls5 needs security with encryption_key and authentication_key")
        if self.authentication == "hls7" and (
            security is None or security.signing_key is None or security.client_signing_key is None
        ):
            raise ValueError("hls7 needs security with signing_key and client_signing_key")
        return self

    @property
    def mechanism(self) -> AuthenticationMechanism:
        """How this client has to show who it is."""
        return AuthenticationMechanism(_AUTHENTICATIONS.index(self.authentication))

    @property
    def services(self) -> Conformance:
        """What this client may be granted."""
        if self.conformance is None:
            return LN_SERVICES | SN_SERVICES | Conformance.GENERAL_PROTECTION
        services = Conformance(0)
        for name in self.conformance:
            services |= Conformance[name.upper().replace("-", "_")]
        return services


class PushSecurity(Options):
    """How pushes are ciphered: with whose keys, and what the envelope tells."""

    client: Sap  #: its keys are used
    protection: Literal["authentication", "encryption", "authentication_encryption"] = (
        "authentication_encryption"
    )
    has_system_title: bool = True  #: False: it is left empty, as Pietro Fiorentini's meters do
    is_broadcast: bool = False  #: by the broadcast key

    @property
    def applied(self) -> Security:
        """The protection as the codec has it."""
        return Security[self.protection.upper()]


class HdlcConfiguration(Options):
    """The meter's end of HDLC: its address and the most it will negotiate."""

    physical_address: Annotated[int, Field(ge=0, le=0x3FFF)] | None = None  #: None: answer any, or none
    max_information_transmit: Annotated[int, Field(ge=32, le=2030)] = 2030
    max_information_receive: Annotated[int, Field(ge=32, le=2030)] = 2030
    window_transmit: Annotated[int, Field(ge=1, le=7)] = 7
    window_receive: Annotated[int, Field(ge=1, le=7)] = 7
    inactivity_timeout: Seconds | None = 120.0  #: then the link is down; None: never


class ModeEConfiguration(Options):
    """The sign-on of IEC 62056-21: who answers, and how fast."""

    manufacturer: Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Za-z]$")] = "MKT"
    device_address: Annotated[str, Field(max_length=32)] = ""  #: empty: the serial number
    baud_rate: Literal[300, 600, 1200, 2400, 4800, 9600, 19200] = 9600
    acknowledge_timeout: Seconds = 2.0  #: then the data readout begins at 300 Bd
    ends_with_hdlc: bool = True  #: DISC leads back to the sign-on


#: Columns of the load profile: eight, of 48 octets a row.
DEFAULT_COLUMNS = (
    "0-0:1.0.0",
    "0-0:96.10.1",
    "1-0:1.8.0",
    "1-0:2.8.0",
    "1-0:3.8.0",
    "1-0:4.8.0",
    "1-0:1.7.0",
    "1-0:2.7.0",
)


class ProfileConfiguration(Options):
    """The load profile: how many rows of which columns, how far apart."""

    rows: Annotated[int, Field(ge=0, le=1_000_000)] = 960  #: kept; the oldest are given up for new ones
    period: Annotated[int, Field(ge=60, le=86400)] = 900  #: s
    columns: Annotated[tuple[str, ...], Field(min_length=1, max_length=64)] = DEFAULT_COLUMNS  #: OBIS codes
    null_data: bool = False  #: a value equal to the one before is left out as null-data
    oddities: frozenset[ProfileOddity] = frozenset()  #: what it does otherwise than most meters


class DlmsEmulatorConfiguration(Options):
    """One meter.  The defaults are a three-phase meter on WRAPPER with logical names."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a mistyped password must not be quoted back

    serial_number: Annotated[str, Field(min_length=1, max_length=16)] = "20260001"
    manufacturer: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "MKT"
    system_title: Annotated[bytes, BeforeValidator(as_octets)] = b"MKT\x00\x01\x35\x28\x81"
    logical_device: Annotated[int, Field(ge=1, le=0x3FFF)] = 1  #: server SAP, upper HDLC address
    seed: int = 1  #: the household behind the meter; the same seed gives the same data
    interface: Literal["wrapper", "hdlc", "mode_e"] = "wrapper"
    clients: Annotated[tuple[ClientConfiguration, ...], Field(min_length=1, max_length=64)] = (
        ClientConfiguration(sap=PUBLIC_CLIENT, clearance=Clearance.READER),
        ClientConfiguration(
            sap=MANAGEMENT_CLIENT,
            authentication="low",
            password=SecretBytes(DEMO_PASSWORD),
            clearance=Clearance.MANAGER,
        ),
        ClientConfiguration(
            sap=READING_CLIENT,
            authentication="low",
            password=SecretBytes(DEMO_PASSWORD),
            clearance=Clearance.READER,
        ),
    )
    short_name_referencing: bool = False  #: True: the meter knows short names only
    association_version: Literal[0, 1, 2, 3] = 1  #: of class 15; 3 tells access rights as bits
    max_pdu: Annotated[int, Field(ge=0, le=MAX_PDU)] = 1024  #: octets it takes at once; 0: any number
    max_pdu_transmit: Annotated[int, Field(ge=12, le=MAX_PDU)] = MAX_PDU  #: octets it sends at once at most
    block_transfer: Literal["service", "general"] = "service"  #: for long answers, where both were granted
    general_block_window: Annotated[int, Field(ge=1, le=63)] = 4  #: blocks it takes before it confirms
    action_blocks_hold: Literal["response", "data"] = "response"  #: with or without the action's result
    hdlc: HdlcConfiguration = HdlcConfiguration()
    mode_e: ModeEConfiguration = ModeEConfiguration()
    profile: ProfileConfiguration = ProfileConfiguration()
    image: ImageConfiguration = ImageConfiguration()
    event_log_rows: Annotated[int, Field(ge=0, le=1000)] = 50
    utc_offset: Annotated[int, Field(ge=-720, le=840)] = 60  #: minutes; the clock tells local time
    summer_time: bool = False  #: the clock is put forward by an hour between March and October, as in Europe
    push_client: Sap = PUSH_CLIENT  #: where pushes go
    push_security: PushSecurity | None = None  #: None: pushes go in clear
    follow_clock: bool = True  #: rows are recorded as the meter's clock passes their ends
    quirks: frozenset[DlmsQuirk] = frozenset()
    faults: DlmsFaults = DlmsFaults()
    objects: ClonedMeter | None = None  #: instead of the household's: a meter file, or what is in one

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a configuration from a JSON file.

        Errors: OSError when the file cannot be read, ValueError naming the wrong field.
        """
        return cls.model_validate_json(Path(path).read_bytes())

    def client(self, sap: int) -> ClientConfiguration | None:
        """Return what is known of a client, or None."""
        return next((client for client in self.clients if client.sap == sap), None)

    @field_validator("system_title")
    @classmethod
    def _is_title(cls, value: bytes) -> bytes:
        if len(value) != 8:
            raise ValueError("a system title has 8 octets")
        return value

    @field_validator("serial_number")
    @classmethod
    def _is_ascii(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()):
            raise ValueError("the serial number is not printable ASCII")
        return value

    @field_validator("clients")
    @classmethod
    def _are_different(cls, value: tuple[ClientConfiguration, ...]) -> tuple[ClientConfiguration, ...]:
        if len({client.sap for client in value}) != len(value):
            raise ValueError("two clients have the same SAP")
        instances = [client.security.instance for client in value if client.security is not None]
        if len(set(instances)) != len(instances):
            raise ValueError("two clients have the same security instance")
        return value

    @model_validator(mode="after")
    def _can_push(self) -> Self:
        if self.push_security is None:
            return self
        client = self.client(self.push_security.client)
        keys = None if client is None else client.security
        if keys is None or keys.encryption_key is None:
            raise ValueError("push_security: no such client has an encryption_key")
        if self.push_security.applied.covers(Security.AUTHENTICATION) and keys.authentication_key is None:
            raise ValueError("push_security: that client has no authentication_key")
        if self.push_security.is_broadcast and keys.broadcast_key is None:
            raise ValueError("push_security: that client has no broadcast_key")
        return self
