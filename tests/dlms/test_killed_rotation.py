"""A rotation of keys under a real kill -9: whatever the moment, no key is lost and it can be finished."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from pydantic import SecretBytes

from meterkit.dlms.secured.counter_store import SqliteCounterStore
from meterkit.dlms.secured.key_vault import FileVault
from meterkit.emulator import serve_tcp
from tests.dlms.killed_rotation import KINDS, METER, MOMENTS, connector, rotate
from tests.dlms.security_rig import keys, secured_meter

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
MASTER = bytes(range(0x40, 0x50))


@pytest.fixture
def anyio_backend():
    return "asyncio"


def key_file(folder):
    path = folder / "keys.toml"
    written = dict(zip(("encryption", "authentication"), keys(), strict=True)) | {"master": MASTER}
    path.write_text(f"[{METER}]\n" + "".join(f'{name} = "{key.hex()}"\n' for name, key in written.items()))
    path.chmod(0o600)
    return path


async def killed(moment, url, path, counters):
    """Rotate in a program of its own until the moment comes; return its exit status."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.dlms.killed_rotation", url, str(path), str(counters), moment),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asyncio.wait_for(program.communicate(), 60)
    assert not told, told.decode()
    return program.returncode


def kept(path):
    """Return every pair of keys that the file holds: in use, and pending."""
    vault = FileVault(path)
    pending = vault.pending(METER)
    in_use = tuple(vault.key(METER, kind) for kind in KINDS)
    return [in_use, *([tuple(pending[kind] for kind in KINDS)] if pending else [])]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_whenever_it_is_killed_the_meters_keys_are_in_the_file_and_the_change_is_finished(
    moment, tmp_path
):
    path, counters = key_file(tmp_path), tmp_path / "counters.db"
    emulator = secured_meter(of_client={"master_key": SecretBytes(MASTER)})
    async with serve_tcp(emulator) as server:
        assert await killed(moment, server.address, path, counters) == -signal.SIGKILL
        of_meter = emulator.security.client(1)._keys
        had = tuple(of_meter[kind] for kind in KINDS)
        assert had in kept(path)
        assert path.stat().st_mode & 0o777 == 0o600
        (await rotate(server.address, path, counters)).unwrap()  # goes on, or makes new ones
        assert tuple(of_meter[kind] for kind in KINDS) == kept(path)[0]
        assert len(kept(path)) == 1
        connect = connector(server.address, FileVault(path), SqliteCounterStore(counters))
        async with connect({}) as connected:
            connected.unwrap()
