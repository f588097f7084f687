"""DlmsClient behind the IEC 62056-21 sign-on: 300 baud, the speed agreed on, HDLC, and back."""

import anyio
import pytest

from meterkit import DlmsClient, ErrorKind, ObisCode, SerialOptions, SerialTransport, read_out
from meterkit.emulator import open_pty
from tests.dlms.rig import connected, line, meter, options
from tests.virtual_clock import VIRTUAL_CLOCK

CLOCK = bytes.fromhex("07ea0b15060b250c00ffc400")


@pytest.fixture
def anyio_backend(request):
    return getattr(request, "param", VIRTUAL_CLOCK)


@pytest.mark.anyio
async def test_a_meter_is_signed_on_to_and_read_at_the_speed_it_names():
    emulator = meter(interface="mode_e")
    wire = line(emulator, baud_rate=9600)
    async with connected(emulator, wire=wire, mode_e=True) as (client, _):
        assert wire.baud_rate == 9600
        assert (await client.get_attribute(8, ObisCode.CLOCK, 2)).unwrap().value == CLOCK
    first = wire.log[0][1]
    assert bytes(octet & 0x7F for octet in first) == b"/?!\r\n"


@pytest.mark.anyio
async def test_a_device_address_wakes_only_that_meter():
    emulator = meter(interface="mode_e", serial_number="4711")
    async with connected(emulator, wire=line(emulator, baud_rate=9600), mode_e=True, mode_e_address="4711"):
        pass
    wire = line(emulator, baud_rate=9600)
    async with DlmsClient(wire, options(emulator, mode_e=True, mode_e_address="4712")) as client:
        silent = await client.connect()
    assert silent.error.kind is ErrorKind.TIMEOUT
    assert "sign-on" in str(silent.error)


@pytest.mark.anyio
async def test_after_a_dead_session_the_meter_is_found_at_its_speed():
    emulator = meter(interface="mode_e")
    async with connected(emulator, wire=line(emulator, baud_rate=9600), mode_e=True) as (client, _):
        emulator.faults.silent = True
        assert (await client.get_attribute(8, ObisCode.CLOCK, 2)).is_failure
        emulator.faults.silent = False
        assert (await client.connect()).is_success
        assert (await client.get_attribute(8, ObisCode.CLOCK, 2)).is_success


@pytest.mark.anyio
async def test_the_same_meter_reads_out_its_registers_as_lines():
    readout = (await read_out(line(meter(interface="mode_e"), baud_rate=9600))).unwrap()

    assert readout.identification.manufacturer == "MKT"
    assert readout.is_checked
    energy = readout.find("1-0:1.8.0")
    assert (energy.values[0].value, energy.values[0].unit) == ("0010512.308", "kWh")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_the_sign_on_works_over_a_pseudo_terminal():
    emulator = meter(interface="mode_e")
    async with open_pty(emulator) as server:
        transport = SerialTransport(SerialOptions(port=server.path, baud_rate=300))
        with anyio.fail_after(30):
            async with DlmsClient(transport, options(emulator, mode_e=True)) as client:
                (await client.connect()).unwrap()
                assert (await client.get_attribute(8, ObisCode.CLOCK, 2)).unwrap().value == CLOCK
