"""The serialx backend, on real pseudo-terminals."""

import asyncio
import os

import pytest

from meterkit import PsemClient, SerialOptions
from meterkit.address import MeterAddress
from meterkit.emulator import DEMO_MASTER_KEY, EmulatorConfiguration, MeterEmulator, open_pty
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.transport.serialx import SerialxTransport

pytestmark = pytest.mark.anyio


def descriptors():
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


async def test_a_session_runs_over_serialx_and_nothing_is_left_open():
    async with open_pty(MeterEmulator(EmulatorConfiguration())) as server:
        before = descriptors()
        transport = SerialxTransport(SerialOptions(port=server.path))
        async with PsemClient(transport) as client:
            (await client.connect(DEMO_MASTER_KEY)).unwrap()
            assert len((await client.load_profile(3).collect()).unwrap()) > 100
            await transport.set_baud_rate(19200)
            assert transport.baud_rate == 19200
        assert not transport.is_open
        for _ in range(5):
            await asyncio.sleep(0)
        assert descriptors() == before


async def test_a_port_that_is_not_there_is_a_transport_error_that_names_it():
    transport = SerialxTransport(SerialOptions(port="/dev/no-such-port"))
    with pytest.raises(ProtocolFault, match="/dev/no-such-port") as raised:
        await transport.open()
    assert raised.value.error.kind is ErrorKind.TRANSPORT
    with pytest.raises(ProtocolFault, match="not open"):
        await transport.set_baud_rate(9600)


async def test_the_url_chooses_the_backend():
    address = MeterAddress.parse("psem+serial:///dev/ttyUSB0?baud_rate=9600&backend=serialx")
    assert isinstance(address.transport(), SerialxTransport)
