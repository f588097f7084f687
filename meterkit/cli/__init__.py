"""The `meterkit` command.  Extra: `pip install 'meterkit[cli]'`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper

_INSTALL = "the meterkit command needs the cli extra: pip install 'meterkit[cli]'"
_EXTRA = frozenset({"cyclopts", "rich"})  # what the extra brings


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 ok, 1 the meter or line failed, 2 wrong usage,
    130 ended by Ctrl-C or SIGTERM.

    `tokens`: the words after `meterkit`; by default those this process was started with.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a code page without block characters gets question marks
            stream.reconfigure(errors="replace")
    try:
        from meterkit.cli.app import run

        return run(list(sys.argv[1:] if tokens is None else tokens))
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] not in _EXTRA:
            raise
        print(_INSTALL, file=sys.stderr)
        return 2
