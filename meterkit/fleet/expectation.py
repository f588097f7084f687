"""What a fleet should deliver: every channel of every meter, learnt from what the store holds.

    plan            of each meter, its channel groups: LP1, profile/1-0:99.1.0
    store           of each group, its channels and their intervals: LP1/ch0 of 900 s, LP1/ch1 of 900 s
    meter unknown   one that never answered should deliver what most of its kind do

A plan names groups and no channels: which there are is the meters' affair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from meterkit.fleet.coverage import Expected
from meterkit.fleet.meters import MeterEntry
from meterkit.fleet.plan import ReadPlan
from meterkit.fleet.readings import ReadingKind, Store, channel_group
from meterkit.fleet.slots import DAY
from meterkit.options import PsemClientOptions

__all__ = ["Expectation", "expected_of"]

#: How far before a window to look for channels that it has none of.
_EARLIER: Final = (timedelta(days=1), timedelta(days=7), timedelta(days=31))

#: A protocol's channel group: meters of one protocol have the same channels, as far as one can know.
_Kind: TypeAlias = tuple[str, str]
_Shape: TypeAlias = frozenset[tuple[str, int]]  # channels with their intervals


@dataclass(frozen=True, slots=True)
class Expectation:
    """The channels that are expected, and the groups of which nothing is known."""

    expected: tuple[Expected, ...]
    unknown: tuple[str, ...] = ()  #: channel groups that no meter has ever delivered


@dataclass(slots=True)
class _Known:
    """The channels seen so far, of meters that belong to the fleet."""

    groups: dict[str, _Kind | None]  # meter and group, joined -> its kind
    intervals: dict[tuple[str, str], dict[str, int]] = field(
        default_factory=dict[tuple[str, str], dict[str, int]]
    )

    def take(self, meter: str, channel: str, interval: int) -> None:
        group = channel_group(channel)
        if _joined(meter, group) in self.groups and not (DAY % interval and interval % DAY):
            self.intervals.setdefault((meter, group), {})[channel] = interval


async def expected_of(
    store: Store, plan: ReadPlan, meters: Iterable[MeterEntry], since: datetime, until: datetime
) -> Expectation:
    """Return what `meters` should deliver between two times, by what the store holds of them.

    Where the window holds nothing of a group, the store is asked for up to a month before it.  Intervals that
    no day is made of are left out.
    Errors: SinkFault the store can't be read.
    """
    wanted = [(entry.id, kind) for entry in meters for kind in _kinds(plan, entry)]
    known = _Known({_joined(meter, kind[1]): kind for meter, kind in wanted})
    ids = {meter for meter, _ in wanted}
    await _learn(store, known, since, until, ids)
    kinds = {kind for _, kind in wanted}
    for earlier in _EARLIER:
        if kinds <= _shapes(known).keys():
            break
        await _learn(store, known, since - earlier, since, ids)
    shapes = _shapes(known)
    expected = [one for meter, kind in wanted for one in _expect(known, shapes, meter, kind)]
    return Expectation(tuple(expected), tuple(sorted({group for _, group in kinds - shapes.keys()})))


def _kinds(plan: ReadPlan, entry: MeterEntry) -> Iterator[_Kind]:
    """Yield the profiles that the plan has of a meter."""
    is_psem = isinstance(entry.address.options, PsemClientOptions)
    part = plan.psem if is_psem else plan.dlms
    if part is not None:
        yield from (("psem" if is_psem else "dlms", profile.group) for profile in part.load_profile)


async def _learn(store: Store, known: _Known, since: datetime, until: datetime, meters: set[str]) -> None:
    async for chunk in store.scan(since, until, meters=meters):
        for reading in chunk:
            if reading.kind is ReadingKind.INTERVAL and reading.interval:
                known.take(reading.meter, reading.channel, reading.interval)


def _shapes(known: _Known) -> dict[_Kind, _Shape]:
    """Return the channels that most meters of each kind have; of two as frequent, the larger set."""
    counts: dict[_Kind, Counter[_Shape]] = {}
    for (meter, group), channels in known.intervals.items():
        kind = known.groups[_joined(meter, group)]
        if kind is not None:
            counts.setdefault(kind, Counter())[frozenset(channels.items())] += 1
    return {
        kind: max(shapes, key=lambda shape: (shapes[shape], len(shape), sorted(shape)))
        for kind, shapes in counts.items()
    }


def _expect(known: _Known, shapes: dict[_Kind, _Shape], meter: str, kind: _Kind) -> Sequence[Expected]:
    own = known.intervals.get((meter, kind[1]))
    channels = shapes.get(kind, frozenset()) if own is None else own.items()
    return [Expected(meter, channel, interval) for channel, interval in sorted(channels)]


def _joined(meter: str, group: str) -> str:
    return f"{meter}\0{group}"
