import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from meterkit.cli.pictures.heat_map import LABEL_WIDTH, colour, heat_map
from meterkit.cli.pictures.load_curve import load_curve
from meterkit.cli.pictures.series import Axis, Series, duration_text, make_series, number_text, slot_of
from meterkit.cli.pictures.svg import save_svg

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def ends(count: int, interval: timedelta = QUARTER) -> list[datetime]:
    return [BEGIN + interval * (at + 1) for at in range(count)]


def curve(count: int, interval: timedelta = QUARTER, height: float = 100.0) -> Series:
    values = [height * (1 + math.sin(at * interval / DAY * 2 * math.pi)) for at in range(count)]
    return make_series(ends(count, interval), values, interval, "channel 0")


def test_a_counter_is_drawn_as_its_increase() -> None:
    series = make_series(ends(5), [100, 110, 130, 130, 131], QUARTER, "channel 0")
    assert [point.value for point in series.points] == [10, 20, 0, 1]
    assert series.name == "channel 0, increase per 15 min"
    assert series.points[0].start == BEGIN + QUARTER


def test_a_gap_in_a_counter_has_no_increase() -> None:
    moments = ends(6)
    del moments[2]
    series = make_series(moments, [1, 2, 4, None, 9], QUARTER, "channel 0")
    assert [point.value for point in series.points] == [1, None, None, None]


def test_what_goes_up_and_down_is_drawn_as_it_is() -> None:
    series = make_series(ends(4), [230, 229, 231, None], QUARTER, "channel 1")
    assert [point.value for point in series.points] == [230, 229, 231, None]
    assert series.points[0].start == BEGIN
    assert series.name == "channel 1"


def test_values_that_are_no_numbers_are_left_out() -> None:
    series = make_series(ends(4), [230.0, float("nan"), float("inf"), 229.0], QUARTER, "channel 1")
    assert series.values == [230.0, 229.0]


def test_the_parts_of_a_day_are_counted_from_midnight() -> None:
    assert slot_of(BEGIN, 96) == 0
    assert slot_of(BEGIN + QUARTER, 96) == 1
    assert slot_of(BEGIN + timedelta(hours=23, minutes=59), 96) == 95
    assert slot_of(BEGIN + timedelta(hours=12), 24) == 12


@pytest.mark.parametrize(
    "values", [[0.0], [5.0], [-5.0, 3.0], [229.0, 231.0], [1e9, 2e9], [-3.0, -1.0], [0.001]]
)
def test_an_axis_holds_its_values_between_round_ends(values: list[float]) -> None:
    axis = Axis.around(values)
    assert axis.low < axis.high
    assert all(axis.low <= value <= axis.high for value in values)
    assert all(0 <= axis.part(value) <= 1 for value in values)


def test_an_axis_begins_at_zero_unless_all_values_are_far_from_it() -> None:
    assert Axis.around([12.0, 40.0]).low == 0
    assert Axis.around([229.0, 231.0]).low > 200


def test_what_was_used_is_drawn_from_zero_even_if_it_hardly_changes() -> None:
    counted = [100 * at + at % 3 for at in range(97)]
    series = make_series(ends(97), counted, QUARTER, "channel 0")
    assert series.is_increase
    assert min(series.values) > 95
    lines = load_curve(series, width=120)
    assert lines[9].plain.startswith("      0 ┤")
    assert "not from 0" not in lines[-1].plain
    assert "               0 " in heat_map(series, width=120, colours=True)[-1].plain
    falling = make_series(ends(97), [-1.0 * value for value in counted], QUARTER, "channel 0")
    assert not falling.is_increase


def test_an_axis_that_does_not_begin_at_zero_says_so() -> None:
    values = [230.0 + at % 3 for at in range(96)]
    assert (
        "axis from 230, not from 0"
        in load_curve(make_series(ends(96), values, QUARTER, "x"), width=80)[-1].plain
    )
    daily = make_series(ends(9, DAY), values[:9], DAY, "x")
    assert "axis from 230, not from 0" in load_curve(daily, width=80)[-1].plain


def test_numbers_and_durations_are_short() -> None:
    assert [number_text(v) for v in (0, 1234, 12345, 1_500_000, 2e9)] == ["0", "1234", "12.35k", "1.5M", "2G"]
    texts = [duration_text(timedelta(minutes=m)) for m in (15, 60, 1440, 90)]
    assert texts == ["15 min", "1 h", "1 day", "90 min"]
    assert duration_text(timedelta(seconds=45)) == "45 s"


def test_a_heat_map_has_a_line_a_day_and_a_cell_an_interval() -> None:
    lines = heat_map(curve(96 * 3), width=120, colours=True)
    assert len(lines) == 1 + 3 + 1
    assert lines[1].plain.startswith("Sun 2026-03-01 ")
    assert lines[1].cell_len == LABEL_WIDTH + 96
    assert all(line.cell_len <= 120 for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80, 110, 200])
@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 60])
def test_a_heat_map_and_a_curve_fit_their_width(width: int, minutes: int) -> None:
    series = curve(3 * 1440 // minutes, timedelta(minutes=minutes))
    lines = heat_map(series, width=width, colours=True)[1:-1] + load_curve(series, width=width)[:-1]
    assert max(line.cell_len for line in lines) <= max(width, 24 + LABEL_WIDTH)


def test_without_colour_a_heat_map_shades() -> None:
    lines = heat_map(curve(96), width=120, colours=False)
    assert "█" in lines[1].plain
    assert all(span.style != "" for span in lines[1].spans) or not lines[1].spans


def test_missing_intervals_are_dots() -> None:
    series = make_series(
        ends(96), [float(at % 7) if at < 48 else None for at in range(96)], QUARTER, "channel 0"
    )
    assert heat_map(series, width=120, colours=True)[1].plain.endswith("·" * 48)


def test_a_heat_map_is_bounded_and_says_what_it_left_out() -> None:
    series = curve(96 * 40)
    lines = heat_map(series, width=120, colours=True)
    assert len(lines) == 1 + 31 + 1 + 1
    assert "9 earlier days" in lines[-1].plain
    assert len(heat_map(series, width=120, colours=True, most_days=None)) == 42


def test_daily_values_have_bars_and_no_heat_map() -> None:
    series = curve(20, DAY)
    assert heat_map(series, width=80, colours=True) == []
    assert "one bar a day" in load_curve(series, width=80)[-1].plain


def test_nothing_valid_draws_nothing() -> None:
    series = make_series(ends(4), [None] * 4, QUARTER, "channel 0")
    assert heat_map(series, width=80, colours=True) == []
    assert load_curve(series, width=80) == []


def test_the_load_curve_takes_the_latest_whole_day() -> None:
    lines = load_curve(curve(96 * 2 + 10), width=120)
    caption = lines[-1].plain
    assert "Mon 2026-03-02 UTC" in caption
    assert "mean of 3 days" in caption


def test_a_flat_line_and_negative_values_are_drawn() -> None:
    for values in ([5.0] * 96, [-5.0] * 48 + [-7.0] * 48, [0.0] * 96):
        series = Series(curve(96).points, QUARTER, "x")
        assert load_curve(series, width=120)
        assert load_curve(make_series(ends(96), values, QUARTER, "x"), width=120)


def test_the_colour_scale_runs_from_dark_to_bright() -> None:
    assert colour(0.0) == "#0d123c"
    assert colour(1.0) == "#fcf0a0"
    assert colour(-1) == colour(0.0)
    assert colour(2) == colour(1.0)


def test_an_svg_is_well_formed_and_loads_nothing(tmp_path: Path) -> None:
    series = curve(96 * 2)
    path = tmp_path / "profile.svg"
    save_svg(path, "a <title>", [*load_curve(series, width=110), *heat_map(series, width=110, colours=True)])
    drawing = path.read_text()
    assert ElementTree.fromstring(drawing).tag.endswith("svg")
    assert "@font-face" not in drawing
    assert "url(http" not in drawing
    assert "2026-03-02" in drawing
