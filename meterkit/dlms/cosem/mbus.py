"""Interface classes of M-Bus: ports, the client of one device, wireless mode Q, diagnostics.

    capture_definition_element   { data_information_block, value_information_block }   DIF DIFE, VIF VIFE

Source: Blue Book 4.8 (M-Bus), classes 76 and 77; EN 13757-3 for the blocks; general knowledge.
"""

from __future__ import annotations

from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    ANY,
    DATE_TIME,
    DOUBLE_LONG_UNSIGNED,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import Window
from meterkit.dlms.cosem.networks import CaptureTime
from meterkit.dlms.cosem.ports import BaudRate


# ---------------------------------------------------------------- ports
class AddressState(Code):
    """Whether a slave has an address."""

    NOT_ASSIGNED = 0, "not assigned an address yet"
    ASSIGNED = 1, "assigned an address"


class MbusSlavePortSetup(CosemObject, class_id=25, version=0):
    """M-Bus slave port setup: the meter as a slave on the bus."""

    default_baud = attribute(2, BaudRate, static=True)
    avail_baud = attribute(3, BaudRate, static=True)
    addr_state = attribute(4, AddressState, static=True)
    bus_address = attribute(5, UNSIGNED, static=True)


class MbusMasterPortSetup(CosemObject, class_id=74, version=0):
    """M-Bus master port setup: the meter as the master of a bus."""

    comm_speed = attribute(2, BaudRate, static=True)


class WirelessModeQChannel(CosemObject, class_id=73, version=1):
    """Wireless mode Q channel: communication by EN 13757-5."""

    addr_state = attribute(2, AddressState, static=True)
    device_address = attribute(3, OCTET_STRING, static=True)
    address_mask = attribute(4, OCTET_STRING, static=True)

    withheld = ("version 0",)


# ---------------------------------------------------------------- one device
class EncryptionKeyStatus(Code):
    """How far the encryption key of a device is."""

    NO_ENCRYPTION_KEY = 0, "no key"
    ENCRYPTION_KEY_SET = 1, "a key is set here"
    ENCRYPTION_KEY_TRANSFERRED = 2, "a key was transferred to the device"
    ENCRYPTION_KEY_SET_AND_TRANSFERRED = 3, "a key is set here and was transferred"
    ENCRYPTION_KEY_IN_USE = 4, "the key is in use"


@structure
class CaptureDefinition:
    """Which data record of a device is captured."""

    data_information_block: bytes = element(OCTET_STRING)
    value_information_block: bytes = element(OCTET_STRING)


@structure
class DataDefinition:
    """A data record to send to a device."""

    data_information_block: bytes = element(OCTET_STRING)
    value_information_block: bytes = element(OCTET_STRING)
    data: object = element(ANY)


class MbusClient(CosemObject, class_id=72, version=0):
    """M-Bus client, version 0: one device on the bus."""

    mbus_port_reference = attribute(2, LOGICAL_NAME, static=True)
    capture_definition = attribute(3, array(CaptureDefinition), static=True)
    capture_period = attribute(4, DOUBLE_LONG_UNSIGNED, static=True)  #: seconds; 0 at events only
    primary_address = attribute(5, UNSIGNED)
    identification_number = attribute(6, DOUBLE_LONG_UNSIGNED)
    manufacturer_id = attribute(7, LONG_UNSIGNED)
    device_version = attribute(8, UNSIGNED)  #: "version" in the standard, which here is the class's
    device_type = attribute(9, UNSIGNED)
    access_number = attribute(10, UNSIGNED)
    status = attribute(11, UNSIGNED)
    alarm = attribute(12, UNSIGNED)
    slave_install = method(1, ANY)  #: integer (0); from version 1 on the primary address, unsigned
    slave_deinstall = method(2, NOTHING)
    capture = method(3, NOTHING)
    reset_alarm = method(4, NOTHING)
    synchronize_clock = method(5, NOTHING)
    data_send = method(6, array(DataDefinition))
    set_encryption_key = method(7, OCTET_STRING)
    transfer_key = method(8, OCTET_STRING)


class MbusClientV1(MbusClient, version=1):
    """M-Bus client, version 1: encryption."""

    configuration = attribute(13, LONG_UNSIGNED)  #: the word of the M-Bus header
    encryption_key_status = attribute(14, EncryptionKeyStatus)

    withheld = ("version 2",)


# ---------------------------------------------------------------- a DLMS server behind M-Bus
class PortCommunicationState(Code):
    """Whether the node may be spoken to."""

    NO_ACCESS = 0, "no access"
    TEMPORARY_NO_ACCESS = 1, "no access for a while"
    LIMITED_ACCESS = 2, "limited access"
    UNLIMITED_ACCESS = 3, "unlimited access"
    WIRELESS = 4, "wireless M-Bus"


class DataHeaderType(Code):
    """Which header M-Bus messages have."""

    NONE = 0, "none"
    SHORT = 1, "the short one"
    LONG = 2, "the long one"


class MbusPortSetup(CosemObject, class_id=76, version=0):
    """DLMS server M-Bus port setup: a DLMS server in an M-Bus slave."""

    profile_selection = attribute(2, LOGICAL_NAME, static=True)  #: of a port setup
    port_communication_status = attribute(3, PortCommunicationState)
    data_header_type = attribute(4, DataHeaderType, static=True)
    primary_address = attribute(5, UNSIGNED)
    identification_number = attribute(6, DOUBLE_LONG_UNSIGNED)
    manufacturer_id = attribute(7, LONG_UNSIGNED)
    device_version = attribute(8, UNSIGNED)
    device_type = attribute(9, UNSIGNED)
    max_pdu_size = attribute(10, LONG_UNSIGNED, static=True)  #: octets
    listening_window = attribute(11, array(Window), static=True)


class LinkStatus(Code):
    """How well a device is heard."""

    NONE = 0, "data never received"
    NORMAL = 1, "normal operation"
    TEMPORARILY_INTERRUPTED = 2, "temporarily interrupted"
    PERMANENTLY_INTERRUPTED = 3, "permanently interrupted"


@structure
class BroadcastFrameCounter:
    """Broadcast frames of one client."""

    client_id: int = element(UNSIGNED)
    counter: int = element(DOUBLE_LONG_UNSIGNED)
    timestamp: CosemDateTime = element(DATE_TIME)


class MbusDiagnostic(CosemObject, class_id=77, version=0):
    """M-Bus diagnostic: signal and frames counted."""

    received_signal_strength = attribute(2, UNSIGNED)  #: dBm, without its sign
    channel_id = attribute(3, UNSIGNED)
    link_status = attribute(4, LinkStatus)
    broadcast_frames_counter = attribute(5, array(BroadcastFrameCounter))
    transmissions_counter = attribute(6, DOUBLE_LONG_UNSIGNED)
    fcs_ok_frames_counter = attribute(7, DOUBLE_LONG_UNSIGNED)
    fcs_nok_frames_counter = attribute(8, DOUBLE_LONG_UNSIGNED)
    capture_time = attribute(9, CaptureTime)
    reset = method(1, NOTHING)
