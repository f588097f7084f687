"""The emulator on TCP ports and pseudo-terminals, with bare sockets on the other side."""

import asyncio
import os
import tty
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from meterkit.emulator import (
    EmulatorConfiguration,
    EmulatorState,
    LoadProfileSetConfiguration,
    MeterEmulator,
    open_pty,
    serve_tcp,
)

pytestmark = pytest.mark.anyio

IDENTIFY = bytes.fromhex("ee0000000001201310")
IDENTIFIED = bytes.fromhex("06ee00000000050000010000c6b5")


def make_emulator(**changes):
    configuration = EmulatorConfiguration(
        load_profile=(LoadProfileSetConfiguration(intervals=8, blocks=2),), **changes
    )
    return MeterEmulator(configuration, clock=lambda: datetime(2026, 11, 21, tzinfo=UTC))


async def identify(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(IDENTIFY)
    assert await reader.readexactly(len(IDENTIFIED)) == IDENTIFIED
    return reader, writer


async def hang_up(writer):
    writer.close()
    await writer.wait_closed()


def open_descriptors():
    held = 0
    for descriptor in range(256):
        with suppress(OSError):
            os.fstat(descriptor)
            held += 1
    return held


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what we wait for happens in the kernel
            await asyncio.sleep(0.001)


async def test_the_server_tells_its_address():
    server = serve_tcp(make_emulator())
    with pytest.raises(RuntimeError, match="not open"):
        _ = server.port
    async with server:
        assert server.address == f"psem+tcp://127.0.0.1:{server.port}"


async def test_several_clients_have_their_own_sessions():
    async with serve_tcp(make_emulator()) as server:
        clients = [await identify(server) for _ in range(5)]
        assert server.nbr_clients == 5
        for _, writer in clients:
            await hang_up(writer)
        await until(lambda: server.nbr_clients == 0)


async def test_a_dropped_line_leaves_the_meter_ready_for_the_next():
    async with serve_tcp(make_emulator()) as server:
        for _ in range(3):
            _, writer = await identify(server)
            writer.transport.abort()
        await hang_up((await identify(server))[1])


async def test_the_meter_repeats_its_response_by_itself():
    async with serve_tcp(make_emulator(response_timeout=0.01)) as server:
        reader, writer = await identify(server)
        assert await reader.readexactly(13) == IDENTIFIED[1:]
        writer.write(b"\x06")
        await hang_up(writer)


async def test_disconnect_closes_the_connection():
    async with serve_tcp(make_emulator()) as server:
        server.emulator.faults.hang_up_after = 0
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(IDENTIFY)
        assert await reader.read() == b""
        await hang_up(writer)


async def test_lines_can_be_cut_on_purpose():
    async with serve_tcp(make_emulator()) as server:
        reader, writer = await identify(server)
        server.drop_lines()
        with suppress(ConnectionError):  # some systems say end of file
            while await reader.read(100):
                pass
        writer.close()
        await until(lambda: server.nbr_clients == 0)


async def test_closing_the_server_drops_its_clients():
    tasks = asyncio.all_tasks()
    server = serve_tcp(make_emulator())
    await server.open()
    _, writer = await identify(server)
    await server.close()
    await server.close()
    assert server.nbr_clients == 0
    writer.close()
    assert asyncio.all_tasks() == tasks


async def test_a_pty_answers_like_a_serial_port():
    async with open_pty(make_emulator()) as server:
        assert server.address == f"psem+serial://{server.path}"
        port = os.open(server.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(port)
            os.write(port, IDENTIFY)
            octets = bytearray()
            ready = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_reader(port, lambda: (octets.extend(os.read(port, 100)), ready.set()))
            await until(lambda: len(octets) >= len(IDENTIFIED))
            loop.remove_reader(port)
            assert octets == IDENTIFIED
        finally:
            os.close(port)
        assert server.session.state is EmulatorState.IDENTIFIED


async def test_a_pty_leaves_no_descriptor_behind():
    before = open_descriptors()
    server = open_pty(make_emulator())
    await server.open()
    await server.close()
    await server.close()
    with pytest.raises(RuntimeError, match="not open"):
        _ = server.path
    assert open_descriptors() == before
