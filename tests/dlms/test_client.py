"""DlmsClient against the emulated meter: associations, attributes, lists, writes, methods."""

import anyio
import pytest

from meterkit import AttributeData, DlmsClient, DlmsClientOptions, Err, ErrorKind, ObisCode, Ok
from meterkit.codec import axdr
from meterkit.dlms.apdu.access import AccessAction, AccessGet, AccessRequest, AccessSet
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, Selection
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.access_control import Access
from meterkit.dlms.cosem.classes import Data, DisconnectControl, Register
from meterkit.emulator.dlms import DlmsQuirk
from tests.dlms.rig import LLS, connected, line, meter, options
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

CLOCK = bytes.fromhex("07ea0b15060b250c00ffc400")  # 11:37:12 at UTC+1
ENERGY = (3, "1-0:1.8.0", 2)
NOTE = (1, "0-0:96.13.0", 2)
LOAD_PROFILE = (7, "1-0:99.1.0", 2)
BREAKER = (70, "0-0:96.3.10")
INTERFACES = ("wrapper", "hdlc")


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.fixture(params=INTERFACES)
def emulator(request):
    return meter(interface=request.param)


async def test_a_public_client_reads_the_clock_and_a_register(emulator):
    async with connected(emulator) as (client, _):
        clock = (await client.get_attribute(8, ObisCode.CLOCK, 2)).unwrap()
        energy = (await client.get_attribute(*ENERGY)).unwrap()

    assert clock == AttributeData(8, ObisCode.CLOCK, 2, b"\x09\x0c" + CLOCK, CLOCK)
    assert clock.value == CLOCK
    assert energy.data[0] == axdr.Tag.DOUBLE_LONG_UNSIGNED
    assert energy.value == int.from_bytes(energy.data[1:], "big")


async def test_connecting_tells_what_the_meter_granted(emulator):
    async with connected(emulator) as (client, _):
        assert client.is_connected
        assert client.is_associated
        assert client.negotiated.max_pdu == 1024
        assert client.negotiated.vaa_name == 7
        assert client.negotiated.conformance & Conformance.GET
    assert not client.is_connected


async def test_a_password_opens_what_the_public_may_not_write(emulator):
    value = axdr.encode_octet_string(b"sealed 2026")
    async with connected(emulator) as (client, _):
        refused = await client.set_attribute(*NOTE, value)
    async with connected(emulator, manager=True) as (client, _):
        written = await client.set_attribute(*NOTE, value)
        read = (await client.get_attribute(*NOTE)).unwrap()

    assert refused.error.kind is ErrorKind.REFUSED
    assert refused.error.code == 3
    assert "read-write-denied (3)" in refused.error.message
    assert "SET 1/0-0:96.13.0*255/2" in str(refused.error)
    assert written == Ok(None)
    assert read.value == b"sealed 2026"


async def test_a_wrong_password_is_told_as_security_without_the_password(emulator):
    wire = line(emulator)
    chosen = options(emulator, client_address=1, authentication=LLS, password=b"wrong-secret")
    async with DlmsClient(wire, chosen) as client:
        refused = await client.connect()
        assert not client.is_connected

    assert refused.error.kind is ErrorKind.SECURITY
    assert refused.error.code == 13
    assert "wrong password or key" in refused.error.message
    assert "wrong-secret" not in repr(refused) + repr(chosen) + repr(client)
    assert wire.closed == 1


async def test_the_password_may_be_given_to_connect():
    emulator = meter()
    async with DlmsClient(line(emulator), options(emulator, client_address=1)) as client:
        assert (await client.connect("12345678")).is_success
        assert (await client.set_attribute(*NOTE, axdr.encode_octet_string(b"x"))).is_success


async def test_a_list_gives_one_result_each_in_order_and_refusals_among_them(emulator):
    wanted = [(8, ObisCode.CLOCK, 2), (3, "1-0:99.99.0", 2), ENERGY, (1, "0-0:42.0.0", 2)]
    async with connected(emulator, list_limit=3) as (client, _):
        results = await client.get_attribute_list(wanted).collect()

    assert [result.is_success for result in results] == [True, False, True, True]
    assert results[0].value.value == CLOCK
    assert results[1].error.code == 4
    assert "GET 3/1-0:99.99.0*255/2" in str(results[1].error)
    assert results[3].value.value == b"MKT20260001"


@pytest.mark.parametrize("quirk", [DlmsQuirk.LIST_REFUSED, DlmsQuirk.SINGLE_ANSWER_TO_LIST])
async def test_a_meter_that_grants_lists_and_refuses_them_is_read_one_by_one(quirk):
    wanted = [(8, ObisCode.CLOCK, 2), ENERGY, (1, "0-0:42.0.0", 2)]
    async with connected(meter(quirks={quirk})) as (client, wire):
        results = [result.unwrap().value async for result in client.get_attribute_list(wanted)]
        asked = len(wire.log)
        again = await client.get_attribute_list(wanted).collect()

    assert results[0] == CLOCK
    assert results[2] == b"MKT20260001"
    assert all(result.is_success for result in again)
    assert len(wire.log) - asked == 3 + 1  # no list is tried again; the release follows


async def test_a_meter_without_lists_is_read_one_by_one():
    proposed = Conformance.GET | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    async with connected(conformance=proposed) as (client, _):
        results = await client.get_attribute_list([ENERGY, (8, "0-0:1.0.0", 2)]).collect()
    assert [result.is_success for result in results] == [True, True]


async def test_a_long_list_is_cut_to_the_meters_pdu_size():
    async with connected(meter(max_pdu=64), list_limit=255) as (client, wire):
        results = await client.get_attribute_list([ENERGY] * 20).collect()
    assert all(result.is_success for result in results)
    assert max(len(octets) - 8 for _, octets in wire.log[1:]) <= 64


async def test_a_profile_comes_in_blocks_and_by_range_and_by_entry(emulator):
    async with connected(emulator, exchange_timeout=30) as (client, _):
        whole = (await client.get_attribute(*LOAD_PROFILE)).unwrap().value
        four = (await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(2, 5))).unwrap().value
        columns = (
            (
                await client.get_attribute(
                    *LOAD_PROFILE, Selection.by_entry(1, 2, first_column=3, last_column=4)
                )
            )
            .unwrap()
            .value
        )

    assert len(whole) == 960
    assert four == whole[1:5]
    assert columns == [row[2:4] for row in whole[:2]]


async def test_a_small_pdu_of_our_own_makes_the_meter_use_blocks():
    async with connected(max_pdu=60) as (client, wire):
        four = (await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 4))).unwrap().value
    assert len(four) == 4
    assert len(wire.log) > 5


async def test_long_values_are_written_in_blocks(emulator):
    text = bytes(range(256)) * 16
    async with connected(emulator, manager=True) as (client, _):
        written = await client.set_attribute(*NOTE, axdr.encode_octet_string(text))
        read = (await client.get_attribute(*NOTE)).unwrap()
    assert written == Ok(None)
    assert read.value == text


async def test_a_method_switches_the_breaker_once(emulator):
    async with connected(emulator, manager=True) as (client, _):
        before = (await client.get_attribute(*BREAKER, 2)).unwrap().value
        done = await client.action(*BREAKER, 1, axdr.encode_integer(0))
        after = (await client.get_attribute(*BREAKER, 2)).unwrap().value
    async with connected(emulator) as (client, _):
        refused = await client.action(*BREAKER, 2, axdr.encode_integer(0))

    assert (before, after) == (True, False)
    assert done.unwrap().value is None
    assert refused.error.kind is ErrorKind.REFUSED
    assert "ACTION 70/0-0:96.3.10*255/2" in str(refused.error)


async def test_the_association_view_names_objects_and_rights(emulator):
    async with connected(emulator) as (client, _):
        objects = (await client.objects()).unwrap()
    by_name = {(one.class_id, one.obis): one for one in objects}
    energy = by_name[3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL]
    assert len(by_name) == len(objects) == len(emulator.device.objects) + 1
    assert energy.attribute_access[2] is Access.READ
    assert energy.is_readable(2)
    assert not energy.is_writable(2)
    assert by_name[7, ObisCode.LOAD_PROFILE].selectors[2] == (1, 2)


@pytest.mark.parametrize("version", [0, 1, 2, 3])
async def test_rights_mean_the_same_in_every_version_of_the_association(version):
    async with connected(meter(association_version=version), manager=True) as (client, _):
        objects = {(one.class_id, one.obis): one for one in (await client.objects()).unwrap()}
    note = objects[1, ObisCode.parse("0-0:96.13.0")]
    assert note.is_readable(2)
    assert note.is_writable(2)
    assert not note.is_writable(1)


async def test_several_services_go_in_one_access_request():
    request = AccessRequest(
        0x40000001,
        b"",
        (
            AccessGet(AttributeDescriptor(8, ObisCode.CLOCK, 2)),
            AccessSet(AttributeDescriptor(1, ObisCode.parse("0-0:96.13.0"), 2)),
            AccessAction(MethodDescriptor(70, ObisCode.parse("0-0:96.3.10"), 1)),
        ),
        (b"\0", axdr.encode_octet_string(b"hello"), axdr.encode_integer(0)),
    )
    async with connected(manager=True) as (client, _):
        response = (await client.access(request)).unwrap()
        note = (await client.get_attribute(*NOTE)).unwrap()
    assert [int(result.result) for result in response.results] == [0, 0, 0]
    assert axdr.decode(response.data[0]) == CLOCK
    assert note.value == b"hello"


async def test_a_service_that_was_not_granted_is_refused_before_anything_is_sent():
    async with connected(conformance=Conformance.GET) as (client, wire):
        sent = len(wire.log)
        refused = await client.set_attribute(*NOTE, axdr.encode_null())
        part = await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 2))
        assert len(wire.log) == sent
    assert refused.error.kind is ErrorKind.STATE
    assert "did not grant set" in refused.error.message
    assert "selective-access" in part.error.message


async def test_short_names_serve_the_same_calls():
    emulator = meter(short_name_referencing=True)
    async with connected(emulator, manager=True) as (client, _):
        assert client.negotiated.vaa_name == 0xFA00
        clock = (await client.get_attribute(8, ObisCode.CLOCK, 2)).unwrap()
        objects = (await client.objects()).unwrap()
        results = await client.get_attribute_list(
            [ENERGY, (3, "1-0:99.9.0", 2), (8, "0-0:1.0.0", 2)]
        ).collect()
        written = await client.set_attribute(*NOTE, axdr.encode_octet_string(b"sn"))
        read = (await client.get_attribute(*NOTE)).unwrap()
        four = (await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 4))).unwrap().value
        whole = (await client.get_attribute(*LOAD_PROFILE)).unwrap().value
        acted = await client.action(*BREAKER, 1, axdr.encode_integer(0))
        breaker = (await client.get_attribute(*BREAKER, 2)).unwrap().value
    assert clock.value == CLOCK
    assert all(one.base_name for one in objects)
    assert [result.is_success for result in results] == [True, False, True]
    assert results[1].error.kind is ErrorKind.STATE
    assert "no object 1-0:99.9.0*255 of class 3" in results[1].error.message
    assert written == Ok(None)
    assert read.value == b"sn"
    assert four == whole[:4]
    assert acted.is_success
    assert breaker is False


async def test_several_tasks_share_one_client(emulator):
    async with connected(emulator) as (client, _):
        seen = []

        async def read(obis):
            seen.append((await client.get_attribute(3, obis, 2)).unwrap().obis_code)

        async with anyio.create_task_group() as tasks:
            for obis in ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:32.7.0"):
                tasks.start_soon(read, obis)
    assert len(seen) == 4


async def test_without_a_session_every_call_says_so():
    emulator = meter()
    async with DlmsClient(line(emulator), options(emulator)) as client:
        answer = await client.get_attribute(*ENERGY)
        listed = await client.get_attribute_list([ENERGY]).collect()
        notices = [one async for one in client.listen()]
    assert answer.error.kind is ErrorKind.STATE
    assert "connect() first" in answer.error.message
    assert [result.error.kind for result in listed] == [ErrorKind.STATE]
    assert [notice.error.kind for notice in notices] == [ErrorKind.STATE]


async def test_connecting_twice_and_outside_the_block_are_told():
    emulator = meter()
    client = DlmsClient(line(emulator), options(emulator))
    with pytest.raises(RuntimeError, match="outside 'async with DlmsClient"):
        await client.connect()
    async with connected(emulator) as (client, _):
        again = await client.connect()
        assert isinstance(again, Err)
        assert again.error.kind is ErrorKind.STATE
        assert client.is_connected


async def test_mistakes_of_the_program_are_raised():
    async with connected() as (client, _):
        with pytest.raises(TypeError, match="class_id 'x': a whole number expected"):
            await client.get_attribute("x", "1-0:1.8.0", 2)
        with pytest.raises(TypeError, match="obis_code: a ObisCode expected"):
            await client.get_attribute(3, 5, 2)
        with pytest.raises(ValueError, match="no OBIS code"):
            await client.get_attribute(3, "energy", 2)
        with pytest.raises(TypeError, match="value: bytes expected"):
            await client.set_attribute(*NOTE, 5)
    with pytest.raises(TypeError, match="a Transport expected"):
        DlmsClient("dlms+tcp://meter", DlmsClientOptions())


async def test_attributes_and_methods_are_read_written_and_called_by_their_types():
    emulator = meter()
    register = Register("1-0:1.8.0")
    async with connected(emulator, manager=True) as (client, _):
        unit = (await client.get(register.scaler_unit)).unwrap()
        whole = (await client.read_object(register)).unwrap()
        written = await client.set(Data("0-0:96.13.0").value, axdr.Data(axdr.Tag.OCTET_STRING, b"typed"))
        called = await client.call(DisconnectControl("0-0:96.3.10").remote_disconnect)
        state = (await client.get(DisconnectControl("0-0:96.3.10").output_state)).unwrap()
        note = (await client.get_attribute(*NOTE)).unwrap()
    assert unit.unit.symbol == "Wh"
    assert whole.values["scaler_unit"] == unit
    assert written == Ok(None)
    assert called.is_success
    assert state is False
    assert note.value == b"typed"


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("interface", INTERFACES)
async def test_an_unconfirmed_write_is_sent_and_not_waited_for(interface, short):
    emulator = meter(interface=interface, short_name_referencing=short)
    async with connected(emulator, manager=True) as (client, _):
        assert (await client.get_attribute(*NOTE)).is_success
        begin = anyio.current_time()
        sent = await client.set_attribute(*NOTE, axdr.encode_octet_string(b"whisper"), confirmed=False)
        assert anyio.current_time() == begin
        read = (await client.get_attribute(*NOTE)).unwrap()
    assert sent == Ok(None)
    assert read.value == b"whisper"
