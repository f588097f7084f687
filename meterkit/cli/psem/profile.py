"""`meterkit psem profile`: a load profile streamed, shown as a table, a load curve and a heat map."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from anyio import get_cancelled_exc_class
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from meterkit.cli.access import Access
from meterkit.cli.console import messages, screen
from meterkit.cli.meter import on_meter
from meterkit.cli.output import iso
from meterkit.cli.profile_view import ProfileView
from meterkit.cli.rows import IntervalForm, JsonLines, Sink, check_file, open_file
from meterkit.cli.running import FAILED, OK, report_error, say_hint
from meterkit.cli.usage import UsageMistake, new_file
from meterkit.errors import MeterError
from meterkit.psem.client import PsemClient
from meterkit.psem.load_profile_stream import LoadProfileStream
from meterkit.psem.tables.load_profile import LoadProfileRow
from meterkit.result import Err


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What of the profile is wanted, and where it goes."""

    data_set: int
    since: datetime | None
    until: datetime | None
    out: Path | None
    svg: Path | None
    overwrite: bool
    channel: int
    show_all: bool
    as_json: bool

    def check(self) -> None:
        """Refuse what cannot be.  Errors: UsageMistake."""
        if not 1 <= self.data_set <= 4:
            raise UsageMistake(f"--data-set {self.data_set}: a meter has data sets 1 to 4")
        if self.channel < 0:
            raise UsageMistake(f"--channel {self.channel}: channels are counted from 0")
        if self.since and self.until and self.since >= self.until:
            raise UsageMistake(f"--since {iso(self.since)} is not before --until {iso(self.until)}")
        if self.out is not None:
            check_file(self.out)
        new_file(self.out, overwrite=self.overwrite)
        new_file(self.svg, overwrite=self.overwrite)

    def check_channel(self, row: LoadProfileRow) -> None:
        """Refuse a channel that the data set has not, as its first row shows.  Errors: UsageMistake."""
        if self.channel >= len(row.values):
            most = len(row.values) - 1
            raise UsageMistake(f"--channel {self.channel}: data set {self.data_set} has channels 0 to {most}")


def profile(url: str, access: Access, wish: Wish) -> int:
    """Stream a data set to where `wish` says; rows that came before an error are kept."""
    wish.check()

    async def body(client: PsemClient) -> int:
        stream = client.load_profile(wish.data_set, since=wish.since, until=wish.until)
        rows: list[LoadProfileRow] = []
        tally = _Tally()
        try:
            with ExitStack() as files:
                takers: list[Callable[[LoadProfileRow], None]] = [wish.check_channel]
                for sink in _sinks(wish):
                    files.callback(sink.close)
                    takers.append(sink.write)
                if not wish.as_json or wish.svg is not None:
                    takers.append(rows.append)
                error = await drain(stream, [*takers, tally.count])
        except get_cancelled_exc_class():
            _tell_kept("interrupted", wish, stream, tally.rows)
            raise
        if stream.geometry is not None and (rows or error is None):
            _show(wish, stream, rows)
        if error is None:
            return OK
        report_error(error, as_json=wish.as_json)
        if tally.rows:
            _tell_kept("so far", wish, stream, tally.rows)
        return FAILED

    return on_meter(url, access, body)


class _Tally:
    """Counts the rows that every taker before it has taken."""

    def __init__(self) -> None:
        self.rows = 0

    def count(self, _: LoadProfileRow) -> None:
        """Count one row."""
        self.rows += 1


def _tell_kept(why: str, wish: Wish, stream: LoadProfileStream, count: int) -> None:
    """Tell what became of the rows before an early end, and how to go on."""
    if not count or stream.position is None:
        say_hint(f"{why}: no row had come yet")
        return
    go_on = f"go on with --since {iso(stream.position)}"
    if wish.out is not None:
        say_hint(f"{why}: {count} rows are kept in {wish.out}; {go_on} into another --out file")
    else:
        say_hint(f"{why}: {count} rows came; {go_on}")


def _sinks(wish: Wish) -> Iterator[Sink[LoadProfileRow]]:
    if wish.out is not None:
        yield open_file(wish.out, IntervalForm())
    if wish.as_json:
        yield JsonLines(IntervalForm())


async def drain(
    stream: LoadProfileStream, takers: list[Callable[[LoadProfileRow], None]]
) -> MeterError | None:
    """Hand every row to every taker; return the error that ended the stream, if one did."""
    count = 0
    with _progress(stream) as advance:
        async for item in stream:
            if isinstance(item, Err):
                return item.error
            for take in takers:
                take(item.value)
            count += 1
            advance(count)
    return None


@contextmanager
def _progress(stream: LoadProfileStream) -> Generator[Callable[[int], None]]:
    """Show a progress bar on standard error, if that is a terminal."""
    console = messages()
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("data set {task.fields[data_set]}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, data_set=stream.data_set, told="asking how much there is")

        def advance(rows: int) -> None:
            done, total = stream.blocks_done, stream.blocks_total
            told = f"{done} of {total} blocks, {rows} rows"
            bar.update(task, completed=done, total=total or None, told=told)

        yield advance


def _show(wish: Wish, stream: LoadProfileStream, rows: list[LoadProfileRow]) -> None:
    geometry = stream.geometry
    assert geometry is not None
    view = ProfileView(geometry, rows, channel=wish.channel, show_all=wish.show_all)
    if not wish.as_json:
        view.print()
        if wish.out is not None:
            screen().print(f"{len(rows)} rows written to {wish.out}", markup=False)
    if wish.svg is not None:
        view.save(wish.svg)
        if not wish.as_json:
            screen().print(f"picture written to {wish.svg}", markup=False)
