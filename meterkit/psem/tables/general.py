"""Decade 0 beyond ST0: who made the meter.  Source: C12.19 Table 1; OSGP guide, BT01."""

from __future__ import annotations

from meterkit.codec.layout import derived, item, text
from meterkit.psem.tables.names import FirmwareVersion, Table
from meterkit.psem.tables.wire import SERIAL_NUMBER, UINT8


def _application(meter: GeneralMfgId) -> FirmwareVersion:
    return FirmwareVersion.unpack(meter.hw_version_number << 8 | meter.hw_revision_number)


def _main(meter: GeneralMfgId) -> FirmwareVersion:
    return FirmwareVersion.unpack(meter.fw_version_number << 8 | meter.fw_revision_number)


class GeneralMfgId(Table, number=1):
    """GENERAL_MFG_ID_TBL: manufacturer, model, versions and the manufacturer's serial number."""

    manufacturer = text(4)
    ed_model = text(8)
    hw_version_number = item(UINT8)
    hw_revision_number = item(UINT8)
    fw_version_number = item(UINT8)
    fw_revision_number = item(UINT8)
    mfg_serial_number = item(SERIAL_NUMBER)  #: 16 characters, or 16 digits with leading zeroes

    #: OSGP meters only: the firmware that decides which fields a table has; offset 14 is the MSB (D12).
    firmware = derived(_main)
    #: OSGP meters only: the application's own version, under C12.19's hardware names, MSB first alike.
    application_firmware = derived(_application)
