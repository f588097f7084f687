"""Branch coverage of the pure rooms, kept: `python -m tests.coverage [--keep] [--figures FILE]`.

All files of the codec and of the pure rooms of PSEM, DLMS and EM1000, as import-linter's contract "pure" has
them, have all their lines and branches taken by the tests.  `open.json` lists those that are not there yet,
with what they still miss; more than that, or any other file, fails.  `--keep` writes that list anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OPEN = Path(__file__).with_name("open.json")
ROOMS = ("meterkit.codec", "meterkit.psem", "meterkit.dlms", "meterkit.em1000")
TESTS = ("codec", "psem", "dlms", "em1000", "mode_e", "transport/test_echo.py", "emulator/test_meter_link.py")
#: What is never run, or runs nothing: declarations for type checkers, bodies of protocols.
NEVER = ("if TYPE_CHECKING:", "@overload", "@abstractmethod", r"^\s*\.\.\.$", r": \.\.\.$")


def files() -> list[str]:
    """Return the files of the pure rooms, as patterns."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = document["tool"]["importlinter"]["contracts"]
    pure = next(one["source_modules"] for one in contracts if one["id"] == "pure")
    found = []
    for module in pure:
        if module.startswith(ROOMS):
            path = ROOT.joinpath(*module.split("."))
            found.append(f"{path}/*" if path.is_dir() else f"{path}.py")
    return found


def configuration(folder: Path) -> str:
    """Return coverage's settings."""
    included = "".join(f"    {pattern}\n" for pattern in files())
    never = "".join(f"    {line}\n" for line in NEVER)
    return (
        f"[run]\nbranch = True\nparallel = True\ndata_file = {folder}/data\ninclude =\n{included}"
        f"[report]\nexclude_also =\n{never}"
    )


def measure(folder: Path, workers: str) -> tuple[int, dict[str, Any]]:
    """Run the tests; return their exit status and what coverage counted, by file."""
    settings = folder / "coveragerc"
    settings.write_text(configuration(folder), encoding="utf-8")
    tests = [str(ROOT / "tests" / one) for one in TESTS]
    covering = ["--cov", f"--cov-config={settings}", "--cov-report=", "-p", "tests.coverage.fewer"]
    environment = {**os.environ, "COVERAGE_FILE": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", workers, *covering, *tests],
        cwd=ROOT,
        env=environment,
        check=False,
    )
    counted = folder / "counted.json"
    subprocess.run(
        [sys.executable, "-m", "coverage", "json", "-q", f"--rcfile={settings}", "-o", str(counted)],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    return ran.returncode, json.loads(counted.read_text(encoding="utf-8"))["files"]


def missing(counted: dict[str, Any]) -> dict[str, int]:
    """Return how many lines and branches each file lacks, of those that lack any."""
    lacking = {}
    for name, told in counted.items():
        summary = told["summary"]
        count = summary["missing_lines"] + summary["missing_branches"]
        if count:
            lacking[Path(name).as_posix()] = count
    return dict(sorted(lacking.items()))


def judge(lacking: dict[str, int], known: dict[str, int], counted: dict[str, Any]) -> list[str]:
    """Return what fell behind, in words."""
    told = []
    for name, count in lacking.items():
        if count > known.get(name, 0):
            lines = counted[name]["missing_lines"]
            branches = counted[name]["missing_branches"]
            told.append(f"{name}: {count} lines and branches, {known.get(name, 0)} known; {lines} {branches}")
    return told


def figures(counted: dict[str, Any], lacking: dict[str, int]) -> dict[str, Any]:
    """Return what docs/reliability.md tells: files, lines and branches of each room, and what is open."""
    rows = []
    for room in ROOMS:
        folder = room.replace(".", "/") + "/"
        told = {
            name: one["summary"] for name, one in counted.items() if Path(name).as_posix().startswith(folder)
        }
        lines = sum(one["num_statements"] for one in told.values())
        branches = sum(one["num_branches"] for one in told.values())
        rows.append(
            [room, len(told), lines, branches, sum(lacking.get(Path(name).as_posix(), 0) for name in told)]
        )
    words = (
        "Lines and branches of the pure rooms that the tests take; with 25 examples of each property at most."
    )
    return {"told": words, "head": ["room", "files", "lines", "branches", "not taken"], "rows": rows}


def main() -> int:
    """Measure and judge; 1 where a test failed or something fell behind."""
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="write the list of what is still open")
    parser.add_argument("--workers", default="auto", help="as of pytest -n (auto)")
    parser.add_argument("--figures", type=Path, help="a JSON file that the figures are written to")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="meterkit-coverage-") as folder:
        status, counted = measure(Path(folder), given.workers)
    lacking = missing(counted)
    if given.keep:
        OPEN.write_text(json.dumps(lacking, indent=1) + "\n", encoding="utf-8")
    if given.figures is not None:
        told = json.dumps(figures(counted, lacking), indent=1)
        given.figures.write_text(told + "\n", encoding="utf-8")
    known = json.loads(OPEN.read_text(encoding="utf-8")) if OPEN.exists() else {}
    behind = judge(lacking, known, counted)
    lines = sum(one["summary"]["num_statements"] + one["summary"]["num_branches"] for one in counted.values())
    whole = len(counted) - len(lacking)
    print(
        f"{whole} of {len(counted)} files whole; {sum(lacking.values())} of {lines} lines and branches open"
    )
    print("\n".join(behind))
    return 1 if status or behind else 0


if __name__ == "__main__":
    sys.exit(main())
