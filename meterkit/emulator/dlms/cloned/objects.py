"""The objects of a meter file as the emulator serves them: rights as told, values as saved or as they move.

What is behind some classes is real: clocks run, registers and profiles can be reset, disconnect controls
switch.  Other methods are refused with other-reason; classes nobody knows have their attributes all the same.
Source: Blue Book for the classes; general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.association_view import Associated, object_list
from meterkit.emulator.dlms.clock import ClockObject, MeterClock
from meterkit.emulator.dlms.cloned.generators import Generator, Surroundings, number
from meterkit.emulator.dlms.cloned.meter_file import AttributeFile, MeterFile, ObjectFile
from meterkit.emulator.dlms.cloned.rights import attribute_mode, method_mode
from meterkit.emulator.dlms.cloned.rows import Maker, SavedRows, split_buffer
from meterkit.emulator.dlms.configuration import Clearance, DlmsEmulatorConfiguration
from meterkit.emulator.dlms.cosem_object import (
    ActionRefused,
    Attribute,
    AttributeRefused,
    CosemObject,
    Method,
    plain,
    type_unmatched,
)
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.profile import Column, Profile
from meterkit.emulator.dlms.quantities import quantities
from meterkit.emulator.household import Household
from meterkit.errors import ProtocolFault

_READ, _WRITE = 1, 2  # bits of rights
_CLOCK, _LN, _SN = 8, 15, 12  # classes
_LIST, _STATUS = 2, 8  # attributes of Association LN
_LIVE_SN: Final = (2, 3)  # attributes of Association SN that follow from the objects
_TIME_ZONE: Final = 3  # attribute of the clock: minutes to UTC


def configured(configuration: DlmsEmulatorConfiguration) -> DlmsEmulatorConfiguration:
    """Return the configuration with what its meter file decides: referencing, versions, time zone."""
    meter = configuration.objects
    if meter is None:
        return configuration
    changes: dict[str, object] = {"short_name_referencing": meter.referencing == "short_name"}
    association = meter.find(_LN, ObisCode.CURRENT_ASSOCIATION)
    if association is not None:
        changes["association_version"] = min(association.version, 3)
    clock = meter.find(_CLOCK)
    zone = None if clock is None else clock.attributes.get(_TIME_ZONE)
    if zone is not None and zone.octets is not None:
        minutes = _plain(zone.octets)
        if isinstance(minutes, int) and -840 <= minutes <= 720:
            changes["utc_offset"] = -minutes
    return configuration.model_copy(update=changes)


class Place(Protocol):
    """What a cloned meter's objects stand on: the emulator."""

    configuration: DlmsEmulatorConfiguration
    household: Household

    def now(self) -> datetime:
        """Return the time on the meter's clock, UTC."""
        ...

    def set_clock(self, time: datetime) -> None:
        """Let the clock go on from `time`."""
        ...

    def push(self) -> None:
        """Send what the push setup names."""
        ...


class LiveValue:
    """A value that a generator moves, or that stays until it is written."""

    def __init__(
        self,
        octets: bytes,
        generator: Generator | None,
        since: datetime,
        now: Callable[[], datetime],
        around: Surroundings,
    ) -> None:
        self._octets, self._generator, self._since = octets, generator, since
        self._now, self._around = now, around

    def at(self, time: datetime) -> bytes:
        """Return the value at a time."""
        if self._generator is None:
            return self._octets
        return self._generator.at(time, self._octets, self._since, self._around)

    def read(self) -> bytes:
        """Return the value now."""
        return self.at(self._now())

    def write(self, octets: bytes) -> None:
        """Go on from another value.  Errors: AttributeRefused when its type is another."""
        if octets[:1] != self._octets[:1]:
            raise type_unmatched()
        self.put(octets)

    def put(self, octets: bytes) -> None:
        """Go on from another value of any type."""
        self._octets, self._since = octets, self._now()


@dataclass(slots=True)
class _Built:
    """An object under way."""

    told: ObjectFile
    values: dict[int, LiveValue]
    live: dict[int, Attribute]  #: attributes with more behind them than a value
    methods: dict[int, Callable[[bytes | None], bytes | None]]


class ClonedObjects:
    """The objects of one meter file over one emulator."""

    def __init__(self, meter: MeterFile, place: Place) -> None:
        self.meter, self._place = meter, place
        configuration = place.configuration
        self._local = LocalTime(configuration.utc_offset)
        self._around = Surroundings(self._local, quantities(place.household), configuration.seed)
        started = place.now()
        self._recorded = place.now if configuration.follow_clock else lambda: started
        self._values: dict[tuple[int, ObisCode, int], LiveValue] = {}
        association = _SN if meter.referencing == "short_name" else _LN
        self._association = meter.find(association, ObisCode.CURRENT_ASSOCIATION)
        shown = [one for one in meter.objects if one is not self._association]
        built = [self._begin(one) for one in shown]
        #: every object but the current association
        self.objects: list[CosemObject] = [self._finish(one) for one in built]

    # ---------------------------------------------------------------- objects
    def _begin(self, told: ObjectFile) -> _Built:
        values = {index: self._value(one) for index, one in told.attributes.items() if one.octets is not None}
        for index, value in values.items():
            self._values[told.class_id, told.obis, index] = value
        return _Built(told, values, {}, {})

    def _value(self, told: AttributeFile) -> LiveValue:
        assert told.octets is not None
        return LiveValue(told.octets, told.generator, self.meter.saved, self._place.now, self._around)

    def _finish(self, built: _Built) -> CosemObject:
        match built.told.class_id:
            case 3 | 4:
                built.methods[1] = lambda _: _reset_register(built)
            case 7:
                self._make_profile(built)
            case 8:
                self._make_clock(built)
            case 70:
                built.methods[1] = lambda octets: _switch(built, octets, is_on=False)
                built.methods[2] = lambda octets: _switch(built, octets, is_on=True)
            case 40:
                built.methods[1] = lambda _: self._place.push()
            case _:
                pass
        return self._object(built)

    def _object(self, built: _Built) -> CosemObject:
        told, version = built.told, self._place.configuration.association_version
        writer = Clearance[self.meter.writer.upper()]
        attributes = {
            index: _attribute(one, built.values.get(index), built.live.get(index), writer, version)
            for index, one in told.attributes.items()
        }
        methods = {
            index: _method(rights, built.methods.get(index), writer, version)
            for index, rights in told.methods.items()
        }
        found = CosemObject(told.class_id, told.version, told.obis, attributes, methods, told.base_name)
        if 1 in attributes and told.attributes[1].octets is None:  # a name needs no saving
            name = axdr.encode_octet_string(told.obis.to_bytes())
            found.attributes[1] = replace(attributes[1], read=lambda: name)
        return found

    def _make_clock(self, built: _Built) -> None:
        clock: MeterClock = self._place
        real = ClockObject(clock, self._local, self._place.configuration.utc_offset).object
        built.live[2] = real.attributes[2]
        built.methods |= {index: method.invoke for index, method in real.methods.items()}

    def _make_profile(self, built: _Built) -> None:
        columns = _columns(built.values.get(3))
        buffer = built.values.get(2)
        saved = None if buffer is None or not columns else split_buffer(buffer.read(), len(columns))
        if saved is None:
            return  # a compact array, say: it is served as it was saved
        period, capacity = _whole(built.values.get(4)), _whole(built.values.get(8))
        rows = SavedRows(
            saved,
            [self._maker(column) for column in columns],
            next((i for i, column in enumerate(columns) if column.class_id == _CLOCK), None),
            period=timedelta(seconds=period),
            capacity=capacity,
            now=self._recorded,
            zone=lambda time: time if time.tzinfo else time.replace(tzinfo=self._local.zone),
        )
        real = Profile(built.told.obis, columns, rows, self._local, capacity=capacity, period=period).object
        built.live[2] = real.attributes[2]
        if 7 in built.values and _whole(built.values[7]) >= len(saved):  # more: not all rows were saved
            built.live[7] = real.attributes[7]
        built.methods[1] = real.methods[1].invoke

    def _maker(self, column: Column) -> Maker:
        """Return what makes a new row's cell: the clock, or the captured value; else the cell before."""
        if column.class_id == _CLOCK and column.attribute == 2:
            return lambda time, _: axdr.encode_octet_string(self._local.octets(time))
        value = self._values.get((column.class_id, column.obis, column.attribute))
        return (lambda _, before: before) if value is None else (lambda time, _: value.at(time))

    # ---------------------------------------------------------------- the association
    def association(self, real: CosemObject, terms: Associated) -> CosemObject:
        """Return the current association with logical names: as saved, but for the list and its status."""
        if self._association is None:
            return real
        built = self._begin(self._association)
        built.live[_STATUS] = real.attributes[_STATUS]
        built.methods |= {index: method.invoke for index, method in real.methods.items()}
        built.live[_LIST] = Attribute(lambda: object_list(listed, terms))
        shown = self._object(built)
        shown.methods |= real.methods  # a client has to prove itself, whatever was saved
        place = self.meter.objects.index(self._association)
        listed = [*self.objects[:place], shown, *self.objects[place:]]
        return shown

    def association_sn(self, real: CosemObject) -> CosemObject:
        """Return the current association with short names: as saved, but for its lists."""
        if self._association is None:
            return real
        built = self._begin(self._association)
        built.live |= {index: real.attributes[index] for index in _LIVE_SN if index in real.attributes}
        shown = self._object(built)
        shown.methods = real.methods
        return shown


def _attribute(
    told: AttributeFile, value: LiveValue | None, live: Attribute | None, writer: Clearance, version: int
) -> Attribute:
    """Return an attribute with its rights and what is behind it."""
    mode = attribute_mode(told.rights, version)
    read = live.read if live is not None else (lambda: _refuse(told)) if value is None else value.read
    write: Callable[[bytes], None] | None = None if value is None else value.write
    if live is not None and live.write is not None:
        write = live.write
    return Attribute(
        read if told.rights & _READ else None,
        write if told.rights & _WRITE else None,
        select=live.select if live is not None else None,
        selectors=told.selectors,
        reader=Clearance.PUBLIC,
        writer=writer,
        mode=mode,
    )


def _refuse(told: AttributeFile) -> bytes:
    raise AttributeRefused(told.refused)


def _method(
    rights: int, invoke: Callable[[bytes | None], bytes | None] | None, writer: Clearance, version: int
) -> Method:
    """Return a method with its rights; None in place of what it does: nobody knows."""
    is_allowed = bool(rights & 1)

    def invoked(octets: bytes | None) -> bytes | None:
        if not is_allowed:
            raise ActionRefused(ActionResult.READ_WRITE_DENIED)
        if invoke is None:
            raise ActionRefused(ActionResult.OTHER_REASON)
        return invoke(octets)

    return Method(invoked, writer, mode=method_mode(rights, version))


def _reset_register(built: _Built) -> None:
    value = built.values.get(2)
    if value is None:
        raise ActionRefused(ActionResult.OTHER_REASON)
    try:
        value.put(number(axdr.Tag(value.read()[0]), 0))
    except (KeyError, ValueError):
        raise ActionRefused(ActionResult.OTHER_REASON) from None


def _switch(built: _Built, octets: bytes | None, *, is_on: bool) -> None:
    if not isinstance(plain(octets or b""), int):
        raise type_unmatched()
    states = {2: axdr.encode_boolean(is_on), 3: axdr.encode_enum(int(is_on))}
    for index, state in states.items():
        if index in built.values:
            built.values[index].put(state)


def _columns(value: LiveValue | None) -> list[Column]:
    """Return the capture objects; none where one has a data index, which the emulator's rows don't know."""
    told = None if value is None else _plain(value.read())
    columns: list[Column] = []
    for one in told if isinstance(told, list) else ():
        match one:
            case (int(class_id), bytes(name), int(attribute), int()) if len(name) == 6:
                columns.append(Column(class_id, ObisCode.from_bytes(name), attribute))
            case _:
                return []
    return columns


def _whole(value: LiveValue | None) -> int:
    told = None if value is None else _plain(value.read())
    return told if isinstance(told, int) else 0


def _plain(octets: bytes) -> axdr.Value:
    try:
        return axdr.decode(octets)
    except ProtocolFault:
        return None
