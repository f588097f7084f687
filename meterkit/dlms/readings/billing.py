"""Billing: what registers said at the end of each billing period, oldest first.

    0-0:98.1.0 or 1-0:98.1.0   { clock, 1-0:1.8.0, 1-0:1.8.1 ... }, one row a billing period

Source: Blue Book 4.3.6 (Profile generic); IEC 62056-61 (OBIS), billing profiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.profile.column import ColumnKind
from meterkit.dlms.readings.entries import Entries, read_rows
from meterkit.dlms.readings.meter import is_missing
from meterkit.dlms.readings.profile_rows import HasProfiles
from meterkit.result import Err, Ok, Result

#: Where meters keep their billing values.
BILLING_PROFILES: Final = (ObisCode.BILLING_PROFILE, ObisCode(1, 0, 98, 1, 0))


@dataclass(frozen=True, slots=True)
class BilledValue:
    """One value of a snapshot."""

    obis: ObisCode
    attribute_index: int  #: of the object; 2 is its value, others may be its time or status
    words: str  #: what the name means; empty where nothing is known of it
    value: Any  #: in `unit` where a scaler is known, else as it came
    raw: Any  #: as the meter gave it
    unit: Unit | None


@dataclass(frozen=True, slots=True)
class BillingSnapshot:
    """The end of one billing period."""

    time: datetime | None  #: UTC; naive where the meter leaves its deviation open; None: no time that is one
    values: tuple[BilledValue, ...]
    clock: CosemDateTime | None = None  #: the time as the meter wrote it

    def __getitem__(self, obis: ObisCode | str) -> BilledValue:
        """Return the value of an object.  Raises: KeyError for one that is not billed."""
        wanted = ObisCode.parse(obis) if isinstance(obis, str) else obis
        for value in self.values:
            if value.obis == wanted:
                return value
        raise KeyError(str(wanted))


async def read_billing(
    meter: HasProfiles,
    profile: ObisCode | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Result[Entries[BillingSnapshot]]:
    """Read the snapshots.  Errors: see `DlmsClient.billing`."""
    if profile is not None:
        return await _read(meter, profile, since, until)
    found = await _read(meter, BILLING_PROFILES[0], since, until)
    if isinstance(found, Err) and is_missing(found.error):
        other = await _read(meter, BILLING_PROFILES[1], since, until)
        return found if isinstance(other, Err) and is_missing(other.error) else other
    return found


async def _read(
    meter: HasProfiles, profile: ObisCode, since: datetime | None, until: datetime | None
) -> Result[Entries[BillingSnapshot]]:
    stream = meter.load_profile(profile, since, until)
    rows = await read_rows(aiter(stream))
    if isinstance(rows, Err):
        return rows
    snapshots: list[BillingSnapshot] = []
    for row in rows.value:
        values = tuple(
            BilledValue(column.obis, column.attribute_index, column.words, value, raw, column.unit)
            for column, value, raw in zip(stream.columns, row.values, row.raw, strict=True)
            if column.kind not in (ColumnKind.CLOCK, ColumnKind.UNIX_CLOCK)
        )
        snapshots.append(BillingSnapshot(row.time, values, row.clock))
    return Ok(Entries(snapshots, rows.value.error))
