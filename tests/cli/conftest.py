"""The command as a person runs it: in a process of its own, against an emulated meter in another."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = (sys.executable, "-m", "meterkit.cli")
PATIENCE = 60  # s; a test that waits this long has failed

Done = subprocess.CompletedProcess[str]


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what would change the command's output."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("METERKIT_", "PYTEST_")) and name not in {"NO_COLOR", "FORCE_COLOR", "TERM"}
    }
    return kept | {"COLUMNS": "120", "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"} | changes


@pytest.fixture
def meterkit() -> Callable[..., Done]:
    """Run the command; `password` goes into its environment, `stdin` to its standard input."""

    def run(*words: str, password: str = "", stdin: str | None = None, **changes: str) -> Done:
        changes = changes | ({"METERKIT_PASSWORD": password} if password else {})
        return subprocess.run(
            [*COMMAND, *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            env=environment(**changes),
        )

    return run


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the command and leave it running, with `Popen`'s own arguments and more environment."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str, changes: dict[str, str], **how: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([*COMMAND, *words], env=environment(**changes), **how))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Emulator:
    """An emulated meter in a process of its own."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "emulate", "psem", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline().strip()

    @property
    def url(self) -> str:
        return self.first_line

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Ask it to end; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def start_emulator() -> Iterator[Callable[..., Emulator]]:
    """Start emulators that end with the test."""
    started: list[Emulator] = []

    def start(*words: str) -> Emulator:
        started.append(Emulator(*words))
        return started[-1]

    yield start
    for emulator in started:
        emulator.stop()


@pytest.fixture
def configured(tmp_path: Path, start_emulator: Callable[..., Emulator]) -> Callable[..., Emulator]:
    """Start an emulator with a configuration, such as `configured(faults={"busy": 1})`."""

    def start(**configuration: Any) -> Emulator:
        file = tmp_path / "emulator.json"
        file.write_text(json.dumps(configuration))
        return start_emulator("--listen", "tcp://127.0.0.1:0", "--config", str(file))

    return start


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of an emulated meter that all tests of a module read."""
    emulator = Emulator("--listen", "tcp://127.0.0.1:0", "--seed", "3")
    yield emulator.url
    emulator.stop()
