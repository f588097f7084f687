"""A thousand meters streamed at once from one process over TCP: memory per meter, and whether it grows.

The meters are one emulator in another process, each connection a session of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
from time import perf_counter, process_time

from benchmarks.harness import main
from benchmarks.servers import server

METERS = 1000
BATCH = 50  # connections opened at a time
EARLY, LATE = 200, 900  # rows after which memory is looked at


def resident() -> float:
    """Return this process's resident memory in KiB."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1024


async def crowd(port: int, meters: int) -> dict[str, float]:
    from meterkit import PsemClient, TcpOptions, TcpTransport
    from meterkit.emulator import DEMO_MASTER_KEY

    gate = asyncio.Semaphore(BATCH)
    reached = {EARLY: asyncio.Barrier(meters + 1), LATE: asyncio.Barrier(meters + 1)}
    rows = 0

    async def one() -> None:
        nonlocal rows
        transport = TcpTransport(TcpOptions(host="127.0.0.1", port=port))
        async with PsemClient(transport) as client:
            async with gate:
                (await client.connect(DEMO_MASTER_KEY)).unwrap()
            count = 0
            async for row in client.load_profile(1):
                row.unwrap()
                count += 1
                if count in reached:
                    await reached[count].wait()
            rows += count

    gc.collect()
    empty, begin, cpu = resident(), perf_counter(), process_time()
    tasks = [asyncio.create_task(one()) for _ in range(meters)]
    seen = {}
    for mark, barrier in reached.items():
        await barrier.wait()
        gc.collect()
        seen[mark] = resident()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return {
        "early": (seen[EARLY] - empty) / meters,
        "late": (seen[LATE] - empty) / meters,
        "rows": rows,
        "seconds": perf_counter() - begin,
        "cpu": process_time() - cpu,
    }


def jobs() -> list[dict[str, object]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    with server("emulator") as port:
        seen = asyncio.run(crowd(port, METERS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return [
        {
            "job": f"{METERS} meters streamed at once",
            "ours": round(seen["late"], 1),
            "floor": None,
            "unit": f"KiB a meter after {LATE} rows each",
            "ratio_to_floor": None,
            "ratio_to_best_peer": None,
            "note": f"{seen['early']:.1f} KiB after {EARLY} rows; {seen['rows']:.0f} rows in "
            f"{seen['seconds']:.1f} s, {seen['cpu'] / seen['rows'] * 1e6:.1f} us CPU a row",
        }
    ]


if __name__ == "__main__":
    main(jobs, __doc__)
