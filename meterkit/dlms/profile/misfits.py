"""Rows that are left out because a cell of theirs is none, and the one error that tells of them all.

    profile 1-0:99.1.0*255: row 17, column 1 (0-0:1.0.0), after 2026-03-01 04:00:00+00:00:
        a date-time expected, month 13 came; 09 0c 07 ea 0d 01 ..; 3 rows were left out

The rows behind them are good: A-XDR tells where a row ends, whatever is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from meterkit.dlms.profile.clock import UNKNOWN, to_datetime
from meterkit.errors import MeterError


@dataclass(frozen=True, slots=True)
class Misfit:
    """A row that was left out."""

    number: int  #: in its answer, from 0
    error: MeterError  #: with row, column and octets
    moment: int = UNKNOWN  #: its own; that of a neighbour, where its own is not known


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments of some rows, and which of them are local, `deviation` minutes from UTC."""

    found: Sequence[int]
    local: bytes | None = None
    deviation: int = 0

    def time(self, number: int) -> datetime | None:
        """Return the time of a row as `ProfileRow.time` tells it."""
        is_local = self.local is not None and bool(self.local[number])
        return to_datetime(self.found[number], self.deviation if is_local else None)

    def last(self) -> Moments | None:
        """Return the last of them that is known, if one is."""
        for number in range(len(self.found) - 1, -1, -1):
            if self.found[number] != UNKNOWN:
                local = None if self.local is None else self.local[number : number + 1]
                return Moments(self.found[number : number + 1], local, self.deviation)
        return None


def misfits_of(
    errors: Mapping[int, MeterError], first: int, moments: Moments, before: Moments | None
) -> list[Misfit]:
    """Return the rows that are left out, each placed by its own time or that of a neighbour.

    `errors` are by row, from 0 and as in `moments`; `first` is the number of that row in its answer, and
    `before` the last known time before it.
    """
    known = (place for place, moment in enumerate(moments.found) if moment != UNKNOWN)
    first_known = next(known, None)
    misfits: list[Misfit] = []
    last: int | None = None
    for row, moment in enumerate(moments.found):
        last = last if moment == UNKNOWN else row
        error = errors.get(row)
        if error is None:
            continue
        word = "at" if last == row else "after"
        place, times = last, moments
        if last is None and before is not None:
            place, times = 0, before
        elif last is None:
            word, place = "before", first_known
        if place is None:
            misfits.append(Misfit(first + row, error))
            continue
        error = replace(error, where=f"{error.where}, {word} {times.time(place)}")
        misfits.append(Misfit(first + row, error, times.found[place]))
    return misfits


class LeftOut:
    """What one reading left out, and what else was wrong with it, for the error that ends it."""

    def __init__(self, flaws: Iterable[MeterError] = ()) -> None:
        self.rows = 0
        self._first: MeterError | None = None
        self._flaws = tuple(flaws)

    def add(self, misfits: Sequence[Misfit]) -> None:
        """Take note of rows that were left out."""
        if misfits and self._first is None:
            self._first = misfits[0].error
        self.rows += len(misfits)

    def error(self) -> MeterError | None:
        """Return the error that tells of it all; None where nothing was wrong."""
        errors = [*([self._first] if self._first is not None else []), *self._flaws]
        if not errors:
            return None
        told = [errors[0].message, *([self._words] if self.rows else [])]
        told += [f"besides, {one.where}: {one.message}" for one in errors[1:]]
        return replace(errors[0], message="; ".join(told))

    def told_with(self, error: MeterError) -> MeterError:
        """Return an error that ended the reading early, with what had been left out until then."""
        if self._first is None:
            return error
        told = (
            f"{error.message}; before it {self._words}, the first: {self._first.where}: {self._first.message}"
        )
        return replace(error, message=told)

    @property
    def _words(self) -> str:
        return "1 row was left out" if self.rows == 1 else f"{self.rows} rows were left out"
