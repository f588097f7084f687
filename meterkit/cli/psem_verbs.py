"""The verbs of `meterkit psem` and the help that teaches them.

A verb here is a signature and its help; what it does stands in a module of its own, imported when the
verb runs, so that `meterkit --help` stays quick.
"""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from meterkit.cli.access import Access
from meterkit.cli.parameters import (
    Files,
    Flag,
    Hex,
    Json,
    Number,
    Overwrite,
    ProcedureNumber,
    TableId,
    Time,
    Url,
)

psem = App(
    name="psem",
    help="""Talk to a PSEM meter (ANSI C12.18, C12.21, OSGP optical port).

    The address is one URL: `psem+tcp://HOST:PORT` or `psem+serial://DEVICE?baud_rate=9600`; what follows
    the question mark are options of the line and of the session, by their names in the Python API.

    The password comes from `--password-file`, the environment variable METERKIT_PASSWORD or
    `--ask-password`, as text or as `hex:` and hex digits. It never stands in the URL.
    """,
)

_NO_ACCESS = Access()


@psem.command
def info(url: Url, /, *, json: Json = False, access: Access = _NO_ACCESS) -> int:
    """Tell who the meter is: identity, firmware, clock, features, what was negotiated, load profiles.

    ```
    meterkit psem info psem+tcp://127.0.0.1:1153
    meterkit psem info psem+serial:///dev/ttyUSB0 --json
    ```
    """
    from meterkit.cli.psem.info import info as run_info

    return run_info(url, access, as_json=json)


@psem.command
def registers(
    url: Url,
    /,
    *,
    self_reads: Flag = False,
    since: Time = None,
    energy_register_unit: int = 1,
    json: Json = False,
    access: Access = _NO_ACCESS,
) -> int:
    """Read the billing registers with names and units: totals, tiers, demands.

    ```
    meterkit psem registers psem+tcp://127.0.0.1:1153
    meterkit psem registers psem+tcp://127.0.0.1:1153 --self-reads --since 2026-03-01 --json
    ```

    :param self_reads: The registers as they were at set times, oldest first.
    :param since: Self reads at this time or later, by the meter's own clock.
    :param energy_register_unit: 1, 10 or 100: what an OSGP meter with transformers counts Wh and varh in.
    """
    from meterkit.cli.psem.registers import Wish
    from meterkit.cli.psem.registers import registers as run_registers

    wish = Wish(self_reads=self_reads, since=since, energy_register_unit=energy_register_unit, as_json=json)
    return run_registers(url, access, wish)


@psem.command
def now(url: Url, /, *, json: Json = False, access: Access = _NO_ACCESS) -> int:
    """Read what the meter measures at this moment: power, current, voltage, frequency.

    ```
    meterkit psem now psem+tcp://127.0.0.1:1153
    ```
    """
    from meterkit.cli.psem.now import now as run_now

    return run_now(url, access, as_json=json)


@psem.command
def events(
    url: Url,
    /,
    *,
    since: Time = None,
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
    access: Access = _NO_ACCESS,
) -> int:
    """Read the meter's event logs as one list, oldest first, and tell what is missing from it.

    Times with a Z are UTC, as OSGP meters keep them; others are by the meter's own clock.

    ```
    meterkit psem events psem+tcp://127.0.0.1:1153 --since 2026-03-01
    ```

    :param since: Events at this time or later, and those without a valid time.
    :param all: Show every event, however many.
    """
    from meterkit.cli.psem.events import events as run_events

    return run_events(url, access, since=since, show_all=all, as_json=json)


@psem.command
def alarms(
    url: Url,
    /,
    *,
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
    access: Access = _NO_ACCESS,
) -> int:
    """Read what the meter complains of.

    ```
    meterkit psem alarms psem+tcp://127.0.0.1:1153
    ```

    :param all: Show also the alarms that are not set.
    """
    from meterkit.cli.psem.alarms import alarms as run_alarms

    return run_alarms(url, access, show_all=all, as_json=json)


@psem.command
def mbus(url: Url, /, *, json: Json = False, access: Access = _NO_ACCESS) -> int:
    """Read what the M-Bus and MEP devices behind an OSGP meter last said: water, gas, heat.

    ```
    meterkit psem mbus psem+tcp://127.0.0.1:1153
    ```
    """
    from meterkit.cli.psem.mbus import mbus as run_mbus

    return run_mbus(url, access, as_json=json)


@psem.command
def read(
    url: Url,
    table: TableId,
    /,
    *,
    offset: Number = None,
    count: Number = None,
    raw: Flag = False,
    out: Path | None = None,
    overwrite: Overwrite = False,
    definition: Files = (),
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
    access: Access = _NO_ACCESS,
) -> int:
    """Read one table: decoded where its layout is known, else as a hex dump.

    ```
    meterkit psem read psem+tcp://127.0.0.1:1153 ST1
    meterkit psem read psem+tcp://127.0.0.1:1153 BT64 --offset 0 --count 32
    meterkit psem read psem+tcp://127.0.0.1:1153 61 --raw --out bt61.bin
    meterkit psem read psem+tcp://127.0.0.1:1153 ET16 --json
    ```

    :param offset: First octet to read; needs --count.
    :param count: Octets to read instead of the whole table.
    :param raw: Show octets even where the layout is known.
    :param out: Write the octets to this file.
    :param definition: JSON file that defines a table of your own; repeat it for several.
    :param all: Show every line, however many.
    """
    from meterkit.cli.psem.read import Wish
    from meterkit.cli.psem.read import read as run_read

    wish = Wish(
        table,
        offset,
        count,
        raw=raw,
        out=out,
        overwrite=overwrite,
        show_all=all,
        definitions=definition,
        as_json=json,
    )
    return run_read(url, access, wish)


@psem.command
def write(
    url: Url,
    table: TableId,
    /,
    *,
    octets: Hex = None,
    file: Path | None = None,
    offset: Number = None,
    yes: Flag = False,
    json: Json = False,
    access: Access = _NO_ACCESS,
) -> int:
    """Write octets into a table, after asking. Nothing is ever sent twice.

    ```
    meterkit psem write psem+tcp://127.0.0.1:1153 ET3 --offset 0 --hex "4d 31" --yes
    ```

    :param octets: The octets in hex; blanks and colons between them are fine.
    :param file: The octets, from a file.
    :param offset: First octet to write; without it the whole table is written.
    :param yes: Do not ask.
    """
    from meterkit.cli.psem.write import write as run_write

    return run_write(url, table, access, octets=octets, file=file, offset=offset, yes=yes, as_json=json)


@psem.command
def procedure(
    url: Url,
    number: ProcedureNumber,
    /,
    *,
    manufacturer: Flag = False,
    parameters: Hex = None,
    yes: Flag = False,
    json: Json = False,
    access: Access = _NO_ACCESS,
) -> int:
    """Run a procedure, after asking: write table 7, read table 8 until it is done.

    ```
    meterkit psem procedure psem+tcp://127.0.0.1:1153 remote-reset --hex "01" --yes
    meterkit psem procedure psem+tcp://127.0.0.1:1153 11 --yes
    ```

    :param manufacturer: One of the manufacturer's procedures by its number, not a standard one.
    :param parameters: Parameters in hex, as the procedure wants them.
    :param yes: Do not ask.
    """
    from meterkit.cli.psem.write import procedure as run_procedure

    return run_procedure(
        url, number, access, parameters=parameters or b"", manufacturer=manufacturer, yes=yes, as_json=json
    )


@psem.command
def profile(
    url: Url,
    /,
    *,
    data_set: int = 1,
    since: Time = None,
    until: Time = None,
    channel: int = 0,
    out: Path | None = None,
    svg: Path | None = None,
    overwrite: Overwrite = False,
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
    access: Access = _NO_ACCESS,
) -> int:
    """Stream a load profile, oldest interval first: a table, a load curve and a heat map.

    Rows that came before an error are kept, and the message tells how to go on.

    ```
    meterkit psem profile psem+tcp://127.0.0.1:1153
    meterkit psem profile psem+tcp://127.0.0.1:1153 --data-set 2 --since 2026-03-01 --out rows.csv
    meterkit psem profile psem+tcp://127.0.0.1:1153 --json
    ```

    :param data_set: Which of the meter's four load profiles, 1 to 4.
    :param since: Intervals that begin at this time or later, ISO 8601; UTC unless it says otherwise.
    :param until: Intervals that end at this time or earlier.
    :param channel: Channel to draw, from 0.
    :param out: Write the rows to FILE.csv or FILE.parquet.
    :param svg: Save what was drawn as an SVG picture.
    :param all: Show every row and day, however many.
    """
    from meterkit.cli.psem.profile import Wish
    from meterkit.cli.psem.profile import profile as run_profile

    wish = Wish(
        data_set=data_set,
        since=since,
        until=until,
        out=out,
        svg=svg,
        overwrite=overwrite,
        channel=channel,
        show_all=all,
        as_json=json,
    )
    return run_profile(url, access, wish)
