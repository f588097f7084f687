"""The HDLC reader: whole, octet by octet, with tails, noise, damage, lost flags; bounded and linear."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec.crc import crc16_wire, is_intact
from meterkit.dlms.hdlc import reader as hdlc_reader
from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.reader import Damage, HdlcReader, Noise

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
FRAMES = [
    pytest.param(bytes.fromhex(v["hex"]), id=v["name"])
    for v in VECTORS
    if v["name"].startswith("hdlc-") and v["kind"] in ("hdlc", "hdlc-push")
]
CLIENT, METER = HdlcAddress(16), HdlcAddress(1, 17)


def information(number, octets):
    return HdlcFrame(CLIENT, METER, HdlcControl(HdlcFrameType.INFORMATION, True, number, 0), octets)


GOOD = information(1, b"\xe6\xe7\x00\x7e\xa0\x07\x21\x7e")
READY = HdlcFrame(CLIENT, METER, HdlcControl(HdlcFrameType.RR, True, 0, 3))
LONG = information(2, bytes(range(256)))


def read(octets, *, size=1 << 20, silence=False):
    reader = HdlcReader()
    items = []
    for at in range(0, len(octets), size):
        items += reader.feed(octets[at : at + size])
    if silence:
        items += reader.silence()
        assert not reader.is_waiting
    return items


def frames_in(items):
    return [item for item in items if isinstance(item, HdlcFrame)]


@pytest.mark.parametrize("size", [1 << 20, 1, 3])
@pytest.mark.parametrize("octets", FRAMES)
def test_a_captured_frame_is_found(octets, size):
    frame = HdlcFrame.decode(octets)
    assert read(octets, size=size) == [frame]
    assert read(octets + b"\x00\x55", size=size, silence=True)[0] == frame
    assert read(b"\x7e\x7e\x7e" + octets + octets[1:] + octets, size=size) == [frame] * 3


@pytest.mark.parametrize("size", [1 << 20, 1])
@pytest.mark.parametrize("octets", FRAMES)
def test_no_flipped_bit_yields_a_frame(octets, size):
    for bit in range(8, len(octets) * 8 - 8):
        damaged = bytearray(octets)
        damaged[bit // 8] ^= 1 << bit % 8
        assert frames_in(read(bytes(damaged), size=size, silence=True)) == []


@pytest.mark.parametrize("octets", FRAMES)
def test_a_frame_behind_a_damaged_one_is_found(octets):
    frame = HdlcFrame.decode(octets)
    for bit in range(len(octets) * 8):
        damaged = bytearray(octets)
        damaged[bit // 8] ^= 1 << bit % 8
        assert frames_in(read(bytes(damaged) + octets, silence=True))[-1] == frame


@pytest.mark.parametrize("size", [1 << 20, 1])
@pytest.mark.parametrize("following", [GOOD, READY, LONG], ids=["short", "RR", "long"])
def test_a_frame_that_lost_octets_does_not_take_the_next_one_with_it(following, size):
    octets = LONG.encode()
    for at in range(1, len(octets) - 1, 7):
        for lost in (1, 2, 40, 200):
            cut = octets[:at] + octets[at + lost :]
            if len(cut) < 2 or (at == 0 and lost == 1):
                continue
            assert following in read(cut + following.encode(), size=size, silence=True)


@pytest.mark.parametrize("octets", FRAMES)
def test_every_part_of_a_frame_is_no_frame_and_hides_none(octets):
    frame = HdlcFrame.decode(octets)
    for end in range(1, len(octets) - 1):
        items = read(octets[:end], silence=True)
        assert frames_in(items) == []
        assert frames_in(read(octets[:end] + GOOD.encode(), silence=True)) == [GOOD]
        assert frames_in(read(octets[end:-1] + octets, silence=True))[-1] == frame


def test_a_cut_frame_is_told_in_octets():
    (damage,) = read(LONG.encode()[:50], silence=True)
    assert damage.reason.startswith("a frame broke off: header a1 0a 21 02 23 14 ")
    assert damage.reason.endswith(" announces 266 octets, 49 came")


def test_a_wrong_header_check_is_told():
    damaged = bytearray(LONG.encode())
    damaged[6] ^= 1
    assert any(
        isinstance(item, Damage) and "HCS" in item.reason for item in read(bytes(damaged), silence=True)
    )


def test_a_wrong_frame_check_is_told():
    damaged = bytearray(LONG.encode())
    damaged[100] ^= 1
    items = read(bytes(damaged), silence=True)
    assert isinstance(items[0], Damage)
    assert "FCS" in items[0].reason
    assert len(items) == 1


def test_flags_are_shared_missing_or_many():
    good, ready = GOOD.encode(), READY.encode()
    assert read(good + ready) == [GOOD, READY]
    assert read(good[:-1] + ready) == [GOOD, READY]
    assert read(good[:-1] + ready[1:]) == [GOOD, READY]
    assert read(good[1:-1] + ready[1:-1] + b"\x7e") == [GOOD, READY]
    assert read(b"\x7e" * 50 + good + b"\x7e" * 50 + ready) == [GOOD, READY]


def test_a_frame_waits_for_its_closing_flag_but_not_for_ever():
    reader = HdlcReader()
    assert reader.feed(GOOD.encode()[:-1]) == []
    assert reader.is_waiting
    assert reader.silence() == [GOOD]
    assert not reader.is_waiting
    reader.feed(GOOD.encode()[:-1])
    assert reader.feed(b"\x00") == [GOOD, Noise(b"\x00")]


def test_noise_that_looks_like_a_long_frame_holds_nothing_up():
    for noise in (b"\xa7\xff\x21\x03\x10\x00\x00", b"\xa7\xff", b"\xa7", b"\x7e\xa7\xff\x21\x02\x23\x30\x01"):
        for size in (1 << 20, 1):
            assert frames_in(read(noise + LONG.encode(), size=size)) == [LONG]


def test_noise_is_told_apart():
    assert read(b"\x00\x55" + GOOD.encode() + b"\x01\x02") == [Noise(b"\x00\x55"), GOOD, Noise(b"\x01\x02")]


def test_a_frame_of_unknown_kind_is_no_frame():
    octets = bytearray(READY.encode())
    octets[6] = 0xEF
    octets[7:9] = crc16_wire(octets[1:7])
    (damage,) = read(bytes(octets))
    assert "control octet ef is unknown" in damage.reason


@pytest.mark.parametrize(
    "pattern",
    [
        b"\x7e",
        b"\xa0",
        b"\xa7\xff",
        b"\xaf\xff\x03\x03\x93",
        b"\xa0\x00\x02\x00",
        LONG.encode()[:60],
        LONG.encode()[:-2],
    ],
    ids=["flags", "a0", "a7 ff", "headers", "even", "half frames", "frames without end"],
)
@pytest.mark.parametrize("size", [1 << 20, 1], ids=["whole", "octet by octet"])
def test_a_flood_takes_bounded_memory_and_linear_time(monkeypatch, pattern, size):
    flood = (pattern * (65536 // len(pattern) + 1))[:65536]
    checked = 0

    def counting(octets):
        nonlocal checked
        checked += len(octets)
        return is_intact(octets)

    monkeypatch.setattr(hdlc_reader, "is_intact", counting)
    reader = HdlcReader()
    items = []
    for at in range(0, len(flood), size):
        items += reader.feed(flood[at : at + size])
        assert len(reader._held) <= 2048
    items += reader.silence()
    assert checked <= 40 * len(flood)  # octets put through the CRC
    assert len(items) <= len(flood)
    assert frames_in(reader.feed(GOOD.encode())) == [GOOD]


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([GOOD, READY, LONG])), max_size=12), st.data()
)
def test_the_pieces_do_not_matter(parts, data):
    octets = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    whole = frames_in(read(octets, silence=True))
    size = data.draw(st.integers(1, 30))
    assert frames_in(read(octets, size=size, silence=True)) == whole
