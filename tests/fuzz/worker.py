"""One target under libFuzzer, while its time lasts: `python -m tests.fuzz.worker MODULE NAME ...`.

What follows the name is libFuzzer's.  Of this library alone every branch and comparison is watched.
"""

from __future__ import annotations

import sys
from importlib import import_module

import atheris


def main() -> None:
    """Fuzz; libFuzzer ends the process, not with 0 when it found something."""
    module, name, *given = sys.argv[1:]
    with atheris.instrument_imports(include=["meterkit"]):
        import_module(module)
    from tests.fuzz.target import TARGETS

    atheris.Setup([name, *given], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
