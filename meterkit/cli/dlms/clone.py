"""`meterkit dlms clone`: what a meter shows, saved for `meterkit emulate dlms --objects`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from meterkit.cli.console import messages, screen
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.output import print_json
from meterkit.cli.running import OK, say_hint
from meterkit.cli.usage import UsageMistake, new_file
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cloning import save_meter

_NUMBERED: Final = ("attributes", "methods")
_EVERY: Final = 50  # attributes between two words of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How much, and where it goes."""

    file: Path
    rows: int | None
    overwrite: bool
    as_json: bool


def clone(url: str, access: DlmsAccess, wish: Wish) -> int:
    """Read everything that may be read and write it to a file."""
    new_file(wish.file, overwrite=wish.overwrite)
    if wish.rows is not None and wish.rows < 1:
        raise UsageMistake(f"--rows {wish.rows}: at least one row of each profile")

    async def body(client: DlmsClient) -> int:
        document = (await save_meter(client, rows=wish.rows, progress=_told)).unwrap()
        wish.file.write_text(file_text(document), encoding="utf-8")
        _show(wish, document)
        return OK

    return on_dlms_meter(url, access, body)


def file_text(document: dict[str, object]) -> str:
    """Return the document as people edit it: a line for each attribute and method."""
    objects = cast("list[dict[str, Any]]", document["objects"])
    head = [f" {_line(name)}: {_line(value)}," for name, value in document.items() if name != "objects"]
    body = ",\n".join(map(_object_text, objects))
    return "\n".join(["{", *head, ' "objects": [', body, " ]", "}", ""])


def _object_text(told: dict[str, Any]) -> str:
    members = [f"{_line(name)}: {_line(value)}" for name, value in told.items() if name not in _NUMBERED]
    text = "  {" + ", ".join(members)
    for name in _NUMBERED:
        if name in told:
            lines = [f"    {_line(number)}: {_line(one)}" for number, one in told[name].items()]
            text += f",\n   {_line(name)}: {{\n" + ",\n".join(lines) + "\n   }"
    return text + "}"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _told(done: int, wanted: int) -> None:
    if done % _EVERY == 0 and messages().is_terminal:
        say_hint(f"{done} of {wanted} attributes read")


def _show(wish: Wish, document: dict[str, object]) -> None:
    objects = cast("list[dict[str, Any]]", document["objects"])
    attributes = [one for told in objects for one in told["attributes"].values()]
    refused = sum("refused" in one for one in attributes)
    counts = {"objects": len(objects), "attributes": len(attributes), "refused": refused}
    if wish.as_json:
        print_json({"file": str(wish.file)} | counts)
        return
    text = f"{len(objects)} objects with {len(attributes)} attributes written to {wish.file}"
    screen().print(f"{text}, {refused} of them refused" if refused else text, markup=False)
    say_hint(f"serve it: meterkit emulate dlms --objects {wish.file}")
