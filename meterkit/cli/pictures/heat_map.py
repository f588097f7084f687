"""A heat map of a load profile: one line a day, one column a part of the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.style import Style
from rich.text import Text

from meterkit.cli.pictures.series import DAY, Axis, Point, Series, number_text

#: Columns used by the date in front of a line: "Mon 2026-03-02 ".
LABEL_WIDTH = 15
#: Without colour: darker means more.
SHADES = " ░▒▓█"

#: The colour scale, from low to high: dark blue over violet and orange to pale yellow.
_STOPS = ((13, 18, 60), (76, 17, 120), (150, 35, 115), (214, 70, 70), (248, 140, 40), (252, 240, 160))
_MISSING = Style(color="grey50")


def colour(part: float) -> str:
    """Return the colour for `part` (0 to 1) of the scale as "#rrggbb"."""
    place = min(max(part, 0.0), 1.0) * (len(_STOPS) - 1)
    at = min(int(place), len(_STOPS) - 2)
    rest = place - at
    mixed = (round(a + (b - a) * rest) for a, b in zip(_STOPS[at], _STOPS[at + 1], strict=True))
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def columns_for(series: Series, width: int) -> tuple[int, int]:
    """Return how many parts the day has in `width` characters, and how many characters each takes."""
    intervals = max(1, round(DAY / series.interval))
    room = max(24, width - LABEL_WIDTH)
    if intervals <= room:
        return intervals, max(1, min(4, room // intervals))
    merged = next((n for n in (2, 3, 4, 6, 8, 12, 15, 24, 30, 60) if intervals // n <= room), 60)
    return max(1, intervals // merged), 1


def heat_map(series: Series, *, width: int, colours: bool, most_days: int | None = 31) -> list[Text]:
    """Return the lines of the heat map, latest day last; `most_days` None draws every day.

    `width` in characters; `colours` False draws shades of grey blocks, for pipes and plain terminals.
    """
    days = list(series.days().items())
    values = series.values
    if not values or series.interval >= DAY:
        return []
    shown = days if most_days is None else days[-most_days:]
    count, size = columns_for(series, width)
    axis = Axis.around(values, from_zero=series.is_increase)
    lines = [_hours(count, size)]
    lines += [_line(day, series, points, axis, count, size, colours) for day, points in shown]
    lines.append(_legend(axis, colours))
    if len(shown) < len(days):
        lines.append(Text(f"{len(days) - len(shown)} earlier days not drawn (--all draws them)", style="dim"))
    return lines


def _line(
    day: date, series: Series, points: Sequence[Point], axis: Axis, count: int, size: int, colours: bool
) -> Text:
    line = Text(f"{day:%a %Y-%m-%d} ", no_wrap=True)
    for value in series.slots(points, count):
        if value is None:
            line.append(("·" + " " * size)[:size], style=_MISSING)
        elif colours:
            line.append(" " * size, style=Style(bgcolor=colour(axis.part(value))))
        else:
            line.append(SHADES[min(int(axis.part(value) * len(SHADES)), len(SHADES) - 1)] * size)
    return line


def _hours(count: int, size: int) -> Text:
    """Return the line of hours above the map."""
    width = count * size
    marks = [" "] * (LABEL_WIDTH + width)
    step = 3 if width >= 40 else 6
    for hour in range(0, 24, step):
        at = LABEL_WIDTH + hour * width // 24
        marks[at : at + 2] = f"{hour:02d}"
    return Text("".join(marks).rstrip(), style="dim", no_wrap=True)


def _legend(axis: Axis, colours: bool) -> Text:
    legend = Text(" " * LABEL_WIDTH + number_text(axis.low) + " ", no_wrap=True)
    if colours:
        for step in range(24):
            legend.append(" ", style=Style(bgcolor=colour(step / 23)))
    else:
        legend.append("".join(shade * 3 for shade in SHADES))
    legend.append(f" {number_text(axis.high)}   · no valid value; days and hours in UTC", style="dim")
    return legend
