"""Interface classes that watch and switch: monitors, disconnect control, limiter, arbitrator, functions.

    monitored_value   { class_id, logical_name, attribute_index }
    actions           { action_over_threshold, action_under_threshold }, each a script

Source: Blue Book 4.5.6, 4.5.8 to 4.5.12, classes 122 (Function control) and 123 (Array manager); general
knowledge.
"""

from __future__ import annotations

from meterkit.codec.axdr import BitString
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    ANY,
    BIT_STRING,
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_DATE_TIME,
    OCTET_STRING,
    UNSIGNED,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import ActionItem, ObjectDefinition, ValueDefinition
from meterkit.dlms.cosem.obis import ObisCode


# ---------------------------------------------------------------- monitors
@structure
class ActionSet:
    """What is done when a threshold is passed upwards and downwards."""

    action_up: ActionItem = element(ActionItem)
    action_down: ActionItem = element(ActionItem)


class RegisterMonitor(CosemObject, class_id=21, version=0):
    """Register monitor: scripts at thresholds."""

    thresholds = attribute(2, array(ANY), static=True)  #: of the type of the monitored value
    monitored_value = attribute(3, ValueDefinition, static=True)
    actions = attribute(4, array(ActionSet), static=True)  #: one a threshold


@structure
class ChangedParameter:
    """Which parameter changed last, and what it is now."""

    class_id: int = element(LONG_UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    attribute_index: int = element(INTEGER)
    attribute_value: object = element(ANY)


class ParameterMonitor(CosemObject, class_id=65, version=0):
    """Parameter monitor: which of the parameters on a list changed last."""

    changed_parameter = attribute(2, ChangedParameter)
    capture_time = attribute(3, OCTET_DATE_TIME)
    parameter_list = attribute(4, array(ValueDefinition), static=True)
    add_parameter = method(1, ValueDefinition)
    delete_parameter = method(2, ValueDefinition)

    withheld = ("version 1: digests of lists of parameters",)


# ---------------------------------------------------------------- switches
class ControlState(Code):
    """What a disconnector would do, whatever its output."""

    DISCONNECTED = 0, "disconnected"
    CONNECTED = 1, "connected"
    READY_FOR_RECONNECTION = 2, "ready for reconnection by hand"


class ControlMode(Code):
    """Which transitions are possible: remote, manual (a button), local (the meter itself)."""

    NONE = 0, "always connected"
    MODE_1 = 1, "disconnect remote, manual, local; reconnect remote to ready, manual"
    MODE_2 = 2, "disconnect remote, manual, local; reconnect remote at once, manual"
    MODE_3 = 3, "disconnect remote, local; reconnect remote to ready, manual"
    MODE_4 = 4, "disconnect remote, local; reconnect remote at once, manual"
    MODE_5 = 5, "disconnect remote, manual, local; reconnect remote to ready, manual, local"
    MODE_6 = 6, "disconnect remote, local; reconnect remote to ready, manual, local"


class DisconnectControl(CosemObject, class_id=70, version=0):
    """Disconnect control: the switch behind the meter."""

    output_state = attribute(2, BOOLEAN)  #: true: connected
    control_state = attribute(3, ControlState)
    control_mode = attribute(4, ControlMode, static=True)
    remote_disconnect = method(1, NOTHING)
    remote_reconnect = method(2, NOTHING)


class DisconnectControlV1(DisconnectControl, version=1):
    """Disconnect control, version 1: more modes of control, which are read as numbers."""


# ---------------------------------------------------------------- limits
@structure
class EmergencyProfile:
    """From when on, and how long, an emergency lasts."""

    emergency_profile_id: int = element(LONG_UNSIGNED)
    emergency_activation_time: CosemDateTime = element(OCTET_DATE_TIME)
    emergency_duration: int = element(DOUBLE_LONG_UNSIGNED)  #: seconds


@structure
class LimiterActions:
    """What is done over and under the threshold."""

    action_over_threshold: ActionItem = element(ActionItem)
    action_under_threshold: ActionItem = element(ActionItem)


class Limiter(CosemObject, class_id=71, version=0):
    """Limiter: scripts when a value stays beyond a threshold, in emergencies another one."""

    monitored_value = attribute(2, ValueDefinition, static=True)
    threshold_active = attribute(3, ANY)  #: of the type of the monitored value
    threshold_normal = attribute(4, ANY, static=True)
    threshold_emergency = attribute(5, ANY, static=True)
    min_over_threshold_duration = attribute(6, DOUBLE_LONG_UNSIGNED, static=True)  #: seconds
    min_under_threshold_duration = attribute(7, DOUBLE_LONG_UNSIGNED, static=True)  #: seconds
    emergency_profile = attribute(8, EmergencyProfile, static=True)
    emergency_profile_group_id_list = attribute(9, array(LONG_UNSIGNED), static=True)
    emergency_profile_active = attribute(10, BOOLEAN)
    actions = attribute(11, LimiterActions, static=True)


# ---------------------------------------------------------------- who may ask for what
@structure
class ActionRequest:
    """What one actor asks for."""

    actor: int = element(UNSIGNED)
    request_action_list: BitString = element(BIT_STRING)  #: bit n: action n


class Arbitrator(CosemObject, class_id=68, version=0):
    """Arbitrator: which of several actors has its way."""

    actions = attribute(2, array(ActionItem), static=True)
    permissions_table = attribute(3, array(BIT_STRING), static=True)  #: by actor; bit n: action n
    weightings_table = attribute(4, array(array(LONG_UNSIGNED)), static=True)  #: by actor, by action
    most_recent_requests_table = attribute(5, array(BIT_STRING))  #: by actor; bit n: action n
    last_outcome = attribute(6, UNSIGNED)  #: number of an action
    request_action = method(1, ActionRequest)
    reset = method(2, NOTHING)


# ---------------------------------------------------------------- functions and arrays
@structure
class FunctionStatus:
    """Whether a function is active."""

    function_name: bytes = element(OCTET_STRING)
    function_status: bool = element(BOOLEAN)


@structure
class FunctionDefinition:
    """Which objects make a function."""

    function_name: bytes = element(OCTET_STRING)
    function_specification: tuple[ObjectDefinition, ...] = element(array(ObjectDefinition))


class FunctionControl(CosemObject, class_id=122, version=0):
    """Function control: functions of the meter, switched on and off."""

    activation_status = attribute(2, array(FunctionStatus))
    function_list = attribute(3, array(FunctionDefinition), static=True)
    set_function_status = method(1, array(FunctionStatus))
    add_function = method(2, FunctionDefinition)
    remove_function = method(3, OCTET_STRING)  #: its name


@structure
class ArrayManagerItem:
    """An array by its number."""

    array_object_id: int = element(UNSIGNED)
    array_object_element: ValueDefinition = element(ValueDefinition)


@structure
class EntryRange:
    """Entries from first to last."""

    from_entry: int = element(LONG_UNSIGNED)
    to_entry: int = element(LONG_UNSIGNED)


@structure
class ArrayRange:
    """Entries of an array."""

    array_object_id: int = element(UNSIGNED)
    entry_range: EntryRange = element(EntryRange)


@structure
class EntryAt:
    """An entry and its place."""

    entry_index: int = element(LONG_UNSIGNED)
    entry: object = element(ANY)


@structure
class ArrayEntry:
    """An entry of an array."""

    array_object_id: int = element(UNSIGNED)
    entry: EntryAt = element(EntryAt)


class ArrayManager(CosemObject, class_id=123, version=0):
    """Array manager: parts of arrays, without the whole of them."""

    array_object_list = attribute(2, array(ArrayManagerItem), static=True)
    retrieve_number_of_entries = method(1, UNSIGNED, returns=LONG_UNSIGNED)
    retrieve_entries = method(2, ArrayRange, returns=array(ANY))
    insert_entry = method(3, ArrayEntry)
    update_entry = method(4, ArrayEntry)
    remove_entries = method(5, ArrayRange)
