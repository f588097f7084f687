"""ET03: what the utility keeps in the meter.  Source: OSGP guide, ET03 (read access: open)."""

from __future__ import annotations

from meterkit.codec.layout import octets, text
from meterkit.psem.tables.names import Table


class UtilityInformation(Table, number=2051):
    """ET03 UTILITY_INFORMATION: the customer's serial number of the meter."""

    utility_serial_number = text(30, padding="\0")
    reserved = octets(113)  #: offsets 30..142, for other uses: keep what was read (D44)
