"""The soak in short: a day of ten meters on a clock that jumps.  `nox -s soak` has a week of a hundred.

Both halves live through the night in which clocks change, one in March and one in October, and through
everything else that `tests.reliability.soak.trouble` has.
"""

import pytest

from tests.reliability.soak import week
from tests.reliability.soak.mix import CIPHERED, KINDS


@pytest.fixture(scope="module")
def figures():
    return week.run(days=1, meters=len(KINDS), every=900, is_traced=False)


def test_every_interval_is_read_once_with_its_value(figures):
    assert figures["holes"] == []
    assert figures["wrong"] == []
    assert figures["read"]["intervals kept"] > len(KINDS) * 96


def test_every_poll_is_answered_but_those_of_a_used_up_counter(figures):
    not_read = {name for name in figures["outcomes"] if not name.endswith(" read")}
    assert not_read == {"end failed"}
    assert figures["outcomes"]["end failed"] == figures["happened"]["keys changed as their counter ended"]
    assert all("no counter left" in name for name in figures["errors"])


def test_no_invocation_counter_is_used_twice(figures):
    assert figures["counters repeated"] == []
    assert figures["ciphered requests"] > len(CIPHERED) * 96


def test_counters_beyond_two_billion_are_warned_of(figures):
    assert figures["warnings"]


def test_everything_that_should_go_wrong_did(figures):
    assert {
        "jumps of our clock",
        "keys changed as their counter ended",
        "lines broken in an answer",
        "lines dropped",
        "meters restarted",
        "meters silent for 4 min",
        "meters' clocks put wrong",
        "pieces damaged, lost or doubled",
    } <= set(figures["happened"])


def test_nothing_is_left_when_the_fleets_are_left(figures):
    first, last = figures["gauges"][0], figures["gauges"][-1]
    assert last["tasks"] == 1
    assert (last["descriptors"], last["threads"]) == (first["descriptors"], first["threads"])


def test_the_same_seed_gives_the_same_figures():
    first, second = (week.run(days=1, meters=4, every=21600, seed=9, is_traced=False) for _ in range(2))
    for figures in (first, second):
        del figures["gauges"]
    assert first == second
