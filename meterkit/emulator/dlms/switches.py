"""What a client can switch or write: disconnect control, script table, data.

Source: Blue Book, Data (class 1), Script table (class 9), Disconnect control (class 70); general knowledge.
"""

from __future__ import annotations

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import (
    ActionRefused,
    Attribute,
    Cell,
    CosemObject,
    Method,
    fixed,
    plain,
    type_unmatched,
)

DISCONNECTED, CONNECTED = 0, 1  # control_state
_ALL_TRANSITIONS = 1  # control_mode: remote and manual both ways
_OFF, _ON = 1, 2  # scripts
_EXECUTE = 2  # service_id of a script's action: invoke a method
_DISCONNECT, _RECONNECT = 1, 2  # methods of disconnect control


def data(obis: ObisCode, attribute: Attribute) -> CosemObject:
    """Return a data object around its value."""
    return CosemObject(1, 0, obis, {2: attribute})


class Breaker:
    """The switch behind the meter, and a script table that opens and closes it."""

    def __init__(self) -> None:
        self.state = CONNECTED
        self.control = CosemObject(
            70,
            0,
            ObisCode.DISCONNECT_CONTROL,
            {
                2: Attribute(lambda: axdr.encode_boolean(self.state == CONNECTED)),
                3: Attribute(lambda: axdr.encode_enum(self.state)),
                4: Cell(axdr.encode_enum(_ALL_TRANSITIONS)).writable,
            },
            {1: Method(lambda octets: self._switch(DISCONNECTED, octets)), 2: Method(self._reconnect)},
        )
        self.scripts = CosemObject(
            9,
            0,
            ObisCode(0, 0, 10, 0, 106),
            {2: fixed(axdr.encode_array([_script(_OFF, _DISCONNECT), _script(_ON, _RECONNECT)]))},
            {1: Method(self._execute)},
        )

    def _switch(self, state: int, octets: bytes | None) -> None:
        if not isinstance(plain(octets or b""), int):
            raise type_unmatched()
        self.state = state

    def _reconnect(self, octets: bytes | None) -> None:
        self._switch(CONNECTED, octets)

    def _execute(self, octets: bytes | None) -> None:
        number = plain(octets or b"")
        if not isinstance(number, int):
            raise type_unmatched()
        if number not in (_OFF, _ON):
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        self.state = DISCONNECTED if number == _OFF else CONNECTED


def _script(number: int, method: int) -> bytes:
    action = axdr.encode_structure(
        [
            axdr.encode_enum(_EXECUTE),
            axdr.encode_long_unsigned(70),
            axdr.encode_octet_string(ObisCode.DISCONNECT_CONTROL.to_bytes()),
            axdr.encode_integer(method),
            axdr.encode_integer(0),
        ]
    )
    return axdr.encode_structure([axdr.encode_long_unsigned(number), axdr.encode_array([action])])
