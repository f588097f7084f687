"""Decade 0: what the meter is, and whose.  Source: C12.19 Tables 2, 5 and 6.

Layouts: general knowledge of C12.19, unconfirmed; ST2's and ST6's agree with public readers of meters.
"""

from __future__ import annotations

from meterkit.codec.layout import Chosen, Record, bits, item, octets, text
from meterkit.codec.wire import CharString
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.numbers import NI_FORMATS, bcd_string
from meterkit.psem.tables.wire import UINT8, UINT16

ELECTRIC = 2  # ST0 NAMEPLATE_TYPE: 0 gas, 1 water, 2 electric

#: An identification of ST5 or ST6: 20 characters, or 20 BCD digits in 10 octets, by ST0 ID_FORM.
IDENTIFICATION: Chosen[str] = Chosen("ID_FORM", GenConfig.id_form, {0: CharString(20), 1: bcd_string(10)})

# One public layout has NI_FMAT2 here; two others, and the 33 octets that General Electric's ST2 takes,
# say six characters.
_FLOAT_CHAR6 = NI_FORMATS[3]


class ElectricNameplate(Record):
    """ELECTRIC_RCD: the nameplate of an electricity meter."""

    e_kh = item(_FLOAT_CHAR6)  #: Wh a disk revolution, or a pulse of the same worth
    e_kt = item(_FLOAT_CHAR6)  #: Wh a pulse of the test output
    e_input_scalar = item(UINT8)  #: divisor of what the sensors give
    e_ed_config = text(5)  #: form number of ANSI C12.10, such as "16S"
    e_elements = item(UINT16)
    e_freq = bits(e_elements, 0, 2)  #: 2: 50 Hz, 3: 50 or 60 Hz, 4: 60 Hz
    e_no_of_elements = bits(e_elements, 3, 5)  #: code: 1: 1, 2: 2, 3: 2 1/2, 4: 3 elements
    e_base_type = bits(e_elements, 6, 9)  #: code
    e_accuracy_class = bits(e_elements, 10, 15)  #: code
    e_volts = item(UINT8)
    e_elements_volts = bits(e_volts, 0, 3)  #: code of the voltage that the elements measure
    e_ed_supply_volts = bits(e_volts, 4, 7)  #: code of the voltage that feeds the meter
    e_class_max_amps = item(_FLOAT_CHAR6)  #: A; meter class
    e_ta = item(_FLOAT_CHAR6)  #: A; test amperes


class DeviceNameplate(Table, number=2):
    """DEVICE_NAMEPLATE_TBL: what is printed on the meter.

    A gas or water meter's nameplate is in `extra`, as octets.
    """

    electric = item(ElectricNameplate, when=GenConfig.nameplate_type == ELECTRIC)


class DeviceIdent(Table, number=5):
    """DEVICE_IDENT_TBL: the number by which the utility knows the meter."""

    identification = item(IDENTIFICATION)


class UtilInfo(Table, number=6):
    """UTIL_INFO_TBL: what the utility wrote down about the meter and its place."""

    owner_name = text(20)
    utility_div = text(20)
    service_point_id = item(IDENTIFICATION)
    elec_addr = item(IDENTIFICATION)
    device_id = item(IDENTIFICATION)  #: as ST5
    util_ser_no = item(IDENTIFICATION)
    customer_id = item(IDENTIFICATION)
    coordinate_1 = text(10)
    coordinate_2 = text(10)
    coordinate_3 = text(10)
    tariff_id = text(8)
    ex1_sw_vendor = text(4)  #: of the software that configured the meter
    ex1_sw_version_number = item(UINT8)
    ex1_sw_revision_number = item(UINT8)
    ex2_sw_vendor = text(4)  #: of the software that programmed it last
    ex2_sw_version_number = item(UINT8)
    ex2_sw_revision_number = item(UINT8)
    programmer_name = text(10)
    misc_id = octets(30)  #: the utility's own; often characters
