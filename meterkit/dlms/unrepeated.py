"""Links that send nothing twice by themselves: WRAPPER.  What may go again, the association above decides.

    -> E0 ack 4      ... silence ...     -> E0 ack 4      <- E0 block 5

HDLC is none of them: it asks again by itself.  Source: IEC 62056-47; Green Book 9.4.6.13.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from meterkit.link import Link


@runtime_checkable
class UnrepeatedLink(Link, Protocol):
    """A lower link whose silence another message may end."""

    def forgo(self) -> bool:
        """Wait no longer for what answers the last message, so that one may be sent; False: it can't be."""
        ...


def forgo(lower: Link) -> bool:
    """Let `lower` take a message though the last one was not answered; False where that makes no sense."""
    return isinstance(lower, UnrepeatedLink) and lower.forgo()
