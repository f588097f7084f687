"""What people ask a DLMS meter for, as calls on the client."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from meterkit.dlms.cosem.data_and_registers import RegisterTable
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.security_setup import DataProtection
from meterkit.dlms.cosem.switches_and_limits import Limiter
from meterkit.dlms.object_list import ObjectListElement
from meterkit.dlms.readings.billing import BillingSnapshot, read_billing
from meterkit.dlms.readings.clock import ClockReading, read_the_clock, utc_now
from meterkit.dlms.readings.entries import Entries
from meterkit.dlms.readings.events import Event, event_logs, read_events
from meterkit.dlms.readings.identity import DlmsIdentity, read_identity
from meterkit.dlms.readings.limiter import LIMITER, LimiterReading, read_limiter
from meterkit.dlms.readings.measurements import Measured, Measurement, read_measurement, read_measurements
from meterkit.dlms.readings.meter import Meter
from meterkit.dlms.readings.object_views import Kept, read_view
from meterkit.dlms.readings.profile_rows import HasProfiles
from meterkit.dlms.readings.protected_data import DATA_PROTECTION, ProtectedData, read_protected_data
from meterkit.dlms.readings.register_table import read_register_table
from meterkit.dlms.typed_objects import TypedObject, typed_objects
from meterkit.result import Result


class MeterReadings(Meter, Protocol):
    """The readings of a client: each returns a Result, and reads no more than it needs."""

    async def measure(self, what: ObisCode | str | Measured) -> Result[Measurement]:
        """Read a register with its scaler and unit: `(await client.measure("1-0:1.8.0")).unwrap().value`.

        `what` is a name, tried as Register, Extended register, Demand register and Data, or one of those.
        A meter that denies the scaler still gives the raw value, with `problem` saying why there is no other.

        Errors: REFUSED the meter has no such value, or does not let us read it; as `get_attribute`.
        """
        return await read_measurement(self, what)

    async def measure_many(self, wanted: Iterable[ObisCode | str | Measured]) -> list[Result[Measurement]]:
        """Read several registers at once: one Result each, in order.

        Errors: as `measure`, each by itself; after what ended the session the rest have that error too.
        """
        return await read_measurements(self, wanted)

    async def register_table(self, obis: ObisCode | str) -> Result[tuple[Measurement, ...]]:
        """Read a register table (class 61): one value each of registers that differ in value group E.

        Errors: DECODE cells that are not as many as it says; as `get_attribute`.
        """
        return await read_register_table(self, RegisterTable(obis))

    async def identity(self) -> Result[DlmsIdentity]:
        """Read who the meter is; what it keeps to itself is None, and `withheld` has the reason.

        Errors: whatever ended the session.
        """
        return await read_identity(self)

    async def read_clock(
        self, utc_offset: timedelta | None = None, *, now: Callable[[], datetime] = utc_now
    ) -> Result[ClockReading]:
        """Read the clock and how far it is ahead of ours, which `now` tells as an aware time.

        `utc_offset` says how far the meter's time is from UTC where it does not tell itself.
        Errors: as `get_attribute`.  Raises: ValueError where `now` tells a time without a zone.
        """
        return await read_the_clock(self, utc_offset, now=now)

    async def billing(
        self: HasProfiles,
        profile: ObisCode | str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Result[Entries[BillingSnapshot]]:
        """Read what registers said at the end of each billing period, oldest first.

        Without `profile`, 0-0:98.1.0 is read, or 1-0:98.1.0 where the meter has that.  Where the reading
        breaks off, the good ones are given, and their `error` says why.
        Errors: as `load_profile`, where there is not even one.
        """
        wanted = ObisCode.parse(profile) if isinstance(profile, str) else profile
        return await read_billing(self, wanted, since, until)

    async def events(
        self: HasProfiles,
        log: ObisCode | str = ObisCode.EVENT_LOG,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Result[Entries[Event]]:
        """Read an event log, oldest first; 0-0:99.98.0 is the standard one, `event_logs` tells them all.

        Where the reading breaks off, the good events are given, and their `error` says why.
        Errors: as `load_profile`, where there is not even one.
        """
        wanted = ObisCode.parse(log) if isinstance(log, str) else log
        return await read_events(self, wanted, since, until)

    async def event_logs(self) -> Result[tuple[ObisCode, ...]]:
        """Read which event logs the meter has.  Errors: as `objects`."""
        return (await read_view(self)).map(event_logs)

    async def read_limiter(self, obis: ObisCode | str = LIMITER) -> Result[LimiterReading]:
        """Read how much may be taken, for how long, and what is done beyond.

        What the meter does not tell is None.  Errors: as `get_attribute`, where it tells nothing at all.
        """
        return await read_limiter(self, Limiter(obis))

    async def protected_data(self, obis: ObisCode | str = DATA_PROTECTION) -> Result[ProtectedData]:
        """Read a data protection object (class 30).

        What the meter does not tell is None.  Errors: as `get_attribute`, where it tells nothing at all.
        """
        return await read_protected_data(self, DataProtection(obis))

    async def objects(
        self, cached: Kept | None = None, *, refresh: bool = False
    ) -> Result[tuple[ObjectListElement, ...]]:
        """Read the association view: every object with its class, version, name and access rights.

        With `cached`, a folder or an `ObjectCache`, the view is kept there and taken from there by later
        runs, as long as the meter has the same name, firmware and number of configuration changes; with
        `refresh` it is read anew all the same.

        Errors: as `get_attribute`.  Raises: OSError where the folder cannot be written.
        """
        return await read_view(self, cached, refresh=refresh)

    async def typed_objects(
        self, cached: Kept | None = None, *, refresh: bool = False
    ) -> Result[tuple[TypedObject, ...]]:
        """Read the association view as typed objects with their rights and what their names mean.

        Errors and Raises: as `objects`.
        """
        return (await read_view(self, cached, refresh=refresh)).map(typed_objects)
