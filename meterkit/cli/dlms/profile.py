"""`meterkit dlms profile`: the rows of a profile streamed, shown, drawn and written to files."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from anyio import get_cancelled_exc_class
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from meterkit.cli.console import messages, screen
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.dlms.profile_rows import ProfileForm
from meterkit.cli.dlms.profile_view import DlmsProfileView, Drawing
from meterkit.cli.dlms.references import parse_span
from meterkit.cli.output import iso
from meterkit.cli.rows import JsonLines, Sink, check_file, open_file
from meterkit.cli.running import FAILED, OK, report_error, say_hint
from meterkit.cli.usage import UsageMistake, new_file
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.profile.column import ColumnChoice, choose
from meterkit.dlms.profile.position import ProfilePosition
from meterkit.dlms.profile.row import ProfileRow
from meterkit.dlms.profile.stream import ProfileStream
from meterkit.errors import MeterError, ProtocolFault
from meterkit.result import Err

_MOST_ENTRY = 0xFFFFFFFF
_MOST_KEPT = 100_000  # rows that are kept to be shown; a longer profile goes to --out or --json


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What of the profile is wanted, and where it goes."""

    obis: ObisCode
    since: datetime | None
    until: datetime | None
    entries: tuple[int, int] | None
    columns: tuple[ColumnChoice, ...]  #: none: all
    draw: ColumnChoice | None
    plot: bool
    heat_map: bool
    out: Path | None
    svg: Path | None
    resume: Path | None
    overwrite: bool
    show_all: bool
    as_json: bool

    def check(self) -> None:
        """Refuse what cannot be.  Errors: UsageMistake."""
        if self.since and self.until and self.since >= self.until:
            raise UsageMistake(f"--since {iso(self.since)} is not before --until {iso(self.until)}")
        if self.entries is not None and (self.since or self.until):
            raise UsageMistake("say --last or --entries, or --since and --until, not both")
        if self.out is not None:
            check_file(self.out)
        new_file(self.out, overwrite=self.overwrite)
        new_file(self.svg, overwrite=self.overwrite)
        new_file(self.resume, overwrite=True)

    def position(self) -> ProfilePosition | None:
        """Return where another reading ended.  Errors: UsageMistake."""
        if self.resume is None or not self.resume.exists():
            return None
        try:
            position = ProfilePosition.from_json(json.loads(self.resume.read_text(encoding="utf-8")))
        except (ValueError, OSError) as odd:
            raise UsageMistake(f"--resume {self.resume}: {odd}") from None
        if ObisCode.parse(position.obis) != self.obis:
            raise UsageMistake(f"--resume {self.resume} is of profile {position.obis}, not of {self.obis}")
        return position


def parse_profile(text: str) -> ObisCode:
    """Return the logical name that was typed.  Errors: UsageMistake."""
    try:
        return ObisCode.parse(text)
    except ValueError as odd:
        raise UsageMistake(str(odd)) from None


def chosen_entries(last: int | None, entries: str | None) -> tuple[int, int] | None:
    """Return the numbers of the rows that --last or --entries name.  Errors: UsageMistake."""
    if last is not None and entries is not None:
        raise UsageMistake("say --last or --entries, not both")
    if last is not None:
        if not 1 <= last <= _MOST_ENTRY:
            raise UsageMistake(f"--last {last}: give a number of rows, 1 or more")
        return -last, 0
    return None if entries is None else parse_span("--entries", entries, _MOST_ENTRY)


def chosen_columns(texts: tuple[str, ...]) -> tuple[ColumnChoice, ...]:
    """Return the columns that were typed: numbers from 1, or OBIS codes.  Errors: UsageMistake."""
    pieces = [piece.strip() for text in texts for piece in text.split(",") if piece.strip()]
    return tuple(int(piece) if piece.isascii() and piece.isdigit() else piece for piece in pieces)


def profile(url: str, access: DlmsAccess, wish: Wish) -> int:
    """Stream a profile to where `wish` says; rows that came before an error are kept."""
    wish.check()
    position = wish.position()

    async def body(client: DlmsClient) -> int:
        stream = client.load_profile(
            wish.obis,
            wish.since,
            wish.until,
            entries=wish.entries,
            columns=wish.columns or None,
            position=position,
        )
        return await _Reading(wish, stream).run()

    return on_dlms_meter(url, access, body, tells_octets=False)


class _Reading:
    """One run of the verb."""

    def __init__(self, wish: Wish, stream: ProfileStream) -> None:
        self.wish, self.stream = wish, stream
        self.form = ProfileForm()
        self.rows: list[ProfileRow] = []
        self.draws: int | None = None  # place of the column to draw

    async def run(self) -> int:
        """Read, write, show; return the exit status."""
        prepared = await self.stream.prepare()
        if isinstance(prepared, Err):
            report_error(prepared.error, as_json=self.wish.as_json)
            return FAILED
        self.form.columns = self.stream.columns
        self.draws = self._drawn_place()
        try:
            error = await self._drain()
        except get_cancelled_exc_class():
            self._leave_position("interrupted")
            raise
        if self.rows or error is None:
            self._show()
        self._leave_position(None if error is None or self.stream.is_read else "so far")
        if error is None:
            return OK
        report_error(error, as_json=self.wish.as_json)
        return FAILED

    def _drawn_place(self) -> int | None:
        if self.wish.draw is None:
            return None
        try:
            return choose(self.stream.columns, (self.wish.draw,))[0]
        except ProtocolFault as odd:
            raise UsageMistake(f"--draw: {odd.error.message}") from None

    async def _drain(self) -> MeterError | None:
        """Hand every row to every taker; return the error that ended the stream, if one did."""
        wish = self.wish
        with ExitStack() as files, _progress(self.stream) as advance:
            takers: list[Callable[[ProfileRow], Any]] = []
            for sink in self._sinks():
                files.callback(sink.close)
                takers.append(sink.write)
            if not wish.as_json or wish.svg is not None:
                takers.append(self._keep)
            async for item in self.stream:
                if isinstance(item, Err):
                    return item.error
                for take in takers:
                    take(item.value)
                advance()
        return None

    def _sinks(self) -> Iterator[Sink[ProfileRow]]:
        if self.wish.out is not None:
            yield open_file(self.wish.out, self.form)
        if self.wish.as_json:
            yield JsonLines(self.form)

    def _keep(self, row: ProfileRow) -> None:
        if len(self.rows) < _MOST_KEPT or self.wish.show_all:
            self.rows.append(row)

    def _show(self) -> None:
        wish, info = self.wish, self.stream.info
        assert info is not None  # it was prepared
        draws = Drawing(plot=wish.plot, heat_map=wish.heat_map, show_all=wish.show_all, place=self.draws)
        view = DlmsProfileView(info, self.form, self.rows, draws)
        if not wish.as_json:
            view.print()
            if self.stream.rows_done > len(self.rows):
                say_hint(f"only the first {len(self.rows)} of {self.stream.rows_done} rows are shown")
            if wish.out is not None:
                screen().print(f"{self.stream.rows_done} rows written to {wish.out}", markup=False)
        if wish.svg is not None:
            view.save(wish.svg)
            if not wish.as_json:
                screen().print(f"picture written to {wish.svg}", markup=False)

    def _leave_position(self, early: str | None) -> None:
        """Write down where the next reading goes on, and tell of an early end."""
        wish, position = self.wish, self.stream.position
        if wish.resume is not None and position is not None:
            fresh = wish.resume.with_name(f"{wish.resume.name}.new")
            fresh.write_text(json.dumps(position.to_json()) + "\n", encoding="utf-8")
            fresh.replace(wish.resume)
        if early is None:
            return
        count = self.stream.rows_done
        if not count or position is None:
            say_hint(f"{early}: no row had come yet")
            return
        where = f"are kept in {wish.out}" if wish.out is not None else "came"
        since = f"--since {iso(position.time)}" if position.time is not None else "--resume FILE"
        go_on = f"--resume {wish.resume}" if wish.resume is not None else since
        elsewhere = " into another --out file" if wish.out is not None else ""
        say_hint(f"{early}: {count} rows {where}; go on with {go_on}{elsewhere}")


@contextmanager
def _progress(stream: ProfileStream) -> Generator[Callable[[], None]]:
    """Show a progress bar on standard error, if that is a terminal."""
    console = messages()
    if not console.is_terminal:
        yield lambda: None
        return
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, told="asking how much there is")

        def advance() -> None:
            done, expected = stream.rows_done, stream.rows_expected
            told = f"{done} rows" if expected is None else f"{done} of about {expected} rows"
            bar.update(task, completed=done, total=expected, told=told)

        yield advance
