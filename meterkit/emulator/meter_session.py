"""One line to the emulated meter: octets in, octets out, and one deadline.  No clock of its own.

TCP, pty and in-memory lines all drive this machine:

    out = session.receive(octets, now)       # `now` in seconds, on any clock that does not jump
    out = session.wake(now)                  # when `session.deadline` has come
"""

from __future__ import annotations

import logging
import math

from meterkit.emulator.access import EmulatorState
from meterkit.emulator.meter import MeterEmulator
from meterkit.emulator.meter_link import ACK, NAK, Delivered, MeterEvents, MeterLink
from meterkit.emulator.services import ServiceSession
from meterkit.link import Broken, Message, Transmit
from meterkit.psem.codes import service_of

_log = logging.getLogger("meterkit.emulator")


class MeterSession:
    """The meter's end of one line, with its time-outs and the faults that tests order."""

    def __init__(self, emulator: MeterEmulator) -> None:
        self.services = ServiceSession(emulator)
        self.is_hung_up = False  #: the meter dropped the line: close it once all octets have left
        self._emulator = emulator
        self._link = MeterLink(
            self.services.channel, identity=emulator.configuration.identity, refuse=self._refuses
        )
        self._is_port_switched = False  # towards the optical side, where the port is shared
        self._link_due = math.inf
        self._traffic_due = math.inf
        self._traffic_timeout = self.services.channel.channel_traffic_timeout
        self._session_due = math.inf  # of ET51's lock-out
        self._response: bytes | None = None  # one that is due later
        self._response_due = math.inf

    @property
    def state(self) -> EmulatorState:
        """Where the session is."""
        return self.services.state

    @property
    def baud_rate(self) -> int:
        """Bits per second the meter listens and talks at."""
        return self.services.channel.baud_rate

    @property
    def deadline(self) -> float:
        """When `wake` is due; inf when the meter waits for nothing."""
        return min(self._link_due, self._session_due, self._response_due, self._idle_due)

    @property
    def _idle_due(self) -> float:
        # An answer not delivered yet is the link's business: it gives up by itself.
        is_waiting = self._link.is_sending or self._response is not None
        return math.inf if is_waiting else self._traffic_due

    def receive(self, octets: bytes, now: float) -> bytes:
        """Take octets that arrived at `now`; return what the meter puts on the line at once."""
        out = bytearray(self.wake(now))
        if now < self._emulator.held_off_until or self.is_hung_up:
            return bytes(out)
        packets = self._link.packets_received
        events = self._link.receive(octets)
        if self._link.packets_received != packets:  # a Wait lasts until the next packet
            self._traffic_timeout = self.services.channel.channel_traffic_timeout
        if any(event != Transmit(NAK) for event in events):
            self._traffic_due = now + self._traffic_timeout
        self._follow(events, out, now)
        return self._spoken(out)

    def wake(self, now: float) -> bytes:
        """Do what has become due by `now`, in order; return what the meter puts on the line."""
        out = bytearray()
        while (due := self.deadline) <= now:
            if due == self._response_due:
                response, self._response = self._response, None
                self._response_due = math.inf
                self._traffic_due = due + self._traffic_timeout
                self._follow(self._link.send(response or b""), out, due)
            elif due == self._link_due:
                self._follow(self._link.timed_out(), out, due)
            else:
                if due == self._session_due:
                    hold_off = self._emulator.session_limits[2]
                    self._emulator.held_off_until = due + hold_off
                _log.debug("session timed out in state %s", self.state.name)
                self._to_base()
        return self._spoken(out)

    def close(self) -> None:
        """Take the news that the line is gone."""
        self._to_base()

    # ---------------------------------------------------------------- events
    def _follow(self, events: MeterEvents, out: bytearray, now: float) -> None:
        for event in events:
            match event:
                case Transmit(octets):
                    out += self._impaired(octets)
                case Message(octets):
                    self._serve(octets, out, now)
                case Delivered():
                    self._apply(now)
                case Broken(error):
                    _log.debug("link broken: %s", error)
                    self._to_base()
        self._link_due = now + self._link.timeout

    def _serve(self, request: bytes, out: bytearray, now: float) -> None:
        was_idle = self.state is EmulatorState.IDLE
        response = self.services.process(request)
        service = service_of(request[0]) if request else None
        _log.debug("%s answered %02X", "unknown service" if service is None else service.name, response[0])
        self._link.settings = self.services.channel
        if self.services.wait is not None:
            self._traffic_timeout, self.services.wait = float(self.services.wait), None
            self._traffic_due = now + self._traffic_timeout
        if was_idle and self.state is not EmulatorState.IDLE:
            is_limited, longest, _ = self._emulator.session_limits
            self._session_due = now + longest if is_limited else math.inf
        faults = self._emulator.faults
        if faults.take_hang_up():
            out.clear()
            self.is_hung_up = True
            self._to_base()
        elif faults.take("unanswered"):
            self._link.skip_response()
            self._apply(now)
        elif faults.response_delay:
            self._response, self._response_due = response, now + faults.response_delay
        else:
            self._follow(self._link.send(response), out, now)

    def _apply(self, now: float) -> None:
        """Let what the delivered response agreed to take effect."""
        timeout = self.services.channel.channel_traffic_timeout
        self.services.delivered()
        if timeout != self.services.channel.channel_traffic_timeout:
            self._traffic_timeout = self.services.channel.channel_traffic_timeout
            self._traffic_due = now + self._traffic_timeout
        self._link.settings = self.services.channel
        self.is_hung_up |= self.services.is_hung_up
        if self.state is EmulatorState.IDLE:
            self._to_base()

    def _to_base(self) -> None:
        self.services.to_base()
        self._link.reset()
        self._link.settings = self.services.channel
        self._is_port_switched = False
        self._response = None
        self._link_due = self._traffic_due = self._session_due = self._response_due = math.inf
        self._traffic_timeout = self.services.channel.channel_traffic_timeout

    # ---------------------------------------------------------------- faults
    def _refuses(self) -> bytes | None:
        """Return what to answer a good packet with in place of taking it."""
        if self._emulator.configuration.shared_optical_port and not self._is_port_switched:
            self._is_port_switched = True
            return NAK
        if self._emulator.faults.take("ignore_packets"):
            return b""
        return NAK if self._emulator.faults.take("nak_packets") else None

    def _impaired(self, octets: bytes) -> bytes:
        """Return what arrives of `octets` when the line does what the test ordered."""
        faults = self._emulator.faults
        if octets in (ACK, NAK):
            return b"" if octets == ACK and faults.take("drop_acks") else octets
        if faults.take("drop_packets"):
            return b""
        if faults.take("corrupt_packets"):
            middle = len(octets) // 2
            return octets[:middle] + bytes((octets[middle] ^ 0x01,)) + octets[middle + 1 :]
        return octets * 2 if faults.take("duplicate_packets") else octets

    def _spoken(self, out: bytearray) -> bytes:
        if not out or self._emulator.faults.silent:
            return b""
        return self._emulator.faults.take_noise() + bytes(out)
