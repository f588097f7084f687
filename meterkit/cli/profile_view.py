"""A load profile as a person sees it: a table of rows, a load curve and a heat map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.console import drawing_width, screen, show
from meterkit.cli.output import flag_names
from meterkit.cli.pictures.heat_map import heat_map
from meterkit.cli.pictures.load_curve import load_curve
from meterkit.cli.pictures.series import Series, duration_text, make_series
from meterkit.cli.pictures.svg import WIDTH, save_svg
from meterkit.cli.rows import status_text
from meterkit.psem.tables.load_profile import LoadProfileGeometry
from meterkit.psem.tables.load_profile_rows import ChannelStatus, LoadProfileRow

#: Channel statuses whose value is zeroed, stale or a placeholder.  Source: OSGP guide, extended status.
_NO_VALUE = frozenset(
    {
        ChannelStatus.SKIPPED,
        ChannelStatus.DECRYPTION_FAILURE,
        ChannelStatus.DEVICE_MISSING,
        ChannelStatus.NOT_CURRENT,
        ChannelStatus.OPTED_OUT,
        ChannelStatus.PLACEHOLDER,
    }
)
R = TypeVar("R")

#: Rows of the table shown from either end without --all.
HEAD_ROWS = 5
TAIL_ROWS = 5


def listed(
    grid: Grid, rows: Sequence[R], cells: Callable[[R], Sequence[Text]], *, show_all: bool, more: str
) -> list[RenderableType]:
    """Fill a table with rows, or the first and the last of them with a word on those between."""
    omitted = 0 if show_all else len(rows) - HEAD_ROWS - TAIL_ROWS
    for at, row in enumerate(rows):
        if omitted > 0 and at == HEAD_ROWS:
            grid.add_row(*("..." for _ in grid.columns), style="dim")
        if omitted <= 0 or at < HEAD_ROWS or at >= len(rows) - TAIL_ROWS:
            grid.add_row(*cells(row))
    if omitted <= 0:
        return [grid]
    return [grid, Text(f"{omitted} rows in between not shown ({more})", style="dim")]


def curve_parts(series: Series, width: int) -> list[RenderableType]:
    """Return the load curve, `width` characters wide, under its head; nothing where there is none."""
    curve = load_curve(series, width=width)
    return [Text(), Text(f"load curve, {series.name}", style="bold"), *curve] if curve else []


def heat_map_parts(series: Series, width: int, *, colours: bool, show_all: bool) -> list[RenderableType]:
    """Return the heat map, `width` characters wide, under its head; nothing where there is none."""
    days = heat_map(series, width=width, colours=colours, most_days=None if show_all else 31)
    return [Text(), Text(f"heat map, {series.name}", style="bold"), *days] if days else []


class ProfileView:
    """The rows of one data set, ready to print or to save as a picture.

    `channel`: which one to draw, from 0.  `show_all`: every row and every day, however many;
    `more`: how to see them otherwise.
    """

    def __init__(
        self,
        geometry: LoadProfileGeometry,
        rows: Sequence[LoadProfileRow],
        *,
        channel: int = 0,
        show_all: bool = False,
        more: str = "--all shows them",
    ) -> None:
        self.geometry = geometry
        self.rows = rows
        self.channel = channel
        self.show_all = show_all
        self.more = more

    @property
    def title(self) -> Text:
        """What was read, in a line."""
        geometry = self.geometry
        text = Text(f"load profile {geometry.data_set}", style="bold")
        interval = duration_text(geometry.interval)
        told = f": {len(self.rows)} intervals of {interval}, {geometry.nbr_chns} channels"
        text.append(told, style="not bold")
        return text

    def series(self) -> Series:
        """The channel to draw; a counter as its increase per interval."""
        return make_series(
            [row.end_time for row in self.rows],
            [drawable(row, self.channel) for row in self.rows],
            self.geometry.interval,
            f"channel {self.channel}",
        )

    def table(self) -> list[RenderableType]:
        """The rows, or the first and the last of them with a word on those between."""
        grid = Grid(box=None, header_style="bold", padding=(0, 2, 0, 0))
        grid.add_column("interval ends (UTC)", no_wrap=True)
        for channel, source in enumerate(self.geometry.channels):
            # A number is never cut: on a narrow screen the statuses give way.
            longest = max((len(f"{row.values[channel]}") for row in self.rows), default=1)
            grid.add_column(f"ch {channel}\nsource {source.source}", justify="right", min_width=longest)
        grid.add_column("status")
        return listed(grid, self.rows, self._cells, show_all=self.show_all, more=self.more)

    def _cells(self, row: LoadProfileRow) -> list[Text]:
        style = "" if row.is_valid else "dim"
        values = [Text("-" if value is None else f"{value}", style=style) for value in row.values]
        return [
            Text(f"{row.end_time:%Y-%m-%d %H:%M}", style=style),
            *values,
            Text(row_status(row), style="yellow"),
        ]

    def pictures(self, width: int, *, colours: bool) -> list[RenderableType]:
        """The load curve and the heat map, `width` characters wide."""
        if not self.rows or self.channel >= self.geometry.nbr_chns:
            return []
        series = self.series()
        return [
            *curve_parts(series, width),
            *heat_map_parts(series, width, colours=colours, show_all=self.show_all),
        ]

    def parts(self, width: int, *, colours: bool) -> list[RenderableType]:
        """Everything, in the order it is shown."""
        if not self.rows:
            return [self.title, Text("no interval in this span of time", style="dim")]
        return [self.title, *self.table(), *self.pictures(width, colours=colours)]

    def print(self) -> None:
        """Print the table and the pictures on standard output."""
        console = screen()
        colours = console.color_system is not None and not console.no_color
        show(*self.parts(drawing_width(console), colours=colours))

    def save(self, path: Path) -> None:
        """Save what `print` shows as an SVG picture."""
        save_svg(
            path,
            f"meterkit psem profile --data-set {self.geometry.data_set}",
            self.parts(WIDTH, colours=True),
        )


def drawable(row: LoadProfileRow, channel: int) -> float | None:
    """Return the value to draw, or None where the meter says that it is none."""
    return row.values[channel] if row.is_valid and row.status[channel] not in _NO_VALUE else None


def row_status(row: LoadProfileRow) -> str:
    """Return the flags and channel statuses of a row that are worth a word."""
    words = [name.replace("_", " ") for name in flag_names(row.common)]
    for channel, status in enumerate(row.status):
        if int(status):
            words.append(f"ch {channel} {status_text(status).replace('_', ' ')}")
    if not row.is_valid:
        words.insert(0, "not valid")
    return ", ".join(words)
