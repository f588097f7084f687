"""TCP on real sockets of this machine, on asyncio's loop and on uvloop's."""

import asyncio
import contextlib
import errno
import gc
import importlib.util
import os
import socket
import struct

import pytest

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.options import TcpOptions
from meterkit.transport import tcp
from meterkit.transport.octets import INBOX_LIMIT
from meterkit.transport.tcp import TcpTransport
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

LOOPS = {"asyncio": ("asyncio", {"use_uvloop": False})}
if importlib.util.find_spec("uvloop"):
    LOOPS["uvloop"] = ("asyncio", {"use_uvloop": True})


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.fixture(params=LOOPS.values(), ids=LOOPS)
def anyio_backend(request):
    return request.param


def descriptors():
    gc.collect()
    return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []


class Peer:
    """A server that hands out the connections it accepts."""

    def __init__(self, host):
        self.host = host
        self.accepted = asyncio.Queue()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._accept, self.host, 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def _accept(self, reader, writer):
        await self.accepted.put((reader, writer))

    async def __aexit__(self, *error):
        self.server.close()
        while not self.accepted.empty():
            self.accepted.get_nowait()[1].close()

    async def connect(self, **settings):
        transport = TcpTransport(TcpOptions(host=self.host, port=self.port, **settings))
        await transport.open()
        return transport, *await self.accepted.get()


async def until(claim):
    while not claim():  # noqa: ASYNC110  nothing else tells what a descriptor does
        await asyncio.sleep(0)


async def gather(transport, count):
    octets = b""
    while len(octets) < count:
        octets += await transport.receive(30.0)
    return octets


def unused_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


HOSTS = ["127.0.0.1", "localhost", *(["::1"] if has_ipv6() else [])]


async def test_a_loop_that_watches_no_sockets_connects_as_well(monkeypatch):
    monkeypatch.setattr(tcp, "_WATCHES_SOCKETS", False)
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        assert transport.is_open
        await transport.close()
        writer.close()


@pytest.mark.parametrize("host", HOSTS)
async def test_octets_go_there_and_back(host):
    async with Peer(host) as peer:
        transport, reader, writer = await peer.connect()
        await transport.send(b"\xee\x00")
        assert await reader.readexactly(2) == b"\xee\x00"
        writer.write(b"\x06")
        assert await transport.receive(30.0) == b"\x06"
        assert transport.is_open
        assert transport.baud_rate is None
        await transport.close()
        assert not transport.is_open
        writer.close()


def test_the_name_shows_host_and_port_and_brackets_ipv6():
    assert TcpTransport(TcpOptions(host="10.0.0.7", port=1153)).name == "tcp 10.0.0.7:1153"
    assert TcpTransport(TcpOptions(host="::1", port=1)).name == "tcp [::1]:1"


def test_a_serial_line_behind_tcp_is_noisy_when_the_options_say_so():
    assert not TcpTransport(TcpOptions(host="h")).is_noisy
    assert TcpTransport(TcpOptions(host="h", is_noisy=True)).is_noisy


async def test_nothing_is_delayed_and_dead_peers_are_noticed():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        connection = transport._octets.transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        await transport.close()
        writer.close()


async def test_the_echo_of_a_converter_is_dropped():
    async with Peer("127.0.0.1") as peer:
        transport, reader, writer = await peer.connect(echo=True)
        await transport.send(b"\xee\x01")
        writer.write(await reader.readexactly(2) + b"\x06")
        assert await transport.receive(30.0) == b"\x06"
        await transport.close()
        writer.close()


@pytest.mark.parametrize("watches_sockets", [True, False], ids=["writable", "as on Windows"])
async def test_a_refused_connection_says_so_with_host_and_port(watches_sockets, monkeypatch):
    monkeypatch.setattr(tcp, "_WATCHES_SOCKETS", watches_sockets)
    port = unused_port()
    transport = TcpTransport(TcpOptions(host="127.0.0.1", port=port))
    with pytest.raises(ProtocolFault) as caught:
        await transport.open()
    assert caught.value.error.kind is ErrorKind.TRANSPORT
    assert caught.value.error.message.startswith(
        f"tcp 127.0.0.1:{port}: could not connect: connection refused"
    )
    assert not transport.is_open


async def test_a_name_with_several_addresses_tells_what_each_answered(monkeypatch):
    port = unused_port()
    transport = TcpTransport(TcpOptions(host="meter.example", port=port))

    async def two(self):
        return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, ("127.0.0.2", port))]

    monkeypatch.setattr(TcpTransport, "_resolve", two)
    with pytest.raises(ProtocolFault, match=r"127\.0\.0\.1: connection refused.*127\.0\.0\.2: connection"):
        await transport.open()


async def test_the_second_address_is_tried_when_the_first_refuses(monkeypatch):
    async with Peer("127.0.0.1") as peer:
        addresses = [
            (socket.AF_INET, ("127.0.0.1", unused_port())),
            (socket.AF_INET, ("127.0.0.1", peer.port)),
        ]

        async def both(self):
            return addresses

        monkeypatch.setattr(TcpTransport, "_resolve", both)
        transport, _, writer = await peer.connect()
        assert transport.is_open
        await transport.close()
        writer.close()


@pytest.mark.parametrize("code", sorted(tcp._CONNECT_WORDS))
async def test_what_the_system_answers_to_connecting_is_told_in_words(code, monkeypatch):
    async def fail(self, family, address, patience):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(TcpTransport, "_connect_to", fail)
    with pytest.raises(ProtocolFault) as caught:
        await TcpTransport(TcpOptions(host="127.0.0.1", port=7)).open()
    message = caught.value.error.message
    assert "tcp 127.0.0.1:7" in message
    assert tcp._CONNECT_WORDS[code] in message
    assert os.strerror(code) in message


async def test_an_unknown_host_name_is_told_in_words(monkeypatch):
    def unknown(*arguments, **settings):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for host in ("no-such-meter.invalid", "x" * 64 + ".invalid"):
        with pytest.raises(ProtocolFault, match="the host name is not known here"):
            await TcpTransport(TcpOptions(host=host)).open()


class TestOnVirtualTime:
    @pytest.fixture
    def anyio_backend(self):
        return VIRTUAL_CLOCK

    @pytest.mark.parametrize("watches_sockets", [True, False], ids=["writable", "as on Windows"])
    async def test_a_host_that_never_answers_times_out(self, watches_sockets, monkeypatch):
        loop = asyncio.get_running_loop()

        async def never(*arguments):
            await asyncio.Event().wait()

        monkeypatch.setattr(tcp, "_WATCHES_SOCKETS", watches_sockets)
        monkeypatch.setattr(loop, "add_writer", lambda *arguments: None)  # nothing is heard of the connection
        monkeypatch.setattr(loop, "sock_connect", never)
        before = descriptors()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            expected = rf"tcp 127\.0\.0\.1:{port}: could not connect: timed out: no answer in 3 s"
            with pytest.raises(ProtocolFault, match=expected):
                await TcpTransport(TcpOptions(host="127.0.0.1", port=port, connect_timeout=3)).open()
        assert loop.time() == pytest.approx(3.0, abs=1e-3)
        assert descriptors() == before

    async def test_a_name_that_nobody_looks_up_times_out(self, monkeypatch):
        loop = asyncio.get_running_loop()

        async def never(*arguments, **settings):
            await asyncio.Event().wait()

        monkeypatch.setattr(loop, "getaddrinfo", never)
        with pytest.raises(ProtocolFault, match="could not connect: timed out: no answer in 3 s"):
            await TcpTransport(TcpOptions(host="meter.invalid", connect_timeout=3)).open()
        assert loop.time() == pytest.approx(3.0, abs=1e-3)

    async def test_an_address_that_never_answers_leaves_time_for_the_next(self, monkeypatch):
        tried = []

        async def two(self):
            return [(socket.AF_INET, ("10.0.0.1", 1)), (socket.AF_INET, ("10.0.0.2", 1))]

        async def never_then_refused(self, family, address, patience):
            tried.append((address[0], asyncio.get_running_loop().time()))
            if len(tried) == 1:
                await asyncio.sleep(patience)
                raise TimeoutError
            raise OSError(errno.ECONNREFUSED, "refused")

        monkeypatch.setattr(TcpTransport, "_resolve", two)
        monkeypatch.setattr(TcpTransport, "_connect_to", never_then_refused)
        with pytest.raises(ProtocolFault, match=r"10\.0\.0\.1: timed out.*10\.0\.0\.2: connection refused"):
            await TcpTransport(TcpOptions(host="meter.example", connect_timeout=8)).open()
        assert tried[1] == ("10.0.0.2", pytest.approx(4.0, abs=1e-3))


async def test_a_connection_that_comes_as_time_runs_out_is_what_came_first():
    reached = asyncio.get_running_loop().create_future()
    tcp._settle(reached, True)
    tcp._settle(reached, False)
    assert await reached is True


async def test_a_meter_that_closes_is_reported_after_its_last_octets():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        writer.write(b"last words")
        writer.close()
        assert await gather(transport, 10) == b"last words"
        with pytest.raises(ProtocolFault, match="the meter or gateway closed the connection"):
            await transport.receive(30.0)
        with pytest.raises(ProtocolFault, match="the meter or gateway closed the connection"):
            await transport.send(b"x")
        assert not transport.is_open
        await transport.close()


async def test_a_reset_is_told_in_words():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        peer_socket = writer.transport.get_extra_info("socket")
        peer_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        with pytest.raises(ProtocolFault, match=r"closed the connection \(reset by peer\)"):
            await transport.receive(30.0)
        await transport.close()


async def test_a_line_that_broke_can_be_opened_again():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        writer.close()
        with pytest.raises(ProtocolFault):
            await transport.receive(30.0)
        await transport.open()
        assert transport.is_open
        reader, writer = await peer.accepted.get()
        await transport.send(b"again")
        assert await reader.readexactly(5) == b"again"
        await transport.close()
        writer.close()


@pytest.mark.parametrize("verb", ["send", "receive"])
async def test_verbs_refuse_before_opening_and_after_closing(verb):
    async with Peer("127.0.0.1") as peer:
        transport = TcpTransport(TcpOptions(host="127.0.0.1", port=peer.port))
        argument = {"send": b"x", "receive": 1.0}[verb]
        for _ in range(2):
            with pytest.raises(ProtocolFault, match="not open"):
                await getattr(transport, verb)(argument)
            await transport.open()
            await transport.open()
            await transport.close()
            await transport.close()


async def test_what_was_sent_just_before_closing_still_arrives():
    async with Peer("127.0.0.1") as peer:
        transport, reader, writer = await peer.connect()
        await transport.send(b"\x06")
        await transport.close()
        assert await reader.read() == b"\x06"
        writer.close()


async def test_closing_wakes_whoever_receives():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        waiting = asyncio.create_task(transport.receive(30.0))
        await asyncio.sleep(0)
        await transport.close()
        with pytest.raises(ProtocolFault, match="closed"):
            await waiting
        writer.close()


async def test_a_peer_that_never_reads_holds_senders_back_and_cannot_hold_up_closing(monkeypatch):
    monkeypatch.setattr(tcp, "CLOSE_GRACE", 0.01)
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        writer.transport.pause_reading()

        async def flood():
            while True:
                await transport.send(bytes(65536))

        flooding = asyncio.create_task(flood())
        await until(lambda: transport._octets._is_full)
        assert transport._octets.transport.get_write_buffer_size() <= 4 * 65536
        flooding.cancel()
        await asyncio.wait({flooding})
        await transport.close()
        assert not transport.is_open
        writer.transport.abort()


async def test_a_flood_is_held_back_in_bounded_memory_and_nothing_is_lost():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        flood = bytes(range(256)) * 8192
        writer.write(flood)
        await until(lambda: transport._octets._is_paused)
        assert transport._octets.size <= INBOX_LIMIT + 256 * 1024
        assert await gather(transport, len(flood)) == flood
        await transport.close()
        writer.close()


async def test_opening_and_closing_leave_no_descriptor_and_no_task():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        await transport.close()
        writer.close()
        await writer.wait_closed()
        tasks, before = asyncio.all_tasks(), descriptors()
        for _ in range(5):
            transport, _, writer = await peer.connect()
            await transport.send(b"x")
            assert await transport.receive(0) == b""
            await transport.close()
            writer.close()
            await writer.wait_closed()
        assert asyncio.all_tasks() == tasks
        assert descriptors() == before


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancelled_open_leaves_no_descriptor(turns):
    listener = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, lambda: None)  # the pool's own descriptors exist from here on
    transport = TcpTransport(TcpOptions(host="127.0.0.1", port=listener.getsockname()[1]))
    await transport.open()
    await transport.close()
    before = descriptors()
    opening = asyncio.create_task(transport.open())
    for _ in range(turns):
        await asyncio.sleep(0)
    was_done = opening.done()
    opening.cancel()
    if was_done:
        await opening
        await transport.close()
    else:
        with pytest.raises(asyncio.CancelledError):
            await opening
    for _ in range(3):
        await asyncio.sleep(0)
    assert descriptors() == before
    assert not transport.is_open
    listener.close()


async def test_a_cancelled_receive_loses_nothing():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        waiting = asyncio.create_task(transport.receive(30.0))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        writer.write(b"kept")
        assert await gather(transport, 4) == b"kept"
        await transport.close()
        writer.close()


async def test_stale_octets_are_discarded_and_returned():
    async with Peer("127.0.0.1") as peer:
        transport, _, writer = await peer.connect()
        writer.write(b"stale")
        await until(lambda: transport._octets.size == 5)
        assert transport.discard() == b"stale"
        assert transport.discard() == b""
        await transport.close()
        writer.close()
