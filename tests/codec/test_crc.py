"""The CRC against published values, and against the definition worked out bit by bit."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.crc import crc16, crc16_wire, is_intact

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "psem.json").read_text())
CRCS = [pytest.param(v, id=v["name"]) for v in VECTORS if v["kind"] == "crc" and "wire" in v["expected"]]


def bitwise_crc(octets):
    register = 0xFFFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return register ^ 0xFFFF


@pytest.mark.parametrize("vector", CRCS)
def test_published_values_come_out(vector):
    octets = bytes.fromhex(vector["hex"])
    assert crc16(octets) == int(vector["expected"]["crc_value"], 16)
    assert crc16_wire(octets).hex() == vector["expected"]["wire"]


def test_the_start_octet_belongs_to_the_crc():
    vector = next(v for v in VECTORS if v["kind"] == "crc-negative")
    octets = bytes.fromhex(vector["hex"])
    assert crc16_wire(octets).hex() == vector["expected"]["wire_if_excluded"]
    assert crc16_wire(b"\xee" + octets).hex() == vector["expected"]["correct_wire"]


def test_the_residue_of_a_good_frame_is_recognised():
    assert is_intact(bytes.fromhex("ee0000000001201310"))
    assert not is_intact(bytes.fromhex("ee0000000001201311"))


@given(st.binary(max_size=300))
def test_it_equals_the_definition(octets):
    assert crc16(octets) == crc16(bytearray(octets)) == bitwise_crc(octets)
    assert crc16_wire(octets) == bitwise_crc(octets).to_bytes(2, "little")
    assert is_intact(octets + crc16_wire(octets))


@given(st.binary(min_size=1, max_size=64), st.data())
def test_a_flipped_bit_is_always_noticed(octets, data):
    frame = bytearray(octets + crc16_wire(octets))
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    assert not is_intact(frame)
