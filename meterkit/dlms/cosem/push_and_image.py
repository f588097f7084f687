"""Interface classes of what goes over by itself: push setup; and of what comes in: image transfer.

    push_object   { class_id, logical_name, attribute_index, data_index [, restriction [, columns]] }
    image         initiate -> block transfer, block by block -> verify -> activate

Source: Blue Book 4.4.6 (Image transfer), 4.4.8 (Push setup); general knowledge.
"""

from __future__ import annotations

from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    BIT_STRING,
    BOOLEAN,
    DATE_TIME,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import CaptureObject, RestrictedObject, Restriction, Window
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.security_setup import ProtectionParameters


# ---------------------------------------------------------------- push setup
class TransportService(Code):
    """How a push travels."""

    TCP = 0, "TCP"
    UDP = 1, "UDP"
    FTP = 2, "FTP"
    SMTP = 3, "e-mail"
    SMS = 4, "SMS"
    HDLC = 5, "HDLC"
    M_BUS = 6, "M-Bus"
    ZIGBEE = 7, "ZigBee"


class PushMessage(Code):
    """What a push is written in."""

    A_XDR_ENCODED_APDU = 0, "an A-XDR encoded xDLMS APDU"
    XML_ENCODED_APDU = 1, "an XML encoded xDLMS APDU"


class PushOperationMethod(Code):
    """When a push is tried again."""

    UNCONFIRMED_RETRY_ON_FAILURE = 0, "unconfirmed; again when the layers below fail"
    UNCONFIRMED_RETRY_ON_MISSING_CONFIRMATION = 1, "unconfirmed; again when the layers below do not confirm"
    CONFIRMED = 2, "confirmed; again without the client's confirmation"


@structure
class SendDestination:
    """Where to push, how and in what."""

    transport_service: TransportService = element(TransportService)
    destination: bytes = element(OCTET_STRING)  #: an address, as the transport has it
    message: PushMessage = element(PushMessage)


@structure
class PushColumnsObject:
    """What is pushed: as `RestrictedObject`, and which columns of a buffer."""

    class_id: int = element(LONG_UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    attribute_index: int = element(INTEGER)
    data_index: int = element(LONG_UNSIGNED)
    restriction_element: Restriction = element(Restriction)
    columns: tuple[CaptureObject, ...] = element(array(CaptureObject))  #: none: all


@structure
class RepetitionDelay:
    """How the delay grows from try to try."""

    repetition_delay_min: int = element(LONG_UNSIGNED)  #: seconds
    repetition_delay_exponent: int = element(LONG_UNSIGNED)  #: percent
    repetition_delay_max: int = element(LONG_UNSIGNED)  #: seconds


@structure
class ConfirmationParameters:
    """From when on, and how often, what was confirmed is looked at."""

    confirmation_start_date: CosemDateTime = element(DATE_TIME)
    confirmation_interval: int = element(DOUBLE_LONG_UNSIGNED)  #: seconds


class PushSetupBase(CosemObject, class_id=40):
    """What every version of Push setup has."""

    send_destination_and_method = attribute(3, SendDestination, static=True)
    communication_window = attribute(4, array(Window), static=True)  #: none: at any time
    randomisation_start_interval = attribute(5, LONG_UNSIGNED, static=True)  #: seconds
    number_of_retries = attribute(6, UNSIGNED, static=True)
    push = method(1, NOTHING)


class PushSetup(PushSetupBase, version=0):
    """Push setup, version 0: what is pushed, where to and when."""

    push_object_list = attribute(2, array(CaptureObject), static=True)
    repetition_delay = attribute(7, LONG_UNSIGNED, static=True)  #: seconds


class PushSetupProtected(PushSetupBase):
    """What Push setup has from version 1 on."""

    port_reference = attribute(8, LOGICAL_NAME, static=True)
    push_client_sap = attribute(9, INTEGER, static=True)
    push_protection_parameters = attribute(10, array(ProtectionParameters), static=True)


class PushSetupV1(PushSetupProtected, version=1):
    """Push setup, version 1: parts of buffers, protection."""

    push_object_list = attribute(2, array(RestrictedObject), static=True)
    repetition_delay = attribute(7, LONG_UNSIGNED, static=True)  #: seconds


class PushSetupV2(PushSetupProtected, version=2):
    """Push setup, version 2: columns of buffers, confirmation, growing delays."""

    push_object_list = attribute(2, array(PushColumnsObject), static=True)
    repetition_delay = attribute(7, RepetitionDelay, static=True)
    push_operation_method = attribute(11, PushOperationMethod, static=True)
    confirmation_parameters = attribute(12, ConfirmationParameters, static=True)
    last_confirmation_date_time = attribute(13, DATE_TIME)
    reset = method(2, NOTHING)

    withheld = ("version 3",)


# ---------------------------------------------------------------- image transfer
class ImageTransferStatus(Code):
    """How far an image transfer is."""

    NOT_INITIATED = 0, "not initiated"
    INITIATED = 1, "initiated"
    VERIFICATION_INITIATED = 2, "verification goes on"
    VERIFICATION_SUCCESSFUL = 3, "verified"
    VERIFICATION_FAILED = 4, "verification failed"
    ACTIVATION_INITIATED = 5, "activation goes on"
    ACTIVATION_SUCCESSFUL = 6, "activated"
    ACTIVATION_FAILED = 7, "activation failed"


@structure
class ImageToActivate:
    """One image that was transferred."""

    image_to_activate_size: int = element(DOUBLE_LONG_UNSIGNED)  #: octets
    image_to_activate_identification: bytes = element(OCTET_STRING)
    image_to_activate_signature: bytes = element(OCTET_STRING)


@structure
class ImageToTransfer:
    """An image about to be transferred."""

    image_identifier: bytes = element(OCTET_STRING)
    image_size: int = element(DOUBLE_LONG_UNSIGNED)  #: octets


@structure
class ImageBlock:
    """One block of an image."""

    image_block_number: int = element(DOUBLE_LONG_UNSIGNED)  #: from 0
    image_block_value: bytes = element(OCTET_STRING)


class ImageTransfer(CosemObject, class_id=18, version=0):
    """Image transfer: firmware, block by block."""

    image_block_size = attribute(2, DOUBLE_LONG_UNSIGNED, static=True)  #: octets
    image_transferred_blocks_status = attribute(3, BIT_STRING)  #: bit n: block n is there
    image_first_not_transferred_block_number = attribute(4, DOUBLE_LONG_UNSIGNED)
    image_transfer_enabled = attribute(5, BOOLEAN, static=True)
    image_transfer_status = attribute(6, ImageTransferStatus)
    image_to_activate_info = attribute(7, array(ImageToActivate))
    image_transfer_initiate = method(1, ImageToTransfer)
    image_block_transfer = method(2, ImageBlock)
    image_verify = method(3, NOTHING)
    image_activate = method(4, NOTHING)
