"""The words that verbs take: their types, help and how they are parsed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import Parameter, Token

from meterkit.cli import usage

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
        help="64 or 0x815, or by name: ST64, BT64 (standard), MT21, ET21 (manufacturer), ST54-pending.",
    ),
]
Flag = Annotated[bool, Parameter(show_default=False)]
Json = Annotated[Flag, Parameter(help="Print JSON for programs instead of text for people.")]
Files = Annotated[tuple[Path, ...], Parameter(show_default=False)]
Overwrite = Annotated[Flag, Parameter(help="Write over a file that is there already.")]
Time = Annotated[datetime | None, Parameter(converter=_parsed_by(usage.parse_time))]
Number = Annotated[int | None, Parameter(converter=_parsed_by(usage.parse_number))]
ProcedureNumber = Annotated[
    int,
    Parameter(
        converter=_parsed_by(usage.parse_procedure),
        help="Number of the procedure, 0 to 2047, or the name of a standard one, such as remote-reset.",
    ),
]
Hex = Annotated[bytes | None, Parameter(name="--hex", converter=_parsed_by(usage.parse_octets))]
