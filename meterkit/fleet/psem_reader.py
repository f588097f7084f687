"""From a PSEM meter's tables to readings.

channel                  what
identity/serial_number   a text
clock/drift              seconds that the meter's clock is ahead of ours
1-0:1.8.0                a billing register that has a code; else register/demand/0, register/demand/0/tier1
events/17                an event, its name as the value; 2048 and up are the manufacturer's
LP1/ch2                  a channel of a load profile, by interval
ST23                     a table's octets, in hex
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from meterkit.errors import MeterError
from meterkit.fleet.desk import BATCH, STOPPED, Desk, Span
from meterkit.fleet.plan import ClockCheck, Events, PsemPlan, PsemProfile
from meterkit.fleet.readings import Reading, ReadingKind, Value
from meterkit.fleet.sections import Numbering, Section, clock_reading, identity_readings
from meterkit.psem.client import PsemClient
from meterkit.psem.readings import RegisterValue
from meterkit.psem.tables.load_profile import LoadProfileGeometry, LoadProfileRow
from meterkit.psem.tables.log_events import LogEvent
from meterkit.psem.tables.names import table_name
from meterkit.result import Err

__all__ = ["psem_sections"]

_UNTIMED: Final = "no_time"  # an event whose time the meter does not know: it has that of the one before
_INVALID: Final = "invalid"  # an interval that the meter has not processed
_PROBLEM: Final = "problem"  # of a register: what it means is not wholly known


def psem_sections(plan: PsemPlan) -> Iterator[Section[PsemClient]]:
    """Return the sections of a plan, the quick ones first."""
    if plan.identity:
        yield Section("identity", _read_identity)
    if plan.clock is not None:
        yield Section("clock", partial(_read_clock, plan.clock))
    if plan.registers:
        yield Section("registers", _read_registers)
    for table_id in plan.tables:
        name = table_name(table_id)
        yield Section(name, partial(_read_table, table_id, name))
    if plan.events is not None:
        yield Section(plan.events.group, partial(_read_events, plan.events), plan.events.group)
    for profile in plan.load_profile:
        yield Section(profile.group, partial(_read_profile, profile), profile.group)


async def _read_identity(client: PsemClient, desk: Desk) -> MeterError | None:
    read = await client.identity()
    if isinstance(read, Err):
        return read.error
    named = ((one.name, getattr(read.value, one.name)) for one in fields(read.value))
    await desk.hand_over(identity_readings(desk, named))
    return None


async def _read_clock(check: ClockCheck, client: PsemClient, desk: Desk) -> MeterError | None:
    now = desk.clock()
    offset = None if desk.zone is None else now.astimezone(desk.zone).utcoffset()
    read = await client.clock(offset)
    if isinstance(read, Err):
        return read.error
    drift = None if read.value.time is None else (read.value.time - desk.clock()) / timedelta(seconds=1)
    await desk.hand_over([clock_reading(desk, drift, check.tolerance, read.value.problem)])
    return None


async def _read_registers(client: PsemClient, desk: Desk) -> MeterError | None:
    read = await client.registers()
    if isinstance(read, Err):
        return read.error
    await desk.hand_over([one for value in read.value.values for one in _register(desk, value)])
    return None


def _register(desk: Desk, register: RegisterValue) -> Iterator[Reading]:
    channel = register.obis or f"register/{register.kind.value}/{register.index}"
    if register.obis is None and register.tier:
        channel += f"/tier{register.tier}"
    if register.occurrence:
        channel += f"/{register.occurrence}"
    flags = () if register.is_valid else (_PROBLEM,)
    yield desk.reading(channel, register.value, ReadingKind.REGISTER, unit=register.unit, flags=flags)
    if isinstance(register.time, datetime):
        yield desk.reading(f"{channel}/at", register.time.isoformat(), ReadingKind.REGISTER)


async def _read_table(table_id: int, name: str, client: PsemClient, desk: Desk) -> MeterError | None:
    read = await client.read_table(table_id)
    if isinstance(read, Err):
        return read.error
    reading = desk.reading(name, read.value.data.hex(), ReadingKind.RAW)
    if not desk.keep(reading):
        await desk.hand_over([reading])
    return None


# ---------------------------------------------------------------------------------- events
async def _read_events(plan: Events, client: PsemClient, desk: Desk) -> MeterError | None:
    """Read the logs whole, which is the only way, and hand over what is in the stretches asked for."""
    read = await client.events()
    if isinstance(read, Err):
        return read.error
    for span in desk.spans(plan):
        readings = list(_events(desk, read.value.events, span))
        position = max((one.time for one in readings), default=None)
        await desk.hand_over(readings, group=plan.group, span=span, position=position)
    return None


def _events(desk: Desk, events: tuple[LogEvent, ...], span: Span) -> Iterator[Reading]:
    """Yield events from a stretch, those at its very begin too: another may have come in that second."""
    channel_of, last = Numbering(), None
    now = desk.clock()
    for event in events:
        flags: tuple[str, ...] = ()
        if isinstance(event.time, datetime):
            last, flags = desk.aware(event.time)
        else:
            flags = (_UNTIMED,)
        time = last or span.since or now
        is_late = span.until is not None and time > span.until
        if is_late or (span.since is not None and time < span.since):
            continue
        channel = channel_of(f"events/{event.event_id}", time)
        yield Reading(desk.meter, channel, time, event.name, "", flags, ReadingKind.EVENT, None, now)


# ---------------------------------------------------------------------------------- load profiles
async def _read_profile(plan: PsemProfile, client: PsemClient, desk: Desk) -> MeterError | None:
    for span in desk.spans(plan):
        error = await _read_span(client, plan, span, desk)
        if error is not None:
            return error
    return None


async def _read_span(client: PsemClient, plan: PsemProfile, span: Span, desk: Desk) -> MeterError | None:
    since = desk.since(plan.group, span)
    if since is not None and span.until is not None and since >= span.until:
        return None
    stream = client.load_profile(plan.data_set, since=since, until=span.until)
    batch: list[Reading] = []
    error: MeterError | None = None
    position: datetime | None = None
    async for item in stream:
        if isinstance(item, Err):
            error = item.error
            break
        geometry = stream.geometry
        assert geometry is not None  # known with the first row
        row = item.value
        batch.extend(_interval(desk, plan.group, geometry, row))
        position = row.end_time
        if len(batch) >= BATCH:
            await desk.hand_over(batch, group=plan.group, span=span, position=position)
            batch, position = [], None
            if desk.is_stopping:
                error = STOPPED
                break
    await desk.hand_over(batch, group=plan.group, span=span, position=position)
    return error


def _interval(
    desk: Desk, group: str, geometry: LoadProfileGeometry, row: LoadProfileRow
) -> Iterator[Reading]:
    common: tuple[str, ...] = ()
    if row.extended_status and row.extended_status[0] >> 4:
        common = tuple((bit.name or "").lower() for bit in row.common)
    if not row.is_valid:
        common = (*common, _INVALID)
    status = row.status if any(row.extended_status) else None
    interval = geometry.interval // timedelta(seconds=1)
    now = desk.clock()
    for number, (value, channel) in enumerate(zip(row.values, geometry.channels, strict=True)):
        flags = common
        if status is not None and status[number]:
            flags = (*common, status[number].name.lower())
        shown: Value = value
        if value is not None and (channel.scalar, channel.divisor) != (1, 1) and channel.scalar:
            shown = Decimal(str(value)) * channel.divisor / channel.scalar
        yield Reading(
            desk.meter,
            f"{group}/ch{number}",
            row.end_time,
            shown,
            "",
            flags,
            ReadingKind.INTERVAL,
            interval,
            now,
        )
