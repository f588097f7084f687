"""info, read, write and procedure, as a person and as a program run them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

MASTER = "METERKIT-DEMO-MASTER"
READER = "METERKIT-DEMO-READER"


def test_info_tells_who_the_meter_is(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "info", url, password=READER)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = {line[:22].strip(): line[22:].strip() for line in done.stdout.splitlines()}
    assert lines["manufacturer"] == "NES"
    assert lines["serial number"] == "2026000000000001"
    assert lines["utility serial number"].startswith("METERKIT")
    assert lines["firmware"] == "3.60.05"
    assert lines["load profile 1"].startswith("15 min, 4 channels, 14 blocks of 96 intervals")
    assert lines["load profile 3"].startswith("1 day, 3 channels")


def test_info_json_has_a_stable_shape(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "info", url, "--json", password=READER)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert list(document) == [
        "manufacturer",
        "model",
        "serial_number",
        "utility_serial_number",
        "device_id",
        "firmware",
        "is_osgp",
        "identification",
        "negotiated",
        "byte_order",
        "clock",
        "load_profiles",
        "withheld",
    ]
    assert document["identification"] == {"standard": "C12.18", "version": 1, "revision": 0, "features": []}
    assert document["negotiated"] == {"packet_size": 1024, "max_packets": 16, "baud_rate": 9600}
    assert document["byte_order"] == "little"
    assert document["is_osgp"] is True
    assert document["clock"]["is_utc"] is True
    assert document["clock"]["time"].endswith("Z")
    assert document["withheld"] == []
    assert [one["data_set"] for one in document["load_profiles"]] == [1, 2, 3, 4]
    assert document["load_profiles"][0] == {
        "data_set": 1,
        "interval_seconds": 900,
        "sources": [0, 1, 2, 3],
        "blocks": 14,
        "intervals_per_block": 96,
        "valid_blocks": 14,
    }


def test_info_without_a_password_tells_what_was_withheld_and_still_succeeds(
    meterkit: Callable, url: str
) -> None:
    done = meterkit("psem", "info", url)
    assert done.returncode == 0
    assert "serial number" in done.stdout
    assert "withheld: read ST61" in done.stdout


def test_options_of_the_session_come_from_the_url_and_from_flags(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "info", f"{url}?packet_size=256&max_packets=4", "--json", "--user-name", "tester")
    assert json.loads(done.stdout)["negotiated"]["packet_size"] == 256
    refused = meterkit("psem", "info", url, "--user-name", "much too long a name")
    assert refused.returncode == 2
    assert "--user-name" in refused.stderr
    assert "10" in refused.stderr


def test_read_decodes_a_known_table(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "read", url, "BT01")
    assert done.returncode == 0
    assert done.stdout.startswith("ST1 (1), ")
    assert "mfg_serial_number" in done.stdout
    assert "2026000000000001" in done.stdout


def test_read_json_carries_octets_and_fields(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "read", url, "61", "--json", password=READER)
    document = json.loads(done.stdout)
    assert list(document) == ["table", "name", "title", "offset", "size", "hex", "fields"]
    assert (document["table"], document["name"], document["offset"]) == (61, "ST61", 0)
    assert document["title"] == "Actual Load Profile"
    assert len(bytes.fromhex(document["hex"])) == document["size"]
    assert document["fields"]["sets"][0]["nbr_blks"] == 14


def test_read_dumps_what_it_does_not_know(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "read", url, "ST8", password=READER)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].startswith("000000  ")
    raw = meterkit("psem", "read", url, "ST1", "--raw")
    assert raw.stdout.splitlines()[1].startswith("000000  4e 45 53")


def test_a_table_of_appendix_a_has_its_proper_name(meterkit: Callable, configured: Callable) -> None:
    done = meterkit("psem", "read", configured(manufacturer="NES").url, "ET51", password=MASTER)
    assert done.stdout.startswith("ET51 (2099), ")
    assert "MEP Device Configuration" in done.stdout.splitlines()[0]
    other = configured(manufacturer="MKIT").url
    done = meterkit("psem", "read", other, "ET51", password=MASTER)
    assert "MEP Device Configuration" not in done.stdout  # another manufacturer's table 51
    assert done.stdout.splitlines()[1].startswith("000000  ")


def test_read_takes_a_part_by_offset(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "read", url, "ST1", "--offset", "0x4", "--count", "8", "--json")
    document = json.loads(done.stdout)
    assert bytes.fromhex(document["hex"]) == b"EMULATOR"
    assert (document["offset"], document["size"], document["fields"]) == (4, 8, None)


def test_read_writes_octets_to_a_new_file(meterkit: Callable, url: str, tmp_path: Path) -> None:
    out = tmp_path / "st1.bin"
    done = meterkit("psem", "read", url, "ST1", "--out", str(out))
    assert done.returncode == 0
    assert out.read_bytes()[:3] == b"NES"
    again = meterkit("psem", "read", url, "ST1", "--out", str(out))
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    assert meterkit("psem", "read", url, "ST1", "--out", str(out), "--overwrite").returncode == 0


def test_a_long_table_is_bounded_unless_all_is_asked_for(meterkit: Callable, url: str) -> None:
    short = meterkit("psem", "read", url, "64", "--raw", "--offset", "0", "--count", "4000", password=READER)
    assert "50 more lines not shown" in short.stdout
    long = meterkit("psem", "read", url, "64", "--offset", "0", "--count", "4000", "--all", password=READER)
    assert len(long.stdout.splitlines()) == 1 + 250


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("XT1",), "XT1"),
        (("ST1", "--count", "0"), "--count"),
        (("ST1", "--offset", "4"), "--count"),
        (("ST1", "--offset", "-4", "--count", "1"), "--offset"),
    ],
)
def test_read_refuses_wrong_usage(meterkit: Callable, url: str, words: tuple[str, ...], told: str) -> None:
    done = meterkit("psem", "read", url, *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_table_that_is_not_there_is_a_clear_error(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "read", url, "ST99", "--json")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert list(error) == ["kind", "message", "code", "where"]
    assert (error["kind"], error["code"]) == ("refused", 5)
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: read ST99: ")


def test_write_asks_first_and_writes_after_yes(meterkit: Callable, start_emulator: Callable) -> None:
    url = start_emulator("--listen", "tcp://127.0.0.1:0").url
    asked = meterkit("psem", "write", url, "ET3", "--offset", "0", "--hex", "4d 31", password=MASTER)
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    words = ("psem", "write", url, "ET3", "--offset", "0", "--hex", "4d 31", "--yes")
    done = meterkit(*words, "--json", password=MASTER)
    assert json.loads(done.stdout) == {"table": 2051, "name": "MT3", "offset": 0, "written": 2}
    back = meterkit("psem", "read", url, "ET3", "--offset", "0", "--count", "2", "--json")
    assert json.loads(back.stdout)["hex"] == "4d31"


def test_write_takes_a_file_and_a_whole_table(
    meterkit: Callable, start_emulator: Callable, tmp_path: Path
) -> None:
    url = start_emulator("--listen", "tcp://127.0.0.1:0").url
    octets = json.loads(meterkit("psem", "read", url, "ET3", "--json").stdout)["hex"]
    file = tmp_path / "et3.bin"
    file.write_bytes(b"M9" + bytes.fromhex(octets)[2:])
    done = meterkit("psem", "write", url, "ET3", "--file", str(file), "--yes", password=MASTER)
    assert done.returncode == 0
    assert "wrote 143 octets into MT3" in done.stdout
    back = json.loads(meterkit("psem", "read", url, "ET3", "--json").stdout)
    assert bytes.fromhex(back["hex"])[:2] == b"M9"


def test_write_without_clearance_is_refused(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "write", url, "ET3", "--offset", "0", "--hex", "00", "--yes", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "security"


@pytest.mark.parametrize("words", [(), ("--hex", "00", "--file", "x"), ("--hex", "0"), ("--hex", "")])
def test_write_wants_octets_once(meterkit: Callable, url: str, words: tuple[str, ...]) -> None:
    assert meterkit("psem", "write", url, "ET3", *words, "--yes").returncode == 2


def test_a_procedure_runs_to_its_end(meterkit: Callable, start_emulator: Callable) -> None:
    url = start_emulator("--listen", "tcp://127.0.0.1:0").url
    words = ("psem", "procedure", url, "5", "--hex", "03 0000")
    assert meterkit(*words, password=MASTER).returncode == 2
    done = meterkit(*words, "--yes", "--json", password=MASTER)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert list(document) == ["procedure", "manufacturer", "name", "result", "code", "data"]
    assert (document["procedure"], document["result"], document["code"]) == (5, "completed", 0)
    told = meterkit(*words, "--yes", password=MASTER)
    assert "SP5" in told.stdout
    assert "completed" in told.stdout


def test_a_standard_procedure_may_be_called_by_its_name(meterkit: Callable, start_emulator: Callable) -> None:
    url = start_emulator("--listen", "tcp://127.0.0.1:0").url
    words = ("psem", "procedure", url, "reset-list-pointers", "--hex", "03", "--yes")
    done = meterkit(*words, "--json", password=MASTER)
    document = json.loads(done.stdout)
    assert (document["procedure"], document["name"]) == (4, "SP4 reset list pointers")
    assert document["result"] == "completed"
    wrong = meterkit("psem", "procedure", url, "make-tea", "--yes", password=MASTER)
    assert wrong.returncode == 2
    assert "make-tea" in wrong.stderr
    assert meterkit(*words, "--manufacturer", password=MASTER).returncode == 2


def test_the_failure_of_a_procedure_is_told_once(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "procedure", url, "67", "--manufacturer", "--yes", password=MASTER)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: MP67: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_procedure_that_the_meter_does_not_know_fails(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "procedure", url, "99", "--manufacturer", "--yes", "--json", password=MASTER)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["result"] == "unrecognized"
    assert document["error"]["kind"] == "procedure"
    assert document["error"]["where"] == "MP99"
    assert "MP99" in done.stderr


def test_texts_from_a_meter_cannot_steer_the_terminal(meterkit: Callable, configured: Callable) -> None:
    url = configured(utility_serial_number="\x1b[31mred\x07").url
    for words in (
        ("info", url),
        ("read", url, "ET3"),
        ("info", url, "--json"),
        ("read", url, "ET3", "--json"),
    ):
        done = meterkit("psem", *words)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        assert "\x07" not in done.stdout
        assert "red" in done.stdout
