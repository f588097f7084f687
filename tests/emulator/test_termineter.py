"""termineter's c1218 client, an implementation that owes us nothing, talks to the emulator."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from meterkit.emulator import (
    DEMO_MASTER_KEY,
    DEMO_READ_KEY,
    EmulatorConfiguration,
    EmulatorState,
    LoadProfileSetConfiguration,
    MeterEmulator,
    open_pty,
    serve_tcp,
)

pytestmark = pytest.mark.anyio

CLIENT = Path(__file__).with_name("termineter_client.py")
NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)
# termineter always asks for 2 packets of 512 octets: the large table must fit 1008 octets.
LOAD_PROFILE = (LoadProfileSetConfiguration(intervals=24, blocks=2, interval_minutes=60),)


def make_emulator(**changes):
    configuration = EmulatorConfiguration(id_form="char", load_profile=LOAD_PROFILE, **changes)
    emulator = MeterEmulator(configuration, clock=lambda: NOW)
    emulator.tables.write_table(200, bytes(480))
    return emulator


async def run_termineter(device, password, large_table=64, others=()):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CLIENT),
        device,
        password.decode(),
        str(large_table),
        *others,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return json.loads(out)


def check(seen, emulator):
    assert seen["start"] is True
    assert seen["login"] is True
    assert bytes.fromhex(seen["identification"]) == emulator.tables[1]
    assert bytes.fromhex(seen["part"]) == b"EMULAT"
    assert bytes.fromhex(seen["large"]) == emulator.tables[64]
    assert len(emulator.tables[64]) == 928  # two packets
    assert bytes.fromhex(seen["large_head"]) == emulator.tables[64][:700]
    assert bytes.fromhex(seen["written"]) == b"0123456789WRITTEN   "
    assert bytes.fromhex(seen["partly_written"]) == b"0123456789partTEN   "
    assert bytes.fromhex(seen["long_write"]) == (bytes(range(256)) * 2)[:480]
    assert seen["procedure"] == [0]
    assert seen["procedure_data"] == "01"
    assert seen["unknown_procedure"] == 6
    assert "iar" in seen["missing_table"]
    assert seen["wait"] == "00"
    assert seen["logoff"] is True


async def test_termineter_reads_writes_and_runs_procedures_over_tcp():
    emulator = make_emulator()
    async with serve_tcp(emulator) as server:
        seen = await run_termineter(f"socket://127.0.0.1:{server.port}", DEMO_MASTER_KEY)
    check(seen, emulator)


@pytest.mark.parametrize("preset", ["2.10", "3.70", "4.30"])
async def test_termineter_reads_registers_logs_and_mbus_devices_of_every_firmware(preset):
    configuration = EmulatorConfiguration.preset(
        preset, id_form="char", load_profile=LOAD_PROFILE, event_log_entries=50
    )
    emulator = MeterEmulator(configuration, clock=lambda: NOW)
    emulator.tables.write_table(200, bytes(480))
    twin = MeterEmulator(configuration, clock=lambda: NOW)  # its tables stay as they were
    whole = [20, 22, 28, 55, 70, 72, 74, 2059, 2099] + [21, 71, 2127] * (preset != "2.10")
    parts = ["23:0:300", "26:0:900", "2064:517:517"]
    async with serve_tcp(emulator) as server:
        device = f"socket://127.0.0.1:{server.port}"
        seen = await run_termineter(device, DEMO_MASTER_KEY, others=[*map(str, whole), *parts])
    for table_id in whole:
        assert bytes.fromhex(seen["others"][str(table_id)]) == twin.tables[table_id]
    for what in parts:
        table_id, offset, count = (int(number) for number in what.split(":"))
        assert bytes.fromhex(seen["others"][what]) == twin.tables[table_id][offset:][:count]


async def test_termineter_reads_writes_and_runs_procedures_over_a_pty():
    emulator = make_emulator()
    async with open_pty(emulator) as server:
        seen = await run_termineter(server.path, DEMO_MASTER_KEY)
        assert server.session.state is EmulatorState.IDENTIFIED  # termineter logs off, never terminates
    check(seen, emulator)


async def test_two_termineters_work_one_after_the_other_on_one_pty():
    emulator = make_emulator()
    async with open_pty(emulator) as server:
        for _ in range(2):
            check(await run_termineter(server.path, DEMO_MASTER_KEY), emulator)


async def test_two_termineters_work_at_once_over_tcp():
    emulator = make_emulator()
    async with serve_tcp(emulator) as server:
        device = f"socket://127.0.0.1:{server.port}"
        runs = await asyncio.gather(*(run_termineter(device, DEMO_MASTER_KEY) for _ in range(2)))
    for seen in runs:
        assert bytes.fromhex(seen["large"]) == emulator.tables[64]
        assert seen["procedure_data"] == "01"


async def test_termineter_survives_the_nak_of_a_shared_optical_port():
    emulator = make_emulator(shared_optical_port=True)
    async with serve_tcp(emulator) as server:
        seen = await run_termineter(f"socket://127.0.0.1:{server.port}", DEMO_MASTER_KEY)
    check(seen, emulator)


async def test_termineter_is_refused_a_write_with_the_read_only_key():
    emulator = make_emulator()
    async with serve_tcp(emulator) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(CLIENT),
            f"socket://127.0.0.1:{server.port}",
            DEMO_READ_KEY.decode(),
            "64",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode != 0
    assert b"isc (Insufficient Security Clearance)" in err
    assert emulator.tables[5] == b"2026000000000001    "
