"""ST0: how a meter's tables are to be read, and which it has.  Source: C12.19 Table 0; OSGP guide, BT00."""

from __future__ import annotations

from meterkit.codec.layout import OPTIONAL, BitSet, bit, bits, derived, item, octet_set, octets
from meterkit.codec.wire import UINT8
from meterkit.psem.tables.names import MANUFACTURER, NUMBER_MASK, Table


def _manufacturer(config: GenConfig) -> str:
    return config.device_class.decode("latin-1").partition("\0")[0].rstrip(" ")


class GenConfig(Table, number=0):
    """GEN_CONFIG_TBL: octet order, formats and the tables this meter has.

    The sets at its end are missing on OSGP meters, whose guide ends at NBR_PENDING (D38).
    """

    format_control_1 = item(UINT8)
    data_order = bits(format_control_1, 0, 0)  #: 0 least, 1 most significant octet first
    char_format = bits(format_control_1, 1, 3)  #: 1 ASCII, 2 Latin-1, 3 UTF-8, 4 UTF-16, 5 UTF-32
    model_select = bits(format_control_1, 4, 6)
    format_control_2 = item(UINT8)
    tm_format = bits(format_control_2, 0, 2)  #: 0 no time, 1 BCD, 2 UINT8 fields, 3 minutes, 4 seconds
    data_access_method = bits(format_control_2, 3, 4)  #: 0 full, 1 offset, 2 index, 3 both
    id_form = bits(format_control_2, 5, 5)  #: 0 characters, 1 BCD
    int_format = bits(format_control_2, 6, 7)  #: 0 two's, 1 one's complement, 2 sign and magnitude
    format_control_3 = item(UINT8)
    ni_format1 = bits(format_control_3, 0, 3)
    ni_format2 = bits(format_control_3, 4, 7)
    device_class = octets(4)  #: 1997: manufacturer's name; 2008: a registered identifier
    manufacturer = derived(_manufacturer)
    nameplate_type = item(UINT8)  #: 0 gas, 1 water, 2 electric
    default_set_used = item(UINT8)
    max_proc_parm_length = item(UINT8)  #: octets of ST7 parameters
    max_resp_data_len = item(UINT8)  #: octets of ST8 response data
    std_version_no = item(UINT8)
    std_revision_no = item(UINT8)
    dim_std_tbls_used = item(UINT8)  #: octets of the set
    dim_mfg_tbls_used = item(UINT8)
    dim_std_proc_used = item(UINT8)
    dim_mfg_proc_used = item(UINT8)
    dim_mfg_status_used = item(UINT8)  #: octets of manufacturer status in ST3
    nbr_pending = item(UINT8)
    std_tbls_used = octet_set(dim_std_tbls_used, since=OPTIONAL)
    mfg_tbls_used = octet_set(dim_mfg_tbls_used, since=OPTIONAL)
    std_proc_used = octet_set(dim_std_proc_used, since=OPTIONAL)
    mfg_proc_used = octet_set(dim_mfg_proc_used, since=OPTIONAL)
    std_tbls_write = octet_set(dim_std_tbls_used, since=OPTIONAL)
    mfg_tbls_write = octet_set(dim_mfg_tbls_used, since=OPTIONAL)
    is_big_endian = bit(format_control_1, 0)

    def has_table(self, table_id: int) -> bool | None:
        """Tell whether the meter has a table; None when its ST0 carries no sets."""
        if self.std_tbls_used is not None and 0 not in self.std_tbls_used:
            return None  # zeros that pad a shorter ST0: without table 0 there is no C12.19
        return _has(self.std_tbls_used, self.mfg_tbls_used, table_id)

    def can_write_table(self, table_id: int) -> bool | None:
        """Tell whether a table can be written at all; None when ST0 carries no sets."""
        return _has(self.std_tbls_write, self.mfg_tbls_write, table_id)

    def has_procedure(self, number: int, *, manufacturer: bool = False) -> bool | None:
        """Tell whether the meter has a procedure; None when its ST0 carries no sets."""
        return _has(self.std_proc_used, self.mfg_proc_used, number | (MANUFACTURER if manufacturer else 0))


def _has(standard: BitSet | None, manufacturer: BitSet | None, identifier: int) -> bool | None:
    known = manufacturer if identifier & MANUFACTURER else standard
    return None if known is None else identifier & NUMBER_MASK in known
