"""Odd meters, bad lines, silence, pushes, cancellation: a value or a typed Err, and nothing left behind."""

import asyncio

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterkit import DlmsClient, DlmsClientOptions, Err, ErrorKind, MeterError, ObisCode, Ok
from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.apdu.notification import DataNotification
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.transport.base import Transport
from tests.dlms.rig import connected, line, meter, options
from tests.virtual_clock import VIRTUAL_CLOCK, VirtualClockLoop

pytestmark = pytest.mark.anyio

CLOCK = bytes.fromhex("07ea0b15060b250c00ffc400")
ENERGY = (3, "1-0:1.8.0", 2)
NOTE = (1, "0-0:96.13.0", 2)
LOAD_PROFILE = (7, "1-0:99.1.0", 2)
HDLC_ONLY = {
    DlmsQuirk.IGNORED_PROPOSALS,
    DlmsQuirk.INFORMATION_SIZE_IGNORED,
    DlmsQuirk.UA_WITHOUT_PARAMETERS,
    DlmsQuirk.SILENT_TO_EMPTY_SNRM,
    DlmsQuirk.SLOW_WITH_RNR,
    DlmsQuirk.REJ_ON_LOSS,
    DlmsQuirk.SHARED_FLAGS,
    DlmsQuirk.NOISE_BEFORE_FRAMES,
    DlmsQuirk.ECHO,
}
#: These meters cannot be read whole; what becomes of each request is told.
HARMFUL = {
    DlmsQuirk.WRONG_INVOKE_ID: (ErrorKind.TIMEOUT, "invoke id"),
    DlmsQuirk.ERROR_TO_AARQ: (ErrorKind.REFUSED, "AARQ"),
    DlmsQuirk.HALF_FRAMES: (ErrorKind.TIMEOUT, ""),
    DlmsQuirk.ANSWERS_ANOTHER_CLIENT: (ErrorKind.TIMEOUT, ""),
}


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def use(client):
    """Do what a user would and return all Results, the profile's four rows last."""
    results = [await client.connect()]
    if results[0].is_success:
        results.append(await client.get_attribute(8, ObisCode.CLOCK, 2))
        results += await client.get_attribute_list([ENERGY, (1, "0-0:42.0.0", 2)]).collect()
        results.append(await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 4)))
        results.append(await client.get_attribute(*LOAD_PROFILE))
    return results


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize("quirk", DlmsQuirk, ids=lambda quirk: quirk.value)
async def test_an_odd_meter_is_read_right_or_told_why_not(quirk, interface):
    healthy = meter(interface=interface)
    emulator = meter(interface=interface, quirks={quirk})
    async with connected(healthy) as (client, _):
        expected = [await client.get_attribute(*LOAD_PROFILE)]
    with anyio.fail_after(3600):
        async with DlmsClient(line(emulator), options(emulator)) as client:
            results = await use(client)

    is_harmful = quirk in HARMFUL or quirk is DlmsQuirk.WRONG_BLOCK_NUMBER
    for result in results:
        assert isinstance(result, Ok | Err)
    if quirk in HARMFUL:
        kind, word = HARMFUL[quirk]
        failed = next(result for result in results if isinstance(result, Err))
        assert failed.error.kind in (kind, ErrorKind.FRAMING, ErrorKind.CRC)
        assert word in str(failed.error)
    if not is_harmful:
        assert [result for result in results if isinstance(result, Err)] == []
        assert results[1].value.value == CLOCK
        assert results[3].value.value == b"MKT20260001"
        assert results[-1].value.value == expected[0].value.value


async def test_a_wrong_block_number_fails_the_transfer_and_not_the_session():
    emulator = meter(quirks={DlmsQuirk.WRONG_BLOCK_NUMBER})
    async with connected(emulator, max_pdu=500) as (client, _):
        failed = await client.get_attribute(*LOAD_PROFILE)
        emulator.quirks.clear()
        clock = await client.get_attribute(8, ObisCode.CLOCK, 2)
    assert failed.error.kind is ErrorKind.PROTOCOL
    assert "block 2 was expected, block 3 came" in failed.error.message
    assert not failed.error.has_ended_session
    assert clock.is_success


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_silence_ends_in_a_timeout_that_names_the_request(interface):
    emulator = meter(interface=interface)
    async with connected(emulator) as (client, wire):
        emulator.faults.silent = True
        begin = anyio.current_time()
        failed = await client.get_attribute(*ENERGY)
        again = await client.get_attribute(*ENERGY)
        spent = anyio.current_time() - begin
    assert failed.error.kind is ErrorKind.TIMEOUT
    assert "GET 3/1-0:1.8.0*255/2" in str(failed.error)
    assert failed.error.has_ended_session
    assert again.error.message == failed.error.message
    assert spent < 30
    assert wire.closed == 1


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_a_write_whose_answer_is_lost_is_not_sent_again(interface):
    emulator = meter(interface=interface)
    async with connected(emulator, manager=True) as (client, wire):
        emulator.faults.unanswered = 100
        sent = len(wire.log)
        failed = await client.set_attribute(*NOTE, axdr.encode_octet_string(b"only once"))
        written = [octets for _, octets in wire.log[sent:] if b"only once" in octets]
    assert failed.error.kind is ErrorKind.TIMEOUT
    assert len(written) == 1


@pytest.mark.parametrize("fault", ["drop_frames", "corrupt_frames", "duplicate_frames", "unheard_frames"])
@pytest.mark.parametrize("window", [1, 3, 7])
async def test_hdlc_mends_what_the_line_breaks(fault, window):
    emulator = meter(interface="hdlc")
    async with connected(emulator, hdlc_window=window) as (client, _):
        expected = (await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 40))).unwrap()
        for count in (1, 2):
            setattr(emulator.faults, fault, count)
            assert (await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 40))).unwrap() == expected


async def test_after_a_dead_session_the_client_connects_again():
    for interface in ("wrapper", "hdlc"):
        emulator = meter(interface=interface)
        async with connected(emulator) as (client, wire):
            emulator.faults.silent = True
            assert (await client.get_attribute(*ENERGY)).is_failure
            assert not client.is_connected
            emulator.faults.silent = False
            assert (await client.connect()).is_success
            assert (await client.get_attribute(*ENERGY)).is_success
            assert wire.opened >= 2


async def test_an_idle_hdlc_session_is_kept_alive():
    emulator = meter(interface="hdlc")
    async with connected(emulator, keep_alive_interval=40) as (client, _):
        await anyio.sleep(1000)
        assert (await client.get_attribute(*ENERGY)).is_success
    async with connected(emulator, keep_alive=False) as (client, _):
        await anyio.sleep(1000)
        assert (await client.get_attribute(*ENERGY)).is_failure


async def test_a_push_between_request_and_answer_is_heard_and_the_answer_is_right():
    emulator = meter(quirks={DlmsQuirk.PUSH_BEFORE_ANSWER})
    async with connected(emulator) as (client, _):
        clock = (await client.get_attribute(8, ObisCode.CLOCK, 2)).unwrap()
        heard = (await anext(client.listen())).unwrap()
    assert clock.value == CLOCK
    assert isinstance(heard, DataNotification)


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_pushes_are_heard_while_nothing_is_asked_and_calls_go_on(interface):
    emulator = meter(interface=interface)
    async with connected(emulator) as (client, _):
        heard = []

        async def listen():
            async for notification in client.listen():
                heard.append(notification)
                if len(heard) == 3:
                    return

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await anyio.sleep(1)
            emulator.push()
            await anyio.sleep(3)
            assert len(heard) == 1
            begin = anyio.current_time()
            assert (await client.get_attribute(*ENERGY)).is_success
            assert anyio.current_time() - begin < 0.5
            emulator.push()
            emulator.push()
    assert [type(one.unwrap()) for one in heard] == [DataNotification] * 3


class CancelAt:
    """Cancels its scope after so many turns of the event loop."""

    def __init__(self, turns):
        self.turns = turns
        self.scope = anyio.CancelScope()

    async def watch(self):
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.scope.cancel()


CALLS = {
    "connect": None,
    "get": lambda client: client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 40)),
    "list": lambda client: client.get_attribute_list([ENERGY, NOTE, ENERGY]).collect(),
    "set": lambda client: client.set_attribute(*NOTE, axdr.encode_octet_string(bytes(3000))),
    "disconnect": lambda client: client.disconnect(),
}


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize("call", CALLS)
async def test_cancelling_at_any_turn_leaves_a_session_that_is_whole_or_lost(call, interface):
    runner = asyncio.all_tasks()
    finished = False
    for turns in range(1, 1000):
        emulator = meter(interface=interface)
        wire = line(emulator)
        async with DlmsClient(wire, options(emulator, manager=True, max_pdu=300)) as client:
            cancel = CancelAt(turns)
            if CALLS[call] is not None:
                (await client.connect()).unwrap()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel.watch)
                with cancel.scope:
                    await (CALLS[call](client) if CALLS[call] else client.connect())
                    finished = True
                tasks.cancel_scope.cancel()
            assert not wire.lock.locked()
            if client.is_connected:
                assert (await client.get_attribute(*ENERGY)).is_success
            else:
                assert isinstance(await client.get_attribute(*ENERGY), Err)
                if call != "disconnect":
                    assert (await client.connect()).is_success
        assert not wire.is_open
        assert asyncio.all_tasks() == runner
        if finished:
            break
    assert finished
    print(f"{call} on {interface}: cancelled at {turns - 1} turns")


class MadMeter(Transport):
    """Accepts every association, then answers with whatever `answer` makes of a request."""

    name = "mad meter"
    is_open = True
    is_noisy = False

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.pending = b""
        self.closed = 0

    async def open(self):
        self.pending = b""

    async def close(self):
        self.closed += 1

    async def send(self, octets):
        from benchmarks.servers import CannedDlms

        tag = octets[8]
        if tag == 0x60:
            answer = CannedDlms.AARE
        elif tag == 0x62:
            answer = b"\x63\x03\x80\x01\0"
        else:
            self.pending += self.answer(octets)
            return
        self.pending += framed(octets, answer)

    async def receive(self, timeout):
        await asyncio.sleep(0 if self.pending else timeout)
        octets, self.pending = self.pending, b""
        return octets

    def discard(self):
        octets, self.pending = self.pending, b""
        return octets


def framed(request, answer):
    return request[:2] + request[4:6] + request[2:4] + len(answer).to_bytes(2, "big") + answer


async def use_mad_meter(transport):
    async with DlmsClient(transport, DlmsClientOptions()) as client:
        with anyio.fail_after(7200):
            results = [await client.connect()]
            results.append(await client.get_attribute(*ENERGY))
            results.append(await client.objects())
            results += await client.get_attribute_list([ENERGY, NOTE]).collect()
            results.append(await client.set_attribute(*NOTE, b"\0"))
            results.append(await client.action(*NOTE))
        for result in results:
            assert isinstance(result, Ok | Err)
            if isinstance(result, Err):
                assert isinstance(result.error, MeterError)
                assert result.error.message
    assert transport.closed
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


def run(transport):
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(use_mad_meter(transport))


MANY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(st.binary(max_size=120))
def test_any_octets_in_place_of_an_answer(octets):
    run(MadMeter(lambda request: octets))


@MANY
@given(
    st.sampled_from(
        [b"\xc4", b"\xc5", b"\xc7", b"\xd8", b"\x0e", b"\xe0", b"\x0f", b"\xda", b"\xdb", b"\x0c"]
    ),
    st.binary(max_size=80),
)
def test_any_apdu_in_a_good_frame(tag, rest):
    run(MadMeter(lambda request: framed(request, tag + rest)))


@MANY
@given(st.binary(max_size=60))
def test_any_value_with_the_right_invoke_id(value):
    run(MadMeter(lambda request: framed(request, bytes((request[8] + 4, 1, request[10], 0)) + value)))
