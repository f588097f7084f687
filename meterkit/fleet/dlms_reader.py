"""From a DLMS meter's objects to readings.

channel                          what
identity/logical_device_name     a text
clock/drift                      seconds that the meter's clock is ahead of ours
1-0:1.8.0                        a register, in its unit
events/0-0:99.98.0/0-0:96.11.0   a column of an event log, by time
profile/1-0:99.1.0/1-0:1.8.0     a column of a load profile, by interval; "@5" after it: of attribute 5, not 2
3/1-0:1.8.0/2                    an attribute's octets, in hex
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Flag
from functools import partial
from typing import Any, Final

from meterkit.dlms.client import DlmsClient
from meterkit.dlms.profile.column import ProfileColumn
from meterkit.dlms.profile.row import ProfileRow
from meterkit.errors import ErrorKind, MeterError
from meterkit.fleet.desk import BATCH, STOPPED, Desk, Span
from meterkit.fleet.plan import Attribute, ClockCheck, DlmsEvents, DlmsPlan, DlmsProfile
from meterkit.fleet.readings import Reading, ReadingKind, Value
from meterkit.fleet.sections import Numbering, Section, clock_reading, identity_readings
from meterkit.result import Err

__all__ = ["dlms_sections"]

_CLOCK_CLASS: Final = 8
_VALUE: Final = 2  # attribute of data, registers and so on
_PROBLEM: Final = "problem"  # of a register: its unit or its time is not known


def dlms_sections(plan: DlmsPlan) -> Iterator[Section[DlmsClient]]:
    """Return the sections of a plan, the quick ones first."""
    if plan.identity:
        yield Section("identity", _read_identity)
    if plan.clock is not None:
        yield Section("clock", partial(_read_clock, plan.clock))
    if plan.registers:
        yield Section("registers", partial(_read_registers, plan.registers))
    for attribute in plan.attributes:
        yield Section(attribute.channel, partial(_read_attribute, attribute, attribute.channel))
    for log in plan.events:
        yield Section(log.group, partial(_read_rows, log), log.group)
    for profile in plan.load_profile:
        yield Section(profile.group, partial(_read_rows, profile), profile.group)


async def _read_identity(client: DlmsClient, desk: Desk) -> MeterError | None:
    read = await client.identity()
    if isinstance(read, Err):
        return read.error
    named = ((one.name, getattr(read.value, one.name)) for one in fields(read.value))
    numbers = ((f"device_id/{number}", text) for number, text in read.value.device_ids.items())
    await desk.hand_over(identity_readings(desk, [*named, *numbers]))
    return None


async def _read_clock(check: ClockCheck, client: DlmsClient, desk: Desk) -> MeterError | None:
    offset = None if desk.zone is None else desk.clock().astimezone(desk.zone).utcoffset()
    read = await client.read_clock(offset, now=desk.clock)
    if isinstance(read, Err):
        return read.error
    told = read.value
    problem = "" if told.is_valid else told.problem or "the meter does not vouch for it"
    await desk.hand_over([clock_reading(desk, told.drift_s, check.tolerance, problem)])
    return None


async def _read_registers(registers: Sequence[str], client: DlmsClient, desk: Desk) -> MeterError | None:
    """Read registers in as few requests as the meter lets us; the first that is refused is the error."""
    error: MeterError | None = None
    readings: list[Reading] = []
    for name, result in zip(registers, await client.measure_many(registers), strict=True):
        if isinstance(result, Err):
            error = error or result.error
            continue
        one = result.value
        unit = "" if one.unit is None else one.unit.symbol
        flags = () if one.is_valid else (_PROBLEM,)
        readings.append(desk.reading(name, _plain(one.value), ReadingKind.REGISTER, unit=unit, flags=flags))
    await desk.hand_over(readings)
    return error


async def _read_attribute(
    wanted: Attribute, channel: str, client: DlmsClient, desk: Desk
) -> MeterError | None:
    read = await client.get_attribute(wanted.class_id, wanted.obis, wanted.attribute)
    if isinstance(read, Err):
        return read.error
    reading = desk.reading(channel, read.value.data.hex(), ReadingKind.RAW)
    if not desk.keep(reading):
        await desk.hand_over([reading])
    return None


# ---------------------------------------------------------------------------------- profiles and logs
async def _read_rows(plan: DlmsProfile | DlmsEvents, client: DlmsClient, desk: Desk) -> MeterError | None:
    """Read a load profile or an event log: both are rows of an object of class 7.

    Rows that are none are left out, and the first of them is the error; all others are handed over.
    """
    rows = _Rows(client, plan, desk)
    odd: MeterError | None = None
    for span in desk.spans(plan):
        error = await rows.read(span)
        if error is not None and not rows.is_read:
            return error
        odd = odd or error
    if odd is not None:
        return odd
    if rows.untimed:
        message = f"{rows.untimed} rows have no time that can be told, and were left out"
        return MeterError(ErrorKind.DECODE, message, where=plan.group)
    return None


class _Rows:
    """The rows of one object, stretch by stretch."""

    def __init__(self, client: DlmsClient, plan: DlmsProfile | DlmsEvents, desk: Desk) -> None:
        self.untimed = 0  #: rows without a time
        self.is_read = False  #: the last stretch came to its end, also where rows of it were left out
        self._client, self._plan, self._desk = client, plan, desk
        self._columns = plan.columns if isinstance(plan, DlmsProfile) else None
        self._period: int | None = None
        self._channel_of = Numbering()

    async def read(self, span: Span) -> MeterError | None:
        """Read one stretch; return the error that ended it, or that tells of rows left out."""
        self.is_read = False
        desk, group = self._desk, self._plan.group
        since = desk.since(group, span)
        if since is not None and span.until is not None and since >= span.until:
            return None
        stream = self._client.load_profile(self._plan.obis, since, span.until, columns=self._columns)
        if isinstance(self._plan, DlmsProfile):
            told = await self._client.profile_info(self._plan.obis)
            if isinstance(told, Err):
                return told.error
            self._period = told.value.period or None
        batch: list[Reading] = []
        error: MeterError | None = None
        position: datetime | None = None
        async for item in stream:
            if isinstance(item, Err):
                error, self.is_read = item.error, stream.is_read
                break
            time, readings = self._row(stream.columns, item.value, since)
            position = position if time is None else time if position is None else max(position, time)
            batch.extend(readings)
            if len(batch) >= BATCH:
                await desk.hand_over(batch, group=group, span=span, position=position)
                batch, position = [], None
                if desk.is_stopping:
                    error = STOPPED
                    break
        await desk.hand_over(batch, group=group, span=span, position=position)
        return error

    def _row(
        self, columns: Iterable[ProfileColumn], row: ProfileRow, since: datetime | None
    ) -> tuple[datetime | None, list[Reading]]:
        """Return a row's time and readings; neither of one that was read before."""
        if row.time is None:
            self.untimed += 1
            return None, []
        time, flags = self._desk.aware(row.time)
        is_event = isinstance(self._plan, DlmsEvents)
        if since is not None and (time < since or (time == since and not is_event)):
            return None, []
        if row.status:
            flags = (*flags, f"status_{row.status:#x}")
        kind = ReadingKind.EVENT if is_event else ReadingKind.INTERVAL
        now = self._desk.clock()
        readings: list[Reading] = []
        for column, value in zip(columns, row.values, strict=True):
            if column.class_id == _CLOCK_CLASS:
                continue
            channel = self._channel(column)
            if is_event:
                channel = self._channel_of(channel, time)
            unit = "" if column.unit is None else column.unit.symbol
            reading = Reading(
                self._desk.meter, channel, time, _plain(value), unit, flags, kind, self._period, now
            )
            readings.append(reading)
        return time, readings

    def _channel(self, column: ProfileColumn) -> str:
        name = str(column.obis).removesuffix("*255")
        part = "" if column.attribute_index == _VALUE else f"@{column.attribute_index}"
        return f"{self._plan.group}/{name}{part}"


def _plain(value: Any) -> Value:
    """Return a value that every sink takes: numbers and texts as they are, octets in hex, others as text."""
    match value:
        case Flag():
            return int(value.value)
        case None | bool() | int() | float() | Decimal() | str():
            return value
        case bytes():
            return value.hex()
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value)
