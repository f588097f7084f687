"""What the emulated meter has besides what it measures: switches, limits, calendar, images, logs, billing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.billing import harmonics_table
from meterkit.emulator.dlms.calendar import TariffCalendar
from meterkit.emulator.dlms.configuration import DlmsEmulatorConfiguration
from meterkit.emulator.dlms.cosem_object import Attribute, CosemObject
from meterkit.emulator.dlms.event_logs import DISCONNECTOR_LOG, FRAUD_LOG, MOUNTED, LoggedRows, event_log
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.image_transfer import ImageTransferObject
from meterkit.emulator.dlms.limiter import LimiterObject
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.switches import Breaker, data
from meterkit.emulator.household import Household

FIRMWARE = b"meterkit emulator"
CONFIGURATION_CHANGES = ObisCode(0, 0, 96, 2, 0)


class DutyObjects:
    """The objects, and what they have in common: the firmware that runs, the count of changes."""

    def __init__(
        self,
        configuration: DlmsEmulatorConfiguration,
        household: Household,
        now: Callable[[], datetime],
        local: LocalTime,
        faults: Callable[[], DlmsFaults],
    ) -> None:
        capacity = configuration.event_log_rows
        frauds = LoggedRows(capacity, local.octets, now, MOUNTED)
        switchings = LoggedRows(capacity, local.octets, now)
        self.firmware = FIRMWARE
        self.configuration_changes = 0
        self.breaker = Breaker(switchings.log)
        self.calendar = TariffCalendar(now, local, self._count_change)
        self.image_transfer = ImageTransferObject(configuration.image, faults, now, self._run_firmware)
        self.limiter = LimiterObject(now, local, lambda time: household.power(time)[0], self.breaker)
        self.objects: list[CosemObject] = [
            *self.calendar.objects,
            self.limiter.object,
            self.image_transfer.object,
            harmonics_table(household, now),
            *event_log(FRAUD_LOG, frauds, local, capacity),
            *event_log(DISCONNECTOR_LOG, switchings, local, capacity),
            data(CONFIGURATION_CHANGES, Attribute(self._changes)),
        ]

    def _run_firmware(self, identifier: bytes) -> None:
        self.firmware = identifier
        self._count_change()

    def _count_change(self) -> None:
        self.configuration_changes += 1

    def _changes(self) -> bytes:
        return axdr.encode_long_unsigned(self.configuration_changes & 0xFFFF)
