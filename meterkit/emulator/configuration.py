"""What an emulated meter is: identity, keys, dialect, load profile.  Loadable from JSON.

The keys here are for demonstrations and printed in the documentation: they protect nothing.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, SecretBytes, field_validator, model_validator

from meterkit.emulator.access import AccessLevel
from meterkit.emulator.faults import EmulatorFaults, ServiceName
from meterkit.emulator.presets import PRESETS
from meterkit.options import Options, Seconds
from meterkit.psem.codes import BAUD_CODES

PASSWORD_SIZE = 20  # octets; C12.18 Security service
DEMO_MASTER_KEY = b"METERKIT-DEMO-MASTER"  # MK
DEMO_PROVISIONING_KEY = b"METERKIT-DEMO-PROVIS"  # PK
DEMO_READ_KEY = b"METERKIT-DEMO-READER"  # RK
MULTIPLE_SETS_FIRMWARE = (3, 50, 0)  # OSGP guide: data sets 2 to 4 came with 3.50


class MeterTarget(Enum):
    """What is metered.  Source: SharpMeter; C12.19 table 0, nameplate type."""

    GAS = "gas"
    WATER = "water"
    ELECTRIC = "electric"


class MeterMode(Enum):
    """What is recorded.  Source: SharpMeter.  DEMAND_ONLY: the meter has no tables 61 to 67."""

    DEMAND_ONLY = "demand_only"
    DEMAND_PLUS_LOAD_PROFILE = "demand_plus_load_profile"


def _as_octets(value: object) -> object:
    """Let JSON write octets as "hex:0102..." or as plain text."""
    if isinstance(value, str) and value.startswith("hex:"):
        try:
            return bytes.fromhex(value[4:])
        except ValueError:
            raise ValueError("expected pairs of hexadecimal digits after hex:") from None
    return value


Secret = Annotated[SecretBytes, BeforeValidator(_as_octets)]
Octet = Annotated[int, Field(ge=0, le=255)]


class LoadProfileSetConfiguration(Options):
    """One data set: how long an interval is, how many make a block, how many blocks there are."""

    interval_minutes: int = 15  #: 1 to 60, or 1440 for a day (code 84)
    intervals: Annotated[int, Field(ge=1, le=2000)] = 96  #: per block
    blocks: Annotated[int, Field(ge=1, le=2000)] = 14
    sources: Annotated[tuple[Octet, ...], Field(min_length=1, max_length=16)] = (0, 1, 2, 3)
    history: Annotated[int, Field(ge=0)] | None = None  #: intervals recorded at start; None: ring full

    @field_validator("interval_minutes")
    @classmethod
    def _has_code(cls, value: int) -> int:
        if not (1 <= value <= 60 or value == 1440):
            raise ValueError(f"BT61 has codes for 1 to 60 minutes and for 1440, not for {value}")
        return value


class DemandConfiguration(Options):
    """One demand register: the highest, or lowest, mean power of an interval since the last demand reset."""

    source: Annotated[int, Field(ge=0, le=3)] = 0  #: import and export, active (0, 1) and reactive (2, 3)
    is_maximum: bool = True


class CoincidentConfiguration(Options):
    """One coincident register: the mean power of a source in the interval of a demand."""

    source: Annotated[int, Field(ge=0, le=3)] = 1  #: as a demand's
    demand: Annotated[int, Field(ge=0, le=7)] = 0  #: which demand it goes with


#: Four sets as the guide's users have them: billing, hourly with a gas meter, daily, fast power quality.
DEFAULT_SETS = (
    LoadProfileSetConfiguration(),
    LoadProfileSetConfiguration(
        interval_minutes=60, intervals=24, blocks=30, sources=(0, 1, 26, 30, 11, 100)
    ),
    LoadProfileSetConfiguration(interval_minutes=1440, intervals=7, blocks=26, sources=(0, 1, 5)),
    LoadProfileSetConfiguration(interval_minutes=5, intervals=12, blocks=6, sources=(19, 26), history=31),
)


class EmulatorConfiguration(Options):
    """One meter.  The defaults are a three-phase OSGP meter of firmware 3.60 with four data sets.

    Names follow SharpMeter's EmulatorConfiguration where it has them.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # a mistyped key must not be quoted back

    manufacturer: Annotated[str, Field(max_length=4)] = "NES"
    model: Annotated[str, Field(max_length=8)] = "EMULATOR"
    serial_number: Annotated[str, Field(max_length=16)] = "2026000000000001"  #: BT01
    utility_serial_number: Annotated[str, Field(max_length=29)] = "METERKIT-0001"  #: ET03
    firmware_version: tuple[int, int, int] = (3, 60, 5)  #: major 0..9, minor 0..99, build 0..31
    application_version: tuple[int, int, int] | None = None  #: BT01 octets 12, 13; None: the same
    dialect: Literal["osgp", "c12.19"] = "osgp"  #: c12.19: the standard's tables, units by ST12 to ST16
    target: MeterTarget = MeterTarget.ELECTRIC
    mode: MeterMode = MeterMode.DEMAND_PLUS_LOAD_PROFILE
    seed: int = 1  #: the household behind the meter; the same seed gives the same data
    byte_order: Literal["little", "big"] = "little"  #: of table contents; OSGP meters are little
    id_form: Literal["bcd", "char"] = "bcd"  #: of the serial number in BT01
    tm_format: Literal[2] = 2  #: times are separate UINT8, as in every OSGP meter

    master_key: Secret = SecretBytes(DEMO_MASTER_KEY)  #: MK
    provisioning_key: Secret | None = SecretBytes(DEMO_PROVISIONING_KEY)  #: PK; None: disabled (ET04)
    read_key: Secret | None = SecretBytes(DEMO_READ_KEY)  #: RK
    wrong_key_response: Literal["err", "isc"] = "err"  #: C12.18 lists err; many meters say isc
    read_access_level: AccessLevel = AccessLevel.READER  #: for tables the guide does not name
    write_access_level: AccessLevel = AccessLevel.PROVISIONING
    procedure_access_level: AccessLevel = AccessLevel.PROVISIONING

    standard: Literal["C12.18", "C12.21"] = "C12.18"  #: C12.21 adds authenticate, timing, disconnect
    identity: Octet | None = None  #: answer only this device number; None: any, and echo it
    packet_size: Annotated[int, Field(ge=64, le=8192)] = 1024  #: most it will negotiate
    max_packets: Annotated[int, Field(ge=1, le=255)] = 16
    baud_rates: tuple[int, ...] = (9600, 19200, 38400, 57600, 115200)  #: it can talk
    channel_traffic_timeout: Seconds | None = None  #: None: 6 s, or 30 s for C12.21
    intercharacter_timeout: Seconds | None = None  #: None: 0.5 s, or 1 s
    response_timeout: Seconds | None = None  #: None: 2 s, or 4 s
    retries: Annotated[int, Field(ge=0, le=20)] = 3
    authentication_key: Secret | None = None  #: DES key, 8 octets, of key id 0 (C12.21)
    authentication_ticket: Annotated[bytes, BeforeValidator(_as_octets)] | None = None  #: None: by seed

    unsupported_services: tuple[ServiceName, ...] = ()  #: answered Service Not Supported
    identify_restarts: bool = True  #: Identify in mid-session starts over; False: answer isss
    read_past_end: Literal["zeros", "onp"] = "zeros"  #: partial reads; OSGP pads
    truncate_reads: bool = False  #: shorten a partial read that exceeds the channel; False: onp
    index_access: bool = False  #: read and write by index; OSGP meters know offsets only
    default_table: Annotated[int, Field(ge=0, le=0xFFFF)] | None = None  #: for read default; None: sns
    shared_optical_port: bool = False  #: the first packet of a session is NAKed (MEP sharing)
    session_lock_out: bool = False  #: ET51's optical denial-of-service timer runs
    session_timeout: Annotated[int, Field(ge=1, le=0xFFFF)] = 600  #: s; ET51
    session_hold_off: Annotated[int, Field(ge=0, le=0xFFFF)] = 300  #: s; ET51
    procedure_polls: Annotated[int, Field(ge=0)] = 2  #: ACCEPTED answers before diagnostics completes

    load_profile: Annotated[tuple[LoadProfileSetConfiguration, ...], Field(min_length=1, max_length=4)] = (
        DEFAULT_SETS
    )
    ct_ratio: Annotated[int, Field(ge=1, le=10000)] = 1  #: of the current transformers; in BT23 already
    vt_ratio: Annotated[int, Field(ge=1, le=1000)] = 1  #: of the voltage transformers
    energy_register_unit: Literal[1, 10, 100] = 1  #: of Wh and varh; ET55, transformer meters from 3.70 on
    nbr_tiers: Literal[4, 8] = 4  #: 8 from firmware 3.70 on
    nbr_summations: Literal[11, 15, 19] | None = None  #: None: all that the firmware has
    demands: Annotated[tuple[DemandConfiguration, ...], Field(max_length=8)] = ()  #: from 3.10 on
    coincidents: Annotated[tuple[CoincidentConfiguration, ...], Field(max_length=16)] = ()
    cumulative_demand: bool = False  #: BT21 flags 4 and 5: cumulative and continuous cumulative
    demand_interval: Literal[5, 10, 15, 30, 60] = 15  #: minutes
    bidn: Annotated[int, Field(ge=0, le=0xFFFF)] = 1  #: in BT26 where demands are configured (D02)
    self_reads: Annotated[int, Field(ge=0, le=253)] = 12  #: entries of BT26; without BT21, as BT20 prints
    self_read_schedule: Literal["none", "daily", "weekly", "monthly"] = "monthly"
    demand_reset_schedule: Literal["none", "monthly"] = "monthly"  #: acts where demands are configured
    event_log_entries: Annotated[int, Field(ge=0, le=2000)] = 100  #: of BT74, and of ET79 from 3.70 on
    first_event: Annotated[int, Field(ge=0, lt=0x1_0000_0000)] = 1  #: sequence number of the first event
    manufacturer_status_octets: Annotated[int, Field(ge=4, le=6)] | None = None  #: BT00.17; None: by firmware
    follow_clock: bool = True  #: intervals are recorded as the meter's clock passes their ends
    grow_intervals: Annotated[int, Field(ge=0)] = 0  #: more intervals in every data set ...
    grow_exchanges: Annotated[int, Field(ge=1)] = 1  #: ... each time so many reads were answered
    faults: EmulatorFaults = EmulatorFaults()

    @property
    def has_load_profile(self) -> bool:
        """Whether the meter has tables 61 to 67."""
        return self.mode is MeterMode.DEMAND_PLUS_LOAD_PROFILE

    @property
    def data_sets(self) -> tuple[LoadProfileSetConfiguration, ...]:
        """The data sets this firmware can have: one before 3.50."""
        if self.firmware_version < MULTIPLE_SETS_FIRMWARE:
            return self.load_profile[:1]
        return self.load_profile

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a configuration from a JSON file.

        Errors: OSError when the file cannot be read, ValueError naming the wrong field.
        """
        return cls.model_validate_json(Path(path).read_bytes())

    @classmethod
    def preset(cls, name: str, **changes: object) -> Self:
        """Return one of the ready-made meters of `PRESETS`, such as "3.70", with `changes` over it.

        Errors: ValueError for a name that is none of them, or naming the wrong field.
        """
        if name not in PRESETS:
            raise ValueError(f"no meter of firmware {name!r}; there are: {', '.join(PRESETS)}")
        return cls.model_validate({**PRESETS[name], **changes})

    @field_validator("master_key", "provisioning_key", "read_key")
    @classmethod
    def _fits_security(cls, value: SecretBytes | None) -> SecretBytes | None:
        if value is not None and not 1 <= len(value.get_secret_value()) <= PASSWORD_SIZE:
            raise ValueError("a key has 1 to 20 octets")
        return value

    @field_validator("authentication_key")
    @classmethod
    def _is_des_key(cls, value: SecretBytes | None) -> SecretBytes | None:
        if value is not None and len(value.get_secret_value()) != 8:
            raise ValueError("a DES key has 8 octets")
        return value

    @field_validator("authentication_ticket")
    @classmethod
    def _is_des_block(cls, value: bytes | None) -> bytes | None:
        if value is not None and len(value) != 8:
            raise ValueError("a ticket has 8 octets")
        return value

    @field_validator("baud_rates")
    @classmethod
    def _have_codes(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        unknown = [rate for rate in value if rate not in BAUD_CODES]
        if unknown:
            raise ValueError(f"C12.18 has no code for {unknown[0]} baud")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for version in (self.firmware_version, self.application_version or (0, 0, 0)):
            major, minor, build = version
            if not (0 <= major <= 9 and 0 <= minor <= 99 and 0 <= build <= 31):
                raise ValueError(f"BT01 cannot pack firmware {major}.{minor}.{build}")
        if self.id_form == "bcd" and not self.serial_number.isdecimal():
            raise ValueError("a BCD serial number has decimal digits only")
        for text in (self.manufacturer, self.model, self.serial_number, self.utility_serial_number):
            if not text.isascii():
                raise ValueError(f"{text!r} is not ASCII, which the tables hold")
        return self

    @model_validator(mode="after")
    def _has_the_registers(self) -> Self:
        """Refuse registers that the guide does not give this firmware."""
        firmware = self.firmware_version[:2] if self.dialect == "osgp" else (3, 10)
        is_transformer_meter = self.ct_ratio * self.vt_ratio > 1
        generation = firmware[0]
        wrong = {
            "demands came with firmware 3.10": bool(self.demands) and firmware < (3, 10),
            "8 tiers came with firmware 3.70": self.nbr_tiers == 8 and firmware < (3, 70),
            "energy register units other than 1 are of transformer meters, firmware 3.70 and later": (
                self.energy_register_unit != 1 and (firmware < (3, 70) or not is_transformer_meter)
            ),
            "11 summations are of firmware 3": self.nbr_summations == 11 and generation != 3,
            "15 summations are of firmware before 4.0": self.nbr_summations == 15 and generation >= 4,
            "19 summations came with firmware 4.0": self.nbr_summations == 19 and generation < 4,
            "cumulative demand needs a demand": self.cumulative_demand and not self.demands,
            "a coincident goes with one of the demands": any(
                one.demand >= len(self.demands) for one in self.coincidents
            ),
        }
        for reason, is_wrong in wrong.items():
            if is_wrong:
                raise ValueError(reason)
        return self
