"""The meter's end of WRAPPER.  Source: IEC 62056-47.

client  0001 | 0010 | 0001 | length | APDU          version, source and destination wPort
meter   0001 | 0001 | 0010 | length | APDU          the wPorts exchanged
"""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Set as AbstractSet

from meterkit.dlms.apdu.errors import ServiceError
from meterkit.dlms.wrapper import WrapperHeader, WrapperMessage, WrapperReader
from meterkit.emulator.dlms.application import Application
from meterkit.emulator.dlms.configuration import DlmsEmulatorConfiguration
from meterkit.emulator.dlms.ends import ANOTHER_CLIENT, MAX_CLIENTS, NOTIFICATIONS, ApplicationFactory
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.terms import refusal
from meterkit.errors import ProtocolFault

_log = logging.getLogger("meterkit.emulator")
_NO_SPEED = 115200  # bits per second; sockets have none


class WrapperEnd:
    """Messages in, messages out; every client SAP on the line has an association of its own."""

    def __init__(
        self,
        configuration: DlmsEmulatorConfiguration,
        quirks: AbstractSet[DlmsQuirk],
        faults: DlmsFaults,
        make_application: ApplicationFactory,
    ) -> None:
        self.is_hung_up = False
        self.deadline = math.inf
        self.baud_rate = _NO_SPEED
        self._configuration, self._quirks, self._faults = configuration, quirks, faults
        self._make_application = make_application
        self._applications: OrderedDict[int, Application] = OrderedDict()
        self._reader = WrapperReader()

    def receive(self, octets: bytes, now: float) -> list[bytes]:
        """Take octets; return the messages that answer them."""
        frames: list[bytes] = []
        try:
            messages = self._reader.feed(octets)
        except ProtocolFault as odd:
            _log.debug("no WRAPPER: %s", odd)
            self.is_hung_up = True
            return frames
        for message in messages:
            if not self._faults.take("unheard_frames"):
                frames += self._answer(message)
        return frames

    def wake(self, now: float) -> list[bytes]:
        """Nothing becomes due here."""
        return []

    def push(self, apdu: bytes) -> list[bytes]:
        """Return the message that carries a push."""
        return [self._message(apdu, self._configuration.push_client)]

    def close(self) -> None:
        """End every association."""
        for application in self._applications.values():
            application.close()
        self._applications.clear()

    def _answer(self, message: WrapperMessage) -> list[bytes]:
        header = message.header
        if header.destination != self._configuration.logical_device:
            return []  # no such logical device: silence
        answers = self._application(header.source).process(message.apdu)
        frames: list[bytes] = []
        if answers and DlmsQuirk.ANOTHER_CLIENTS_FRAME in self._quirks:
            other = refusal(service=ServiceError.OTHER_REASON)
            frames.append(self._message(other, header.source ^ ANOTHER_CLIENT))
        for answer in answers:
            client = header.source
            if answer[0] in NOTIFICATIONS:
                client = self._configuration.push_client
            elif DlmsQuirk.ANSWERS_ANOTHER_CLIENT in self._quirks:
                client ^= ANOTHER_CLIENT
            frames.append(self._message(answer, client))
        return frames

    def _application(self, client: int) -> Application:
        application = self._applications.get(client)
        if application is None:
            application = self._applications[client] = self._make_application(client)
            if len(self._applications) > MAX_CLIENTS:
                self._applications.popitem(last=False)[1].close()
        self._applications.move_to_end(client)
        return application

    def _message(self, apdu: bytes, client: int) -> bytes:
        header = WrapperHeader(self._configuration.logical_device, client, len(apdu))
        return WrapperMessage(header, apdu).encode()
