"""The meter's end of an HDLC line: its address, its clients, and silence.  Source: IEC 62056-46."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Set as AbstractSet

from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc.reader import HdlcReader, Item
from meterkit.emulator.dlms.configuration import DlmsEmulatorConfiguration
from meterkit.emulator.dlms.ends import ANOTHER_CLIENT, MAX_CLIENTS, ApplicationFactory
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.hdlc_connection import LLC_RESPONSE, HdlcConnection, segments, unnumbered
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.errors import ProtocolFault

_INTER_OCTET_TIMEOUT = 0.5  # s; a frame whose flag was lost ends with silence
_BAUD_RATE = 9600  # bits per second, without a sign-on


class HdlcEnd:
    """Frames in, frames out; every client on the line has a connection of its own."""

    def __init__(
        self,
        configuration: DlmsEmulatorConfiguration,
        quirks: AbstractSet[DlmsQuirk],
        faults: DlmsFaults,
        make_application: ApplicationFactory,
    ) -> None:
        self.is_hung_up = False
        self.baud_rate = _BAUD_RATE
        self.connections: OrderedDict[int, HdlcConnection] = OrderedDict()  #: by client SAP
        self._configuration, self._quirks, self._faults = configuration, quirks, faults
        self._make_application = make_application
        self._reader = HdlcReader()
        self._silence_due = self._idle_due = math.inf
        hdlc = configuration.hdlc
        self._limits = HdlcParameters(
            hdlc.max_information_transmit,
            hdlc.max_information_receive,
            hdlc.window_transmit,
            hdlc.window_receive,
        )

    @property
    def deadline(self) -> float:
        """When half a frame is given up, or the line has been idle for too long."""
        return min(self._silence_due, self._idle_due)

    @property
    def is_connected(self) -> bool:
        """Whether any client has a connection."""
        return any(connection.is_connected for connection in self.connections.values())

    def receive(self, octets: bytes, now: float) -> list[bytes]:
        """Take octets; return the frames that answer them."""
        frames = self._take_items(self._reader.feed(octets))
        self._silence_due = now + _INTER_OCTET_TIMEOUT if self._reader.is_waiting else math.inf
        timeout = self._configuration.hdlc.inactivity_timeout
        if self.is_connected and timeout is not None:
            self._idle_due = now + timeout
        return frames

    def wake(self, now: float) -> list[bytes]:
        """Settle half a frame; drop connections that nobody used."""
        frames: list[bytes] = []
        if now >= self._silence_due:
            self._silence_due = math.inf
            frames = self._take_items(self._reader.silence())
        if now >= self._idle_due:
            self.close()
        return frames

    def push(self, apdu: bytes) -> list[bytes]:
        """Return the UI frames that carry a push."""
        pieces = segments(LLC_RESPONSE + apdu, self._limits.max_info_transmit)
        client = HdlcAddress(min(self._configuration.push_client, 0x7F))
        return [frame.encode() for frame in unnumbered(client, self._own_address(), pieces)]

    def close(self) -> None:
        """Drop every connection."""
        for connection in self.connections.values():
            connection.disconnect()
        self.connections.clear()
        self._reader.clear()
        self._silence_due = self._idle_due = math.inf

    def _own_address(self) -> HdlcAddress:
        configuration = self._configuration
        logical, physical = configuration.logical_device, configuration.hdlc.physical_address
        if physical is None and logical > 0x7F:
            physical = 0x3FFF & logical
        return HdlcAddress(logical, physical)

    def _take_items(self, items: list[Item]) -> list[bytes]:
        frames: list[bytes] = []
        for item in items:
            if isinstance(item, HdlcFrame) and not self._faults.take("unheard_frames"):
                frames += [frame.encode() for frame in self._take(item)]
        return frames

    def _take(self, frame: HdlcFrame) -> list[HdlcFrame]:
        if not self._is_ours(frame.destination):
            return []
        client = frame.source.logical
        is_unknown = self._configuration.client(client) is None
        if is_unknown and DlmsQuirk.SILENT_TO_UNKNOWN_CLIENT in self._quirks:
            return []
        try:
            answers = self._connection(frame).take(frame)
        except ProtocolFault:  # SNRM with parameters that are none
            return [HdlcFrame(frame.source, frame.destination, HdlcControl.DM)]
        if frame.destination.is_group:
            return []  # nobody answers what is said to all
        return self._readdressed(answers)

    def _is_ours(self, address: HdlcAddress) -> bool:
        if address.is_group:
            return True
        physical = self._configuration.hdlc.physical_address
        is_near = physical is None or address.physical in (None, physical)
        return is_near and address.logical == self._configuration.logical_device

    def _connection(self, frame: HdlcFrame) -> HdlcConnection:
        client = frame.source.logical
        connection = self.connections.get(client)
        if connection is None:
            connection = self.connections[client] = HdlcConnection(
                frame.destination, frame.source, self._limits, self._quirks, self._make_application(client)
            )
            if len(self.connections) > MAX_CLIENTS:
                self.connections.popitem(last=False)[1].disconnect()
        connection.own, connection.client = frame.destination, frame.source
        self.connections.move_to_end(client)
        return connection

    def _readdressed(self, frames: list[HdlcFrame]) -> list[HdlcFrame]:
        """Return the frames as quirks address them."""
        if not frames:
            return frames
        first = frames[0]
        other = HdlcAddress(first.destination.logical ^ ANOTHER_CLIENT)
        if DlmsQuirk.ANSWERS_ANOTHER_CLIENT in self._quirks:
            return [
                HdlcFrame(other, one.source, one.control, one.information, one.is_segmented) for one in frames
            ]
        if DlmsQuirk.ANOTHER_CLIENTS_FRAME in self._quirks:
            return [HdlcFrame(other, first.source, HdlcControl.DM), *frames]
        return frames
