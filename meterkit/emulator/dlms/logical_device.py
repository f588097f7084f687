"""The logical device: every object of the emulated meter, over one household."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import AttributeDescriptor
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.association_view import sap_assignment
from meterkit.emulator.dlms.billing import BILLED, billing_profile
from meterkit.emulator.dlms.client_security import MeterSecurity
from meterkit.emulator.dlms.clock import ClockObject, MeterClock
from meterkit.emulator.dlms.configuration import Clearance, DlmsEmulatorConfiguration
from meterkit.emulator.dlms.cosem_object import Attribute, Cell, CosemObject, fixed
from meterkit.emulator.dlms.duty_objects import DutyObjects
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.object_view import ObjectView
from meterkit.emulator.dlms.profile import Column, Profile
from meterkit.emulator.dlms.profile_rows import CellMaker, EventRows, PeriodicRows, row_status
from meterkit.emulator.dlms.push_setup import PushSetup
from meterkit.emulator.dlms.quantities import Quantity, quantities
from meterkit.emulator.dlms.registers import Demand, register
from meterkit.emulator.dlms.security_setup import SecuritySetup, invocation_counter
from meterkit.emulator.dlms.switches import data
from meterkit.emulator.household import Household

PROFILE_STATUS = ObisCode(0, 0, 96, 10, 1)
EVENT_CODE = ObisCode(0, 0, 96, 11, 0)
POWER_FAILURES = ObisCode(0, 0, 96, 7, 21)
NOTE = ObisCode(0, 0, 96, 13, 0)  #: a data object that anybody with clearance may write
SECRET = ObisCode(0, 0, 96, 1, 9)  #: a data object that managers alone may read
_EMPTY_NOTE = b"\x09\x00"  # octet-string


class LogicalDevice:
    """The objects, made once; `is_scaler_denied` is asked whenever a register's attribute 3 is read."""

    def __init__(
        self,
        configuration: DlmsEmulatorConfiguration,
        household: Household,
        clock: MeterClock,
        *,
        security: MeterSecurity,
        is_scaler_denied: Callable[[], bool],
        faults: Callable[[], DlmsFaults],
        takes_keys: Callable[[], bool],
        push: Callable[[], None],
    ) -> None:
        self.configuration = configuration
        self.local = LocalTime(configuration.utc_offset, summer_time=configuration.summer_time)
        self.duties = DutyObjects(configuration, household, clock.now, self.local, faults)
        self.breaker = self.duties.breaker
        self._household = household
        self._quantities = quantities(household)
        started = clock.now()
        recorded = clock.now if configuration.follow_clock else lambda: started
        demand = Demand(household, clock.now, self.local)
        self._clock = ClockObject(clock, self.local, configuration.utc_offset)
        self.objects: list[CosemObject] = [
            *self._identity(clock.now),
            self._clock.object,
            *(
                register(one, clock.now, is_scaler_denied=is_scaler_denied)
                for one in self._quantities.values()
            ),
            demand.extended_register(),
            demand.demand_register(),
            self._load_profile(recorded),
            self._event_log(recorded),
            self._billing(recorded),
            self.breaker.control,
            self.breaker.scripts,
            *(invocation_counter(keys) for keys in security.clients.values()),
            *(SecuritySetup(keys, clock.now, takes_keys).object for keys in security.clients.values()),
        ]
        self.push_setup = PushSetup(
            [Column(8, ObisCode.CLOCK), *(Column(3, obis) for obis in list(self._quantities)[:2])],
            self._read,
            push,
        )
        self.objects.extend((self.push_setup.object, *self.duties.objects))
        self._everything = ObjectView(self.objects, Clearance.MANAGER)

    @property
    def name(self) -> bytes:
        """The logical device name: manufacturer and serial number, at most 16 octets."""
        configuration = self.configuration
        return f"{configuration.manufacturer}{configuration.serial_number}".encode()[:16]

    def readout(self) -> list[tuple[ObisCode, int, int, int]]:
        """Return what a data readout shows of every quantity: OBIS code, value, scaler, unit."""
        now = self._clock_now()
        return [(one.obis, one.at(now), one.scaler, one.unit) for one in self._quantities.values()]

    def _identity(self, now: Callable[[], datetime]) -> list[CosemObject]:
        self._clock_now = now
        configuration = self.configuration

        def power_failures() -> bytes:
            return axdr.encode_long_unsigned(self._household.outages_until(now())[1] & 0xFFFF)

        return [
            data(ObisCode.LOGICAL_DEVICE_NAME, fixed(axdr.encode_octet_string(self.name))),
            data(
                ObisCode.SERIAL_NUMBER, fixed(axdr.encode_octet_string(configuration.serial_number.encode()))
            ),
            data(ObisCode.FIRMWARE_VERSION, Attribute(self._firmware)),
            data(PROFILE_STATUS, fixed(axdr.encode_unsigned(0))),
            data(EVENT_CODE, fixed(axdr.encode_unsigned(0))),
            data(POWER_FAILURES, Attribute(power_failures)),
            data(NOTE, Cell(_EMPTY_NOTE).writable),
            data(SECRET, Attribute(Cell(_EMPTY_NOTE).read, reader=Clearance.MANAGER)),
            sap_assignment(configuration.logical_device, self.name),
        ]

    def _firmware(self) -> bytes:
        return axdr.encode_octet_string(self.duties.firmware)

    def _billing(self, now: Callable[[], datetime]) -> CosemObject:
        columns = [self._column(obis) for obis in (ObisCode.CLOCK, *BILLED)]
        return billing_profile(columns, [self._maker(column) for column in columns], self.local, now)

    def _load_profile(self, now: Callable[[], datetime]) -> CosemObject:
        profile = self.configuration.profile
        columns = [self._column(ObisCode.parse(text)) for text in profile.columns]
        makers = [self._maker(column) for column in columns]
        rows = PeriodicRows(profile.rows, profile.period, makers, now)
        return Profile(
            ObisCode.LOAD_PROFILE,
            columns,
            rows,
            self.local,
            capacity=profile.rows,
            period=profile.period,
            is_compressed=profile.null_data,
            oddities=profile.oddities,
        ).object

    def _event_log(self, now: Callable[[], datetime]) -> CosemObject:
        capacity = self.configuration.event_log_rows
        columns = [Column(8, ObisCode.CLOCK), Column(1, EVENT_CODE)]
        rows = EventRows(capacity, self._household, self.local.octets, now)
        return Profile(ObisCode.EVENT_LOG, columns, rows, self.local, capacity=capacity, period=0).object

    def _column(self, obis: ObisCode) -> Column:
        """Return the column for a code.  Errors: ValueError for one the meter does not capture."""
        if obis == ObisCode.CLOCK:
            return Column(8, obis)
        if obis == PROFILE_STATUS:
            return Column(1, obis)
        if obis in self._quantities:
            return Column(3, obis)
        known = ", ".join(map(str, (ObisCode.CLOCK, PROFILE_STATUS, *self._quantities)))
        raise ValueError(f"the load profile has no column {obis}; it can have: {known}")

    def _maker(self, column: Column) -> CellMaker:
        if column.class_id == 8:
            return lambda _, end: b"\x09\x0c" + self.local.octets(end)
        if column.class_id == 1:
            return partial(row_status, self._household)
        quantity: Quantity = self._quantities[column.obis]
        return lambda _, end: quantity.octets(end)

    def _read(self, column: Column) -> bytes | None:
        """Return the value of an attribute, None where there is none."""
        value = self._everything.get(AttributeDescriptor(column.class_id, column.obis, column.attribute))
        return value if isinstance(value, bytes) else None
