"""Mutation testing by mutmut: `python -m tests.mutation [--jobs N] [ROOM ...]`.

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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COPIED = ("meterkit", "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
_SURVIVED = re.compile(r"^\s*(\S+): survived", re.MULTILINE)
_COUNTED = re.compile(r"(\d+)/\1")  # of the last line of progress: all of all
_SECURITY = ("protect", "policy", "control", "counters", "headers", "cipher")


@dataclass(frozen=True)
class Room:
    """What is mutated, and by whom it is to be noticed."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


ROOMS = {
    "crc": Room(("meterkit/codec/crc.py",), ("tests/codec/test_crc.py",)),
    "psem_link": Room(
        ("meterkit/psem/link.py",), ("tests/psem/test_link.py", "tests/psem/test_link_faults.py")
    ),
    "hdlc_link": Room(("meterkit/dlms/hdlc_link.py",), ("tests/dlms/test_hdlc_link.py",)),
    "security": Room(
        tuple(f"meterkit/dlms/security/{name}.py" for name in _SECURITY),
        tuple(
            f"tests/dlms/security/test_{name}.py"
            for name in ("cipher", "protect", "policy", "layered_cipher", "general", "invocation_counters")
        ),
    ),
}
_BIG = "the most significant octet comes first by default"
#: Mutants that nothing can tell from the original, and why.
EQUIVALENT = {
    "meterkit.codec.crc.x_crc16_wire__mutmut_5": _BIG,
    "meterkit.dlms.security.protect.xǁProtectionKeyǁprotect__mutmut_6": _BIG,
    "meterkit.dlms.security.protect.xǁProtectionKeyǁunprotect__mutmut_56": _BIG,
    "meterkit.dlms.security.protect.xǁProtectionKeyǁtag__mutmut_15": _BIG,
    "meterkit.dlms.security.protect.xǁProtectionKeyǁunprotect__mutmut_7": "no octets are too few in any case",
}


def mutate(room: Room, jobs: int, seconds: int) -> tuple[int, list[tuple[str, str]]]:
    """Return how many mutants there were, and each survivor with its change."""
    with tempfile.TemporaryDirectory(prefix="meterkit-mutants-") as folder:
        copy = Path(folder)
        for name in _COPIED:
            source = ROOT / name
            shutil.copytree(source, copy / name) if source.is_dir() else shutil.copy(source, copy / name)
        with (copy / "pyproject.toml").open("a", encoding="utf-8") as settings:
            settings.write(_settings(room))
        program = Path(sys.executable).with_name("mutmut")
        run = [str(program), "run", "--max-children", str(jobs)]
        ran = subprocess.run(
            run, cwd=copy, env=os.environ, capture_output=True, text=True, check=False, timeout=seconds
        )
        counted = _COUNTED.findall(ran.stdout)
        if not counted:
            raise SystemExit(f"mutmut came to no end:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
        told = subprocess.run([str(program), "results"], cwd=copy, capture_output=True, text=True, check=True)
        survivors = [(name, _change(program, copy, name)) for name in _SURVIVED.findall(told.stdout)]
    return int(counted[-1]), survivors


def _settings(room: Room) -> str:
    listed = {
        "source_paths": ["meterkit"],
        "only_mutate": list(room.files),
        "also_copy": ["tests", "pyproject.toml", "README.md"],
        "pytest_add_cli_args_test_selection": list(room.tests),
        "pytest_add_cli_args": ["-n", "0", "-p", "no:cacheprovider"],
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {value!r}\n" for name, value in listed.items())


def _change(program: Path, copy: Path, name: str) -> str:
    shown = subprocess.run([str(program), "show", name], cwd=copy, capture_output=True, text=True, check=True)
    lines = shown.stdout.splitlines()
    return "\n".join(f"    {line}" for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def main() -> int:
    """Mutate; 1 where something survived that is no equivalent."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}; all without any")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at once (2)")
    parser.add_argument("--seconds", type=int, default=3600, help="for each room (3600)")
    given = parser.parse_args()
    if unknown := set(given.rooms) - set(ROOMS):
        parser.error(f"no room {', '.join(sorted(unknown))}; there are {', '.join(ROOMS)}")
    unseen = 0
    for name in given.rooms or ROOMS:
        count, survivors = mutate(ROOMS[name], given.jobs, given.seconds)
        alive = [one for one in survivors if one[0] not in EQUIVALENT]
        unseen += len(alive)
        killed = count - len(survivors)
        print(f"{name}: {count} mutants, {killed} killed, {len(survivors)} survived", flush=True)
        for mutant, change in alive:
            print(f"  {mutant}\n{change}", flush=True)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
