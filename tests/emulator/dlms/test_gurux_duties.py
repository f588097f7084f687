"""gurux-dlms, a client that owes us nothing, has the emulated meter take firmware and tell its tariffs."""

import pytest

from meterkit.emulator import serve_tcp
from tests.emulator.dlms.meters import PASSWORD, make_meter, run_client

pytestmark = pytest.mark.anyio


async def run(emulator, interface, *jobs):
    async with serve_tcp(emulator) as server:
        settings = {"port": server.port, "interface": interface, "client": 1, "password": PASSWORD}
        return await run_client("gurux_client.py", jobs=jobs, **settings)


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_gurux_transfers_verifies_and_activates_an_image(interface):
    emulator = make_meter(interface=interface)
    seen = await run(emulator, interface, "image")

    assert emulator.device.duties.image_transfer.image == bytes(range(256)) * 2 + b"the end"
    assert (seen["blocks"], seen["first_missing"]) == ("11111", 5)
    assert (seen["verified"], seen["activated"]) == (3, 6)
    assert seen["images"] == [[519, b"GRX-1.0".hex()]]
    assert seen["firmware"] == b"GRX-1.0".hex()


async def test_gurux_reads_calendar_special_days_and_limiter():
    seen = await run(make_meter(), "wrapper", "calendar", "limiter")

    assert seen["calendar"] == "MKT1"
    assert seen["week"] == [1, 2, 2]
    assert seen["days"] == [[1, [2, 1, 2]], [2, [2]]]
    assert seen["special_days"] == [[1, 2], [2, 2]]
    assert seen["special_days_left"] == [2]
    assert seen["limiter"] == [17250, 30]
