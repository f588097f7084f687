"""What a client can switch or write: disconnect control, script table, data.

    remote disconnect  ->  disconnected         remote reconnect  ->  connected, or ready for it: by the mode

Source: Blue Book, Data (class 1), Script table (class 9), Disconnect control (class 70); general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.switches_and_limits import ControlMode
from meterkit.emulator.dlms.cosem_object import (
    ActionRefused,
    Attribute,
    CosemObject,
    Method,
    fixed,
    plain,
    type_unmatched,
)
from meterkit.emulator.dlms.typed_cell import TypedCell

DISCONNECTED, CONNECTED, READY = 0, 1, 2  # control_state
SCRIPTS = ObisCode(0, 0, 10, 0, 106)
NO_SCRIPT, DISCONNECT_SCRIPT, _RECONNECT_SCRIPT = 0, 1, 2
REMOTE_DISCONNECTION, REMOTE_CONNECTION, MANUAL_CONNECTION = 62, 63, 61  # event codes; general knowledge
LIMITER_EXCEEDED = 65  # event code; general knowledge
_AT_ONCE = (ControlMode.MODE_2, ControlMode.MODE_4)  # remote reconnection needs no button
_EXECUTE = 2  # service_id of a script's action: invoke a method
_DISCONNECT, _RECONNECT = 1, 2  # methods of disconnect control


def data(obis: ObisCode, attribute: Attribute) -> CosemObject:
    """Return a data object around its value."""
    return CosemObject(1, 0, obis, {2: attribute})


class Breaker:
    """The switch behind the meter, and a script table that opens and closes it; `log` is told of events."""

    def __init__(self, log: Callable[[int], None] = lambda _: None) -> None:
        self.state = CONNECTED
        self.look: Callable[[], None] = lambda: None  #: called before its state is read
        self._log = log
        self._mode = TypedCell(ControlMode, ControlMode.MODE_2, lambda mode: mode <= ControlMode.MODE_6)
        self.control = CosemObject(
            70,
            0,
            ObisCode.DISCONNECT_CONTROL,
            {
                2: Attribute(lambda: axdr.encode_boolean(self._looked_at() == CONNECTED)),
                3: Attribute(lambda: axdr.encode_enum(self._looked_at())),
                4: self._mode.writable,
            },
            {1: Method(self._remote_disconnect), 2: Method(self._remote_reconnect)},
        )
        self.scripts = CosemObject(
            9,
            0,
            SCRIPTS,
            {
                2: fixed(
                    axdr.encode_array(
                        [_script(DISCONNECT_SCRIPT, _DISCONNECT), _script(_RECONNECT_SCRIPT, _RECONNECT)]
                    )
                )
            },
            {1: Method(self._execute)},
        )

    def disconnect_locally(self) -> None:
        """Open it for the limiter, where the mode allows that; a button or a client closes it again."""
        if self.state == CONNECTED and self._mode.value is not ControlMode.NONE:
            self._switch(READY, LIMITER_EXCEEDED)

    def _looked_at(self) -> int:
        self.look()
        return self.state

    def press_button(self) -> None:
        """Reconnect by hand, where that is possible."""
        if self.state == READY:
            self._switch(CONNECTED, MANUAL_CONNECTION)

    def _remote_disconnect(self, octets: bytes | None) -> None:
        _check_nothing(octets)
        self._disconnect()

    def _remote_reconnect(self, octets: bytes | None) -> None:
        _check_nothing(octets)
        self._reconnect()

    def _disconnect(self) -> None:
        if self._mode.value is ControlMode.NONE:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._switch(DISCONNECTED, REMOTE_DISCONNECTION)

    def _reconnect(self) -> None:
        if self.state == CONNECTED:
            return
        state = CONNECTED if self._mode.value in _AT_ONCE else READY
        self._switch(state, REMOTE_CONNECTION)

    def _switch(self, state: int, event: int) -> None:
        if state != self.state:
            self.state = state
            self._log(event)

    def _execute(self, octets: bytes | None) -> None:
        match plain(octets or b""):
            case bool():
                raise type_unmatched()
            case 1:
                self._disconnect()
            case 2:
                self._reconnect()
            case int():
                raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
            case _:
                raise type_unmatched()


def _check_nothing(octets: bytes | None) -> None:
    if not isinstance(plain(octets or b""), int):
        raise type_unmatched()


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
