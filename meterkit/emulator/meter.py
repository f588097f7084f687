"""The emulated meter: its tables, its clock, its keys; and one session of its own for direct use.

emulator = MeterEmulator(EmulatorConfiguration(seed=7))
emulator.process_request(bytes.fromhex("20"))        # a service request in, the response out
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from random import Random

from meterkit.emulator import c1219_meter, osgp_meter, procedures
from meterkit.emulator.access import AccessLevel, EmulatorState, TableAccess
from meterkit.emulator.alarms import MeterStatus, alarm_named
from meterkit.emulator.authentication import TICKET_SIZE
from meterkit.emulator.configuration import PASSWORD_SIZE, EmulatorConfiguration
from meterkit.emulator.diary import NOBODY, Diary, EventCode
from meterkit.emulator.faults import EmulatorFaults
from meterkit.emulator.firmware import RegisterCounts
from meterkit.emulator.household import Household
from meterkit.emulator.line import LineKind, LineSession
from meterkit.emulator.load_profile import LoadProfileMemory, stime_date
from meterkit.emulator.measurement import Measurement
from meterkit.emulator.meter_link import ChannelSettings
from meterkit.emulator.pending import due_tables, event_flags
from meterkit.emulator.procedures import Procedure, RunningProcedure
from meterkit.emulator.register_bank import RegisterBank
from meterkit.emulator.services import ServiceSession
from meterkit.emulator.table_store import TableStore

_INVALID_PASSWORD = "Invalid Password"  # BT03, octet 5, bit 0
_LISTS_WITHOUT_PROFILE = (1, 2, 7)  # event log, self reads, history: kept, but empty
_ALL_PROFILES, _ALL_LISTS, _FIRST_PROFILE_LIST = 8, 0xFF, 3
_MEP_CONFIGURATION = 2099  # ET51
_SESSION_LIMITS_SIZE = 8  # octets of ET51 up to the hold-off
_PENDABLE = frozenset({54})  # BT54, the calendar


class MeterEmulator:
    """One meter that any number of sessions may talk to.

    `clock` gives the time of day as an aware datetime; the default is this machine's clock in UTC.
    `household` may be shared by meters that measure the same; the default is one of the meter's own.
    `tables`, `faults` and `procedures` may be changed at any time.
    """

    def __init__(
        self,
        configuration: EmulatorConfiguration | None = None,
        *,
        clock: Callable[[], datetime] | None = None,
        household: Household | None = None,
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
        self.user_id: int | None = None  #: whose request is being served, for the event logs
        self.household = household or Household(self.configuration.seed)
        self.measurement = Measurement(self.household, self.configuration)
        self._clock_offset = timedelta()
        self._exchanges = 0
        self._random = Random(f"{self.configuration.seed}/tickets")
        self.profiles: tuple[LoadProfileMemory, ...] = ()
        if self.configuration.has_load_profile:
            self.profiles = tuple(
                LoadProfileMemory(data_set, self.measurement, self.configuration.byte_order, self.now())
                for data_set in self.configuration.data_sets
            )
        access = TableAccess(self.configuration.read_access_level, self.configuration.write_access_level)
        self.tables = TableStore(access, self.now)
        counts = RegisterCounts.of(self.configuration)
        self.register_bank = RegisterBank(self.measurement, self.configuration, counts.summations)
        self.diary = Diary(self.register_bank, self.configuration, counts.self_reads, self.now())
        (osgp_meter if self.configuration.dialect == "osgp" else c1219_meter).fill(self)
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
        octets = self.tables.read_table(_MEP_CONFIGURATION)
        if octets is None or len(octets) < _SESSION_LIMITS_SIZE:  # a test may take it away, or cut it
            return False, self.configuration.session_timeout, self.configuration.session_hold_off
        order = self.configuration.byte_order
        limits = int.from_bytes(octets[4:6], order), int.from_bytes(octets[6:8], order)
        return bool(octets[0] & 1), *limits

    @property
    def name(self) -> str:
        """Which meter this is, for messages."""
        return f"emulator {self.configuration.serial_number}"

    def begin_session(self, on_unasked: Callable[[], None]) -> LineSession:
        """Return the meter's end of a new line, in state Base; it never speaks unasked."""
        from meterkit.emulator.meter_session import MeterSession  # it needs this class

        return MeterSession(self)

    @staticmethod
    def url(kind: LineKind, place: str) -> str:
        """Return the address of this meter at a place, such as 127.0.0.1:1153, for `meterkit.connect`."""
        return f"psem+{kind}://{place}"

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
        self.raise_alarm(_INVALID_PASSWORD)
        return AccessLevel.NO_ACCESS

    def new_ticket(self) -> bytes:
        """Return the challenge for C12.21's Authenticate."""
        return self.configuration.authentication_ticket or self._random.randbytes(TICKET_SIZE)

    def tick(self) -> None:
        """Let come what is due: pending tables, self reads, load profile; if the clock is followed."""
        if self.configuration.follow_clock:
            now = self.now()
            for due, table_id in due_tables(self.tables, now):
                self.diary.advance(due)
                self.activate_pending(table_id, due)
            self.diary.advance(now)
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
        self.diary.clock_changed(self.now(), wanted, self._acting_user)
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
        """Let registers begin at zero; empty self reads and load profile.  The event logs tell of it."""
        self.measurement.clear(self.now())
        self.diary.clear_registers(self.now())
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

    def activate_pending(self, table_id: int, time: datetime | None = None) -> None:
        """Let the pending edition of a table take its place, now or at `time`.

        Before that, a self read and a demand reset if its PED asks for them.
        """
        time = time or self.now()
        flags = event_flags(self.tables, table_id)
        if flags.self_read:
            self.self_read(time)
        if flags.demand_reset:
            self.demand_reset(time)
        self.tables.activate(table_id)
        self.last_activation = time
        self.diary.event(time, EventCode.PENDING_ACTIVATED, table_id, user_id=self._acting_user)

    def clear_pending(self, table_id: int) -> None:
        """End the pending state of a table; the table itself stays as it is."""
        self.tables.clear_pending(table_id)
        self.log_event(EventCode.PENDING_CLEARED, table_id)

    # ---------------------------------------------------------------- events, alarms
    @property
    def _acting_user(self) -> int:
        return NOBODY if self.user_id is None else self.user_id

    def log_event(
        self, code: int, argument: int = 0, *, is_manufacturer: bool = False, user_id: int | None = None
    ) -> None:
        """Log an event now; `user_id` is that of whoever is being served, unless told."""
        self.tick()
        user = self._acting_user if user_id is None else user_id
        self.diary.event(self.now(), code, argument, is_manufacturer=is_manufacturer, user_id=user)

    def self_read(self, time: datetime | None = None) -> None:
        """Keep the registers as they are now, or at `time`, in BT26."""
        self.diary.self_read(time or self.now(), self._acting_user)

    def demand_reset(self, time: datetime | None = None) -> None:
        """Let demands count anew from now, or from `time`."""
        self.diary.demand_reset(time or self.now(), self._acting_user)

    def raise_alarm(self, name: str, argument: int = 0, *, user_id: int | None = None) -> None:
        """Set an alarm of BT03 by the guide's name; its event goes into the log unless it is set already.

        Errors: ValueError for an alarm that this meter's BT03 does not have.
        """
        alarm = alarm_named(name, self.configuration)
        if alarm.is_set(self.status):
            return
        alarm.put(self.status, True)
        code, is_manufacturer = alarm.event
        self.log_event(code, argument, is_manufacturer=is_manufacturer, user_id=user_id)

    def clear_alarm(self, name: str) -> None:
        """Take an alarm of BT03 back.  Errors: as `raise_alarm`."""
        alarm_named(name, self.configuration).put(self.status, False)


def _utc_now() -> datetime:
    return datetime.now(UTC)
