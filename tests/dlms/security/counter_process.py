"""Runs in processes of its own: takes counters from a store and says each before it would be sent.

python counter_process.py FILE take COUNT      one process, COUNT numbers
python counter_process.py FILE die ROUNDS      ROUNDS children, each killed (-9) in the middle of its work
python counter_process.py FILE fork COUNT      a parent and its child go on with one store and one block
"""

from __future__ import annotations

import os
import signal
import sys

from meterkit.dlms.secured.counter_store import SqliteCounterStore
from meterkit.dlms.security import CounterName

NAME = CounterName(b"SERVER01", b"METERKIT")


def tell(number: int) -> None:
    os.write(1, b"%d\n" % number)


def take(path: str, count: int) -> None:
    store = SqliteCounterStore(path, block_size=7)
    for _ in range(count):
        tell(store.reserve(NAME, 1).take())


def die(path: str, rounds: int) -> None:
    """Kill each child when it has told so many numbers, whatever it is doing then."""
    for turn in range(rounds):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 1)
            store = SqliteCounterStore(path, block_size=3)
            while True:
                block = store.reserve(NAME, 2)
                tell(block.take())
                tell(block.take())
        os.close(writing)
        told = b""
        while told.count(b"\n") < turn % 11:
            told += os.read(reading, 64)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while more := os.read(reading, 4096):
            told += more
        os.close(reading)
        os.write(1, told)


def fork(path: str, count: int) -> None:
    store = SqliteCounterStore(path)
    block = store.reserve(NAME, 5)
    tell(block.take())
    child = os.fork()
    if child == 0 and block.left:
        tell(-1)  # the block is its parent's
    for _ in range(count):
        tell(store.reserve(NAME, 1).take())
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    tell(block.take())


if __name__ == "__main__":
    globals()[sys.argv[2]](sys.argv[1], int(sys.argv[3]))
