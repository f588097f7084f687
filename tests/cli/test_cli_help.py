"""What the help and the documentation promise is there: examples that work, completion, every fault."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from meterkit.cli.app import app
from meterkit.emulator.faults import EmulatorFaults
from tests.cli.conftest import Emulator, environment

MASTER = "METERKIT-DEMO-MASTER"
DOCS = Path(__file__).parents[2] / "docs"
PRINTED = "psem+tcp://127.0.0.1:1153"  # the address in every example


def examples() -> list[str]:
    """The commands in the help of the PSEM verbs, but for those that need a serial port."""
    verbs = app["psem"]
    texts = [verbs[name].help for name in verbs if not name.startswith("-")]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return [line for line in lines if line.startswith("meterkit ") and PRINTED in line]


def test_every_example_in_the_help_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from meterkit.cli import main

    monkeypatch.setenv("METERKIT_PASSWORD", MASTER)
    monkeypatch.chdir(tmp_path)
    emulator = Emulator("--listen", "tcp://127.0.0.1:0", "--firmware", "3.70")
    try:
        for example in examples():
            words = shlex.split(example.replace(PRINTED, emulator.url))[1:]
            assert main(words) == 0, example
    finally:
        emulator.stop()
    assert len(examples()) >= 17
    assert {path.name for path in tmp_path.iterdir()} == {"bt61.bin", "rows.csv"}


@pytest.fixture
def completion(meterkit: Callable, tmp_path: Path) -> Callable[[str], str]:
    def install(shell: str) -> str:
        script = tmp_path / f"completion.{shell}"
        words = ("--install-completion", "--shell", shell, "--output", str(script))
        done = meterkit(*words, HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr
        return script.read_text(encoding="utf-8")

    return install


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_verb_and_option(completion: Callable[[str], str], shell: str) -> None:
    script = completion(shell)
    verbs = app["psem"]
    for verb in [name for name in verbs if not name.startswith("-")]:
        assert verb in script
    for option in ("energy-register-unit", "definition", "password-file", "data-set", "firmware"):
        assert option in script


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["meterkit", "ps"], {"psem"}),
        (["meterkit", "psem", "re"], {"read", "registers"}),
        (["meterkit", "psem", "profile", "--da"], {"--data-set"}),
        (["meterkit", "emulate", "psem", "--f"], {"--firmware"}),
    ],
)
def test_bash_completes_what_is_typed(
    completion: Callable[[str], str], tmp_path: Path, typed: list[str], offered: set[str]
) -> None:
    completion("bash")
    program = f"""
        source {shlex.quote(str(tmp_path / "completion.bash"))}
        COMP_WORDS=({shlex.join(typed)}); COMP_CWORD={len(typed) - 1}
        COMP_LINE={shlex.quote(" ".join(typed))}; COMP_POINT=${{#COMP_LINE}}
        complete -p meterkit > /dev/null && _meterkit
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=False, timeout=60, env=environment()
    )
    assert done.returncode == 0, done.stderr
    assert {line.strip() for line in done.stdout.splitlines()} == offered


def test_every_fault_is_in_the_table_of_the_documentation() -> None:
    page = (DOCS / "emulator.md").read_text(encoding="utf-8")
    table = page.split("## Faults", 1)[1].split("\n## ", 1)[0]
    named = {name for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for name in row.split(", ")}
    assert {name.strip("`") for name in named} == set(EmulatorFaults.model_fields)
