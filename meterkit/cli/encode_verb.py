"""`meterkit encode` and the help that teaches it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from meterkit.cli.parameters import Json, Overwrite


def encode(
    source: Annotated[
        str,
        Parameter(
            name="FILE", help="XML or JSON with messages, or - for standard input.", allow_leading_hyphen=True
        ),
    ],
    /,
    *,
    out: Path | None = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> int:
    """Turn DLMS messages in XML or JSON into octets: hex, one message a line. The way back of `decode`.

    The XML has the usual names (GetRequest, InvokeIdAndPriority, UInt16); the JSON is that of
    `meterkit decode --json`. Of what is ciphered the cipher text counts, not the plain text beside it.

    ```
    meterkit decode C001C100080000010000FF0200 --xml > request.xml
    meterkit encode request.xml
    meterkit decode session.log --json | meterkit encode -
    ```

    :param out: Write the octets themselves to a file.
    """
    from meterkit.cli.encode import encode as run_encode

    return run_encode(source, out=out, overwrite=overwrite, as_json=json)
