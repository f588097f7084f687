"""A run as one sees it while it goes on: a picture that stays in its place, or plain lines in a log.

412 of 1000 meters  ━━━━━━━━━━━━━━━╸                    38.2 a second, 15 s left
read 380  partly 3  failed 29  open 112  waiting for another attempt 17
readings 120324 written, 540 on their way
  20  timeout    psem-00012 ... connect: no answer within 2 s
longest open    psem-00300 reading 12 s, dlms-00007 connecting 4 s
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.fleet.tally import Failure, Tally
from meterkit.cli.output import safe_text
from meterkit.fleet import MeterReport, MeterState, Outcome
from meterkit.fleet.pipeline_counts import PipelineCounts

LIVE_EVERY: Final = 0.25  # s between two pictures
LINES_EVERY: Final = 10.0  # s between two lines of a log
_REASONS = 6  # reasons of failures in the picture
_LONGEST = 3  # meters in the picture that have been open for longest
_BAR = 30  # columns


class LiveView:
    """Draws a run on a terminal, in the place where it drew it before."""

    every = LIVE_EVERY

    def __init__(self, console: Console, tally: Tally, counts: PipelineCounts | None) -> None:
        self._tally, self._counts = tally, counts
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def tick(self) -> None:
        """Draw it as it is now."""
        self._live.update(picture(self._tally, self._counts), refresh=True)

    def reported(self, report: MeterReport) -> None:
        """Take a report: the picture counts it already."""

    def say(self, message: str) -> None:
        """Print a line above the picture."""
        self._live.console.print(safe_text(message), style="dim", markup=False)


class LineView:
    """Writes a line now and then, and one for each meter that was not read whole."""

    every = LINES_EVERY

    def __init__(self, write: Callable[[str], None], tally: Tally, counts: PipelineCounts | None) -> None:
        self._write, self._tally, self._counts = write, tally, counts

    def __enter__(self) -> LineView:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is to be tidied."""

    def tick(self) -> None:
        """Write where the run is."""
        rate = self._tally.tick()
        self._write(f"{_done(self._tally)}, {_pace(self._tally, rate)}: {_counted(self._tally)}")

    def reported(self, report: MeterReport) -> None:
        """Write what went wrong with one meter."""
        if report.outcome in (Outcome.FAILED, Outcome.PARTLY, Outcome.REFUSED):
            self._write(f"{report.meter}: {report.outcome.value}: {report.error}")

    def say(self, message: str) -> None:
        """Write a line."""
        self._write(message)


def picture(tally: Tally, counts: PipelineCounts | None) -> RenderableType:
    """Return a run as it is now, about ten lines high."""
    head = Grid.grid(padding=(0, 2, 0, 0))
    bar = ProgressBar(total=max(tally.total, 1), completed=tally.done, width=_BAR)
    head.add_row(Text(_done(tally), style="bold"), bar, Text(_pace(tally, tally.tick())))
    parts: list[RenderableType] = [head, Text(_counted(tally))]
    if counts is not None:
        parts.append(Text(_kept(counts), style="red" if counts.given_up else ""))
    parts += [_reason_line(one) for one in tally.reasons[:_REASONS]]
    if len(tally.reasons) > _REASONS:
        parts.append(Text(f"{len(tally.reasons) - _REASONS} more reasons", style="dim"))
    if tally.open:
        parts.append(Text(f"longest open: {_longest(tally)}", style="dim", overflow="ellipsis", no_wrap=True))
    return Group(*parts)


def _done(tally: Tally) -> str:
    return f"{tally.done} of {tally.total} meters"


def _pace(tally: Tally, rate: float) -> str:
    left = tally.eta(rate)
    return f"{rate:.1f} a second" + ("" if left is None else f", {duration(left)} left")


def _counted(tally: Tally) -> str:
    words = [f"{outcome.value} {tally.outcomes[outcome]}" for outcome in Outcome if tally.outcomes[outcome]]
    words.append(f"open {len(tally.open)}")
    if tally.waiting:
        words.append(f"waiting for another attempt {len(tally.waiting)}")
    return "  ".join(words)


def _kept(counts: PipelineCounts) -> str:
    text = f"readings {counts.written} written, {counts.queued} on their way"
    return text + (f", {counts.given_up} given up: {counts.last_fault}" if counts.given_up else "")


def _reason_line(failure: Failure) -> Text:
    line = Text(f"{len(failure.meters):>6}  ", style="red", overflow="ellipsis", no_wrap=True)
    line.append(f"{failure.kind:<10}", style="bold")
    line.append(safe_text(f" {failure.meters[0]}: {failure.message}"), style="not bold")
    return line


def _longest(tally: Tally) -> str:
    now = tally.began + tally.seconds
    oldest = sorted(tally.open.items(), key=lambda item: item[1][1])[:_LONGEST]
    return ", ".join(f"{meter} {_words(state)} {now - since:.0f} s" for meter, (state, since) in oldest)


def _words(state: MeterState) -> str:
    return state.value


def duration(seconds: float) -> str:
    """Return a time as a person says it: "12 s", "3:05", "1:02:03"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
