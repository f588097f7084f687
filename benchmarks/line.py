"""How much of a 9600 baud line's time a load profile stream uses, on a pty throttled to that speed.

A relay process joins the client's pty to the emulator and lets octets through at 960 a second, each way
its own wire.  The floor is the time that the octets themselves need: requests, framing, ACKs and answers,
both ways added up, since C12.18 takes turns.
"""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import time
import tty

from benchmarks.harness import main
from benchmarks.servers import server

BAUD_RATE = 9600
OCTET_TIME = 10 / BAUD_RATE  # s: start bit, 8 data bits, stop bit
SLICE = 4  # octets let through at a time: a UART's worth


class Throttle:
    """One wire: octets leave it in order, no sooner than the line's speed allows."""

    def __init__(self, write) -> None:
        self.write = write
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.passed = 0
        self.free_at = 0.0
        self.last = 0.0

    async def run(self) -> None:
        while True:
            if self.queue.empty():  # the line falls silent: the next octet starts when it comes
                octets = await self.queue.get()
                self.free_at = max(self.free_at, time.monotonic())
            else:  # the next octet starts when the last one ends, however late this loop woke up
                octets = self.queue.get_nowait()
            for start in range(0, len(octets), SLICE):
                part = octets[start : start + SLICE]
                self.free_at += len(part) * OCTET_TIME
                await asyncio.sleep(max(0.0, self.free_at - time.monotonic()))
                self.write(part)
                self.passed += len(part)
                self.last = time.monotonic()


async def relay(port: int) -> None:
    """Join a new pty, whose name is printed, to the emulator at `port`; print the octets on request."""
    loop = asyncio.get_running_loop()
    near, far = pty.openpty()
    tty.setraw(far)
    os.set_blocking(near, False)
    print(os.ttyname(far), flush=True)
    up: Throttle

    class Meter(asyncio.Protocol):
        def connection_made(self, transport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            down.queue.put_nowait(data)

    _, meter = await loop.create_connection(Meter, "127.0.0.1", port)
    up = Throttle(meter.transport.write)
    down = Throttle(lambda octets: os.write(near, octets))
    tasks = [asyncio.create_task(wire.run()) for wire in (up, down)]
    loop.add_reader(near, lambda: up.queue.put_nowait(os.read(near, 65536)))
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(up.passed + down.passed, flush=True)
    for task in tasks:
        task.cancel()


async def stream(pty_name: str, relaying: subprocess.Popen[str]) -> tuple[float, int, int]:
    """Stream BT64 and return seconds, octets on the line and rows, of the stream alone."""
    from meterkit import PsemClient, SerialOptions, SerialTransport
    from meterkit.emulator import DEMO_MASTER_KEY

    def passed() -> int:
        assert relaying.stdin is not None
        assert relaying.stdout is not None
        relaying.stdin.write("\n")
        relaying.stdin.flush()
        return int(relaying.stdout.readline())

    async with PsemClient(SerialTransport(SerialOptions(port=pty_name))) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        rows = client.load_profile(1)
        (await anext(rows)).unwrap()  # dimension tables and the first block: not the stream's steady state
        first_block = [(await anext(rows)).unwrap() for _ in range(rows.geometry.nbr_blk_ints - 1)]
        before = await asyncio.to_thread(passed)
        begin = time.monotonic()
        wanted = rows.geometry.nbr_blk_ints * BLOCKS
        count = len([(await anext(rows)).unwrap() for _ in range(wanted)])
        spent = time.monotonic() - begin
        after = await asyncio.to_thread(passed)
        assert first_block
        return spent, after - before, count


BLOCKS = 6


def jobs() -> list[dict[str, object]]:
    with server("emulator") as port:
        relaying = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.line", "--relay", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert relaying.stdout is not None
            spent, octets, rows = asyncio.run(stream(relaying.stdout.readline().strip(), relaying))
        finally:
            relaying.kill()
            relaying.wait()
    floor = octets * OCTET_TIME
    return [
        {
            "job": f"BT64 streamed at {BAUD_RATE} baud, {rows} rows",
            "ours": round(spent, 3),
            "floor": round(floor, 3),
            "unit": "s",
            "ratio_to_floor": round(spent / floor, 4),
            "ratio_to_best_peer": None,
            "note": f"{floor / spent:.1%} of the line's time used, {octets} octets",
        }
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--relay"]:
        asyncio.run(relay(int(sys.argv[2])))
    else:
        main(jobs, __doc__)
