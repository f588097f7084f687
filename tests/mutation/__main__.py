"""Mutation testing by mutmut: `python -m tests.mutation [--jobs N] [--figures FILE] [ROOM ...]`.

Each room is tried in a copy of the tree, with the tests named beside it; what survives is shown as a change.
A survivor that `EQUIVALENT` names behaves as the original does; any other is what the tests don't see.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.figures import Tried, write
from tests.mutation.judging import NOTICED, Mutant, unmet, unseen
from tests.mutation.rooms import ROOMS, Room

ROOT = Path(__file__).parents[2]
_COPIED = ("meterkit", "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
_TOLD = re.compile(r"^\s*(\S+__mutmut_\d+): (.+)$", re.MULTILINE)


def mutate(room: Room, jobs: int, seconds: int) -> tuple[dict[str, str], list[Mutant]]:
    """Return what became of each mutant in mutmut's words, and each that no test noticed."""
    with tempfile.TemporaryDirectory(prefix="meterkit-mutants-") as folder:
        copy = Path(folder)
        for name in _COPIED:
            source = ROOT / name
            shutil.copytree(source, copy / name) if source.is_dir() else shutil.copy(source, copy / name)
        with (copy / "pyproject.toml").open("a", encoding="utf-8") as settings:
            settings.write(_settings(room))
        program = Path(sys.executable).with_name("mutmut")
        ran = subprocess.run(
            [str(program), "run", "--max-children", str(jobs)],
            cwd=copy, env=os.environ, capture_output=True, text=True, check=False, timeout=seconds,
        )  # fmt: skip
        told = subprocess.run(
            [str(program), "results", "--all", "true"], cwd=copy, capture_output=True, text=True, check=True
        )
        outcomes = dict(_TOLD.findall(told.stdout))
        if ran.returncode or not outcomes or "not checked" in outcomes.values():
            raise SystemExit(f"mutmut came to no end:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
        survived = [name for name, outcome in outcomes.items() if outcome not in NOTICED]
        return outcomes, [Mutant(name, _diff(program, copy, name)) for name in survived]


def _settings(room: Room) -> str:
    listed = {
        "source_paths": ["meterkit"],
        "only_mutate": list(room.files),
        "also_copy": ["tests", "pyproject.toml", "README.md"],
        "pytest_add_cli_args_test_selection": list(room.tests),
        "pytest_add_cli_args": ["-n", "0", "-p", "no:cacheprovider"],
        "timeout_constant": 20.0,  # s: a busy machine is no hang, though it may take long to begin
        "timeout_multiplier": 5.0,  # of that and the time its tests took at first
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {value!r}\n" for name, value in listed.items())


def _diff(program: Path, copy: Path, name: str) -> str:
    shown = subprocess.run([str(program), "show", name], cwd=copy, capture_output=True, text=True, check=True)
    lines = shown.stdout.splitlines()
    return "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def try_room(name: str, jobs: int, seconds: int) -> Tried:
    """Mutate one room and say what became of it."""
    room = ROOMS[name]
    outcomes, survivors = mutate(room, jobs, seconds)
    count = len(outcomes)
    named = [same for same in EQUIVALENT if f"meterkit/{same.file}" in room.files]
    tried = Tried(name, room, count, survivors, unseen(survivors, named), unmet(survivors, named))
    equivalent = len(survivors) - len(tried.unseen)
    print(
        f"{name}: {count} mutants, {tried.killed} killed, {equivalent} equivalent, {len(tried.unseen)} unseen"
    )
    for mutant in tried.unseen:
        print(f"  {mutant.key}\n{mutant.diff}")
    for stopped, outcome in outcomes.items():
        if outcome == "timeout":
            print(f"  stopped, as it came to no end in time: {stopped}")
    for key in tried.unmet:
        print(f"  named as equivalent, but no survivor: {key}")
    sys.stdout.flush()
    return tried


def main() -> int:
    """Mutate; 1 where something survived that is no equivalent, or where a name stands for nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}; all without any")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at once (2)")
    parser.add_argument("--seconds", type=int, default=3600, help="for each room (3600)")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="where each room's row is kept")
    given = parser.parse_args()
    if unknown := set(given.rooms) - set(ROOMS):
        parser.error(f"no room {', '.join(sorted(unknown))}; there are {', '.join(ROOMS)}")
    tried = [try_room(name, given.jobs, given.seconds) for name in given.rooms or ROOMS]
    if given.figures:
        write(given.figures, tried)
    return 1 if any(room.unseen or room.unmet for room in tried) else 0


if __name__ == "__main__":
    sys.exit(main())
