"""Interface classes of internet protocols: TCP-UDP, IPv4, IPv6, MAC address, PPP, NTP, CoAP.

    ip_address   IPv4: double-long-unsigned, c0 a8 00 07 is 192.168.0.7; IPv6: octet-string of 16

Source: Blue Book 4.9.1 to 4.9.7, classes 152 and 153 (CoAP); general knowledge.
"""

from __future__ import annotations

from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    ANY,
    BOOLEAN,
    DATE_TIME,
    DOUBLE_LONG_UNSIGNED,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method


class TcpUdpSetup(CosemObject, class_id=41, version=0):
    """TCP-UDP setup: port, segment size, connections."""

    tcp_udp_port = attribute(2, LONG_UNSIGNED)
    ip_reference = attribute(3, LOGICAL_NAME, static=True)  #: of an IPv4 or IPv6 setup
    mss = attribute(4, LONG_UNSIGNED, static=True)  #: octets, the maximum segment size
    nb_of_sim_conn = attribute(5, UNSIGNED, static=True)
    inactivity_time_out = attribute(6, LONG_UNSIGNED, static=True)  #: seconds; 0 never


# ---------------------------------------------------------------- IP
@structure
class IpOption:
    """An option of the IPv4 header."""

    ip_option_type: int = element(UNSIGNED)  #: as RFC 791 numbers it
    ip_option_length: int = element(UNSIGNED)
    ip_option_data: bytes = element(OCTET_STRING)


class Ipv4Setup(CosemObject, class_id=42, version=0):
    """IPv4 setup: addresses, by hand or by DHCP."""

    dl_reference = attribute(2, LOGICAL_NAME, static=True)  #: of the data link layer's setup
    ip_address = attribute(3, DOUBLE_LONG_UNSIGNED)
    multicast_ip_address = attribute(4, array(DOUBLE_LONG_UNSIGNED))
    ip_options = attribute(5, array(IpOption), static=True)
    subnet_mask = attribute(6, DOUBLE_LONG_UNSIGNED)
    gateway_ip_address = attribute(7, DOUBLE_LONG_UNSIGNED)
    use_dhcp_flag = attribute(8, BOOLEAN, static=True)
    primary_dns_address = attribute(9, DOUBLE_LONG_UNSIGNED)
    secondary_dns_address = attribute(10, DOUBLE_LONG_UNSIGNED)
    add_mc_ip_address = method(1, DOUBLE_LONG_UNSIGNED)
    delete_mc_ip_address = method(2, DOUBLE_LONG_UNSIGNED)
    get_nbof_mc_ip_addresses = method(3, NOTHING, returns=LONG_UNSIGNED)


class AddressConfigMode(Code):
    """How an IPv6 address is found."""

    AUTO_CONFIGURATION = 0, "by itself"
    DHCPV6 = 1, "by DHCPv6"
    MANUAL = 2, "by hand"
    ND = 3, "by neighbour discovery"


@structure
class NeighborDiscoverySetup:
    """How neighbours are looked for."""

    rs_max_retry: int = element(UNSIGNED)
    rs_retry_wait_time: int = element(LONG_UNSIGNED)  #: milliseconds
    ra_send_period: int = element(DOUBLE_LONG_UNSIGNED)  #: seconds


class Ipv6Setup(CosemObject, class_id=48, version=0):
    """IPv6 setup: addresses, by hand or otherwise."""

    dl_reference = attribute(2, LOGICAL_NAME, static=True)  #: of the data link layer's setup
    address_config_mode = attribute(3, AddressConfigMode, static=True)
    unicast_ipv6_addresses = attribute(4, array(OCTET_STRING))
    multicast_ipv6_addresses = attribute(5, array(OCTET_STRING))
    gateway_ipv6_addresses = attribute(6, array(OCTET_STRING))
    primary_dns_address = attribute(7, OCTET_STRING)
    secondary_dns_address = attribute(8, OCTET_STRING)
    traffic_class = attribute(9, UNSIGNED, static=True)
    neighbor_discovery_setup = attribute(10, array(NeighborDiscoverySetup), static=True)

    withheld = ("methods 1 add_IPv6_address and 2 remove_IPv6_address: their parameters",)


class MacAddressSetup(CosemObject, class_id=43, version=0):
    """MAC address setup."""

    mac_address = attribute(2, OCTET_STRING)


# ---------------------------------------------------------------- PPP
@structure
class PppOption:
    """An option of LCP or IPCP."""

    option_type: int = element(UNSIGNED)  #: as the RFCs number it
    option_length: int = element(UNSIGNED)
    option_data: object = element(ANY)


class PppSetup(CosemObject, class_id=44, version=0):
    """PPP setup: options and authentication."""

    phy_reference = attribute(2, LOGICAL_NAME, static=True)
    lcp_options = attribute(3, array(PppOption), static=True)
    ipcp_options = attribute(4, array(PppOption), static=True)
    ppp_authentication = attribute(5, ANY, static=True)  #: as the authentication option asks; null-data: none


# ---------------------------------------------------------------- NTP
class NtpAuthenticationMethod(Code):
    """How a time server is trusted."""

    NO_SECURITY = 0, "not at all"
    SHARED_SECRETS = 1, "by shared secrets"
    AUTO_KEY_IFF = 2, "by autokey, identify friend or foe"


@structure
class NtpAuthenticationKey:
    """A secret shared with a time server."""

    key_id: int = element(DOUBLE_LONG_UNSIGNED)
    key: bytes = element(OCTET_STRING)


class NtpSetup(CosemObject, class_id=100, version=0):
    """NTP setup: time from a server."""

    activated = attribute(2, BOOLEAN, static=True)
    server_address = attribute(3, OCTET_STRING, static=True)  #: name or address, as text
    server_port = attribute(4, LONG_UNSIGNED, static=True)
    authentication_method = attribute(5, NtpAuthenticationMethod, static=True)
    authentication_keys = attribute(6, array(NtpAuthenticationKey), static=True)
    client_key = attribute(7, OCTET_STRING, static=True)
    synchronize = method(1, NOTHING)
    add_authentication_key = method(2, NtpAuthenticationKey)

    withheld = ("method 3 delete_authentication_key: its parameter",)


# ---------------------------------------------------------------- CoAP
class CoapTransportMode(Code):
    """Which operation of CoAP is supported."""

    RELIABLE = 1, "reliable only"
    UNRELIABLE = 2, "unreliable only"
    RELIABLE_AND_UNRELIABLE = 3, "both"


@structure
class CoapMessagesCounter:
    """Messages counted."""

    tx: int = element(DOUBLE_LONG_UNSIGNED)
    rx: int = element(DOUBLE_LONG_UNSIGNED)
    tx_resend: int = element(DOUBLE_LONG_UNSIGNED)
    tx_reset: int = element(DOUBLE_LONG_UNSIGNED)
    rx_reset: int = element(DOUBLE_LONG_UNSIGNED)
    tx_ack: int = element(DOUBLE_LONG_UNSIGNED)
    rx_ack: int = element(DOUBLE_LONG_UNSIGNED)
    rx_drop: int = element(DOUBLE_LONG_UNSIGNED)
    tx_non_piggybacked: int = element(DOUBLE_LONG_UNSIGNED)
    max_rtx_exceeded: int = element(DOUBLE_LONG_UNSIGNED)


@structure
class CoapRequestResponseCounter:
    """Requests, responses and errors counted."""

    rx_requests: int = element(DOUBLE_LONG_UNSIGNED)
    tx_requests: int = element(DOUBLE_LONG_UNSIGNED)
    rx_response: int = element(DOUBLE_LONG_UNSIGNED)
    tx_response: int = element(DOUBLE_LONG_UNSIGNED)
    tx_client_error: int = element(DOUBLE_LONG_UNSIGNED)
    rx_client_error: int = element(DOUBLE_LONG_UNSIGNED)
    tx_server_error: int = element(DOUBLE_LONG_UNSIGNED)
    rx_server_error: int = element(DOUBLE_LONG_UNSIGNED)


@structure
class CoapBtCounter:
    """Block-wise transfers counted."""

    bt_started: int = element(DOUBLE_LONG_UNSIGNED)
    bt_completed: int = element(DOUBLE_LONG_UNSIGNED)
    bt_timeout: int = element(DOUBLE_LONG_UNSIGNED)


@structure
class CaptureTime:
    """Which attribute changed last, and when."""

    attribute_id: int = element(UNSIGNED)
    timestamp: CosemDateTime = element(DATE_TIME)


class CoapSetup(CosemObject, class_id=152, version=0):
    """CoAP setup: timers and limits of RFC 7252."""

    udp_reference = attribute(2, LOGICAL_NAME, static=True)  #: of a TCP-UDP setup
    ack_timeout = attribute(3, LONG_UNSIGNED, static=True)  #: milliseconds
    ack_random_factor = attribute(4, LONG_UNSIGNED, static=True)
    max_retransmit = attribute(5, LONG_UNSIGNED, static=True)
    nstart = attribute(6, LONG_UNSIGNED, static=True)  #: requests outstanding at once
    delay_ack_timeout = attribute(7, LONG_UNSIGNED, static=True)  #: milliseconds
    exponential_back_off = attribute(8, LONG_UNSIGNED, static=True)
    probing_rate = attribute(9, LONG_UNSIGNED, static=True)
    coap_uri_path = attribute(10, OCTET_STRING, static=True)
    transport_mode = attribute(11, CoapTransportMode, static=True)
    wrapper_version = attribute(12, ANY, static=True)
    token_length = attribute(13, UNSIGNED, static=True)


class CoapDiagnostic(CosemObject, class_id=153, version=0):
    """CoAP diagnostic: what was counted."""

    messages_counter = attribute(2, CoapMessagesCounter)
    request_response_counter = attribute(3, CoapRequestResponseCounter)
    bt_counter = attribute(4, CoapBtCounter)
    capture_time = attribute(5, CaptureTime)
    reset = method(1, NOTHING)
