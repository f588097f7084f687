"""A fleet over loopback TCP: CPU an exchange, what an open session takes, and keep-alives of idle meters.

Floor: as many bare asyncio Protocols at once, which send as many requests of the same octets and await the
same number back.  The servers are processes of their own and answer at once.  Counted is the CPU of the whole
run: dialling, identifying or associating, the plan's reads, logging off, reports.  Python looks for garbage
as seldom as in `meterkit fleet run`, for all contenders.

Peer: gurux-dlms with a thread and a blocking socket for each meter, as head-ends are written today; each in a
process of its own, the same meters, which take their time as meters do: two registers of each.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import resource
import statistics
import subprocess
import sys
from time import process_time

from benchmarks import dlms, exchange
from benchmarks.exchange import Bare
from benchmarks.harness import Job, main
from benchmarks.many import resident
from benchmarks.servers import server

METERS = 1000
READS = 20  # of each meter, besides what opens and closes its session
SESSION = {"psem": 6, "dlms": 2}  # exchanges that do: identify, negotiate, log on ... ; AARQ, RLRQ
SESSIONS = 10_000
IDLE = 30.0  # s
LATENCY = 0.2  # s; of the meters that gurux-dlms reads too
PLANS = {
    "psem": {"psem": {"tables": [2200 + number for number in range(READS)]}},
    "dlms": {
        "dlms": {
            "attributes": [{"class_id": 3, "obis": f"1-0:1.8.{number}"} for number in range(READS)],
        }
    },
}
OCTETS = {"psem": (exchange.REQUEST, exchange.ANSWER_SIZE), "dlms": (dlms.REQUEST, len(dlms.ANSWER))}


def loops():
    found = {"asyncio": None}
    with contextlib.suppress(ImportError):
        import uvloop

        found["uvloop"] = uvloop.new_event_loop
    return found


def bare(port: int, kind: str, loop_factory=None) -> float:
    """Return the CPU an exchange, us, of connections that do the least one can."""
    exchanges = SESSION[kind] + READS
    request, _ = OCTETS[kind]

    async def one() -> None:
        _, line = await asyncio.get_running_loop().create_connection(Bare, "127.0.0.1", port)
        for _ in range(exchanges):
            await line.ask(request)
        line.transport.close()

    async def run() -> float:
        begin = process_time()
        await asyncio.gather(*(one() for _ in range(METERS)))
        return (process_time() - begin) / (METERS * exchanges) * 1e6

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run())


def entries(kind: str, count: int):
    from meterkit.fleet import MeterEntry

    return [MeterEntry(id=f"{kind}-{n}", url=f"{kind}+tcp://meter-{n}:1153") for n in range(count)]


def fleet_of(port: int, sessions: int):
    """Return a fleet whose meters all are at one port, each over a connection of its own."""
    from meterkit import TcpOptions, TcpTransport
    from meterkit.dlms.secured.key_provider import MemoryKeys
    from meterkit.dlms.security.key_kinds import KeyKind
    from meterkit.emulator import DEMO_READ_KEY
    from meterkit.fleet import Fleet, FleetLimits

    options = TcpOptions(host="127.0.0.1", port=port)
    return Fleet(
        limits=FleetLimits(sessions=sessions, connections_per_second=5000, connection_burst=500),
        passwords=MemoryKeys({("default", KeyKind.PASSWORD): DEMO_READ_KEY}),
        dial=lambda _: TcpTransport(options),
    )


def fleet_run(port: int, kind: str, loop_factory=None) -> float:
    """Return the CPU an exchange, us, of a fleet's run."""
    from meterkit.fleet import Outcome, ReadPlan

    plan, meters = ReadPlan.model_validate(PLANS[kind]), entries(kind, METERS)

    async def run() -> float:
        async with fleet_of(port, METERS) as fleet:
            begin = process_time()
            async for report in fleet.run(plan, meters):
                assert report.outcome is Outcome.READ, report.error
            return (process_time() - begin) / (METERS * (SESSION[kind] + READS)) * 1e6

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run())


def open_sessions(port: int, kind: str, sessions: int) -> dict[str, float]:
    """Open sessions that stay open; return KiB and tasks for each, and what idling takes, % of a core."""
    from meterkit.fleet import ReadPlan

    one = {
        "psem": {"psem": {"tables": [2200]}},
        "dlms": {"dlms": {"attributes": PLANS["dlms"]["dlms"]["attributes"][:1]}},
    }
    plan, meters = ReadPlan.model_validate(one[kind]), entries(kind, sessions)

    async def run() -> dict[str, float]:
        async with fleet_of(port, sessions) as fleet:
            gc.collect()
            before = resident()
            poll = fleet.poll(plan, meters, every=3600.0, keep_open=True)
            for _ in range(sessions):
                report = await anext(poll)
                assert report.error is None, report.error
            await asyncio.sleep(1.0)
            gc.collect()
            size, tasks = resident() - before, len(asyncio.all_tasks())
            assert fleet.open_sessions == sessions
            begin = process_time()
            await asyncio.sleep(IDLE)
            idle = (process_time() - begin) / IDLE * 100
            assert fleet.open_sessions == sessions
            return {"kib": size / sessions, "tasks": tasks / sessions, "idle": idle}

    return asyncio.run(run())


def apart(*words: str) -> dict[str, float]:
    """Return what a measurement in a process of its own has printed."""
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def exchange_jobs():
    for kind, meter in (("psem", "canned"), ("dlms", "canned_dlms")):
        answer = "00" * OCTETS[kind][1]
        with server(meter) as port, server("echo", answer) as echo:
            for name, factory in loops().items():
                job = Job(
                    f"{METERS} {kind.upper()} meters at once, {name}",
                    "us CPU an exchange",
                    ours=lambda port=port, kind=kind, factory=factory: fleet_run(port, kind, factory),
                    floor=lambda echo=echo, kind=kind, factory=factory: bare(echo, kind, factory),
                    rounds=5,
                )
                line = job.run()
                line["note"] = f"{1e6 / line['ours']:.0f} exchanges a second and core"
                yield line


def session_jobs():
    for kind, meter in (("psem", "canned"), ("dlms", "canned_dlms")):
        with server(meter) as port:
            seen = apart("benchmarks.fleet_apart", "sessions", str(port), kind, str(SESSIONS))
        yield {
            "job": f"{SESSIONS} open {kind.upper()} sessions in one process",
            "ours": round(seen["kib"], 1),
            "floor": None,
            "unit": "KiB a session",
            "ratio_to_floor": None,
            "ratio_to_best_peer": None,
            "note": f"{seen['tasks']:.2f} tasks a session; idle they take {seen['idle']:.2f} % of a core",
        }


def peer_jobs():
    found: dict[str, list[dict[str, float]]] = {"fleet": [], "gurux": []}
    with server("canned_dlms", str(LATENCY)) as port:
        for _ in range(3):
            for name, seen in found.items():
                seen.append(apart("benchmarks.fleet_apart", name, str(port), str(METERS)))
    ours, peer = (
        {name: statistics.median(one[name] for one in found[who]) for name in found[who][0]}
        for who in ("fleet", "gurux")
    )
    for what, name, unit in (("ms", "CPU", "ms a meter"), ("kib", "memory", "KiB a meter, at the most")):
        yield {
            "job": f"{METERS} DLMS meters at once, {LATENCY:g} s an answer: {name}",
            "ours": round(ours[what], 2),
            "gurux-dlms": round(peer[what], 2),
            "floor": None,
            "unit": unit,
            "ratio_to_floor": None,
            "ratio_to_best_peer": round(ours[what] / peer[what], 3),
            "note": f"{ours['rate']:.0f} meters a second; gurux-dlms in threads {peer['rate']:.0f}",
        }


def jobs():
    from meterkit.cli.fleet.drive import GARBAGE

    gc.set_threshold(*GARBAGE)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    try:
        yield from exchange_jobs()
        yield from session_jobs()
        yield from peer_jobs()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    main(jobs, __doc__)
