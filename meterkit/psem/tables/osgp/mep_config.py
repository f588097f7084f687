"""ET51: how the meter treats its MEP clients and who may hold the optical port.

Source: OSGP guide, ET51 (read and write access: MK, PK).
"""

from __future__ import annotations

from meterkit.codec.layout import Record, array, bit, item
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.osgp.mfg_dimension import MfgDimension
from meterkit.psem.tables.wire import UINT8, UINT16

# Octet 9 has no firmware version in the guide (D27).  It lies behind octet 8, which came with 3.40: from
# the first build after that on, the octets decide.
_AFTER_3_40 = (3, 40, 1)


class MepConfiguration(Record):
    """One MEP client: 10 octets, 9 or, before firmware 3.40, 8."""

    mep_flags = item(UINT8)
    enable_optical_dos_timer = bit(mep_flags, 0)  #: from firmware 4.0 on ET55's counts instead
    monitor_mep_health = bit(mep_flags, 1)
    reset_device_down_mep = bit(mep_flags, 2)  #: firmware 3.40 and higher
    reset_mep_now = bit(mep_flags, 3)  #: firmware 3.60 and higher; the meter clears it
    disable_mep = bit(mep_flags, 7)
    mep_health_timeout = item(UINT16)  #: seconds without MEP activity until ET14 says "down"
    on_demand_timeout = item(UINT8)  #: seconds until a read in ET15 or ET20 has expired
    optical_session_timeout = item(UINT16)  #: seconds; from firmware 4.0 on ET55's counts instead
    optical_session_hold_off = item(UINT16)  #: seconds after a time-out; from 4.0 on ET55's
    mep_down_reset_duration = item(UINT8, since=(3, 40))  #: seconds; 0 means 1
    han_flags = item(UINT8, since=_AFTER_3_40)
    deactivate_han = bit(han_flags, 0)  #: from firmware 4.0 on ET55's counts instead


class MepDeviceConfiguration(Table, number=2099):
    """ET51 MEP_DEVICE_CONFIGURATION: one element a MEP client."""

    clients = array(MepConfiguration, MfgDimension.mep_channels)
