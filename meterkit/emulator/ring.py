"""A list that wraps: the newest entry takes the place of the oldest.  Source: OSGP guide, BT26, BT74."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """So many places; entries fill them in turn and then again."""

    def __init__(self, capacity: int) -> None:
        self.entries: list[T | None] = [None] * capacity  #: by place in the table
        self.newest: T | None = None  #: survives `clear`
        self.last = 0  #: place of the newest entry; means nothing while there is none
        self.nbr_valid = 0
        self.nbr_unread = 0
        self.has_overflowed = False  #: more unread entries came than there are places
        self.version = 0  #: grows with every change
        self._next = 0

    def append(self, entry: T) -> None:
        """Store an entry; a ring without places forgets it."""
        self.version += 1
        self.newest = entry
        capacity = len(self.entries)
        if not capacity:
            return
        self.last, self._next = self._next, (self._next + 1) % capacity
        self.entries[self.last] = entry
        self.nbr_valid = min(self.nbr_valid + 1, capacity)
        self.has_overflowed |= self.nbr_unread == capacity
        self.nbr_unread = min(self.nbr_unread + 1, capacity)

    def clear(self) -> None:
        """Make every entry invalid; the octets of old ones may stay where they are."""
        self.version += 1
        self.last = self._next = self.nbr_valid = self.nbr_unread = 0
        self.has_overflowed = False

    def mark_read(self, entries: int) -> None:
        """Count `entries` as read by the host."""
        self.version += 1
        self.nbr_unread = max(self.nbr_unread - entries, 0)
        self.has_overflowed = False

    @property
    def list_status(self) -> int:
        """The flags in front of the list: ascending, overflow, circular unless it has no places."""
        return self.has_overflowed << 1 | bool(self.entries) << 2
