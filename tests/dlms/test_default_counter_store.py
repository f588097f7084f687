"""Where invocation counters are kept unless the options say otherwise, and who may read them."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from meterkit import ErrorKind
from meterkit.dlms.secured.counter_supply import counter_name, default_store
from tests.dlms.security_rig import ENERGY, TITLE, keys, secured, secured_meter

NAME = counter_name(keys()[0], TITLE)
PROCESS = """
import sys
from meterkit.dlms.secured.counter_supply import counter_name, default_store
store, name = default_store(), counter_name(bytes(range(16)), b"MKC\\0\\0\\0\\0\\x07")
sys.stdin.readline()  # all at once
for _ in range(40):
    print(store.reserve(name, 5).take())
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def state(tmp_path, monkeypatch):
    """An XDG state folder that isn't there yet, under an umask that lets everybody read."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    before = os.umask(0)
    yield folder
    os.umask(before)


@pytest.mark.anyio
async def test_a_client_without_a_store_counts_in_the_users_state_folder(state):
    async with secured(secured_meter(), counters=None) as (client, _):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
    store = default_store()
    assert Path(store.path) == state / "meterkit" / "counters.db"
    assert store.reserve(NAME, 1).take() > 3
    store.close()


def test_the_folder_and_the_file_are_their_owners_alone(state):
    store = default_store()
    store.reserve(NAME, 1)
    store.close()
    assert mode(state / "meterkit") == 0o700
    assert mode(state / "meterkit" / "counters.db") == 0o600
    assert {mode(path) for path in (state / "meterkit").iterdir()} == {0o600}


def test_without_an_xdg_folder_it_is_the_one_in_the_home(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    store = default_store()
    assert Path(store.path) == tmp_path / ".local" / "state" / "meterkit" / "counters.db"


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_made_is_told_and_nothing_is_sent(tmp_path, monkeypatch):
    (tmp_path / "state").write_text("a file")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with secured(secured_meter(), counters=None) as (client, wire):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "Without a place to keep counters nothing is sent ciphered" in error.message
    assert wire.log == []


def test_programs_at_once_share_the_file_and_no_number(state):
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    told = [program.communicate(timeout=60)[0].split() for program in programs]
    assert [program.returncode for program in programs] == [0, 0]
    assert [len(numbers) for numbers in told] == [40, 40]
    assert len({*told[0], *told[1]}) == 80
