"""The verbs of `meterkit emulate` and the help that teaches them."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from meterkit.cli.parameters import Flag, Json, Overwrite

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


@emulate.command(name="fleet")
def emulate_fleet(
    *,
    psem: int = 0,
    dlms: int = 0,
    slow: float = 0.0,
    broken: float = 0.0,
    per_port: int = 1,
    seed: int = 1,
    listen: str = "tcp://127.0.0.1:0",
    fleet_file: Path | None = None,
    ready: Flag = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> int:
    """Be a whole farm of meters, up to thousands, each on a port of its own, until Ctrl-C.

    Prints the fleet file that reads them, or writes it. DLMS meters are half WRAPPER, half HDLC.

    ```
    meterkit emulate fleet --psem 500 --dlms 500 --fleet-file fleet.json
    meterkit emulate fleet --dlms 100 --slow 10 --broken 5 --seed 7
    meterkit emulate fleet --psem 64 --per-port 16
    ```

    :param psem: How many PSEM meters.
    :param dlms: How many DLMS meters.
    :param slow: Per cent of them that take up to two seconds for each answer.
    :param broken: Per cent that refuse connections, stay silent, hang up, or have another password.
    :param per_port: Meters behind one port, told apart by their addresses.
    :param seed: Other households, and trouble in other places.
    :param listen: Where to listen: the first of as many ports as are needed; port 0 takes free ones.
    :param fleet_file: Write the fleet file there; it names no secret, only where it is.
    :param ready: Build every meter before they are announced; else each when it is first called.
    """
    from meterkit.cli.emulate_farm import FarmWish, serve

    return serve(
        FarmWish(
            psem=psem,
            dlms=dlms,
            slow=slow,
            broken=broken,
            per_port=per_port,
            seed=seed,
            listen=listen,
            ready=ready,
            fleet_file=fleet_file,
            overwrite=overwrite,
            as_json=json,
        )
    )
