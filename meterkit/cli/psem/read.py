"""`meterkit psem read`: one table, decoded where its layout is known, or a hex dump."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.access import Access
from meterkit.cli.console import screen, show
from meterkit.cli.meter import on_meter
from meterkit.cli.output import Json, hex_dump, jsonable, print_json, safe_text
from meterkit.cli.running import OK
from meterkit.cli.usage import UsageMistake, new_file
from meterkit.codec.layout import plain
from meterkit.errors import MeterError
from meterkit.psem.client import PsemClient
from meterkit.psem.tables import (
    GenConfig,
    KnownTable,
    Table,
    TableData,
    TableRegistry,
    is_osgp,
    known_table,
)
from meterkit.psem.tables.names import MANUFACTURER
from meterkit.result import Err, Ok

#: Lines of a decoded table or hex dump shown on a terminal without --all.
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What of which table is wanted, and where it goes."""

    table_id: int
    offset: int | None  #: octets
    count: int | None  #: octets; None: the whole table
    _: KW_ONLY
    raw: bool
    out: Path | None
    overwrite: bool
    show_all: bool
    definitions: Sequence[Path]
    as_json: bool

    def check(self) -> None:
        """Refuse what cannot be.  Errors: UsageMistake."""
        if self.count is not None and self.count < 1:
            raise UsageMistake(f"--count {self.count}: at least one octet must be read")
        if self.offset is not None and self.count is None:
            raise UsageMistake("--offset needs --count: how many octets to read from there")
        new_file(self.out, overwrite=self.overwrite)


def read(url: str, access: Access, wish: Wish) -> int:
    """Read a table and show it."""
    wish.check()
    registry = load_definitions(wish.definitions)

    async def body(client: PsemClient) -> int:
        octets, record = await _fetch(client, wish)
        known = await _known(client, wish.table_id)
        if wish.out is not None:
            wish.out.write_bytes(octets)
        if wish.as_json:
            print_json(_document(wish, known.name if known else None, octets, record))
        elif wish.out is not None:
            screen().print(
                f"{len(octets)} octets of {_shown_name(wish.table_id, known)} written to {wish.out}",
                markup=False,
            )
        else:
            _show(wish, known, octets, record)
        return OK

    return on_meter(url, access, body, registry=registry)


def load_definitions(files: Sequence[Path]) -> TableRegistry:
    """Return the built-in tables with those of JSON files over them, in order.  Errors: UsageMistake."""
    registry = TableRegistry()
    for file in files:
        try:
            registry.load_json(file, replace=True)
        except OSError as error:
            raise UsageMistake(f"cannot read {file}: {error.strerror or error}") from None
        except ValueError as flaw:
            raise UsageMistake(f"--definition {flaw}") from None
    return registry


def _name(table_id: int) -> str:
    return TableData(table_id, b"").display_name


def _shown_name(table_id: int, known: KnownTable | None) -> str:
    """Return a table's name for people: a manufacturer's table by that of the guide, such as ET16."""
    return known.display_name if known and table_id & MANUFACTURER else _name(table_id)


async def _fetch(client: PsemClient, wish: Wish) -> tuple[bytes, Table | MeterError | None]:
    """Return the octets and what they mean: a record, why they fit no declaration, or None."""
    if wish.count is not None:
        octets = await client.read_table_offset(wish.table_id, wish.offset or 0, wish.count)
        return octets.unwrap(), None
    data = (await client.read_table(wish.table_id)).unwrap()
    if wish.raw:
        return data.data, None
    decoded = await client.decode(data)
    return data.data, decoded.error if isinstance(decoded, Err) else decoded.value


async def _known(client: PsemClient, table_id: int) -> KnownTable | None:
    """Return what is known of the table, by C12.19 or, on OSGP meters, by the guide."""
    osgp = True
    if table_id & MANUFACTURER:
        config = await client.read(GenConfig)
        osgp = isinstance(config, Ok) and is_osgp(config.value)
    return known_table(table_id, osgp=osgp)


def _document(
    wish: Wish, title: str | None, octets: bytes, record: Table | MeterError | None
) -> dict[str, object]:
    document: dict[str, object] = {
        "table": wish.table_id,
        "name": _name(wish.table_id),
        "title": title,
        "offset": wish.offset or 0,
        "size": len(octets),
        "hex": octets.hex(),
    }
    if isinstance(record, MeterError):
        document["decode_error"] = str(record)
    document["fields"] = plain(record) if isinstance(record, Table) else None
    return document


def _show(wish: Wish, known: KnownTable | None, octets: bytes, record: Table | MeterError | None) -> None:
    head = f"{_shown_name(wish.table_id, known)} ({wish.table_id}), {len(octets)} octets"
    show(Text(f"{head}: {known.name}" if known else head, style="bold"))
    if isinstance(record, Table):
        if record.__doc__:
            show(Text(safe_text(record.__doc__.strip().splitlines()[0]), style="dim"))
        lines = list(flatten(jsonable(plain(record))))
        grid = Grid.grid(padding=(0, 2))
        for _ in ("path", "value"):
            grid.add_column(overflow="fold")  # long octets go on in the next line: nothing is cut off
        for path, value in lines if wish.show_all else lines[:MOST_LINES]:
            grid.add_row(Text(path, style="cyan"), Text(value))
        show(grid)
        left = 0 if wish.show_all else len(lines) - MOST_LINES
    else:
        if record is not None:
            show(Text(f"not decoded: {safe_text(str(record))}", style="yellow"))
        dump = list(hex_dump(octets, wish.offset or 0))
        show(*map(Text, dump if wish.show_all else dump[:MOST_LINES]))
        left = 0 if wish.show_all else len(dump) - MOST_LINES
    if left > 0:
        show(Text(f"{left} more lines not shown (--all shows them)", style="dim"))


def flatten(value: Json, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of what JSON knows as (path, text); a list of plain values is one leaf."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flatten(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for at, item in enumerate(value):
            yield from flatten(item, f"{path}[{at}]")
    elif isinstance(value, list):
        yield path, ", ".join(_leaf(item) for item in value)
    else:
        yield path, _leaf(value)


def _leaf(value: Json) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
