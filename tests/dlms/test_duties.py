"""What a meter is made to do: clock, switch, calendar, special days, pushes, scripts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from meterkit import ErrorKind, ObisCode
from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDate, CosemTime
from meterkit.dlms.cosem.clock_and_schedules import (
    DayProfile,
    DayProfileAction,
    ExecutionTimeDate,
    SingleActionType,
)
from meterkit.dlms.cosem.composite_types import type_of
from meterkit.dlms.cosem.definitions import ActionItem, CaptureObject, RestrictedObject
from meterkit.dlms.cosem.push_and_image import PushMessage, TransportService
from meterkit.dlms.cosem.security_setup import SecurityPolicy
from meterkit.dlms.cosem.switches_and_limits import ControlMode, ControlState, DisconnectControl
from meterkit.dlms.duties.calendar import TariffCalendar
from meterkit.dlms.duties.clock_setting import ClockMark
from meterkit.dlms.duties.disconnector import DisconnectorReading
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.cosem_object import Attribute, Cell, CosemObject, fixed
from tests.dlms.rig import NOW, connected, meter
from tests.dlms.test_readings import change, of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

SWITCH = DisconnectControl("0-0:96.3.10")


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def requests(wire, tag, since=0):
    """Count the requests of one kind."""
    return sum(octets[8:9] == tag for _, octets in wire.log[since:])


SET, ACTION = b"\xc1", b"\xc3"


# ---------------------------------------------------------------- the clock
async def test_a_clock_is_set_in_the_meters_own_zone():
    wanted = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    emulator = meter()
    async with connected(emulator, manager=True) as (client, wire):
        setting = (await client.set_clock(wanted)).unwrap()
        assert requests(wire, SET) == 1

    assert emulator.now() == wanted
    assert str(setting.written) == "2026-07-01 13:00:00+01:00"
    assert str(setting.before) == "2026-11-21 11:37:12+01:00"


async def test_a_clock_is_set_to_our_time_by_default():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, _):
        (await client.set_clock(now=lambda: NOW + timedelta(seconds=5))).unwrap()
    assert emulator.now() == NOW + timedelta(seconds=5)


async def test_a_naive_time_is_the_meters_local_time():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, _):
        (await client.set_clock(datetime(2026, 1, 1, 1))).unwrap()
    assert emulator.now() == datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_clock_that_tells_no_zone_takes_local_time_only():
    emulator = meter()
    object_ = of(emulator, 8, "0-0:1.0.0")
    octets = axdr.encode_octet_string(bytes.fromhex("07ea0b15060b250c00800000"))
    object_.attributes[2] = replace(object_.attributes[2], read=lambda: octets)
    async with connected(emulator, manager=True) as (client, wire):
        refused = await client.set_clock(NOW)
        assert requests(wire, SET) == 0
        assert (await client.set_clock(datetime(2026, 1, 1, 1))).is_success

    assert refused.error.kind is ErrorKind.STATE
    assert "give its local time, without a zone" in refused.error.message


async def test_a_clock_in_a_zone_that_cannot_be_is_not_set():
    emulator = meter()
    change(emulator, 8, "0-0:1.0.0", 2, axdr.encode_octet_string(bytes.fromhex("07ea0b15060b250c007fff00")))
    async with connected(emulator, manager=True) as (client, wire):
        refused = await client.set_clock(NOW)

    assert refused.error.kind is ErrorKind.DECODE
    assert "32767 minutes from UTC" in refused.error.message
    assert requests(wire, SET) == 0


async def test_a_clock_is_shifted_and_rounded():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, _):
        (await client.shift_clock(-12)).unwrap()
        shifted = emulator.now()
        (await client.round_clock(ClockMark.QUARTER)).unwrap()
        with pytest.raises(ValueError, match="seconds"):
            await client.shift_clock(901)

    assert shifted == NOW.replace(second=0)
    assert emulator.now() == NOW.replace(minute=30, second=0)


@pytest.mark.parametrize("mark", ClockMark)
async def test_every_mark_has_a_method_of_its_own(mark):
    emulator = meter()
    async with connected(emulator, manager=True) as (client, wire):
        (await client.round_clock(mark)).unwrap()
        assert wire.log[-1][1][19] == mark.value
    assert emulator.now().second == 0


async def test_a_time_is_sent_now_and_set_later():
    emulator, later = meter(), NOW + timedelta(hours=2)
    async with connected(emulator, manager=True) as (client, _):
        assert (await client.use_preset_time()).error.code == 2
        (await client.preset_clock(later, NOW, NOW + timedelta(hours=3))).unwrap()
        assert emulator.now() == NOW
        (await client.use_preset_time()).unwrap()
        with pytest.raises(ValueError, match="is after until"):
            await client.preset_clock(later, later, NOW)
        with pytest.raises(ValueError, match="all with a time zone, or none"):
            await client.preset_clock(later, NOW, later.replace(tzinfo=None))
    assert emulator.now() == later


# ---------------------------------------------------------------- the switch
async def test_a_consumer_is_disconnected_and_connected_again():
    async with connected(manager=True) as (client, wire):
        off = (await client.disconnect_supply()).unwrap()
        on = (await client.reconnect_supply()).unwrap()
        assert requests(wire, ACTION) == 2
        assert client.is_connected

    assert off == DisconnectorReading(False, ControlState.DISCONNECTED, ControlMode.MODE_2)
    assert (on.is_connected, on.needs_button) == (True, False)


async def test_in_some_modes_somebody_has_to_press_the_button():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, _):
        (await client.set(SWITCH.control_mode, ControlMode.MODE_1)).unwrap()
        (await client.disconnect_supply()).unwrap()
        ready = (await client.reconnect_supply()).unwrap()
        emulator.device.breaker.press_button()
        pressed = (await client.read_disconnector()).unwrap()

    assert (ready.is_connected, ready.state) == (False, ControlState.READY_FOR_RECONNECTION)
    assert ready.needs_button
    assert pressed.is_connected


async def test_a_meter_that_is_always_connected_is_asked_nothing():
    async with connected(manager=True) as (client, wire):
        (await client.set(SWITCH.control_mode, ControlMode.NONE)).unwrap()
        refused = await client.disconnect_supply()
        assert requests(wire, ACTION) == 0

    assert refused.error.kind is ErrorKind.STATE
    assert "none (0): always connected; nothing was sent" in refused.error.message


async def test_a_switch_whose_state_is_not_told_is_switched_all_the_same():
    emulator = meter()
    switch = of(emulator, 70, "0-0:96.3.10")
    for index in (2, 3, 4):
        switch.attributes[index] = Attribute(None)
    async with connected(emulator, manager=True) as (client, wire):
        off = (await client.disconnect_supply()).unwrap()
        assert requests(wire, ACTION) == 1
        assert (await client.read_disconnector()).error.code == 3

    assert off == DisconnectorReading(None, None, None)
    assert off.needs_button is None
    assert emulator.device.breaker.state == 0


async def test_a_client_without_the_right_switches_nothing():
    emulator = meter()
    async with connected(emulator) as (client, _):
        assert (await client.disconnect_supply()).error.code == 3
    assert emulator.device.breaker.state == 1


# ---------------------------------------------------------------- tariffs
async def test_a_calendar_is_prepared_and_then_acts():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, wire):
        before = (await client.read_calendar()).unwrap()
        all_day = DayProfile(1, (DayProfileAction(CosemTime(0, 0, 0, 0), ObisCode.TARIFF_SCRIPT_TABLE, 3),))
        new = replace(before.active, name=b"FLAT", days=(all_day, replace(all_day, day_id=2)))
        tariff = (await client.measure("0-0:96.14.0")).unwrap().raw
        (await client.write_calendar(new)).unwrap()
        assert requests(wire, SET) == 4
        prepared = (await client.read_calendar()).unwrap()
        assert (await client.measure("0-0:96.14.0")).unwrap().raw == tariff == 2  # a Saturday
        (await client.activate_calendar()).unwrap()
        after = (await client.read_calendar()).unwrap()
        assert (await client.measure("0-0:96.14.0")).unwrap().raw == 3

    assert before.active.text == "MKT1"
    assert (prepared.active, prepared.passive) == (before.active, new)
    assert after.active == new
    assert after.activation.to_datetime() is None


async def test_a_calendar_can_wait_for_its_time():
    time = [NOW]
    emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(), clock=lambda: time[0])
    async with connected(emulator, manager=True) as (client, _):
        calendar = (await client.read_calendar()).unwrap()
        (await client.write_calendar(replace(calendar.active, name=b"NEXT"))).unwrap()
        (await client.activate_calendar(NOW + timedelta(hours=1))).unwrap()
        waiting = (await client.read_calendar()).unwrap()
        time[0] += timedelta(hours=2)
        acting = (await client.read_calendar()).unwrap()

    assert (waiting.active.text, acting.active.text) == ("MKT1", "NEXT")
    assert waiting.activation.to_datetime() == NOW + timedelta(hours=1)


async def test_a_calendar_that_does_not_fit_together_is_not_written():
    async with connected(manager=True) as (client, wire):
        calendar = (await client.read_calendar()).unwrap().active
        lost = replace(calendar, weeks=(replace(calendar.weeks[0], week_profile_name=b"OTHER", sunday=9),))
        with pytest.raises(ValueError, match="season b'YEAR' has week b'WEEK', which is not there; day 9"):
            await client.write_calendar(lost)
        twice = replace(calendar, days=calendar.days * 2)
        assert twice.problems() == ("day 1 is there twice", "day 2 is there twice")
        assert requests(wire, SET) == 0


async def test_a_calendar_that_is_refused_half_way_says_how_far_it_came():
    emulator = meter()
    of(emulator, 20, "0-0:13.0.0").attributes[8] = fixed(b"\x01\x00")
    async with connected(emulator, manager=True) as (client, _):
        calendar = (await client.read_calendar()).unwrap().active
        refused = await client.write_calendar(calendar)

    assert refused.error.code == 3
    assert "passive calendar, weeks (name, seasons written before)" in str(refused.error)


async def test_what_is_not_told_of_a_calendar_is_none():
    emulator = meter()
    of(emulator, 20, "0-0:13.0.0").attributes[7] = Attribute(None)
    async with connected(emulator) as (client, _):
        calendar = (await client.read_calendar()).unwrap()

    assert calendar.passive is None
    assert isinstance(calendar.active, TariffCalendar)


async def test_special_days_are_inserted_replaced_and_deleted():
    async with connected(manager=True) as (client, _):
        before = (await client.special_days()).unwrap()
        (await client.insert_special_day(9, date(2026, 11, 21), 1)).unwrap()
        (await client.insert_special_day(2, CosemDate(None, 12, 24), 2)).unwrap()
        tariff = (await client.measure("0-0:96.14.0")).unwrap().raw
        (await client.delete_special_day(1)).unwrap()
        after = (await client.special_days()).unwrap()
        missing = await client.delete_special_day(77)
        with pytest.raises(ValueError, match="day_id"):
            await client.insert_special_day(1, date(2026, 1, 1), 256)

    assert [one.index for one in before] == [1, 2]
    assert [(one.index, str(one.specialday_date)) for one in after] == [(2, "*-12-24"), (9, "2026-11-21")]
    assert tariff == 1  # a workday's, on a Saturday
    assert missing.error.code == 11


# ---------------------------------------------------------------- pushes, scripts, devices
async def test_a_push_goes_where_it_is_told_to():
    async with connected(manager=True) as (client, _):
        before = (await client.read_push_setup()).unwrap()
        (await client.write_push_destination("10.0.0.7:4059", TransportService.UDP)).unwrap()
        after = (await client.read_push_setup()).unwrap()

    assert (before.address, after.address) == ("127.0.0.1:4059", "10.0.0.7:4059")
    assert after.destination.transport_service is TransportService.UDP
    assert after.destination.message is PushMessage.A_XDR_ENCODED_APDU
    assert (after.windows, after.retries, after.repetition_delay) == ((), 0, 0)
    assert [str(one.logical_name) for one in after.objects][:2] == ["0-0:25.9.0*255", "0-0:1.0.0*255"]


async def test_what_is_pushed_is_chosen_and_pushed_when_asked_for():
    voltage = CaptureObject(3, ObisCode.VOLTAGE_L1, 2, 0)
    async with connected(manager=True) as (client, _):
        objects = (await client.read_push_setup()).unwrap().objects
        (await client.write_push_objects([objects[0], voltage])).unwrap()
        (await client.trigger_push()).unwrap()
        push = (await anext(client.listen())).unwrap()
        (raw,) = [(await client.measure("1-0:32.7.0")).unwrap().raw]

    listed, pushed = axdr.decode(push.body)
    assert [name for _, name, _, _ in listed][1] == ObisCode.VOLTAGE_L1.to_bytes()
    assert pushed == raw


async def test_an_object_that_the_meter_has_not_cannot_be_pushed():
    async with connected(manager=True) as (client, _):
        refused = await client.write_push_objects([CaptureObject(3, ObisCode(1, 0, 99, 99, 9), 2, 0)])
    assert refused.error.kind is ErrorKind.REFUSED


async def test_objects_of_several_versions_are_the_programmers_mistake():
    one = CaptureObject(3, ObisCode.VOLTAGE_L1, 2, 0)
    other = RestrictedObject(3, ObisCode.VOLTAGE_L1, 2, 0, None)
    async with connected(manager=True) as (client, _):
        with pytest.raises(ValueError, match="CaptureObject, RestrictedObject"):
            await client.write_push_objects([one, other])


async def test_the_version_of_a_push_setup_follows_from_what_it_sends():
    emulator = meter()
    restricted = axdr.from_plain(
        [
            (
                axdr.Data(axdr.Tag.LONG_UNSIGNED, 3),
                ObisCode.VOLTAGE_L1.to_bytes(),
                axdr.Data(axdr.Tag.INTEGER, 2),
                axdr.Data(axdr.Tag.LONG_UNSIGNED, 0),
                (axdr.Data(axdr.Tag.ENUM, 0), None),
            )
        ]
    ).encode()
    change(emulator, 40, "0-0:25.9.0", 2, restricted)
    async with connected(emulator) as (client, _):
        setup = (await client.read_push_setup()).unwrap()

    assert isinstance(setup.objects[0], RestrictedObject)
    assert setup.objects[0].restriction_element.restriction_value is None


async def test_scripts_are_read_and_run():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, _):
        scripts = (await client.scripts("0-0:10.0.106")).unwrap()
        (await client.run_script("0-0:10.0.106", 1)).unwrap()
        missing = await client.run_script("0-0:10.0.106", 7)

    assert [one.script_identifier for one in scripts] == [1, 2]
    assert scripts[0].actions[0].class_id == 70
    assert emulator.device.breaker.state == 0
    assert missing.error.code == 11


async def test_logical_devices_are_told_by_their_sap():
    async with connected() as (client, _):
        (device,) = (await client.logical_devices()).unwrap()
    assert (device.sap, device.logical_device_name) == (1, b"MKT20260001")


async def test_a_schedule_that_the_meter_has_not_is_refused():
    async with connected(manager=True) as (client, _):
        assert (await client.action_schedule("0-0:15.0.0")).error.code == 4
        assert (await client.write_action_times("0-0:15.0.0", [])).error.code == 4


@pytest.mark.parametrize(
    "duty",
    [
        lambda client: client.set_clock(NOW),
        lambda client: client.shift_clock(1),
        lambda client: client.disconnect_supply(),
        lambda client: client.activate_calendar(),
        lambda client: client.insert_special_day(1, date(2026, 1, 1), 1),
        lambda client: client.write_push_destination("here"),
        lambda client: client.run_script("0-0:10.0.106", 1),
    ],
)
async def test_what_was_written_without_an_answer_is_never_sent_again(duty):
    emulator = meter()

    async with connected(emulator, manager=True) as (client, wire):
        session = next(iter(emulator.sessions))
        receive = session.receive

        def deaf(octets, now):
            answer = receive(octets, now)
            return b"" if octets[8:9] in (SET, ACTION) else answer

        session.receive = deaf
        since = len(wire.log)
        lost = await duty(client)
        written = requests(wire, SET, since) + requests(wire, ACTION, since)

    assert lost.error.kind is ErrorKind.TIMEOUT
    assert written == 1


def add(emulator, class_id, obis, **attributes):
    """Give an emulated meter one more object."""
    cells = {int(index[1:]): Cell(octets).writable for index, octets in attributes.items()}
    emulator.device.objects.append(CosemObject(class_id, 0, ObisCode.parse(obis), cells))


async def test_a_schedule_is_read_and_its_times_are_written():
    emulator = meter()
    script = ActionItem(ObisCode(0, 0, 10, 0, 107), 1)
    add(
        emulator,
        22,
        "0-0:15.0.2",
        _2=type_of(ActionItem).encode(script),
        _3=axdr.encode_enum(1),
        _4=axdr.encode_array([]),
    )
    night = ExecutionTimeDate(CosemTime(2, 0, 0, 0), CosemDate(2026, 12, 1))
    async with connected(emulator, manager=True) as (client, _):
        before = (await client.action_schedule("0-0:15.0.2")).unwrap()
        (await client.write_action_times("0-0:15.0.2", [night])).unwrap()
        after = (await client.action_schedule("0-0:15.0.2")).unwrap()

    assert (before.script, before.times) == (script, ())
    assert before.type is SingleActionType.ONE_TIME_WILDCARDS
    assert after.times == (night,)


async def test_protected_data_comes_with_what_protects_it():
    emulator = meter()
    add(
        emulator,
        30,
        "0-0:43.2.0",
        _2=axdr.encode_octet_string(b"sealed"),
        _3=axdr.encode_array([]),
        _6=axdr.encode_enum(0x0C),
    )
    async with connected(emulator) as (client, _):
        data = (await client.protected_data()).unwrap()

    assert (data.buffer, data.objects, data.parameters_get) == (b"sealed", (), None)
    assert data.required == SecurityPolicy.AUTHENTICATED_REQUEST | SecurityPolicy.ENCRYPTED_REQUEST
