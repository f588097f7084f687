"""ET11: the sizes and counts behind the other extended tables.

Source: OSGP guide, ET11 (read access: MK, PK, RK).
"""

from __future__ import annotations

from meterkit.codec.layout import OPTIONAL, derived, item
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import UINT8, UINT16


def _channels(dimension: MfgDimension) -> int:
    return 1 if dimension.mep_channel_count is None else dimension.mep_channel_count


class MfgDimension(Table, number=2059):
    """ET11 MFG_DIMENSION: 39 octets from firmware 4.20 on, 38, 32, 28, 27 or 24 before."""

    nbr_of_devices = item(UINT8)  #: MEP and M-Bus devices; 5 before firmware 4.0, then 6
    config_entry_size = item(UINT8)  #: octets of an ET13 entry
    status_entry_size = item(UINT8)  #: octets of an ET14 entry
    on_demand_queue_size = item(UINT8)  #: entries of ET15
    on_demand_entry_size = item(UINT8)  #: octets of an ET15 entry
    data_entry_size = item(UINT16)  #: octets of an ET16 entry
    transaction_request_length = item(UINT16)  #: octets of ET52
    transaction_response_length = item(UINT16)  #: octets of ET53
    on_demand_write_entry_size = item(UINT8)  #: octets
    # The guide prints what follows without a firmware version but as "may change", where all above is
    # "fixed": OPTIONAL, so that a first edition that ends here still gives the size of ET16.
    phase_measurement_data_size = item(UINT8, since=OPTIONAL)  #: octets
    configuration_entry_2_size = item(UINT8, since=OPTIONAL)  #: octets of an ET34 entry
    meter_one_time_read_queue_size = item(UINT8, since=OPTIONAL)  #: entries
    mbus_one_time_read_queue_size = item(UINT8, since=OPTIONAL)  #: entries
    meter_one_time_read_entry_size = item(UINT8, since=OPTIONAL)  #: octets of an ET19 entry
    mbus_one_time_read_entry_size = item(UINT8, since=OPTIONAL)  #: octets of an ET20 entry
    nbr_group_ids = item(UINT8, since=OPTIONAL)
    nbr_harmonics = item(UINT8, since=OPTIONAL)
    mbus_multicast_message_length = item(UINT8, since=OPTIONAL)  #: octets
    et22_alarm_size = item(UINT8, since=OPTIONAL)  #: octets of the first array of ET22
    mep_data_sources = item(UINT8, since=OPTIONAL)  #: in ET50
    et48_entry_count = item(UINT8, since=OPTIONAL)
    max_critical_event_bitmaps = item(UINT8, since=(3, 30))
    et57_entry_count = item(UINT8, since=(3, 30))  #: M-Bus and MEP data types
    time_based_relay_switches = item(UINT8, since=(3, 30))  #: in ET61, for each control relay
    mep_delta_data_alert_sources = item(UINT8, since=(3, 40))  #: in ET71
    ram_only_transaction_request_length = item(UINT16, since=(3, 50))  #: octets
    ram_only_transaction_response_length = item(UINT16, since=(3, 50))  #: octets
    firmware_module_entry_count = item(UINT8, since=(4, 0))
    firmware_module_entry_length = item(UINT8, since=(4, 0))  #: octets
    mep_channel_count = item(UINT8, since=(4, 0))  #: MEP clients
    reserved = item(UINT8, since=(4, 0))
    et17_verification_bitmap_size = item(UINT16, since=(4, 0))  #: octets
    error_caution_screen_count = item(UINT8, since=(4, 20))

    #: Elements of ET51; 1 on meters older than 4.0, whose ET11 does not say.  Source: OSGP guide, ET51.
    mep_channels = derived(_channels, is_shown=False)
