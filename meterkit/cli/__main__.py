"""`python -m meterkit.cli`: the same as `meterkit`."""

from __future__ import annotations

import sys

from meterkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
