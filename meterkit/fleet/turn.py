"""Turn: one meter's part in a run, from its first attempt to its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache

from meterkit.address import MeterAddress
from meterkit.errors import MeterError
from meterkit.fleet.access import Client
from meterkit.fleet.desk import Desk
from meterkit.fleet.meters import MeterEntry
from meterkit.fleet.readings import Reading
from meterkit.fleet.report import MeterReport, Outcome, SectionReport
from meterkit.fleet.route import Route

__all__ = ["Turn"]


class Turn:
    """What became of one meter so far."""

    __slots__ = (
        "abandoned",
        "address",
        "attempts",
        "began",
        "began_at",
        "client",
        "counts",
        "desk",
        "done",
        "entry",
        "error",
        "failed",
        "is_at_work",
        "is_over",
        "place",
        "round",
        "route",
        "was_kept",
    )

    def __init__(
        self,
        entry: MeterEntry,
        address: MeterAddress,
        route: Route,
        place: int,
        abandoned: Callable[[Client], None],
    ) -> None:
        self.entry, self.address, self.route = entry, address, route
        self.abandoned = abandoned  #: takes leave of a client whose session broke while it was idle
        self.place = place  #: in the list of meters: those of one priority go in this order
        self.client: Client | None = None  #: with an open session, of a poll that keeps them
        self.begin_anew(-1)
        self.is_over = True

    def begin_anew(self, number: int) -> None:
        """Begin round `number` of a poll."""
        self.round = number
        self.attempts = 0
        self.began: float | None = None  # the loop's time of the first attempt
        self.began_at: datetime | None = None
        self.desk: Desk | None = None
        self.done: set[str] = set()  # sections that were read whole
        self.counts: dict[str, int] = {}  # readings by section
        self.failed: dict[str, MeterError] = {}  # of sections, in the last attempt
        self.error: MeterError | None = None  # what ended the last attempt
        self.is_at_work = False  #: an attempt is being made
        self.was_kept = False  #: the last attempt went by a session of an earlier round
        self.is_over = False  #: it has been reported

    @property
    def is_open(self) -> bool:
        """Whether its session is open since the last poll, as far as anyone can know without asking."""
        return self.client is not None and self.client.is_connected

    @property
    def has_lost_session(self) -> bool:
        """Whether it had a session since the last poll that is known to be gone."""
        return self.client is not None and not self.client.is_connected

    def abandon_client(self) -> None:
        """Let go of the client; whoever has tasks takes leave of it."""
        client, self.client = self.client, None
        if client is not None:
            self.abandoned(client)

    def report(
        self,
        now: float,
        names: tuple[str, ...],
        *,
        refused: MeterError | None = None,
        data: Sequence[Reading] = (),
    ) -> MeterReport:
        """Return the report; `names` are the sections of its plan, `refused` why it was not tried."""
        if len(self.done) == len(names):
            sections = _sections_read(names, tuple(map(self.counts.get, names)))
        else:
            sections = tuple(map(self._section, names)) if self.attempts else ()
        readings = 0 if self.desk is None else self.desk.readings
        error = refused or self.error or next(iter(self.failed.values()), None)
        return MeterReport(
            meter=self.entry.id,
            outcome=self._outcome(names, readings, refused),
            error=error,
            attempts=self.attempts,
            readings=readings,
            sections=sections,
            began_at=self.began_at,
            duration=0.0 if self.began is None else now - self.began,
            round=self.round,
            data=tuple(data),
        )

    def refusal(self, number: int, error: MeterError) -> MeterReport:
        """Return the report of a round, `number`, that this meter was not free for."""
        return MeterReport(self.entry.id, Outcome.REFUSED, error, round=number)

    def _outcome(self, names: Sequence[str], readings: int, refused: MeterError | None) -> Outcome:
        if refused is not None and not self.attempts:
            return Outcome.REFUSED
        if not self.attempts:
            return Outcome.NOT_REACHED
        if len(self.done) == len(names) and self.error is None:
            return Outcome.READ
        return Outcome.PARTLY if self.done or readings else Outcome.FAILED

    def _section(self, name: str) -> SectionReport:
        count = self.counts.get(name, 0)
        if name in self.done:
            return _section_read(name, count)
        error = self.failed.get(name)
        if count or error is not None:
            return SectionReport(
                name, Outcome.PARTLY if count else Outcome.FAILED, count, error or self.error
            )
        return SectionReport(name, Outcome.NOT_REACHED)


@lru_cache(maxsize=1024)
def _section_read(name: str, count: int) -> SectionReport:
    """Return the report of a section that was read: one for all meters of which it is the same."""
    return SectionReport(name, Outcome.READ, count)


@lru_cache(maxsize=256)
def _sections_read(names: tuple[str, ...], counts: tuple[int | None, ...]) -> tuple[SectionReport, ...]:
    """Return the reports of all sections of a meter that was read whole: most meters have the same."""
    return tuple(_section_read(name, count or 0) for name, count in zip(names, counts, strict=True))
