"""What meters say unasked, in UI frames, put together from its parts.

    UI, segmented  E6 E7 00 first part      UI  last part      -> one message

Some meters (Kaifa, on their customer port) push in I frames to nobody (address 0), without any connection.
"""

from __future__ import annotations

from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.segments import Incoming


class Pushes:
    """Reassembles pushes of one station at a time, of at most `limit` octets."""

    __slots__ = ("_client", "_from", "_parts")

    def __init__(self, client: HdlcAddress, limit: int) -> None:
        self._client = client
        self._parts = Incoming(limit)
        self._from: HdlcAddress | None = None

    def clear(self) -> None:
        """Forget what is not whole."""
        self._parts.clear()
        self._from = None

    def concerns(self, frame: HdlcFrame, *, connected_to: HdlcAddress | None) -> bool:
        """Tell whether a frame is a push that we listen to; `connected_to` is our meter, None without.

        UI frames to us or to all are, and those of our meter to whatever address it pushes to (its push
        setup names another client as a rule); without a connection all UI frames, and I frames to us.
        """
        to = frame.destination
        is_ours = to == self._client or to.is_no_station or to.is_group
        if frame.control.frame_type is HdlcFrameType.UI:
            return is_ours or connected_to in (None, frame.source)
        is_information = frame.control.frame_type is HdlcFrameType.INFORMATION
        return is_information and is_ours and connected_to is None

    def take(self, frame: HdlcFrame) -> list[bytes]:
        """Add a frame's part, and return the messages that are whole now."""
        if frame.source != self._from or not self._parts.take(frame.information, frame.is_segmented):
            self._parts.clear()
            self._from = frame.source
            self._parts.take(frame.information, frame.is_segmented)
        return self._parts.hand_over()
