"""The DLMS verbs as a person runs them, against `meterkit emulate dlms` in another process."""

import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meterkit.cli import main
from meterkit.cli.dlms.references import parse_attribute, selection
from meterkit.cli.dlms.typed import parse_value
from meterkit.cli.usage import UsageMistake
from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.wrapper import WrapperHeader
from tests.cli.conftest import COMMAND, PATIENCE, Done, environment

PASSWORD = "12345678"
CLOCK, ENERGY, PROFILE, NOTE = "8/0-0:1.0.0/2", "3/1-0:1.8.0/2", "7/1-0:99.1.0/2", "1/0-0:96.13.0/2"


class DlmsEmulator:
    """An emulated DLMS meter in a process of its own."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "emulate", "dlms", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def as_client(self, sap: int) -> str:
        return f"{self.url}{'&' if '?' in self.url else '?'}client={sap}"

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def meter() -> Iterator[DlmsEmulator]:
    """A meter that all tests of this module share."""
    emulator = DlmsEmulator("--listen", "tcp://127.0.0.1:0", "--seed", "3")
    yield emulator
    emulator.stop()


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run the command in this process, which is quicker than in one of its own."""

    def run(*words: str, password: str = "") -> Done:
        monkeypatch.setenv("METERKIT_PASSWORD", password)
        monkeypatch.setenv("COLUMNS", "120")
        status = main(words)
        out, err = capsys.readouterr()
        return Done(words, status, out, err)

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., DlmsEmulator]]:
    """Start meters that end with the test."""
    started: list[DlmsEmulator] = []

    def begin(*words: str) -> DlmsEmulator:
        started.append(DlmsEmulator(*words))
        return started[-1]

    yield begin
    for emulator in started:
        emulator.stop()


# ---------------------------------------------------------------- emulate
@pytest.mark.parametrize(
    ("words", "scheme"),
    [
        (("--listen", "tcp://127.0.0.1:0"), "dlms+tcp://127.0.0.1:"),
        (("--listen", "udp://127.0.0.1:0"), "dlms+udp://127.0.0.1:"),
        (("--interface", "hdlc", "--listen", "tcp://127.0.0.1:0"), "dlms+hdlc+tcp://127.0.0.1:"),
        (("--pty", "--interface", "mode_e"), "dlms+hdlc+serial:///dev/"),
    ],
)
def test_the_address_it_prints_works_on_every_line(
    meterkit: Callable, start: Callable, words: tuple[str, ...], scheme: str
) -> None:
    emulator = start(*words)
    assert emulator.url.startswith(scheme)
    document = json.loads(meterkit("dlms", "info", emulator.url, "--json").stdout)
    assert document["serial_number"]["meaning"] == '"20260001"'
    assert "get" in document["association"]["conformance"]
    assert document["withheld"] == []


def test_a_mode_e_meter_on_a_pseudo_terminal_is_read_and_read_out(here: Callable, start: Callable) -> None:
    emulator = start("--pty", "--interface", "mode_e")
    device = emulator.url.removeprefix("dlms+hdlc+serial://").partition("?")[0]
    assert stat.S_ISCHR(os.stat(device).st_mode)
    done = here("dlms", "readout", emulator.url, "--json")
    document = json.loads(done.stdout)
    assert document["is_checked"] is True
    assert any(line["address"] == "1-0:1.8.0" for line in document["lines"])
    told = here("dlms", "readout", emulator.url).stdout
    assert "active energy import, total" in told
    assert "kWh" in told


def test_it_ends_cleanly_and_hints_what_to_do(start: Callable) -> None:
    emulator = start("--listen", "tcp://127.0.0.1:0")
    emulator.process.send_signal(signal.SIGINT)
    _, told = emulator.process.communicate(timeout=PATIENCE)
    assert emulator.process.returncode == 0
    assert told.startswith(f"try: meterkit dlms info {emulator.url}")


def test_a_configuration_file_and_quirks_make_the_meter(
    here: Callable, start: Callable, tmp_path: Path
) -> None:
    file = tmp_path / "meter.json"
    file.write_text(json.dumps({"serial_number": "77", "profile": {"rows": 5}}))
    emulator = start(
        "--listen", "tcp://127.0.0.1:0", "--config", str(file), "--quirk", "junk-after-value", "--seed", "9"
    )
    serial = json.loads(here("dlms", "get", emulator.url, "1/0-0:96.1.0/2", "--json").stdout)
    assert serial["attributes"][0]["value"] == b"77".hex()
    clock = json.loads(here("dlms", "get", emulator.url, CLOCK, "--json").stdout)
    assert len(clock["attributes"][0]["hex"]) > 28  # the quirk: more than a date-time


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--listen", "127.0.0.1:4059"), "--listen"),
        (("--pty", "--listen", "tcp://127.0.0.1:0"), "not both"),
        (("--quirk", "junk_after_valu"), "did you mean junk_after_value?"),
        (("--interface", "hdlc", "--listen", "udp://127.0.0.1:0"), "only the wrapper runs over UDP"),
        (("--config", "/nowhere/meter.json"), "cannot read"),
    ],
)
def test_emulate_refuses_wrong_usage(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert main(["emulate", "dlms", *words]) == 2
    assert told in capsys.readouterr().err


# ---------------------------------------------------------------- reading
def test_info_tells_who_the_meter_is(here: Callable, meter: DlmsEmulator) -> None:
    done = here("dlms", "info", meter.url)
    assert done.returncode == 0
    assert "logical device name  MKT20260001" in done.stdout
    assert "selective-access" in done.stdout
    assert done.stderr == ""


def test_objects_are_listed_with_names_and_rights(here: Callable, meter: DlmsEmulator) -> None:
    told = here("dlms", "objects", meter.url).stdout
    assert "active energy import, total" in told
    assert "Profile generic" in told
    document = json.loads(here("dlms", "objects", meter.url, "--class", "3", "--json").stdout)
    assert document["count"] == len(document["objects"]) > 5
    energy = next(one for one in document["objects"] if one["obis_code"] == "1-0:1.8.0*255")
    assert energy["attributes"]["2"] == ["read"]
    assert (energy["class_name"], energy["name"]) == ("Register", "active energy import, total")


def test_short_names_are_listed_and_read(here: Callable, start: Callable, tmp_path: Path) -> None:
    file = tmp_path / "meter.json"
    file.write_text('{"short_name_referencing": true}')
    emulator = start("--listen", "tcp://127.0.0.1:0", "--config", str(file))
    url = f"{emulator.url}?referencing=short_name"
    document = json.loads(here("dlms", "objects", url, "--json").stdout)
    assert all(one["base_name"] for one in document["objects"])
    assert here("dlms", "get", url, CLOCK).returncode == 0


def test_one_attribute_is_read_and_explained(meterkit: Callable, meter: DlmsEmulator) -> None:
    done = meterkit("dlms", "get", meter.url, CLOCK)
    assert done.returncode == 0
    title, value = done.stdout.splitlines()
    assert title == "8/0-0:1.0.0*255/2  Clock, clock"
    assert value.startswith("octet-string: 07 ")
    document = json.loads(meterkit("dlms", "get", meter.url, ENERGY, "--json").stdout)
    (energy,) = document["attributes"]
    assert (energy["class_id"], energy["obis_code"], energy["attribute"]) == (3, "1-0:1.8.0*255", 2)
    assert energy["type"] == "double-long-unsigned"
    assert energy["hex"] == axdr.encode_double_long_unsigned(energy["value"]).hex()


def test_several_attributes_are_read_at_once_and_a_refusal_among_them_is_told(
    here: Callable, meter: DlmsEmulator
) -> None:
    done = here("dlms", "get", meter.url, ENERGY, "3/9-9:9.9.9/2", CLOCK, "--json")
    assert done.returncode == 1
    first, refused, last = json.loads(done.stdout)["attributes"]
    assert first["type"] == "double-long-unsigned"
    assert (refused["error"]["kind"], refused["error"]["code"]) == ("refused", 4)
    assert last["type"] == "octet-string"
    assert "object-undefined (4)" in done.stderr
    told = here("dlms", "get", meter.url, ENERGY, "3/1-0:1.8.0/3", CLOCK).stdout
    assert "enum: 30" in told


def test_a_profile_is_shown_in_rows_with_its_columns(here: Callable, meter: DlmsEmulator) -> None:
    done = here("dlms", "get", meter.url, PROFILE, "--entries", "1..4", "--columns", "1..3")
    head, *rows, count = done.stdout.splitlines()[1:]
    assert head.split() == ["0-0:1.0.0", "0-0:96.10.1", "1-0:1.8.0"]
    assert len(rows) == 4
    assert count == "4 rows"
    all_of_it = json.loads(here("dlms", "get", meter.url, PROFILE, "--json").stdout)["attributes"][0]
    assert len(all_of_it["value"]) == 960
    assert len(all_of_it["columns"]) == 8
    assert all_of_it["value"][0][0][10] == "T"  # ISO 8601


def test_a_range_of_a_profile_is_read_by_time(here: Callable, meter: DlmsEmulator) -> None:
    whole = json.loads(here("dlms", "get", meter.url, PROFILE, "--json").stdout)["attributes"][0]
    times = [row[0] for row in whole["value"]]
    wanted = f"{times[100]}..{times[103]}"
    part = json.loads(here("dlms", "get", meter.url, PROFILE, "--range", wanted, "--json").stdout)
    assert [row[0] for row in part["attributes"][0]["value"]] == times[100:104]


def test_a_long_value_is_cut_unless_all_is_asked_for(here: Callable, meter: DlmsEmulator) -> None:
    assert "760 more not shown (--all shows them)" in here("dlms", "get", meter.url, PROFILE).stdout
    assert len(here("dlms", "get", meter.url, PROFILE, "--all").stdout.splitlines()) == 963


# ---------------------------------------------------------------- writing
def test_an_attribute_is_written_after_a_question(here: Callable, meter: DlmsEmulator) -> None:
    url = meter.as_client(1)
    words = ("dlms", "set", url, NOTE, "octet-string:text=kitchen")
    asked = here(*words, password=PASSWORD)
    assert asked.returncode == 2
    assert "say --yes" in asked.stderr
    done = here(*words, "--yes", "--json", password=PASSWORD)
    assert json.loads(done.stdout)["written"] == "0907" + b"kitchen".hex()
    assert '"kitchen"' in here("dlms", "get", url, NOTE, password=PASSWORD).stdout


def test_a_write_that_is_denied_is_exit_status_1(here: Callable, meter: DlmsEmulator) -> None:
    done = here("dlms", "set", meter.url, NOTE, "octet-string:00", "--yes", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "refused"


def test_a_wrong_password_is_told_and_not_shown(here: Callable, meter: DlmsEmulator) -> None:
    done = here("dlms", "info", meter.as_client(1), password="hunter2!")
    assert done.returncode == 1
    assert "authentication-failure (13): wrong password or key" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_a_password_comes_from_a_file(here: Callable, meter: DlmsEmulator, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    assert here("dlms", "info", meter.as_client(1), "--password-file", str(file)).returncode == 0


def test_a_method_is_performed(here: Callable, meter: DlmsEmulator) -> None:
    url, state = meter.as_client(1), "70/0-0:96.3.10/3"
    for method, expected in (("1", 0), ("2", 1)):
        words = ("dlms", "action", url, f"70/0-0:96.3.10/{method}", "integer:0", "--yes")
        done = here(*words, password=PASSWORD)
        assert done.returncode == 0
        assert "it returned nothing" in done.stdout
        read = json.loads(here("dlms", "get", url, state, "--json", password=PASSWORD).stdout)
        assert read["attributes"][0]["value"] == expected


# ---------------------------------------------------------------- listening
@pytest.mark.parametrize("more", [(), ("--associate",)])
def test_pushes_of_a_meter_are_heard(
    here: Callable, spawn: Callable, meter: DlmsEmulator, more: tuple[str, ...]
) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    listener = spawn("dlms", "listen", meter.url, "--count", "1", "--json", *more, changes={}, **pipes)
    assert b"listening on" in listener.stderr.readline()
    push = ("dlms", "action", meter.as_client(1), "40/0-0:25.9.0/1", "integer:0", "--yes")
    assert here(*push, password=PASSWORD).returncode == 0
    out, _ = listener.communicate(timeout=PATIENCE)
    assert listener.returncode == 0
    document = json.loads(out)
    assert document["notification"]["name"] == "data-notification"
    assert document["hex"].startswith("0f")


def test_meters_push_to_a_port_of_this_machine(spawn: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    listener = spawn("dlms", "listen", f"tcp://127.0.0.1:{port}", "--count", "2", changes={}, **pipes)
    assert b"listening on" in listener.stderr.readline()
    apdu = bytes.fromhex("0f000000010011 05")
    with socket.create_connection(("127.0.0.1", port)) as meter:
        meter.sendall(2 * (WrapperHeader(1, 64, len(apdu)).encode() + apdu))
        out, _ = listener.communicate(timeout=PATIENCE)
    assert listener.returncode == 0
    assert out.decode().count("data-notification") == 2
    assert "unsigned: 5" in out.decode()


@pytest.mark.parametrize("more", [(), ("--associate",)])
def test_ctrl_c_is_the_proper_end_of_listening(
    spawn: Callable, meter: DlmsEmulator, more: tuple[str, ...]
) -> None:
    listener = spawn("dlms", "listen", meter.url, *more, changes={}, stderr=subprocess.PIPE)
    assert b"listening on" in listener.stderr.readline()
    listener.send_signal(signal.SIGINT)
    _, told = listener.communicate(timeout=PATIENCE)
    assert listener.returncode == 0
    assert b"Traceback" not in told
    assert b"Warning" not in told


def test_listening_ends_when_its_time_is_over(here: Callable, meter: DlmsEmulator) -> None:
    assert here("dlms", "listen", meter.url, "--seconds", "0.2").returncode == 0


# ---------------------------------------------------------------- wrong usage
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("info", "psem+tcp://127.0.0.1"), "psem+tcp leads to no DLMS meter; dlms+tcp://"),
        (("info", "dlms+tcp://h?client=x"), "client_address: 'x' came, a whole number is allowed"),
        (("get", "dlms+tcp://h"), "name an attribute"),
        (("get", "dlms+tcp://h", "3/1.8.0"), "write CLASS/OBIS/ATTRIBUTE"),
        (("get", "dlms+tcp://h", "3/x/2"), "no OBIS code"),
        (("get", "dlms+tcp://h", "70000/1.8.0/2"), "the class is a number from 0 to 65535"),
        (("get", "dlms+tcp://h", "3/1.8.0/2", "--entries", "1..2"), "for buffers of profiles"),
        (("get", "dlms+tcp://h", PROFILE, "--entries", "0..2"), "FIRST..LAST counted from 1"),
        (("get", "dlms+tcp://h", PROFILE, "--range", "2026-03-01"), "write FROM..TO"),
        (("get", "dlms+tcp://h", PROFILE, "--range", "2026-03-02..2026-03-01"), "after the second"),
        (
            ("get", "dlms+tcp://h", PROFILE, "--range", "2026-03-01..2026-03-02", "--columns", "1"),
            "--columns",
        ),
        (("set", "dlms+tcp://h", CLOCK, "42", "--yes"), "is no value with a type"),
        (("set", "dlms+tcp://h", CLOCK, "unsigned:256", "--yes"), "unsigned"),
        (("action", "dlms+tcp://h", "70/0-0:96.3.10/1", "integer:x", "--yes"), "a whole number is allowed"),
        (("listen", "tcp://h"), "URL tcp://h: write tcp://HOST:PORT"),
        (("listen", "tcp://127.0.0.1:1", "--associate"), "--associate needs the address of a meter"),
        (("listen", "udp://127.0.0.1:1", "--interface", "hdlc"), "in WRAPPER"),
        (("listen", "dlms+tcp://h", "--count", "0"), "--count 0: 1 or more is allowed"),
        (("readout", "dlms+tcp://h"), "over a serial line"),
    ],
)
def test_wrong_usage_is_exit_status_2_and_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert main(["dlms", *words]) == 2
    err = capsys.readouterr().err
    assert told in " ".join(err.split())
    assert "Traceback" not in err


def test_a_meter_that_is_not_there_is_exit_status_1(here: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = here("dlms", "info", f"dlms+tcp://127.0.0.1:{port}", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "transport"


# ---------------------------------------------------------------- what is typed
@pytest.mark.parametrize(
    ("typed", "octets"),
    [
        ("double-long-unsigned:42", axdr.encode_double_long_unsigned(42)),
        ("double_long: -5", axdr.encode_double_long(-5)),
        ("enum:0x10", axdr.encode_enum(16)),
        ("boolean:true", axdr.encode_boolean(True)),
        ("null-data", axdr.encode_null()),
        ("float64:1.5", axdr.encode_float64(1.5)),
        ("octet-string:01 02:ff", b"\x09\x03\x01\x02\xff"),
        ("octet-string:", b"\x09\x00"),
        ("octet-string:text=ab,(c", b"\x09\x05ab,(c"),
        ("octet-string:obis=1-0:1.8.0", b"\x09\x06" + ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL.to_bytes()),
        ("visible-string:a, b", b"\x0a\x04a, b"),
        ("bit-string:101", b"\x04\x03\xa0"),
        ("structure(unsigned:1, array(enum:2,enum:3), null-data)", bytes.fromhex("0203110101021602160300")),
        ("array()", b"\x01\x00"),
        ("hex:02021101 1102", bytes.fromhex("020211011102")),
    ],
)
def test_a_typed_value_becomes_its_octets(typed: str, octets: bytes) -> None:
    assert parse_value(typed) == octets


@pytest.mark.parametrize(
    "typed",
    [
        "42",
        "unsigned",
        "unsigned:256",
        "unsigned:x",
        "boolean:maybe",
        "bit-string:12",
        "octet-string:0",
        "octet-string:obis=x",
        "octet-string:time=yesterday",
        "structure(unsigned:1",
        "structure(unsigned:1,)",
        "compact-array:1",
        "hex:0203",
        "hex:110511",
        "array(" * 20 + ")" * 20,
    ],
)
def test_what_is_no_typed_value_is_refused_in_one_line(typed: str) -> None:
    with pytest.raises(UsageMistake) as refused:
        parse_value(typed)
    assert "\n" not in str(refused.value)


def test_a_time_is_typed_in_iso_8601() -> None:
    value = axdr.decode(parse_value("octet-string:time=2026-03-01T12:00:00+01:00"))
    assert value == bytes.fromhex("07ea0301070c000000ffc400")
    assert isinstance(axdr.decode(parse_value("date-time:now")), CosemDateTime)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3/1-0:1.8.0/2", "3/1-0:1.8.0*255/2"),
        ("3/1.0.1.8.0.255/2", "3/1-0:1.8.0*255/2"),
        ("3/0100010800ff/-1", "3/1-0:1.8.0*255/-1"),
        (" 8 / 0-0:1.0.0*255 / 0 ", "8/0-0:1.0.0*255/0"),
    ],
)
def test_an_attribute_is_named_in_every_usual_spelling(text: str, expected: str) -> None:
    assert str(parse_attribute(text)) == expected


def test_entries_are_counted_from_1_and_may_be_open() -> None:
    assert selection(None, "97..", None) == Selection.by_entry(97, 0)
    assert selection(None, "5", None) == Selection.by_entry(5, 5)
    assert selection(None, "1-4", "2..3") == Selection.by_entry(1, 4, first_column=2, last_column=3)
    assert selection(None, None, "2..3") == Selection.by_entry(1, 0, first_column=2, last_column=3)
    assert selection(None, None, None) is None


def test_the_examples_in_the_help_are_values_that_can_be_typed() -> None:
    for typed in ("double-long-unsigned:42", "octet-string:0102", "structure(unsigned:1, enum:2)"):
        assert parse_value(typed)


def test_the_help_of_every_verb_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("info", "objects", "get", "set", "action", "listen", "readout"):
        assert main(["dlms", verb, "--help"]) == 0
        assert f"meterkit dlms {verb}" in capsys.readouterr().out
