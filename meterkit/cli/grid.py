"""Tables on the terminal: columns with heads, texts of the meter made harmless."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.output import safe_text

#: Characters of a cell that are kept together at most: a time is 20, a register's reading less.
_MOST_UNBROKEN = 24
#: Characters that a column broken over lines keeps: few words are longer.
_LEAST = 8


def make_grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Grid:
    """Return a table without its empty columns.

    A head that begins with ">" sets its column right.  Where the screen is narrow, the columns whose heads
    begin with "~" are broken over lines, so that no number and no time ever is.
    """
    filled = [tuple(row) for row in rows]
    shown = [at for at in range(len(heads)) if any(row[at] not in ("", "-") for row in filled)]
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="cyan")
    for at in shown:
        head = heads[at].lstrip(">~")
        longest = max((len(safe_text(row[at])) for row in filled), default=0)
        grid.add_column(
            head,
            justify="right" if heads[at].startswith(">") else "left",
            overflow="fold",
            no_wrap=not heads[at].startswith("~") and longest <= _MOST_UNBROKEN,
            min_width=min(longest, _LEAST if heads[at].startswith("~") else _MOST_UNBROKEN),
        )
    for row in filled:
        grid.add_row(*(Text(safe_text(row[at])) for at in shown))
    return grid
