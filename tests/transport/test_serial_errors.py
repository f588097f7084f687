"""What goes wrong with serial ports, and what the adapter says about it."""

import asyncio
import errno
import os
import termios
import threading

import pytest
import serial

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.options import SerialOptions
from meterkit.transport import serial as serial_room
from meterkit.transport import serial_port
from meterkit.transport.serial import SerialTransport
from tests.transport.probe import LOOPS, Probe, gather, opened

pytestmark = pytest.mark.anyio


@pytest.fixture(params=LOOPS.values(), ids=LOOPS)
def anyio_backend(request):
    return request.param


@pytest.fixture
def probe():
    probe = Probe()
    yield probe
    probe.unplug()


async def test_settings_the_port_cannot_do_are_told_in_words(probe, monkeypatch):
    def refuse(self):
        raise serial.SerialException("Could not configure port") from termios.error(22, "Invalid argument")

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(ProtocolFault, match=r"cannot do 300 7E1 \(Invalid argument\)"):
        await opened(probe, baud_rate=300, data_bits=7, parity="E")


async def test_a_speed_the_port_cannot_do_is_refused_and_the_old_one_stays(probe, monkeypatch):
    transport = await opened(probe)
    keep = serial_port.Port._reconfigure_port

    def picky(self, force_update=False):
        if self.baudrate == 12345:
            raise termios.error(22, "Invalid argument")
        keep(self, force_update)

    monkeypatch.setattr(serial_port.Port, "_reconfigure_port", picky)
    with pytest.raises(ProtocolFault, match="cannot do 12345 bits per second"):
        await transport.set_baud_rate(12345)
    assert transport.baud_rate == transport._port.baudrate == 9600
    with pytest.raises(ValueError, match="positive"):
        await transport.set_baud_rate(0)
    await transport.close()


async def test_a_second_open_of_the_same_port_is_refused(probe):
    first = await opened(probe)
    second = SerialTransport(SerialOptions(port=probe.port))
    with pytest.raises(ProtocolFault, match="the port is busy") as caught:
        await second.open()
    assert caught.value.error.kind is ErrorKind.TRANSPORT
    assert first.is_open
    await first.close()
    await second.open()
    await second.close()


async def test_two_transports_may_share_a_port_when_asked(probe):
    first, second = await opened(probe, exclusive=False), await opened(probe, exclusive=False)
    assert first.is_open
    assert second.is_open
    await second.close()
    await first.close()


@pytest.mark.parametrize(
    ("here", "told"),
    [(["/dev/ttyUSB0", "/dev/ttyACM1"], "has /dev/ttyACM1, /dev/ttyUSB0"), ([], "has no serial port")],
)
async def test_a_port_that_is_not_there_is_told_with_those_that_are(here, told, monkeypatch):
    ports = [type("PortInfo", (), {"device": name})() for name in here]
    monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: ports)
    with pytest.raises(ProtocolFault, match=f"serial /dev/ttyUSB99: no such port; this machine {told}"):
        await SerialTransport(SerialOptions(port="/dev/ttyUSB99")).open()


async def test_a_file_that_is_no_port_is_told_in_words(tmp_path):
    file = tmp_path / "readings.csv"
    file.write_bytes(b"")
    with pytest.raises(ProtocolFault, match="is not a serial port, or cannot do 9600 8N1"):
        await SerialTransport(SerialOptions(port=str(file))).open()


async def test_a_url_instead_of_a_port_is_told_in_words():
    with pytest.raises(ProtocolFault, match="use TcpTransport"):
        await SerialTransport(SerialOptions(port="socket://10.0.0.7:4001")).open()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (errno.EACCES, r"permission denied; add yourself to the group .*usermod -a -G \w+ "),
        (errno.EBUSY, "the port is busy"),
        (errno.EIO, "no device behind this port"),
        (errno.ENXIO, "no such port"),
        (errno.ENOMEM, "could not open the port with 9600 8N1"),
    ],
)
async def test_what_the_system_answers_to_opening_is_told_in_words(code, told, probe, monkeypatch):
    def refuse(self):
        raise serial.SerialException(code, os.strerror(code))

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(ProtocolFault, match=told):
        await opened(probe)


async def test_an_adapter_pulled_out_in_mid_session_is_told_after_its_last_octets(probe):
    transport = await opened(probe)
    probe.say(b"last")
    assert await gather(transport, 4) == b"last"
    waiting = asyncio.create_task(transport.receive(30.0))
    await asyncio.sleep(0)
    probe.unplug()
    with pytest.raises(ProtocolFault, match="stopped working in mid-session: adapter unplugged") as caught:
        await waiting
    assert caught.value.error.kind is ErrorKind.TRANSPORT
    assert not transport.is_open
    with pytest.raises(ProtocolFault, match="unplugged"):
        await transport.send(b"x")
    with pytest.raises(ProtocolFault, match="unplugged"):
        await transport.set_baud_rate(1200)
    await transport.close()


async def test_a_write_to_a_dead_port_is_told_and_nothing_is_logged(probe, monkeypatch, caplog):
    transport = await opened(probe)
    monkeypatch.setattr(
        serial.Serial, "write", lambda self, octets: (_ for _ in ()).throw(serial.SerialException("gone"))
    )
    await transport.send(b"x")
    with pytest.raises(ProtocolFault, match=r"unplugged or switched off\? \(gone\)"):
        await transport.receive(30.0)
    await transport.close()
    assert caplog.records == []


async def test_a_speed_is_not_changed_while_octets_are_stuck(probe, monkeypatch):
    monkeypatch.setattr(serial_room, "DRAIN_GRACE", 0.01)
    released = threading.Event()
    monkeypatch.setattr(serial_port.Port, "drain", lambda self: released.wait(30))
    transport = await opened(probe)
    with pytest.raises(ProtocolFault, match="does not leave the port"):
        await transport.set_baud_rate(1200)
    assert transport.baud_rate == 9600
    assert probe.settings()[4] == termios.B9600
    released.set()
    await transport.close()


@pytest.mark.parametrize("verb", ["send", "receive", "set_baud_rate"])
async def test_every_verb_refuses_while_not_open(probe, verb):
    transport = SerialTransport(SerialOptions(port=probe.port))
    argument = {"send": b"x", "receive": 1.0, "set_baud_rate": 1200}[verb]
    with pytest.raises(ProtocolFault, match="not open"):
        await getattr(transport, verb)(argument)
