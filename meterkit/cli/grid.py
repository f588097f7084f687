"""Tables on the terminal: columns with heads, texts of the meter made harmless."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.output import safe_text


def make_grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Grid:
    """Return a table without its empty columns; a head that begins with ">" sets its column right."""
    filled = [tuple(row) for row in rows]
    shown = [at for at in range(len(heads)) if any(row[at] not in ("", "-") for row in filled)]
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="cyan")
    for at in shown:
        head = heads[at]
        grid.add_column(head.removeprefix(">"), justify="right" if head.startswith(">") else "left")
    for row in filled:
        grid.add_row(*(Text(safe_text(row[at])) for at in shown))
    return grid
