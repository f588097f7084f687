"""`meterkit encode`: messages in XML or JSON as octets."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from meterkit.cli.console import screen
from meterkit.cli.output import print_json
from meterkit.cli.running import OK
from meterkit.cli.usage import UsageMistake, new_file, read_file
from meterkit.dlms.translate import documents


def encode(source: str, *, out: Path | None, overwrite: bool, as_json: bool) -> int:
    """Show the octets of the messages in a file; "-" is standard input.  Errors: UsageMistake."""
    new_file(out, overwrite=overwrite)
    is_input = source == "-"
    place = "standard input" if is_input else source
    content = sys.stdin.buffer.read() if is_input else read_file(Path(source))
    messages = _messages(content, place)
    if out is not None:
        out.write_bytes(b"".join(messages))
    if as_json:
        print_json({"messages": [octets.hex() for octets in messages]})
    elif out is not None:
        screen().print(f"{sum(map(len, messages))} octets written to {out}", markup=False)
    else:
        for octets in messages:
            print(octets.hex().upper())
    return OK


def _messages(content: bytes, place: str) -> tuple[bytes, ...]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageMistake(f"{place}: XML or JSON expected; `meterkit decode` reads octets") from None
    try:
        if text.lstrip().startswith("<"):
            return documents.from_xml(text)
        return documents.from_json(json.loads(text))
    except json.JSONDecodeError as odd:
        raise UsageMistake(f"{place}: line {odd.lineno}: neither XML nor JSON: {odd.msg}") from None
    except RecursionError:
        raise UsageMistake(f"{place}: nested too deep") from None
    except ValueError as odd:
        raise UsageMistake(f"{place}: {odd}") from None
