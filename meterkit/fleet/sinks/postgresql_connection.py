"""One connection to a PostgreSQL database: made when it is needed, let go when it broke; its faults in words.

    use(work) --- not connected ---> connect, prepare (tables, versions) ---> work(connection)
                      ^
                      `--- psycopg.Error, silence, cancellation: let go, and told as a SinkFault

Passwords come from PGPASSWORD, PGPASSFILE or a service file, as libpq has it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from anyio import Lock, fail_after
from psycopg.conninfo import conninfo_to_dict

from meterkit.fleet.readings import SinkFault

__all__ = ["Connection", "PostgresqlConnection", "check_version", "connected", "nothing", "shown_url", "told"]

CONNECT_TIMEOUT: Final = 10  # s
WORK_TIMEOUT: Final = 60.0  # s for one piece of work; a database that is silent for longer counts as dead
#: An advisory lock, so that two programs don't make the tables at once.
TABLES_LOCK: Final = 0x6D6B5F66
_VERSIONS: Final = (
    "CREATE TABLE IF NOT EXISTS meterkit_schema (name text PRIMARY KEY, version integer NOT NULL)"
)

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
T = TypeVar("T")


class PostgresqlConnection:
    """A connection to the database `url` names, for one piece of work at a time.

    `prepare` is called with each new connection: it makes the tables, or says what is wrong with them.
    Errors: ValueError the URL is none, or holds a password.
    """

    def __init__(
        self,
        url: str,
        prepare: Callable[[Connection], Awaitable[None]],
        *,
        timeout: float = WORK_TIMEOUT,
    ) -> None:
        self.name = shown_url(url)
        self.timeout = timeout
        self._url, self._prepare = url, prepare
        self._connection: Connection | None = None
        self._lock = Lock()

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do `work` with the connection.  Errors: SinkFault; a broken one is made anew next time."""
        async with self._lock:
            try:
                with fail_after(self.timeout):
                    return await work(await self._ready())
            except psycopg.Error as broken:
                if self._connection is not None and self._connection.closed:
                    await self._let_go()
                raise told(self.name, broken) from None
            except TimeoutError:
                await self._let_go()
                raise SinkFault(f"{self.name}: no answer within {self.timeout:g} s") from None
            except BaseException:
                await self._let_go()  # cancelled in mid-work: the server rolls back what isn't committed
                raise

    async def close(self) -> None:
        """Close the connection; may be called twice."""
        async with self._lock:
            await self._let_go()

    async def _ready(self) -> Connection:
        if self._connection is None:
            connection = await connected(self._url)
            try:
                await self._prepare(connection)
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def nothing(connection: Connection) -> None:
    """Do nothing: for who only wants to be connected."""


async def connected(url: str) -> Connection:
    """Return a new connection on which each statement is a transaction, unless it says otherwise."""
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT,
        application_name="meterkit",
    )


async def check_version(
    cursor: psycopg.AsyncCursor[Any], place: str, name: str, version: int, *, is_new: bool
) -> None:
    """Note the version of the new tables `name`, or check that of those found.  Errors: SinkFault."""
    await cursor.execute(_VERSIONS)
    if is_new:
        await cursor.execute(
            "INSERT INTO meterkit_schema VALUES (%s, %s) ON CONFLICT (name) DO UPDATE "
            "SET version = excluded.version",
            (name, version),
        )
        return
    await cursor.execute("SELECT version FROM meterkit_schema WHERE name = %s", (name,))
    row = await cursor.fetchone()
    if row is None or row[0] != version:
        raise SinkFault(f"{place}: {name} of version {version} expected, {row[0] if row else 'none'} found")


def told(name: str, broken: psycopg.Error) -> SinkFault:
    """Return what went wrong with the database `name`, in words."""
    text = " ".join(str(broken).split())
    is_refusal = isinstance(broken, psycopg.DataError | psycopg.IntegrityError)
    if isinstance(broken, psycopg.errors.UndefinedTable):
        text = "there is no table readings; nothing was ever written here"
    return SinkFault(f"{name}: {text}", is_refusal=is_refusal)


def shown_url(url: str) -> str:
    """Return the URL of a database as it may be shown.

    Errors: ValueError it is none, or holds a password.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error as wrong:
        raise ValueError(f"no PostgreSQL URL: {' '.join(str(wrong).split())}") from None
    if "password" in parts:
        raise ValueError(
            "the URL of the database holds a password, and URLs end up in logs: "
            "leave it to PGPASSWORD, PGPASSFILE or a service"
        )
    place = f"{parts.get('host', '')}{':' + str(parts['port']) if 'port' in parts else ''}"
    return f"postgresql://{place}/{parts.get('dbname', '')}"
