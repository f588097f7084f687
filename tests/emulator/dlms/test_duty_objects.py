"""The emulated meter's own duties: what it refuses, what it does by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.apdu.descriptors import (
    ActionResult,
    AttributeDescriptor,
    DataAccessResult,
    MethodDescriptor,
)
from meterkit.dlms.cosem.classes import ActivityCalendar, ImageTransfer, SpecialDaysTable
from meterkit.dlms.cosem.clock_and_schedules import SeasonProfile, SpecialDay
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.push_and_image import ImageBlock, ImageToTransfer
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.configuration import Clearance
from meterkit.emulator.dlms.object_view import ObjectView

TRANSFER = ImageTransfer("0-0:44.0.0")
CALENDAR = ActivityCalendar("0-0:13.0.0")
DAYS = SpecialDaysTable("0-0:11.0.0")
SWITCH = ObisCode.DISCONNECT_CONTROL


class Meter:
    """An emulated meter as its manager sees it, without a line between."""

    def __init__(self, time=datetime(2026, 11, 20, 10, 0, tzinfo=UTC), **configuration):
        self.time = time
        self.emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(**configuration), clock=lambda: self.time)
        self.duties = self.emulator.device.duties
        self.view = ObjectView(self.emulator.device.objects, Clearance.MANAGER)

    def call(self, ref, value=None):
        method = MethodDescriptor(ref.class_id, ref.obis, ref.index)
        return self.view.action(method, ref.encode(value))[0]

    def raw_call(self, ref, octets):
        return self.view.action(MethodDescriptor(ref.class_id, ref.obis, ref.index), octets)[0]

    def get(self, ref):
        return ref.decode(self.view.get(AttributeDescriptor(ref.class_id, ref.obis, ref.index)))

    def set(self, ref, value):
        octets = value if isinstance(value, bytes) else ref.encode(value)
        return self.view.set(AttributeDescriptor(ref.class_id, ref.obis, ref.index), None, octets)


# ---------------------------------------------------------------- image transfer
def begun(size=300):
    meter = Meter()
    assert meter.call(TRANSFER.image_transfer_initiate, ImageToTransfer(b"X", size)) is ActionResult.SUCCESS
    return meter


@pytest.mark.parametrize(
    ("number", "octets"), [(3, 44), (2**32 - 1, 128), (0, 127), (0, 129), (2, 128), (2, 43), (0, 0)]
)
def test_a_block_of_the_wrong_number_or_length_is_refused(number, octets):
    meter = begun()
    block = ImageBlock(number, bytes(octets))
    assert meter.call(TRANSFER.image_block_transfer, block) is ActionResult.OTHER_REASON
    assert str(meter.get(TRANSFER.image_transferred_blocks_status)) == "000"


def test_blocks_come_in_any_order_and_the_last_one_is_short():
    meter = begun()
    for number, octets in ((2, 44), (0, 128)):
        block = ImageBlock(number, bytes(octets))
        assert meter.call(TRANSFER.image_block_transfer, block) is ActionResult.SUCCESS
    assert str(meter.get(TRANSFER.image_transferred_blocks_status)) == "101"
    assert meter.get(TRANSFER.image_first_not_transferred_block_number) == 1
    assert meter.call(TRANSFER.image_verify) is ActionResult.OTHER_REASON  # a block is missing
    assert meter.call(TRANSFER.image_activate) is ActionResult.OBJECT_UNAVAILABLE


@pytest.mark.parametrize("size", [0, (1 << 22) + 1, 2**32 - 1])
def test_an_image_that_is_too_long_or_empty_is_refused(size):
    image = ImageToTransfer(b"X", size)
    assert Meter().call(TRANSFER.image_transfer_initiate, image) is ActionResult.OTHER_REASON


@pytest.mark.parametrize("octets", [None, b"", b"\x00", b"\x02\x02\x0f\x00\x0f\x00", b"\x02\x02\x06"])
def test_parameters_that_are_none_are_refused(octets):
    meter = begun()
    for method in (TRANSFER.image_transfer_initiate, TRANSFER.image_block_transfer):
        assert meter.raw_call(method, octets) is ActionResult.TYPE_UNMATCHED


def test_nothing_goes_over_before_it_is_begun_or_while_it_is_disabled():
    meter = Meter()
    block = ImageBlock(0, bytes(128))
    assert meter.call(TRANSFER.image_block_transfer, block) is ActionResult.OBJECT_UNAVAILABLE
    assert meter.set(TRANSFER.image_transfer_enabled, False) is DataAccessResult.SUCCESS
    image = ImageToTransfer(b"X", 300)
    assert meter.call(TRANSFER.image_transfer_initiate, image) is ActionResult.OBJECT_UNAVAILABLE


# ---------------------------------------------------------------- calendar
@pytest.mark.parametrize(
    ("day", "hour", "tariff"),
    [(20, 4, 2), (20, 5, 1), (20, 20, 1), (20, 21, 2), (21, 12, 2), (22, 12, 2)],
)
def test_the_tariff_follows_weekday_and_hour_of_local_time(day, hour, tariff):
    assert Meter(datetime(2026, 11, day, hour, 30, tzinfo=UTC)).duties.calendar.tariff == tariff


def test_a_special_day_goes_before_the_week():
    meter = Meter(datetime(2026, 12, 25, 12, tzinfo=UTC))  # a Friday
    assert meter.duties.calendar.tariff == 2
    assert meter.call(DAYS.delete, 2) is ActionResult.SUCCESS
    assert meter.duties.calendar.tariff == 1


def test_a_season_holds_until_the_next_one_and_over_new_year():
    meter = Meter(datetime(2026, 2, 3, 12, tzinfo=UTC))
    (week,) = meter.get(CALENDAR.week_profile_table_active)

    def season(name, month, week):
        start = CosemDateTime(CosemDate(None, month, 1), CosemTime(0, 0, 0, 0))
        return SeasonProfile(name, start, week)

    seasons = (season(b"S", 4, b"NONE"), season(b"W", 10, week.week_profile_name))
    assert meter.set(CALENDAR.season_profile_passive, seasons) is DataAccessResult.SUCCESS
    assert meter.call(CALENDAR.activate_passive_calendar) is ActionResult.SUCCESS
    assert meter.duties.calendar.tariff == 1
    meter.time = datetime(2026, 5, 5, 12, tzinfo=UTC)
    assert meter.duties.calendar.tariff == 0  # a week that is not there
    assert meter.duties.configuration_changes == 1


def test_a_calendar_of_the_wrong_type_or_without_end_is_refused():
    meter = Meter()
    assert meter.set(CALENDAR.week_profile_table_passive, b"\x06\0\0\0\0") is DataAccessResult.TYPE_UNMATCHED
    days = meter.get(CALENDAR.day_profile_table_active) * 40
    assert meter.set(CALENDAR.day_profile_table_passive, days) is DataAccessResult.OTHER_REASON
    assert meter.set(CALENDAR.day_profile_table_active, days) is DataAccessResult.READ_WRITE_DENIED


def test_a_table_of_special_days_that_is_full_takes_no_more():
    meter = Meter()
    results = [meter.call(DAYS.insert, SpecialDay(index, CosemDate(2027, 1, 1), 1)) for index in range(70)]
    assert results.count(ActionResult.SUCCESS) == 64
    assert results[-1] is ActionResult.OTHER_REASON


# ---------------------------------------------------------------- logs, billing
def test_a_log_that_is_reset_says_so():
    meter = Meter()
    log = MethodDescriptor(7, ObisCode(0, 0, 99, 98, 1), 1)
    assert meter.view.action(log, axdr.encode_integer(0))[0] is ActionResult.SUCCESS
    buffer = meter.view.get(AttributeDescriptor(7, ObisCode(0, 0, 99, 98, 1), 2))
    assert [code for _, code in axdr.decode(buffer)] == [255]
    assert meter.view.get(AttributeDescriptor(1, ObisCode(0, 0, 96, 11, 1), 2)) == b"\x11\xff"


def test_a_new_month_brings_a_new_row_of_billing():
    meter = Meter()
    buffer = AttributeDescriptor(7, ObisCode.BILLING_PROFILE, 2)
    before = axdr.decode(meter.view.get(buffer))
    meter.time += timedelta(days=11)
    after = axdr.decode(meter.view.get(buffer))
    assert len(before) == len(after) == 13
    assert after[:-1] == before[1:]
    assert CosemDateTime.from_octets(after[-1][0]).date == CosemDate(2026, 12, 1, 2)


# ---------------------------------------------------------------- the switch
def test_a_mode_that_there_is_not_is_refused():
    meter = Meter()
    mode = AttributeDescriptor(70, SWITCH, 4)
    assert meter.view.set(mode, None, axdr.encode_enum(7)) is DataAccessResult.OTHER_REASON
    assert meter.view.set(mode, None, axdr.encode_enum(0)) is DataAccessResult.SUCCESS
    disconnect = MethodDescriptor(70, SWITCH, 1)
    assert meter.view.action(disconnect, axdr.encode_integer(0))[0] is ActionResult.OTHER_REASON
    assert meter.emulator.device.breaker.state == 1


def test_the_button_does_nothing_while_the_switch_is_not_ready():
    meter = Meter()
    meter.view.action(MethodDescriptor(70, SWITCH, 1), axdr.encode_integer(0))
    meter.emulator.device.breaker.press_button()
    assert meter.emulator.device.breaker.state == 0
