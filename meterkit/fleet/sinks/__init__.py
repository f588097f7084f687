"""Where readings go: JSON lines, CSV, Parquet, SQLite, PostgreSQL; each takes a key once."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from meterkit.fleet.readings import Sink, SinkFault, Store
from meterkit.fleet.sinks.csv import CsvSink
from meterkit.fleet.sinks.jsonl import JsonLinesSink
from meterkit.fleet.sinks.parquet import ParquetSink
from meterkit.fleet.sinks.sqlite import SqliteSink

__all__ = [
    "CsvSink",
    "JsonLinesSink",
    "ParquetSink",
    "Sink",
    "SinkFault",
    "SqliteSink",
    "Store",
    "open_sink",
]

FORMS: Final = "jsonl:FILE, csv:FILE, parquet:FOLDER, sqlite:FILE or postgresql://HOST/DATABASE"


def open_sink(url: str) -> Store:
    """Return the sink that `url` names; `await sink.open()` makes it ready.

    Passwords of databases never stand in the URL: libpq finds them in PGPASSWORD or PGPASSFILE.
    Errors: ValueError no such sink, or its extra isn't installed.
    """
    scheme, colon, rest = url.partition(":")
    match scheme:
        case _ if not colon or not rest:
            raise ValueError(f"{url!r} names no sink: {FORMS} expected")
        case "jsonl":
            return JsonLinesSink(_path(url, rest))
        case "csv":
            return CsvSink(_path(url, rest))
        case "parquet":
            if find_spec("pyarrow") is None:
                raise ValueError("Parquet needs the arrow extra: pip install 'meterkit[arrow]'")
            return ParquetSink(_path(url, rest))
        case "sqlite":
            return SqliteSink(_path(url, rest))
        case "postgresql" | "postgres":
            return _postgresql(url)
        case _:
            raise ValueError(f"a sink {scheme!r} isn't known: {FORMS} expected")


def _path(url: str, rest: str) -> Path:
    if rest.startswith("//"):
        raise ValueError(f"{url!r}: a path without // expected, such as {url.replace('//', '', 1)!r}")
    if rest.endswith(":memory:"):
        raise ValueError(f"{url!r}: a file expected, for memory ends with the program")
    return Path(rest)


def _postgresql(url: str) -> Store:
    if find_spec("psycopg") is None:
        raise ValueError("PostgreSQL needs its extra: pip install 'meterkit[postgresql]'")
    from meterkit.fleet.sinks.postgresql import PostgresqlSink

    return PostgresqlSink(url)
