"""FleetFile: meters, plan and limits in one JSON or TOML file, without secrets.

{"plan": {"psem": {"registers": true}},
 "limits": {"sessions": 500},
 "meters": [{"id": "m1", "url": "psem+tcp://10.0.0.7:1153", "password": "env:METERKIT_PASSWORD"}]}
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Self, cast

from pydantic import Field, PrivateAttr, ValidationError

from meterkit.fleet.file_lines import json_lines, toml_lines
from meterkit.fleet.limits import FleetLimits
from meterkit.fleet.meters import MeterEntry
from meterkit.fleet.plan import ReadPlan
from meterkit.fleet.retry import RetryPolicy
from meterkit.options import Options
from meterkit.wording import flaw_text

__all__ = ["FleetFile", "FleetFileError"]

MAX_SIZE: Final = 1 << 28  # octets; a million meters have about half of it
_METERS: Final = "meters"


class FleetFileError(ValueError):
    """A fleet file that makes no sense; the message names the file, the line and the field."""


class FleetFile(Options):
    """A fleet as a file has it."""

    plan: ReadPlan
    meters: Annotated[tuple[MeterEntry, ...], Field(min_length=1)]
    limits: FleetLimits = FleetLimits()
    retries: RetryPolicy = RetryPolicy()

    _folder: Path | None = PrivateAttr(default=None)

    @property
    def folder(self) -> Path | None:
        """The file's folder, from which relative paths of secrets begin; None: it came from no file."""
        return self._folder

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file, TOML where it is named so, else JSON.

        Errors: OSError it cannot be read; FleetFileError, a ValueError, naming the line and the field that
        is wrong, or both lines of a meter that is there twice.
        """
        path = Path(path)
        if path.stat().st_size > MAX_SIZE:
            raise FleetFileError(f"{path}: more than {MAX_SIZE >> 20} MiB, which is no fleet file")
        try:
            fleet = cls.parse(path.read_bytes().decode(), is_toml=path.suffix.lower() == ".toml")
        except UnicodeDecodeError:
            raise FleetFileError(f"{path}: text in UTF-8 expected") from None
        except FleetFileError as wrong:
            raise FleetFileError(f"{path}: {wrong}") from None
        fleet._folder = path.absolute().parent
        return fleet

    @classmethod
    def parse(cls, text: str, *, is_toml: bool = False) -> Self:
        """Read a file's text.  Errors: FleetFileError."""
        try:
            content, lines = (_toml if is_toml else _json)(text)
        except (ValueError, RecursionError) as odd:  # their words name line and column
            kind = "TOML" if is_toml else "JSON"
            raise FleetFileError(f"the file is no {kind}: {odd}") from None
        _check_ids(content, lines)
        try:
            return cls.model_validate(content)
        except ValidationError as invalid:
            # What came is not shown: it may be a secret in the wrong place.
            raise FleetFileError(flaw_text(invalid, _naming(content, lines), is_quoted=False)) from None


def _json(text: str) -> tuple[object, list[int]]:
    import json

    return json.loads(text), json_lines(text, _METERS)


def _toml(text: str) -> tuple[object, list[int]]:
    return tomllib.loads(text), toml_lines(text, _METERS)


def _meters(content: object) -> list[Any]:
    """Return the meters as they came; an empty list for what is none."""
    meters: object = cast("dict[str, object]", content).get(_METERS) if isinstance(content, dict) else None
    return list[Any](meters) if isinstance(meters, list) else []  # pyright: ignore[reportUnknownArgumentType]


def _id(entry: object) -> str | None:
    """Return the id of a meter as it came; None for what is none."""
    name = cast("dict[str, object]", entry).get("id") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else None


def _check_ids(content: object, lines: list[int]) -> None:
    """Refuse a meter that is there twice.  Errors: FleetFileError naming both places."""
    seen: dict[str, int] = {}
    for number, entry in enumerate(_meters(content)):
        name = _id(entry)
        if name is None:
            continue
        first = seen.setdefault(name, number)
        if first != number:
            places = f"{_place(first, lines)} and {_place(number, lines)}"
            raise FleetFileError(f"meter {name!r} is there twice: {places}")


def _place(number: int, lines: list[int]) -> str:
    """Return where a meter stands: "meters.3 (line 17)"."""
    return f"{_METERS}.{number}" + (f" (line {lines[number]})" if number < len(lines) else "")


def _naming(content: object, lines: list[int]) -> Callable[[str], str]:
    """Return what makes of a field's path what a person finds in the file."""
    entries = _meters(content)

    def named(path: str) -> str:
        begin, _, rest = path.partition(".")
        number, _, field = rest.partition(".")
        if begin != _METERS or not number.isdecimal():
            return path
        name = _id(entries[int(number)])
        of = "" if name is None else f", meter {name!r}"
        return f"{_place(int(number), lines)}{of}" + (f": {field}" if field else "")

    return named
