"""The verb `meterkit dlms profile`, and the help that teaches it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.parameters import Flag, Json, Overwrite, Time

_NO_ACCESS = DlmsAccess()


def profile(
    url: Annotated[
        str, Parameter(name="URL", help="Address of the meter, such as dlms+tcp://127.0.0.1:4059.")
    ],
    obis: Annotated[str, Parameter(name="OBIS", help="The profile's logical name.")] = "1-0:99.1.0",
    /,
    *,
    since: Time = None,
    until: Time = None,
    last: int | None = None,
    entries: str | None = None,
    columns: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    plot: Flag = False,
    heat_map: Flag = False,
    draw: str | None = None,
    out: Path | None = None,
    svg: Path | None = None,
    resume: Path | None = None,
    overwrite: Overwrite = False,
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Stream a profile, oldest row first: load profiles, billing values, event logs.

    Meters that refuse to be asked by time are asked by number, or for everything. Rows that came before an
    error are kept, and the message tells how to go on.

    ```
    meterkit dlms profile dlms+tcp://127.0.0.1:4059 --last 96 --plot --heat-map
    meterkit dlms profile dlms+tcp://127.0.0.1:4059 --since 2026-03-01 --columns 1-0:1.8.0 --out rows.csv
    meterkit dlms profile dlms+tcp://127.0.0.1:4059 0-0:99.98.0 --json
    meterkit dlms profile dlms+tcp://127.0.0.1:4059 --resume position.json --out next.parquet
    ```

    :param since: Rows captured at this time or later, ISO 8601; UTC unless it says otherwise.
    :param until: Rows captured at this time or earlier.
    :param last: The newest so many rows.
    :param entries: Rows by number, FIRST..LAST, from the oldest, 1; FIRST.. is to the newest.
    :param columns: Columns by OBIS code or by number from 1; repeat it, or part them by commas.
    :param plot: Draw a load curve.
    :param heat_map: Draw a heat map, a line a day.
    :param draw: Column to draw, by OBIS code or number; by default the first one with numbers.
    :param out: Write the rows to FILE.csv or FILE.parquet.
    :param svg: Save what was shown as an SVG picture.
    :param resume: Go on behind the row that FILE tells, if it is there; then write down where this ends.
    :param all: Show every row and day, however many.
    """
    from meterkit.cli.dlms.profile import Wish, chosen_columns, chosen_entries, parse_profile
    from meterkit.cli.dlms.profile import profile as run_profile

    wish = Wish(
        obis=parse_profile(obis),
        since=since,
        until=until,
        entries=chosen_entries(last, entries),
        columns=chosen_columns(columns),
        draw=None if draw is None else chosen_columns((draw,))[0],
        plot=plot,
        heat_map=heat_map,
        out=out,
        svg=svg,
        resume=resume,
        overwrite=overwrite,
        show_all=all,
        as_json=json,
    )
    return run_profile(url, access, wish)
