"""Between the readers and the sink: a queue that never grows beyond its bound, and batches.

    put ---> queue ---> batch ---> Sink.write ---> returned ---> Checkpoints.advance_all
     ^ waits while the queue is full               raised SinkFault: again, later, then given up and counted

A checkpoint moves only once everything before it has been written.  Of a meter some of whose readings were
given up no checkpoint moves for the rest of the run: the next run reads them again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from anyio import (
    AsyncContextManagerMixin,
    CancelScope,
    Event,
    create_task_group,
    current_time,
    move_on_after,
)

from meterkit.fleet.clock_watch import flag_jumps
from meterkit.fleet.delivery import Delivery, Parcel
from meterkit.fleet.pipeline_counts import PipelineCounts
from meterkit.fleet.readings import Checkpoints, Reading, Sink, SinkFault

__all__ = ["Pipeline", "PipelineCounts"]

BATCH_SIZE: Final = 2000  # readings
BATCH_AGE: Final = 1.0  # s that a reading waits for company
CAPACITY: Final = 20_000  # readings in the queue
RETRY_AFTER: Final = (1.0, 2.0, 5.0)  # s before a failed batch is tried again


@dataclass(slots=True)
class _Waiting:
    """A reader that waits for room."""

    size: int
    admitted: Event


class Pipeline(AsyncContextManagerMixin):
    """Takes readings from many readers and hands them to one sink in batches.

    `async with` opens sink and checkpoints, and closes them when everything put has been written or given up.
    Sizes are readings, times seconds.
    """

    def __init__(
        self,
        sink: Sink,
        checkpoints: Checkpoints | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        batch_age: float = BATCH_AGE,
        capacity: int = CAPACITY,
        retry_after: Sequence[float] = RETRY_AFTER,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not 1 <= batch_size <= capacity:
            raise ValueError(
                f"batch_size {batch_size}, capacity {capacity}: 1 <= batch_size <= capacity expected"
            )
        if batch_age < 0:
            raise ValueError(f"batch_age {batch_age}: 0 s or more expected")
        self.sink = sink
        self.checkpoints = checkpoints
        self.counts = PipelineCounts()
        self._batch_size = batch_size
        self._batch_age = batch_age
        self._capacity = capacity
        self._now = now
        self._delivery = Delivery(sink, checkpoints, self.counts, retry_after, now)
        self._queue: deque[tuple[float, Parcel]] = deque()  # since when it waits
        self._readers: deque[_Waiting] = deque()
        self._flushers: list[tuple[int, Event]] = []  # (number of the last parcel, done)
        self._put_count = self._done_count = 0  # parcels
        self._work = Event()
        self._is_open = False

    @property
    def held(self) -> Mapping[str, str]:
        """Meters some of whose readings were given up, and why: their checkpoints stay where they were."""
        return self._delivery.held

    # ---------------------------------------------------------------- its life
    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        # Left by an error or a cancellation, what isn't written is left to the next run.  The writer raises
        # nothing of its own, so the user's exception leaves as it came, not in an ExceptionGroup.
        if self._is_open:
            raise RuntimeError("the pipeline is open already")
        failure: BaseException | None = None
        try:
            await self.sink.open()
            if self.checkpoints is not None:
                await self.checkpoints.open()
            async with create_task_group() as tasks:
                tasks.start_soon(self._write_batches, name="meterkit pipeline")
                self._is_open = True
                try:
                    yield self
                    await self.flush()
                    await self._delivery.deliver(())  # checkpoints that could not be moved before
                except (Exception, SystemExit, KeyboardInterrupt) as raised:
                    failure = raised
                finally:
                    self._is_open = False
                    tasks.cancel_scope.cancel()
        finally:
            await self._close()
        if failure is not None:
            raise failure

    async def _close(self) -> None:
        with CancelScope(shield=True):
            for store in (self.sink, self.checkpoints):
                if store is not None:
                    try:
                        await store.close()
                    except SinkFault as fault:  # what was acknowledged is on disk all the same
                        self.counts.note(fault)

    # ---------------------------------------------------------------- the readers' side
    async def put(
        self,
        readings: Sequence[Reading],
        advance: Mapping[str, datetime] | None = None,
        *,
        meter: str | None = None,
    ) -> None:
        """Queue readings, in the meter's own order; waits while there is no room.

        `advance` moves checkpoints of `meter`, by default the meter of the readings, once these and all put
        before them have been written.  Times in the future are taken back to now: a clock that ran ahead must
        not hide what comes after it.
        Errors: RuntimeError outside `async with`; ValueError checkpoints of nobody.
        """
        if not self._is_open:
            raise RuntimeError("put: the pipeline isn't open")
        if advance and meter is None:
            if not readings:
                raise ValueError("put: without readings, `meter` has to say whose checkpoints move")
            meter = readings[0].meter
        now = self._now()
        kept = flag_jumps(readings, now)
        self.counts.put += len(kept)
        self.counts.flagged += sum(1 for reading in kept if reading.flags)
        moves = {} if not advance else {group: min(time, now) for group, time in advance.items()}
        size = self._batch_size
        for begin in range(0, max(len(kept), 1 if moves else 0), size):
            piece = kept[begin : begin + size]
            is_last = begin + size >= len(kept)
            await self._room_for(len(piece))
            self._queue.append((current_time(), Parcel(piece, meter if is_last and moves else None, moves)))
            self._put_count += 1
            self._work.set()

    def keep(self, reading: Reading) -> bool:
        """Take nothing at once: there may be no room, for which `put` waits."""
        return False

    async def begin(self, meter: str) -> Mapping[str, datetime]:
        """Return where to read `meter` on: the checkpoint of each of its channel groups.

        A meter that was held is no longer, for it is read again from before what was given up.
        Errors: SinkFault the checkpoints can't be read.
        """
        if meter in self.held:
            await self.flush()  # what an earlier attempt put must not move a checkpoint past the hole
            self._delivery.held.pop(meter, None)
        return {} if self.checkpoints is None else await self.checkpoints.load(meter)

    async def flush(self) -> None:
        """Wait until everything put so far has been written or given up; see `counts` and `held`."""
        if self._put_count > self._done_count:
            done = Event()
            self._flushers.append((self._put_count, done))
            self._work.set()
            await done.wait()

    async def _room_for(self, size: int) -> None:
        if not self._readers and self.counts.queued + size <= self._capacity:
            self.counts.queued += size
            return
        waiting = _Waiting(size, Event())
        self._readers.append(waiting)
        self.counts.waiting = len(self._readers)
        try:
            await waiting.admitted.wait()
        except BaseException:
            if waiting in self._readers:
                self._readers.remove(waiting)
            else:
                self.counts.queued -= size  # admitted and cancelled at once
            self._admit()
            raise

    def _admit(self) -> None:
        """Let readers in, first come first served, as far as there is room."""
        while self._readers and self.counts.queued + self._readers[0].size <= self._capacity:
            waiting = self._readers.popleft()
            self.counts.queued += waiting.size
            waiting.admitted.set()
        self.counts.waiting = len(self._readers)

    # ---------------------------------------------------------------- the sink's side
    async def _write_batches(self) -> None:
        while True:
            await self._wait_for_batch()
            parcels: list[Parcel] = []
            size = 0
            while self._queue and size + len(self._queue[0][1].readings) <= self._batch_size:
                _, parcel = self._queue.popleft()
                parcels.append(parcel)
                size += len(parcel.readings)
            await self._delivery.deliver(parcels)
            self._done_count += len(parcels)
            self.counts.queued -= size
            self._admit()
            self._release_flushers()

    async def _wait_for_batch(self) -> None:
        """Return once a batch is due: full, old enough, or asked for by `flush`."""
        while True:
            self._work = Event()
            if not self._queue:
                await self._work.wait()
                continue
            left = self._queue[0][0] + self._batch_age - current_time()
            if left <= 0 or self._flushers or self._is_full():
                return
            with move_on_after(left):
                await self._work.wait()

    def _is_full(self) -> bool:
        return self.counts.queued >= self._batch_size or bool(self._readers)

    def _release_flushers(self) -> None:
        left: list[tuple[int, Event]] = []
        for number, done in self._flushers:
            if number <= self._done_count:
                done.set()
            else:
                left.append((number, done))
        self._flushers = left
