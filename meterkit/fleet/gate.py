"""Gate: who may begin next.  Sessions, new connections a second, and permits for what meters share.

    put(job) --> ready, by rank ---- next() --> begins, with all its permits
                   ^     `-- a key is full --> waits at that key
                   `-- release: the first who waits there is ready again

Pure: it is told the time.  A job takes all its permits at once or none, so two never wait for each other;
everything costs O(log n).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

__all__ = ["Gate", "Key", "TokenBucket", "Waiting"]

Key: TypeAlias = tuple[str, str]  #: kind and name, such as ("gateway", "g7")
_ALMOST: Final = 1e-9  # of a token: what rounding leaves when exactly one has come


class Waiting(Protocol):
    """Whoever wants to begin."""

    @property
    def rank(self) -> int:
        """The lower goes first; those of one rank go in the order they came."""
        ...

    @property
    def keys(self) -> tuple[Key, ...]:
        """What it needs a permit for."""
        ...

    @property
    def has_session(self) -> bool:
        """Whether it opens no connection, because it has one."""
        ...

    @property
    def holds_session(self) -> bool:
        """Whether it has a session, which may have broken."""
        ...

    def drop_session(self) -> None:
        """Let go of the session that broke."""
        ...

    @property
    def is_withdrawn(self) -> bool:
        """Whether it no longer wants to."""
        ...


J = TypeVar("J", bound=Waiting)


class TokenBucket:
    """So many a second, and after a quiet time `burst` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, float(burst)
        self._tokens, self._at = float(burst), float("-inf")

    def wait(self, now: float) -> float:
        """Return the seconds until there is one; 0: there is."""
        if now > self._at:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now
        missing = 1 - self._tokens
        return missing / self._rate if missing > _ALMOST else 0.0

    def take(self) -> None:
        """Take one that `wait` has found."""
        self._tokens -= 1


@dataclass(slots=True)
class _Place(Generic[J]):
    """A place in a queue."""

    job: J
    woken_at: Key | None = None  # the key it waited at last


#: Rank, number and place: tuples, which a heap compares without a call of ours; no two numbers are equal.
_Queue: TypeAlias = list[tuple[int, int, _Place[J]]]


class Gate(Generic[J]):
    """Who holds what, and who waits where."""

    def __init__(self, sessions: int, bucket: TokenBucket, limits: Mapping[str, int]) -> None:
        self.open_sessions = 0
        self._sessions = sessions
        self._bucket = bucket
        self._limits = limits  # permits by kind of key; a kind that is not there has no end of them
        self._held: dict[Key, int] = {}
        self._waiting: dict[Key, _Queue[J]] = {}
        self._opening: _Queue[J] = []  # ready, but for a session and a connection
        self._ready: _Queue[J] = []  # ready, with a session
        self._numbers = count()

    def __len__(self) -> int:
        """How many wait, those that have withdrawn included."""
        return len(self._opening) + len(self._ready) + sum(map(len, self._waiting.values()))

    @property
    def is_full(self) -> bool:
        """Whether no further session may be opened."""
        return self.open_sessions >= self._sessions

    @property
    def opening(self) -> int:
        """How many are ready, but for a session and a connection."""
        return len(self._opening)

    def put(self, job: J) -> None:
        """Let `job` wait for its turn."""
        self._queue((job.rank, next(self._numbers), _Place(job)))

    def next(self, now: float) -> J | float | None:
        """Return a job that begins now, with its permits; or when to ask again; or None: after a release.

        `now` and the answer in seconds, on one clock.
        """
        place = self._first(self._ready)
        if place is None:
            place = self._first(self._opening)
            if place is None or self.is_full:
                return None
            wait = self._bucket.wait(now)
            if wait:
                return now + wait
            self._bucket.take()
            self.open_sessions += 1
            heappop(self._opening)
        else:
            heappop(self._ready)
        job, held = place.job, self._held
        for key in job.keys:
            held[key] = held.get(key, 0) + 1
        return job

    def release(self, job: J, *, session: bool = True) -> None:
        """Take back a job's permits; its session too, unless that stays open."""
        for key in job.keys:
            left = self._held.pop(key) - 1
            if left:
                self._held[key] = left
            self._wake(key)
        if session:
            self.release_session()

    def release_session(self) -> None:
        """Take back a session that was kept open."""
        self.open_sessions -= 1

    def _queue(self, entry: tuple[int, int, _Place[J]]) -> None:
        job = entry[2].job
        if job.holds_session and not job.has_session:
            job.drop_session()
            self.release_session()
        heappush(self._ready if job.has_session else self._opening, entry)

    def _first(self, queue: _Queue[J]) -> _Place[J] | None:
        """Return the first that can have all its permits; those before it wait at a key from now on."""
        while queue:
            entry = queue[0]
            place = entry[2]
            full = None if place.job.is_withdrawn else self._full(place.job)
            is_broken = queue is self._ready and not place.job.has_session
            if full is None and not place.job.is_withdrawn and not is_broken:
                return place
            heappop(queue)
            if is_broken and not place.job.is_withdrawn:
                self._queue(entry)  # where those are that open a connection
                continue
            woken_at, place.woken_at = place.woken_at, None
            if full is not None:
                heappush(self._waiting.setdefault(full, []), entry)
            if woken_at is not None and woken_at != full:
                self._wake(woken_at)  # it did not use the chance it was given there
        return None

    def _full(self, job: J) -> Key | None:
        for key in job.keys:
            limit = self._limits.get(key[0])
            if limit is not None and self._held.get(key, 0) >= limit:
                return key
        return None

    def _wake(self, key: Key) -> None:
        waiting = self._waiting.get(key)
        if not waiting:
            return
        entry = heappop(waiting)
        if not waiting:
            del self._waiting[key]
        entry[2].woken_at = key
        self._queue(entry)
