"""The house stands: imports point down, pure rooms stay pure, and every room has its place."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}


def lint(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--config", str(ROOT / "pyproject.toml"), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_contracts_of_the_house_are_kept(contract: str) -> None:
    done = lint("--contract", contract)
    assert done.returncode == 0, done.stdout + done.stderr


def places() -> set[str]:
    """Modules that the layers name."""
    layers = CONTRACTS["house"]["layers"]
    return {name.strip() for layer in layers for name in layer.replace(":", "|").split("|")}


def rooms() -> list[str]:
    """Modules and packages directly under meterkit and meterkit.psem."""
    found = []
    for folder in (ROOT / "meterkit", ROOT / "meterkit" / "psem"):
        for path in folder.iterdir():
            is_package = (path / "__init__.py").exists()
            if (path.suffix == ".py" and path.stem != "__init__") or is_package:
                found.append(".".join([*folder.relative_to(ROOT).parts, path.stem]))
    return sorted(found)


@pytest.mark.parametrize("room", rooms())
def test_every_room_has_its_place_in_the_layers(room: str) -> None:
    assert room in places() or any(place.startswith(f"{room}.") for place in places())


def test_what_is_below_the_options_is_pure() -> None:
    layers = CONTRACTS["house"]["layers"]
    (options,) = (index for index, layer in enumerate(layers) if "meterkit.options" in layer.split(" | "))
    below = {name.strip() for layer in layers[options + 1 :] for name in layer.replace(":", "|").split("|")}
    assert below == set(CONTRACTS["pure"]["source_modules"])
