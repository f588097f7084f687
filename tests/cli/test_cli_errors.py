"""What goes wrong is one clear line on standard error, the right exit status, and never a traceback."""

import json
import os
import pty
import select
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

VERBS = (
    ("info",),
    ("read", "ST1"),
    ("write", "ET3", "--hex", "00", "--yes"),
    ("procedure", "0", "--yes"),
    ("profile",),
)


def words_of(verb: tuple[str, ...], url: str) -> list[str]:
    return ["psem", verb[0], url, *verb[1:]]


@pytest.fixture
def deaf_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_no_server_is_a_clear_error_of_the_line(
    meterkit: Callable, deaf_port: int, verb: tuple[str, ...]
) -> None:
    done = meterkit(*words_of(verb, f"psem+tcp://127.0.0.1:{deaf_port}"), "--json")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "transport"
    assert f"127.0.0.1:{deaf_port}" in done.stderr
    assert "refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_serial_port_that_is_not_there_is_named(meterkit: Callable) -> None:
    done = meterkit("psem", "info", "psem+serial:///dev/ttyNOWHERE")
    assert done.returncode == 1
    assert "/dev/ttyNOWHERE" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_wrong_password_is_a_security_error_and_not_shown(
    meterkit: Callable, url: str, verb: tuple[str, ...]
) -> None:
    done = meterkit(*words_of(verb, url), "--json", password="not-the-password")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "security"
    assert "not-the-password" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://127.0.0.1",
        "psem+tcp://",
        "psem+tcp://127.0.0.1:99999",
        "psem+tcp://127.0.0.1:1153?speed=9",
    ],
)
def test_a_bad_url_is_wrong_usage_and_the_message_teaches(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "info", url, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "usage"
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "url", ["psem+tcp://u:hidden-secret@127.0.0.1:1153", "psem+tcp://127.0.0.1:1153?password=hidden-secret"]
)
def test_a_secret_in_a_url_is_refused_without_showing_it(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "info", url, "--json")
    assert done.returncode == 2
    assert "hidden-secret" not in done.stdout + done.stderr


def test_a_password_has_no_option_that_others_could_see(meterkit: Callable, url: str) -> None:
    assert meterkit("psem", "info", url, "--password", "hidden").returncode == 2


def test_a_password_file_opens_the_meter(meterkit: Callable, url: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hex:" + b"METERKIT-DEMO-READER".hex() + "\n")
    done = meterkit("psem", "info", url, "--json", "--password-file", str(file))
    assert done.returncode == 0
    assert json.loads(done.stdout)["withheld"] == []


def test_the_password_is_asked_for_at_a_terminal(spawn: Callable, url: str) -> None:
    master, slave = pty.openpty()
    words = ("psem", "info", url, "--ask-password")
    how = {"stdin": slave, "stdout": slave, "stderr": slave, "start_new_session": True}
    process = spawn(*words, changes={}, preexec_fn=_own_terminal, **how)
    os.close(slave)
    seen = _until(master, b"Password of the meter: ")
    os.write(master, b"METERKIT-DEMO-READER\n")
    seen += _until(master, b"load profile 4")
    assert b"METERKIT-DEMO" not in seen
    _until(master, b"nothing more")
    os.close(master)
    assert process.wait(60) == 0


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _until(fd: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        assert select.select([fd], [], [], 60)[0], seen
        try:
            seen += os.read(fd, 65536)
        except OSError:
            return seen
    return seen


def test_a_mistyped_word_is_wrong_usage(meterkit: Callable) -> None:
    for words in (
        ("psme",),
        ("psem", "inof", "x"),
        ("psem", "info"),
        ("psem", "info", "x", "--jsno"),
        ("demo", "x"),
    ):
        done = meterkit(*words)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert "--help" in done.stderr


def test_a_failing_disk_is_told_as_such(meterkit: Callable, url: str) -> None:
    if not Path("/dev/full").exists():
        return
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "meterkit.cli", "psem", "info", url, "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr


def test_every_help_shows_an_example(meterkit: Callable) -> None:
    for words in (
        (),
        ("demo",),
        ("emulate", "psem"),
        ("psem", "info"),
        ("psem", "read"),
        ("psem", "write"),
        ("psem", "procedure"),
        ("psem", "profile"),
    ):
        done = meterkit(*words, "--help")
        assert done.returncode == 0
        assert f"meterkit {' '.join(words)}".strip() in done.stdout.replace("Usage: ", "")
        assert " psem+tcp://127.0.0.1:1153" in done.stdout or words[:1] in {("demo",), ("emulate",)}


def test_the_version_is_told(meterkit: Callable) -> None:
    import meterkit as package

    done = meterkit("--version")
    assert (done.returncode, done.stdout.strip()) == (0, package.__version__)


def test_completion_is_installed_into_the_shell(meterkit: Callable, tmp_path: Path) -> None:
    done = meterkit(
        "--install-completion", "--shell", "bash", "--output", str(tmp_path / "meterkit"), HOME=str(tmp_path)
    )
    assert done.returncode == 0
    assert "emulate" in (tmp_path / "meterkit").read_text()


@pytest.mark.parametrize("missing", ["cyclopts", "rich"])
def test_without_its_extra_the_command_says_how_to_get_it(missing: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None; from meterkit.cli import main; exit(main(['demo']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "pip install 'meterkit[cli]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
