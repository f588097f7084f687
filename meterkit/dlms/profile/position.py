"""Where a stream of a profile's rows stands, so that another one, in another session, goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Self

from meterkit import arguments
from meterkit.dlms.cosem.obis import ObisCode

_MARK = 8  # octets
_INT64 = 1 << 63


@dataclass(frozen=True, slots=True)
class ProfilePosition:
    """The last row that was handed out.  JSON: `to_json` and `from_json`."""

    obis: str
    time: datetime | None = None  #: when it was captured, as `ProfileRow.time` tells
    moment: int | None = None  #: the same in hundredths of a second since 1970
    entry: int | None = None  #: its number from the oldest, 1, where rows are read by number
    mark: str = ""  #: what tells the row from others, in hex; of the columns that were read
    repeats: int = 1  #: rows in a row that are all alike, this one included

    def to_json(self) -> dict[str, Any]:
        """Return the position as JSON knows it."""
        return asdict(self) | {"time": None if self.time is None else self.time.isoformat()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the position that `to_json` wrote.  Raises: ValueError for anything else."""
        try:
            told: dict[str, Any] = dict(document)
            time = told.pop("time", None)
            position = cls(time=None if time is None else datetime.fromisoformat(time), **told)
            _ = ObisCode.parse(position.obis), bytes.fromhex(position.mark)
            for name in ("moment", "entry", "repeats"):
                if told.get(name) is not None:
                    arguments.whole(name, told[name], -_INT64, _INT64)
        except (TypeError, AttributeError, ValueError) as odd:
            raise ValueError(f"no position of a profile: {odd}") from None
        return position


def mark_of(row: tuple[Any, ...]) -> str:
    """Return a few octets in hex that tell a row, raw, from others."""
    return blake2b(repr(row).encode(), digest_size=_MARK).hexdigest()
