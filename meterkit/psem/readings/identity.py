"""Who the meter is.  Source: C12.19 Tables 0, 1 and 5; OSGP guide, BT00, BT01, ET03."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from meterkit.errors import ErrorKind, MeterError
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import (
    DeviceIdent,
    FirmwareVersion,
    GenConfig,
    GeneralMfgId,
    Table,
    UtilityInformation,
    is_osgp,
)
from meterkit.result import Err, Ok, Result

T = TypeVar("T", bound=Table)

_BEARABLE = (ErrorKind.REFUSED, ErrorKind.SECURITY, ErrorKind.PROTOCOL, ErrorKind.DECODE)


@dataclass(frozen=True, slots=True)
class MeterIdentity:
    """Who a meter is; None stands for what it does not tell or has not."""

    manufacturer: str | None  #: ST1's
    model: str | None
    serial_number: str | None  #: the manufacturer's
    firmware: str | None  #: "3.70.05" on OSGP meters, else "version.revision"
    hardware: str | None  #: "version.revision"; OSGP meters have none
    application_firmware: str | None  #: of OSGP meters
    utility_serial_number: str | None  #: of OSGP meters (ET03)
    device_id: str | None  #: the utility's number of the meter (ST5), not on OSGP meters
    is_osgp: bool
    is_big_endian: bool | None  #: most significant octet first
    withheld: tuple[MeterError, ...] = ()  #: why something that the meter should have is None


async def read_identity(tables: TableCache) -> Result[MeterIdentity]:
    """Read what identifies the meter.  Errors: see `PsemClient.identity`."""
    reader = _Reader(tables)
    config = await reader.read(GenConfig)
    if isinstance(config, Err):
        return config
    osgp = is_osgp(config.value)
    meter = await reader.read(GeneralMfgId)
    if isinstance(meter, Err):
        return meter
    utility: Result[UtilityInformation | None] = Ok(None)
    device: Result[DeviceIdent | None] = Ok(None)
    if osgp:
        utility = await reader.read(UtilityInformation)
    elif config.value is not None:
        device = await reader.read(DeviceIdent, must_be_there=False)
    if isinstance(utility, Err):
        return utility
    if isinstance(device, Err):
        return device
    return Ok(_identity(config.value, meter.value, utility.value, device.value, tuple(reader.withheld)))


class _Reader:
    """Reads tables once a session and keeps in mind what the meter did not give."""

    def __init__(self, tables: TableCache) -> None:
        self._tables = tables
        self.withheld: list[MeterError] = []

    async def read(self, table: type[T], *, must_be_there: bool = True) -> Result[T | None]:
        """Return the record, or None after noting why not.  Errors: those that end the session."""
        read = await (self._tables.once(table) if must_be_there else self._tables.optional(table))
        if isinstance(read, Err) and _is_bearable(read.error):
            self.withheld.append(read.error)
            return Ok(None)
        return read


def _is_bearable(error: MeterError) -> bool:
    """Tell whether the meter is there, and only this table cannot be had."""
    return error.kind in _BEARABLE and not error.has_ended_session


def _identity(
    config: GenConfig | None,
    meter: GeneralMfgId | None,
    utility: UtilityInformation | None,
    device: DeviceIdent | None,
    withheld: tuple[MeterError, ...],
) -> MeterIdentity:
    osgp = is_osgp(config)
    hardware = firmware = None
    application: FirmwareVersion | None = None
    if meter is not None and osgp:
        firmware, application = str(meter.firmware), meter.application_firmware
    elif meter is not None:
        hardware = f"{meter.hw_version_number}.{meter.hw_revision_number}"
        firmware = f"{meter.fw_version_number}.{meter.fw_revision_number}"
    return MeterIdentity(
        manufacturer=meter.manufacturer if meter else None,
        model=meter.ed_model if meter else None,
        serial_number=str(meter.mfg_serial_number) if meter else None,
        firmware=firmware,
        hardware=hardware,
        application_firmware=str(application) if application else None,
        utility_serial_number=utility.utility_serial_number if utility else None,
        device_id=device.identification if device else None,
        is_osgp=osgp,
        is_big_endian=config.is_big_endian if config else None,
        withheld=withheld,
    )
