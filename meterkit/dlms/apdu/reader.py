"""Takes the parts of an APDU off its octets, and puts them together again.

    OPTIONAL     00 absent | 01 value          CHOICE   tag value          OCTET STRING   length octets
    SEQUENCE OF  count items                   Data     tag value: sliced here, its value not made

Source: IEC 61334-6 (A-XDR); IEC 62056-53.
"""

from __future__ import annotations

from collections.abc import Iterable

from meterkit.codec import axdr
from meterkit.codec.cursor import Reader
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import SIZE, ObisCode
from meterkit.errors import ErrorKind, ProtocolFault, fault


class ApduReader(Reader):
    """A `Reader` that knows what APDUs are made of.

    Errors: every method raises `ProtocolFault` (DECODE) naming the APDU, the part and its position.
    """

    __slots__ = ("is_strict",)

    def __init__(self, octets: bytes, where: str, position: int = 0, *, is_strict: bool = True) -> None:
        super().__init__(octets, where=where)
        self.position = position
        self.is_strict = is_strict  #: False: octets after the APDU are put up with

    def octet(self, what: str) -> int:
        """Return the next octet."""
        try:
            octet = self._octets[self.position]
        except IndexError:
            raise self.odd(f"{what}: an octet expected at {self.position}, nothing left") from None
        self.position += 1
        return octet

    def boolean(self, what: str) -> bool:
        """Return the next octet as a BOOLEAN: anything but 0 is true."""
        return self.octet(what) != 0

    def is_present(self, what: str) -> bool:
        """Return whether an OPTIONAL part follows: 01 yes, 00 no."""
        return self.choice(what, 0, 1) == 1

    def choice(self, what: str, *known: int) -> int:
        """Return the next octet, which has to be one of `known`."""
        octet = self.octet(what)
        if octet not in known:
            names = ", ".join(f"{one:02x}" for one in known)
            raise self.odd(f"{what}: one of {names} expected at {self.position - 1}, {octet:02x} came")
        return octet

    def count(self, what: str) -> int:
        """Return a length or count, at most as large as the octets left: an item has an octet at least."""
        try:
            count, self.position = axdr.decode_length(self._octets, self.position)
        except ProtocolFault as odd:
            raise self.odd(f"{what}: {odd.error.message}") from None
        return count

    def octet_string(self, what: str) -> bytes:
        """Return an OCTET STRING: length and octets."""
        return self.take(self.count(what), what)

    def data(self, what: str) -> bytes:
        """Return the octets of one A-XDR Data, tag first; no value is made."""
        start = self.position
        try:
            self.position = axdr.measure(self._octets, start)
        except ProtocolFault as odd:
            raise self.odd(f"{what}: {odd.error.message}") from None
        return self._octets[start : self.position]

    def last_data(self, what: str) -> bytes:
        """Return the Data that ends the APDU.

        Strictly it is measured.  Else everything that is left is taken, with what a meter may have put
        behind the value: measuring a long profile costs as much as decoding it, which stops by itself.
        """
        if self.is_strict:
            return self.data(what)
        if not self.left:
            raise self.odd(f"{what}: a value expected at {self.position}, nothing left")
        return self.rest()

    def data_list(self, what: str) -> tuple[bytes, ...]:
        """Return a SEQUENCE OF Data: the octets of each."""
        count = self.count(what)
        return tuple(self.data(what) for _ in range(count))

    def obis(self) -> ObisCode:
        """Return a logical name."""
        return ObisCode(*self.take(SIZE, "instance-id"))

    def conformance(self) -> Conformance:
        """Return a conformance block."""
        try:
            block, self.position = Conformance.decode(self._octets, self.position)
        except ProtocolFault as odd:
            raise self.odd(odd.error.message) from None
        return block

    def begins_with(self, octets: bytes) -> bool:
        """Return whether `octets` come next; takes nothing."""
        return self._octets.startswith(octets, self.position)

    def odd(self, message: str) -> ProtocolFault:
        """Return the fault that tells `message`."""
        return fault(ErrorKind.DECODE, message, where=self._where)

    def finish(self) -> None:
        """Make sure nothing is left, unless octets after the APDU are put up with."""
        if self.is_strict:
            super().finish()


def optional(octets: bytes | None) -> bytes:
    """Return an OPTIONAL part: 00, or 01 and `octets`."""
    return b"\0" if octets is None else b"\1" + octets


def octet_string(octets: bytes) -> bytes:
    """Return an OCTET STRING: length and octets."""
    return axdr.encode_length(len(octets)) + octets


def sequence_of(items: Iterable[bytes]) -> bytes:
    """Return a SEQUENCE OF: count and items."""
    encoded = tuple(items)
    return axdr.encode_length(len(encoded)) + b"".join(encoded)


def unsigned(what: str, value: int, size: int) -> bytes:
    """Return `value` in `size` octets.  Raises: ValueError when it does not fit."""
    if not 0 <= value < 1 << 8 * size:
        raise ValueError(f"{what} {value}: 0 to {(1 << 8 * size) - 1} expected")
    return value.to_bytes(size, "big")
