"""Envelopes of ciphered APDUs: which tag stands for which, and what stands around the content.

    C8 | length | content                                glo-get-request, and all that have a tag of their own
    DB | title (0 or 8, with length) | length | content  general-glo-ciphering; DC with the dedicated key
    DD, DF                                               `general_headers`

The content is security control, counter, information and tag.  Source: Green Book 9.5, COSEMpdu.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from meterkit.codec import axdr
from meterkit.dlms.apdu.reader import ApduReader, octet_string
from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.errors import ErrorKind, ProtocolFault, fault


def _ciphered(prefix: str) -> dict[int, int]:
    """Return which tag each plain APDU has when it goes by `prefix`: GLO_ or DED_."""
    return {
        ApduTag[tag.name.removeprefix(prefix)].value: tag.value
        for tag in ApduTag
        if tag.name.startswith(prefix)
    }


GLO: Final = _ciphered("GLO_")  #: plain tag -> tag with a global key
DED: Final = _ciphered("DED_")  #: plain tag -> tag with the dedicated key
PLAIN: Final = {ciphered: plain for table in (GLO, DED) for plain, ciphered in table.items()}
IS_DEDICATED: Final = frozenset((*DED.values(), int(ApduTag.GENERAL_DED_CIPHERING)))
GENERAL: Final = frozenset((int(ApduTag.GENERAL_GLO_CIPHERING), int(ApduTag.GENERAL_DED_CIPHERING)))


def wrap(tag: int, content: bytes) -> bytes:
    """Return `content` behind a glo- or ded-tag of its own."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    if length < 0x100:
        return bytes((tag, 0x81, length)) + content
    return bytes((tag,)) + axdr.encode_length(length) + content


def unwrap(octets: bytes) -> bytes:
    """Return the content behind a glo- or ded-tag.

    Errors: `ProtocolFault` DECODE lengths that don't fit.  Octets behind the content are refused, for no
    tag covers them.
    """
    # The common cases at once: one octet of length, or 81 and 82; whatever is odd goes to the reader below.
    first = octets[1] if len(octets) > 1 else 0
    if first < 0x80:
        if first == len(octets) - 2:
            return octets[2:]
    elif 0x80 < first < 0x83:
        start = first - 0x7E
        if int.from_bytes(octets[2:start], "big") == len(octets) - start:
            return octets[start:]
    reader = ApduReader(octets, apdu_name(octets), 1)
    content = reader.octet_string("ciphered content")
    reader.finish()
    return content


@dataclass(frozen=True, slots=True)
class GeneralCiphered:
    """general-glo-ciphering or general-ded-ciphering."""

    system_title: bytes  #: the sender's; empty where both ends know it
    content: bytes
    is_dedicated: bool = False

    def encode(self) -> bytes:
        """Return the APDU."""
        tag = ApduTag.GENERAL_DED_CIPHERING if self.is_dedicated else ApduTag.GENERAL_GLO_CIPHERING
        return bytes((tag,)) + octet_string(self.system_title) + octet_string(self.content)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return what `octets` are.  Errors: `ProtocolFault` DECODE."""
        name = apdu_name(octets)
        if octets[:1] not in (b"\xdb", b"\xdc"):
            raise fault(ErrorKind.DECODE, f"db or dc expected, {name} came")
        reader = ApduReader(octets, name, 1)
        title, content = reader.octet_string("system-title"), reader.octet_string("ciphered-service")
        reader.finish()
        return cls(title, content, octets[0] == ApduTag.GENERAL_DED_CIPHERING)


def sender_of(octets: bytes) -> bytes:
    """Return the system title an APDU names as its sender's, empty if it names none: to find its keys.

    Nothing vouches for it before the APDU is deciphered.
    Errors: `ProtocolFault` DECODE.
    """
    if octets[:1] in (b"\xdb", b"\xdc"):
        return ApduReader(octets, apdu_name(octets), 1).octet_string("system-title")
    if octets[:1] in (b"\xdd", b"\xdf"):
        reader = ApduReader(octets, apdu_name(octets), 1)
        reader.octet_string("transaction-id")
        return reader.octet_string("originator-system-title")
    return b""


def wrong_inner(octets: bytes, plain: bytes) -> ProtocolFault:
    """Return the fault that tells of an envelope with another APDU in it than its tag says."""
    inside = apdu_name(plain)
    return fault(
        ErrorKind.SECURITY, f"{apdu_name(octets)} holds {inside}: its tag was altered or the key is wrong"
    )
