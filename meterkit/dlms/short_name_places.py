"""Where attributes and methods lie behind an object's short name.

    attribute n:  base_name + 8 x (n - 1)           method n:  base_name + first method's offset + 8 x (n - 1)

The first method's offset differs from class to class.
Source: Blue Book, "short name" column of each interface class (general knowledge; those that gurux-dlms
knows agree).
"""

from __future__ import annotations

from typing import Final

from meterkit.errors import ErrorKind, fault

STEP: Final = 8
MAX_NAME: Final = 0xFFFF

#: class_id: offset of method 1.
_FIRST_METHOD: Final = {
    3: 0x28,  # Register: reset
    4: 0x38,  # Extended register: reset
    5: 0x48,  # Demand register: reset, next_period
    6: 0x30,  # Register activation: add_register, add_mask, delete_mask
    7: 0x58,  # Profile generic: reset, capture
    8: 0x60,  # Clock: adjust_to_quarter ...
    9: 0x20,  # Script table: execute
    11: 0x10,  # Special days table: insert, delete
    12: 0x20,  # Association SN: read_by_logicalname is method 3, at 0x30
    15: 0x60,  # Association LN: reply_to_HLS_authentication ...
    17: 0x20,  # SAP assignment: connect_logical_device
    18: 0x40,  # Image transfer: image_transfer_initiate ...
    20: 0x50,  # Activity calendar: activate_passive_calendar
    40: 0x38,  # Push setup: push
    42: 0x60,  # IPv4 setup: add_mc_IP_address ...
    64: 0x30,  # Security setup: security_activate ...
    70: 0x20,  # Disconnect control: remote_disconnect, remote_reconnect
    72: 0x60,  # M-Bus client: slave_install ...
}


def attribute_name(base_name: int, attribute: int) -> int:
    """Return the variable name of `attribute` (1 and up).

    Errors: `ProtocolFault` (STATE) where there is none.
    """
    return _fitting(base_name + STEP * (attribute - 1), f"attribute {attribute}", attribute)


def method_name(class_id: int, base_name: int, method: int) -> int:
    """Return the variable name of `method` (1 and up).

    Errors: `ProtocolFault` (STATE) for a class whose methods have no known names.
    """
    first = _FIRST_METHOD.get(class_id)
    if first is None:
        message = f"no short names are known for the methods of class {class_id}"
        raise fault(ErrorKind.STATE, message)
    return _fitting(base_name + first + STEP * (method - 1), f"method {method}", method)


def _fitting(name: int, what: str, index: int) -> int:
    if index < 1 or name > MAX_NAME:
        raise fault(
            ErrorKind.STATE, f"{what} has no short name: 0x{name & 0xFFFFF:04X} is past 0xFFFF or before 1"
        )
    return name
