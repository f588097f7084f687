"""Interface classes of ZigBee: start-up, joining, fragmentation, control of a network.

Source: Blue Book 4.15.2 to 4.15.5; general knowledge.
"""

from __future__ import annotations

from meterkit.dlms.cosem.composite_types import array
from meterkit.dlms.cosem.data_types import (
    ANY,
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute


class ZigbeeSasStartup(CosemObject, class_id=101, version=0):
    """ZigBee SAS startup: what a device needs to create or join a network."""

    short_address = attribute(2, LONG_UNSIGNED, static=True)
    extended_pan_id = attribute(3, OCTET_STRING, static=True)
    pan_id = attribute(4, LONG_UNSIGNED, static=True)
    channel_mask = attribute(5, DOUBLE_LONG_UNSIGNED, static=True)
    protocol_version = attribute(6, UNSIGNED, static=True)
    stack_profile = attribute(7, UNSIGNED, static=True)
    start_up_control = attribute(8, UNSIGNED, static=True)
    trust_centre_address = attribute(9, OCTET_STRING, static=True)
    link_key = attribute(10, OCTET_STRING, static=True)
    network_key = attribute(11, OCTET_STRING, static=True)
    use_insecure_join = attribute(12, BOOLEAN, static=True)


class ZigbeeSasJoin(CosemObject, class_id=102, version=0):
    """ZigBee SAS join: how often and how fast a device tries to join."""

    scan_attempts = attribute(2, UNSIGNED, static=True)
    time_between_scans = attribute(3, LONG_UNSIGNED, static=True)  #: seconds
    rejoin_interval = attribute(4, LONG_UNSIGNED, static=True)  #: seconds
    max_rejoin_interval = attribute(5, LONG_UNSIGNED, static=True)  #: seconds


class ZigbeeSasApsFragmentation(CosemObject, class_id=103, version=0):
    """ZigBee SAS APS fragmentation: long messages in parts."""

    aps_interframe_delay = attribute(2, LONG_UNSIGNED, static=True)  #: milliseconds
    aps_max_window_size = attribute(3, LONG_UNSIGNED, static=True)


class ZigbeeNetworkControl(CosemObject, class_id=104, version=0):
    """ZigBee network control: a coordinator and its devices."""

    enable_disable_joining = attribute(2, BOOLEAN, static=True)
    join_timeout = attribute(3, LONG_UNSIGNED, static=True)  #: seconds
    active_devices = attribute(4, array(ANY))

    withheld = ("elements of active_devices", "methods 1 register_device to 11 remove_PAN: their parameters")
