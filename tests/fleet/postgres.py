"""A real PostgreSQL server, begun by the test session and ended with it.

    from tests.fleet.postgres import postgres, database        # noqa: F401, in a conftest or a test module

`database` is the URL of a fresh database; `postgres` the server, which can be stopped and started.  It runs
on a Unix socket in a folder of its own, as an unprivileged user: PostgreSQL refuses to run as root.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

MISSING = "needs-postgresql-server"  # the one word of this skip: install Debian's package postgresql
USER = "postgres"


def programs() -> Path | None:
    """Return the folder of initdb and pg_ctl: Debian keeps them beside the path, by version."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(folders, key=lambda path: float(path.parts[-3]), default=None)
    return None if newest is None else newest.parent


def runner() -> list[str] | None:
    """Return what goes before a command so that it doesn't run as root; None: it can't be had."""
    if os.geteuid() != 0:
        return []
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        return None
    if shutil.which("setpriv") is None:
        return None
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--"]


class PostgresServer:
    """One server in the folder `home`."""

    def __init__(self, folder: Path, before: list[str], home: Path) -> None:
        self.folder = folder
        self.before = before
        self.home = home
        self._names = count()

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self.before, str(self.folder / program), *arguments],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )

    def make(self) -> None:
        self.run("initdb", "-D", f"{self.home}/data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        # No TCP at all: the socket in our own folder is the only way in.
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.home}' -c fsync=off"
        self.run("pg_ctl", "-D", f"{self.home}/data", "-l", f"{self.home}/log", "-w", "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", f"{self.home}/data", "-w", "-m", "immediate", "stop")

    def url(self, database: str) -> str:
        return f"postgresql:///{database}?host={self.home}&user={USER}"

    def create(self) -> str:
        """Create an empty database and return its URL."""
        name = f"meterkit{next(self._names)}"
        self.run("createdb", "-h", str(self.home), "-U", USER, name)
        return self.url(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg", reason=MISSING, exc_type=ImportError)
    folder, before = programs(), runner()
    if folder is None or before is None:
        pytest.skip(MISSING)
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if before:
            shutil.chown(home, USER)
        server = PostgresServer(folder, before, home)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home)


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    return postgres.create()
