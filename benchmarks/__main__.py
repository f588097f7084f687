"""Run every benchmark, one after the other: `python -m benchmarks [--json]`."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import (
    axdr,
    crc,
    dlms,
    em1000,
    exchange,
    fleet,
    hdlc,
    line,
    load_profile,
    many,
    profile,
    security,
    sinks,
    tables,
    translate,
)
from benchmarks.harness import main


def jobs() -> Iterator[dict[str, object]]:
    for module in (
        crc,
        em1000,
        hdlc,
        axdr,
        load_profile,
        profile,
        tables,
        exchange,
        dlms,
        security,
        line,
        many,
        fleet,
        sinks,
        translate,
    ):
        yield from module.jobs()


if __name__ == "__main__":
    main(jobs, __doc__)
