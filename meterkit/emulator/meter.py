"""The emulated meter: its tables, its clock, its keys; and one session of its own for direct use.

emulator = MeterEmulator(EmulatorConfiguration(seed=7))
emulator.process_request(bytes.fromhex("20"))        # a service request in, the response out
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from random import Random

from meterkit.emulator import osgp_meter, procedures
from meterkit.emulator.access import AccessLevel, EmulatorState, TableAccess
from meterkit.emulator.authentication import TICKET_SIZE
from meterkit.emulator.configuration import PASSWORD_SIZE, EmulatorConfiguration
from meterkit.emulator.faults import EmulatorFaults
from meterkit.emulator.household import Household
from meterkit.emulator.load_profile import LoadProfileMemory, stime_date
from meterkit.emulator.meter_link import ChannelSettings
from meterkit.emulator.procedures import Procedure, RunningProcedure
from meterkit.emulator.services import ServiceSession
from meterkit.emulator.table_store import TableStore

_INVALID_PASSWORD = 1 << 8  # BT03, octet 5, bit 0
_LISTS_WITHOUT_PROFILE = (1, 2, 7)  # event log, self reads, history: kept, but empty
_ALL_PROFILES, _ALL_LISTS, _FIRST_PROFILE_LIST = 8, 0xFF, 3
_MEP_CONFIGURATION = 2099  # ET51
_PENDABLE = frozenset({54})  # BT54, the calendar


@dataclass(slots=True)
class MeterStatus:
    """What table 3 tells."""

    mode: int = 1  #: bit 0: metering
    standard: int = 0  #: the standard status bits, octets 1 and 2
    manufacturer: int = 0  #: octets 4 to 7, least significant first
    demand_resets: int = 0


class MeterEmulator:
    """One meter that any number of sessions may talk to.

    `clock` gives the time of day as an aware datetime; the default is this machine's clock in UTC.
    `tables`, `faults` and `procedures` may be changed at any time.
    """

    def __init__(
        self,
        configuration: EmulatorConfiguration | None = None,
        *,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.configuration = configuration or EmulatorConfiguration()
        self.faults: EmulatorFaults = self.configuration.faults.model_copy()
        self.clock = clock or _utc_now
        self.status = MeterStatus()
        self.procedures: dict[tuple[bool, int], Procedure] = {
            (False, number): procedure for number, procedure in procedures.STANDARD_PROCEDURES.items()
        }  #: by (is the manufacturer's, number)
        self.pendable = _PENDABLE  #: tables that can have a pending edition
        self.last_activation: datetime | None = None  #: of a pending table
        self.held_off_until = 0.0  #: on the sessions' clock; the optical port is deaf until then
        self.household = Household(self.configuration.seed)
        self._clock_offset = timedelta()
        self._exchanges = 0
        self._random = Random(f"{self.configuration.seed}/tickets")
        self.profiles: tuple[LoadProfileMemory, ...] = ()
        if self.configuration.has_load_profile:
            self.profiles = tuple(
                LoadProfileMemory(data_set, self.household, self.configuration.byte_order, self.now())
                for data_set in self.configuration.data_sets
            )
        access = TableAccess(self.configuration.read_access_level, self.configuration.write_access_level)
        self.tables = TableStore(access)
        osgp_meter.fill(self)
        self._session = ServiceSession(self, has_link=False)

    def __repr__(self) -> str:
        return f"MeterEmulator({self.configuration.manufacturer} {self.configuration.serial_number})"

    # ---------------------------------------------------------------- direct use
    @property
    def state(self) -> EmulatorState:
        """State of the session that `process_request` serves."""
        return self._session.state

    @property
    def current_access_level(self) -> AccessLevel:
        """Clearance of the session that `process_request` serves."""
        return self._session.access_level

    def process_request(self, payload: bytes) -> bytes:
        """Return the response to one service request, without a data link; never raises."""
        response = self._session.process(bytes(payload))
        self._session.delivered()
        return response

    def reset(self) -> None:
        """End the session that `process_request` serves."""
        self._session.to_base()

    # ---------------------------------------------------------------- sessions
    @property
    def default_channel(self) -> ChannelSettings:
        """Channel settings before Negotiate and Timing Setup."""
        configuration = self.configuration
        is_c1221 = configuration.standard == "C12.21"
        traffic, intercharacter, response = (30.0, 1.0, 4.0) if is_c1221 else (6.0, 0.5, 2.0)
        return ChannelSettings(
            channel_traffic_timeout=configuration.channel_traffic_timeout or traffic,
            intercharacter_timeout=configuration.intercharacter_timeout or intercharacter,
            response_timeout=configuration.response_timeout or response,
            retries=configuration.retries,
        )

    @property
    def session_limits(self) -> tuple[bool, int, int]:
        """ET51 as it stands: (is the lock-out on, longest session in s, hold-off in s)."""
        octets = self.tables[_MEP_CONFIGURATION]
        order = self.configuration.byte_order
        limits = int.from_bytes(octets[4:6], order), int.from_bytes(octets[6:8], order)
        return bool(octets[0] & 1), *limits

    def level_of(self, password: bytes) -> AccessLevel:
        """Return what a password of 20 octets gives; NO_ACCESS, and an alarm in BT03, for a wrong one.

        A key shorter than that matches whether it was filled up with NUL or with spaces.
        """
        configuration = self.configuration
        for key, level in (
            (configuration.master_key, AccessLevel.MASTER),
            (configuration.provisioning_key, AccessLevel.PROVISIONING),
            (configuration.read_key, AccessLevel.READER),
        ):
            if key is None:
                continue
            secret = key.get_secret_value()
            if any(compare_digest(password, secret.ljust(PASSWORD_SIZE, pad)) for pad in (b"\0", b" ")):
                return level
        self.status.manufacturer |= _INVALID_PASSWORD
        return AccessLevel.NO_ACCESS

    def new_ticket(self) -> bytes:
        """Return the challenge for C12.21's Authenticate."""
        return self.configuration.authentication_ticket or self._random.randbytes(TICKET_SIZE)

    def tick(self) -> None:
        """Record the load profile up to now, if the configuration says so."""
        if self.configuration.follow_clock:
            now = self.now()
            for profile in self.profiles:
                profile.record_until(now)

    def count_exchange(self) -> None:
        """Take the news that a read was answered: the load profile may grow with it."""
        self._exchanges += 1
        grows = self.configuration.grow_intervals and not self._exchanges % self.configuration.grow_exchanges
        if grows:
            self.grow(self.configuration.grow_intervals)

    # ---------------------------------------------------------------- time and data
    def now(self) -> datetime:
        """Return the time on the meter's clock, UTC."""
        return self.clock().astimezone(UTC) + self._clock_offset

    def ltime_date(self) -> bytes:
        """Return the meter's time as LTIME_DATE, TM_FORMAT 2."""
        now = self.now()
        return stime_date(now) + bytes((now.second,))

    def set_clock(self, ltime_date: bytes) -> bool:
        """Set the clock to an LTIME_DATE (UTC); False if there is no such time."""
        year, month, day, hour, minute, second = ltime_date
        try:
            wanted = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            return False
        self.tick()
        is_forward = wanted >= self.now()
        self._clock_offset = wanted - self.clock()
        for profile in self.profiles:
            profile.clock_changed(wanted, is_forward)
        return True

    def grow(self, intervals: int, data_set: int | None = None) -> None:
        """Record `intervals` more rows in one data set (1..4) or in all, whatever the clock says."""
        for number, profile in enumerate(self.profiles, 1):
            if data_set in (None, number):
                profile.grow(intervals)

    def clear_data(self) -> None:
        """Let registers begin at zero and empty the load profile."""
        self.household.clear(self.now())
        for profile in self.profiles:
            profile.reset()

    def profiles_of_list(self, number: int) -> tuple[LoadProfileMemory, ...] | None:
        """Return the data sets that list `number` of SP4 and SP5 means; None if there is no such list."""
        if number in (_ALL_PROFILES, _ALL_LISTS):
            return self.profiles
        if number in _LISTS_WITHOUT_PROFILE:
            return ()
        place = number - _FIRST_PROFILE_LIST
        return self.profiles[place : place + 1] if 0 <= place < len(self.profiles) else None

    # ---------------------------------------------------------------- procedures, pending tables
    def run_procedure(
        self, octets: bytes, level: AccessLevel, last: RunningProcedure | None = None
    ) -> RunningProcedure | None:
        """Run what was written into table 7; return what table 8 answers from now on."""
        return procedures.run(self, octets, level, last)

    def activate_pending(self, table_id: int) -> None:
        """Let the pending edition of a table take its place."""
        self.tables.activate(table_id)
        self.last_activation = self.now()


def _utc_now() -> datetime:
    return datetime.now(UTC)
