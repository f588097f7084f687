"""A session again and again, with one fault at the next octet each time, in both directions.

    class Reading(Scenario):
        name = "a reading"
        def line(self): return EmulatorTransport(MeterEmulator())
        async def use(self, line):
            async with PsemClient(line) as client:
                return [await client.connect(), await client.read_table(1)]

    table = octet_sweep(Reading());  table.check();  print(table.markdown())

The session on a good line tells what is right.  On the bad one each Result has to be the same, or a typed
`Err`; then, on the line that is well again, the same session has to give the same once more.  A hang, a task
or timer or open line that is left, something the meter performed more often, whatever `audit` finds: WRONG.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from meterkit.errors import MeterError
from meterkit.result import Err, Ok
from meterkit.testing.fault_transport import FaultTransport
from meterkit.testing.faults import Drop, Duplicate, Fault, Flip, Insert, Latency, ResetPeer, Truncate, Way
from meterkit.testing.leftovers import Leftovers
from meterkit.testing.outcomes import Failure, Outcome, OutcomeTable
from meterkit.testing.virtual_clock import run_virtual
from meterkit.transport.base import Transport

#: Makes the fault of one kind at a position of one way.
MakeFault: TypeAlias = Callable[[Way, int], Fault]


class Scenario(ABC):
    """A session with a meter, to be run over bad lines.  It is built anew for each run."""

    name: str  #: in the table
    limit: float = 600.0  #: virtual seconds that one session may take, however bad its line
    delay: float = 7.5  #: s that late octets come late: more than the client's response time-out
    unseen: frozenset[str] = frozenset()  #: faults that the protocol has nothing to see by, by their kind

    @abstractmethod
    def line(self) -> Transport:
        """Return a line to a new meter."""

    @abstractmethod
    async def use(self, line: Transport) -> Sequence[Any]:
        """Use the line from its opening to its closing, and return all Results, the same on every good line.

        After an Err of the session it may end early: what it returns is compared as far as it goes.
        """

    def performed(self) -> Sequence[Hashable]:
        """Return what the meter did so far that must not be done twice, such as writes."""
        return ()

    def audit(self, line: FaultTransport) -> Sequence[str]:
        """Return what else went wrong, in words."""
        return ()


def faults_of(scenario: Scenario) -> dict[str, MakeFault]:
    """Return the seven kinds that are tried at every octet."""
    late = scenario.delay
    return {
        "drop": lambda way, at: Drop(way=way, at=at),
        "duplicate": lambda way, at: Duplicate(way=way, at=at),
        "flip": lambda way, at: Flip(way=way, at=at),
        "insert": lambda way, at: Insert(way=way, at=at),
        "truncate": lambda way, at: Truncate(way=way, at=at),
        "delay": lambda way, at: Latency(late, way=way, at=at),
        "reset": lambda way, at: ResetPeer(way=way, at=at),
    }


@dataclass(frozen=True, slots=True)
class _Run:
    """What came of one session."""

    results: Sequence[Any]
    performed: Counter[Hashable]
    octets: tuple[int, int]  # to the meter, from it
    seconds: float
    wrong: tuple[str, ...] = ()
    again: Sequence[Any] | None = None  # the Results on the line that is well again


def octet_sweep(
    make: Callable[[], Scenario], *, every: int = 1, seed: int = 0, kinds: Iterable[str] | None = None
) -> OutcomeTable:
    """Run what `make` makes with each of seven faults at every octet of both ways; return what came of it.

    `every`: of so many positions one is tried, by the `seed`, which also draws bits and octets; `kinds`: of
    drop, duplicate, flip, insert, truncate, delay and reset, those that are tried.
    Raises: AssertionError where the session fails on a good line.
    """
    good = _run(make(), (), seed)
    name = make().name
    if good.wrong or not good.results or not all(isinstance(one, Ok) for one in good.results):
        raise AssertionError(f"{name} fails on a good line: {[*good.wrong, *good.results]}")
    table = OutcomeTable()
    chosen = None if kinds is None else frozenset(kinds)
    for kind in faults_of(make()):
        for way, at in _positions(good, every, Random(f"{seed} {name} {kind}")):
            if chosen is None or kind in chosen:
                scenario = make()
                struck = faults_of(scenario)[kind](way, at)
                _judge(table, scenario, kind, struck, good, seed)
    return table


def _positions(good: _Run, every: int, dice: Random) -> Iterator[tuple[Way, int]]:
    for way, count in zip((Way.TO_METER, Way.FROM_METER), good.octets, strict=True):
        for begin in range(0, count, every):
            yield way, begin + dice.randrange(min(every, count - begin))


def _run(scenario: Scenario, faults: Sequence[Fault], seed: int) -> _Run:
    """Run one session on a new loop; whatever it raises is told."""
    try:
        return run_virtual(lambda _: _session(scenario, faults, seed), limit=3 * scenario.limit)
    except Exception as raised:  # that is what is looked for
        return _Run((), Counter(), (0, 0), 0.0, (f"{type(raised).__name__}: {raised}",))


async def _session(scenario: Scenario, faults: Sequence[Fault], seed: int) -> _Run:
    left = Leftovers()
    line = FaultTransport(scenario.line(), faults, seed=seed)
    results, seconds, wrong = await _use(scenario, line)
    performed = Counter(scenario.performed())
    octets = line.to_meter.position, line.from_meter.position
    again: Sequence[Any] | None = None
    if not all(isinstance(one, Ok) for one in results):
        again, _, more = await _use(scenario, line)
        wrong += more
    wrong += [*scenario.audit(line), *await left.found()]
    return _Run(results, performed, octets, seconds, tuple(wrong), again)


async def _use(scenario: Scenario, line: FaultTransport) -> tuple[Sequence[Any], float, list[str]]:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    results = await scenario.use(line)
    seconds = loop.time() - begin
    wrong = [f"took {seconds:g} s"] if seconds > scenario.limit else []
    if line.is_open or line.inner.is_open:
        wrong.append("the line was left open")
        await line.close()
    if line.lock.locked():
        wrong.append("the line's lock was left held")
    return results, seconds, wrong


def _judge(table: OutcomeTable, scenario: Scenario, kind: str, struck: Fault, good: _Run, seed: int) -> None:
    run = _run(scenario, (struck,), seed)
    wrong = [*run.wrong, *_untyped(run.results), *_stuck(good, run)]
    extra = run.performed - good.performed
    if run.performed.total() > good.performed.total():
        wrong.append(f"performed more often: {dict(extra)}")
    differing = _differing(good, run)
    if extra:
        differing.append(f"performed, and never asked for: {dict(extra)}")
    if not wrong and differing and kind in scenario.unseen:
        table.add(scenario.name, kind, Outcome.UNSEEN)
    elif wrong or differing:
        told = "; ".join([*wrong, *differing])
        table.add_failure(Failure(scenario.name, f"{struck!r} seed={seed}", told), kind)
    elif run.again is not None:
        first = next(one for one in run.results if isinstance(one, Err))
        table.add(scenario.name, kind, Outcome.ERR, first.error.kind)
    else:
        is_same = (run.octets, run.seconds) == (good.octets, good.seconds)
        table.add(scenario.name, kind, Outcome.SAME if is_same else Outcome.RECOVERED)


def _untyped(results: Sequence[Any]) -> Iterator[str]:
    for place, one in enumerate(results):
        if not isinstance(one, Ok | Err):
            yield f"result {place} is no Result: {one!r}"
        elif isinstance(one, Err) and not (_is_told(one.error)):
            yield f"result {place} is an error that says nothing: {one!r}"


def _is_told(error: object) -> bool:
    return isinstance(error, MeterError) and bool(error.message)


def _differing(good: _Run, run: _Run) -> list[str]:
    """Return the values that are Ok and not what they were on a good line."""
    return [
        f"result {place} is {one!r}, on a good line {right!r}"
        for place, (one, right) in enumerate(zip(run.results, good.results, strict=False))
        if isinstance(one, Ok) and one != right
    ]


def _stuck(good: _Run, run: _Run) -> Iterator[str]:
    """Tell what is not as it should be once the line is well again."""
    if run.again is not None and list(run.again) != list(good.results):
        yield f"not well again on a good line: {list(run.again)}"
