"""What the README says works: its program runs, its commands are one line each, its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_program_of_ten_lines_reads_an_emulated_meter() -> None:
    (program,) = blocks("python")
    lines = [line for line in program.splitlines() if line.strip()]
    assert len(lines) <= 10
    emulator = subprocess.Popen(
        [sys.executable, "-m", "meterkit.cli", "emulate", "psem", "--listen", "tcp://127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert emulator.stdout is not None
        url = emulator.stdout.readline().strip()
        assert "psem+tcp://127.0.0.1:1153" in program
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program.replace("psem+tcp://127.0.0.1:1153", url)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        emulator.terminate()
        emulator.communicate(timeout=60)
    assert done.returncode == 0, done.stderr
    first, *rows = done.stdout.splitlines()
    assert "C12.18" in first or "Identification" in first
    assert len(rows) > 1000
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00 \(.*\)", rows[0])


def test_the_two_commands_are_one_line_each() -> None:
    demo, tests = blocks("")[:2]
    assert demo.strip().endswith("meterkit demo")
    assert "\n" not in demo.strip()
    assert tests.strip().endswith("pytest")
    assert "\n" not in tests.strip()


def test_ci_runs_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "'.[test]'" in script
    assert "pytest" in script
    assert "set -eu" in script


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
