"""`meterkit dlms listen --key-from`: ciphered pushes on a port of this machine."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import PATIENCE
from tests.dlms.security.material import AK, EK, METER
from tests.dlms.test_ciphered_pushes import Meter
from tests.dlms.test_push_reader import PUSH, wrapped


def keys_in(folder: Path) -> Path:
    file = folder / "keys.toml"
    file.write_text(
        f'[{METER.hex().upper()}]\nencryption = "{EK.hex()}"\nauthentication = "{AK.hex()}"\n'
        f'[cellar]\nencryption = "{EK.hex()}"\nauthentication = "{AK.hex()}"\n'
    )
    file.chmod(0o600)
    return file


def heard(spawn: Callable, octets: bytes, *more: str) -> tuple[int, list[dict], str]:
    """Return exit status, documents and errors of a listener that hears `octets`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ("dlms", "listen", f"tcp://127.0.0.1:{port}", "--count", "1", "--json", *more)
    listener = spawn(*words, changes={}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert b"listening on" in listener.stderr.readline()
    with socket.create_connection(("127.0.0.1", port)) as meter:
        meter.sendall(octets)
        out, errors = listener.communicate(timeout=PATIENCE)
    return listener.returncode, [json.loads(line) for line in out.splitlines()], errors.decode()


def test_ciphered_pushes_are_opened_and_others_refused_in_words(spawn: Callable, tmp_path: Path) -> None:
    more = ("--key-from", f"file:{keys_in(tmp_path)}", "--counters", str(tmp_path / "counters.db"))
    sealed = wrapped(Meter().glo())
    status, documents, errors = heard(spawn, wrapped(PUSH) + sealed, *more)
    assert status == 1  # one was refused
    assert "came without protection" in errors
    assert documents[-1]["sender"] == METER.hex().upper()
    assert documents[-1]["notification"]["name"] == "data-notification"
    status, documents, errors = heard(spawn, sealed + wrapped(Meter(first=2).glo()), *more)
    assert (status, "2 or higher expected, 1 came" in errors) == (1, True)


def test_who_leaves_its_title_empty_is_named(spawn: Callable, tmp_path: Path) -> None:
    more = ("--key-from", f"file:{keys_in(tmp_path)}", "--counters", str(tmp_path / "counters.db"))
    named = (*more, "--sender", METER.hex(), "--meter", "cellar")
    status, documents, _ = heard(spawn, wrapped(Meter().glo(title=False)), *named)
    assert (status, documents[0]["sender"]) == (0, METER.hex().upper())


def test_a_sender_without_keys_is_a_mistake(meterkit: Callable) -> None:
    refused = meterkit("dlms", "listen", "tcp://127.0.0.1:0", "--sender", METER.hex())
    assert refused.returncode == 2
    assert "--key-from" in refused.stderr
