"""What passes through a transport is written down, and passes unchanged: PSEM, DLMS, anything."""

import json

import pytest

from meterkit import DlmsClient, PsemClient
from meterkit.emulator import EmulatorTransport, MeterEmulator
from meterkit.emulator.dlms import DlmsMeterEmulator
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.recording import Direction, Recorded
from meterkit.transport.loopback import LoopbackTransport
from meterkit.transport.recorder import RecordingTransport
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def recorded(lines):
    return [(one.direction.value, one.hex) for one in map(Recorded.parse, lines)]


async def test_a_line_of_json_for_all_octets_that_pass():
    lines, (a, b) = [], LoopbackTransport.create_pair(is_noisy=True, baud_rate=300)
    clock = iter([1.0, 2.5, 3.0, 4.0])
    line = RecordingTransport(a, lines.append, clock=lambda: next(clock))
    await line.open()
    await b.open()
    await line.send(b"\x01\x02")
    await b.send(b"\xfe")
    assert await line.receive(1.0) == b"\xfe"
    assert await line.receive(1.0) == b""
    await line.hold(b"\x06")
    await b.send(b"stale")
    assert line.discard() == b"stale"
    assert [json.loads(one) for one in lines][:2] == [
        {"time": "1970-01-01T00:00:01.000000Z", "direction": "sent", "hex": "0102"},
        {"time": "1970-01-01T00:00:02.500000Z", "direction": "received", "hex": "fe"},
    ]
    assert recorded(lines)[2:] == [("sent", "06"), ("received", b"stale".hex())]
    assert all(one.endswith("}\n") for one in lines)


async def test_it_is_its_inner_transport_in_all_else():
    a, b = LoopbackTransport.create_pair("bench", is_noisy=True, baud_rate=300)
    line = RecordingTransport(a, [].append)
    assert line.lock is a.lock
    assert not line.is_open
    async with line:
        assert line.is_open
        assert (line.name, line.is_noisy, line.baud_rate) == ("bench a", True, 300)
        assert (line.is_datagram, line.is_full) == (False, False)
        await b.open()
        await line.set_baud_rate(9600)
        assert a.baud_rate == line.baud_rate == 9600
    assert not a.is_open


async def test_what_could_not_be_sent_is_not_recorded():
    lines = []
    line = RecordingTransport(LoopbackTransport.create_pair()[0], lines.append)
    with pytest.raises(ProtocolFault) as caught:
        await line.send(b"\x01")
    assert caught.value.error.kind is ErrorKind.TRANSPORT
    assert lines == []


async def test_a_redactor_decides_what_is_shown():
    lines, (a, b) = [], LoopbackTransport.create_pair()
    given = []

    def hide(direction, octets):
        given.append(direction)
        return ".." * len(octets)

    line = RecordingTransport(a, lines.append, redactor=hide, listens_only=True)
    await line.open()
    await b.open()
    await line.send(b"secret")
    await b.send(b"heard")
    await line.receive(1.0)
    assert recorded(lines) == [("sent", ".." * 6), ("overheard", ".." * 5)]
    assert given == [Direction.SENT, Direction.OVERHEARD]


async def test_a_psem_session_is_recorded_whole():
    lines = []
    inner = EmulatorTransport(MeterEmulator())
    async with PsemClient(RecordingTransport(inner, lines.append)) as client:
        (await client.connect()).unwrap()
        assert (await client.read_table(1)).is_success
    sent = "".join(digits for direction, digits in recorded(lines) if direction == "sent")
    received = "".join(digits for direction, digits in recorded(lines) if direction == "received")
    assert len(sent) == 2 * inner.sent
    assert len(received) == 2 * inner.received
    assert sent.count("ee") >= 4  # PSEM packets begin with it


async def test_a_dlms_session_is_recorded_whole():
    lines = []
    inner = EmulatorTransport(DlmsMeterEmulator())
    async with DlmsClient(RecordingTransport(inner, lines.append)) as client:
        (await client.connect()).unwrap()
        assert (await client.get_attribute(8, "0.0.1.0.0.255", 2)).is_success
    sent = "".join(digits for direction, digits in recorded(lines) if direction == "sent")
    assert len(sent) == 2 * inner.sent
    assert sent.startswith("0001")  # WRAPPER's version
    assert "60" in sent  # AARQ


async def test_a_recording_that_cannot_be_kept_is_not_given_up_in_silence():
    def full(_):
        raise OSError(28, "No space left on device")

    a, b = LoopbackTransport.create_pair()
    line = RecordingTransport(a, full)
    await line.open()
    await b.open()
    with pytest.raises(OSError, match="No space"):
        await line.send(b"\x01")
