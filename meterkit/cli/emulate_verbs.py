"""The verbs of `meterkit emulate` and the help that teaches them."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from meterkit.cli.parameters import Flag, Json

emulate = App(name="emulate", help="Be a meter that others can talk to.")


@emulate.command(name="psem")
def emulate_psem(
    *,
    listen: str | None = None,
    pty: Flag = False,
    config: Path | None = None,
    firmware: str | None = None,
    seed: int | None = None,
    grow: Flag = False,
    json: Json = False,
) -> int:
    """Be a meter, by default an OSGP one of firmware 3.60, on TCP or on a pseudo-terminal, until Ctrl-C.

    The first line on standard output is its address, ready for `meterkit psem`.

    ```
    meterkit emulate psem
    meterkit emulate psem --firmware 3.70
    meterkit emulate psem --listen tcp://0.0.0.0:1153 --seed 7 --grow
    meterkit emulate psem --pty
    ```

    :param listen: Where to listen; port 0 takes a free one. [default: tcp://127.0.0.1:1153]
    :param pty: Be a serial port instead: a new pseudo-terminal (not on Windows).
    :param config: JSON file with an EmulatorConfiguration: identity, keys, load profiles, faults.
    :param firmware: A ready-made meter instead: of firmware 2.10, 3.70 or 4.30; c12.19: no OSGP meter.
    :param seed: Another household: the same seed gives the same data.
    :param grow: Record intervals while it is read: one in every load profile for eight reads.
    """
    from meterkit.cli.emulate import serve

    return serve(listen, pty=pty, config=config, firmware=firmware, seed=seed, grow=grow, as_json=json)
