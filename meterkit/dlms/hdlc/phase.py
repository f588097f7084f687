"""What an HDLC client is in the middle of, and what it waits for then.

    DISCONNECTED -SNRM-> CONNECTING -UA-> IDLE -DISC-> DISCONNECTING -UA, DM-> DISCONNECTED
    CONNECTING -DM, FRMR-> (DISC) CLEARING -UA, DM-> (SNRM) CONNECTING
    IDLE -I-> EXCHANGE -I-> IDLE        IDLE -RR-> ENQUIRING -RR-> IDLE

From anywhere to BROKEN, and from there only by SNRM or DISC.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Phase(Enum):
    """The phases; the value says what is missing if the link gives up there."""

    DISCONNECTED = "no connection"  #: pushes are heard
    CLEARING = "no UA to DISC and SNRM"  #: DISC sent before the second SNRM
    CONNECTING = "no UA to SNRM"
    IDLE = "no further answer"  #: connected, nothing asked
    EXCHANGE = "the request was acknowledged but not answered"  #: request or answer under way
    ENQUIRING = "no answer to RR"  #: a sign of life is asked for
    DISCONNECTING = "neither UA nor DM to DISC"
    BROKEN = "the link is broken"  #: deaf until connect or disconnect


CONNECTED: Final = frozenset({Phase.IDLE, Phase.EXCHANGE, Phase.ENQUIRING})
DEAF: Final = frozenset({Phase.DISCONNECTED, Phase.BROKEN})  # nothing is waited for
