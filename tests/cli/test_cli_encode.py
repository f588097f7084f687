"""encode: messages in XML and JSON as octets again, and what is wrong in them."""

import json
import subprocess
from pathlib import Path

import pytest

from meterkit.cli import main
from tests.cli.conftest import COMMAND, environment

GET = "C001C100080000010000FF0200"
SNRM = "7EA0070321930F017E"


@pytest.mark.parametrize("option", ["--xml", "--json"])
def test_what_decode_prints_encode_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str
) -> None:
    assert main(["decode", option, SNRM + SNRM[2:]]) == 0
    file = tmp_path / "messages"
    file.write_text(capsys.readouterr().out)
    assert main(["encode", str(file)]) == 0
    assert capsys.readouterr().out.split() == [SNRM, SNRM[2:]]


def test_standard_input_is_read_too() -> None:
    xml = subprocess.run(
        [*COMMAND, "decode", "--xml", GET], capture_output=True, check=True, env=environment()
    ).stdout
    done = subprocess.run(
        [*COMMAND, "encode", "-"], input=xml, capture_output=True, check=True, env=environment()
    )
    assert done.stdout.decode().strip() == GET


def test_octets_go_to_a_file_which_is_never_overwritten_unasked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source, out = tmp_path / "message.json", tmp_path / "message.bin"
    source.write_text('{"apdu": "get-request-next", "invoke": 193, "block_number": 7}')
    assert main(["encode", str(source), "--out", str(out)]) == 0
    assert out.read_bytes().hex() == "c002c100000007"
    assert "7 octets written to" in " ".join(capsys.readouterr().out.split())
    assert main(["encode", str(source), "--out", str(out)]) == 2
    capsys.readouterr()
    assert main(["encode", str(source), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"messages": ["c002c100000007"]}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"apdu": "get-request-next", "invoke": 300}', "message.invoke: a whole number, 0 to 255"),
        (b"<GetRequest>\n<Nothing />\n</GetRequest>", "line 2: <Nothing>"),
        (b"c001c1", "neither XML nor JSON"),
        (b"\xff\xfe", "XML or JSON expected"),
        (b"[" * 100_000, "nested too deep"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "a document type is not read"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, told: str
) -> None:
    file = tmp_path / "message"
    file.write_bytes(content)
    assert main(["encode", str(file)]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
