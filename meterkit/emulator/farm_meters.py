"""The meters of a farm: which there are, what is wrong with them, and how each is made when it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from random import Random
from typing import Any, Final, Literal

from pydantic import SecretBytes

from meterkit.emulator.broken_meter import DroppingMeter
from meterkit.emulator.configuration import EmulatorConfiguration, LoadProfileSetConfiguration
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.configuration import HdlcConfiguration, ProfileConfiguration
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.faults import EmulatorFaults
from meterkit.emulator.household import Household
from meterkit.emulator.lazy_meter import Awake, LazyMeter
from meterkit.emulator.line import Emulator, LineKind
from meterkit.emulator.meter import MeterEmulator

__all__ = ["FarmMeter", "Houses", "Trouble"]

Interface = Literal["psem", "wrapper", "hdlc"]

HOUSES: Final = 64  # that the meters of a farm measure, in turn: their curves are most of a meter's memory
_DAYS: Final = 8  # of quarter hours in a load profile
_HISTORY: Final = 2 * 96  # quarter hours of those that are recorded already: each costs time to make
_PSEM_PROFILE: Final = (
    LoadProfileSetConfiguration(intervals=96, blocks=_DAYS, sources=(0, 1), history=_HISTORY),
)
_DLMS_PROFILE: Final = ProfileConfiguration(rows=96 * _DAYS)
_OTHER_KEY: Final = SecretBytes(b"NOT-WHAT-YOU-HAVE")
_FIRST_PHYSICAL: Final = 16  # lower HDLC addresses are reserved; IEC 62056-46 6.4.2.3
_READING_CLIENT: Final = 2  # SAP that has to show a password


class Trouble(Enum):
    """What is wrong with a meter."""

    NONE = "none"
    SLOW = "slow"  #: takes up to two seconds for each answer
    REFUSES = "refuses"  #: nothing listens on its port; behind a shared one it is silent
    SILENT = "silent"  #: takes connections and never answers
    DROPS = "drops"  #: hangs up in the middle
    WRONG_PASSWORD = "wrong password"  #: has another one than everybody thinks


BROKEN: Final = (Trouble.REFUSES, Trouble.SILENT, Trouble.DROPS, Trouble.WRONG_PASSWORD)


class Houses:
    """The households of a farm, made when they are needed, each measured by many meters."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._houses: dict[int, Household] = {}

    def of(self, number: int) -> Household:
        """Return the household of meter `number`."""
        place = number % HOUSES
        house = self._houses.get(place)
        if house is None:
            house = self._houses[place] = Household(self._seed * HOUSES + place)
        return house


@dataclass(frozen=True, slots=True)
class FarmMeter:
    """One meter of a farm."""

    id: str  #: such as "psem-0007"
    number: int  #: from 0, over all meters of the farm
    interface: Interface
    place: int  #: behind its port, from 0
    is_alone: bool  #: it has the port for itself
    trouble: Trouble

    @property
    def query(self) -> str:
        """What of its URL follows the port: its address there, and how it is read."""
        settings: dict[str, object] = {}
        if self.interface == "psem":
            if not self.is_alone:
                settings["identity"] = self.place + 1
        else:
            if self.trouble is Trouble.WRONG_PASSWORD:
                settings |= {"client": _READING_CLIENT, "authentication": "low_level_security"}
            if not self.is_alone and self.interface == "wrapper":
                settings["server"] = self.place + 1
            elif not self.is_alone:
                settings["server_physical_address"] = _FIRST_PHYSICAL + self.place
        return "?" + "&".join(f"{name}={value}" for name, value in settings.items()) if settings else ""

    @property
    def needs_password(self) -> bool:
        """Whether it is read with a password."""
        return self.interface == "psem" or self.trouble is Trouble.WRONG_PASSWORD

    def url(self, kind: LineKind, place: str) -> str:
        """Return its address at a place such as 127.0.0.1:1153."""
        scheme = {"psem": "psem", "wrapper": "dlms", "hdlc": "dlms+hdlc"}[self.interface]
        return f"{scheme}+{kind}://{place}{self.query}"

    def lazy(self, houses: Houses, awake: Awake, clock: Callable[[], datetime] | None) -> LazyMeter:
        """Return the meter, which is built when it is called."""
        make = partial(self._psem if self.interface == "psem" else self._dlms, houses, clock)
        return LazyMeter(self.id, self.url, make, awake)

    def with_its_trouble(self, meter: Emulator) -> Emulator:
        """Return the meter as its line has it: one that drops the line does so whoever speaks to it."""
        return DroppingMeter(meter, after=1 + self.number % 2) if self.trouble is Trouble.DROPS else meter

    @property
    def _faults(self) -> dict[str, Any]:
        if self.trouble is Trouble.SLOW:
            return {"response_delay": round(0.2 + 1.8 * Random(self.number).random(), 3)}
        return {"silent": self.trouble in (Trouble.SILENT, Trouble.REFUSES)}

    def _psem(self, houses: Houses, clock: Callable[[], datetime] | None) -> Emulator:
        settings: dict[str, Any] = {}
        if self.trouble is Trouble.WRONG_PASSWORD:
            settings = {"read_key": _OTHER_KEY, "master_key": _OTHER_KEY, "provisioning_key": None}
        configuration = EmulatorConfiguration(
            serial_number=f"2026{self.number:012}",
            utility_serial_number=self.id,
            identity=None if self.is_alone else self.place + 1,
            load_profile=_PSEM_PROFILE,
            event_log_entries=20,
            self_reads=2,
            faults=EmulatorFaults(**self._faults),
            **settings,
        )
        return MeterEmulator(configuration, clock=clock, household=houses.of(self.number))

    def _dlms(self, houses: Houses, clock: Callable[[], datetime] | None) -> Emulator:
        is_wrapper = self.interface == "wrapper"
        configuration = DlmsEmulatorConfiguration(
            serial_number=f"{self.number:08}",
            system_title=b"MKT" + self.number.to_bytes(5, "big"),
            interface="wrapper" if is_wrapper else "hdlc",
            logical_device=self.place + 1 if is_wrapper else 1,
            hdlc=HdlcConfiguration(physical_address=None if self.is_alone else _FIRST_PHYSICAL + self.place),
            profile=_DLMS_PROFILE,
            event_log_rows=20,
            faults=DlmsFaults(**self._faults),
        )
        return DlmsMeterEmulator(configuration, clock=clock, household=houses.of(self.number))
