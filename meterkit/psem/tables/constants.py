"""ST15: what a source's numbers are multiplied with.  Source: C12.19 Table 15.

Layouts: general knowledge of C12.19, unconfirmed; they agree with public readers of meters.
"""

from __future__ import annotations

from meterkit.codec.layout import Record, array, bit, item
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.sources import HAS_OFFSET, ActSourcesLim
from meterkit.psem.tables.wire import NI_FMAT1, UINT8

AGA3, AGA7, ELECTRIC = 0, 1, 2  # ST11 CONSTANTS_SELECTOR


class GasPressure(Record):
    """GAS_PRESS_RCD: the range of the pressure sensor and the pressure that volumes are reduced to."""

    gas_press_zero = item(NI_FMAT1)
    gas_press_fullscale = item(NI_FMAT1)
    base_pressure = item(NI_FMAT1)


class GasTemperature(Record):
    """GAS_TEMP_RCD: the range of the temperature sensor and the temperature that volumes are reduced to."""

    gas_temp_zero = item(NI_FMAT1)
    gas_temp_fullscale = item(NI_FMAT1)
    base_temp = item(NI_FMAT1)


class GasConstantsAga3(Record):
    """GAS_CONSTANTS_AGA3_RCD: an orifice meter's."""

    gas_dp_zero = item(NI_FMAT1)  #: differential pressure sensor
    gas_dp_fullscale = item(NI_FMAT1)
    gas_shutoff = item(NI_FMAT1)  #: differential pressure below which there is no flow
    gas_press_parm = item(GasPressure)
    aux_corr_fctr = item(NI_FMAT1)
    gas_aga3_corr_fctr = item(NI_FMAT1)
    pipe_dia = item(NI_FMAT1)
    orif_dia = item(NI_FMAT1)
    tap_up_dn = item(UINT8)  #: pressure tap: 0 upstream, 1 downstream
    corr_press_parm = item(GasPressure)
    gas_temp_parm = item(GasTemperature)
    gas_energy_zero = item(NI_FMAT1)
    gas_energy_full = item(NI_FMAT1)


class GasConstantsAga7(Record):
    """GAS_CONSTANTS_AGA7_RCD: a turbine meter's."""

    gas_press_parm = item(GasPressure)
    gas_temp_parm = item(GasTemperature)
    aux_corr_fctr = item(NI_FMAT1)
    gas_aga7_corr = item(NI_FMAT1)
    gas_energy_zero = item(NI_FMAT1)
    gas_energy_full = item(NI_FMAT1)


class SetApplied(Record):
    """SET_APPLIED_RCD: ratios of the transformers, or of whatever stands between the line and the meter."""

    set_flags = item(UINT8)
    set_applied_flag = bit(set_flags, 0)  #: the ratios are already in the meter's values
    ratio_f1 = item(NI_FMAT1)  #: of flow: current transformers
    ratio_p1 = item(NI_FMAT1)  #: of pressure: voltage transformers


class ElectricConstants(Record):
    """ELECTRIC_CONSTANTS_RCD: value = number * multiplier + offset, times the ratios not applied yet."""

    multiplier = item(NI_FMAT1)
    offset = item(NI_FMAT1, when=HAS_OFFSET)
    set1_constants = item(SetApplied, when=ActSourcesLim.set1_present_flag)
    set2_constants = item(SetApplied, when=ActSourcesLim.set2_present_flag)


class Constants(Table, number=15):
    """CONSTANTS_TBL: one of the three arrays, by ST11; with a selector that nobody knows, none."""

    gas_aga3 = array(
        GasConstantsAga3, ActSourcesLim.nbr_constants_entries, when=ActSourcesLim.constants_selector == AGA3
    )
    gas_aga7 = array(
        GasConstantsAga7, ActSourcesLim.nbr_constants_entries, when=ActSourcesLim.constants_selector == AGA7
    )
    electric = array(
        ElectricConstants,
        ActSourcesLim.nbr_constants_entries,
        when=ActSourcesLim.constants_selector == ELECTRIC,
    )
