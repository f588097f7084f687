"""Who is who on an HDLC line: us, our meter, and everybody else.

meter -> us   what we listen to        us -> meter   the line's echo        all others   left alone
"""

from __future__ import annotations

from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcFrame, HdlcFrameType


class Stations:
    """The two ends of one connection.

    `peer` is the meter: `server` itself, or who answered first where that is a group or CALLING.
    """

    __slots__ = ("client", "header", "peer", "server")

    def __init__(self, client: HdlcAddress, server: HdlcAddress) -> None:
        self.client = client
        self.server = server
        self.forget()

    def forget(self) -> None:
        """Begin anew: nobody has answered yet."""
        self.settle(self.server)

    def settle(self, source: HdlcAddress) -> None:
        """Note who answered."""
        self.peer = source if self.server.is_group else self.server
        self.header = self.peer.octets + self.client.octets  #: the addresses of our frames

    def is_from_peer(self, frame: HdlcFrame) -> bool:
        """Tell whether a frame is from our meter to us."""
        return frame.destination == self.client and (frame.source == self.peer or self.peer.is_group)

    def is_echo(self, frame: HdlcFrame, last_sent: bytes) -> bool:
        """Tell whether a frame is our own, come back; `last_sent` is what we said last.

        Where both addresses are the same number, a command is known by its kind, an I frame by its octets.
        """
        if frame.source != self.client or frame.destination != self.peer:
            return False
        return (
            self.client != self.peer
            or frame.control.frame_type in (HdlcFrameType.SNRM, HdlcFrameType.DISC)
            or (frame.has_information and frame.encode() in last_sent)
        )
