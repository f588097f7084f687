"""meterkit em1000 and emulate em1000: captures taken apart, checks, and a line listened to."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meterkit.em1000 import crc, decode_capture, encode
from tests.cli.conftest import COMMAND, PATIENCE, environment
from tests.em1000.vectors import FRAMES, PAYLOADS, POSTED, STREAM

REQUEST, CHALLENGE, RESPONSE, ACCEPTED, REFUSED = FRAMES


@pytest.fixture
def posted(tmp_path: Path) -> str:
    file = tmp_path / "post.txt"
    file.write_text(POSTED, encoding="utf-8")
    return str(file)


def test_a_post_prints_frames_what_was_skipped_and_what_each_octet_is_believed_to_be(
    meterkit: Callable, posted: str
) -> None:
    done = meterkit("em1000", "decode", posted)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = [line.split() for line in done.stdout.splitlines()]
    heads = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert heads == [
        "host to meter: frame of 5 octets",
        "meter to host: frame of 13 octets",
        "meter to host: 2 octet(s) skipped, part of no frame",
        "host to meter: frame of 10 octets",
        "meter to host: frame of 11 octets",
        "meter to host (believed): frame of 5 octets",
        "5 frame(s), 2 octet(s) skipped",
    ]
    assert ["FF", "FF"] in lines
    for words in (
        "0F command: asks for a challenge inferred",
        "03 BE 3B 3E 36 response",
        "FD status: refused",
    ):
        assert any(line[: len(words.split())] == words.split() for line in lines), words
    assert "u16 1000 2 24" in done.stdout


def test_a_post_as_json_has_the_same(meterkit: Callable, posted: str) -> None:
    document = json.loads(meterkit("em1000", "decode", posted, "--json").stdout)
    assert (document["nbr_frames"], document["nbr_skipped"]) == (5, 2)
    frames = [item for item in document["items"] if item["kind"] == "frame"]
    assert [frame["payload"] for frame in frames] == [payload.hex() for payload in PAYLOADS]
    assert [item["hex"] for item in document["items"] if item["kind"] == "skipped"] == ["ffff"]
    for frame in frames:
        assert "".join(meaning["hex"] for meaning in frame["meanings"]) == frame["hex"]
        assert {meaning["certainty"] for meaning in frame["meanings"]} <= {"computed", "inferred", "unknown"}
    assert frames[3]["views"]["u16"] == [1000, 2, 24]


def test_hex_may_stand_on_the_command_line_in_one_word_or_several(meterkit: Callable) -> None:
    for words in (["aa01fd830d"], ["AA", "01", "FD", "83", "0D"], ["<<", "AA 01 FD", "83 0D"]):
        document = json.loads(meterkit("em1000", "decode", *words, "--json").stdout)
        assert document["items"][0]["payload"] == "fd"


@pytest.mark.parametrize(
    "content",
    [
        STREAM,
        STREAM.hex(" ").encode("utf-16"),
        b"caf\xe9: " + STREAM.hex(" ").encode(),
        STREAM.hex().encode(),
    ],
    ids=["octets", "UTF-16", "latin-1", "hex"],
)
def test_a_file_may_hold_octets_or_text_in_any_usual_encoding(
    meterkit: Callable, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "capture"
    file.write_bytes(content)
    document = json.loads(meterkit("em1000", "decode", str(file), "--json").stdout)
    assert (document["nbr_frames"], document["nbr_skipped"]) == (5, 2)


def test_standard_input_is_read(meterkit: Callable) -> None:
    done = meterkit("em1000", "decode", "-", "--json", stdin=">> AA 01 0F DE C2\n<< AA 01 FD 83 0C\n")
    kinds = [item["kind"] for item in json.loads(done.stdout)["items"]]
    assert kinds == ["frame", "bad_crc", "skipped"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name a file"),
        (("no-such-file",), "is no file and holds no octets"),
        (("{}",), "no line of a recording"),
    ],
)
def test_what_is_no_capture_is_wrong_usage(meterkit: Callable, words: tuple[str, ...], told: str) -> None:
    done = meterkit("em1000", "decode", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_file_says_that_it_holds_no_octets(meterkit: Callable, tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.write_text("Nothing to see.")
    done = meterkit("em1000", "decode", str(file))
    assert done.returncode == 2
    assert "no octets found" in done.stderr


def test_a_text_in_a_frame_cannot_steer_the_terminal(meterkit: Callable) -> None:
    done = meterkit("em1000", "decode", encode(b"\xff\x1b[31mEM1000\x07\x07").hex())
    assert "EM1000" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("payload", ["0f", "fd", "ff4338c84464223211"])
def test_crc_of_a_payload_shows_its_frame(meterkit: Callable, payload: str) -> None:
    done = meterkit("em1000", "crc", payload)
    frame = encode(bytes.fromhex(payload))
    assert done.returncode == 0
    assert frame.hex(" ").upper() in done.stdout
    document = json.loads(meterkit("em1000", "crc", payload, "--json").stdout)
    assert document == {"payload": payload, "crc": crc(frame[1:-2]), "frame": frame.hex(), "fits": None}


def test_crc_of_a_frame_tells_whether_it_fits(meterkit: Callable) -> None:
    good, bad = (
        meterkit("em1000", "crc", "AA", "01", "0F", "DE", "C2"),
        meterkit("em1000", "crc", "aa010fdec3"),
    )
    assert (good.returncode, bad.returncode) == (0, 1)
    assert "the check fits" in good.stdout
    assert "does not fit: DE C3 came" in bad.stdout


@pytest.mark.parametrize("words", [(), ("xyz",), ("00" * 256,)])
def test_crc_refuses_what_is_no_payload(meterkit: Callable, words: tuple[str, ...]) -> None:
    assert meterkit("em1000", "crc", *words).returncode == 2


# ---------------------------------------------------------------- the line
class Talkers:
    """A TCP port behind which both sides of a login are heard, as by a head beside another's."""

    def __init__(self, *said: bytes) -> None:
        self.said = said
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"em1000+tcp://127.0.0.1:{self.server.getsockname()[1]}"

    def serve(self) -> bytes:
        """Say it all, hang up, and return what the listener said."""
        connection, _ = self.server.accept()
        with self.server, connection:
            for octets in self.said:
                connection.sendall(octets)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(PATIENCE)
            heard = b""
            while more := connection.recv(1024):
                heard += more
        return heard


@pytest.fixture
def sniff() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment()}
        started.append(subprocess.Popen([*COMMAND, "em1000", "sniff", *words], **how))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_sniff_decodes_what_is_heard_says_nothing_and_records_without_secrets(
    sniff: Callable, tmp_path: Path
) -> None:
    talkers = Talkers(STREAM, b"\xaa\xc8" + REFUSED)
    file = tmp_path / "capture.jsonl"
    listener = sniff(talkers.url, "--json", "--out", str(file))
    assert talkers.serve() == b""
    told, errors = listener.communicate(timeout=PATIENCE)
    items = [json.loads(line) for line in told.splitlines()]
    assert [item["payload"] for item in items if item.get("kind") == "frame"] == [
        PAYLOADS[at].hex() for at in (0, 3, 4, 4)
    ]
    secrets = [(item["head"], item["hidden"]) for item in items if item.get("kind") == "secret"]
    assert secrets == [("aa09ff", 10), ("aa0601", 7)]
    assert CHALLENGE[3:9].hex() not in told
    assert RESPONSE[3:8].hex() not in told
    assert items[-1]["error"]["kind"] == "transport"  # the line was cut, not the listening ended
    assert listener.returncode == 1
    assert "nothing is sent" in errors
    text = file.read_text()
    assert CHALLENGE[3:].hex() not in text
    assert RESPONSE[3:].hex() not in text
    capture = decode_capture(text)
    assert [frame.payload for frame in capture.frames] == [PAYLOADS[at] for at in (0, 3, 4, 4)]


def test_sniff_keeps_secrets_when_told_to(sniff: Callable, tmp_path: Path) -> None:
    talkers = Talkers(STREAM)
    file = tmp_path / "capture.jsonl"
    listener = sniff(talkers.url, "--out", str(file), "--keep-secrets")
    talkers.serve()
    told, _ = listener.communicate(timeout=PATIENCE)
    assert "host to meter (believed): frame of 10 octets" in told
    assert [frame.payload for frame in decode_capture(file.read_text()).frames] == PAYLOADS


def test_sniff_ends_in_order_after_its_time_or_a_signal(sniff: Callable) -> None:
    for words, how in ((("--seconds", "0.2"), None), ((), signal.SIGINT), ((), signal.SIGTERM)):
        talkers = Talkers()
        listener = sniff(talkers.url, *words)
        connection, _ = talkers.server.accept()
        with talkers.server, connection:
            connection.sendall(REQUEST)
            assert listener.stdout is not None
            assert listener.stdout.readline() == "host to meter (believed): frame of 5 octets\n"
            if how is not None:
                listener.send_signal(how)
            listener.communicate(timeout=PATIENCE)
        assert listener.returncode == 0, words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("em1000+serial:///dev/ttyUSB0",),
            "baud_rate, parity, stop_bits must be given: nobody has published",
        ),
        (("psem+tcp://127.0.0.1:1",), "leads to no EM1000"),
        (("em1000+tcp://127.0.0.1",), "names no port"),
        (("em1000+tcp://127.0.0.1:1", "--seconds", "0"), "--seconds 0: more than 0"),
    ],
)
def test_sniff_refuses_wrong_usage(meterkit: Callable, words: tuple[str, ...], told: str) -> None:
    done = meterkit("em1000", "sniff", *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_psem_verbs_do_not_talk_to_an_em1000(meterkit: Callable) -> None:
    done = meterkit("psem", "info", "em1000+tcp://127.0.0.1:1")
    assert done.returncode == 2
    assert "no PSEM meter" in done.stderr


LOGIN = """
import sys, anyio
from meterkit.address import MeterAddress
from meterkit.em1000 import Em1000Session
from meterkit.emulator.em1000 import test_only_responder
from meterkit.options import Em1000Options

async def main(url, echo):
    async with Em1000Session(MeterAddress.parse(url).transport(), Em1000Options(echo=echo)) as session:
        (await session.connect()).unwrap()
        print((await session.login(test_only_responder)).match(lambda reply: reply.payload.hex(), str))

anyio.run(main, sys.argv[1], len(sys.argv) > 2)
"""


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("--listen", "tcp://127.0.0.1:0"), "ffe80302001800"),
        (("--pty",), "ffe80302001800"),
        (("--listen", "tcp://127.0.0.1:0", "--echo", "--noise", "AA C8", "--seed", "7"), "ffe80302001800"),
        (("--pty", "--refuse"), "refuses the login"),
        (("--listen", "tcp://127.0.0.1:0", "--silent"), "nothing came"),
    ],
)
def test_the_emulated_meter_serves_until_a_signal(words: tuple[str, ...], answer: str) -> None:
    command = [*COMMAND, "emulate", "em1000", *words]
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment()}
    with subprocess.Popen(command, **how) as emulator:
        try:
            assert emulator.stdout is not None
            url = emulator.stdout.readline().strip()
            assert url.startswith("em1000+")
            echo = ["echo"] if "--echo" in words else []
            login = [sys.executable, "-c", LOGIN, url, *echo]
            done = subprocess.run(
                login, capture_output=True, text=True, check=False, timeout=PATIENCE, env=environment()
            )
            assert answer in done.stdout, done.stderr
            emulator.send_signal(signal.SIGTERM)
            _, hints = emulator.communicate(timeout=PATIENCE)
        finally:
            emulator.kill()
        assert emulator.returncode == 0
        assert "no real meter" in hints


def test_the_decoder_of_all_kinds_knows_this_one_too(meterkit: Callable, posted: str) -> None:
    for extra in ((), ("--json",)):
        done = meterkit("decode", "--kind", "em1000", posted, *extra)
        assert done.returncode == 0
        assert done.stdout == meterkit("em1000", "decode", posted, *extra).stdout
