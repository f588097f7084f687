"""Profiles to read: an emulated meter with oddities, and a scripted one whose rows a test writes itself."""

from datetime import UTC, datetime, timedelta, timezone

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.apdu.selective_access import EntryDescriptor, RangeDescriptor
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.profile.batch import read_answer
from meterkit.dlms.profile.column import ProfileColumn
from meterkit.dlms.profile.info import ProfileCache
from meterkit.dlms.profile.layout import Layout
from meterkit.dlms.profile.reading import ProfileWish
from meterkit.dlms.profile.row import RowMaker
from meterkit.dlms.profile.stream import ProfileStream
from meterkit.errors import ErrorKind, MeterError
from meterkit.result import Err, Ok
from tests.dlms.rig import NOW, meter

LOAD_PROFILE = ObisCode.LOAD_PROFILE
WINTER, SUMMER = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))
CLOCK = ProfileColumn(ObisCode.CLOCK, 8, 2)
ENERGY = ProfileColumn(ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 3, 2)
STATUS = ProfileColumn(ObisCode(0, 0, 96, 10, 1), 1, 2)


def odd_meter(*oddities, conformance=None, interface="wrapper", **profile):
    """Return an emulated meter whose load profile has oddities."""
    clients = {}
    if conformance is not None:
        clients = {"clients": [{"sap": 16, "clearance": 1, "conformance": conformance}]}
    chosen = {"rows": 300, "oddities": oddities} | profile
    return meter(profile=chosen, interface=interface, **clients)


def clock(time, **parts):
    """Return a time as 12 octets; naive leaves its deviation open."""
    return CosemDateTime.from_datetime(time).encode()


def row(time, *values):
    """Return one row: its clock in octets or as a time, then numbers."""
    octets = clock(time) if isinstance(time, datetime) else time
    cells = [b"\x00" if octets is None else axdr.encode_octet_string(octets)]
    cells += [axdr.encode_double_long_unsigned(value) for value in values]
    return axdr.encode_structure(cells)


def layout(*columns, period=900, deviation=0):
    columns = columns or (CLOCK, ENERGY)
    return Layout(columns, tuple(range(len(columns))), period, deviation)


def rows_of(octets, shape):
    """Return the rows, and what is wrong after them."""
    answer = read_answer(octets, shape)
    maker = RowMaker(shape, range(len(shape.places)))
    rows = [one for batch in answer.batches for one in maker.rows(batch)]
    error = answer.failed.error if answer.failed else None
    return rows, error or next((one.error for one in answer.left_out), None)


def good(octets, shape):
    rows, error = rows_of(octets, shape)
    assert error is None, str(error)
    return rows


class ScriptedMeter:
    """The services of a meter with one profile; `rows` are (time, octets of the row).

    `compares`: what the meter compares in a range: "utc", or "local" times with all their oddities.
    """

    def __init__(self, rows, *, columns=(CLOCK, ENERGY), period=900, compares="utc", now=NOW, **attributes):
        self.rows, self.columns, self.period, self.compares = list(rows), columns, period, compares
        self.now = now
        self.attributes = attributes
        self.asked = []  # selections of the buffer
        self.fails = None  # called with the number of buffer reads so far; returns an error or None

    def pieces(self, attributes, limit):
        return [list(attributes)[:limit]]

    async def read_list(self, attributes):
        return [self._attribute(attribute) for attribute, _ in attributes]

    def _attribute(self, attribute):
        if attribute.class_id == 8:
            return Ok(axdr.encode_octet_string(clock(self.now)))
        if attribute.class_id != 7:
            return Ok(axdr.encode_structure([axdr.encode_integer(-1), axdr.encode_enum(30)]))
        captured = [column.capture_object.encode() for column in self.columns]
        wide = axdr.encode_double_long_unsigned
        known = {
            3: axdr.encode_array(captured),
            4: wide(self.period),
            5: axdr.encode_enum(1),
            6: captured[0],
            7: wide(len(self.rows)),
            8: wide(len(self.rows)),
        }
        value = self.attributes.get(f"attribute_{attribute.attribute}", known[attribute.attribute])
        return Err(MeterError(ErrorKind.REFUSED, "read-write-denied (3)", 3)) if value is None else Ok(value)

    async def read(self, attribute, selection=None):
        self.asked.append(selection)
        failed = self.fails(len(self.asked)) if self.fails else None
        if failed is not None:
            return Err(failed)
        return Ok(axdr.encode_array([octets for _, octets in self._selected(selection)]))

    def _selected(self, selection):
        if selection is None:
            return self.rows
        if selection.selector == 2:
            entry = EntryDescriptor.decode(selection.parameters)
            return self.rows[entry.from_entry - 1 : entry.to_entry or None]
        limits = RangeDescriptor.decode(selection.parameters)
        first, last = (self._key(limit[2:]) for limit in (limits.from_value, limits.to_value))
        return [one for one in self.rows if first <= self._key(one[0]) <= last]

    def _key(self, time):
        octets = clock(time) if isinstance(time, datetime) else time
        moment = CosemDateTime.from_octets(octets).to_datetime()
        if moment is None:
            return datetime.min
        if moment.tzinfo is None or self.compares == "local":
            return moment.replace(tzinfo=None)
        return moment.astimezone(UTC).replace(tzinfo=None)


def stream_of(scripted, cache=None, **wish):
    """Return a stream over a scripted meter's profile; small pages unless told otherwise."""
    wish = {"page_octets": 1 << 12} | wish
    return ProfileStream(scripted, cache or ProfileCache(), ProfileWish(LOAD_PROFILE, **wish))


async def collected(stream):
    """Return the rows of a stream, and its error."""
    rows, error = [], None
    async for item in stream:
        assert error is None, "an error is the last item"
        if isinstance(item, Err):
            error = item.error
        else:
            rows.append(item.value)
    return rows, error
