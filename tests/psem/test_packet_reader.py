"""The packet reader: whole captures, single octets, tails, noise, damage, and packets inside packets."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.psem.packet import ACK, HEADER_SIZE, NAK, STP, encode_packet
from meterkit.psem.packet_reader import Damage, Noise, PacketReader

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "psem.json").read_text())
CAPTURES = [
    pytest.param(bytes.fromhex(v["hex"]), v["expected"]["decoded"], id=v["name"])
    for v in VECTORS
    if v["kind"] in ("frame", "multi-packet", "duplicate")
]
PACKET = encode_packet(0, 0x20, 0, b"\x00\x00\x04\x01\x02\x03\x04\xf6")


def pieces_of(octets, sizes):
    at = 0
    while at < len(octets):
        size = sizes[at % len(sizes)]
        yield octets[at : at + size]
        at += size


def read(octets, *, sizes=(1 << 20,), packet_size=64, silence=False):
    reader = PacketReader(packet_size)
    items = []
    for piece in pieces_of(octets, sizes):
        items += reader.feed(piece)
    if silence:
        items += reader.silence()
    return items


def packets_in(items):
    return [item for item in items if isinstance(item, bytes)]


@pytest.mark.parametrize("sizes", [(1 << 20,), (1,), (2, 5, 3)], ids=["whole", "octet by octet", "pieces"])
@pytest.mark.parametrize(("octets", "parts"), CAPTURES)
def test_a_capture_falls_into_its_parts(octets, parts, sizes):
    items = read(octets, sizes=sizes)
    assert [ACK if part == "ACK" else part["data"] for part in parts] == [
        item if isinstance(item, int) else item[HEADER_SIZE:-2].hex() for item in items
    ]


@pytest.mark.parametrize(("octets", "parts"), CAPTURES)
def test_a_tail_is_told_apart(octets, parts):
    items = read(octets + b"\x00\x55")
    assert items[-1] == Noise(b"\x00\x55")
    assert len(items) == len(parts) + 1


@pytest.mark.parametrize("sizes", [(1 << 20,), (1,)], ids=["whole", "octet by octet"])
def test_no_flipped_bit_yields_a_packet(sizes):
    for bit in range(len(PACKET) * 8):
        damaged = bytearray(PACKET)
        damaged[bit // 8] ^= 1 << bit % 8
        items = read(bytes(damaged), sizes=sizes, silence=True)
        assert packets_in(items) == []
        if damaged[0] == STP:
            assert any(isinstance(item, Damage) for item in items)


def test_every_cut_is_damage_once_the_line_is_silent():
    for length in range(1, len(PACKET)):
        reader = PacketReader()
        assert reader.feed(PACKET[:length]) == []
        assert reader.is_waiting
        (damage,) = reader.silence()
        assert isinstance(damage, Damage)
        assert "broke off" in damage.reason
        assert not reader.is_waiting


def test_a_few_stray_octets_delay_nothing():
    for stray in (b"\x55", b"\x00\xff\x00", b"\x00" * 5):
        assert read(stray + bytes([ACK]) + PACKET)[-2:] == [ACK, PACKET]


def test_a_stray_start_octet_does_not_hide_the_packet_behind_it():
    for stray in (b"\xee", b"\xee\xee", b"\xee\x01", b"\x55\xee\x01\x06", b"\xee\x00\x00\x00"):
        assert packets_in(read(stray + PACKET, silence=True)) == [PACKET], stray.hex()
        assert packets_in(read(stray + PACKET, sizes=(1,), silence=True)) == [PACKET], stray.hex()


def test_a_bad_header_shortly_before_a_packet_needs_no_silence():
    assert packets_in(read(b"\xee\x01\x06\x00" + PACKET)) == [PACKET]


def test_behind_much_noise_only_what_ends_the_burst_is_believed():
    noise = b"\x00" * 40
    assert packets_in(read(noise + PACKET)) == []
    assert packets_in(read(noise + PACKET, silence=True)) == [PACKET]
    assert packets_in(read(noise + PACKET + b"\x00", silence=True)) == []
    assert read(noise + bytes([ACK]), silence=True)[-1] == ACK
    assert read(noise + bytes([NAK]), silence=True)[-1] == NAK


def test_a_packet_inside_a_damaged_packet_is_not_taken_for_one():
    table = b"\x00\x00\x20" + PACKET + bytes(10)
    outer = encode_packet(0, 0, 0, table)
    for bit in range(len(outer) * 8):
        damaged = bytearray(outer)
        damaged[bit // 8] ^= 1 << bit % 8
        for sizes in ((1 << 20,), (7,), (1,)):
            assert packets_in(read(bytes(damaged), sizes=sizes, silence=True)) == []


def test_what_follows_a_damaged_packet_is_waited_for():
    damaged = PACKET[:-1] + b"\x00"
    assert isinstance(read(damaged)[0], Damage)
    reader = PacketReader()
    assert reader.feed(damaged + b"\x01\x02") == []
    assert reader.is_waiting
    assert [type(item) for item in reader.silence()] == [Damage]


def test_the_repetition_of_a_damaged_packet_is_believed_at_once():
    reader = PacketReader()
    reader.feed(PACKET[:-1] + b"\x00")
    assert reader.feed(PACKET) == [PACKET]


def test_a_packet_above_the_agreed_size_is_damage_that_says_so():
    (damage,) = [i for i in read(encode_packet(0, 0, 0, bytes(57)), silence=True) if isinstance(i, Damage)]
    assert "announces 57 octets of data, 1 to 56 were agreed" in damage.reason
    assert packets_in(read(encode_packet(0, 0, 0, bytes(57)), packet_size=128)) != []


def test_damage_never_shows_the_data():
    secret = b"SECRET-PASSWORD-1234"
    octets = encode_packet(0, 0, 0, b"\x51" + secret)
    for damaged in (octets[:-1] + b"\x00", octets[:20], b"\xee\x00\x00\x00\xff\xff" + octets[6:]):
        for item in read(damaged, silence=True):
            if isinstance(item, Damage):
                assert secret[:3].hex(" ") not in item.reason
                assert secret[:3].hex() not in item.reason


@settings(derandomize=True)
@given(st.lists(st.binary(max_size=80)), st.lists(st.booleans()))
def test_any_octets_are_cut_in_bounded_memory(chunks, silences):
    reader = PacketReader()
    fed = told = 0
    for number, chunk in enumerate(chunks):
        items = reader.feed(chunk)
        fed += len(chunk)
        if number < len(silences) and silences[number]:
            items += reader.silence()
        assert len(reader._buffer) <= reader.packet_size
        told += sum(1 if isinstance(i, int) else len(i) for i in items if isinstance(i, int | bytes))
    assert told <= fed


def test_endless_noise_is_held_in_one_packets_space():
    reader = PacketReader()
    for _ in range(100):
        reader.feed(b"\xee\x00\x00\x00\x00\x30" * 100)
        assert len(reader._buffer) <= reader.packet_size


@settings(derandomize=True)
@given(
    st.lists(st.sampled_from([bytes([ACK]), bytes([NAK]), PACKET, encode_packet(5, 0, 0, b"\xee\x06\x15")])),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_the_cut_does_not_depend_on_the_pieces(parts, sizes):
    octets = b"".join(parts)
    assert (
        read(octets, sizes=sizes) == read(octets) == [part[0] if len(part) == 1 else part for part in parts]
    )
