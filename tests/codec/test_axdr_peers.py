"""The same octets read by gurux-dlms and dlms-cosem, independent decoders; and where they differ.

They are asked in a process of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest

from meterkit.codec import axdr
from meterkit.codec.axdr import BitString, Data, Tag, Value
from meterkit.codec.cosem_time import CosemDateTime, moment

PROGRAM = """
import json, sys
def told(value):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [told(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
def gurux(octets):
    from gurux_dlms.GXByteBuffer import GXByteBuffer
    from gurux_dlms.GXDLMSSettings import GXDLMSSettings
    from gurux_dlms.internal._GXCommon import _GXCommon
    from gurux_dlms.internal._GXDataInfo import _GXDataInfo
    return _GXCommon.getData(GXDLMSSettings(False, None), GXByteBuffer(octets), _GXDataInfo())
def dlms_cosem(octets):
    from dlms_cosem.utils import parse_as_dlms_data
    return parse_as_dlms_data(octets)
def gurux_times(octets):
    value = gurux(b"\\x19" + octets)
    return value.value.isoformat()
def dlms_cosem_times(octets):
    from dlms_cosem.time import datetime_from_bytes
    value, status = datetime_from_bytes(octets)
    return value.isoformat()
ask = {"gurux": gurux, "dlms-cosem": dlms_cosem}
ask |= {"gurux times": gurux_times, "dlms-cosem times": dlms_cosem_times}
question = json.load(sys.stdin)
answers = []
for line in question["octets"]:
    try:
        answers.append(told(ask[question["who"]](bytes.fromhex(line))))
    except Exception as problem:
        answers.append(repr(problem))
print("\\n" + json.dumps(answers))
"""


def ask(who: str, octets: list[bytes]) -> list[Any]:
    """Return what a peer makes of each value's octets."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps({"who": who, "octets": [line.hex() for line in octets]}),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answers: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def told(value: Value) -> object:
    """Return a value as the peers' answers come."""
    match value:
        case bytes():
            return value.hex()
        case BitString():
            return str(value)
        case list() | tuple():
            return [told(item) for item in value]
        case _:
            return value


NUMBERS = [
    Data(tag, value)
    for tag, size, is_signed in (
        (Tag.INTEGER, 1, True),
        (Tag.LONG, 2, True),
        (Tag.DOUBLE_LONG, 4, True),
        (Tag.LONG64, 8, True),
        (Tag.UNSIGNED, 1, False),
        (Tag.LONG_UNSIGNED, 2, False),
        (Tag.DOUBLE_LONG_UNSIGNED, 4, False),
        (Tag.LONG64_UNSIGNED, 8, False),
        (Tag.ENUM, 1, False),
    )
    for value in (0, 1, 100, (1 << 8 * size - is_signed) - 1, -(1 << 8 * size - 1) if is_signed else 0x80)
]
OTHERS = [
    Data(Tag.NULL_DATA),
    Data(Tag.BOOLEAN, True),
    Data(Tag.BOOLEAN, False),
    Data(Tag.OCTET_STRING, bytes(range(200))),
    Data(Tag.VISIBLE_STRING, "METER 001"),
    Data(Tag.FLOAT32, 1.5),
    Data(Tag.FLOAT64, 0.1),
]
NESTED = [
    Data(Tag.ARRAY, (Data(Tag.STRUCTURE, (*NUMBERS[:5], *OTHERS[:4])),) * 3),
    Data(Tag.STRUCTURE, (Data(Tag.ARRAY, ()), Data(Tag.STRUCTURE, ()), Data(Tag.ARRAY, tuple(NUMBERS[:3])))),
]
BITS = [Data(Tag.BIT_STRING, BitString.from_text(text)) for text in ("1", "10110", "1010101011110000")]
COMPACT = bytes.fromhex("131206000100020003"), bytes.fromhex("13 0202 1211 06 00010a 00020b")


@pytest.mark.parametrize("who", ["gurux", "dlms-cosem"])
def test_common_types_are_the_same(who: str) -> None:
    common = NUMBERS + OTHERS + NESTED
    if who == "dlms-cosem":  # it gives the octets of floats as they came
        common = [data for data in common if data.tag not in (Tag.FLOAT32, Tag.FLOAT64)]
    octets = [data.encode() for data in common]
    for theirs, line in zip(ask(who, octets), octets, strict=True):
        assert theirs == told(axdr.decode(line)), line.hex()


def test_bits_and_compact_arrays_are_the_same() -> None:
    octets = [*(data.encode() for data in BITS), *COMPACT]
    assert ask("gurux", octets) == [told(axdr.decode(line)) for line in octets]


TIMES = [
    bytes.fromhex(line)
    for line in (
        "07e40106ff00030000ffc400",
        "07e40101ff00030000ff8800",
        "07e8021d040c1e2d32fe9800",
        "07e80701010c000000012c00",
    )
]


@pytest.mark.parametrize("who", ["gurux times", "dlms-cosem times"])
def test_moments_are_the_same(who: str) -> None:
    for theirs, line in zip(ask(who, TIMES), TIMES, strict=True):
        assert datetime.fromisoformat(theirs) == moment(line), line.hex()


def test_where_they_differ() -> None:
    text = Data(Tag.UTF8_STRING, "mètre").encode()
    assert ask("gurux", [text]) == ["6D C3 A8 74 72 65"]  # its octets, once they are not all ASCII
    assert "not implemented" in ask("dlms-cosem", [text])[0]
    assert axdr.decode(text) == "mètre"
    utc, pattern = bytes.fromhex("07e8021d040c1e2d00000000"), bytes.fromhex("ffff03fe0703000000ffc400")
    without_zone, refused = ask("dlms-cosem times", [utc, pattern])
    assert without_zone == "2024-02-29T12:30:45"  # it takes no deviation for none told
    assert moment(utc).isoformat() == "2024-02-29T12:30:45+00:00"  # type: ignore[union-attr]
    assert "Error" in refused  # it knows no patterns
    assert CosemDateTime.from_octets(pattern).encode() == pattern
