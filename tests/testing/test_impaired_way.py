"""Each fault, on one way of a line, as a machine without a clock."""

from random import Random

import pytest

from meterkit.testing import (
    Bandwidth,
    Drop,
    Duplicate,
    Flip,
    Insert,
    Latency,
    LimitData,
    Reorder,
    ResetPeer,
    Slicer,
    Timeout,
    Truncate,
)
from meterkit.testing.impaired_way import ImpairedWay, Piece


def way(*faults, has_datagrams=False, seed=1):
    return ImpairedWay(faults, Random(seed), has_datagrams=has_datagrams)


def carried(*faults, octets=b"abcdef"):
    return b"".join(piece.octets for piece in way(*faults).carry(octets, 5.0))


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        (Drop(at=2), b"abdef"),
        (Drop(at=2, count=3), b"abf"),
        (Duplicate(at=0), b"aabcdef"),
        (Duplicate(at=3, is_whole=True), b"abcdefabcdef"),
        (Flip(at=5, bit=0), b"abcdeg"),
        (Insert(at=3, octets=b"XY"), b"abcXYdef"),
        (Reorder(at=1), b"acbdef"),
        (Reorder(at=5), b"abcdef"),
        (Truncate(at=4), b"abcd"),
        (ResetPeer(at=4), b"abcd"),
        (Timeout(at=1), b"a"),
        (LimitData(3), b"abc"),
        (Drop(at=6), b"abcdef"),
    ],
    ids=repr,
)
def test_a_fault_strikes_at_its_octet(fault, arrives):
    assert carried(fault) == arrives


def test_positions_count_on_from_one_sending_to_the_next():
    line = way(Drop(at=7))
    assert line.carry(b"abcdef", 0.0) == [Piece(0.0, b"abcdef")]
    assert line.carry(b"abcdef", 0.0) == [Piece(0.0, b"acdef")]
    assert (line.position, line.nbr_struck) == (12, 1)


def test_octets_behind_a_late_one_are_late_as_well_and_do_not_overtake():
    line = way(Latency(2.0, at=3))
    assert line.carry(b"abcdef", 5.0) == [Piece(5.0, b"abc"), Piece(7.0, b"def")]
    assert line.carry(b"g", 6.0) == [Piece(7.0, b"g")]


def test_latency_without_a_place_makes_everything_late():
    line = way(Latency(0.5))
    assert [line.carry(b"a", now)[0].due for now in (0.0, 1.0)] == [0.5, 1.5]
    jittered = way(Latency(0.5, jitter=0.2)).carry(b"a", 0.0)[0].due
    assert 0.5 < jittered < 0.7


def test_bandwidth_takes_its_time_for_each_octet():
    line = way(Bandwidth(100))
    assert line.carry(bytes(50), 0.0) == [Piece(0.5, bytes(50))]
    assert line.carry(bytes(50), 0.0) == [Piece(1.0, bytes(50))]


def test_a_slicer_cuts_up_what_was_sent_together():
    pieces = way(Slicer(2, delay=0.1)).carry(b"abcde", 0.0)
    assert [piece.octets for piece in pieces] == [b"ab", b"cd", b"e"]
    assert [piece.due for piece in pieces] == pytest.approx([0.0, 0.1, 0.2])
    varied = way(Slicer(3, 2)).carry(bytes(100), 0.0)
    assert {len(piece.octets) for piece in varied[:-1]} <= {1, 2, 3, 4, 5}


def test_a_line_that_broke_says_when_and_why_and_is_mended():
    line = way(ResetPeer(1.5, at=2))
    line.carry(b"abc", 5.0)
    assert line.breaks_at == 6.5
    assert "ResetPeer" in line.reason
    assert "octet 2" in line.reason
    line.mend()
    assert line.breaks_at == float("inf")
    assert line.carry(b"abc", 9.0) == [Piece(9.0, b"abc")]


def test_a_limit_counts_anew_on_a_line_that_was_opened_anew():
    line = way(LimitData(4))
    assert line.carry(b"abcdef", 0.0) == [Piece(0.0, b"abcd")]
    line.mend()
    assert line.carry(b"abc", 0.0) == [Piece(0.0, b"abc")]
    assert line.breaks_at == float("inf")


def test_whole_datagrams_are_lost_doubled_and_overtaken():
    line = way(Drop(at=1), Duplicate(at=4), Reorder(at=7), Flip(at=13, bit=0), has_datagrams=True)
    sent = [line.carry(octets, 0.0) for octets in (b"abc", b"def", b"ghi", b"jkl", b"mno")]
    assert [[piece.octets for piece in one] for one in sent] == [
        [],
        [b"def", b"def"],
        [],
        [b"jkl", b"ghi"],
        [b"moo"],
    ]


def test_the_same_seed_makes_the_same_line():
    faults = Flip(probability=0.1), Drop(probability=0.1), Insert(probability=0.1), Slicer(5, 3)
    runs = [way(*faults, seed=seed).carry(bytes(200), 0.0) for seed in (7, 7, 8)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Drop(), "at, an octet's position, or probability expected"),
        (lambda: Drop(at=-1), "position expected"),
        (lambda: Drop(at=1, probability=0.5), "not both"),
        (lambda: Drop(probability=1.5), "0 to 1"),
        (lambda: Flip(at=1, bit=8), "0 to 7"),
        (lambda: Latency(-1), "no less than 0"),
        (lambda: Bandwidth(0), "more than 0"),
        (lambda: Slicer(2, 2), "size above its variation"),
        (lambda: LimitData(3, at=4), "its place is `octets`"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()
