"""A DLMS profile as a person sees it: a table and, where it is asked for, a load curve and a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.console import drawing_width, screen, show
from meterkit.cli.dlms.profile_rows import ProfileForm, head, text_of, time_text
from meterkit.cli.output import safe_text
from meterkit.cli.pictures.series import Series, duration_text, make_series
from meterkit.cli.pictures.svg import WIDTH, save_svg
from meterkit.cli.profile_view import curve_parts, heat_map_parts, listed
from meterkit.dlms.profile.column import ColumnKind
from meterkit.dlms.profile.info import ProfileInfo
from meterkit.dlms.profile.row import ProfileRow

_LONGEST = 24  # characters of a cell that are kept together
_SOME_PERIOD = timedelta(minutes=15)  # of a drawing, where rows come at events


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is drawn under the table."""

    plot: bool
    heat_map: bool
    show_all: bool
    place: int | None  #: of the column to draw


class DlmsProfileView:
    """The rows of one profile, ready to print or to save as a picture."""

    def __init__(
        self, info: ProfileInfo, form: ProfileForm, rows: Sequence[ProfileRow], drawing: Drawing
    ) -> None:
        self.info, self.form, self.rows, self.drawing = info, form, rows, drawing

    @property
    def title(self) -> Text:
        """What was read, in a line."""
        info, text = self.info, Text(f"profile {self.info.obis}", style="bold")
        period = f" of {duration_text(timedelta(seconds=info.period))}" if info.period else ""
        in_use = "" if info.entries_in_use is None else f" of {info.entries_in_use}"
        told = f": {len(self.rows)}{in_use} rows{period}, {len(self.form.columns)} columns"
        return text.append(told, style="not bold")

    def table(self) -> list[RenderableType]:
        """The rows, or the first and the last of them with a word on those between."""
        grid = Grid(box=None, header_style="bold", padding=(0, 2, 0, 0))
        grid.add_column("time", no_wrap=True)
        for place in self.form.shown:
            column = self.form.columns[place]
            is_number = column.kind is ColumnKind.VALUE
            longest = max((len(text_of(row.values[place])) for row in self.rows), default=1)
            grid.add_column(
                safe_text(head(column)).replace(" ", "\n"),
                justify="right" if is_number else "left",
                min_width=min(longest, _LONGEST),
                overflow="fold",
            )
        return listed(grid, self.rows, self._cells, show_all=self.drawing.show_all, more="--all shows them")

    def _cells(self, row: ProfileRow) -> list[Text]:
        cells = [Text(safe_text((time_text(row) or "-").replace("T", " ")))]
        for place in self.form.shown:
            is_status = self.form.columns[place].kind is ColumnKind.STATUS
            cells.append(Text(safe_text(text_of(row.values[place])), style="yellow" if is_status else ""))
        return cells

    def series(self) -> Series | None:
        """The column to draw; a counter as its increase per period.  None where nothing can be drawn."""
        place, rows = self.drawing.place, [row for row in self.rows if row.time is not None]
        if place is None:
            place = next((one for one in self.form.shown if self._is_number(one)), None)
        if place is None or not rows:
            return None
        times = [row.time.replace(tzinfo=row.time.tzinfo or UTC) for row in rows if row.time is not None]
        values = [_number(row.values[place]) for row in rows]
        period = timedelta(seconds=self.info.period) if self.info.period else _SOME_PERIOD
        return make_series(times, values, period, safe_text(head(self.form.columns[place])))

    def _is_number(self, place: int) -> bool:
        if self.form.columns[place].kind is not ColumnKind.VALUE:
            return False
        return any(_number(row.values[place]) is not None for row in self.rows)

    def parts(self, width: int, *, colours: bool) -> list[RenderableType]:
        """Everything, in the order it is shown."""
        if not self.rows:
            return [self.title, Text("no row in this span", style="dim")]
        parts: list[RenderableType] = [self.title, *self.table()]
        series = self.series() if self.drawing.plot or self.drawing.heat_map else None
        if series is not None and self.drawing.plot:
            parts += curve_parts(series, width)
        if series is not None and self.drawing.heat_map:
            parts += heat_map_parts(series, width, colours=colours, show_all=self.drawing.show_all)
        return parts

    def print(self) -> None:
        """Print the table and the pictures on standard output."""
        console = screen()
        colours = console.color_system is not None and not console.no_color
        show(*self.parts(drawing_width(console), colours=colours))

    def save(self, path: Path) -> None:
        """Save what `print` shows as an SVG picture."""
        title = f"meterkit dlms profile {self.info.obis}"
        save_svg(path, title, self.parts(WIDTH, colours=True))


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]  # a number it is
