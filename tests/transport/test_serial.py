"""The serial adapter on real pseudo-terminals, on asyncio's loop and on uvloop's."""

import asyncio
import termios
import threading

import pytest
import serial

from meterkit.options import SerialOptions
from meterkit.transport import serial as serial_room
from meterkit.transport import serial_port
from meterkit.transport.serial import SerialTransport
from tests.transport.probe import LOOPS, Probe, descriptors, gather, opened, serial_threads, until

pytestmark = pytest.mark.anyio


@pytest.fixture(params=LOOPS.values(), ids=LOOPS)
def anyio_backend(request):
    return request.param


@pytest.fixture
def probe():
    probe = Probe()
    yield probe
    probe.unplug()


async def test_octets_go_there_and_back(probe):
    transport = await opened(probe)
    await transport.send(b"\xee\x00\x0a\x0d\x11\x13")
    assert await probe.hear(6) == b"\xee\x00\x0a\x0d\x11\x13"
    probe.say(bytes(range(256)))
    assert await gather(transport, 256) == bytes(range(256))
    assert transport.is_open
    assert transport.is_noisy
    assert transport.name == f"serial {probe.port}"
    await transport.close()
    assert not transport.is_open


async def test_the_settings_reach_the_port(probe):
    transport = await opened(probe, baud_rate=300, stop_bits=2)
    _, _, flags, _, speed, _, _ = probe.settings()
    assert speed == termios.B300
    assert flags & termios.CSTOPB
    assert not flags & termios.PARENB
    assert transport.baud_rate == 300
    await transport.close()


async def test_a_port_opens_with_seven_data_bits_and_even_parity_and_changes_speed(probe):
    # Linux keeps a pseudo-terminal at 8N1 and calls every further change of settings an error.
    transport = await opened(probe, baud_rate=300, data_bits=7, parity="E")
    await transport.set_baud_rate(9600)
    assert probe.settings()[4] == termios.B9600
    await transport.close()


def test_seven_data_bits_and_even_parity_are_asked_of_the_port():
    port = serial_port.Port(SerialOptions(port="/dev/ttyUSB0", data_bits=7, parity="E"))
    assert (port.bytesize, port.parity, port.stopbits, port.exclusive) == (7, "E", 1, True)


async def test_a_port_is_set_up_once_when_it_opens_and_not_again_in_the_event_loop(probe, monkeypatch):
    threads = []
    keep = serial_port.Port._reconfigure_port

    def noting(self, force_update=False):
        threads.append(threading.current_thread())
        keep(self, force_update)

    monkeypatch.setattr(serial_port.Port, "_reconfigure_port", noting)
    transport = await opened(probe)
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
    assert (transport._port.timeout, transport._port.write_timeout) == (0, 0)
    await transport.close()


async def test_the_speed_changes_and_falls_back_on_opening(probe):
    transport = await opened(probe)
    await transport.send(b"\x06")
    await transport.set_baud_rate(19200)
    assert await probe.hear(1) == b"\x06"
    assert probe.settings()[4] == termios.B19200
    assert transport.baud_rate == 19200
    await transport.close()
    await transport.open()
    assert probe.settings()[4] == termios.B9600
    assert transport.baud_rate == 9600
    await transport.close()


@pytest.mark.parametrize(("rts", "dtr"), [(True, False), (False, True), (None, None)])
async def test_rts_and_dtr_have_their_level_from_the_moment_the_port_opens(probe, rts, dtr, monkeypatch):
    levels = []
    keep = serial.Serial.open

    def noting(self):
        levels.append((self.rts, self.dtr))
        keep(self)

    monkeypatch.setattr(serial.Serial, "open", noting)
    transport = await opened(probe, rts=rts, dtr=dtr)
    assert levels == [(True if rts is None else rts, True if dtr is None else dtr)]
    await transport.close()


async def test_the_echo_of_the_probe_is_dropped(probe):
    transport = await opened(probe, echo=True)
    await transport.send(b"\xee\x01")
    probe.say(await probe.hear(2) + b"\x06")
    assert await transport.receive(30.0) == b"\x06"
    await transport.close()


async def test_what_was_sent_just_before_closing_still_leaves(probe):
    transport = await opened(probe)
    await transport.send(b"\x06")
    await transport.close()
    assert await probe.hear(1) == b"\x06"


async def test_a_port_that_does_not_drain_cannot_hold_up_closing(probe, monkeypatch):
    monkeypatch.setattr(serial_room, "DRAIN_GRACE", 0.01)
    released = threading.Event()
    dropped = []
    monkeypatch.setattr(serial_port.Port, "drain", lambda self: released.wait(30))
    monkeypatch.setattr(serial_port.Port, "reset_output_buffer", lambda self: dropped.append(released.set()))
    transport = await opened(probe)
    await transport.send(b"x")
    await transport.close()
    assert dropped
    assert not transport.is_open


async def test_a_probe_that_never_reads_holds_senders_back_and_cannot_hold_up_closing(probe, monkeypatch):
    monkeypatch.setattr(serial_room, "DRAIN_GRACE", 0.01)
    transport = await opened(probe, baud_rate=4_000_000)

    async def flood():
        while True:
            await transport.send(bytes(1024))
            await asyncio.sleep(0)

    flooding = asyncio.create_task(flood())
    await until(lambda: transport._octets._is_full)
    assert transport._octets.transport.get_write_buffer_size() <= serial_room.WRITE_BUFFER + 2048
    flooding.cancel()
    await asyncio.wait({flooding})
    await transport.close()
    assert not transport.is_open


async def test_opening_and_closing_leave_no_descriptor_no_task_and_no_thread(probe):
    await (await opened(probe)).close()
    tasks, before = asyncio.all_tasks(), descriptors()
    for _ in range(5):
        transport = await opened(probe)
        await transport.send(b"x")
        assert await transport.receive(0) == b""
        await transport.close()
        await transport.close()
    assert asyncio.all_tasks() == tasks
    assert descriptors() == before
    for thread in serial_threads():
        thread.join()


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_open_leaves_no_descriptor_and_a_free_port(probe, turns):
    await (await opened(probe)).close()
    before = descriptors()
    transport = SerialTransport(SerialOptions(port=probe.port))
    opening = asyncio.create_task(transport.open())
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled():  # it was quicker than we
        await transport.close()
    assert descriptors() == before
    await transport.open()
    await transport.close()


async def test_an_open_cancelled_while_the_driver_hangs_closes_the_port_when_it_answers(probe, monkeypatch):
    monkeypatch.setattr(serial_port, "OPEN_GRACE", 0.01)
    released, began = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    keep = serial_port.open_port
    ports = []

    def hang(options):
        loop.call_soon_threadsafe(began.set)
        released.wait(30)
        ports.append(keep(options))
        return ports[0]

    monkeypatch.setattr(serial_port, "open_port", hang)
    opening = asyncio.create_task(SerialTransport(SerialOptions(port=probe.port)).open())
    await began.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    released.set()
    await until(lambda: ports and not ports[0].is_open)


async def test_a_cancelled_receive_loses_nothing(probe):
    transport = await opened(probe)
    waiting = asyncio.create_task(transport.receive(30.0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    probe.say(b"kept")
    assert await gather(transport, 4) == b"kept"
    await transport.close()


async def test_a_cancelled_close_still_closes_the_port(probe, monkeypatch):
    released, draining = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(self):
        loop.call_soon_threadsafe(draining.set)
        released.wait(30)

    transport = await opened(probe)
    before = descriptors()
    monkeypatch.setattr(serial_port.Port, "drain", hang)
    closing = asyncio.create_task(transport.close())
    await draining.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    released.set()
    await asyncio.sleep(0)
    assert len(descriptors()) < len(before)
    second = SerialTransport(SerialOptions(port=probe.port))
    monkeypatch.undo()
    await second.open()
    await second.close()


async def test_octets_that_left_are_not_dropped_when_the_port_closes(probe, monkeypatch):
    # On a pseudo-terminal, dropping the driver's output also drops what the far end has not read yet.
    dropped = []
    monkeypatch.setattr(serial_port.Port, "reset_output_buffer", lambda self: dropped.append(self))
    transport = await opened(probe)
    await transport.send(b"\x06")
    await transport.close()
    assert dropped == []
    assert await probe.hear(1) == b"\x06"
