"""The same session over a real TCP socket and a real pseudo-terminal; nothing is left behind."""

import asyncio
import os

import anyio
import pytest

import meterkit
from meterkit import (
    ErrorKind,
    MeterFailure,
    PsemClient,
    SerialOptions,
    SerialTransport,
    TcpOptions,
    TcpTransport,
)
from meterkit.emulator import DEMO_MASTER_KEY, open_pty, serve_tcp
from tests.psem.rig import held, meter

pytestmark = pytest.mark.anyio


def descriptors():
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


async def others():
    for _ in range(5):
        await asyncio.sleep(0)
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def seen(rows):
    return [(row.end_time, row.values, row.extended_status) for row in rows if row.is_valid]


async def test_a_load_profile_over_tcp_is_what_the_meter_holds_and_nothing_is_left_open():
    emulator = meter()
    async with serve_tcp(emulator) as server:
        before, tasks = descriptors(), await others()
        transport = TcpTransport(TcpOptions(host="127.0.0.1", port=server.port))
        async with PsemClient(transport) as client:
            (await client.connect(DEMO_MASTER_KEY)).unwrap()
            for data_set in (1, 2, 3, 4):
                rows = (await client.load_profile(data_set).collect()).unwrap()
                assert seen(rows) == held(emulator, data_set)
        assert not transport.is_open
        assert await others() == tasks
        await others()  # a few turns, in which the far end hears of it
        assert descriptors() == before


async def test_a_load_profile_over_a_pseudo_terminal_is_what_the_meter_holds():
    emulator = meter()
    async with open_pty(emulator) as server:
        before, tasks = descriptors(), await others()
        transport = SerialTransport(SerialOptions(port=server.path))
        async with PsemClient(transport) as client:
            (await client.connect(DEMO_MASTER_KEY)).unwrap()
            rows = (await client.load_profile(1).collect()).unwrap()
        assert seen(rows) == held(emulator)
        assert await others() == tasks
        assert descriptors() == before


async def test_the_short_way_opens_connects_and_raises():
    emulator = meter()
    async with serve_tcp(emulator) as server:
        async with meterkit.connect(server.address, password=DEMO_MASTER_KEY) as client:
            assert (await client.read_table(1)).unwrap().display_name == "ST1"
        with pytest.raises(MeterFailure, match="password"):
            async with meterkit.connect(server.address, password=b"wrong"):
                pytest.fail("a wrong password connected")
        port = server.port
    with pytest.raises(MeterFailure, match=f"127.0.0.1:{port}.*refused"):
        async with meterkit.connect(f"psem+tcp://127.0.0.1:{port}"):
            pytest.fail("a closed port connected")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("psem+tcp://", "host"),
        ("psem+carrier-pigeon://coop", r"psem\+tcp"),
        ("psem+tcp://127.0.0.1:99999", "99999|port"),
        ("psem+tcp://127.0.0.1:1153?packet_size=12", "packet_size"),
        ("psem+tcp://127.0.0.1:1153?colour=blue", "colour"),
        ("psem+tcp://user:hunter2@127.0.0.1:1153", "password|secret"),
        ("dlms+tpc://127.0.0.1:4059", "dlms"),
        ("nonsense", "psem"),
    ],
)
async def test_a_url_that_makes_no_sense_is_a_value_error_that_teaches(url, words):
    with pytest.raises(ValueError, match=words) as raised:
        async with meterkit.connect(url):
            pytest.fail("connected to nonsense")
    assert "hunter2" not in str(raised.value)


async def test_a_line_that_dies_in_mid_frame_is_a_transport_error_that_names_it():
    async def half_a_frame(reader, writer):
        await reader.read(100)
        writer.write(bytes.fromhex("06 ee 00 00 00 00 05 00 00"))
        writer.close()

    server = await asyncio.start_server(half_a_frame, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, PsemClient(TcpTransport(TcpOptions(host="127.0.0.1", port=port))) as client:
        lost = await client.connect()
    assert lost.is_failure
    assert lost.error.kind is ErrorKind.TRANSPORT
    assert f"127.0.0.1:{port}" in str(lost.error)
    assert "closed the connection" in str(lost.error)


async def test_a_server_that_is_no_meter_is_told_from_its_octets():
    left = asyncio.Event()

    async def web_server(reader, writer):
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()
        left.set()

    server = await asyncio.start_server(web_server, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, PsemClient(TcpTransport(TcpOptions(host="127.0.0.1", port=port))) as client:
        lost = await client.connect()
        await left.wait()
    assert lost.is_failure
    assert lost.error.kind is ErrorKind.FRAMING
    assert "48 54 54 50" in lost.error.message


async def test_a_hundred_meters_are_read_at_once_from_one_process():
    emulator = meter()
    async with serve_tcp(emulator) as server:
        counts = []

        async def read():
            async with meterkit.connect(server.address, password=DEMO_MASTER_KEY) as client:
                counts.append(len((await client.load_profile(3).collect()).unwrap()))

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(read)
    assert counts == [len(held(emulator, 3))] * 100
