"""A reader that never runs past its octets, and a writer for the other way.

For messages whose parts follow one another; tables with offsets are `meterkit.codec.layout`'s.
"""

from __future__ import annotations

from typing import Literal

from meterkit.errors import ErrorKind, fault

ByteOrder = Literal["little", "big"]


class Reader:
    """Takes values off the front of `octets`, in order.

    Errors: every method that takes octets raises `ProtocolFault` (DECODE) when too few are left,
    and then takes none.
    """

    __slots__ = ("_octets", "_where", "order", "position")

    def __init__(self, octets: bytes, *, order: ByteOrder = "big", where: str = "") -> None:
        self._octets = bytes(octets)
        self._where = where
        self.order: ByteOrder = order  #: of multi-octet integers
        self.position = 0  #: octets taken so far

    @property
    def left(self) -> int:
        """Octets not yet taken."""
        return len(self._octets) - self.position

    def take(self, count: int, what: str = "octets") -> bytes:
        """Return the next `count` octets; `what` names them in the error."""
        if count < 0:
            raise ValueError(f"cannot take {count} octets")
        end = self.position + count
        if end > len(self._octets):
            message = f"{what}: {count} octets expected at {self.position}, {self.left} left"
            raise fault(ErrorKind.DECODE, message, where=self._where)
        taken = self._octets[self.position : end]
        self.position = end
        return taken

    def rest(self) -> bytes:
        """Return all octets that are left, possibly none."""
        return self.take(self.left)

    def unsigned(self, size: int, what: str = "integer") -> int:
        """Return the next `size` octets as an unsigned integer."""
        return int.from_bytes(self.take(size, what), self.order)

    def signed(self, size: int, what: str = "integer") -> int:
        """Return the next `size` octets as a two's complement integer."""
        return int.from_bytes(self.take(size, what), self.order, signed=True)

    def finish(self) -> None:
        """Make sure nothing is left.

        Errors: `ProtocolFault` (DECODE) that shows the octets left over.
        """
        if self.left:
            tail = self._octets[self.position : self.position + 16].hex(" ")
            message = f"{self.left} octets too many after {self.position}: {tail}"
            raise fault(ErrorKind.DECODE, message, where=self._where)


class Writer:
    """Puts values one after another.

    Errors: ValueError when a value does not fit its size.
    """

    __slots__ = ("_octets", "order")

    def __init__(self, *, order: ByteOrder = "big") -> None:
        self._octets = bytearray()
        self.order: ByteOrder = order  #: of multi-octet integers

    def put(self, octets: bytes) -> Writer:
        """Append `octets` as they are."""
        self._octets += octets
        return self

    def unsigned(self, value: int, size: int) -> Writer:
        """Append `value` as an unsigned integer of `size` octets."""
        return self._integer(value, size, signed=False)

    def signed(self, value: int, size: int) -> Writer:
        """Append `value` as a two's complement integer of `size` octets."""
        return self._integer(value, size, signed=True)

    def _integer(self, value: int, size: int, *, signed: bool) -> Writer:
        try:
            self._octets += value.to_bytes(size, self.order, signed=signed)
        except OverflowError:
            raise ValueError(
                f"{value} does not fit {size} {'signed' if signed else 'unsigned'} octets"
            ) from None
        return self

    def getvalue(self) -> bytes:
        """Return everything put so far."""
        return bytes(self._octets)
