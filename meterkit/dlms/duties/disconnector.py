"""The switch behind the meter: its state, disconnecting and reconnecting as its mode lets us.

    mode 0      always connected: nothing is sent
    mode 2, 4   a remote reconnection connects at once
    other       a remote reconnection makes it ready, somebody has to press the button

Source: Blue Book 4.5.8 (Disconnect control, the modes and transitions of control_mode).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.dlms.cosem.switches_and_limits import ControlMode, ControlState, DisconnectControl
from meterkit.dlms.readings.meter import Meter, read_told
from meterkit.errors import ErrorKind, MeterError, ends_session
from meterkit.result import Err, Ok, Result

_AT_ONCE: Final = frozenset((ControlMode.MODE_2, ControlMode.MODE_4))
_BY_HAND: Final = frozenset((ControlMode.MODE_1, ControlMode.MODE_3, ControlMode.MODE_5, ControlMode.MODE_6))


@dataclass(frozen=True, slots=True)
class DisconnectorReading:
    """The state of the switch; None where the meter does not tell."""

    is_connected: bool | None  #: output_state: what the switch itself does
    state: ControlState | None  #: what it would do, whatever its output
    mode: ControlMode | None

    @property
    def needs_button(self) -> bool | None:
        """Whether a remote reconnection has to be completed by hand; None where nobody can tell."""
        return False if self.mode in _AT_ONCE else True if self.mode in _BY_HAND else None


async def read_disconnector(meter: Meter, switch: DisconnectControl) -> Result[DisconnectorReading]:
    """Read the switch.  Errors: see `DlmsClient.read_disconnector`."""
    values = await read_told(meter, [switch.output_state, switch.control_state, switch.control_mode])
    if isinstance(values, Err):
        return values
    return Ok(DisconnectorReading(*values.value))


async def switch_supply(
    meter: Meter, switch: DisconnectControl, *, connect: bool
) -> Result[DisconnectorReading]:
    """Disconnect or reconnect, once, and read what came of it.

    Errors: see `DlmsClient.disconnect_supply`.
    """
    before = await _as_far_as_told(meter, switch)
    if isinstance(before, Err):
        return before
    if before.value.mode is ControlMode.NONE:
        message = f"control_mode is {ControlMode.NONE.words}; nothing was sent"
        return Err(MeterError(ErrorKind.STATE, message, where=str(switch.control_mode)))
    method = switch.remote_reconnect if connect else switch.remote_disconnect
    switched = await meter.call(method)
    if isinstance(switched, Err):
        return switched
    after = await _as_far_as_told(meter, switch)
    return after if isinstance(after, Ok) else Err(after.error.at("switched, and then"))


async def _as_far_as_told(meter: Meter, switch: DisconnectControl) -> Result[DisconnectorReading]:
    """Read the switch; nothing of it where the meter refuses, since it may still be switched."""
    read = await read_disconnector(meter, switch)
    if isinstance(read, Err) and not ends_session(read.error):
        return Ok(DisconnectorReading(None, None, None))
    return read
