r"""The sign-on of IEC 62056-21 at 300 baud, then HDLC (mode E) or a data readout (mode C).

    client  /?!                          06 2 5 2                 HDLC ...
    meter         /MKT5\2EMULATOR                    06 2 5 2             at the new speed

The acknowledgement says V, Z and Y: protocol (2 is HDLC), speed, mode (2 is binary; 0 reads out, 1 programs).
Source: IEC 62056-21 6.3 and annex on mode E; general knowledge.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, auto

from meterkit.emulator.dlms.configuration import DlmsEmulatorConfiguration
from meterkit.emulator.dlms.hdlc_end import HdlcEnd

SIGN_ON_BAUD_RATE = 300  # bits per second
BAUD_RATES = (300, 600, 1200, 2400, 4800, 9600, 19200)  # by Z, 0 to 6
REACTION_TIME = 0.2  # s between an acknowledgement and the data message, time to change speed
_ACK = 0x06
_BREAK = b"\x01B0\x03q"  # SOH B0 ETX BCC: the sign-off
_LONGEST_LINE = 64  # octets
_SEVEN_BITS = bytes(octet & 0x7F for octet in range(256))  # parity is the line's matter


class _State(Enum):
    WAITING = auto()  # for a request
    IDENTIFIED = auto()  # waiting for the acknowledgement
    HDLC = auto()


class ModeEEnd:
    """A sign-on in front of an HDLC end.  `read_out` gives the data message of mode C."""

    def __init__(
        self, configuration: DlmsEmulatorConfiguration, hdlc: HdlcEnd, read_out: Callable[[], bytes]
    ) -> None:
        self.is_hung_up = False
        self.hdlc = hdlc
        self.baud_rate = SIGN_ON_BAUD_RATE
        self._configuration = configuration
        self._read_out = read_out
        self._to_waiting()

    def _to_waiting(self) -> None:
        self._state = _State.WAITING
        self._line = bytearray()
        self._due = self._switch_due = self._readout_due = math.inf
        self._next_baud_rate = SIGN_ON_BAUD_RATE
        self.baud_rate = SIGN_ON_BAUD_RATE
        self.hdlc.close()

    @property
    def deadline(self) -> float:
        """When the acknowledgement is overdue, the speed changes, a readout begins, or HDLC waits."""
        return min(self._due, self._switch_due, self._readout_due, self.hdlc.deadline)

    def receive(self, octets: bytes, now: float) -> list[bytes]:
        """Take octets; return what answers them."""
        if self._state is not _State.HDLC:
            return self._take_text(octets, now)
        was_connected = self.hdlc.is_connected
        frames = self.hdlc.receive(octets, now)
        if self.hdlc.is_connected:
            self._due = math.inf
        elif was_connected and self._configuration.mode_e.ends_with_hdlc:
            self._switch_to_sign_on(now)
        return frames

    def wake(self, now: float) -> list[bytes]:
        """Do what has become due."""
        if now >= self._switch_due:
            self._switch_due = math.inf
            self.baud_rate = self._next_baud_rate
            if self._next_baud_rate == SIGN_ON_BAUD_RATE and self._state is _State.WAITING:
                self._to_waiting()
        was_connected = self.hdlc.is_connected
        frames = self.hdlc.wake(now)
        if was_connected and not self.hdlc.is_connected:
            self._to_waiting()
        if now >= self._readout_due:
            self._readout_due = math.inf
            frames.append(self._read_out())
            self._switch_to_sign_on(now)
        if now >= self._due:
            frames += self._overdue()
        return frames

    def push(self, apdu: bytes) -> list[bytes]:
        """Return the frames of a push; there are none while HDLC is not spoken."""
        return self.hdlc.push(apdu) if self._state is _State.HDLC else []

    def close(self) -> None:
        """Take the news that the line is gone."""
        self._to_waiting()

    # ---------------------------------------------------------------- sign-on
    def _take_text(self, octets: bytes, now: float) -> list[bytes]:
        answers: list[bytes] = []
        self._line += octets.translate(_SEVEN_BITS)
        while (end := self._line.find(b"\r\n")) >= 0:
            line = bytes(self._line[:end])
            del self._line[: end + 2]
            answers += self._take_line(line, now)
            if self._state is _State.HDLC:
                return answers
        del self._line[:-_LONGEST_LINE]
        return answers

    def _take_line(self, line: bytes, now: float) -> list[bytes]:
        request = line.rfind(b"/?")
        if request >= 0:
            return self._identify(line[request + 2 :], now)
        acknowledgement = line.rfind(_ACK)
        if self._state is _State.IDENTIFIED and acknowledgement >= 0:
            return self._acknowledged(line[acknowledgement + 1 :], now)
        return []

    def _identify(self, rest: bytes, now: float) -> list[bytes]:
        mode_e = self._configuration.mode_e
        own = mode_e.device_address or self._configuration.serial_number
        address = rest.removesuffix(b"!").decode("ascii", "replace")
        if not rest.endswith(b"!") or address.lstrip("0") not in ("", own.lstrip("0")):
            return []
        self._state = _State.IDENTIFIED
        self._due = now + mode_e.acknowledge_timeout
        letter = BAUD_RATES.index(mode_e.baud_rate)
        return [f"/{mode_e.manufacturer}{letter}\\2EMULATOR\r\n".encode("ascii")]

    def _acknowledged(self, text: bytes, now: float) -> list[bytes]:
        self._due = math.inf
        protocol, speed, mode = text[:1], text[1:2], text[2:3]
        if len(text) != 3 or not speed.isdigit() or int(speed) >= len(BAUD_RATES):
            self._to_waiting()
            return []
        baud_rate = BAUD_RATES[int(speed)]
        if protocol == b"2" and mode == b"2":
            self._state = _State.HDLC
            self._next_baud_rate, self._switch_due = baud_rate, now
            self._due = now + (self._configuration.hdlc.inactivity_timeout or math.inf)
            return [bytes((_ACK,)) + text + b"\r\n"]  # still at 300 baud: the meter agrees
        self.baud_rate = baud_rate
        if mode == b"0":
            self._readout_due = now + REACTION_TIME
            return []
        self._switch_to_sign_on(now)
        return [_BREAK]  # nothing here can be programmed

    def _switch_to_sign_on(self, now: float) -> None:
        """Go back to the sign-on once what is being said has been said at the old speed."""
        self._state = _State.WAITING
        self._next_baud_rate, self._switch_due = SIGN_ON_BAUD_RATE, now
        self._due = math.inf

    def _overdue(self) -> list[bytes]:
        """No acknowledgement came: read out at 300 baud, as mode C wants.  No SNRM came: sign on anew."""
        is_identified = self._state is _State.IDENTIFIED
        self._to_waiting()
        return [self._read_out()] if is_identified else []
