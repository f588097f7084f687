"""A load curve: the latest whole day as an area, the mean of all days as dots, or one bar a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.style import Style
from rich.text import Text

from meterkit.cli.pictures.series import DAY, Axis, Series, number_text

#: Columns used by the axis in front of a line: "  1234 ┤".
AXIS_WIDTH = 9
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_BLUE = "#2f9fd8"
_AREA = Style(color=_BLUE)
_FULL = Style(color=_BLUE, bgcolor=_BLUE)  # no seams between cells where the font is lower than the line
_MEAN = Style(color="#f88c28", bold=True)


def load_curve(series: Series, *, width: int, height: int = 10) -> list[Text]:
    """Return the lines of the curve in `width` by about `height` characters; [] without a value."""
    if not series.values:
        return []
    room = max(24, width - AXIS_WIDTH)
    return _days(series, room, height) if series.interval >= DAY else _one_day(series, room, height)


def _one_day(series: Series, room: int, height: int) -> list[Text]:
    day = _latest_whole_day(series)
    intervals = max(1, round(DAY / series.interval))
    count = min(intervals, room)
    size = max(1, min(4, room // count))
    days = series.days()
    latest = series.slots(days[day], count)
    mean = series.slots(series.points, count) if len(days) > 1 else [None] * count
    axis = _axis(series, [*latest, *mean])
    lines = _chart(axis, _widen(latest, size), _widen(mean, size), height)
    lines.append(_time_axis(count * size))
    caption = Text(" " * AXIS_WIDTH, no_wrap=True)
    caption.append("█", style=_FULL).append(f" {day:%a %Y-%m-%d} UTC", style="dim")
    if len(days) > 1:
        caption.append("   •", style=_MEAN).append(f" mean of {len(days)} days", style="dim")
    return [*lines, caption.append(_origin(axis), style="dim")]


def _days(series: Series, room: int, height: int) -> list[Text]:
    points = series.points[-room:]
    size = max(1, min(6, room // len(points)))
    values = [point.value for point in points]
    axis = _axis(series, values)
    lines = _chart(axis, _widen(values, size), [None] * (len(values) * size), height)
    first, last = points[0].start, points[-1].start
    told = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}, one bar a day (UTC){_origin(axis)}"
    lines.append(Text(" " * AXIS_WIDTH + told, style="dim"))
    return lines


def _axis(series: Series, values: Sequence[float | None]) -> Axis:
    known = [value for value in values if value is not None]
    return Axis.around(known or series.values, from_zero=series.is_increase)


def _origin(axis: Axis) -> str:
    """Return a word of warning where bars are cut off below, else nothing."""
    return "" if axis.has_zero else f"   axis from {number_text(axis.low)}, not from 0"


def _latest_whole_day(series: Series) -> date:
    """Return the latest day with nearly all of its intervals, or else the fullest."""
    whole = 0.9 * (DAY / series.interval)
    sizes = {day: sum(p.value is not None for p in points) for day, points in series.days().items()}
    complete = [day for day, size in sizes.items() if size >= whole]
    return complete[-1] if complete else max(sizes, key=lambda day: (sizes[day], day))


def _widen(values: Sequence[float | None], size: int) -> list[float | None]:
    return [value for value in values for _ in range(size)]


def _chart(axis: Axis, area: Sequence[float | None], dots: Sequence[float | None], height: int) -> list[Text]:
    """Return the plot itself: `area` filled from the bottom, `dots` over it."""
    tops = [None if value is None else max(1, round(axis.part(value) * height * 8)) for value in area]
    marks = [None if v is None else min(height - 1, int(axis.part(v) * height)) for v in dots]
    lines: list[Text] = []
    for row in range(height - 1, -1, -1):
        labelled = row in {0, height - 1, height // 2}
        at = {0: axis.low, height - 1: axis.high}.get(row, axis.low + (axis.high - axis.low) * row / height)
        line = Text(no_wrap=True)
        line.append(f"{number_text(at) if labelled else '':>{AXIS_WIDTH - 2}} ", style="dim")
        line.append("┤" if labelled else "│", style="dim")
        for top, mark in zip(tops, marks, strict=True):
            filled = 0 if top is None else min(8, max(0, top - row * 8))
            if mark == row and (row or filled in {0, 8}):  # at the bottom the area's edge matters more
                line.append("•", style=_MEAN + Style(bgcolor=_BLUE) if filled == 8 else _MEAN)
            else:
                line.append(_EIGHTHS[filled], style=_FULL if filled == 8 else _AREA)
        lines.append(line)
    return lines


def _time_axis(width: int) -> Text:
    marks = [" "] * (AXIS_WIDTH + width + 5)
    for hour in range(0, 25, 3 if width >= 60 else 6):
        at = AXIS_WIDTH + hour * width // 24
        text = f"{hour:02d}:00"
        marks[at : at + len(text)] = text
    return Text("".join(marks).rstrip()[: AXIS_WIDTH + width], style="dim", no_wrap=True)
