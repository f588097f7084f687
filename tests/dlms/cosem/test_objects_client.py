"""Typed calls against the emulated meter: get, set, call, whole objects, the view as typed objects."""

import pytest

from meterkit import Err, ErrorKind, ObisCode, Ok
from meterkit.codec import axdr
from meterkit.dlms.cosem.classes import (
    Clock,
    Data,
    DisconnectControl,
    PushSetup,
    Register,
    ScriptTable,
    class_for,
)
from meterkit.dlms.cosem.data_types import DOUBLE_LONG_UNSIGNED, OCTET_STRING
from meterkit.dlms.cosem.declare import AttributeRef, CosemObject, MethodRef, attribute
from meterkit.dlms.cosem.definitions import CaptureObject
from meterkit.dlms.cosem.switches_and_limits import ControlState
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.objects_client import ObjectValues, call_method, get_value, read_object, set_value
from meterkit.dlms.typed_objects import object_for, typed_objects
from meterkit.emulator.dlms import DlmsQuirk
from tests.dlms.rig import connected, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

NOTE = Data("0-0:96.13.0")
BREAKER = DisconnectControl("0-0:96.3.10")


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def test_a_register_comes_with_scaler_and_unit():
    async with connected() as (client, _):
        energy = Register(ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL)
        raw = (await get_value(client._services, energy.value)).unwrap()
        answer = await get_value(client._services, energy.scaler_unit)

    unit = answer.unwrap()
    assert unit.unit is Unit.WATT_HOUR
    assert unit.scale(raw) == raw * 10**unit.scaler


async def test_a_meter_that_denies_the_scaler_still_gives_the_raw_value():
    async with connected(meter(quirks={DlmsQuirk.SCALER_DENIED}), manager=True) as (client, _):
        energy = Register(ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL)
        values = (await read_object(client._services, energy)).unwrap()

    assert isinstance(values.values["value"], int)
    assert values.errors["scaler_unit"].kind is ErrorKind.REFUSED
    assert values["scaler_unit"].error.code == 3


async def test_the_clock_is_read_as_a_date_time_and_set_as_one():
    clock = Clock("0-0:1.0.0")
    async with connected(manager=True) as (client, _):
        now = (await get_value(client._services, clock.time)).unwrap()
        written = await set_value(client._services, clock.time, now)

    assert now.to_datetime().isoformat() == "2026-11-21T11:37:12+01:00"
    assert written == Ok(None)


async def test_a_written_value_is_checked_before_anything_is_sent():
    async with connected(manager=True) as (client, wire):
        sent = len(wire.log)
        with pytest.raises(ValueError, match="daylight_savings_deviation: 500 is no integer"):
            await set_value(client._services, Clock("0-0:1.0.0").daylight_savings_deviation, 500)
        assert len(wire.log) == sent


async def test_a_value_of_the_meters_choosing_is_written_with_its_type():
    async with connected(manager=True) as (client, _):
        assert await set_value(client._services, NOTE.value, b"sealed") == Ok(None)
        assert await get_value(client._services, NOTE.value) == Ok(b"sealed")


async def test_a_method_without_parameters_is_called_without():
    async with connected(manager=True) as (client, _):
        done = await call_method(client._services, BREAKER.remote_disconnect)
        state = (await get_value(client._services, BREAKER.control_state)).unwrap()
        again = await call_method(client._services, ScriptTable("0-0:10.0.106").execute, 2)
        output = await get_value(client._services, BREAKER.output_state)

    assert done == again == Ok(None)
    assert state is ControlState.DISCONNECTED
    assert output == Ok(True)


async def test_a_refusal_is_the_meters_own():
    async with connected() as (client, _):
        refused = await set_value(client._services, NOTE.value, b"no")
        unknown = await get_value(client._services, Register("1-0:77.8.9").value)

    assert refused.error.kind is unknown.error.kind is ErrorKind.REFUSED
    assert "SET 1/0-0:96.13.0*255/2" in str(refused.error)


async def test_a_value_of_another_type_names_object_and_attribute():
    async with connected() as (client, _):
        clock = Clock("0-0:1.0.0")
        odd = AttributeRef(8, clock.obis, 2, DOUBLE_LONG_UNSIGNED, "Clock.time")
        answer = await get_value(client._services, odd)

    assert answer.error.kind is ErrorKind.DECODE
    assert answer.error.where == "Clock 0-0:1.0.0*255 time"
    assert "double-long-unsigned expected, octet-string came: 09 0c 07 ea" in answer.error.message


@pytest.mark.parametrize("version", [0, 1, 2, 3])
async def test_every_readable_attribute_of_every_object_comes_typed(version):
    emulator = meter(association_version=version, profile={"rows": 20})
    async with connected(emulator, manager=True) as (client, _):
        view = (await client.objects()).unwrap()
        read = {}
        for one in typed_objects(view):
            values = (await read_object(client._services, one.object, one.rights)).unwrap()
            assert values.errors == {}, one.object
            assert set(values.values) == set(one.readable)
            read[one.rights.class_id, one.rights.obis] = values.values

    assert len(read) == len(view)
    profile = read[7, ObisCode.LOAD_PROFILE]
    assert profile["capture_objects"][0] == CaptureObject(8, ObisCode.CLOCK, 2, 0)
    assert len(profile["buffer"]) == profile["entries_in_use"] == 20
    association = read[15, ObisCode.CURRENT_ASSOCIATION]
    assert len(association["object_list"]) == len(view)
    assert association["associated_partners_id"].client_sap == 1
    assert read[40, ObisCode.PUSH_SETUP]["push_object_list"][1].logical_name == ObisCode.CLOCK


async def test_short_names_are_the_same_to_typed_calls():
    emulator = meter(short_name_referencing=True, interface="hdlc")
    async with connected(emulator, manager=True) as (client, _):
        view = (await client.objects()).unwrap()
        clock = next(element for element in view if element.class_id == 8)
        obj = object_for(clock)
        assert isinstance(obj, Clock)
        values = (await read_object(client._services, obj, clock)).unwrap()
        assert await set_value(client._services, obj.time, values.values["time"]) == Ok(None)

    assert values.errors == {}
    assert list(values.values) == [one.name for one in Clock.attributes.values()]


async def test_an_attribute_that_only_the_meter_knows_is_read_by_number():
    class OldClock(CosemObject, class_id=8, version=200):
        """A clock of which little is known."""

        time = attribute(2, OCTET_STRING)

    try:
        async with connected() as (client, _):
            rights = next(one for one in (await client.objects()).unwrap() if one.class_id == 8)
            values = (await read_object(client._services, OldClock(rights.obis), rights)).unwrap()
    finally:
        from meterkit.dlms.cosem import declare

        del declare.DECLARED[8, 200]

    assert values.values["time"][:2] == b"\x07\xea"
    assert values.values["attribute_3"] == -60
    assert values.values["attribute_9"] == 1


async def test_the_end_of_the_session_ends_the_reading_of_an_object():
    async with connected() as (client, wire):
        await wire.close()
        ended = await read_object(client._services, Clock("0-0:1.0.0"))

    assert isinstance(ended, Err)
    assert ended.error.has_ended_session


class Answering:
    """Services that say what a test has them say."""

    def __init__(self, returned):
        self.returned, self.asked = returned, []

    async def act(self, method, parameters=None, *, confirmed=True):
        self.asked.append((method, parameters, confirmed))
        return self.returned


ENTER = MethodRef(115, ObisCode(0, 0, 19, 40, 0), 1, OCTET_STRING, DOUBLE_LONG_UNSIGNED, "TokenGateway.enter")


async def test_what_a_method_returns_is_typed():
    services = Answering(Ok(axdr.encode_double_long_unsigned(7)))

    answer = await call_method(services, ENTER, b"12345")  # type: ignore[arg-type]

    assert answer == Ok(7)
    assert services.asked[0][1] == b"\x09\x0512345"


async def test_a_method_that_returns_nothing_where_something_is_due_is_told():
    answer = await call_method(Answering(Ok(None)), ENTER, b"1")  # type: ignore[arg-type]

    assert answer.error.where == "TokenGateway 0-0:19.40.0*255 enter"
    assert answer.error.message == "performed, but it returned nothing where double-long-unsigned is due"


async def test_a_method_that_returns_something_else_is_told():
    answer = await call_method(Answering(Ok(b"\x09\x00")), ENTER, b"1")  # type: ignore[arg-type]
    refused = await call_method(Answering(Err(answer.error)), ENTER, b"1")  # type: ignore[arg-type]

    assert answer.error.where == "TokenGateway 0-0:19.40.0*255 enter"
    assert refused == Err(answer.error)


async def test_an_unconfirmed_call_expects_nothing():
    services = Answering(Ok(None))

    assert await call_method(services, ENTER, b"1", confirmed=False) == Ok(None)  # type: ignore[arg-type]
    assert services.asked[0][2] is False


def test_an_object_of_the_view_is_of_its_class_and_version():
    assert class_for(40, 0) is PushSetup
    assert ObjectValues(BREAKER).values == {}
    assert len(ObjectValues(BREAKER)) == 0
