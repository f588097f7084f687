"""Who a meter is: what Identify, Negotiate and the tables open to everybody tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from meterkit.errors import MeterError, ends_session
from meterkit.psem.client import PsemClient
from meterkit.psem.identification import STANDARDS, Identification
from meterkit.psem.readings import MeterIdentity
from meterkit.psem.services import Negotiated
from meterkit.psem.table_cache import is_missing
from meterkit.psem.tables import ActLp, LpCtrl, LpStatus, Table
from meterkit.psem.tables.clock_reading import ClockReading
from meterkit.result import Err, Result

T = TypeVar("T", bound=Table)
V = TypeVar("V")

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
    meter: MeterIdentity
    clock: ClockReading | None = None
    data_sets: tuple[DataSet, ...] = ()
    withheld: list[MeterError] = field(default_factory=list[MeterError])

    def document(self) -> dict[str, object]:
        """Return what `meterkit psem info --json` prints."""
        meter, known = self.meter, self.identification
        return {
            "manufacturer": meter.manufacturer,
            "model": meter.model,
            "serial_number": meter.serial_number,
            "utility_serial_number": meter.utility_serial_number,
            "device_id": meter.device_id,
            "firmware": meter.firmware,
            "is_osgp": meter.is_osgp,
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
            "byte_order": {None: None, True: "big", False: "little"}[meter.is_big_endian],
            "clock": self.clock and clock_document(self.clock),
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


def clock_document(clock: ClockReading) -> dict[str, object]:
    """Return the meter's clock as JSON: `time` in UTC or null, `shown` as the meter has it."""
    return {
        "time": clock.time,
        "shown": clock.shown,
        "is_utc": clock.is_utc,
        "is_dst": clock.is_dst,
        "problem": clock.problem or None,
    }


async def read_identity(client: PsemClient) -> Identity:
    """Read what identifies the meter; what it refuses is noted and left out.

    Errors: MeterFailure when the session ends.
    """
    meter = (await client.identity()).unwrap()
    identity = Identity(client.identification, client.negotiated, meter, withheld=[*meter.withheld])
    clock = await client.clock()
    identity.clock = _borne(client, clock, identity)
    identity.data_sets = await _data_sets(client, identity)
    return identity


async def _read(client: PsemClient, table: type[T], identity: Identity) -> T | None:
    return _borne(client, await client.read(table), identity)


def _borne(client: PsemClient, result: Result[V], identity: Identity) -> V | None:
    """Return the value, or None: after noting why, unless the meter has no such table.

    Errors: MeterFailure when the session ends.
    """
    if isinstance(result, Err):
        if ends_session(result.error) or not client.is_connected:
            result.unwrap()
        if not is_missing(result.error):
            identity.withheld.append(result.error)
        return None
    return result.value


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
