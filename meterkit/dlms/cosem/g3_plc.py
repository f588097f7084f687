"""Interface classes of G3-PLC: counters, the MAC sub-layer, the 6LoWPAN adaptation layer.

    neighbour_table_element   { short_address, payload_modulation_scheme, tone_map, .. , TMR_valid_time, .. }

Source: Blue Book 4.13.3 to 4.13.5; general knowledge.
"""

from __future__ import annotations

from meterkit.codec.axdr import BitString
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    ANY,
    BIT_STRING,
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method


class G3MacLayerCounters(CosemObject, class_id=90, version=1):
    """G3-PLC MAC layer counters."""

    mac_tx_data_packet_count = attribute(2, DOUBLE_LONG_UNSIGNED)
    mac_rx_data_packet_count = attribute(3, DOUBLE_LONG_UNSIGNED)
    mac_tx_cmd_packet_count = attribute(4, DOUBLE_LONG_UNSIGNED)
    mac_rx_cmd_packet_count = attribute(5, DOUBLE_LONG_UNSIGNED)
    mac_csma_fail_count = attribute(6, DOUBLE_LONG_UNSIGNED)
    mac_csma_no_ack_count = attribute(7, DOUBLE_LONG_UNSIGNED)
    mac_bad_crc_count = attribute(8, DOUBLE_LONG_UNSIGNED)
    mac_tx_data_broadcast_count = attribute(9, DOUBLE_LONG_UNSIGNED)
    mac_rx_data_broadcast_count = attribute(10, DOUBLE_LONG_UNSIGNED)
    reset = method(1, NOTHING)

    withheld = ("version 0",)


# ---------------------------------------------------------------- the MAC sub-layer
class Modulation(Code):
    """How symbols are modulated."""

    ROBUST = 0, "robust mode"
    DBPSK = 1, "DBPSK, or BPSK"
    DQPSK = 2, "DQPSK, or QPSK"
    D8PSK = 3, "D8PSK, or 8-PSK"
    QAM_16 = 4, "16-QAM"


class GainResolution(Code):
    """The step of a transmitter's gain."""

    DB_6 = 0, "6 dB"
    DB_3 = 1, "3 dB"


@structure
class MacKey:
    """A key of the network."""

    key_id: int = element(UNSIGNED)
    key: bytes = element(OCTET_STRING)


@structure
class NeighbourTableElement:
    """How one neighbour is spoken to."""

    short_address: int = element(LONG_UNSIGNED)
    payload_modulation_scheme: bool = element(BOOLEAN)  #: true: differential is off
    tone_map: BitString = element(BIT_STRING)
    modulation: Modulation = element(Modulation)
    tx_gain: int = element(INTEGER)
    tx_res: GainResolution = element(GainResolution)
    tx_coeff: BitString = element(BIT_STRING)
    lqi: int = element(UNSIGNED)
    phase_differential: int = element(INTEGER)  #: times 60 degrees
    tmr_valid_time: int = element(UNSIGNED)  #: minutes
    neighbour_valid_time: int = element(UNSIGNED)  #: minutes


@structure
class PosTableElement:
    """A station in the personal operating space."""

    short_address: int = element(LONG_UNSIGNED)
    lqi: int = element(UNSIGNED)
    valid_time: int = element(UNSIGNED)  #: minutes


class G3MacSetupBase(CosemObject, class_id=91):
    """What every version of G3-PLC MAC setup has."""

    mac_short_address = attribute(2, LONG_UNSIGNED)
    mac_rc_coord = attribute(3, LONG_UNSIGNED)
    mac_pan_id = attribute(4, LONG_UNSIGNED)
    mac_key_table = attribute(5, array(MacKey))
    mac_frame_counter = attribute(6, DOUBLE_LONG_UNSIGNED)
    mac_tone_mask = attribute(7, BIT_STRING, static=True)
    mac_tmr_ttl = attribute(8, UNSIGNED, static=True)  #: minutes
    mac_max_frame_retries = attribute(9, UNSIGNED, static=True)
    mac_neighbour_table = attribute(11, array(NeighbourTableElement))
    mac_high_priority_window_size = attribute(12, UNSIGNED, static=True)  #: slots
    mac_csma_fairness_limit = attribute(13, UNSIGNED, static=True)
    mac_beacon_randomization_window_length = attribute(14, UNSIGNED, static=True)  #: seconds
    mac_a = attribute(15, UNSIGNED, static=True)
    mac_k = attribute(16, UNSIGNED, static=True)
    mac_min_cw_attempts = attribute(17, UNSIGNED, static=True)
    mac_cenelec_legacy_mode = attribute(18, UNSIGNED, static=True)
    mac_fcc_legacy_mode = attribute(19, UNSIGNED, static=True)
    mac_max_be = attribute(20, UNSIGNED, static=True)
    mac_max_csma_backoffs = attribute(21, UNSIGNED, static=True)
    mac_min_be = attribute(22, UNSIGNED, static=True)
    mac_get_neighbour_table_entry = method(1, LONG_UNSIGNED, returns=array(NeighbourTableElement))


class G3MacSetup(G3MacSetupBase, version=1):
    """G3-PLC MAC setup, version 1."""

    mac_neighbour_table_entry_ttl = attribute(10, UNSIGNED, static=True)  #: minutes

    withheld = ("version 0",)


class G3MacSetupV2(G3MacSetup, version=2):
    """G3-PLC MAC setup, version 2: broadcasts, attenuation, the personal operating space."""

    mac_broadcast_max_cw_enabled = attribute(23, BOOLEAN, static=True)
    mac_transmit_atten = attribute(24, UNSIGNED, static=True)  #: dB
    mac_pos_table = attribute(25, array(PosTableElement))


class G3MacSetupV3(G3MacSetupV2, version=3):
    """G3-PLC MAC setup, version 3: duplicates."""

    mac_duplicate_detection_ttl = attribute(26, UNSIGNED, static=True)  #: seconds
    mac_get_pos_table_entry = method(2, LONG_UNSIGNED, returns=array(PosTableElement))


class G3MacSetupV4(G3MacSetupBase, version=4):
    """G3-PLC MAC setup, version 4: recent entries of the personal operating space."""

    mac_pos_table_entry_ttl = attribute(10, UNSIGNED, static=True)  #: minutes
    mac_broadcast_max_cw_enabled = attribute(23, BOOLEAN, static=True)
    mac_transmit_atten = attribute(24, UNSIGNED, static=True)  #: dB
    mac_pos_table = attribute(25, array(ANY))
    mac_duplicate_detection_ttl = attribute(26, UNSIGNED, static=True)  #: seconds
    mac_pos_recent_entry_threshold = attribute(27, UNSIGNED, static=True)
    mac_pos_recent_entries = attribute(28, LONG_UNSIGNED, static=True)
    mac_preamble_length = attribute(29, UNSIGNED, static=True)

    withheld = ("elements of mac_POS_table in version 4", "method 2 mac_get_POS_table_entry in version 4")


# ---------------------------------------------------------------- the adaptation layer
class G3DeviceType(Code):
    """What a station is."""

    PAN_DEVICE = 0, "a device"
    PAN_COORDINATOR = 1, "the coordinator"
    NOT_DEFINED = 2, "not defined"


@structure
class RoutingConfiguration:
    """How routes are found."""

    adp_net_traversal_time: int = element(UNSIGNED)  #: seconds
    adp_routing_table_entry_ttl: int = element(LONG_UNSIGNED)  #: minutes
    adp_kr: int = element(UNSIGNED)
    adp_km: int = element(UNSIGNED)
    adp_kc: int = element(UNSIGNED)
    adp_kq: int = element(UNSIGNED)
    adp_kh: int = element(UNSIGNED)
    adp_krt: int = element(UNSIGNED)
    adp_rreq_retries: int = element(UNSIGNED)
    adp_rreq_rerr_wait: int = element(UNSIGNED)  #: seconds
    adp_blacklist_table_entry_ttl: int = element(LONG_UNSIGNED)  #: minutes
    adp_unicast_rreq_gen_enable: bool = element(BOOLEAN)
    adp_rlc_enabled: bool = element(BOOLEAN)
    adp_add_rev_link_cost: int = element(UNSIGNED)


@structure
class Route:
    """A route."""

    destination_address: int = element(LONG_UNSIGNED)
    next_hop_address: int = element(LONG_UNSIGNED)
    route_cost: int = element(LONG_UNSIGNED)
    hop_count: int = element(UNSIGNED)
    weak_link_count: int = element(UNSIGNED)
    valid_time: int = element(LONG_UNSIGNED)  #: minutes


@structure
class ContextInformation:
    """A context of header compression."""

    cid: BitString = element(BIT_STRING)
    context_length: int = element(UNSIGNED)
    context: bytes = element(OCTET_STRING)
    compression: bool = element(BOOLEAN)
    valid_lifetime: int = element(LONG_UNSIGNED)  #: minutes


@structure
class BlacklistedNeighbour:
    """A neighbour that routes avoid."""

    address: int = element(LONG_UNSIGNED)
    valid_time: int = element(LONG_UNSIGNED)  #: minutes


@structure
class BroadcastLogEntry:
    """A broadcast that was heard."""

    source_address: int = element(LONG_UNSIGNED)
    sequence_number: int = element(UNSIGNED)
    valid_time: int = element(LONG_UNSIGNED)  #: minutes


class G3AdaptationLayerSetup(CosemObject, class_id=92, version=1):
    """G3-PLC 6LoWPAN adaptation layer setup, version 1."""

    adp_max_hops = attribute(2, UNSIGNED, static=True)
    adp_weak_lqi_value = attribute(3, UNSIGNED, static=True)
    adp_security_level = attribute(4, UNSIGNED, static=True)
    adp_prefix_table = attribute(5, array(ANY))
    adp_routing_configuration = attribute(6, array(RoutingConfiguration), static=True)
    adp_broadcast_log_table_entry_ttl = attribute(7, LONG_UNSIGNED, static=True)  #: minutes
    adp_routing_table = attribute(8, array(Route))
    adp_context_information_table = attribute(9, array(ContextInformation))
    adp_blacklist_table = attribute(10, array(BlacklistedNeighbour))
    adp_broadcast_log_table = attribute(11, array(BroadcastLogEntry))
    adp_group_table = attribute(12, array(LONG_UNSIGNED))
    adp_max_join_wait_time = attribute(13, LONG_UNSIGNED, static=True)  #: seconds
    adp_path_discovery_time = attribute(14, UNSIGNED, static=True)  #: seconds
    adp_active_key_index = attribute(15, UNSIGNED, static=True)
    adp_metric_type = attribute(16, UNSIGNED, static=True)
    adp_coord_short_address = attribute(17, LONG_UNSIGNED, static=True)
    adp_disable_default_routing = attribute(18, BOOLEAN, static=True)
    adp_device_type = attribute(19, G3DeviceType, static=True)

    withheld = ("version 0", "elements of adp_prefix_table", "version 4 and its attributes 24 to 40")


class G3AdaptationLayerSetupV2(G3AdaptationLayerSetup, version=2):
    """G3-PLC 6LoWPAN adaptation layer setup, version 2: default route, addresses."""

    adp_default_coord_route_enabled = attribute(20, BOOLEAN, static=True)
    adp_destination_address_set = attribute(21, array(LONG_UNSIGNED))


class G3AdaptationLayerSetupV3(G3AdaptationLayerSetupV2, version=3):
    """G3-PLC 6LoWPAN adaptation layer setup, version 3: thresholds of link quality."""

    adp_low_lqi_value = attribute(22, UNSIGNED, static=True)
    adp_high_lqi_value = attribute(23, UNSIGNED, static=True)
