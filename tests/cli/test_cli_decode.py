"""decode: captured octets of any protocol, from hex, files and logs, as a tree."""

import json
import subprocess
from pathlib import Path

import pytest

from meterkit.cli import main
from meterkit.psem.packet import PsemFrame
from tests.cli.conftest import COMMAND, environment

SNRM = "7EA0070321930F017E"
GET = "C4 01 C1 00 06 00 00 13 91"
CIPHERED = "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B"  # the Green Book's example
PACKET = PsemFrame(data=b"\x30\x00\x01").encode()


def decoded(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main(["decode", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "kind", "name"),
    [
        ((SNRM,), "dlms", "HDLC frame"),
        ((SNRM[:8], SNRM[8:]), "dlms", "HDLC frame"),
        (tuple(GET.split()), "dlms", "get-response-normal"),
        ((f"RX: {GET} (5009)",), "dlms", "get-response-normal"),
        ((PACKET.hex(),), "psem", "packet"),
        (("--kind", "psem", "300001"), "psem", "read-full request"),
        (("--kind", "hdlc", SNRM), "hdlc", "HDLC frame"),
        (("--kind", "hdlc", GET), "hdlc", "not understood"),
        (("--kind", "dlms", PACKET.hex()), "dlms", "not understood"),
    ],
)
def test_the_kind_is_found_out_or_said(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], kind: str, name: str
) -> None:
    document = decoded(capsys, *words)
    assert document["kind"] == kind
    assert document["tree"][0]["name"] == name


def test_a_tree_is_printed_beside_its_octets_with_names_and_meanings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["decode", GET]) == 0
    lines = capsys.readouterr().out.splitlines()
    column = " " * len("06 00 00 13 91 00 00 00")
    assert lines[0] == f"0000  c4 01{column[5:]}  get-response-normal"
    assert lines[1] == f"0002  c1{column[2:]}    invoke-id: 193 (id 1, confirmed, high priority)"
    assert lines[-1] == f"0004  06 00 00 13 91{column[14:]}      double-long-unsigned: 5009"


@pytest.mark.parametrize(
    "words",
    [("--key", "00" * 16), ("--key=" + "00" * 16,), ("--key-from", "00" * 16), ("--encryption-key", "00")],
)
def test_a_key_on_the_command_line_is_refused_and_neither_decoded_nor_repeated(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(["decode", GET, *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--key-from" in err
    assert "a key itself never stands on a command line" in err
    assert "0000" not in err


def test_a_key_typed_as_such_is_answered_with_what_to_type_instead(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["decode", GET, "--key", "00" * 16]) == 2
    assert "--key, takes env:NAME, file:PATH, keyring:SERVICE, prompt or demo" in capsys.readouterr().err


def test_key_is_another_spelling_of_key_from(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["decode", CIPHERED, "--system-title", "4D4D4D0000BC614E"]
    told = []
    for option in ("--key", "--key-from"):
        assert main([*words, option, "demo"]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "verified, sender 4D4D4D0000BC614E" in told[0]
    assert "get-request-normal" in told[0]


def test_a_misspelt_option_is_no_octets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--knid", "dlms", GET]) == 2
    assert "--knid" in capsys.readouterr().err


def test_pasted_text_may_begin_with_hyphens(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("--> " + GET,), ("-->", GET), ("--7E", SNRM[2:]), ("- " + GET,)):
        assert decoded(capsys, *words)["kind"] == "dlms"


def test_a_log_with_several_frames_is_read_from_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = tmp_path / "session.log"
    log.write_text(f"12:00:01 TX {SNRM}\nconnected\n12:00:02 RX {SNRM}\n")
    document = decoded(capsys, str(log))
    assert [node["name"] for node in document["tree"]] == ["HDLC frame", "HDLC frame"]
    assert (document["octets"], document["not_understood"]) == (18, 0)


def test_a_file_of_octets_is_read_as_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "capture.bin"
    file.write_bytes(bytes.fromhex(SNRM))
    assert decoded(capsys, str(file))["tree"][0]["name"] == "HDLC frame"


@pytest.mark.parametrize("content", [SNRM.encode(), bytes.fromhex(SNRM)])
def test_standard_input_is_read_too(content: bytes) -> None:
    done = subprocess.run(
        [*COMMAND, "decode", "-"], input=content, capture_output=True, check=True, env=environment()
    )
    assert b"SNRM" in done.stdout


def test_em1000_captures_are_taken_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--kind", "em1000", "AA010FDEC2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["nbr_frames"] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name a file"),
        (("hello",), "is no file and holds no octets"),
        (("7EA",), "half an octet"),
        (("7E A0 0",), "half an octet"),
    ],
)
def test_what_holds_no_octets_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert main(["decode", *words]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("octets", ["0bffffff", "ee000000", "7e7e7e", "ffffffff"])
def test_garbage_is_shown_and_is_no_error(capsys: pytest.CaptureFixture[str], octets: str) -> None:
    assert main(["decode", octets]) == 0
    told = capsys.readouterr().out
    assert "not understood" in told or octets == "7e7e7e"


def test_long_trees_are_cut_unless_all_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    octets = "01820300" + "1105" * 0x300
    assert main(["decode", octets]) == 0
    assert "more lines not shown (--all shows them)" in capsys.readouterr().out
    assert main(["decode", octets, "--all"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 0x300 + 2


def test_messages_stand_in_the_json_beside_the_tree(capsys: pytest.CaptureFixture[str]) -> None:
    document = decoded(capsys, *GET.split())
    assert document["schema"] == "meterkit.dlms/1"
    assert document["messages"][0]["result"] == {"data": {"type": "double-long-unsigned", "value": 5009}}


def test_messages_come_as_xml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--xml", GET]) == 0
    told = capsys.readouterr().out
    assert told.startswith("<GetResponse>")
    assert '<UInt32 Value="00001391" />' in told


def test_xml_of_other_protocols_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--xml", "--kind", "psem", "300001"]) == 2
    assert "--xml is of dlms and hdlc" in " ".join(capsys.readouterr().err.split())
