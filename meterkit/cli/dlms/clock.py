"""`meterkit dlms clock`: the meter's time, its state and its drift; or another time for it."""

from __future__ import annotations

from datetime import datetime

from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.console import screen, show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import dlms_address, on_dlms_meter
from meterkit.cli.output import print_json, time_text
from meterkit.cli.psem.write import confirm
from meterkit.cli.running import OK
from meterkit.cli.usage import UsageMistake
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.readings.clock import ClockReading

_NOTICEABLE = 0.25  # s that half a question takes


def clock(url: str, access: DlmsAccess, *, wanted: str | None, yes: bool, as_json: bool) -> int:
    """Tell the time, or set it to what is `wanted`."""
    when = None if wanted in (None, "now") else _time(wanted or "")
    if wanted is not None:
        dlms_address(url, access)  # a wrong address is told before the question
        confirm(f"Set the clock of {url} to {wanted}?", yes)

    async def body(client: DlmsClient) -> int:
        if wanted is not None:
            setting = (await client.set_clock(when)).unwrap()
            if as_json:
                print_json({"before": str(setting.before), "written": str(setting.written)})
            else:
                told = f"set the clock to {setting.written}; it was {setting.before}"
                screen().print(told, markup=False)
            return OK
        reading = (await client.read_clock()).unwrap()
        if as_json:
            print_json(_document(reading))
        else:
            _show(reading)
        return OK

    return on_dlms_meter(url, access, body)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageMistake(
            f"--set {text}: write now, 2026-03-01T12:00 in the meter's local time or 2026-03-01T12:00+01:00"
        ) from None


def _document(reading: ClockReading) -> dict[str, object]:
    return {
        "time": reading.time,
        "local": str(reading.local),
        "deviation": reading.deviation,
        "status": reading.status,
        "is_valid": reading.is_valid,
        "is_daylight_saving": reading.is_daylight_saving,
        "drift": reading.drift_s,
        "uncertainty": reading.uncertainty_s,
        "problem": reading.problem or None,
    }


def _show(reading: ClockReading) -> None:
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    rows = {
        "local time": str(reading.local),
        "UTC": "-" if reading.time is None else time_text(reading.time),
        "drift": "-" if reading.drift_s is None else _drift(reading.drift_s, reading.uncertainty_s),
        "status": ", ".join(reading.status_words) or ("ok" if reading.status is not None else "not told"),
    }
    for name, value in rows.items():
        grid.add_row(Text(name, style="cyan"), Text(value))
    problem = [Text(reading.problem, style="yellow")] if reading.problem else []
    show(grid, *problem)


def _drift(seconds: float, uncertainty: float) -> str:
    """Return how far the clock is off; most meters tell whole seconds, so that more digits mean nothing."""
    way = "ahead of" if seconds >= 0 else "behind"
    took = f", which took {2 * uncertainty:.1f} s to ask" if uncertainty >= _NOTICEABLE else ""
    return f"{abs(seconds):.1f} s {way} this machine's clock{took}"
