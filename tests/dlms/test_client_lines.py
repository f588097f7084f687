"""Clients on lines that others need too, and on meters that are slow, mute or talk unasked."""

import logging
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import pytest

from meterkit import DlmsClient, ErrorKind, ObisCode
from meterkit.codec import axdr
from meterkit.dlms import session
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, Selection
from meterkit.dlms.apdu.notification import DataNotification, EventNotification
from meterkit.dlms.apdu.short_name import InformationReport
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.session import GOODBYE, LOGICAL_NAME_SERVICES, RELEASE
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.session.notices import MAX_NOTICES, MAX_OCTETS, Notices
from meterkit.session.opening import CLOSE_GRACE
from meterkit.transport.line import Line
from tests.dlms.rig import LLS, RecordingTransport, connected, line, meter, options
from tests.dlms.shared_wire import SharedWire, meters
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

CLOCK = (8, ObisCode.CLOCK, 2)
ENERGY = (3, "1-0:1.8.0", 2)
SERIAL_NUMBER = (1, "0-0:42.0.0", 2)
NOTE = (1, "0-0:96.13.0", 2)
LOAD_PROFILE = (7, "1-0:99.1.0", 2)
SNRM, DISC = 0x93, 0x53
MOMENT = 0.1  # s; more than a shared wire's look at its meters, less than anybody's time-out


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@asynccontextmanager
async def clients_on_one_line(emulators):
    """Yield connected clients, one for each meter, and their wire."""
    wire = SharedWire(emulators)
    shared = Line(wire)
    async with AsyncExitStack() as stack:
        clients = []
        for number, emulator in enumerate(emulators):
            chosen = options(emulator, server_physical_address=17 + number)
            client = await stack.enter_async_context(DlmsClient(shared.meter(), chosen))
            (await client.connect()).unwrap()
            clients.append(client)
        yield clients, wire


async def gather(client, heard):
    async for one in client.listen():
        heard.append(one)


async def test_meters_on_one_line_are_read_in_turns():
    async with clients_on_one_line(meters(3)) as (clients, _):
        for _ in range(3):
            read = [(await client.get_attribute(*SERIAL_NUMBER)).unwrap().value for client in clients]
            assert read == [b"MKT20260000", b"MKT20260001", b"MKT20260002"]


async def test_two_clients_of_one_meter_share_a_line():
    (emulator,) = meters(1)
    shared = Line(SharedWire([emulator]))
    reader = DlmsClient(shared.meter(), options(emulator, server_physical_address=17))
    manager = DlmsClient(shared.meter(), options(emulator, server_physical_address=17, manager=True))
    async with reader, manager:
        (await reader.connect()).unwrap()
        (await manager.connect()).unwrap()
        for text in (b"one", b"two"):
            (await manager.set_attribute(*NOTE, axdr.encode_octet_string(text))).unwrap()
            assert (await reader.get_attribute(*NOTE)).unwrap().value == text
        await manager.disconnect()
        assert (await reader.get_attribute(*CLOCK)).is_success


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_listeners_on_a_shared_line_delay_nobody_and_hear_their_own_meter(count):
    emulators = meters(3)
    heard = [[], [], []]
    async with clients_on_one_line(emulators) as (clients, _), anyio.create_task_group() as tasks:
        for client, into in list(zip(clients, heard, strict=True))[:count]:
            tasks.start_soon(gather, client, into)
        await anyio.sleep(0.3)
        for client in (clients[2], clients[2], clients[0], clients[2], clients[1]):
            begin = anyio.current_time()
            (await client.get_attribute(*ENERGY)).unwrap()
            assert anyio.current_time() - begin < MOMENT
        await anyio.sleep(3)
        for emulator in emulators:
            emulator.push()
        await anyio.sleep(3)
        assert [len(one) for one in heard] == [1] * count + [0] * (3 - count)
        assert all(isinstance(one.unwrap(), DataNotification) for into in heard for one in into)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_two_listeners_of_one_client_share_what_comes(interface):
    emulator = meter(interface=interface)
    first, second = [], []
    async with connected(emulator) as (client, _), anyio.create_task_group() as tasks:
        tasks.start_soon(gather, client, first)
        tasks.start_soon(gather, client, second)
        for _ in range(4):
            await anyio.sleep(2)
            emulator.push()
        await anyio.sleep(2)
        assert len(first) + len(second) == 4
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_a_cancelled_listener_leaves_the_session_whole(interface):
    emulator = meter(interface=interface)
    async with connected(emulator) as (client, wire):
        for seconds in (0, 0.5, 1, 1.5):
            with anyio.move_on_after(seconds):
                await gather(client, [])
            assert not wire.lock.locked()
            assert (await client.get_attribute(*ENERGY)).is_success


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_a_listener_ends_with_the_session(interface):
    heard = []
    async with connected(meter(interface=interface)) as (client, _), anyio.create_task_group() as tasks:
        tasks.start_soon(gather, client, heard)
        await anyio.sleep(5)
        await client.disconnect()
        await anyio.sleep(2)
        assert [one.error.kind for one in heard] == [ErrorKind.STATE]


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_notifications_of_every_kind_are_heard_whole_or_in_blocks(interface):
    emulator = meter(interface=interface)
    energy = AttributeDescriptor(3, ObisCode.parse("1-0:1.8.0"), 2)
    async with connected(emulator) as (client, _):
        emulator.push()
        emulator.push(emulator.event_notification(energy))
        emulator.push(block_size=20)
        stream = client.listen()
        heard = [(await anext(stream)).unwrap() for _ in range(3)]
    assert [type(one) for one in heard] == [DataNotification, EventNotification, DataNotification]
    assert heard[1].attribute == energy


async def test_a_report_with_short_names_is_heard():
    emulator = meter(short_name_referencing=True)
    async with connected(emulator) as (client, _):
        emulator.push()
        assert isinstance((await anext(client.listen())).unwrap(), InformationReport)


async def test_a_push_in_blocks_that_a_sign_of_life_brings_is_heard():
    emulator = meter(interface="hdlc")
    async with connected(emulator, keep_alive_interval=40) as (client, _):
        emulator.push(block_size=20)
        await anyio.sleep(50)
        assert client.is_connected
        assert isinstance((await anext(client.listen())).unwrap(), DataNotification)


class SlowToClose(RecordingTransport):
    """A line that takes its time to close."""

    def __init__(self, emulator, seconds):
        super().__init__(emulator)
        self.seconds = seconds

    async def close(self):
        if self.session is not None:
            await anyio.sleep(self.seconds)
        await super().close()


async def test_a_goodbye_that_took_its_time_leaves_enough_to_close_the_line(monkeypatch):
    monkeypatch.setattr(session, "GOODBYE", RELEASE + 1)
    emulator = meter(quirks={DlmsQuirk.NO_ANSWER_TO_RELEASE})
    async with connected(emulator, wire=SlowToClose(emulator, CLOSE_GRACE - 0.5)) as (client, wire):
        await client.disconnect()
        assert wire.closed == 1


async def test_a_goodbye_that_is_cut_short_closes_the_line_all_the_same(monkeypatch):
    monkeypatch.setattr(session, "GOODBYE", RELEASE - 1)
    emulator = meter(quirks={DlmsQuirk.NO_ANSWER_TO_RELEASE})
    async with connected(emulator, wire=SlowToClose(emulator, CLOSE_GRACE - 0.5)) as (client, wire):
        await client.disconnect()
        assert wire.closed == 1
        assert not client.is_connected


async def test_a_line_that_never_closes_holds_nobody_up():
    emulator = meter()
    async with connected(emulator, wire=SlowToClose(emulator, 3600)) as (client, _):
        begin = anyio.current_time()
        await client.disconnect()
        assert anyio.current_time() - begin <= GOODBYE + CLOSE_GRACE
        assert not client.is_connected


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_whoever_is_cancelled_releases_the_association_and_closes_the_line(when):
    emulator = meter()
    wire = SlowToClose(emulator, CLOSE_GRACE - 0.5)
    with anyio.CancelScope() as scope:
        async with DlmsClient(wire, options(emulator)) as client:
            (await client.connect()).unwrap()
            if when == "before":
                scope.cancel()
            else:
                scope.deadline = anyio.current_time() + 1  # while the line closes
    assert wire.log[-1][1][8] == ApduTag.RLRQ
    assert wire.closed == 1
    assert scope.cancel_called


async def test_a_meter_that_never_answers_a_release_is_disconnected_all_the_same():
    emulator = meter(interface="hdlc", quirks={DlmsQuirk.NO_ANSWER_TO_RELEASE})
    async with connected(emulator) as (client, wire):
        begin = anyio.current_time()
        await client.disconnect()
        assert anyio.current_time() - begin < RELEASE + 1
        assert wire.log[-1][1][5] == DISC
        sent = len(wire.log)
        (await client.connect()).unwrap()
        assert wire.log[sent][1][5] == SNRM, "what ended in good order is not ended again"


async def test_after_a_dead_session_the_meter_is_told_to_forget_it():
    emulator = meter(interface="hdlc")
    async with connected(emulator) as (client, wire):
        emulator.faults.silent = True
        assert (await client.get_attribute(*ENERGY)).error.kind is ErrorKind.TIMEOUT
        emulator.faults.silent = False
        sent = len(wire.log)
        (await client.connect()).unwrap()
        assert [octets[5] for _, octets in wire.log[sent : sent + 2]] == [DISC, SNRM]


async def test_an_answer_behind_a_stale_one_is_asked_for_at_once():
    emulator = meter(interface="hdlc", quirks={DlmsQuirk.STALE_ANSWER_FIRST})
    async with connected(emulator, max_pdu=300) as (client, _):
        begin = anyio.current_time()
        for _ in range(4):
            assert (await client.get_attribute(*ENERGY)).is_success
        assert (await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 30))).is_success
        assert anyio.current_time() - begin < 1


async def test_a_busy_meter_is_asked_again_soon():
    emulator = meter(interface="hdlc", quirks={DlmsQuirk.SLOW_WITH_RNR})
    async with connected(emulator) as (client, _):
        begin = anyio.current_time()
        assert (await client.get_attribute(*ENERGY)).is_success
        assert anyio.current_time() - begin < 0.5


@pytest.mark.parametrize("lost", [(), (2,), (3, 4), (5, 8)])
async def test_long_requests_and_answers_go_by_general_blocks_where_no_others_are_granted(lost):
    others = (
        Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
        | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
        | Conformance.BLOCK_TRANSFER_WITH_ACTION
    )
    emulator = meter(max_pdu=100, block_transfer="general")
    chosen = {"conformance": LOGICAL_NAME_SERVICES & ~others, "max_pdu": 200, "manager": True}
    async with connected(emulator, **chosen) as (client, _):
        for size in (60, 99, 400, 900):
            (await client.set_attribute(*NOTE, axdr.encode_octet_string(b"n" * size))).unwrap()
            assert (await client.get_attribute(*NOTE)).unwrap().value == b"n" * size
            emulator.faults.lost_blocks = frozenset(lost)
            rows = (await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 60))).unwrap()
            assert len(rows.value) == 60


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize("trouble", ["none", "refused", "silent", "corrupt_frames", "half", "echo"])
async def test_no_password_is_ever_logged_or_told(interface, trouble, caplog):
    caplog.set_level(logging.DEBUG, "meterkit")
    password = b"s3cret-99"
    emulator = meter(interface=interface)
    told = []
    if trouble == "corrupt_frames":
        emulator.faults.corrupt_frames = 3
    elif trouble in ("half", "echo"):
        emulator.quirks.add(DlmsQuirk.HALF_FRAMES if trouble == "half" else DlmsQuirk.ECHO)
    elif trouble == "silent":
        emulator.faults.silent = True
    chosen = {"client_address": 16 if trouble == "none" else 1, "authentication": LLS, "password": password}
    async with DlmsClient(line(emulator), options(emulator, **chosen)) as client:
        told.append(await client.connect())
        told.append(await client.get_attribute(*ENERGY))
        told += [client, client.options, client.negotiated]
    said = "".join(record.getMessage() for record in caplog.records) + repr(told) + str(told)
    for secret in (password.decode(), password.hex(), password.hex(" "), repr(password)):
        assert secret not in said


def test_what_waits_for_a_listener_is_bounded():
    notices = Notices()
    for number in range(MAX_NOTICES + 3):
        notices.add(number.to_bytes(2, "big"))
    assert len(notices) == MAX_NOTICES
    assert notices.take() == b"\0\3"
    notices.add(bytes(MAX_OCTETS))
    assert len(notices) == 1
    notices.add(b"new")
    assert len(notices) == 1
    assert notices.take() == b"new"
