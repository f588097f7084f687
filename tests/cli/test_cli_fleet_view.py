"""A run as one sees it: what is counted, the picture on a terminal, the lines in a log."""

import pytest
from rich.console import Console

from meterkit.cli.fleet.drive import Drive
from meterkit.cli.fleet.places import places_of
from meterkit.cli.fleet.summary import document, parts
from meterkit.cli.fleet.tally import Tally
from meterkit.cli.fleet.view import LineView, LiveView, duration, picture
from meterkit.errors import ErrorKind, MeterError
from meterkit.fleet import MeterReport, MeterState, Outcome
from meterkit.fleet.pipeline_counts import PipelineCounts


class Clock:
    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tally(clock):
    return Tally(10, clock)


def report(number, outcome=Outcome.READ, message=""):
    error = MeterError(ErrorKind.TIMEOUT, message, where="connect") if message else None
    return MeterReport(f"m{number}", outcome, error, attempts=1, readings=5)


def shown(tally, counts=None, width=100):
    console = Console(width=width, no_color=True, color_system=None)
    with console.capture() as captured:
        console.print(picture(tally, counts))
    return captured.get()


def test_failures_that_differ_in_numbers_alone_are_one_reason(tally):
    for number in range(3):
        message = f"tcp 10.0.0.{number}:115{number}: no answer in 0x{number}f octets"
        tally.report(report(number, Outcome.FAILED, message))
    tally.report(report(4, Outcome.FAILED, "another reason"))
    first, second = tally.reasons
    assert (first.kind, first.meters) == ("timeout", ["m0", "m1", "m2"])
    assert "tcp 10.0.0.0:1150" in first.message
    assert second.meters == ["m4"]


def test_the_rate_is_that_of_the_last_seconds(tally, clock):
    for number in range(5):
        clock.time += 1
        tally.report(report(number))
        tally.tick()
    assert tally.tick() == pytest.approx(1.0)
    assert tally.eta(1.0) == 5
    clock.time += 60
    tally.tick()
    assert tally.tick() == pytest.approx(0, abs=0.1)
    assert tally.eta(0.0) is None


def test_meters_are_open_from_connecting_until_they_wait_or_are_done(tally, clock):
    tally.state("m1", MeterState.QUEUED)
    assert not tally.open
    tally.state("m1", MeterState.CONNECTING)
    clock.time += 3
    tally.state("m1", MeterState.READING)
    assert tally.open == {"m1": (MeterState.READING, 100.0)}
    tally.state("m1", MeterState.WAITING)
    assert (tally.open, tally.waiting) == ({}, {"m1"})
    tally.state("m1", MeterState.DONE)
    assert not tally.waiting


def test_the_picture_has_progress_reasons_and_who_is_open_for_longest(tally, clock):
    tally.tick()
    clock.time += 2
    for number in range(4):
        tally.report(report(number))
    tally.report(report(5, Outcome.FAILED, "no answer\x1b[31m in 2 s"))
    tally.state("m6", MeterState.CONNECTING)
    clock.time += 2
    text = shown(tally, PipelineCounts(written=20, queued=3))
    assert "5 of 10 meters" in text
    assert "1.2 a second, 4 s left" in text
    assert "read 4  failed 1  open 1" in text
    assert "readings 20 written, 3 on their way" in text
    assert "m5: connect: no answer" in text
    assert "\x1b" not in text
    assert "longest open: m6 connecting 2 s" in text


def test_the_picture_tells_of_readings_that_could_not_be_kept(tally):
    counts = PipelineCounts(given_up=7, last_fault="no space left on the disk")
    assert "7 given up: no space left on the disk" in shown(tally, counts)


def test_many_reasons_leave_the_picture_small(tally):
    for number in range(20):
        tally.report(report(number, Outcome.FAILED, "x" * 200 + "abcdefghijklmnopqrst"[number] + "z"))
    text = shown(tally, width=80)
    assert "14 more reasons" in text
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) < 14


def test_a_log_has_lines_of_progress_and_one_for_each_failure(tally, clock):
    lines = []
    with LineView(lines.append, tally, None) as view:
        for one in (report(1), report(2, Outcome.FAILED, "no answer")):
            tally.report(one)
            view.reported(one)
        clock.time += 1
        view.tick()
        view.say("stopping")
    assert lines == [
        "m2: failed: connect: no answer [timeout]",
        "2 of 10 meters, 2.0 a second, 4 s left: read 1  failed 1  open 0",
        "stopping",
    ]


def test_the_picture_on_a_terminal_stays_in_its_place_and_is_gone_at_the_end(tally):
    console = Console(width=80, force_terminal=True, record=True, color_system=None)
    with console.capture() as captured, LiveView(console, tally, None) as view:
        view.tick()
        view.reported(report(1))
        view.say("stopping")
        view.tick()
    text = captured.get()
    assert "0 of 10 meters" in text
    assert "stopping" in text
    assert text.count("\x1b[2K") >= 2


def test_readings_that_could_not_be_kept_make_a_run_that_is_not_whole(tally, tmp_path):
    for number in range(10):
        tally.report(report(number))
    counts = PipelineCounts(written=40, given_up=10, last_fault="the disk is full")
    places = places_of(tmp_path / "fleet.json", None)
    driven = Drive(tally, counts)
    assert driven.is_whole
    driven.held = {"m3": "the disk is full", "m4": "the disk is full"}
    assert not driven.is_whole
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(*parts(driven, places, None, 98.0), sep="\n")
    assert "10 readings of 2 meters could not be kept: the disk is full; the next run" in captured.get()
    told = document(driven, places, None, 98.0)
    assert told["held"] == driven.held
    assert told["readings"]["given_up"] == 10


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1:00"), (185, "3:05"), (3723, "1:02:03")]
)
def test_durations_are_said_as_people_do(seconds, text):
    assert duration(seconds) == text
