"""The emulated DLMS meter on every kind of line: TCP, UDP, pty, memory; sign-on and pushes."""

import asyncio
import os
import tty

import pytest

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.descriptors import AttributeDescriptor
from meterkit.dlms.apdu.notification import DataNotification, EventNotification
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.hdlc.frame import HdlcFrameType
from meterkit.emulator import EmulatorTransport, open_pty, serve_tcp
from meterkit.emulator.dlms import DlmsQuirk, serve_udp
from meterkit.emulator.dlms.readout import block_check
from tests.emulator.dlms.meters import (
    AARQ,
    CLOCK_OCTETS,
    EVERYTHING,
    GET_CLOCK,
    NOW,
    HdlcClient,
    WrapperClient,
    frames_of,
    make_meter,
    split,
)

pytestmark = pytest.mark.anyio

ASSOCIATE = bytes.fromhex(AARQ.format(conformance=EVERYTHING, max_pdu="04b0"))
SIGN_ON = b"/?!\r\n"
IDENTIFICATION = b"/MKT5\\2EMULATOR\r\n"
ACKNOWLEDGE = b"\x06252\r\n"


def wrapped(apdu):
    return b"\0\1\0\x10\0\1" + len(apdu).to_bytes(2, "big") + apdu


async def take(reader):
    head = await asyncio.wait_for(reader.readexactly(8), 5)
    return await reader.readexactly(int.from_bytes(head[6:], "big"))


# ---------------------------------------------------------------- TCP, UDP, pty, memory
async def test_wrapper_over_tcp_with_a_push_in_between():
    emulator = make_meter()
    async with serve_tcp(emulator) as server:
        assert server.address == f"dlms+tcp://127.0.0.1:{server.port}"
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(wrapped(ASSOCIATE))
        assert (await take(reader))[0] == 0x61
        emulator.push()
        assert isinstance(decode_apdu(await take(reader)), DataNotification)
        writer.write(wrapped(bytes.fromhex(GET_CLOCK)))
        assert (await take(reader))[4:] == CLOCK_OCTETS
        writer.write(b"no wrapper at all")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    assert not emulator.sessions


async def test_wrapper_over_udp_one_message_in_a_datagram():
    emulator = make_meter()
    loop = asyncio.get_running_loop()
    received = asyncio.Queue()

    class Client(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr):
            received.put_nowait(data)

    async with serve_udp(emulator) as server:
        assert server.address == f"dlms+udp://127.0.0.1:{server.port}"
        transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", server.port))
        transport.sendto(b"noise")
        transport.sendto(wrapped(ASSOCIATE)[:-1])
        transport.sendto(wrapped(ASSOCIATE))
        assert (await asyncio.wait_for(received.get(), 5))[8] == 0x61
        emulator.quirks.add(DlmsQuirk.PUSH_BEFORE_ANSWER)
        transport.sendto(wrapped(bytes.fromhex(GET_CLOCK)))
        assert (await asyncio.wait_for(received.get(), 5))[8] == 0x0F
        assert (await asyncio.wait_for(received.get(), 5))[12:] == CLOCK_OCTETS
        emulator.push()
        assert (await asyncio.wait_for(received.get(), 5))[8] == 0x0F
        assert server.nbr_clients == 1
        transport.close()
        await asyncio.sleep(0)
    with pytest.raises(ValueError, match="only WRAPPER"):
        serve_udp(make_meter(interface="hdlc"))


async def test_hdlc_on_a_pty():
    client = HdlcClient(make_meter(interface="hdlc"))
    async with open_pty(client.emulator) as server:
        assert server.address == f"dlms+hdlc+serial://{server.path}"
        port = os.open(server.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(port)
            os.write(port, client.frame(HdlcFrameType.SNRM))
            ready = asyncio.Event()
            octets = bytearray()
            loop = asyncio.get_running_loop()
            loop.add_reader(port, lambda: (octets.extend(os.read(port, 100)), ready.set()))
            await asyncio.wait_for(ready.wait(), 5)
            loop.remove_reader(port)
        finally:
            os.close(port)
    assert frames_of(bytes(octets))[0].control.frame_type is HdlcFrameType.UA


async def test_a_push_wakes_a_receive_in_memory():
    emulator = make_meter()
    async with EmulatorTransport(emulator) as line:
        waiting = asyncio.ensure_future(line.receive(60.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        emulator.push()
        assert decode_apdu((await asyncio.wait_for(waiting, 5))[8:])
        assert line.name == "emulator 20260001"


# ---------------------------------------------------------------- pushes
def test_a_push_explains_itself():
    client = WrapperClient(make_meter())
    client.emulator.push()
    assert client.calls == 1
    ((source, destination, apdu),) = split(client.session.wake(0.0))
    assert (source, destination) == (1, 0x40)
    notification = decode_apdu(apdu)
    assert notification.date_time == CLOCK_OCTETS[2:]


def test_a_push_can_come_in_general_blocks():
    client = WrapperClient(make_meter())
    whole = client.emulator.notification()
    client.emulator.push(whole, block_size=50)
    blocks = [decode_apdu(apdu) for _, _, apdu in split(client.session.wake(0.0))]
    assert all(isinstance(block, GeneralBlockTransfer) and block.window == 0 for block in blocks)
    assert [block.is_last for block in blocks] == [False] * (len(blocks) - 1) + [True]
    assert b"".join(block.data for block in blocks) == whole


def test_an_event_can_be_told():
    emulator = make_meter()
    octets = emulator.event_notification(AttributeDescriptor(8, ObisCode.CLOCK, 2))
    assert decode_apdu(octets) == EventNotification(
        CLOCK_OCTETS[2:], AttributeDescriptor(8, ObisCode.CLOCK, 2), CLOCK_OCTETS
    )
    with pytest.raises(ValueError, match="object-class-inconsistent"):
        emulator.event_notification(AttributeDescriptor(8, ObisCode.SERIAL_NUMBER, 99))


def test_pushes_leave_with_answers():
    client = WrapperClient(make_meter())
    client.associate()
    client.emulator.quirks |= {DlmsQuirk.PUSH_BEFORE_ANSWER, DlmsQuirk.PUSH_AFTER_ANSWER}
    assert [apdu[0] for _, _, apdu in client.send(GET_CLOCK)] == [0x0F, 0xC4, 0x0F]


def test_wrapper_messages_can_be_anothers():
    client = WrapperClient(make_meter(quirks=[DlmsQuirk.ANOTHER_CLIENTS_FRAME]))
    assert [port for _, port, _ in client.send(GET_CLOCK)] == [0x30, 0x10]
    client = WrapperClient(make_meter(quirks=[DlmsQuirk.ANSWERS_ANOTHER_CLIENT]))
    assert [port for _, port, _ in client.send(GET_CLOCK)] == [0x30]


# ---------------------------------------------------------------- sign-on
def sign_on(**changes):
    client = HdlcClient(make_meter(interface="mode_e", **changes))
    assert client.session.baud_rate == 300
    return client


def test_a_sign_on_leads_to_hdlc_and_disc_back():
    client = sign_on()
    assert client.session.receive(SIGN_ON, 0.0) == IDENTIFICATION
    assert client.session.receive(ACKNOWLEDGE, 0.5) == ACKNOWLEDGE
    assert client.session.baud_rate == 300  # until the echo has left
    client.session.wake(0.5)
    assert client.session.baud_rate == 9600
    client.now = 1.0
    client.connect()
    assert client.send(HdlcFrameType.DISC)[0].control.frame_type is HdlcFrameType.UA
    client.session.wake(1.0)
    assert client.session.baud_rate == 300
    assert client.session.receive(SIGN_ON, 2.0) == IDENTIFICATION


@pytest.mark.parametrize(("address", "is_ours"), [("20260001", True), ("0020260001", True), ("4711", False)])
def test_a_sign_on_may_name_the_meter(address, is_ours):
    octets = sign_on().session.receive(f"/?{address}!\r\n".encode(), 0.0)
    assert octets == (IDENTIFICATION if is_ours else b"")


def test_a_sign_on_survives_noise_single_octets_and_parity_bits():
    session = sign_on().session
    octets = b"".join(session.receive(bytes([octet | 0x80]), 0.0) for octet in b"\0\0" + SIGN_ON)
    assert octets == IDENTIFICATION


def check_readout(octets):
    assert octets[:1] == b"\x02"
    assert octets[-2:-1] == b"\x03"
    assert octets[-1] == block_check(octets[1:-1])
    lines = octets[1:-2].decode("ascii").split("\r\n")
    assert lines[0] == "0-0:96.1.0(20260001)"
    assert lines[-2:] == ["!", ""]
    return lines


def test_mode_c_reads_out_at_the_new_speed():
    client = sign_on()
    client.session.receive(SIGN_ON, 0.0)
    assert client.session.receive(b"\x06050\r\n", 0.1) == b""  # the reader has to change speed first
    assert client.session.deadline == pytest.approx(0.3)
    lines = check_readout(client.session.wake(client.session.deadline))
    assert client.session.baud_rate == 9600
    wh = int(client.emulator.household.energy(NOW)[0])
    assert lines[1] == f"1-0:1.8.0({wh // 1000:07}.{wh % 1000:03}*kWh)"
    client.session.wake(client.session.deadline)
    assert client.session.baud_rate == 300


def test_without_an_acknowledgement_the_readout_comes_at_300_baud():
    client = sign_on()
    client.session.receive(SIGN_ON, 0.0)
    assert client.session.deadline == 2.0
    check_readout(client.session.wake(2.0))
    assert client.session.baud_rate == 300


def test_programming_mode_is_signed_off():
    client = sign_on()
    client.session.receive(SIGN_ON, 0.0)
    assert client.session.receive(b"\x06051\r\n", 0.1) == b"\x01B0\x03q"


def test_hdlc_without_a_connection_ends_in_the_sign_on():
    client = sign_on(hdlc={"inactivity_timeout": 10})
    client.session.receive(SIGN_ON, 0.0)
    client.session.receive(ACKNOWLEDGE, 0.0)
    client.session.wake(0.0)
    client.session.wake(10.0)
    assert client.session.receive(SIGN_ON, 11.0) == IDENTIFICATION


def test_addresses_name_the_interface():
    assert make_meter().url("tcp", "h:1") == "dlms+tcp://h:1"
    assert make_meter(interface="hdlc").url("tcp", "h:1") == "dlms+hdlc+tcp://h:1"
    assert make_meter(interface="mode_e").url("serial", "/dev/x") == "dlms+hdlc+serial:///dev/x?mode_e=true"
