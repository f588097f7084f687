"""Ctrl-C in the middle of a read: the exchange in progress ends, the meter is logged off, then we go."""

import contextlib
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

READER = "METERKIT-DEMO-READER"
PATIENCE = 60  # s
LOGOFF, TERMINATE = b"\x00\x00\x01\x52", b"\x00\x00\x01\x21"  # sequence, length, service of a packet


class Relay:
    """A gateway between client and meter that keeps what the client sends.

    Its threads are daemons: a test that fails before it closes the gateway does not hang the run's end.
    """

    def __init__(self, url: str) -> None:
        self.sent = bytearray()
        self.has_asked = threading.Event()
        self.has_read = threading.Event()
        self.has_read_twice = threading.Event()
        self._meter = (urlsplit(url).hostname, urlsplit(url).port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"psem+tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        try:
            client, _ = self._server.accept()
        except OSError:  # closed before anybody came
            return
        meter = socket.create_connection(self._meter)
        back = threading.Thread(target=self._copy, args=(meter, client, None), daemon=True)
        self._threads.append(back)
        back.start()
        self._copy(client, meter, self.sent)

    def _copy(self, source: socket.socket, target: socket.socket, keep: bytearray | None) -> None:
        while octets := self._receive(source):
            if keep is not None:
                keep += octets
                self.has_asked.set()
                if b"\x3f\x00\x40" in keep:  # an offset read of table 64
                    self.has_read.set()
                if keep.count(b"\x3f\x00\x40") > 1:  # the first block has come and been taken
                    self.has_read_twice.set()
            try:
                target.sendall(octets)
            except OSError:
                break
        source.close()
        try:
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    @staticmethod
    def _receive(source: socket.socket) -> bytes:
        try:
            return source.recv(65536)
        except OSError:
            return b""

    def close(self) -> None:
        with contextlib.suppress(OSError):  # of a system that shuts no listening socket down
            self._server.shutdown(socket.SHUT_RDWR)  # wakes a thread in accept(), as close() alone does not
        self._server.close()
        for thread in self._threads:
            thread.join(PATIENCE)


@pytest.fixture
def relay(configured: Callable) -> Iterator[Relay]:
    """A slow meter behind a gateway that listens in."""
    emulator = configured(faults={"response_delay": 0.05})
    gateway = Relay(emulator.url)
    yield gateway
    emulator.stop()
    gateway.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_meter_logged_off(spawn: Callable, relay: Relay, how: int) -> None:
    words = ("psem", "profile", relay.url, "--json")
    changes = {"METERKIT_PASSWORD": READER}
    process = spawn(*words, changes=changes, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert relay.has_read.wait(PATIENCE)
    process.send_signal(how)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in told
    assert b"logged off first" in told
    end = bytes(relay.sent[relay.sent.rindex(b"\x3f\x00\x40") :])
    assert LOGOFF in end
    assert TERMINATE in end
    assert end.index(LOGOFF) < end.index(TERMINATE)


def test_the_rows_before_a_signal_are_kept_and_told(spawn: Callable, relay: Relay, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    words = ("psem", "profile", relay.url, "--out", str(out))
    changes = {"METERKIT_PASSWORD": READER}
    process = spawn(*words, changes=changes, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert relay.has_read_twice.wait(PATIENCE)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    head, *rows = out.read_text().splitlines()
    assert head.startswith("end_time,")
    assert rows
    position = rows[-1].split(",")[0]
    last = told.decode().splitlines()[-1]
    assert last == (
        f"interrupted: {len(rows)} rows are kept in {out}; "
        f"go on with --since {position} into another --out file"
    )


def test_a_second_signal_cuts_the_line(spawn: Callable, configured: Callable) -> None:
    emulator = configured(faults={"response_delay": 30.0})
    gateway = Relay(emulator.url)
    process = spawn(
        "psem", "info", gateway.url, changes={}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert gateway.has_asked.wait(PATIENCE)
    process.send_signal(signal.SIGINT)
    assert b"Ctrl-C again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    emulator.stop()
    gateway.close()
