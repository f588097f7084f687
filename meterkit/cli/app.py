"""The `meterkit` command: its verbs, and the help that teaches them.

A verb here is a signature and its help; what it does stands in a module of its own, imported when the
verb runs, so that `meterkit --help` stays quick.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import App, CycloptsError, Parameter, Token

import meterkit
from meterkit.cli import usage
from meterkit.cli.access import Access
from meterkit.cli.running import run_verb

app = App(
    name="meterkit",
    help="""Read electricity meters: ANSI C12.18/C12.19 (PSEM) and OSGP.

    Try it without a meter:

    ```
    meterkit demo
    ```

    Or start a meter in one terminal and read it from another:

    ```
    meterkit emulate psem --listen tcp://127.0.0.1:1153
    meterkit psem info psem+tcp://127.0.0.1:1153
    ```
    """,
    help_epilogue="Exit status: 0 ok, 1 the meter or the line failed, 2 wrong usage.",
    version=meterkit.__version__,
    help_format="markdown",
    default_parameter=Parameter(negative=()),
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
emulate = App(name="emulate", help="Be a meter that others can talk to.")
app.command(psem)
app.command(emulate)
# cyclopts leaves one parameter of this without a type
app.register_install_completion_command(help="Install completion for this shell and exit.")  # pyright: ignore[reportUnknownMemberType]


def run(tokens: list[str]) -> int:
    """Run one command line and return its exit status."""

    def verb() -> int:
        try:
            status = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        except CycloptsError as mistake:
            raise usage.UsageMistake(f"{mistake} (--help tells how)") from None
        except SystemExit as leaving:
            if isinstance(leaving.__context__, BrokenPipeError):  # rich, printing help into `head`
                raise leaving.__context__ from None
            raise
        return status if isinstance(status, int) else 0

    return run_verb(verb, as_json="--json" in tokens)


T = TypeVar("T")


def _parsed_by(parse: Callable[[str], T]) -> Callable[[object, Sequence[Token]], T]:
    """Return a converter that parses the word after an option and names the option in a mistake."""

    def convert(_: object, tokens: Sequence[Token]) -> T:
        word = tokens[0]
        try:
            return parse(word.value)
        except usage.UsageMistake as mistake:
            if word.keyword is None:
                raise
            raise usage.UsageMistake(f"{word.keyword}: {mistake}") from None

    return convert


Url = Annotated[str, Parameter(help="Address of the meter, such as psem+tcp://127.0.0.1:1153.")]
TableId = Annotated[
    int,
    Parameter(
        converter=_parsed_by(usage.parse_table),
        help="64 or 0x815, or by name: ST64, BT64 (standard), MT21, ET21 (manufacturer).",
    ),
]
Flag = Annotated[bool, Parameter(show_default=False)]
Json = Annotated[Flag, Parameter(help="Print JSON for programs instead of text for people.")]
Overwrite = Annotated[Flag, Parameter(help="Write over a file that is there already.")]
Time = Annotated[datetime | None, Parameter(converter=_parsed_by(usage.parse_time))]
Number = Annotated[int | None, Parameter(converter=_parsed_by(usage.parse_number))]
ProcedureNumber = Annotated[
    int, Parameter(converter=_parsed_by(usage.parse_procedure), help="Number of the procedure, 0 to 2047.")
]
Hex = Annotated[bytes | None, Parameter(name="--hex", converter=_parsed_by(usage.parse_octets))]
_NO_ACCESS = Access()


@psem.command
def info(url: Url, /, *, json: Json = False, access: Access = _NO_ACCESS) -> int:
    """Tell who the meter is: identity, firmware, features, what was negotiated, load profiles.

    ```
    meterkit psem info psem+tcp://127.0.0.1:1153
    meterkit psem info psem+serial:///dev/ttyUSB0 --json
    ```
    """
    from meterkit.cli.psem.info import info as run_info

    return run_info(url, access, as_json=json)


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
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
    access: Access = _NO_ACCESS,
) -> int:
    """Read one table: decoded where its layout is known, else as a hex dump.

    ```
    meterkit psem read psem+tcp://127.0.0.1:1153 ST1
    meterkit psem read psem+tcp://127.0.0.1:1153 BT64 --offset 0 --count 32
    meterkit psem read psem+tcp://127.0.0.1:1153 61 --raw --out bt61.bin
    ```

    :param offset: First octet to read; needs --count.
    :param count: Octets to read instead of the whole table.
    :param raw: Show octets even where the layout is known.
    :param out: Write the octets to this file.
    :param all: Show every line, however many.
    """
    from meterkit.cli.psem.read import Wish
    from meterkit.cli.psem.read import read as run_read

    wish = Wish(table, offset, count, raw=raw, out=out, overwrite=overwrite, show_all=all, as_json=json)
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
    meterkit psem procedure psem+tcp://127.0.0.1:1153 5 --hex "00 00 00" --yes
    meterkit psem procedure psem+tcp://127.0.0.1:1153 67 --manufacturer --hex "01 00" --yes
    ```

    :param manufacturer: One of the manufacturer's procedures, not a standard one.
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


@emulate.command(name="psem")
def emulate_psem(
    *,
    listen: str | None = None,
    pty: Flag = False,
    config: Path | None = None,
    seed: int | None = None,
    grow: Flag = False,
    json: Json = False,
) -> int:
    """Be an OSGP meter with four load profiles, on TCP or on a pseudo-terminal, until Ctrl-C.

    The first line on standard output is its address, ready for `meterkit psem`.

    ```
    meterkit emulate psem
    meterkit emulate psem --listen tcp://0.0.0.0:1153 --seed 7 --grow
    meterkit emulate psem --pty
    ```

    :param listen: Where to listen; port 0 takes a free one. [default: tcp://127.0.0.1:1153]
    :param pty: Be a serial port instead: a new pseudo-terminal (not on Windows).
    :param config: JSON file with an EmulatorConfiguration: identity, keys, load profiles, faults.
    :param seed: Another household: the same seed gives the same data.
    :param grow: Record intervals while it is read: one in every load profile for eight reads.
    """
    from meterkit.cli.emulate import serve

    return serve(listen, pty=pty, config=config, seed=seed, grow=grow, as_json=json)


@app.command
def demo(
    *,
    seed: int = 1,
    svg: Path | None = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> int:
    """See it work without a meter or a network: an embedded meter, read over TCP and over a serial line.

    ```
    meterkit demo
    meterkit demo --svg demo.svg
    ```

    :param seed: Another household: the same seed gives the same data.
    :param svg: Save what was drawn as an SVG picture.
    """
    from meterkit.cli.demo import demo as run_demo

    return run_demo(seed, svg=svg, overwrite=overwrite, as_json=json)
