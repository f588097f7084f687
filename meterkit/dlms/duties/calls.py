"""What people have a DLMS meter do, as calls on the client.  Nothing written is ever sent twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Protocol

from meterkit import arguments
from meterkit.codec.cosem_time import CosemDate
from meterkit.dlms.cosem.access_control import AsslistElement, SapAssignment
from meterkit.dlms.cosem.clock_and_schedules import (
    ActivityCalendar,
    ExecutionTimeDate,
    Script,
    ScriptTable,
    SingleActionSchedule,
    SpecialDay,
    SpecialDaysTable,
)
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.push_and_image import ImageTransfer, PushMessage, TransportService
from meterkit.dlms.cosem.switches_and_limits import DisconnectControl
from meterkit.dlms.duties.calendar import (
    CALENDAR,
    CalendarReading,
    TariffCalendar,
    activate_calendar,
    read_calendar,
    write_calendar,
)
from meterkit.dlms.duties.clock_setting import (
    ClockMark,
    ClockSetting,
    preset_clock,
    round_clock,
    set_clock,
    shift_clock,
    use_preset_time,
)
from meterkit.dlms.duties.disconnector import DisconnectorReading, read_disconnector, switch_supply
from meterkit.dlms.duties.firmware import PATIENCE, FirmwareUpdate, FirmwareWish
from meterkit.dlms.duties.firmware_status import (
    FirmwareProgress,
    FirmwareReport,
    FirmwareStatus,
    read_firmware_status,
)
from meterkit.dlms.duties.push_setup import (
    PushObject,
    PushReading,
    read_push_setup,
    trigger_push,
    write_push_destination,
    write_push_objects,
)
from meterkit.dlms.duties.schedules import (
    ActionSchedule,
    read_action_schedule,
    read_scripts,
    run_script,
    write_action_times,
)
from meterkit.dlms.duties.special_days import (
    SPECIAL_DAYS,
    delete_special_day,
    insert_special_day,
    read_special_days,
)
from meterkit.dlms.readings.calls import MeterReadings
from meterkit.dlms.readings.clock import utc_now
from meterkit.dlms.session import DlmsSession
from meterkit.result import Result


class MeterDuties(MeterReadings, Protocol):
    """The duties of a client's meter; readings come with them.

    Each writes once.  Errors of all: REFUSED the meter's no, in words; after a TIMEOUT nobody knows whether
    the meter took it.
    """

    _session: DlmsSession

    # ---------------------------------------------------------------- the clock
    async def set_clock(
        self, when: datetime | None = None, *, now: Callable[[], datetime] = utc_now
    ) -> Result[ClockSetting]:
        """Set the clock to `when`, or to our own time to the second, which `now` tells as an aware time.

        An aware time is written in the meter's own zone; a naive one is the meter's local time as it is.
        Errors: STATE an aware time for a meter that does not tell its zone; as `set_attribute`.
        """
        return await set_clock(self, when, now)

    async def shift_clock(self, seconds: int) -> Result[None]:
        """Shift the clock by -900 to 900 seconds.  Errors: as `action`.  Raises: ValueError beyond."""
        return await shift_clock(self, seconds)

    async def round_clock(self, mark: ClockMark = ClockMark.MINUTE) -> Result[None]:
        """Set the clock to the nearest quarter, measuring period or minute.  Errors: as `action`."""
        return await round_clock(self, mark)

    async def preset_clock(self, when: datetime, since: datetime, until: datetime) -> Result[None]:
        """Send a time that `use_preset_time` sets, as long as the clock is between `since` and `until`.

        Errors: as `action`.  Raises: ValueError for times that do not fit together.
        """
        return await preset_clock(self, when, since, until)

    async def use_preset_time(self) -> Result[None]:
        """Set the clock to the time that `preset_clock` sent.  Errors: as `action`."""
        return await use_preset_time(self)

    # ---------------------------------------------------------------- the switch
    async def read_disconnector(
        self, obis: ObisCode | str = ObisCode.DISCONNECT_CONTROL
    ) -> Result[DisconnectorReading]:
        """Read the state of the switch behind the meter, and its mode.

        What the meter does not tell is None.  Errors: as `get_attribute`, where it tells nothing at all.
        """
        return await read_disconnector(self, DisconnectControl(obis))

    async def disconnect_supply(
        self, obis: ObisCode | str = ObisCode.DISCONNECT_CONTROL
    ) -> Result[DisconnectorReading]:
        """Switch the consumer off, once, and read what came of it.  (`disconnect` ends the session.)

        Errors: STATE the mode is "always connected": nothing was sent; as `action`.
        """
        return await switch_supply(self, DisconnectControl(obis), connect=False)

    async def reconnect_supply(
        self, obis: ObisCode | str = ObisCode.DISCONNECT_CONTROL
    ) -> Result[DisconnectorReading]:
        """Switch the consumer on, or let the consumer do so by hand, as the mode says; read what came of it.

        Errors: as `disconnect_supply`.
        """
        return await switch_supply(self, DisconnectControl(obis), connect=True)

    # ---------------------------------------------------------------- tariffs
    async def read_calendar(self, obis: ObisCode | str = CALENDAR) -> Result[CalendarReading]:
        """Read the tariff calendar that acts and the one that is prepared.

        What the meter does not tell is None.  Errors: as `get_attribute`, where it tells nothing at all.
        """
        return await read_calendar(self, ActivityCalendar(obis))

    async def write_calendar(self, calendar: TariffCalendar, obis: ObisCode | str = CALENDAR) -> Result[None]:
        """Write the prepared calendar; the one that acts goes on.  The error says how far it came.

        Errors: as `set_attribute`.  Raises: ValueError for seasons, weeks and days that do not fit together.
        """
        return await write_calendar(self, ActivityCalendar(obis), calendar)

    async def activate_calendar(
        self, when: datetime | None = None, obis: ObisCode | str = CALENDAR
    ) -> Result[None]:
        """Have the prepared calendar act, now or from `when` on.  Errors: as `action`."""
        return await activate_calendar(self, ActivityCalendar(obis), when)

    async def special_days(self, obis: ObisCode | str = SPECIAL_DAYS) -> Result[tuple[SpecialDay, ...]]:
        """Read the dates that are no ordinary days.  Errors: as `get_attribute`."""
        return await read_special_days(self, SpecialDaysTable(obis))

    async def insert_special_day(
        self, index: int, day: date | CosemDate, day_id: int, obis: ObisCode | str = SPECIAL_DAYS
    ) -> Result[None]:
        """Add a special day, or replace that of the same index.  Errors: as `action`."""
        return await insert_special_day(self, SpecialDaysTable(obis), index, day, day_id)

    async def delete_special_day(self, index: int, obis: ObisCode | str = SPECIAL_DAYS) -> Result[None]:
        """Delete a special day by its index.  Errors: as `action`."""
        return await delete_special_day(self, SpecialDaysTable(obis), index)

    # ---------------------------------------------------------------- scripts
    async def scripts(self, obis: ObisCode | str) -> Result[tuple[Script, ...]]:
        """Read what the scripts of a table do.  Errors: as `get_attribute`."""
        return await read_scripts(self, ScriptTable(obis))

    async def run_script(self, obis: ObisCode | str, script: int) -> Result[None]:
        """Run a script by its number, from 1.  Errors: as `action`."""
        return await run_script(self, ScriptTable(obis), script)

    async def action_schedule(self, obis: ObisCode | str) -> Result[ActionSchedule]:
        """Read which script a single action schedule runs, and when.

        What the meter does not tell is None.  Errors: as `get_attribute`, where it tells nothing at all.
        """
        return await read_action_schedule(self, SingleActionSchedule(obis))

    async def write_action_times(
        self, obis: ObisCode | str, times: Iterable[ExecutionTimeDate]
    ) -> Result[None]:
        """Write when a single action schedule runs its script.  Errors: as `set_attribute`."""
        return await write_action_times(self, SingleActionSchedule(obis), times)

    # ---------------------------------------------------------------- pushes, logical devices
    async def read_push_setup(self, obis: ObisCode | str = ObisCode.PUSH_SETUP) -> Result[PushReading]:
        """Read what a meter pushes, where to and when.

        What the meter does not tell is None.  Errors: as `get_attribute`, where it tells nothing at all.
        """
        return await read_push_setup(self, obis)

    async def write_push_destination(
        self,
        address: str | bytes,
        service: TransportService = TransportService.TCP,
        message: PushMessage = PushMessage.A_XDR_ENCODED_APDU,
        obis: ObisCode | str = ObisCode.PUSH_SETUP,
    ) -> Result[None]:
        """Write where to push, such as "10.0.0.7:4059".  Errors: as `set_attribute`."""
        return await write_push_destination(self, obis, address, service, message)

    async def write_push_objects(
        self, objects: Iterable[PushObject], obis: ObisCode | str = ObisCode.PUSH_SETUP
    ) -> Result[None]:
        """Write what is pushed: `CaptureObject`s, from version 1 of the setup on `RestrictedObject`s.

        Errors: as `set_attribute`.  Raises: ValueError for objects of several versions.
        """
        return await write_push_objects(self, obis, objects)

    async def trigger_push(self, obis: ObisCode | str = ObisCode.PUSH_SETUP) -> Result[None]:
        """Have the meter push now; `listen()` streams what comes on this line.  Errors: as `action`."""
        return await trigger_push(self, obis)

    async def logical_devices(self) -> Result[tuple[AsslistElement, ...]]:
        """Read the logical devices behind this address, by SAP.  Errors: as `get_attribute`."""
        return await self.get(SapAssignment(ObisCode.SAP_ASSIGNMENT).sap_assignment_list)

    # ---------------------------------------------------------------- firmware
    async def firmware_status(self, obis: ObisCode | str = ObisCode.IMAGE_TRANSFER) -> Result[FirmwareStatus]:
        """Read how far a firmware update is, and what waits for activation.

        What the meter does not tell is None.  Errors: as `get_attribute`, where it tells nothing at all.
        """
        return await read_firmware_status(self, ImageTransfer(obis))

    async def update_firmware(
        self,
        image: bytes,
        identifier: bytes | str,
        *,
        activate: bool = False,
        resume: bool = False,
        patience: float = PATIENCE,
        progress: Callable[[FirmwareProgress], None] | None = None,
        obis: ObisCode | str = ObisCode.IMAGE_TRANSFER,
    ) -> Result[FirmwareReport]:
        """Transfer an image block by block, have it verified and, if asked to, activated.

        Blocks that the meter lacks afterwards are sent again, no others.  `patience` (seconds) is how long a
        verification, and an activation, may take.  After a session that was lost, connect and call this with
        `resume`: it goes on where the meter says that it is, with the same image.  An activation is never
        asked for twice.

        Errors: STATE transfers are not enabled, or another image was begun; REFUSED the meter's no, also to
        an image that it finds wrong; PROTOCOL blocks that do not arrive; TIMEOUT out of patience.
        Raises: ValueError for an empty image, and a patience below 0.
        """
        name = identifier.encode() if isinstance(identifier, str) else identifier
        octets = arguments.octets("image", image)
        wish = FirmwareWish(octets, arguments.octets("identifier", name), activate, resume, patience)
        pause = self._session.exchange.pause
        return await FirmwareUpdate(self, ImageTransfer(obis), wish, pause, progress).run()
