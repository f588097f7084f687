"""The rows of a profile, as events and billing need them: what a client gives, in the fewest words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.profile.column import ProfileColumn
from meterkit.dlms.profile.row import ProfileRow
from meterkit.result import Result


class Rows(Protocol):
    """Rows of one profile, oldest first."""

    @property
    def columns(self) -> tuple[ProfileColumn, ...]:
        """The columns, known once the rows were read."""
        ...

    def __aiter__(self) -> AsyncIterator[Result[ProfileRow]]:
        """Yield the rows; an error is the last item."""
        ...


class HasProfiles(Protocol):
    """A client that reads profiles."""

    def load_profile(
        self, obis: ObisCode | str, since: datetime | None = None, until: datetime | None = None
    ) -> Rows:
        """Stream the rows of a profile from `since` to `until`."""
        ...
