"""Measurements of `benchmarks.fleet` that want a process of their own; the last line is JSON.

python -m benchmarks.fleet_apart sessions PORT psem|dlms COUNT    open sessions: KiB, tasks, % of a core
python -m benchmarks.fleet_apart fleet|gurux PORT COUNT           meters read: ms of time and KiB a meter
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import threading
from time import perf_counter, process_time

from benchmarks.dlms_peers import Wrapper
from benchmarks.fleet import entries, fleet_of, open_sessions
from benchmarks.many import resident
from meterkit.cli.fleet.drive import GARBAGE

OBISES = ("1.0.1.8.0.255", "1.0.2.8.0.255")


def sessions(port: str, kind: str, count: str) -> dict[str, float]:
    return open_sessions(int(port), kind, int(count))


class Measure:
    """What reading so many meters takes, from now on."""

    def __init__(self, count: int) -> None:
        self.count, self.before = count, resident()
        self.time, self.cpu = perf_counter(), process_time()

    def result(self) -> dict[str, float]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "rate": self.count / (perf_counter() - self.time),
            "ms": (process_time() - self.cpu) / self.count * 1e3,
            "kib": (peak - self.before) / self.count,
        }


def fleet(port: str, count: str) -> dict[str, float]:
    from meterkit.fleet import Outcome, ReadPlan

    attributes = [{"class_id": 3, "obis": f"1-0:{number}.8.0"} for number in (1, 2)]
    plan = ReadPlan.model_validate({"dlms": {"attributes": attributes}})
    meters = entries("dlms", int(count))

    async def run(meters) -> dict[str, float]:
        async with fleet_of(int(port), int(count)) as fleet:
            measure = Measure(len(meters))
            async for report in fleet.run(plan, meters):
                assert report.outcome is Outcome.READ, report.error
            return measure.result()

    asyncio.run(run(meters[:1]))  # what is imported late is not counted
    return asyncio.run(run(meters))


def gurux(port: str, count: str) -> dict[str, float]:
    from gurux_dlms.enums import Authentication, InterfaceType
    from gurux_dlms.GXDLMSClient import GXDLMSClient
    from gurux_dlms.GXReplyData import GXReplyData
    from gurux_dlms.objects import GXDLMSRegister

    read: list[int] = []

    def one() -> None:
        client = GXDLMSClient(True, 16, 1, Authentication.NONE, None, InterfaceType.WRAPPER)
        line = Wrapper(int(port))

        def ask(request: bytes, reply: GXReplyData) -> None:
            client.getData(bytearray(line.ask(bytes(request))), reply)

        reply = GXReplyData()
        for request in client.aarqRequest():
            ask(request, reply)
        client.parseAareResponse(reply.data)
        for obis in OBISES:
            register = GXDLMSRegister(obis)
            reply = GXReplyData()
            ask(client.read(register, 2)[0], reply)
            read.append(client.updateValue(register, 2, reply.value))
        line.ask(bytes(client.releaseRequest()[0]))
        line.socket.close()

    one()  # what is imported late is not counted
    read.clear()
    measure = Measure(int(count))
    threads = [threading.Thread(target=one) for _ in range(int(count))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [5009] * (len(OBISES) * int(count))
    return measure.result()


if __name__ == "__main__":
    gc.set_threshold(*GARBAGE)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    measured = {"sessions": sessions, "fleet": fleet, "gurux": gurux}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(measured))
