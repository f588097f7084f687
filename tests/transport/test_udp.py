"""UDP on real sockets of this machine, on asyncio's loop and on uvloop's."""

import asyncio
import contextlib
import errno
import gc
import importlib.util
import os
import socket

import anyio
import pytest

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.options import UdpOptions
from meterkit.transport import UdpTransport, udp
from meterkit.transport.octets import INBOX_LIMIT
from meterkit.transport.udp import LARGEST, DatagramInbox, udp_error_in_words
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


HOSTS = ["127.0.0.1", *(["::1"] if has_ipv6() else [])]


@pytest.fixture(params=LOOPS.values(), ids=LOOPS)
def anyio_backend(request):
    return request.param


def descriptors():
    gc.collect()
    return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []


class Meter:
    """A blocking socket that plays the meter: on this machine a datagram is there once it is sent."""

    def __init__(self, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(10.0)
        self.host, self.port = host, self.socket.getsockname()[1]
        self.client = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    async def connect(self):
        transport = UdpTransport(UdpOptions(host=self.host, port=self.port))
        await transport.open()
        return transport

    def hear(self):
        octets, self.client = self.socket.recvfrom(65536)
        return octets

    def say(self, *datagrams):
        for octets in datagrams:
            self.socket.sendto(octets, self.client)


async def greeted(meter):
    transport = await meter.connect()
    await transport.send(b"hello")
    assert meter.hear() == b"hello"
    return transport


@pytest.mark.parametrize("host", HOSTS)
async def test_a_datagram_goes_there_and_another_comes_back(host):
    with Meter(host) as meter:
        transport = await greeted(meter)
        meter.say(b"answer")
        assert await transport.receive(30.0) == b"answer"
        assert transport.is_open
        assert transport.is_datagram
        assert not transport.is_noisy
        assert not transport.is_full
        assert transport.baud_rate is None
        await transport.close()
        assert not transport.is_open


def test_the_name_shows_host_and_port_and_brackets_ipv6():
    assert UdpTransport(UdpOptions(host="10.0.0.7")).name == "udp 10.0.0.7:4059"
    assert UdpTransport(UdpOptions(host="::1", port=1)).name == "udp [::1]:1"


async def test_datagrams_are_received_whole_and_one_by_one():
    with Meter() as meter:
        transport = await greeted(meter)
        meter.say(b"one", b"", b"two", b"three" * 5000)
        assert [await transport.receive(30.0) for _ in range(3)] == [b"one", b"two", b"three" * 5000]
        await transport.close()


async def test_nothing_to_send_is_no_datagram():
    with Meter() as meter:
        transport = await meter.connect()
        await transport.send(b"")
        await transport.hold(b"")
        await transport.hold(b"something")
        assert meter.hear() == b"something"
        await transport.close()


async def test_only_the_meter_is_heard():
    with Meter() as meter, Meter() as stranger:
        transport = await greeted(meter)
        stranger.client = meter.client
        stranger.say(b"not the meter")
        meter.say(b"the meter")
        assert await transport.receive(30.0) == b"the meter"
        await transport.close()


async def test_a_port_where_nobody_listens_is_told_in_words():
    with Meter() as meter:
        transport = await meter.connect()
    await transport.send(b"anybody?")
    with pytest.raises(ProtocolFault, match="nothing takes datagrams on that port") as caught:
        await transport.receive(30.0)
    assert caught.value.error.kind is ErrorKind.TRANSPORT
    assert f"udp 127.0.0.1:{meter.port}" in caught.value.error.message
    assert not transport.is_open
    with pytest.raises(ProtocolFault, match="nothing takes datagrams"):
        await transport.send(b"anybody?")
    await transport.close()


async def test_a_line_that_was_refused_can_be_opened_again():
    with Meter() as meter:
        transport = await meter.connect()
    await transport.send(b"x")
    with pytest.raises(ProtocolFault):
        await transport.receive(30.0)
    await transport.open()
    assert transport.is_open
    await transport.close()


async def test_too_much_for_one_datagram_is_refused_and_the_line_stays_well():
    with Meter() as meter:
        transport = await greeted(meter)
        with pytest.raises(ProtocolFault, match="65508 octets do not fit"):
            await transport.send(bytes(LARGEST + 1))
        await transport.send(b"small")
        assert meter.hear() == b"small"
        await transport.close()


async def test_an_unknown_host_name_is_told_in_words(monkeypatch):
    async def unknown(*arguments, **settings):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(ProtocolFault, match="the host name is not known here"):
        await UdpTransport(UdpOptions(host="no-such-meter.invalid")).open()


async def test_an_address_that_cannot_be_had_is_told_in_words_and_leaves_nothing_open():
    before = descriptors()
    with pytest.raises(ProtocolFault, match=r"could not open: (this machine forbids|no route)"):
        await UdpTransport(UdpOptions(host="255.255.255.255")).open()
    assert descriptors() == before


@pytest.mark.parametrize("code", sorted(udp._WORDS))
def test_what_the_system_says_is_told_in_words(code):
    words = udp_error_in_words(OSError(code, os.strerror(code)))
    assert udp._WORDS[code] in words
    assert os.strerror(code) in words


def test_what_has_no_words_of_ours_keeps_the_systems():
    assert udp_error_in_words(OSError(errno.EMSGSIZE, "x")) == os.strerror(errno.EMSGSIZE)
    assert udp_error_in_words(OSError("odd")) == "odd"
    assert udp_error_in_words(ValueError()) == "ValueError"


@pytest.mark.parametrize("verb", ["send", "receive"])
async def test_verbs_refuse_before_opening_and_after_closing(verb):
    with Meter() as meter:
        transport = UdpTransport(UdpOptions(host="127.0.0.1", port=meter.port))
        argument = {"send": b"x", "receive": 1.0}[verb]
        for _ in range(2):
            with pytest.raises(ProtocolFault, match="not open"):
                await getattr(transport, verb)(argument)
            assert transport.discard() == b""
            await transport.open()
            await transport.open()
            await transport.close()
            await transport.close()


async def test_closing_wakes_whoever_receives():
    with Meter() as meter:
        transport = await meter.connect()
        waiting = asyncio.create_task(transport.receive(30.0))
        await asyncio.sleep(0)
        await transport.close()
        with pytest.raises(ProtocolFault, match="closed"):
            await waiting


async def test_a_cancelled_receive_loses_nothing():
    with Meter() as meter:
        transport = await greeted(meter)
        waiting = asyncio.create_task(transport.receive(30.0))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        meter.say(b"kept")
        assert await transport.receive(30.0) == b"kept"
        await transport.close()


async def test_stale_datagrams_are_discarded_and_returned():
    with Meter() as meter:
        transport = await greeted(meter)
        meter.say(b"stale", b"old")
        while transport._datagrams.size < 8:  # noqa: ASYNC110  nothing else tells what a socket has
            await asyncio.sleep(0)
        assert transport.discard() == b"staleold"
        assert transport.discard() == b""
        meter.say(b"fresh")
        assert await transport.receive(30.0) == b"fresh"
        await transport.close()


def test_a_flood_is_kept_in_bounded_memory_and_the_oldest_give_way():
    inbox = DatagramInbox()
    for number in range(10_000):
        inbox.put(b"%06d" % number + bytes(94))
    assert inbox.size <= INBOX_LIMIT
    kept = 0
    while octets := inbox.take():
        kept += 1
    assert kept + inbox.dropped == 10_000
    assert octets == b""
    inbox.put(bytes(LARGEST))
    assert inbox.size == LARGEST  # one is kept, however large
    for _ in range(100_000):
        inbox.put(b"x")
    assert 100 < inbox.size < 10_000  # each counts more than its one octet
    assert set(inbox.take_all()) == set(b"x")
    assert inbox.size == 0


async def test_the_last_of_a_flood_is_received():
    with Meter() as meter:
        transport = await greeted(meter)
        protocol = transport._datagrams
        for number in range(5000):
            protocol.datagram_received(b"%06d" % number + bytes(94), None)
        assert transport.dropped > 4000
        *_, last = [await transport.receive(0) for _ in range(5000 - transport.dropped)]
        assert last.startswith(b"004999")
        assert await transport.receive(0) == b""
        await transport.close()


async def test_a_full_socket_holds_senders_back_until_it_takes_more():
    with Meter() as meter:
        transport = await meter.connect()
        protocol = transport._datagrams
        protocol.pause_writing()
        assert transport.is_full
        sending = asyncio.create_task(transport.send(b"later"))
        await asyncio.sleep(0)
        assert not sending.done()
        protocol.resume_writing()
        await sending
        assert meter.hear() == b"later"
        protocol.pause_writing()
        sending = asyncio.create_task(transport.send(b"never"))
        await asyncio.sleep(0)
        await transport.close()
        with pytest.raises(ProtocolFault, match="closed"):
            await sending


async def test_opening_and_closing_leave_no_descriptor_and_no_task():
    with Meter() as meter:
        await (await greeted(meter)).close()
        tasks, before = asyncio.all_tasks(), descriptors()
        for _ in range(5):
            await (await greeted(meter)).close()
        assert asyncio.all_tasks() == tasks
        assert descriptors() == before


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_open_leaves_no_descriptor(turns):
    with Meter() as meter:
        transport = UdpTransport(UdpOptions(host="127.0.0.1", port=meter.port))
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


@pytest.mark.parametrize("turns", range(6))
async def test_an_open_cancelled_by_a_scope_again_and_again_leaves_no_descriptor(turns):
    with Meter() as meter:
        transport = UdpTransport(UdpOptions(host="127.0.0.1", port=meter.port))
        await transport.open()
        await transport.close()
        before = descriptors()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.open)
            for _ in range(turns):
                await asyncio.sleep(0)
            tasks.cancel_scope.cancel()
        await transport.close()
        for _ in range(3):
            await asyncio.sleep(0)
        assert descriptors() == before


async def test_a_cancelled_open_that_fails_is_cancelled_all_the_same(monkeypatch):
    async def refuse(_, sock):
        sock.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise OSError(errno.EMFILE, "")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_datagram_endpoint", refuse, raising=False)
    opening = asyncio.create_task(UdpTransport(UdpOptions(host="127.0.0.1", port=4059)).open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening


async def test_a_sender_that_waits_hears_that_the_line_ended():
    protocol = udp.DatagramProtocol("udp")
    protocol.pause_writing()
    sending = asyncio.create_task(protocol.send(b"?"))
    await asyncio.sleep(0)
    protocol.error_received(OSError(errno.ECONNREFUSED, ""))
    with anyio.fail_after(5), pytest.raises(ProtocolFault, match="nothing takes datagrams"):
        await sending


class TestOnVirtualTime:
    @pytest.fixture
    def anyio_backend(self):
        return VIRTUAL_CLOCK

    async def test_silence_ends_at_the_timeout(self):
        with Meter() as meter:
            transport = await meter.connect()
            assert await transport.receive(7.0) == b""
            assert asyncio.get_running_loop().time() == pytest.approx(7.0, abs=1e-3)
            await transport.close()

    async def test_a_name_that_is_never_resolved_times_out(self, monkeypatch):
        async def never(*arguments, **settings):
            await asyncio.Event().wait()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        with pytest.raises(ProtocolFault, match="not resolved in 10 s"):
            await UdpTransport(UdpOptions(host="meter.example")).open()
