"""The soak as a command: `python -m tests.reliability.soak [--days 7] [--meters 100] [--json FILE]`."""

import argparse
import json
import sys
from pathlib import Path

from tests.reliability.soak import week


def main():
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--days", type=int, default=7, help="virtual days")
    parser.add_argument("--meters", type=int, default=100)
    parser.add_argument("--every", type=int, default=900, help="s between two polls of a meter")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--untraced", action="store_true", help="without tracemalloc, twice as fast")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    chosen = parser.parse_args()

    def tell(gauge):
        print(json.dumps(gauge.to_json()), file=sys.stderr, flush=True)

    figures = week.run(
        days=chosen.days,
        meters=chosen.meters,
        every=chosen.every,
        seed=chosen.seed,
        is_traced=not chosen.untraced,
        told=tell,
    )
    text = json.dumps(figures, indent=1) + "\n"
    if chosen.json is not None:
        chosen.json.write_text(text, encoding="utf-8")
    print(text, end="")
    failed = figures["holes"] or figures["wrong"] or figures["counters repeated"]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
