"""The verbs of `meterkit em1000`, `meterkit emulate em1000`, and the help that teaches them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from meterkit.cli.emulate_verbs import emulate
from meterkit.cli.parameters import Flag, Hex, Json, Overwrite

em1000 = App(
    name="em1000",
    help="""Look into the EM1000's binary optical protocol, of which five frames are public.

    Every octet is labelled: computed (proved from those frames), inferred (fits a sample or two), unknown.
    Nothing here sends a command: what an unknown one does is unknown too, and it may switch a relay.
    """,
)

Source = Annotated[
    str,
    Parameter(name="SOURCE", help="A file, hex, or - for standard input.", allow_leading_hyphen=True),
]
Octets = Annotated[
    str,
    Parameter(name="HEX", help="A payload, or a whole frame with its check."),
]


@em1000.command
def decode(*source: Source, json: Json = False) -> int:
    """Take a capture apart: frames, what each octet is believed to be, and all that is no frame.

    A capture is a recording of `meterkit em1000 sniff`, raw octets, or hex as people paste it, with `>>`
    and `<<` for who spoke, or without; words around it are passed over.

    ```
    meterkit em1000 decode AA 01 0F DE C2
    meterkit em1000 decode thread.txt --json
    ```
    """
    from meterkit.cli.em1000.decode import decode as run_decode

    return run_decode(source, as_json=json)


@em1000.command
def crc(*octets: Octets, json: Json = False) -> int:
    """Show the check and the frame of a payload, or tell whether a whole frame's check fits (else status 1).

    ```
    meterkit em1000 crc 0F
    meterkit em1000 crc AA 01 0F DE C2
    ```
    """
    from meterkit.cli.em1000.decode import check

    return check(octets, as_json=json)


@em1000.command
def sniff(
    url: Annotated[str, Parameter(help="Address of the line, such as em1000+tcp://127.0.0.1:4001.")],
    /,
    *,
    out: Path | None = None,
    overwrite: Overwrite = False,
    keep_secrets: Flag = False,
    seconds: float | None = None,
    json: Json = False,
) -> int:
    """Listen to a line that others talk on, and decode what is heard. Nothing is ever sent.

    A serial port's speed, parity and stop bits have no default, since nobody has published them.

    ```
    meterkit em1000 sniff em1000+tcp://127.0.0.1:4001 --seconds 1 --out capture.jsonl
    meterkit em1000 sniff "em1000+serial:///dev/ttyUSB0?baud_rate=9600&parity=N&stop_bits=1"
    ```

    :param out: Record to this file too, as JSON lines.
    :param keep_secrets: Show and record the challenge and response of logins, too; by default neither.
    :param seconds: Stop after so many seconds; by default Ctrl-C stops it.
    """
    from meterkit.cli.em1000.sniff import Wish
    from meterkit.cli.em1000.sniff import sniff as run_sniff

    wish = Wish(seconds=seconds, out=out, overwrite=overwrite, keep_secrets=keep_secrets, as_json=json)
    return run_sniff(url, wish)


@emulate.command(name="em1000")
def emulate_em1000(
    *,
    listen: str | None = None,
    pty: Flag = False,
    seed: int = 1,
    echo: Flag = False,
    noise: Annotated[Hex, Parameter(name="--noise")] = None,
    silent: Flag = False,
    refuse: Flag = False,
    json: Json = False,
) -> int:
    """Be an EM1000 that gives challenges and judges responses by a test-only rule, until Ctrl-C.

    It is not the real one: how a meter answers a challenge is unknown, and so is every register.
    The first line on standard output is its address.

    ```
    meterkit emulate em1000
    meterkit emulate em1000 --pty --echo --noise "AA C8"
    ```

    :param listen: Where to listen; port 0 takes a free one. [default: tcp://127.0.0.1:4001]
    :param pty: Be a serial port instead: a new pseudo-terminal (not on Windows).
    :param seed: Other challenges.
    :param echo: Send back what is heard, as some optical heads do.
    :param noise: Octets in hex, in front of every answer.
    :param silent: Hear everything and answer nothing.
    :param refuse: Refuse every login.
    """
    from meterkit.cli.em1000.emulate import serve
    from meterkit.emulator.em1000 import Em1000EmulatorConfiguration

    configuration = Em1000EmulatorConfiguration(
        seed=seed, echo=echo, noise=noise or b"", is_silent=silent, refuses=refuse
    )
    return serve(listen, pty=pty, configuration=configuration, as_json=json)
