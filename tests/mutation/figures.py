"""The figures of mutation testing, one row a room, as docs/reliability.md shows them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.judging import Mutant
from tests.mutation.rooms import ROOMS, Room

_TOLD = "Mutants by mutmut, each against the tests of its own room: `nox -s mutate`."
_HEAD = ["room", "mutants", "killed", "equivalent", "not seen", "why equivalent"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one room's mutants."""

    name: str
    room: Room
    count: int
    survivors: Sequence[Mutant]
    unseen: Sequence[Mutant]  #: survivors that nothing names
    unmet: Sequence[str]  #: names of equivalents that no survivor bears

    @property
    def killed(self) -> int:
        """How many mutants some test noticed."""
        return self.count - len(self.survivors)


def write(path: Path, tried: Iterable[Tried]) -> None:
    """Put the rows of the rooms just tried into the file, and leave those of the others."""
    kept = (
        {row[0]: row for row in json.loads(path.read_text(encoding="utf-8"))["rows"]} if path.exists() else {}
    )
    for one in tried:
        kept[_title(one.room)] = row(one)
    rows = [kept[title] for room in ROOMS.values() if (title := _title(room)) in kept]
    text = json.dumps({"told": _TOLD, "head": _HEAD, "rows": rows}, indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def row(tried: Tried) -> list[object]:
    """Return one room's row."""
    unseen = len(tried.unseen)
    equivalent = len(tried.survivors) - unseen
    return [_title(tried.room), tried.count, tried.killed, equivalent, unseen, _reasons(tried.room)]


def _reasons(room: Room) -> str:
    counted: Counter[str] = Counter()
    for same in EQUIVALENT:
        if f"meterkit/{same.file}" in room.files:
            counted[same.why] += len(same.changes)
    return "; ".join(f"{count}: {why}" for why, count in counted.most_common())


def _title(room: Room) -> str:
    """Name the files: `dlms/security: protect, policy`, or one file as it is."""
    paths = [Path(file).relative_to("meterkit") for file in room.files]
    if len(paths) == 1:
        return str(paths[0])
    return f"{paths[0].parent}: {', '.join(path.stem for path in paths)}"
