"""The terminal as rich sees it.  A module of its own, because importing rich takes longer than most verbs."""

from __future__ import annotations

import os

from rich.console import Console, RenderableType

#: Columns of a pipe or a file: no line of text and no table is broken there.
_ENDLESS = 4096
#: Columns of a drawing where no terminal says how wide it is.
_DRAWING = 80


class Screen(Console):
    """A console that lets a broken pipe pass, so that `meterkit ... | head` ends in order."""

    def on_broken_pipe(self) -> None:
        """Re-raise the BrokenPipeError at hand; rich would leave with SystemExit and status 1."""
        raise


def screen() -> Console:
    """Return the console of standard output, as wide as the terminal or as COLUMNS says."""
    console = Screen(highlight=False, emoji=False)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
        console.width = _ENDLESS
    return console


def show(*parts: RenderableType) -> None:
    """Print on standard output; nothing is cut off, and a pipe or a file gets no blanks at ends of lines."""
    console = screen()
    if not parts:
        return
    if console.is_terminal:
        console.print(*parts, sep="\n", crop=False)
        return
    with console.capture() as captured:
        console.print(*parts, sep="\n", crop=False)
    console.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())
    console.file.flush()


def drawing_width(console: Console) -> int:
    """Return how many columns a load curve or a heat map has on `console`."""
    return _DRAWING if console.width == _ENDLESS else console.width


def messages() -> Console:
    """Return the console of standard error: progress, hints and errors."""
    return Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
