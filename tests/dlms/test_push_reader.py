"""Pushes found in one sender's octets, without a loop."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.push.reader import GARBAGE_LIMIT, HdlcPushReader, Heard, WrapperPushReader
from meterkit.dlms.wrapper import WrapperHeader
from meterkit.errors import ErrorKind, MeterError
from tests.dlms.vectors import octets_of

PUSH = octets_of("push-data-notification")
WRAPPED = octets_of("push-wrapper")
KAMSTRUP = octets_of("hdlc-ui-kamstrup-han")
KAIFA = octets_of("hdlc-ui-flag-inside-fcs-or-info")
METER = HdlcAddress(1)
CLIENT = HdlcAddress(16)


def wrapped(apdu, source=1, destination=0x40):
    return WrapperHeader(source, destination, len(apdu)).encode() + apdu


def frame(information, *, kind=HdlcFrameType.UI, to=CLIENT, is_segmented=False, source=METER):
    return HdlcFrame(to, source, HdlcControl(kind), information, is_segmented).encode()


def blocks(apdu, size, streaming=True):
    pieces = [apdu[at : at + size] for at in range(0, len(apdu), size)]
    return [
        GeneralBlockTransfer(number == len(pieces), streaming, 0, number, 0, piece).encode()
        for number, piece in enumerate(pieces, 1)
    ]


def fed(reader, octets, size=10_000):
    items = []
    for at in range(0, len(octets), size):
        items += reader.feed(octets[at : at + size])
    return items


def kinds(items):
    return [item.kind if isinstance(item, MeterError) else "heard" for item in items]


@pytest.mark.parametrize("size", [1, 3, 8, 10_000])
def test_wrapper_messages_are_heard_in_pieces_of_any_size(size):
    items = fed(WrapperPushReader(), WRAPPED + wrapped(b"\x0f\x01", 2, 0x66), size)
    assert items == [Heard(1, 0x40, PUSH), Heard(2, 0x66, b"\x0f\x01")]


def test_garbage_on_a_stream_loses_it_and_is_told_once():
    reader = WrapperPushReader()
    assert kinds(fed(reader, WRAPPED + b"GET / HTTP/1.1\r\n")) == ["heard", ErrorKind.FRAMING]
    assert reader.is_lost
    assert fed(reader, WRAPPED) == []


def test_a_message_cut_short_at_the_end_of_a_stream_is_told():
    reader = WrapperPushReader()
    assert fed(reader, WRAPPED[:50]) == []
    [error] = reader.silence()
    assert "50 of 95 octets came" in error.message
    assert reader.silence() == []


def test_every_datagram_stands_for_itself():
    reader = WrapperPushReader(is_datagram=True)
    assert kinds(reader.feed(WRAPPED[:50])) == [ErrorKind.FRAMING]
    assert kinds(reader.feed(WRAPPED[50:])) == [ErrorKind.FRAMING]
    assert kinds(reader.feed(WRAPPED + WRAPPED)) == ["heard", "heard"]
    assert kinds(reader.feed(b"\xff" * 20)) == [ErrorKind.FRAMING]
    assert reader.feed(WRAPPED) == [Heard(1, 0x40, PUSH)]


def test_an_empty_message_says_nothing():
    assert WrapperPushReader().feed(wrapped(b"")) == []


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_pushes_in_hdlc_frames_are_heard_behind_noise(size):
    items = fed(HdlcPushReader(), b"\x00\xff" + KAMSTRUP + KAIFA + b"\x7e\x7e", size)
    assert [item.apdu[:1] for item in items] == [b"\x0f", b"\x0f"]
    assert [item.source for item in items] == [HdlcAddress(16), HdlcAddress(1, 0)]


def test_a_push_in_several_frames_becomes_one():
    octets = frame(b"\xe6\xe7\x00" + PUSH[:40], is_segmented=True) + frame(PUSH[40:])
    assert HdlcPushReader().feed(octets) == [Heard(METER, CLIENT, PUSH)]


def test_frames_that_are_no_push_say_nothing():
    reader = HdlcPushReader()
    stranger = HdlcAddress(33)
    assert reader.feed(frame(PUSH, kind=HdlcFrameType.INFORMATION, to=stranger)) == []
    assert reader.feed(frame(b"", kind=HdlcFrameType.RR)) == []


def test_a_damaged_frame_is_told_once_until_the_next_good_one():
    reader = HdlcPushReader()
    damaged = bytearray(KAMSTRUP)
    damaged[60] ^= 1
    octets = bytes(damaged) * 2 + KAIFA + bytes(damaged) + KAIFA
    assert kinds(reader.feed(octets)) == [ErrorKind.CRC, "heard", ErrorKind.CRC, "heard"]


def test_a_push_that_lost_a_frame_is_not_put_together():
    first, last = frame(PUSH[:40], is_segmented=True), frame(PUSH[40:])
    damaged = bytearray(frame(PUSH[20:40], is_segmented=True))
    damaged[15] ^= 1
    items = HdlcPushReader().feed(first + bytes(damaged) + last)
    assert kinds(items) == [ErrorKind.CRC, "heard"]
    assert items[1].apdu == PUSH[40:]  # of which the decoder will say that it is none


def test_a_frame_whose_closing_flag_is_lost_is_settled_by_silence():
    reader = HdlcPushReader()
    assert reader.feed(KAIFA[:-1]) == []
    assert reader.is_waiting
    assert kinds(reader.silence()) == ["heard"]


def test_endless_garbage_is_given_up():
    reader = HdlcPushReader()
    noise = random.Random(7).randbytes(3 * GARBAGE_LIMIT).replace(b"\x7e", b"\x00")
    items = [item for at in range(0, len(noise), 100) for item in reader.feed(noise[at : at + 100])]
    assert "is the port at its speed" in items[-1].message
    assert reader.is_lost
    assert kinds(reader.feed(b"\x7e" * 3 + KAIFA))[-1:] == ["heard"]  # a line may come to its senses
    assert not reader.is_lost


@pytest.mark.parametrize("size", [1, 20, 85, 1000])
def test_a_push_in_general_blocks_becomes_one(size):
    for reader, wrap in ((WrapperPushReader(), wrapped), (HdlcPushReader(), frame)):
        items = reader.feed(b"".join(wrap(block) for block in blocks(PUSH, size)))
        assert [item.apdu for item in items] == [PUSH]


def test_blocks_may_come_out_of_order_and_twice_and_beside_other_pushes():
    reader = WrapperPushReader(is_datagram=True)
    one, two, three, *rest = blocks(PUSH, 20)
    heard = [item for block in (one, three, two, two, *rest) for item in reader.feed(wrapped(block))]
    assert [item.apdu for item in heard] == [PUSH]
    assert reader.feed(wrapped(one)) == []
    assert reader.feed(WRAPPED) == [Heard(1, 0x40, PUSH)]
    assert [item.apdu for block in (two, three, *rest) for item in reader.feed(wrapped(block))] == [PUSH]


def test_a_push_whose_block_was_lost_is_told_when_the_next_begins():
    reader = WrapperPushReader()
    one, _, *rest = blocks(PUSH, 20)
    assert reader.feed(b"".join(wrapped(block) for block in (one, *rest))) == []
    items = reader.feed(b"".join(wrapped(block) for block in blocks(PUSH, 50)))
    assert kinds(items) == [ErrorKind.PROTOCOL, "heard"]
    assert "block 2" in items[0].message


def test_too_many_octets_in_blocks_are_given_up():
    reader = WrapperPushReader(limit=1000)
    items = reader.feed(b"".join(wrapped(block) for block in blocks(bytes(3000), 100)))
    assert ErrorKind.PROTOCOL in kinds(items)
    assert "heard" not in kinds(items)


def test_a_mutilated_block_is_told():
    assert kinds(WrapperPushReader().feed(wrapped(b"\xe0\x40\x00"))) == [ErrorKind.DECODE]


@given(st.lists(st.binary(max_size=200), max_size=20), st.sampled_from(["wrapper", "datagram", "hdlc"]))
def test_any_octets_give_items(pieces, kind):
    readers = {
        "wrapper": WrapperPushReader,
        "datagram": lambda: WrapperPushReader(is_datagram=True),
        "hdlc": HdlcPushReader,
    }
    reader = readers[kind]()
    for piece in pieces:
        for item in reader.feed(piece):
            assert isinstance(item, Heard | MeterError)
    reader.silence()
    assert not reader.is_waiting


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=20))
def test_any_apdus_in_good_frames_give_items(apdus):
    for reader, wrap in ((WrapperPushReader(), wrapped), (HdlcPushReader(), frame)):
        for apdu in apdus:
            for item in reader.feed(wrap(b"\xe0" + apdu)):
                assert isinstance(item, Heard | MeterError)
