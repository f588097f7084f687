"""One HDLC connection, the meter's side, as a machine that only answers.

    client  SNRM    I0 P        RR1 P       I1 (window 2)  I2 P      DISC
    meter        UA      I0 F         I1 F                     I0 F      UA

The meter speaks when it is polled: I frames as far as the window goes, the last with F=1; what the client
does not confirm goes out again.  Source: IEC 62056-46 6.4, normal response mode; general knowledge.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Set as AbstractSet

from meterkit.dlms.hdlc.control import MODULO
from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.emulator.dlms.application import Application
from meterkit.emulator.dlms.ends import NOTIFICATIONS
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.terms import LONGEST_VALUE

LLC_REQUEST, LLC_RESPONSE = b"\xe6\xe6\x00", b"\xe6\xe7\x00"
_RNR_POLLS = 2  # of DlmsQuirk.SLOW_WITH_RNR
_TOO_LONG, _WRONG_NR = 0x04, 0x08  # FRMR: bits y and z of its third octet
_Segment = tuple[bytes, bool]  # information, is segmented


def segments(message: bytes, size: int) -> list[_Segment]:
    """Return a message, LLC included, as the information of frames."""
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return [(piece, place < len(pieces) - 1) for place, piece in enumerate(pieces)]


class HdlcConnection:
    """What the meter knows of one client on the line."""

    def __init__(
        self,
        own: HdlcAddress,
        client: HdlcAddress,
        limits: HdlcParameters,
        quirks: AbstractSet[DlmsQuirk],
        application: Application,
    ) -> None:
        self.own, self.client = own, client
        self.application = application
        self.is_connected = False
        self.parameters = HdlcParameters()  #: as agreed on, seen from the meter
        self._limits, self._quirks = limits, quirks
        self._reset()

    def _reset(self) -> None:
        self._send_state = self._receive_state = 0  # V(S), V(R)
        self._unconfirmed: deque[_Segment] = deque()  # sent; the last has number V(S) - 1
        self._queue: deque[_Segment] = deque()  # not sent yet
        self._unnumbered: list[HdlcFrame] = []
        self._received = bytearray()
        self._has_lost = False
        self._rnr_left = 0

    def disconnect(self) -> None:
        """End the connection and the association above it."""
        self.is_connected = False
        self.application.close()
        self._reset()

    def take(self, frame: HdlcFrame) -> list[HdlcFrame]:
        """Take one frame that is addressed to this connection; return the answer."""
        match frame.control.frame_type:
            case HdlcFrameType.SNRM:
                return self._connect(frame)
            case HdlcFrameType.DISC:
                answer = HdlcControl.UA if self.is_connected else HdlcControl.DM
                self.disconnect()
                return [self._frame(answer)]
            case HdlcFrameType.UI:
                self._take_unnumbered(frame)
                return []
            case HdlcFrameType.INFORMATION | HdlcFrameType.RR | HdlcFrameType.RNR | HdlcFrameType.REJ:
                return self._take_numbered(frame)
            case HdlcFrameType.UA | HdlcFrameType.DM | HdlcFrameType.FRMR:
                return []  # responses: a client does not send them

    # ---------------------------------------------------------------- connecting
    def _connect(self, frame: HdlcFrame) -> list[HdlcFrame]:
        if not frame.information and DlmsQuirk.SILENT_TO_EMPTY_SNRM in self._quirks:
            return []
        self.disconnect()
        self.is_connected = True
        self.parameters = self._agree(HdlcParameters.decode(frame.information).as_seen_by_the_other_end())
        has_none = DlmsQuirk.UA_WITHOUT_PARAMETERS in self._quirks
        return [self._frame(HdlcControl.UA, b"" if has_none else self.parameters.encode())]

    def _agree(self, proposed: HdlcParameters) -> HdlcParameters:
        if {DlmsQuirk.IGNORED_PROPOSALS, DlmsQuirk.UA_WITHOUT_PARAMETERS} & self._quirks:
            return HdlcParameters()
        limits = self._limits
        window_transmit = min(proposed.window_transmit, limits.window_transmit)
        window_receive = min(proposed.window_receive, limits.window_receive)
        if DlmsQuirk.INFORMATION_SIZE_IGNORED in self._quirks:
            return HdlcParameters(window_transmit=window_transmit, window_receive=window_receive)
        return HdlcParameters(
            min(proposed.max_info_transmit, limits.max_info_transmit),
            min(proposed.max_info_receive, limits.max_info_receive),
            window_transmit,
            window_receive,
        )

    # ---------------------------------------------------------------- numbered frames
    def _take_numbered(self, frame: HdlcFrame) -> list[HdlcFrame]:
        control = frame.control
        if not self.is_connected:
            return [self._frame(HdlcControl.DM)] if control.poll_final else []
        is_information = control.frame_type is HdlcFrameType.INFORMATION
        if is_information and len(frame.information) > self.parameters.max_info_receive:
            return [self._reject(control, _TOO_LONG)]
        if not self._confirm(control.receive_sequence):
            return [self._reject(control, _WRONG_NR)]
        if is_information:
            self._take_information(frame)
        if not control.poll_final:
            return []
        if control.frame_type is HdlcFrameType.RNR:
            return [self._supervise(HdlcFrameType.RR)]
        return self._speak()

    def _confirm(self, receive_sequence: int) -> bool:
        """Take N(R): the client has everything before it.  False if it never can have."""
        outstanding = (self._send_state - receive_sequence) % MODULO
        if outstanding > len(self._unconfirmed):
            return False
        while len(self._unconfirmed) > outstanding:
            self._unconfirmed.popleft()
        return True

    def _take_information(self, frame: HdlcFrame) -> None:
        if frame.control.send_sequence != self._receive_state:
            behind = (self._receive_state - frame.control.send_sequence) % MODULO
            self._has_lost |= behind > self.parameters.window_receive  # else it came before
            return
        self._has_lost = False
        self._receive_state = (self._receive_state + 1) % MODULO
        if len(self._received) <= LONGEST_VALUE:
            self._received += frame.information
        if frame.is_segmented:
            return
        message, self._received = bytes(self._received), bytearray()
        if not message.startswith(LLC_REQUEST):
            return
        for answer in self.application.process(message[len(LLC_REQUEST) :]):
            self._answer(answer)
        self._rnr_left = _RNR_POLLS if DlmsQuirk.SLOW_WITH_RNR in self._quirks else 0

    def _answer(self, apdu: bytes) -> None:
        pieces = segments(LLC_RESPONSE + apdu, self.parameters.max_info_transmit)
        if apdu[0] in NOTIFICATIONS:
            self._unnumbered += unnumbered(self.client, self.own, pieces)
        else:
            self._queue += pieces

    # ---------------------------------------------------------------- our turn
    def _speak(self) -> list[HdlcFrame]:
        """Return what the meter says when polled: all it has, as far as the window goes, or RR."""
        frames, self._unnumbered = self._unnumbered, []
        if self._rnr_left and (self._queue or self._unconfirmed):
            self._rnr_left -= 1
            return [*frames, self._supervise(HdlcFrameType.RNR)]
        if self._has_lost:
            kind = HdlcFrameType.REJ if DlmsQuirk.REJ_ON_LOSS in self._quirks else HdlcFrameType.RR
            return [*frames, self._supervise(kind)]
        while self._queue and len(self._unconfirmed) < self.parameters.window_transmit:
            self._unconfirmed.append(self._queue.popleft())
            self._send_state = (self._send_state + 1) % MODULO
        if not self._unconfirmed:
            return [*frames, self._supervise(HdlcFrameType.RR)]
        first = self._send_state - len(self._unconfirmed)
        last = len(self._unconfirmed) - 1
        for place, (information, is_segmented) in enumerate(self._unconfirmed):
            number = (first + place) % MODULO
            control = HdlcControl(HdlcFrameType.INFORMATION, place == last, number, self._receive_state)
            frames.append(self._frame(control, information, is_segmented))
        return frames

    def _supervise(self, kind: HdlcFrameType) -> HdlcFrame:
        return self._frame(HdlcControl(kind, True, 0, self._receive_state))

    def _reject(self, control: HdlcControl, reason: int) -> HdlcFrame:
        """Return FRMR: the rejected control octet, V(R) and V(S), and why."""
        states = self._receive_state << 5 | self._send_state << 1
        self.disconnect()
        return self._frame(
            HdlcControl(HdlcFrameType.FRMR, True), bytes((control.encode(), states & 0xFF, reason))
        )

    def _frame(self, control: HdlcControl, information: bytes = b"", is_segmented: bool = False) -> HdlcFrame:
        return HdlcFrame(self.client, self.own, control, information, is_segmented)

    # ---------------------------------------------------------------- unnumbered frames
    def _take_unnumbered(self, frame: HdlcFrame) -> None:
        """Do what a UI frame asks; there is no answer to one."""
        if frame.information.startswith(LLC_REQUEST) and not frame.is_segmented:
            self.application.process(frame.information[len(LLC_REQUEST) :])


def unnumbered(client: HdlcAddress, own: HdlcAddress, pieces: list[_Segment]) -> list[HdlcFrame]:
    """Return UI frames that carry the pieces of one message."""
    control = HdlcControl(HdlcFrameType.UI)
    return [HdlcFrame(client, own, control, piece, is_segmented) for piece, is_segmented in pieces]
