"""All targets under atheris: `python -m tests.fuzz [--seconds N] [--executions N] [--jobs N] [NAME ...]`.

Each target begins with the vectors of the tests and runs in a process of its own, which may take 1 GiB and
10 s for one input.  A table says what each did; a finding is shown in hex, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.every import TARGETS
from tests.fuzz.target import LARGEST

SLOWEST = 10  # s that one input may take
MEMORY = 1024  # MiB that a process may hold
_FINAL = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_SO_FAR = re.compile(r"^#(\d+)\s", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+)")
_SHOWN = 4000  # characters of what libFuzzer said of a finding


@dataclass(frozen=True)
class Outcome:
    """What came of one target."""

    name: str
    executions: int
    covered: int  #: branches and lines that libFuzzer counted
    finding: bytes | None = None  #: the octets
    said: str = ""


def fuzz(name: str, seconds: int, executions: int) -> Outcome:
    """Run one target in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="meterkit-fuzz-") as folder:
        corpus, found = Path(folder, "corpus"), Path(folder, "found")
        corpus.mkdir()
        found.mkdir()
        for number, seed in enumerate(TARGETS[name].seeds):
            (corpus / str(number)).write_bytes(seed)
        bounds = [f"-max_total_time={seconds}"] if seconds else []
        bounds += [f"-runs={executions}"] if executions else []
        command = [sys.executable, "-m", "tests.fuzz.worker", TARGETS[name].run.__module__, name, str(corpus)]
        command += [
            *bounds,
            f"-max_len={LARGEST}",
            f"-timeout={SLOWEST}",
            f"-rss_limit_mb={MEMORY}",
            f"-artifact_prefix={found}/",
        ]
        ran = subprocess.run([*command, "-print_final_stats=1"], capture_output=True, text=True, check=False)
        said = ran.stderr
        artifacts = [one.read_bytes() for one in found.iterdir() if not one.name.startswith("slow-unit")]
    counted = _FINAL.findall(said) or _SO_FAR.findall(said) or ["0"]
    covered = int((_COVERED.findall(said) or ["0"])[-1])
    finding = artifacts[0] if artifacts else b"" if ran.returncode else None
    return Outcome(
        name, int(counted[-1]), covered, finding, "" if finding is None else _told(ran.stdout + said)
    )


def _told(said: str) -> str:
    """Return the end of what was said, from Python's own traceback on where there is one."""
    said = "".join(line for line in said.splitlines(keepends=True) if not line.startswith("INFO: "))
    begin = said.find("=== Uncaught Python exception")
    return said[begin : begin + _SHOWN] if begin >= 0 else said[-_SHOWN:]


def campaign(names: list[str], seconds: int, executions: int, jobs: int) -> Iterator[Outcome]:
    """Yield what comes of each target, in the order of `names`."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda name: fuzz(name, seconds, executions), names)


def main() -> int:
    """Run the campaign; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="targets; all without any")
    parser.add_argument("--seconds", type=int, default=60, help="for each target; 0: no bound (60)")
    parser.add_argument("--executions", type=int, default=0, help="for each target; 0: no bound (0)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at once (1)")
    given = parser.parse_args()
    names = given.names or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if not (given.seconds or given.executions):
        parser.error("--seconds 0 needs --executions")
    total, found = 0, 0
    for one in campaign(names, given.seconds, given.executions, given.jobs):
        total += one.executions
        told = "" if one.finding is None else "  FOUND SOMETHING"
        print(f"{one.name:28} {one.executions:>12,} executions {one.covered:>7,} covered{told}", flush=True)
        if one.finding is not None:
            found += 1
            print(f"  octets: {one.finding.hex()}\n{one.said}", flush=True)
    print(f"{'in all':28} {total:>12,} executions, {found} findings", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
