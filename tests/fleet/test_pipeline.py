"""Between readers and sink: nothing is acknowledged too early, nothing piles up, no fault spreads."""

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from meterkit.fleet.checkpoints import MemoryCheckpoints
from meterkit.fleet.pipeline import Pipeline
from meterkit.fleet.readings import SinkFault
from tests.fleet.samples import NOW, QUARTER, START, day, interval
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio
SOON = START + timedelta(hours=1)
LATER = START + timedelta(hours=2)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class MemorySink:
    """Keeps batches; `faults` are raised by the writes to come, None lets one pass; `refuses` a meter."""

    name = "memory"

    def __init__(self):
        self.batches = []
        self.faults = []
        self.refuses = None
        self.gate = None
        self.is_open = False

    async def open(self):
        self.is_open = True

    async def write(self, batch):
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses is not None and any(reading.meter == self.refuses for reading in batch):
            raise SinkFault("no such meter", is_refusal=True)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.batches.append(list(batch))

    async def close(self):
        self.is_open = False

    @property
    def readings(self):
        return [reading for batch in self.batches for reading in batch]


def pipeline(sink, checkpoints=None, **options):
    return Pipeline(sink, checkpoints, now=lambda: NOW, **options)


async def test_leaving_writes_what_is_left_and_closes():
    sink = MemorySink()
    async with pipeline(sink) as line:
        assert sink.is_open
        await line.put(day("m1"))
    assert sink.readings == day("m1")
    assert not sink.is_open
    assert (line.counts.put, line.counts.written, line.counts.queued) == (96, 96, 0)


async def test_a_batch_is_written_when_it_is_full():
    sink = MemorySink()
    async with pipeline(sink, batch_size=100, batch_age=1000.0) as line:
        await line.put(day("m1"))
        await anyio.sleep(1)
        assert sink.batches == []
        await line.put(day("m2"))
        await anyio.sleep(1)
        assert [len(batch) for batch in sink.batches] == [96]


async def test_a_batch_is_written_when_it_is_old():
    sink = MemorySink()
    async with pipeline(sink, batch_age=5.0) as line:
        await line.put(day("m1"))
        await anyio.sleep(4)
        assert sink.batches == []
        await anyio.sleep(2)
        assert sink.readings == day("m1")


async def test_flush_waits_for_the_disk():
    sink = MemorySink()
    async with pipeline(sink, batch_age=1000.0) as line:
        await line.put(day("m1"))
        await line.flush()
        assert sink.readings == day("m1")
        await line.flush()


async def test_a_long_put_becomes_several_batches_and_moves_its_checkpoint_last():
    sink, kept = MemorySink(), MemoryCheckpoints()
    sink.faults = [None, SinkFault("down")]
    async with pipeline(sink, kept, batch_size=40, capacity=40, retry_after=()) as line:
        await line.put(day("m1"), {"LP1": SOON})
        await line.flush()
        assert [len(batch) for batch in sink.batches] == [40, 16]
    assert await kept.load("m1") == {}  # the middle was given up
    assert line.counts.given_up == 40


async def test_readers_wait_while_the_queue_is_full_and_go_on_in_their_order():
    sink = MemorySink()
    sink.gate = anyio.Event()
    order = []

    async def reader(line, meter):
        await line.put(day(meter))
        order.append(meter)

    async with pipeline(sink, batch_size=96, capacity=192) as line, anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(reader, line, f"m{number}")
            await anyio.sleep(0.1)
        await anyio.sleep(60)
        assert order == ["m0", "m1"]
        assert (line.counts.queued, line.counts.waiting) == (192, 4)
        sink.gate.set()
    assert order == [f"m{number}" for number in range(6)]
    assert len(sink.readings) == 6 * 96


async def test_a_reader_cancelled_while_it_waits_leaves_no_trace():
    sink = MemorySink()
    sink.gate = anyio.Event()
    async with pipeline(sink, batch_size=96, capacity=96) as line:
        await line.put(day("m1"))
        with anyio.move_on_after(5):
            await line.put(day("m2"))
        assert (line.counts.queued, line.counts.waiting) == (96, 0)
        sink.gate.set()
        await line.put(day("m3"))
    assert {reading.meter for reading in sink.readings} == {"m1", "m3"}


async def test_a_checkpoint_moves_after_the_write_and_not_before():
    sink, kept = MemorySink(), MemoryCheckpoints()
    sink.gate = anyio.Event()
    async with pipeline(sink, kept) as line:
        await line.put(day("m1"), {"LP1": SOON})
        await anyio.sleep(60)
        assert await kept.load("m1") == {}
        sink.gate.set()
        await line.flush()
        assert await kept.load("m1") == {"LP1": SOON}
        await line.put((), {"LP1": LATER, "events": SOON}, meter="m1")
    assert await kept.load("m1") == {"LP1": LATER, "events": SOON}
    assert line.counts.checkpoints == 3


async def test_a_fault_that_passes_is_survived():
    sink, kept = MemorySink(), MemoryCheckpoints()
    sink.faults = [SinkFault("the disk is full"), SinkFault("the disk is full")]
    async with pipeline(sink, kept, retry_after=(1.0, 2.0, 5.0)) as line:
        await line.put(day("m1"), {"LP1": SOON})
    assert sink.readings == day("m1")
    assert (line.counts.faults, line.counts.given_up, line.counts.last_fault) == (2, 0, "the disk is full")
    assert await kept.load("m1") == {"LP1": SOON}


async def test_what_is_given_up_is_counted_and_its_meter_held():
    sink, kept = MemorySink(), MemoryCheckpoints()
    sink.faults = [SinkFault("the database is dead")] * 2
    async with pipeline(sink, kept, retry_after=(1.0,), batch_size=96) as line:
        await line.put(day("m1"), {"LP1": SOON})
        await line.flush()
        assert dict(line.held) == {"m1": "the database is dead"}
        await line.put(day("m1", "LP1/ch2"), {"LP1": LATER})  # the run goes on
        await line.put(day("m2"), {"LP1": SOON})
    assert sink.readings == [*day("m1", "LP1/ch2"), *day("m2")]
    assert line.counts.given_up == 96
    assert await kept.load("m1") == {}
    assert await kept.load("m2") == {"LP1": SOON}


async def test_a_held_meter_that_is_begun_anew_is_read_from_before_the_hole():
    sink, kept = MemorySink(), MemoryCheckpoints()
    async with pipeline(sink, kept, retry_after=()) as line:
        await line.put(day("m1"), {"LP1": START})
        await line.flush()
        sink.faults = [SinkFault("down")]
        await line.put(day("m1"), {"LP1": SOON})
        await line.flush()
        await line.put((), {"LP1": LATER}, meter="m1")  # still of the attempt with the hole
        assert await line.begin("m1") == {"LP1": START}
        assert not line.held
        await line.put(day("m1"), {"LP1": SOON})
    assert await kept.load("m1") == {"LP1": SOON}


async def test_one_refused_parcel_harms_no_other():
    sink, kept = MemorySink(), MemoryCheckpoints()
    sink.refuses = "m2"
    async with pipeline(sink, kept) as line:
        for meter in ("m1", "m2", "m3"):
            await line.put(day(meter), {"LP1": SOON})
    assert {reading.meter for reading in sink.readings} == {"m1", "m3"}
    assert dict(line.held) == {"m2": "no such meter"}
    assert (line.counts.written, line.counts.given_up) == (192, 96)
    assert [await kept.load(meter) for meter in ("m1", "m2", "m3")] == [{"LP1": SOON}, {}, {"LP1": SOON}]


async def test_checkpoints_that_cannot_be_kept_are_moved_later():
    class Failing(MemoryCheckpoints):
        fails = True

        async def advance_all(self, checkpoints):
            if self.fails:
                self.fails = False
                raise SinkFault("the disk is full")
            await super().advance_all(checkpoints)

    sink, kept = MemorySink(), Failing()
    async with pipeline(sink, kept) as line:
        await line.put(day("m1"), {"LP1": SOON})
    assert await kept.load("m1") == {"LP1": SOON}
    assert (line.counts.faults, line.counts.written) == (1, 96)


async def test_a_key_twice_in_a_batch_is_written_once_with_its_last_value():
    sink = MemorySink()
    first, last = interval("m1", 1, value=1), interval("m1", 1, value=2)
    async with pipeline(sink) as line:
        await line.put([first])
        await line.put([last])
    assert sink.readings == [last]


async def test_a_clock_that_jumped_back_is_flagged():
    sink = MemorySink()
    async with pipeline(sink) as line:
        await line.put([interval("m1", 3), interval("m1", 4), interval("m1", 2), interval("m1", 5)])
    assert [reading.flags for reading in sink.readings] == [(), (), ("clock_back",), ()]
    assert line.counts.flagged == 1


async def test_a_clock_that_is_ahead_is_flagged_and_moves_no_checkpoint_into_the_future():
    sink, kept = MemorySink(), MemoryCheckpoints()
    ahead = replace(interval("m1", 1), time=NOW + timedelta(days=365), read_at=NOW)
    async with pipeline(sink, kept) as line:
        await line.put([interval("m1", 1), ahead], {"LP1": ahead.time})
    assert [reading.flags for reading in sink.readings] == [(), ("clock_ahead",)]
    assert await kept.load("m1") == {"LP1": NOW}


async def test_a_users_exception_leaves_as_it_came_and_leaves_the_rest_unwritten():
    sink = MemorySink()

    async def fail():
        async with pipeline(sink, batch_age=1000.0) as line:
            await line.put(day("m1"))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await fail()
    assert not sink.is_open
    assert sink.readings == []


async def test_a_cancelled_pipeline_closes_its_sink():
    sink = MemorySink()
    with anyio.move_on_after(5):
        async with pipeline(sink) as line:
            await line.put(day("m1"))
            await anyio.sleep_forever()
    assert not sink.is_open


async def test_a_sink_that_cannot_be_opened_is_told():
    class Shut(MemorySink):
        async def open(self):
            raise SinkFault("no such folder")

    with pytest.raises(SinkFault, match="no such folder"):
        async with pipeline(Shut()):
            pass


async def test_mistakes_of_the_program_are_told():
    with pytest.raises(RuntimeError, match="open"):
        await pipeline(MemorySink()).put(day("m1"))
    with pytest.raises(ValueError, match="1 <= batch_size <= capacity"):
        pipeline(MemorySink(), batch_size=10, capacity=5)
    async with pipeline(MemorySink()) as line:
        with pytest.raises(ValueError, match="whose checkpoints"):
            await line.put((), {"LP1": START + QUARTER})
