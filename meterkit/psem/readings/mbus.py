"""M-Bus and MEP devices behind an OSGP meter, and what they last said.  Source: OSGP guide, ET16."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meterkit.codec.layout import InvalidTime
from meterkit.errors import ErrorKind, MeterError
from meterkit.mbus import DataRecord, Telegram, TelegramHeader
from meterkit.psem.readings.dialect import read_dialect
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import MepDeviceData
from meterkit.psem.tables.osgp.mbus import Authentication, MbusDevice, MepDevice
from meterkit.psem.tables.times import MaybeDatetime
from meterkit.result import Err, Result


@dataclass(frozen=True, slots=True)
class MbusReading:
    """What one M-Bus device last said."""

    entry: int  #: of ET16, from 0
    time: MaybeDatetime  #: naive, the meter's local time, of the last successful read
    header: TelegramHeader | None  #: who the device is; None when its telegram is cut short
    records: tuple[DataRecord, ...]  #: of all telegrams, in order
    telegrams: tuple[Telegram, ...]
    has_key: bool  #: the meter had the device's key, and decrypted where needed
    authentication: Authentication  #: whether the device is the one that it should be
    has_failed_check: bool  #: some check of the device failed
    problems: tuple[str, ...] = ()  #: of telegrams that are not whole; of an invalid time

    @property
    def is_encrypted(self) -> bool:
        """Tell whether something could not be read for lack of a key."""
        return any(telegram.encrypted for telegram in self.telegrams)


@dataclass(frozen=True, slots=True)
class MepReading:
    """What one MEP device last said."""

    entry: int  #: of ET16, from 0
    time: MaybeDatetime  #: naive, the meter's local time, of the last successful read
    read_count: int  #: successful billing reads
    data: bytes  #: the device's own format
    is_complete: bool  #: the entry holds all of the data


@dataclass(frozen=True, slots=True)
class MbusReadings:
    """The devices that have ever said something."""

    devices: tuple[MbusReading, ...]
    meps: tuple[MepReading, ...]


async def read_mbus(tables: TableCache) -> Result[MbusReadings]:
    """Read ET16.  Errors: see `PsemClient.mbus`."""
    dialect = await read_dialect(tables)
    if isinstance(dialect, Err):
        return dialect
    if not dialect.value.is_osgp:
        message = "this is no OSGP meter, by ST0: its manufacturer's table 16 means something else"
        return Err(MeterError(ErrorKind.STATE, message, where="mbus"))
    table = await tables.read(MepDeviceData)
    return table.map(_readings)


def _readings(table: MepDeviceData) -> MbusReadings:
    devices = (
        _device(entry, device)
        for entry, device in enumerate(table.mbus_devices)
        if _has_time(device.timestamp) or any(device.billing_response)
    )
    first_mep = len(table.mbus_devices)
    meps = (
        _mep(entry, device)
        for entry, device in enumerate(table.mep_devices, first_mep)
        if _has_time(device.timestamp) or device.length
    )
    return MbusReadings(tuple(devices), tuple(meps))


def _device(entry: int, device: MbusDevice) -> MbusReading:
    telegrams = device.telegrams
    problems = [telegram.problem for telegram in telegrams if telegram.problem]
    if isinstance(device.timestamp, InvalidTime) and not device.timestamp.is_blank:
        problems.append(f"its time: {device.timestamp}")
    return MbusReading(
        entry=entry,
        time=device.timestamp,
        header=next((telegram.header for telegram in telegrams if telegram.header), None),
        records=tuple(record for telegram in telegrams for record in telegram.records),
        telegrams=telegrams,
        has_key=device.key_availability,
        authentication=device.authentication,
        has_failed_check=device.security_status,
        problems=tuple(problems),
    )


def _mep(entry: int, device: MepDevice) -> MepReading:
    return MepReading(entry, device.timestamp, device.read_count, device.data, device.is_complete)


def _has_time(time: MaybeDatetime) -> bool:
    return isinstance(time, datetime) or not time.is_blank
