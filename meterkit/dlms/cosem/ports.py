"""Interface classes of ports and modems: local port, HDLC, twisted pair, modem, calls in and out.

    comm_speed   enum: 0 300 baud .. 5 9600 baud .. 9 115200 baud

Source: Blue Book 4.7.1 to 4.7.6; general knowledge.
"""

from __future__ import annotations

from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure, trailing
from meterkit.dlms.cosem.data_types import (
    INTEGER,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import Window


class BaudRate(Code):
    """The speed of a port."""

    BAUD_300 = 0, "300 baud"
    BAUD_600 = 1, "600 baud"
    BAUD_1200 = 2, "1200 baud"
    BAUD_2400 = 3, "2400 baud"
    BAUD_4800 = 4, "4800 baud"
    BAUD_9600 = 5, "9600 baud"
    BAUD_19200 = 6, "19200 baud"
    BAUD_38400 = 7, "38400 baud"
    BAUD_57600 = 8, "57600 baud"
    BAUD_115200 = 9, "115200 baud"


# ---------------------------------------------------------------- wires
class LocalPortMode(Code):
    """What a local port speaks."""

    IEC_62056_21 = 0, "IEC 62056-21, modes A to E"
    HDLC = 1, "HDLC at once"
    NOT_SPECIFIED = 2, "a protocol that is not specified"


class ResponseTime(Code):
    """How long a port waits before it answers."""

    MS_20 = 0, "20 ms"
    MS_200 = 1, "200 ms"


class IecLocalPortSetup(CosemObject, class_id=19, version=1):
    """IEC local port setup: the optical head, or a current loop."""

    default_mode = attribute(2, LocalPortMode, static=True)
    default_baud = attribute(3, BaudRate, static=True)  #: of the sign-on
    prop_baud = attribute(4, BaudRate, static=True)  #: that the meter proposes in it
    response_time = attribute(5, ResponseTime, static=True)
    device_addr = attribute(6, OCTET_STRING, static=True)
    pass_p1 = attribute(7, OCTET_STRING, static=True)
    pass_p2 = attribute(8, OCTET_STRING, static=True)
    pass_w5 = attribute(9, OCTET_STRING, static=True)

    withheld = ("version 0",)


class IecHdlcSetupBase(CosemObject, class_id=23):
    """What every version of IEC HDLC setup has."""

    comm_speed = attribute(2, BaudRate, static=True)
    window_size_transmit = attribute(3, UNSIGNED, static=True)  #: frames, 1 to 7
    window_size_receive = attribute(4, UNSIGNED, static=True)  #: frames, 1 to 7
    inter_octet_time_out = attribute(7, LONG_UNSIGNED, static=True)  #: milliseconds
    inactivity_time_out = attribute(8, LONG_UNSIGNED, static=True)  #: seconds; 0 never
    device_address = attribute(9, LONG_UNSIGNED, static=True)


class IecHdlcSetup(IecHdlcSetupBase, version=0):
    """IEC HDLC setup, version 0: short information fields."""

    max_info_field_length_transmit = attribute(5, UNSIGNED, static=True)  #: octets
    max_info_field_length_receive = attribute(6, UNSIGNED, static=True)  #: octets


class IecHdlcSetupV1(IecHdlcSetupBase, version=1):
    """IEC HDLC setup, version 1: information fields of up to 2030 octets."""

    max_info_field_length_transmit = attribute(5, LONG_UNSIGNED, static=True)  #: octets
    max_info_field_length_receive = attribute(6, LONG_UNSIGNED, static=True)  #: octets


class TwistedPairMode(Code):
    """Whether a twisted pair is used."""

    INACTIVE = 0, "not used"
    ACTIVE = 1, "used"


class IecTwistedPairSetup(CosemObject, class_id=24, version=1):
    """IEC twisted pair (1) setup: the bus of IEC 62056-31."""

    mode = attribute(2, TwistedPairMode, static=True)
    speed = attribute(3, BaudRate, static=True)
    primary_address_list = attribute(4, array(UNSIGNED), static=True)
    tabi_list = attribute(5, array(INTEGER), static=True)

    withheld = ("version 0",)


# ---------------------------------------------------------------- modems
@structure
class InitializationString:
    """What a modem is told, and what it should answer."""

    request: bytes = element(OCTET_STRING)
    response: bytes = element(OCTET_STRING)
    delay_after_response: int | None = trailing(LONG_UNSIGNED)  #: milliseconds


class ModemConfiguration(CosemObject, class_id=27, version=0):
    """Modem configuration: how a modem is woken up."""

    comm_speed = attribute(2, BaudRate, static=True)
    initialization_string = attribute(3, array(InitializationString), static=True)
    modem_profile = attribute(4, array(OCTET_STRING), static=True)  #: words of the modem: OK, CONNECT ..


class ModemConfigurationV1(ModemConfiguration, version=1):
    """Modem configuration, version 1: delays between initialization strings."""


class AutoAnswerMode(Code):
    """Who answers a call."""

    LINE_DEDICATED = 0, "the device: the line is its own"
    SHARED_LINE_MANAGEMENT = 1, "the device, a limited number of calls in each window"
    SHARED_LINE_MANAGEMENT_FOR_CALLS = 2, "the device, a limited number of successful calls in each window"
    NO_MODEM = 3, "nobody: there is no modem"


class AutoAnswerStatus(Code):
    """Whether calls are answered just now."""

    INACTIVE = 0, "no: the window is closed"
    ACTIVE = 1, "yes"
    LOCKED = 2, "no: enough calls were answered in this window"


class CallType(Code):
    """What a call from a known caller is."""

    NORMAL_CSD = 0, "a call to answer"
    WAKE_UP = 1, "a wake-up: the device calls back"


@structure
class NumberOfRings:
    """After how many rings a call is answered; 0 never."""

    nr_rings_in_window: int = element(UNSIGNED)
    nr_rings_out_of_window: int = element(UNSIGNED)


@structure
class AllowedCaller:
    """A caller that is answered; wildcards in its number stand for any digits."""

    caller_id: bytes = element(OCTET_STRING)
    call_type: CallType = element(CallType)


class AutoAnswer(CosemObject, class_id=28, version=0):
    """Auto answer: when incoming calls are answered."""

    mode = attribute(2, AutoAnswerMode, static=True)
    listening_window = attribute(3, array(Window), static=True)
    status = attribute(4, AutoAnswerStatus)
    number_of_calls = attribute(5, UNSIGNED, static=True)
    number_of_rings = attribute(6, NumberOfRings, static=True)


class AutoAnswerV2(AutoAnswer, version=2):
    """Auto answer, version 2: callers that are answered."""

    list_of_allowed_callers = attribute(7, array(AllowedCaller), static=True)


class AutoConnectMode(Code):
    """When the device calls, or connects, by itself."""

    NO_AUTO_CONNECT = 0, "never"
    ANY_TIME = 1, "at any time"
    CALLING_WINDOW = 2, "within the calling window"
    CALLING_WINDOW_REGULAR = 3, "regularly within the calling window; at any time in an emergency"
    SMS_PLMN = 4, "SMS through a mobile network"
    SMS_PSTN = 5, "SMS through a fixed network"
    EMAIL = 6, "e-mail"
    PERMANENT = 101, "always connected"
    WINDOW_PERMANENT = 102, "connected within the calling window"
    WINDOW_PERMANENT_OR_INVOKED = 103, "connected within the calling window, and when connect is invoked"
    INVOKED = 104, "connected when connect is invoked"


class AutoConnect(CosemObject, class_id=29, version=1):
    """Auto connect, version 1: outgoing calls and connections."""

    mode = attribute(2, AutoConnectMode, static=True)
    repetitions = attribute(3, UNSIGNED, static=True)
    repetition_delay = attribute(4, LONG_UNSIGNED, static=True)  #: seconds
    calling_window = attribute(5, array(Window), static=True)
    destination_list = attribute(6, array(OCTET_STRING), static=True)

    withheld = ("version 0, PSTN auto dial",)


class AutoConnectV2(AutoConnect, version=2):
    """Auto connect, version 2: connect at once."""

    connect = method(1, NOTHING)
