"""What continuous integration runs: `nox`, or a part of it: `nox -s lint types layers tests docs bench`."""

import shutil
import subprocess
import sys
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")  # those that pyproject.toml promises
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

nox.needs_version = ">=2024.4"
nox.options.sessions = ["lint", "types", "layers", "tests", "docs"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True


def found(version: str) -> bool:
    """Tell whether a Python of this version runs on this machine; a version manager's shim may not."""
    if version == HERE:
        return True
    program = shutil.which(f"python{version}")
    if program is None:
        return False
    return subprocess.run([program, "-V"], capture_output=True, check=False).returncode == 0


FOUND = tuple(version for version in PYTHONS if found(version)) or (HERE,)
MISSING = tuple(version for version in PYTHONS if version not in FOUND)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting: ruff."""
    session.install("ruff>=0.6")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types: mypy --strict and pyright --strict over the package."""
    session.install("-e", ".[arrow,cli,fast,keyring,otel,postgresql,procrastinate,serialx]")
    session.install("mypy>=1.11", "pyright[nodejs]>=1.1.390", "types-pyserial")
    session.run("mypy")
    session.run("pyright")


@nox.session
def layers(session: nox.Session) -> None:
    """Which way imports point: the contracts of pyproject.toml."""
    session.install("-e", ".[cli]", "import-linter>=2.1")
    session.run("lint-imports", "--no-cache")


@nox.session(python=FOUND)
def tests(session: nox.Session) -> None:
    """The tests, on every Python that is here."""
    if MISSING:
        session.log(f"not on this machine, so not tested: Python {', '.join(MISSING)}")
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation and its examples; a warning is an error."""
    session.install("-e", ".[docs]")
    build = Path(session.create_tmp())
    for builder in ("html", "doctest"):
        session.run("sphinx-build", "-W", "--keep-going", "-b", builder, "docs", str(build / builder))


@nox.session
def soak(session: nox.Session) -> None:
    """Seven virtual days of a hundred meters; `-- --days 1 --meters 10` is the short form."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.reliability.soak", *(session.posargs or ["--untraced"]))


@nox.session
def sweep(session: nox.Session) -> None:
    """Every fault at every octet of every session; `-- --every 10 --only HDLC` is a part of it."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.reliability", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Every decoder under atheris, a minute each; `-- --seconds 10 --jobs 2 axdr_values` is a part of it."""
    session.install("-e", ".[test,fuzz]")
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the pure rooms; fails where one falls behind what it had."""
    session.install("-e", ".[test]", "pytest-cov>=5")
    session.run("python", "-m", "tests.coverage", *session.posargs)


@nox.session
def mutate(session: nox.Session) -> None:
    """Mutants of checksums, links and security, and which tests kill them; `-- crc psem_link` are some."""
    session.install("-e", ".[test]", "mutmut>=3.8")
    session.run("python", "-m", "tests.mutation", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks, ours beside the peers and the floor."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(name="all", venv_backend="none")
def everything(session: nox.Session) -> None:
    """All of the above but the benchmarks: what has to pass before a push."""
    session.run("nox", "-s", *nox.options.sessions, external=True)
