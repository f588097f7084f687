"""Where an application association stands.  Source: IEC 62056-53, the client's control function.

not associated --AARQ--> pending --AARE accepted--> associated --RLRQ--> release pending
     ^                      |                           |                      |
     +--- AARE refused -----+------- link lost ---------+------- RLRE ---------+
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class AssociationState(Enum):
    """Where the association stands, as far as its client can know."""

    __hash__ = object.__hash__  # there is one of each; Enum's own, of the name, is slow Python

    NOT_ASSOCIATED = "not associated"  #: nothing agreed; only an AARQ makes sense
    ASSOCIATION_PENDING = "association pending"  #: an AARQ waits for its AARE
    ASSOCIATED = "associated"  #: services may be asked for
    RELEASE_PENDING = "release pending"  #: an RLRQ waits for its RLRE


class AssociationEvent(Enum):
    """What moves an association from one state to another."""

    __hash__ = object.__hash__  # as above

    AARQ = "AARQ sent"
    ACCEPTED = "AARE accepted"
    REFUSED = "AARE refused, or another answer to the AARQ"
    PRE_ESTABLISHED = "agreed beforehand, without AARQ"
    RLRQ = "RLRQ sent"
    RELEASED = "RLRE, or another answer to the RLRQ"
    LOST = "the exchange came to nothing"
    BROKEN = "the link below is lost"


_State, _Event = AssociationState, AssociationEvent

#: For each state the events that mean something there, and where they lead; any other changes nothing.
#: An AARQ while associated is how a client begins anew with a meter that never took its release.  An
#: exchange that came to nothing moves a pending state only: a single service may fail and the next succeed.
TRANSITIONS: Final[dict[AssociationState, dict[AssociationEvent, AssociationState]]] = {
    _State.NOT_ASSOCIATED: {
        _Event.AARQ: _State.ASSOCIATION_PENDING,
        _Event.PRE_ESTABLISHED: _State.ASSOCIATED,
        _Event.RLRQ: _State.RELEASE_PENDING,
    },
    _State.ASSOCIATION_PENDING: {
        _Event.ACCEPTED: _State.ASSOCIATED,
        _Event.REFUSED: _State.NOT_ASSOCIATED,
        _Event.LOST: _State.NOT_ASSOCIATED,
        _Event.BROKEN: _State.NOT_ASSOCIATED,
    },
    _State.ASSOCIATED: {
        _Event.AARQ: _State.ASSOCIATION_PENDING,
        _Event.RLRQ: _State.RELEASE_PENDING,
        _Event.BROKEN: _State.NOT_ASSOCIATED,
    },
    _State.RELEASE_PENDING: {
        _Event.RELEASED: _State.NOT_ASSOCIATED,
        _Event.LOST: _State.NOT_ASSOCIATED,
        _Event.BROKEN: _State.NOT_ASSOCIATED,
    },
}


def follow(state: AssociationState, event: AssociationEvent) -> AssociationState:
    """Return the state after `event`; the same one if it means nothing there."""
    return TRANSITIONS[state].get(event, state)
