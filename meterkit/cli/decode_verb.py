"""`meterkit decode` and the help that teaches it."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from meterkit.cli.parameters import Flag, Json

Kind: TypeAlias = Literal["psem", "hdlc", "dlms", "em1000"]


def decode(
    *source: Annotated[
        str,
        Parameter(name="SOURCE", help="A file, hex, or - for standard input.", allow_leading_hyphen=True),
    ],
    kind: Kind | None = None,
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
) -> int:
    """Take captured octets apart: frames, services and values as a tree, with names and meanings.

    A file may hold the octets themselves, or text as logs have it: hex of any spelling, with times and
    words around it, hex dumps, recordings. What makes no sense is shown as such; the exit status is 0
    as long as there were octets.

    ```
    meterkit decode 7EA0070321930F017E
    meterkit decode "RX: C4 01 C1 00 06 00 00 13 91"
    meterkit decode --kind dlms 0C0100
    meterkit decode session.log --json
    ```

    :param kind: What it is; by default found out. dlms: HDLC and WRAPPER frames, PDUs and values.
    :param all: Show every line, however many.
    """
    from meterkit.cli.decode import decode as run_decode

    return run_decode(source, kind, show_all=all, as_json=json)
