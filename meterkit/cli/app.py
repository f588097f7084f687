"""The `meterkit` command: its groups of verbs, `demo`, and how one command line is run."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App, CycloptsError, Parameter

import meterkit
import meterkit.cli.dlms_duty_verbs  # pyright: ignore[reportUnusedImport]  # its verbs join those of dlms
import meterkit.cli.fleet_engine_verbs  # pyright: ignore[reportUnusedImport]  # its verbs join those of fleet
from meterkit.cli.decode_verb import decode
from meterkit.cli.dlms_verbs import dlms
from meterkit.cli.em1000_verbs import em1000
from meterkit.cli.emulate_verbs import emulate
from meterkit.cli.encode_verb import encode
from meterkit.cli.fleet_verbs import fleet
from meterkit.cli.mistakes import mistake_text
from meterkit.cli.parameters import Json, Overwrite
from meterkit.cli.psem_verbs import psem
from meterkit.cli.running import run_verb
from meterkit.cli.usage import UsageMistake

app = App(
    name="meterkit",
    help="""Read electricity meters: ANSI C12.18/C12.19 (PSEM), OSGP and DLMS/COSEM.

    Try it without a meter:

    ```
    meterkit demo
    ```

    Or start a meter in one terminal and read it from another:

    ```
    meterkit emulate psem --listen tcp://127.0.0.1:1153
    meterkit psem info psem+tcp://127.0.0.1:1153
    ```

    ```
    meterkit emulate dlms --listen tcp://127.0.0.1:4059
    meterkit dlms info dlms+tcp://127.0.0.1:4059
    ```
    """,
    help_epilogue="Exit status: 0 ok, 1 the meter or the line failed, 2 wrong usage, 130 interrupted.",
    version=meterkit.__version__,
    help_format="markdown",
    default_parameter=Parameter(negative=()),
)
app.command(psem)
app.command(dlms)
app.command(em1000)
app.command(fleet)
app.command(emulate)
app.command(decode)
app.command(encode)
# cyclopts leaves one parameter of this without a type
app.register_install_completion_command(help="Install completion for this shell and exit.")  # pyright: ignore[reportUnknownMemberType]


def run(tokens: list[str]) -> int:
    """Run one command line and return its exit status."""

    def verb() -> int:
        try:
            status = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        except CycloptsError as mistake:
            raise UsageMistake(mistake_text(mistake)) from None
        except SystemExit as leaving:
            if isinstance(leaving.__context__, BrokenPipeError):  # rich, printing help into `head`
                raise leaving.__context__ from None
            raise
        return status if isinstance(status, int) else 0

    return run_verb(verb, as_json="--json" in tokens)


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
