"""What readings and duties return, as a type checker sees it."""

from __future__ import annotations

from typing import assert_type

from meterkit import DlmsClient, ObisCode, Result
from meterkit.dlms.cosem.clock_and_schedules import SpecialDay
from meterkit.dlms.duties.calendar import CalendarReading
from meterkit.dlms.duties.clock_setting import ClockSetting
from meterkit.dlms.duties.disconnector import DisconnectorReading
from meterkit.dlms.duties.firmware_status import FirmwareReport
from meterkit.dlms.object_list import ObjectListElement
from meterkit.dlms.readings.billing import BillingSnapshot
from meterkit.dlms.readings.clock import ClockReading
from meterkit.dlms.readings.entries import Entries
from meterkit.dlms.readings.events import Event
from meterkit.dlms.readings.identity import DlmsIdentity
from meterkit.dlms.readings.measurements import Measurement
from meterkit.dlms.typed_objects import TypedObject
from meterkit.emulator import EmulatorTransport
from meterkit.emulator.dlms import DlmsMeterEmulator


async def types_of_readings(client: DlmsClient) -> None:
    assert_type(await client.measure("1-0:1.8.0"), Result[Measurement])
    assert_type(await client.measure_many([ObisCode.CLOCK, "1-0:1.8.0"]), list[Result[Measurement]])
    assert_type(await client.identity(), Result[DlmsIdentity])
    assert_type(await client.read_clock(), Result[ClockReading])
    assert_type(await client.events(), Result[Entries[Event]])
    assert_type(await client.billing(), Result[Entries[BillingSnapshot]])
    assert_type(await client.objects("views"), Result[tuple[ObjectListElement, ...]])
    assert_type(await client.typed_objects(), Result[tuple[TypedObject, ...]])


async def types_of_duties(client: DlmsClient) -> None:
    assert_type(await client.set_clock(), Result[ClockSetting])
    assert_type(await client.disconnect_supply(), Result[DisconnectorReading])
    assert_type(await client.read_calendar(), Result[CalendarReading])
    assert_type(await client.special_days(), Result[tuple[SpecialDay, ...]])
    assert_type(await client.update_firmware(b"image", "name"), Result[FirmwareReport])


def test_the_client_has_what_is_typed_here() -> None:
    client = DlmsClient(EmulatorTransport(DlmsMeterEmulator()))
    assert callable(client.measure)
    assert callable(client.update_firmware)
