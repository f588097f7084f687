"""The push listener on real sockets of this machine, and on a line in memory."""

import asyncio
import contextlib
import gc
import importlib.util
import os
import socket

import pytest

from meterkit.dlms.apdu.descriptors import AttributeDescriptor
from meterkit.dlms.apdu.notification import DataNotification, EventNotification
from meterkit.dlms.apdu.short_name import InformationReport, VariableName
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.hdlc.frame import HdlcAddress
from meterkit.dlms.push import lines as push_lines
from meterkit.dlms.push.listener import Push, PushListener
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.transport import EmulatorTransport
from meterkit.errors import ErrorKind, MeterFailure
from meterkit.transport.loopback import LoopbackTransport
from tests.dlms.test_push_reader import KAIFA, KAMSTRUP, PUSH, WRAPPED, blocks, wrapped
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

LOOPS = {"asyncio": ("asyncio", {"use_uvloop": False})}
if importlib.util.find_spec("uvloop"):
    LOOPS["uvloop"] = ("asyncio", {"use_uvloop": True})


@pytest.fixture(params=LOOPS.values(), ids=LOOPS)
def anyio_backend(request):
    return request.param


def descriptors():
    gc.collect()
    return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []


async def taken(listener, count):
    """Return the next `count` results."""
    return [await asyncio.wait_for(anext(listener), 30.0) for _ in range(count)]


async def turns():
    for _ in range(20):
        await asyncio.sleep(0)


def listening(interface="wrapper", **settings):
    return PushListener.tcp("127.0.0.1", 0, interface, **settings)


async def call(listener):
    return await asyncio.open_connection("127.0.0.1", listener.port)


def place(writer):
    return "{}:{}".format(*writer.get_extra_info("sockname"))


async def test_a_push_over_tcp_is_heard_with_its_sender_and_not_answered():
    async with listening() as listener:
        reader, writer = await call(listener)
        writer.write(WRAPPED)
        [result] = await taken(listener, 1)
        push = result.unwrap()
        assert isinstance(push, Push)
        assert (push.peer, push.source, push.destination, push.raw) == (place(writer), 1, 0x40, PUSH)
        assert isinstance(push.notification, DataNotification)
        assert push.notification.long_invoke == 0xC0000000
        writer.write_eof()
        assert await reader.read() == b""  # nothing but the end ever came back
        writer.close()


@pytest.mark.parametrize(
    "notification",
    [
        DataNotification(5, bytes(12), b"\x00"),
        EventNotification(None, AttributeDescriptor(8, ObisCode.CLOCK, 2), b"\x11\x07"),
        InformationReport(None, (VariableName(0x100),), (b"\x00",)),
    ],
)
async def test_every_kind_of_notification_is_decoded(notification):
    async with listening() as listener:
        _, writer = await call(listener)
        writer.write(wrapped(notification.encode()))
        assert (await taken(listener, 1))[0].unwrap().notification == notification
        writer.close()


async def test_hdlc_frames_come_over_tcp_too():
    async with listening("hdlc") as listener:
        _, writer = await call(listener)
        writer.write(b"\x00\x7f" + KAMSTRUP + KAIFA)
        first, second = [result.unwrap() for result in await taken(listener, 2)]
        assert len(first.notification.date_time) == 12
        assert second.source == HdlcAddress(1, 0)
        writer.close()


async def test_many_meters_push_at_once_octet_by_octet():
    async with listening() as listener:
        writers = [(await call(listener))[1] for _ in range(30)]
        for octet in WRAPPED:
            for writer in writers:
                writer.write(bytes([octet]))
            await asyncio.sleep(0)
        results = await taken(listener, 30)
        assert {result.unwrap().peer for result in results} == {place(writer) for writer in writers}
        for writer in writers:
            writer.close()


async def test_garbage_is_told_with_its_sender_and_cut_and_the_others_go_on():
    async with listening() as listener:
        _, good = await call(listener)
        reader, bad = await call(listener)
        bad.write(b"GET / HTTP/1.1\r\n\r\n" * 100)
        [result] = await taken(listener, 1)
        assert result.error.kind is ErrorKind.FRAMING
        assert result.error.where == place(bad)
        with contextlib.suppress(ConnectionError):  # cut in good order or not
            assert await reader.read() == b""
        good.write(WRAPPED)
        assert (await taken(listener, 1))[0].is_success
        assert listener._queue.take() is None
        for writer in (good, bad):
            writer.close()


async def test_an_apdu_that_is_no_push_is_told_and_its_sender_may_go_on():
    async with listening() as listener:
        _, writer = await call(listener)
        writer.write(
            wrapped(b"\xc0\x01\xc1\x00\x08\x00\x00\x01\x00\x00\xff\x02\x00") + wrapped(b"\x99") + WRAPPED
        )
        asked, odd, push = await taken(listener, 3)
        assert asked.error.kind is ErrorKind.PROTOCOL
        assert odd.error.kind is ErrorKind.DECODE
        assert odd.error.where == f"{place(writer)}: from 1 to 64"
        assert push.is_success
        writer.close()


async def test_a_ciphered_push_is_told_as_such():
    async with listening() as listener:
        _, writer = await call(listener)
        writer.write(wrapped(b"\xdb\x08GRX12345\x05\x30\x00\x00\x00\x01"))
        assert (await taken(listener, 1))[0].error.kind is ErrorKind.SECURITY
        writer.close()


async def test_a_push_in_general_blocks_becomes_one():
    async with listening() as listener:
        _, writer = await call(listener)
        writer.write(b"".join(wrapped(block) for block in blocks(PUSH, 20)))
        assert (await taken(listener, 1))[0].unwrap().raw == PUSH
        writer.close()


async def test_a_connection_that_ends_within_a_message_is_told():
    async with listening() as listener:
        _, writer = await call(listener)
        writer.write(WRAPPED + WRAPPED[:30])
        writer.close()
        push, torn = await taken(listener, 2)
        assert push.is_success
        assert "30 of 95 octets came" in torn.error.message


async def test_while_nobody_takes_pushes_meters_wait_and_nothing_is_lost():
    count = 20_000
    async with listening(queue_size=100) as listener:
        _, writer = await call(listener)
        for number in range(count):
            writer.write(wrapped(b"\x0f" + number.to_bytes(4, "big") + b"\x00" + b"\x00"))
        while not listener._line.held_up:  # noqa: ASYNC110  nothing else tells that it waits
            await asyncio.sleep(0)
        [caller] = listener._line.callers
        assert len(listener._queue) <= 100 + push_lines.PIECE // 9
        assert len(caller._octets) <= 1 << 18
        assert not caller._transport.is_reading()
        writer.close()
        results = await taken(listener, count)
        assert [result.unwrap().notification.long_invoke for result in results] == list(range(count))
        assert listener.dropped == 0
        assert not listener._line.held_up


async def test_meters_that_wait_take_turns():
    async with listening(queue_size=10) as listener:
        writers = [(await call(listener))[1] for _ in range(5)]
        for writer in writers:
            writer.write(WRAPPED * 200)
            writer.close()
        results = await taken(listener, 1000)
        assert all(result.is_success for result in results)


async def test_more_connections_than_allowed_are_sent_away(monkeypatch):
    monkeypatch.setattr(push_lines, "MAX_CONNECTIONS", 1)
    async with listening() as listener:
        _, first = await call(listener)
        first.write(WRAPPED)
        assert (await taken(listener, 1))[0].is_success
        reader, second = await call(listener)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        first.write(WRAPPED)
        assert (await taken(listener, 1))[0].is_success
        for writer in (first, second):
            writer.close()


async def test_leaving_ends_the_stream_and_leaves_nothing_open():
    async with listening() as listener:
        pass
    tasks, before = asyncio.all_tasks(), descriptors()
    async with listening() as listener:
        _, writer = await call(listener)
        writer.write(WRAPPED[:40])
        await turns()
        waiting = asyncio.create_task(anext(listener, None))
        await turns()
    assert await waiting is None
    assert [result async for result in listener] == []
    writer.close()
    await turns()
    assert asyncio.all_tasks() == tasks
    assert descriptors() == before


async def test_a_cancelled_wait_loses_nothing_and_two_at_once_are_a_mistake():
    async with listening() as listener:
        waiting = asyncio.create_task(anext(listener))
        await turns()
        with pytest.raises(RuntimeError, match="two tasks"):
            await anext(listener)
        waiting.cancel()
        await asyncio.wait({waiting})
        _, writer = await call(listener)
        writer.write(WRAPPED)
        assert (await taken(listener, 1))[0].is_success
        writer.close()


async def test_a_port_that_is_taken_is_told_in_words():
    async with listening() as listener:
        again = PushListener.tcp("127.0.0.1", listener.port)
        with pytest.raises(MeterFailure, match="another program listens there already") as caught:
            async with again:
                pass
        assert caught.value.error.kind is ErrorKind.TRANSPORT
        assert f"tcp 127.0.0.1:{listener.port}" in str(caught.value)
    with pytest.raises(MeterFailure, match=r"udp 192\.0\.2\.1:4059: cannot listen: this machine has no such"):
        async with PushListener.udp("192.0.2.1"):
            pass


class TestUdp:
    @pytest.fixture
    def meter(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as meter:
            meter.bind(("127.0.0.1", 0))
            meter.settimeout(10.0)
            yield meter

    async def test_datagrams_of_many_meters_are_heard(self, meter):
        async with PushListener.udp("127.0.0.1", 0) as listener:
            for octets in (WRAPPED, WRAPPED[:20], b"junk", WRAPPED):
                meter.sendto(octets, ("127.0.0.1", listener.port))
            first, short, junk, last = await taken(listener, 4)
            assert first.unwrap().raw == last.unwrap().raw == PUSH
            assert first.unwrap().peer == "{}:{}".format(*meter.getsockname())
            assert "20 of 95 octets came" in short.error.message
            assert junk.error.kind is ErrorKind.FRAMING

    async def test_blocks_of_two_meters_do_not_mix(self, meter):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            async with PushListener.udp("127.0.0.1", 0) as listener:
                for block in blocks(PUSH, 20):
                    for one in (meter, other):
                        one.sendto(wrapped(block), ("127.0.0.1", listener.port))
                assert [result.unwrap().raw for result in await taken(listener, 2)] == [PUSH, PUSH]

    async def test_while_nobody_takes_pushes_the_oldest_give_way_and_are_counted(self):
        async with PushListener.udp("127.0.0.1", 0, queue_size=10) as listener:
            for number in range(100):
                apdu = b"\x0f" + number.to_bytes(4, "big") + b"\x00\x00"
                listener._line.datagram_received(wrapped(apdu), ("192.0.2.7", 4059))
            assert listener.dropped == 90
            results = await taken(listener, 10)
            assert [result.unwrap().notification.long_invoke for result in results] == list(range(90, 100))

    async def test_a_thousand_senders_are_remembered_in_bounded_memory(self):
        block = blocks(PUSH, 20)[0]
        async with PushListener.udp("127.0.0.1", 0) as listener:
            for number in range(1000):
                listener._line.datagram_received(wrapped(block), ("192.0.2.7", number))
            assert len(listener._line._readers) == push_lines.MAX_PEERS

    async def test_leaving_leaves_nothing_open(self):
        before = descriptors()
        async with PushListener.udp("127.0.0.1", 0) as listener:
            waiting = asyncio.create_task(anext(listener, None))
            await turns()
        assert await waiting is None
        assert descriptors() == before


class TestOneLine:
    @pytest.fixture
    def anyio_backend(self):
        return VIRTUAL_CLOCK

    async def test_a_customer_port_is_listened_to(self):
        ours, meters = LoopbackTransport.create_pair("customer port", is_noisy=True)
        await meters.open()
        async with PushListener.transport(ours) as listener:
            assert listener.name == "customer port a"
            with pytest.raises(RuntimeError, match="is no port"):
                _ = listener.port
            await meters.send(b"\xff" + KAMSTRUP)
            push = (await taken(listener, 1))[0].unwrap()
            assert (push.peer, push.source) == ("customer port a", HdlcAddress(16))
            await meters.send(KAIFA[:-1])
            assert (await taken(listener, 1))[0].is_success  # once it is silent
        assert not ours.is_open

    async def test_a_line_that_ends_is_told_and_ends_the_stream(self):
        ours, meters = LoopbackTransport.create_pair()
        await meters.open()
        async with PushListener.transport(ours) as listener:
            await meters.send(KAIFA + KAIFA[:9])
            await meters.close()
            push, torn, ended = [result async for result in listener]
            assert push.is_success
            assert torn.error.kind is ErrorKind.CRC
            assert ended.error.kind is ErrorKind.TRANSPORT

    async def test_garbage_on_one_line_is_told_and_listened_past(self):
        ours, meters = LoopbackTransport.create_pair()
        await meters.open()
        async with PushListener.transport(ours) as listener:
            await meters.send(bytes(9000) + KAIFA)
            await meters.send(KAIFA)
            results = await taken(listener, 2)
            assert [result.is_success for result in results][-1]

    async def test_garbage_where_wrapper_is_spoken_ends_the_stream(self):
        ours, meters = LoopbackTransport.create_pair()
        await meters.open()
        async with PushListener.transport(ours, "wrapper") as listener:
            await meters.send(WRAPPED + KAIFA)
            push, garbage = [result async for result in listener]
            assert push.is_success
            assert "does the meter speak HDLC" in garbage.error.message

    @pytest.mark.parametrize("interface", ["hdlc", "wrapper"])
    async def test_an_emulated_meter_pushes(self, interface):
        emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(interface=interface))
        async with PushListener.transport(EmulatorTransport(emulator), interface) as listener:
            emulator.push()
            emulator.push(block_size=30)
            one, two = [result.unwrap() for result in await taken(listener, 2)]
            assert isinstance(one.notification, DataNotification)
            assert two.notification.long_invoke == one.notification.long_invoke + 1

    async def test_a_line_that_cannot_be_opened_raises(self):
        class Absent(LoopbackTransport):
            async def open(self):
                raise self._ended()

        with pytest.raises(MeterFailure, match="not open"):
            async with PushListener.transport(Absent()):
                pass


def test_a_queue_without_room_is_a_mistake():
    with pytest.raises(ValueError, match="queue_size 0"):
        PushListener.udp(queue_size=0)
