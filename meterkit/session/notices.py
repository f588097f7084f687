"""What a meter said unasked, waiting for whoever listens: bounded, the oldest give way."""

from __future__ import annotations

from collections import deque
from typing import Final

MAX_NOTICES: Final = 1024  # messages
MAX_OCTETS: Final = 1 << 22  # of all of them together; the newest is kept whatever its size


class Notices:
    """Whole messages in the order they came."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: bytes) -> None:
        """Keep a message, and give up the oldest beyond what may wait."""
        self._messages.append(message)
        self._size += len(message)
        while len(self) > MAX_NOTICES or (self._size > MAX_OCTETS and len(self) > 1):
            self.take()

    def take(self) -> bytes:
        """Return the oldest.  Raises: IndexError for none."""
        message = self._messages.popleft()
        self._size -= len(message)
        return message

    def clear(self) -> None:
        """Forget all of them."""
        self._messages.clear()
        self._size = 0
