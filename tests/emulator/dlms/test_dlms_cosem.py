"""dlms-cosem, another client that owes us nothing, reads and writes the emulated meter over WRAPPER."""

import pytest

from meterkit.emulator import serve_tcp
from tests.emulator.dlms.meters import PASSWORD, make_meter, run_client

pytestmark = pytest.mark.anyio


async def run(emulator, **settings):
    async with serve_tcp(emulator) as server:
        return await run_client("dlms_cosem_client.py", port=server.port, **settings)


async def test_dlms_cosem_reads_everything_without_a_password():
    emulator = make_meter(profile={"rows": 300})
    seen = await run(emulator, client=16, jobs=["identity", "registers", "view", "profile"])
    energy = [int(value) for value in emulator.household.energy(emulator.now())]
    assert seen["clock"] == "2026-11-21T11:37:12+01:00"
    assert seen["name"] == "MKT20260001"
    assert seen["energy"] == energy[0]
    assert seen["scaler_unit"] == [0, 30]
    assert seen["list"] == energy
    assert len(seen["view"]) == len(emulator.device.objects) + 1
    assert seen["rights"]["2"] == [0]
    assert len(seen["columns"]) == 8
    assert seen["rows"] == 300
    assert seen["by_range"] == seen["whole_slice"]


async def test_dlms_cosem_writes_and_switches_with_a_password():
    seen = await run(make_meter(), client=1, password=PASSWORD, jobs=["identity", "write", "act"])
    assert seen["written"] == "written by"
    assert seen["output_state"] is False


async def test_dlms_cosem_is_served_by_a_meter_that_leaves_repeated_values_out():
    emulator = make_meter(profile={"rows": 50, "null_data": True})
    seen = await run(emulator, client=16, jobs=["profile"])
    assert seen["rows"] == 50
