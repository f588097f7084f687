"""The terminal as rich sees it.  A module of its own, because importing rich takes longer than most verbs."""

from __future__ import annotations

from rich.console import Console


class Screen(Console):
    """A console that lets a broken pipe pass, so that `meterkit ... | head` ends in order."""

    def on_broken_pipe(self) -> None:
        """Re-raise the BrokenPipeError at hand; rich would leave with SystemExit and status 1."""
        raise


def screen() -> Console:
    """Return the console of standard output."""
    return Screen(highlight=False, emoji=False)


def messages() -> Console:
    """Return the console of standard error: progress, hints and errors."""
    return Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
