"""The whole sweep: every scenario, every fault, every octet of both ways; `python -m tests.reliability`.

    python -m tests.reliability --every 10 --only HDLC          a part of it
    python -m tests.reliability --page docs/reliability.md      and its table into the page

Exit status 1 where anything went wrong.
"""

import argparse
import multiprocessing
import os
import sys
from pathlib import Path

from meterkit.testing import Outcome, OutcomeTable, octet_sweep
from tests.reliability.scenarios import KINDS, SCENARIOS

BEGIN, END = "<!-- sweep: begin -->\n", "<!-- sweep: end -->\n"


def work(job):
    """Run one scenario with one kind of fault, in a process of its own."""
    place, kind, every, seed = job
    return octet_sweep(SCENARIOS[place], every=every, seed=seed, kinds=[kind])


def sweep(places, every, seed, jobs):
    """Return the table of all that was asked for, and tell how it goes."""
    table = OutcomeTable()
    work_list = [(place, kind, every, seed) for place in places for kind in KINDS]
    with multiprocessing.Pool(jobs) as pool:
        for (place, kind, _, _), part in zip(work_list, pool.imap(work, work_list), strict=True):
            table.merge(part)
            told = f"{SCENARIOS[place].name}, {kind}: {part.nbr_runs} runs, {len(part.failures)} wrong"
            print(told, file=sys.stderr, flush=True)
    return table


def page(table, seed):
    """Return what the documentation says of the sweep."""
    told = ", ".join(f"{table.count(one)} {one.value}" for one in Outcome)
    return f"{table.nbr_runs} sessions over bad lines (seed {seed}): {told}.\n\n{table.markdown()}"


def write_page(path, text):
    """Put the table where the page has its marks.  Raises: ValueError for a page without them."""
    old = path.read_text(encoding="utf-8")
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path}: {BEGIN.strip()} and {END.strip()} expected, on lines of their own")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main():
    """Read the command line, sweep, print, and tell whether all went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="of so many octets one is tried")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="scenarios whose name has this in it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--page", type=Path, help="the page that the table is written into")
    asked = parser.parse_args()
    places = [place for place, one in enumerate(SCENARIOS) if asked.only in one.name]
    table = sweep(places, asked.every, asked.seed, asked.jobs)
    text = page(table, asked.seed)
    print(text)
    if asked.page is not None:
        write_page(asked.page, text)
    for failure in table.failures:
        print(f"WRONG {failure.scenario}, {failure.fault}: {failure.what}")
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
