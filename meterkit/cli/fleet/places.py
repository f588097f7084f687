"""Where a fleet's verbs find their file, and where readings and checkpoints are kept.

    fleet run fleet.json                            fleet.data/readings.db, fleet.data/checkpoints.db
    fleet run fleet.json --out archive              archive/readings.db, archive/checkpoints.db
    fleet run fleet.json --out jsonl:all.jsonl      all.jsonl, all.jsonl.checkpoints.db
    fleet run fleet.json --out postgresql://HOST/D  that table, fleet.NNNNNNNN.checkpoints.db beside the file

Checkpoints belong to one sink: another one is filled from the beginning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from meterkit.cli.usage import UsageMistake
from meterkit.fleet import FleetFile, FleetFileError, MeterEntry
from meterkit.fleet.readings import Store
from meterkit.fleet.sinks import open_sink

_SINK: Final = re.compile(r"[a-z]{2,}:")  # one letter is a drive of Windows'


@dataclass(frozen=True, slots=True)
class Places:
    """Where readings go, and where it is kept how far each meter has been read."""

    sink: Store
    checkpoints: Path


def load_fleet(path: Path, only: tuple[str, ...] = ()) -> FleetFile:
    """Return the fleet in a file, or some of its meters.  Errors: UsageMistake."""
    try:
        fleet = FleetFile.load(path)
    except OSError as error:
        raise UsageMistake(f"cannot read {path}: {error.strerror or error}") from None
    except FleetFileError as wrong:
        raise UsageMistake(str(wrong)) from None
    return fleet if not only else _narrowed(fleet, path, only)


def _narrowed(fleet: FleetFile, path: Path, only: tuple[str, ...]) -> FleetFile:
    entries: dict[str, MeterEntry] = {entry.id: entry for entry in fleet.meters}
    for name in only:
        if name not in entries:
            raise UsageMistake(f"--meter {name}: there is no such meter in {path}")
    return fleet.model_copy(update={"meters": tuple(entries[name] for name in dict.fromkeys(only))})


def places_of(file: Path, out: str | None, checkpoints: Path | None = None) -> Places:
    """Return where a fleet's readings are; `out` is a sink's URL or a folder.  Errors: UsageMistake."""
    if out is not None and _SINK.match(out):
        sink = sink_of(out)
        return Places(sink, checkpoints or _beside(file, sink))
    folder = file.with_name(f"{file.stem}.data") if out is None else Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageMistake(f"--out {folder} is a file: name a folder, or a sink such as sqlite:{folder}")
    return Places(sink_of(f"sqlite:{folder / 'readings.db'}"), checkpoints or folder / "checkpoints.db")


def sink_of(url: str) -> Store:
    """Return the sink that a URL names.  Errors: UsageMistake."""
    try:
        return open_sink(url)
    except ValueError as wrong:
        raise UsageMistake(str(wrong)) from None


def is_sink(word: str) -> bool:
    """Tell whether a word names a sink, and no file."""
    return _SINK.match(word) is not None


def _beside(file: Path, sink: Store) -> Path:
    """Return where the checkpoints of a sink are, next to its file; for a database, next to the fleet's."""
    scheme, _, rest = sink.name.partition(":")
    if scheme in {"jsonl", "csv", "parquet", "sqlite"}:
        return Path(f"{rest.rstrip('/')}.checkpoints.db")
    return file.with_name(f"{file.stem}.{sha256(sink.name.encode()).hexdigest()[:8]}.checkpoints.db")
