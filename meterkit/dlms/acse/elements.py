"""The elements of one ACSE APDU, by tag; with patience for lengths that are wrong.

    60 1D | A1 09 | 06 07 60 85 74 05 08 01 01 | BE 10 | 04 0E ...
    APDU    EXPLICIT: an element in an element

Some meters' RLRE and AARE have lengths that do not fit one another.  What can be read then is what the
inner lengths say, as far as there are octets.  Source: Green Book 9.4.2; captures of public test servers.
"""

from __future__ import annotations

from typing import Final

from meterkit.codec.ber import Element, decode_integer, encode_element, encode_integer, read_element
from meterkit.errors import ErrorKind, ProtocolFault, fault

_OCTET_STRING: Final = 0x04
_INTEGER: Final = 0x02
_OBJECT_IDENTIFIER: Final = 0x06


class Elements:
    """What `octets` hold, an APDU of `tag`.

    Errors: every method raises `ProtocolFault` (DECODE) naming the APDU and the element.
    """

    __slots__ = ("_found", "_is_strict", "_octets", "_where")

    def __init__(self, octets: bytes, tag: int, where: str, *, is_strict: bool) -> None:
        self._octets = bytes(octets)
        self._where = where
        self._is_strict = is_strict
        self._found: dict[int, Element] = {}
        apdu, end = self._element(self._octets, 0, where)
        if apdu.tag != tag:
            raise self.odd(f"{tag:02x} expected, {apdu.tag:02x} came")
        if is_strict and end < len(octets):
            raise self.odd(f"{len(octets) - end} octets too many after {end}")
        for element in self._strictly(apdu) if is_strict else self._patiently(apdu.offset, end):
            self._found.setdefault(element.tag, element)

    def _strictly(self, apdu: Element) -> tuple[Element, ...]:
        try:
            return apdu.elements()
        except ProtocolFault as odd:
            raise self.odd(odd.error.message) from None

    def _patiently(self, at: int, end: int) -> list[Element]:
        found: list[Element] = []
        while at < end:
            try:
                element, at = read_element(self._octets, at, strict=False)
            except ProtocolFault:
                break
            found.append(element)
        return found

    def _element(self, octets: bytes, at: int, what: str) -> tuple[Element, int]:
        try:
            return read_element(octets, at, strict=self._is_strict)
        except ProtocolFault as odd:
            raise self.odd(f"{what}: {odd.error.message}") from None

    def contents(self, tag: int) -> bytes | None:
        """Return the contents of the element `tag`, None if there is none."""
        element = self._found.get(tag)
        return None if element is None else element.contents

    def inner(self, tag: int, what: str) -> Element | None:
        """Return the element within the element `tag`, None if there is none."""
        outer = self._found.get(tag)
        if outer is None or not (outer.contents or self._is_strict):
            return None
        return self.within(outer, what)

    def within(self, outer: Element, what: str) -> Element:
        """Return the one element within `outer`."""
        if not self._is_strict:
            return self._element(self._octets, outer.offset, what)[0]
        inner, end = self._element(outer.contents, 0, what)
        if end < len(outer.contents):
            raise self.odd(f"{what}: {len(outer.contents) - end} octets too many")
        return inner

    def octet_string(self, tag: int, what: str) -> bytes | None:
        """Return the OCTET STRING within the element `tag`; without patience nothing else may be there."""
        inner, outer = self.inner(tag, what), self._found.get(tag)
        if inner is None or outer is None:
            return None
        if inner.tag == _OCTET_STRING and self._is_strict:
            return inner.contents
        if self._is_strict:
            raise self.odd(f"{what}: an octet string (04) expected, {inner.tag:02x} came")
        if inner.tag != _OCTET_STRING:
            return outer.contents
        end = max(inner.offset + len(inner.contents), outer.offset + len(outer.contents))
        return self._octets[inner.offset : end]

    def object_identifier(self, tag: int, what: str) -> bytes | None:
        """Return the contents of the OBJECT IDENTIFIER that is, or is within, the element `tag`."""
        contents = self.contents(tag)
        if contents is None or not begins_as_identifier(contents):
            return contents
        inner = self.inner(tag, what)
        return None if inner is None else inner.contents

    def integer(self, tag: int, what: str) -> int | None:
        """Return the INTEGER within the element `tag`."""
        inner = self.inner(tag, what)
        return None if inner is None else self.number(inner.contents, what)

    def code(self, contents: bytes, what: str) -> int:
        """Return the contents of an INTEGER as a code of 0..255."""
        code = self.number(contents, what)
        if not 0 <= code <= 0xFF:
            raise self.odd(f"{what}: a code of 0 to 255 expected, {contents.hex(' ')} came")
        return code

    def number(self, contents: bytes, what: str) -> int:
        """Return the contents of an INTEGER."""
        try:
            return decode_integer(contents)
        except ProtocolFault as odd:
            raise self.odd(f"{what}: {odd.error.message}") from None

    def odd(self, message: str) -> ProtocolFault:
        """Return the fault that tells `message`."""
        return fault(ErrorKind.DECODE, message, where=self._where)


def begins_as_identifier(octets: bytes) -> bool:
    """Tell whether `octets` begin as an OBJECT IDENTIFIER with its tag does."""
    return octets[:1] == bytes((_OBJECT_IDENTIFIER,))


def explicit_octets(tag: int, octets: bytes | None) -> bytes:
    """Return the element `tag` around an OCTET STRING; nothing for None."""
    return b"" if octets is None else encode_element(tag, encode_element(_OCTET_STRING, octets))


def explicit_integer(tag: int, value: int | None) -> bytes:
    """Return the element `tag` around an INTEGER; nothing for None."""
    return b"" if value is None else encode_element(tag, encode_element(_INTEGER, encode_integer(value)))


def implicit_identifier(tag: int, octets: bytes) -> bytes:
    """Return the element `tag` that is an OBJECT IDENTIFIER; around one where its octets begin as such."""
    return explicit_identifier(tag, octets) if begins_as_identifier(octets) else encode_element(tag, octets)


def explicit_identifier(tag: int, octets: bytes) -> bytes:
    """Return the element `tag` around an OBJECT IDENTIFIER."""
    return encode_element(tag, encode_element(_OBJECT_IDENTIFIER, octets))


def implicit(tag: int, octets: bytes | None) -> bytes:
    """Return the element `tag`; nothing for None."""
    return b"" if octets is None else encode_element(tag, octets)
