"""What the client's end of an HDLC connection says: commands, questions, windows of I frames, UI frames.

    SNRM  DISC | RR P, with N(R) | I ... I P, from the first not acknowledged on | UI ... UI

Source: IEC 62056-46 6.4 (general knowledge for the clause).
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.hdlc.control import POLL_FINAL
from meterkit.dlms.hdlc.frame import HdlcFrameType, encode_frame
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc.segments import Outgoing
from meterkit.dlms.hdlc.stations import Stations
from meterkit.dlms.hdlc.turn import Turn
from meterkit.link import Transmit

_DEFAULTS: Final = HdlcParameters()
_RR: Final = HdlcFrameType.RR | POLL_FINAL
_UI: Final = HdlcFrameType.UI


class HdlcSpeech:
    """Our end's voice and its numbers; `HdlcLink` listens, and decides what is said."""

    def __init__(self, stations: Stations) -> None:
        self._stations = stations
        self._fall_silent()

    def _fall_silent(self) -> None:
        """Forget all that was said and agreed on."""
        self.negotiated = _DEFAULTS  #: what UA granted, as seen by us
        self._outgoing = Outgoing(b"", 1, 0)
        self._expected = 0  # V(R): N(S) of the next I frame
        self._last_sent = b""
        self._turn = Turn()

    def _command(self, control: int, information: bytes = b"") -> Transmit:
        self._turn.ask(is_enquiry=control & 0x1F == _RR)
        self._last_sent = encode_frame(self._stations.header, control, information)
        return Transmit(self._last_sent)

    def _ask(self) -> Transmit:
        """RR: acknowledges what came, asks for what is next and for what the meter has of ours."""
        return self._command(_RR | self._expected << 5)

    def _transmit_window(self) -> Transmit:
        frames = self._outgoing.burst(self.negotiated.window_transmit)
        last = frames[-1][0]
        self._last_sent = b"".join(
            encode_frame(
                self._stations.header,
                self._expected << 5 | (POLL_FINAL if number == last else 0) | number << 1,
                information,
                is_segmented,
            )
            for number, information, is_segmented in frames
        )
        self._turn.ask(is_enquiry=False)
        return Transmit(self._last_sent)

    def _tell(self, octets: bytes) -> Transmit:
        """Say octets in UI frames, which nobody answers."""
        pieces = Outgoing(octets, self.negotiated.max_info_transmit, 0)
        self._last_sent = b"".join(
            encode_frame(self._stations.header, _UI, information, is_segmented)
            for _, information, is_segmented in pieces.burst(pieces.count)
        )
        return Transmit(self._last_sent)
