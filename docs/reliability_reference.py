"""Write the figures of docs/reliability.md from docs/figures: `python docs/reliability_reference.py`.

    <!-- soak: begin -->
    from docs/figures/soak.json
    <!-- soak: end -->

A file that is no soak's has {"told": text, "head": [...], "rows": [[...], ...]}.  Where there is no file of a
name, what stands between its marks is left as it is: the sweep writes its own.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("reliability.md")
FIGURES = Path(__file__).with_name("figures")
#: What is behind the names of the soak's meters.
KINDS = {
    "psem": "C12.18, block sequence past 2³²",
    "psem_log": "C12.18, event sequence past 2³²",
    "psem_21": "C12.21",
    "psem_bad": "C12.18, bad line",
    "psem_old": "C12.18, firmware 2.10",
    "wrapper": "WRAPPER, password",
    "hdlc": "HDLC, password, bad line",
    "alarm": "WRAPPER, ciphered, our counter past 2,000,000,000, the meter's past 2³¹",
    "end": "HDLC, ciphered, our counter runs out",
    "dedicated": "WRAPPER, ciphered, suite 1, dedicated keys",
}
KEPT = 100  # characters of a message
MARKED = re.compile(r"(<!-- (\w+): begin -->\n)(.*?)(<!-- \2: end -->\n)", re.DOTALL)


def render(page: str) -> str:
    """Return the page with the figures of today."""
    return MARKED.sub(_section, page)


def _section(found: re.Match[str]) -> str:
    begin, name, old, end = found.groups()
    path = FIGURES / f"{name}.json"
    if not path.exists():
        return begin + old + end
    figures = json.loads(path.read_text(encoding="utf-8"))
    text = SECTIONS.get(name, table)(figures)
    return f"{begin}\n{text}\n{end}"


def table(figures: dict[str, Any]) -> str:
    """Return a text and one table."""
    return f"{figures['told']}\n\n{_table(figures['head'], figures['rows'])}"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [" | ".join(map(_cell, row)) for row in (head, *rows)]
    lines.insert(1, " | ".join("---" for _ in head))
    return "".join(f"| {line} |\n" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def soak(figures: dict[str, Any]) -> str:
    """Return what became of the long run: its size, what went wrong, how polls ended, what was held."""
    return "\n".join(
        [
            _told(figures),
            _table(("what happened", "times"), figures["happened"].items()),
            _table(("kind of meter", "polls read", "polls failed"), _polls(figures["outcomes"])),
            _table(("error of a poll", "times"), _errors(figures["errors"])),
            _table(
                ("virtual day", "blocks of memory", "resident, KiB", "tasks", "descriptors", "threads"),
                _held(figures, "blocks", "resident", "tasks", "descriptors", "threads"),
            ),
        ]
    )


def soak_traced(figures: dict[str, Any]) -> str:
    """Return what tracemalloc told of a smaller run."""
    terms = figures["terms"]
    head = ("virtual day", "meterkit, KiB", "its emulator, KiB", "elsewhere, KiB", "blocks of memory")
    rows = _held(figures, "library", "emulator", "elsewhere", "blocks")
    return f"{terms['meters']} meters, {terms['days']} days, traced:\n\n{_table(head, rows)}"


def _told(figures: dict[str, Any]) -> str:
    terms, read, happened = figures["terms"], figures["read"], figures["happened"]
    polls = sum(figures["outcomes"].values())
    faults = ", ".join(
        f"{len(figures[name])} {words}"
        for name, words in (
            ("holes", "holes"),
            ("wrong", "wrong values"),
            ("counters repeated", "counters used twice"),
        )
    )
    return (
        f"{terms['meters']} meters polled every {terms['every'] // 60} minutes for {terms['days']} days "
        f"(seed {terms['seed']}): {polls:,} polls, {happened['pieces sent to meters']:,} pieces sent, "
        f"{read['intervals kept']:,} intervals, {figures['ciphered requests']:,} ciphered requests. "
        f"**{faults}.** The command: `python -m tests.reliability.soak --days {terms['days']} "
        f"--meters {terms['meters']} --every {terms['every']} --seed {terms['seed']} --untraced`.\n"
    )


def _polls(outcomes: dict[str, int]) -> list[tuple[str, int, int]]:
    kinds: dict[str, list[int]] = {}
    for name, count in outcomes.items():
        kind, _, outcome = name.partition(" ")
        kinds.setdefault(kind, [0, 0])[outcome != "read"] += count
    return [(KINDS[kind], read, failed) for kind, (read, failed) in kinds.items()]


def _errors(errors: dict[str, int]) -> list[tuple[str, int]]:
    told: dict[str, int] = {}
    for name, count in errors.items():
        kind, what, message = name.split(" | ", 2)
        told[f"{KINDS[kind]}: {_short(message)} [{what}]"] = count
    return list(told.items()) or [("none", 0)]


def _short(message: str) -> str:
    """Return a message without what to do about it; the soak keeps `KEPT` characters of each."""
    told, semicolon, _ = message.partition(";")
    return told if semicolon or len(message) < KEPT else f"{told.rpartition(' ')[0]} ..."


def _held(figures: dict[str, Any], *names: str) -> list[list[object]]:
    return [[round(gauge["day"], 1), *(gauge[name] for name in names)] for gauge in figures["gauges"]]


SECTIONS = {"soak": soak, "soak_traced": soak_traced}


def main() -> None:
    """Write the page, or with --check say whether it is current."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = render(page)
    if "--check" in sys.argv:
        sys.exit(wanted != page)
    PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
