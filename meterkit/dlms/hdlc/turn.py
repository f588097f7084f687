"""Whose turn it is on an HDLC line, and how patient we have been with the meter.

    P ->        our question; the turn is the meter's
    <- ... F    its answer; the turn is ours again

Every P gets one F.  After a question that crossed a slow answer, one F too many is on its way.  It says
nothing about what was sent after that question, so it has to be told from the answer to the next one:

    P1 -> (silence) P2 ->   <- F1, with news    P3 ->   <- F2, stale: no news, and one was due   <- F3
"""

from __future__ import annotations

from enum import Enum
from typing import Final

POLL_INTERVAL: Final = 1.0  # s, the longest between two questions to a meter that is still at work
_FIRST_PAUSE: Final = 0.1  # s, the shortest; each is twice the one before
_PAUSES: Final = 60  # questions in a row to a meter that is still at work


class Step(Enum):
    """What to do with our turn."""

    SEND = "send"  #: the next window of our message
    REPEAT = "repeat"  #: what the meter says it did not receive
    ASK = "ask"  #: RR
    PAUSE = "pause"  #: RR, but not at once
    GIVE_UP = "give up"


class Turn:
    """Counts questions and answers.  Progress is a new I frame, or a new acknowledgement."""

    __slots__ = ("_fruitless", "_has_enquired", "_has_progressed", "_questions", "_stale", "_waits", "lapses")

    def __init__(self) -> None:
        self._questions = 0  # asked since the last progress, and not answered
        self._stale = 0  # answers still due to questions before that
        self._has_progressed = False  # since the last F
        self._has_enquired = False  # the last question was an RR
        self._fruitless = 0  # answers that made us say the same again, since the last progress
        self._waits = 0  # answers that asked for time, since then
        self.lapses = 0  #: times nothing came in time, since then

    @property
    def pause(self) -> float:
        """Seconds to wait before a meter that is still at work is asked again."""
        return min(_FIRST_PAUSE * (1 << max(self._waits - 1, 0)), POLL_INTERVAL)

    def begin(self) -> None:
        """Begin an exchange: whatever is still due belongs to the one before."""
        self._stale += self._questions
        self._questions = 0
        self._has_progressed = False
        self.lapses = self._fruitless = self._waits = 0

    def ask(self, *, is_enquiry: bool) -> None:
        """Note that P goes out, in an RR (`is_enquiry`) or another frame."""
        self._questions += 1
        self._has_enquired = is_enquiry

    def progress(self) -> None:
        """Note that something new came."""
        self._has_progressed = True

    def take_final(self, *, is_repeat: bool = False) -> bool | None:
        """Take an F; return whether there was progress, or None when it answers an older question.

        A repeated I frame (`is_repeat`) cannot answer our last question, whose N(R) acknowledged it: the
        answer to that is still due.
        """
        if self._has_progressed:
            # Answers come in order, so all that were due to older questions have come or got lost.
            self._stale = max(self._questions - 1, 0)
            self._questions = self.lapses = self._fruitless = self._waits = 0
            self._has_progressed = False
            return True
        if self._stale:
            self._stale -= 1
            return None
        if not is_repeat:
            self._questions = max(self._questions - 1, 0)
        return False

    def next_step(
        self,
        retries: int,
        *,
        has_progressed: bool,
        is_busy: bool,
        is_information: bool,
        is_unfinished: bool,
        is_in_doubt: bool,
    ) -> Step:
        """Return what to do after an F that leaves the exchange open, in RNR (`is_busy`), an I frame or RR.

        `is_unfinished`: frames of our message are not acknowledged; `is_in_doubt`: some of them were sent.
        Only an answer to an RR is believed to say that they did not arrive.
        """
        if is_busy or not (has_progressed or is_information or is_unfinished):
            self._waits += 1
            if self._waits > _PAUSES:
                return Step.GIVE_UP
            return Step.PAUSE if is_busy or self._waits > 1 else Step.ASK
        if is_unfinished and (has_progressed or not is_in_doubt):
            return Step.SEND
        if has_progressed or (is_unfinished and not self._has_enquired):
            return Step.ASK
        self._fruitless += 1
        if self._fruitless > retries:
            return Step.GIVE_UP
        return Step.REPEAT if is_unfinished else Step.ASK
