"""ProfileInfo: what a profile captures, how often and in which order, asked once a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.apdu.descriptors import AttributeDescriptor
from meterkit.dlms.cosem.obis import SIZE, ObisCode
from meterkit.dlms.cosem.profile import SortMethod
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.profile.clock import ClockStyle
from meterkit.dlms.profile.column import CLOCK_CLASS, ProfileColumn
from meterkit.dlms.profile.layout import clock_place
from meterkit.dlms.referencing import Referencing
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, ends_session, fault
from meterkit.result import Err, Ok, Result

PROFILE_CLASS: Final = 7
BUFFER: Final = 2
_TIME: Final = 2  # of the clock
_CAPTURE_OBJECTS, _PERIOD, _SORT_METHOD, _SORT_OBJECT, _IN_USE, _ENTRIES = range(3, 9)
_MOST_COLUMNS: Final = 512  # ours; a claim beyond it is no profile
_UINT32: Final = 0xFFFFFFFF
_MOST_SCALER: Final = 30  # quetta, the last prefix of the SI, is 10 to this power: no unit has more


@dataclass(frozen=True, slots=True)
class ProfileInfo:
    """What a profile says of itself.  What the meter keeps to itself is None, or a period of 0."""

    obis: ObisCode
    columns: tuple[ProfileColumn, ...]
    period: int = 0  #: seconds from row to row; 0: at events
    sort_method: SortMethod | None = None
    sort_object: ProfileColumn | None = None  #: the column by which rows are in order
    entries_in_use: int | None = None  #: rows there are
    profile_entries: int | None = None  #: rows that there is room for
    #: What the meter says of a column, by its place from 0, that cannot be: its values are raw.
    flaws: tuple[tuple[int, MeterError], ...] = ()

    @property
    def clock(self) -> int | None:
        """Which column, from 0, is the clock of the rows; None if none is."""
        return clock_place(self.columns)

    @property
    def is_newest_first(self) -> bool:
        """Whether row number 1 is the newest."""
        return self.sort_method is SortMethod.LIFO

    @property
    def is_by_value(self) -> bool:
        """Whether rows are in order of a value, not of time."""
        by_time = (None, SortMethod.FIFO, SortMethod.LIFO)
        if self.sort_method in by_time:
            return False
        return self.sort_object is None or clock_place((self.sort_object,)) is None


@dataclass(slots=True)
class ProfileCache:
    """What one session learned of its profiles.  `session` tells it from others."""

    session: object = None
    infos: dict[ObisCode, ProfileInfo] = field(default_factory=dict[ObisCode, ProfileInfo])
    scalers: dict[AttributeDescriptor, bytes | None] = field(
        default_factory=dict[AttributeDescriptor, "bytes | None"]
    )
    styles: dict[ObisCode, ClockStyle] = field(default_factory=dict[ObisCode, ClockStyle])  #: of rows' clocks
    oldest: dict[ObisCode, int] = field(default_factory=dict[ObisCode, int])  #: moments of oldest rows


async def ask(services: Referencing, attributes: Sequence[AttributeDescriptor]) -> list[Result[bytes]]:
    """Read several attributes, as many at once as the meter takes; one result each.

    Errors: `ProtocolFault` for whatever ended the session.
    """
    results: list[Result[bytes]] = []
    wanted = [(attribute, None) for attribute in attributes]
    while len(results) < len(wanted):
        piece = services.pieces(wanted[len(results) :], 16)[0]
        results += await services.read_list(piece)
        for result in results:
            if isinstance(result, Err) and ends_session(result.error):
                raise ProtocolFault(result.error)
    return results


async def describe(services: Referencing, obis: ObisCode, cache: ProfileCache) -> ProfileInfo:
    """Return what a profile is; of one known already only the number of rows is asked again.

    Errors: `ProtocolFault` where the meter does not tell its capture objects; whatever ended the session.
    """
    known = cache.infos.get(obis)
    if known is not None:
        (in_use,) = await ask(services, [AttributeDescriptor(PROFILE_CLASS, obis, _IN_USE)])
        return replace(known, entries_in_use=_number(in_use))
    asked = range(_CAPTURE_OBJECTS, _ENTRIES + 1)
    answers = await ask(services, [AttributeDescriptor(PROFILE_CLASS, obis, index) for index in asked])
    captured, period, method, sort_object, in_use, entries = answers
    if isinstance(captured, Err):
        raise ProtocolFault(captured.error)
    columns = _columns(captured.value)
    sorted_by = _value(sort_object)
    column = None if sorted_by is None or sorted_by == () else _try_column(sorted_by)
    number = _number(method)
    scaled, flaws = await _with_scalers(services, columns, cache)
    info = ProfileInfo(
        obis,
        scaled,
        _number(period) or 0,
        None if number is None or number > 0xFF else SortMethod(number),
        column,
        _number(in_use),
        _number(entries),
        flaws,
    )
    cache.infos[obis] = info
    return info


async def _with_scalers(
    services: Referencing, columns: Sequence[ProfileColumn], cache: ProfileCache
) -> tuple[tuple[ProfileColumn, ...], tuple[tuple[int, MeterError], ...]]:
    """Return the columns with scalers and units, as far as the meter tells, and scalers that are none."""
    places = dict.fromkeys(one.scaler_unit for one in columns if one.scaler_unit is not None)
    wanted = [place for place in places if place not in cache.scalers]
    for place, answer in zip(wanted, await ask(services, wanted), strict=True):
        cache.scalers[place] = None if isinstance(answer, Err) else answer.value
    found: list[ProfileColumn] = []
    flaws: list[tuple[int, MeterError]] = []
    for number, column in enumerate(columns):
        octets = None if column.scaler_unit is None else cache.scalers[column.scaler_unit]
        known = None if octets is None else _scaler(octets)
        if known is not None and abs(known[0]) > _MOST_SCALER:
            where = f"column {number + 1} ({column.name})"
            message = f"a scaler of -{_MOST_SCALER} to {_MOST_SCALER} expected, {known[0]} came"
            message += f"; {octets[:16].hex(' ')}; its values are raw" if octets else ""
            flaws.append((number, MeterError(ErrorKind.DECODE, message, where=where)))
            known = None
        found.append(column if known is None else replace(column, scaler=known[0], unit=known[1]))
    return tuple(found), tuple(flaws)


def _columns(octets: bytes) -> tuple[ProfileColumn, ...]:
    """Return the columns.  Errors: `ProtocolFault` (DECODE)."""
    value = axdr.decode(octets, strict=False)
    if not isinstance(value, list) or not value or len(value) > _MOST_COLUMNS:
        came = octets[:16].hex(" ") or "nothing"
        message = f"an array of 1 to {_MOST_COLUMNS} capture objects expected, {came} came"
        raise fault(ErrorKind.DECODE, message, where="capture_objects")
    found: list[ProfileColumn] = []
    for number, one in enumerate(value, 1):
        column = _try_column(one)
        if column is None:
            message = f"class, logical name, attribute and element expected, {one!r:.80} came"
            raise fault(ErrorKind.DECODE, message, where=f"capture_objects {number}")
        found.append(column)
    return tuple(found)


def _try_column(value: object) -> ProfileColumn | None:
    match value:
        case (int(class_id), bytes(name), int(attribute), int(element)) if len(name) == SIZE:
            return ProfileColumn(ObisCode(*name), class_id, attribute, element)
        case (int(class_id), bytes(name), int(attribute)) if len(name) == SIZE:  # class version 0
            return ProfileColumn(ObisCode(*name), class_id, attribute)
        case _:
            return None


def _value(answer: Result[bytes]) -> object:
    """Return a value; None where it was refused, or is none."""
    if isinstance(answer, Err):
        return None
    try:
        return axdr.decode(answer.value, strict=False)
    except ProtocolFault:
        return None


def _number(answer: Result[bytes]) -> int | None:
    value = _value(answer)
    return value if isinstance(value, int) and 0 <= value <= _UINT32 else None


def _scaler(octets: bytes) -> tuple[int, Unit] | None:
    match _value(Ok(octets)):
        case (int(scaler), int(unit)) if -128 <= scaler <= 127 and 0 <= unit <= 0xFF:
            return scaler, Unit(unit)
        case _:
            return None


async def meter_clock(services: Referencing, obis: ObisCode) -> object:
    """Return what the meter's clock says, 12 octets if it is one; None if the meter keeps it to itself."""
    (answer,) = await ask(services, [AttributeDescriptor(CLOCK_CLASS, obis, _TIME)])
    value = _value(answer)
    return value.encode() if isinstance(value, CosemDateTime) else value
