"""A program to be killed: reads a seeded fleet from where the checkpoints stand, until it is done.

    python killed_run.py SINK-URL CHECKPOINTS METERS DAYS

Its meters know every interval of some days and hand them over in pieces, as meters do.
"""

import sys
from datetime import timedelta

import anyio

from meterkit.fleet.checkpoints import SqliteCheckpoints
from meterkit.fleet.pipeline import Pipeline
from meterkit.fleet.sinks import open_sink
from tests.fleet.samples import START, interval

CHANNELS = ("LP1/ch1", "LP1/ch2")
PIECE = 24  # intervals of both channels that a meter hands over at once


def source(meter, since, days):
    """Yield what a meter holds after `since`, in pieces of both channels, oldest first."""
    first = int((since - START) / timedelta(minutes=15)) + 1
    last = 96 * days
    for begin in range(first, last + 1, PIECE):
        numbers = range(begin, min(begin + PIECE, last + 1))
        yield [interval(meter, number, channel) for number in numbers for channel in CHANNELS]


async def read(pipeline, meter, days):
    checkpoints = await pipeline.begin(meter)
    for piece in source(meter, checkpoints.get("LP1", START), days):
        # In two halves: the checkpoint must not move with the first alone.
        await pipeline.put(piece[::2])
        await pipeline.put(piece[1::2], {"LP1": piece[-1].time})


async def main(url, checkpoints, meters, days):
    async with Pipeline(
        open_sink(url), SqliteCheckpoints(checkpoints), batch_size=300, batch_age=0.01, capacity=600
    ) as pipeline:
        print("reading", flush=True)
        async with anyio.create_task_group() as tasks:
            for number in range(meters):
                tasks.start_soon(read, pipeline, f"m{number}", days)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
