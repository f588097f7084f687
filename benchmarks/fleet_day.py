"""A day of a fleet in virtual time: 10,000 meters polled every quarter of an hour; does anything grow?

    python -m benchmarks.fleet_day [--meters 10000] [--polls 96] [--keep-open]

Meters answer from memory at once, so what is measured is the fleet.  A line a round: reports, memory, tasks,
open lines, objects.  It ends with status 1 if the last round holds more than the eighth, by more than 2 %.
Without --keep-open every poll dials, associates, reads one register and releases: some ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from datetime import UTC, datetime, timedelta
from time import perf_counter

from benchmarks.many import resident
from benchmarks.servers import CannedDlms
from meterkit.fleet import Fleet, FleetLimits, MeterEntry, Outcome, ReadPlan
from meterkit.testing.virtual_clock import VirtualClockLoop
from meterkit.transport.base import Transport

EVERY = 900.0  # s
SETTLED = 8  # rounds after which nothing may grow
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = {"dlms": {"attributes": [{"class_id": 3, "obis": "1-0:1.8.0"}]}}


class CannedLine(Transport):
    """A line to a meter in memory, which answers while it is being asked."""

    are_open = 0

    def __init__(self) -> None:
        super().__init__()
        self.answers = b""
        self.meter = CannedDlms()
        self.meter.connection_made(self)
        self._is_open = False

    def write(self, octets: bytes) -> None:
        self.answers += octets

    name = "canned"
    is_noisy = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    async def open(self) -> None:
        CannedLine.are_open += not self._is_open
        self._is_open = True

    async def close(self) -> None:
        CannedLine.are_open -= self._is_open
        self._is_open = False

    async def send(self, octets: bytes) -> None:
        self.meter.data_received(octets)

    async def receive(self, timeout: float) -> bytes:
        if not self.answers:
            await asyncio.sleep(timeout)
        return self.discard()

    def discard(self) -> bytes:
        octets, self.answers = self.answers, b""
        return octets


async def day(meters: int, polls: int, *, keep_open: bool) -> list[dict[str, float]]:
    loop = asyncio.get_running_loop()
    entries = [MeterEntry(id=f"m{n}", url=f"dlms+tcp://meter-{n}:4059") for n in range(meters)]
    limits = FleetLimits(sessions=meters, connections_per_second=1000, connection_burst=1000)
    fleet = Fleet(
        limits=limits,
        dial=lambda _: CannedLine(),
        clock=lambda: BEGIN + timedelta(seconds=loop.time()),
    )
    seen: list[dict[str, float]] = []
    begin, count = perf_counter(), 0
    async with fleet:
        plan = ReadPlan.model_validate(PLAN)
        poll = fleet.poll(plan, entries, every=EVERY, rounds=polls, spread=EVERY * 0.9, keep_open=keep_open)
        async for report in poll:
            assert report.outcome is Outcome.READ, report.error
            count += 1
            if count % meters == 0:
                seen.append(look(count // meters, perf_counter() - begin))
    seen.append(look(polls + 1, perf_counter() - begin))
    assert CannedLine.are_open == 0
    return seen


def look(number: int, seconds: float) -> dict[str, float]:
    gc.collect()
    found = {
        "round": number,
        "seconds": round(seconds, 1),
        "KiB": resident(),
        "tasks": len(asyncio.all_tasks()),
        "lines": CannedLine.are_open,
        "objects": len(gc.get_objects()),
    }
    print("  ".join(f"{name} {value:g}" for name, value in found.items()), flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=10_000)
    parser.add_argument("--polls", type=int, default=96)
    parser.add_argument("--keep-open", action="store_true")
    wish = parser.parse_args()
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        seen = runner.run(day(wish.meters, wish.polls, keep_open=wish.keep_open))
    *rounds, _ = seen
    early, late = rounds[min(SETTLED, len(rounds)) - 1], rounds[-2 if len(rounds) > 1 else -1]
    grown = [name for name in ("KiB", "tasks", "lines", "objects") if late[name] > early[name] * 1.02 + 10]
    print("flat" if not grown else f"grown: {', '.join(grown)}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
