"""Interface classes of power line communication before G3: S-FSK, LLC, PRIME.

    frequencies   { mark_frequency, space_frequency } in Hz

Source: Blue Book 4.10 (S-FSK), 4.12 (PRIME NB OFDM PLC); general knowledge.
"""

from __future__ import annotations

from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    INTEGER,
    LONG,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method


# ---------------------------------------------------------------- S-FSK
class InitiatorElectricalPhase(Code):
    """On which phase the initiator is."""

    NOT_DEFINED = 0, "not defined"
    PHASE_1 = 1, "phase 1"
    PHASE_2 = 2, "phase 2"
    PHASE_3 = 3, "phase 3"


class DeltaElectricalPhase(Code):
    """How far the server's phase is from the initiator's."""

    NOT_DEFINED = 0, "not defined"
    SAME = 1, "the same phase"
    DEGREES_60 = 2, "60 degrees"
    DEGREES_120 = 3, "120 degrees"
    DEGREES_180 = 4, "180 degrees"
    DEGREES_MINUS_120 = 5, "-120 degrees"
    DEGREES_MINUS_60 = 6, "-60 degrees"


class Repeater(Code):
    """Whether the server repeats frames."""

    NEVER = 0, "never"
    ALWAYS = 1, "always"
    DYNAMIC = 2, "when it is called"


@structure
class Frequencies:
    """The two frequencies of S-FSK."""

    mark_frequency: int = element(DOUBLE_LONG_UNSIGNED)  #: Hz
    space_frequency: int = element(DOUBLE_LONG_UNSIGNED)  #: Hz


class SfskPhyMacSetup(CosemObject, class_id=50, version=1):
    """S-FSK Phy&MAC set-up."""

    initiator_electrical_phase = attribute(2, InitiatorElectricalPhase, static=True)
    delta_electrical_phase = attribute(3, DeltaElectricalPhase)
    max_receiving_gain = attribute(4, UNSIGNED, static=True)  #: dB
    max_transmitting_gain = attribute(5, UNSIGNED, static=True)  #: dB
    search_initiator_threshold = attribute(6, UNSIGNED, static=True)
    frequencies = attribute(7, Frequencies, static=True)
    mac_address = attribute(8, LONG_UNSIGNED)
    mac_group_addresses = attribute(9, array(LONG_UNSIGNED), static=True)
    repeater = attribute(10, Repeater, static=True)
    repeater_status = attribute(11, BOOLEAN)
    min_delta_credit = attribute(12, UNSIGNED)
    initiator_mac_address = attribute(13, LONG_UNSIGNED)
    synchronization_locked = attribute(14, BOOLEAN)
    transmission_speed = attribute(15, ENUM, static=True)

    withheld = ("version 0, which is deprecated",)


@structure
class InitiatorDescriptor:
    """Who initiates."""

    system_title: bytes = element(OCTET_STRING)
    mac_address: int = element(LONG_UNSIGNED)
    l_sap_selector: int = element(UNSIGNED)


class SfskActiveInitiator(CosemObject, class_id=51, version=0):
    """S-FSK active initiator: who initiates just now."""

    active_initiator = attribute(2, InitiatorDescriptor)

    withheld = ("method 1 reset_NEW_not_synchronized: its parameter",)


class SfskMacSynchronizationTimeouts(CosemObject, class_id=52, version=0):
    """S-FSK MAC synchronization timeouts; 0 switches one off."""

    search_initiator_timeout = attribute(2, LONG_UNSIGNED, static=True)
    synchronization_confirmation_timeout = attribute(3, LONG_UNSIGNED, static=True)
    time_out_not_addressed = attribute(4, LONG_UNSIGNED, static=True)
    time_out_frame_not_ok = attribute(5, LONG_UNSIGNED, static=True)


@structure
class FramesOfAddress:
    """What was counted of one MAC address."""

    mac_address: int = element(LONG_UNSIGNED)
    counter: int = element(DOUBLE_LONG_UNSIGNED)


@structure
class DesynchronizationListing:
    """How often synchronization was lost, and why."""

    nb_physical_layer_desynchronization: int = element(DOUBLE_LONG_UNSIGNED)
    nb_time_out_not_addressed_desynchronization: int = element(DOUBLE_LONG_UNSIGNED)
    nb_time_out_frame_not_ok_desynchronization: int = element(DOUBLE_LONG_UNSIGNED)
    nb_write_request_desynchronization: int = element(DOUBLE_LONG_UNSIGNED)
    nb_wrong_initiator_desynchronization: int = element(DOUBLE_LONG_UNSIGNED)


class SfskMacCounters(CosemObject, class_id=53, version=0):
    """S-FSK MAC counters."""

    synchronization_register = attribute(2, array(FramesOfAddress))
    desynchronization_listing = attribute(3, DesynchronizationListing)
    broadcast_frames_counter = attribute(4, array(FramesOfAddress))
    repetitions_counter = attribute(5, DOUBLE_LONG_UNSIGNED)
    transmissions_counter = attribute(6, DOUBLE_LONG_UNSIGNED)
    crc_ok_frames_counter = attribute(7, DOUBLE_LONG_UNSIGNED)
    crc_nok_frames_counter = attribute(8, DOUBLE_LONG_UNSIGNED)
    reset = method(1, NOTHING)


class SfskReportingSystemList(CosemObject, class_id=56, version=0):
    """S-FSK reporting system list: who answered discovery."""

    reporting_system_list = attribute(2, array(OCTET_STRING))  #: system titles


# ---------------------------------------------------------------- PRIME
class LlcSscsSetup(CosemObject, class_id=80, version=0):
    """61334-4-32 LLC SSCS setup: addresses that the base node gave."""

    service_node_address = attribute(2, LONG_UNSIGNED)
    base_node_address = attribute(3, LONG_UNSIGNED)
    reset = method(1, NOTHING)


class PrimePhysicalLayerCounters(CosemObject, class_id=81, version=0):
    """PRIME NB OFDM PLC Physical layer counters."""

    phy_stats_crc_incorrect_count = attribute(2, LONG_UNSIGNED)
    phy_stats_crc_fail_count = attribute(3, LONG_UNSIGNED)
    phy_stats_tx_drop_count = attribute(4, LONG_UNSIGNED)
    phy_stats_rx_drop_count = attribute(5, LONG_UNSIGNED)
    reset = method(1, NOTHING)


class PrimeMacSetup(CosemObject, class_id=82, version=0):
    """PRIME NB OFDM PLC MAC setup."""

    mac_min_switch_search_time = attribute(2, UNSIGNED, static=True)  #: seconds
    mac_max_promotion_pdu = attribute(3, UNSIGNED, static=True)
    mac_promotion_pdu_tx_period = attribute(4, UNSIGNED, static=True)  #: seconds
    mac_beacons_per_frame = attribute(5, UNSIGNED, static=True)
    mac_scp_max_tx_attempts = attribute(6, UNSIGNED, static=True)
    mac_ctl_re_tx_timer = attribute(7, UNSIGNED, static=True)  #: seconds
    mac_max_ctl_re_tx = attribute(8, UNSIGNED, static=True)


class PrimeMacState(Code):
    """What a node is just now."""

    DISCONNECTED = 0, "disconnected"
    TERMINAL = 1, "a terminal"
    SWITCH = 2, "a switch"
    BASE = 3, "the base node"


class PrimeMacFunctionalParameters(CosemObject, class_id=83, version=0):
    """PRIME NB OFDM PLC MAC functional parameters."""

    mac_lnid = attribute(2, LONG)
    mac_lsid = attribute(3, UNSIGNED)
    mac_sid = attribute(4, UNSIGNED)
    mac_sna = attribute(5, OCTET_STRING)
    mac_state = attribute(6, PrimeMacState)
    mac_scp_length = attribute(7, LONG)
    mac_node_hierarchy_level = attribute(8, UNSIGNED)
    mac_beacon_slot_count = attribute(9, UNSIGNED)
    mac_beacon_rx_slot = attribute(10, UNSIGNED)
    mac_beacon_tx_slot = attribute(11, UNSIGNED)
    mac_beacon_rx_frequency = attribute(12, UNSIGNED)
    mac_beacon_tx_frequency = attribute(13, UNSIGNED)
    mac_capabilities = attribute(14, LONG_UNSIGNED)


class PrimeMacCounters(CosemObject, class_id=84, version=0):
    """PRIME NB OFDM PLC MAC counters."""

    mac_tx_data_pkt_count = attribute(2, DOUBLE_LONG_UNSIGNED)
    mac_rx_data_pkt_count = attribute(3, DOUBLE_LONG_UNSIGNED)
    mac_tx_ctrl_pkt_count = attribute(4, DOUBLE_LONG_UNSIGNED)
    mac_rx_ctrl_pkt_count = attribute(5, DOUBLE_LONG_UNSIGNED)
    mac_csma_fail_count = attribute(6, DOUBLE_LONG_UNSIGNED)
    mac_csma_ch_busy_count = attribute(7, DOUBLE_LONG_UNSIGNED)
    reset = method(1, NOTHING)


@structure
class MulticastEntry:
    """A multicast group and its members."""

    mcast_entry_lcid: int = element(INTEGER)
    mcast_entry_members: int = element(LONG)


@structure
class DirectEntry:
    """A direct connection between two nodes."""

    dconn_entry_src_sid: int = element(LONG)
    dconn_entry_src_lnid: int = element(LONG)
    dconn_entry_src_lcid: int = element(LONG)
    dconn_entry_dst_sid: int = element(LONG)
    dconn_entry_dst_lnid: int = element(LONG)
    dconn_entry_dst_lcid: int = element(LONG)
    dconn_entry_did: bytes = element(OCTET_STRING)


@structure
class AvailableSwitch:
    """A switch whose beacons are heard."""

    slist_entry_sna: bytes = element(OCTET_STRING)
    slist_entry_lsid: int = element(LONG)
    slist_entry_level: int = element(INTEGER)
    slist_entry_rx_level: int = element(INTEGER)  #: EMA
    slist_entry_rx_snr: int = element(INTEGER)  #: EMA


@structure
class PhyCommunication:
    """How one neighbour is spoken to."""

    phy_comm_eui: bytes = element(OCTET_STRING)
    phy_comm_tx_power: int = element(INTEGER)
    phy_comm_tx_coding: int = element(INTEGER)
    phy_comm_rx_coding: int = element(INTEGER)
    phy_comm_rx_level: int = element(INTEGER)
    phy_comm_rx_snr: int = element(INTEGER)
    phy_comm_tx_power_mod: int = element(INTEGER)
    phy_comm_tx_coding_mod: int = element(INTEGER)
    phy_comm_rx_coding_mod: int = element(INTEGER)


class PrimeMacNetworkAdministrationData(CosemObject, class_id=85, version=0):
    """PRIME NB OFDM PLC MAC network administration data."""

    mac_list_multicast_entries = attribute(2, array(MulticastEntry))
    mac_list_switch_table = attribute(3, array(LONG))
    mac_list_direct_table = attribute(4, array(DirectEntry))
    mac_list_available_switches = attribute(5, array(AvailableSwitch))
    mac_list_phy_comm = attribute(6, array(PhyCommunication))
    reset = method(1, NOTHING)


class PrimeApplicationsIdentification(CosemObject, class_id=86, version=0):
    """PRIME NB OFDM PLC Applications identification."""

    firmware_version = attribute(2, OCTET_STRING, static=True)
    vendor_id = attribute(3, LONG_UNSIGNED, static=True)
    product_id = attribute(4, LONG_UNSIGNED, static=True)
