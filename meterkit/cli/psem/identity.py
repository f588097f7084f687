"""Who a meter is: what Identify, Negotiate and the tables open to everybody tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from meterkit.errors import MeterError, ends_session
from meterkit.psem.client import PsemClient
from meterkit.psem.identification import STANDARDS, Identification
from meterkit.psem.services import Negotiated
from meterkit.psem.tables import (
    ActLp,
    GenConfig,
    GeneralMfgId,
    LpCtrl,
    LpStatus,
    Table,
    UtilityInformation,
)
from meterkit.result import Err

T = TypeVar("T", bound=Table)

#: Code of BT61 for intervals of a day; smaller codes are minutes.  Source: OSGP guide, BT61.
_DAY_CODE = 84


@dataclass(frozen=True, slots=True)
class DataSet:
    """One load profile, as tables 61 to 63 describe it."""

    data_set: int  #: 1 to 4
    interval: timedelta
    sources: tuple[int, ...]  #: by channel; empty where table 62 cannot be read
    blocks: int
    intervals_per_block: int
    valid_blocks: int | None  #: None where table 63 cannot be read


@dataclass(slots=True)
class Identity:
    """What is known of a meter; None stands for what it would not tell."""

    identification: Identification | None
    negotiated: Negotiated | None
    config: GenConfig | None = None
    meter: GeneralMfgId | None = None
    utility: UtilityInformation | None = None
    data_sets: tuple[DataSet, ...] = ()
    withheld: list[MeterError] = field(default_factory=list[MeterError])

    @property
    def firmware(self) -> str | None:
        """The firmware version: packed as OSGP meters do where table ET03 shows it is one."""
        if self.meter is None:
            return None
        if self.utility is not None:
            return str(self.meter.firmware)
        return f"{self.meter.fw_version_number}.{self.meter.fw_revision_number}"

    def document(self) -> dict[str, object]:
        """Return what `meterkit psem info --json` prints."""
        meter, known = self.meter, self.identification
        return {
            "manufacturer": meter and meter.manufacturer,
            "model": meter and meter.ed_model,
            "serial_number": meter and str(meter.mfg_serial_number),
            "utility_serial_number": self.utility and self.utility.utility_serial_number,
            "firmware": self.firmware,
            "identification": known
            and {
                "standard": STANDARDS.get(known.standard, str(known.standard)),
                "version": known.version,
                "revision": known.revision,
                "features": [
                    {"code": feature.code, "name": feature.name, "data": feature.data}
                    for feature in known.features
                ],
            },
            "negotiated": self.negotiated
            and {
                "packet_size": self.negotiated.packet_size,
                "max_packets": self.negotiated.max_packets,
                "baud_rate": self.negotiated.baud_rate,
            },
            "byte_order": self.config and ("big" if self.config.is_big_endian else "little"),
            "load_profiles": [
                {
                    "data_set": one.data_set,
                    "interval_seconds": int(one.interval.total_seconds()),
                    "sources": one.sources,
                    "blocks": one.blocks,
                    "intervals_per_block": one.intervals_per_block,
                    "valid_blocks": one.valid_blocks,
                }
                for one in self.data_sets
            ],
            "withheld": [str(error) for error in self.withheld],
        }


async def read_identity(client: PsemClient) -> Identity:
    """Read what identifies the meter; what it refuses is noted and left out.

    Errors: MeterFailure when the session ends.
    """
    identity = Identity(client.identification, client.negotiated)
    identity.config = await _read(client, GenConfig, identity)
    identity.meter = await _read(client, GeneralMfgId, identity)
    if identity.config is None or identity.config.has_table(UtilityInformation.number) is not False:
        identity.utility = await _read(client, UtilityInformation, identity)
    if identity.config is None or identity.config.has_table(ActLp.number) is not False:
        identity.data_sets = await _data_sets(client, identity)
    return identity


async def _read(client: PsemClient, table: type[T], identity: Identity) -> T | None:
    record = await client.read(table)
    if isinstance(record, Err):
        if ends_session(record.error) or not client.is_connected:
            record.unwrap()
        identity.withheld.append(record.error)
        return None
    return record.value


async def _data_sets(client: PsemClient, identity: Identity) -> tuple[DataSet, ...]:
    actual = await _read(client, ActLp, identity)
    if actual is None:
        return ()
    control = await _read(client, LpCtrl, identity)
    status = await _read(client, LpStatus, identity)
    sets: list[DataSet] = []
    for at, one in enumerate(actual.data_sets):
        if not one.nbr_blks:
            continue
        minutes = 24 * 60 if one.max_int_time == _DAY_CODE else one.max_int_time
        sources = tuple(c.lp_source_select for c in control.sets[at].lp_sel) if control else ()
        valid = status.sets[at].nbr_valid_blocks if status else None
        interval = timedelta(minutes=minutes)
        sets.append(DataSet(at + 1, interval, sources, one.nbr_blks, one.nbr_blk_ints, valid))
    return tuple(sets)
