"""The parts of a captured ciphered or signed APDU, out of its tree: what it takes to open it.

    security control | counter | information | tag        the content, put together again
    the five fields in front of general-ciphering         what its tag covers besides

Source: Green Book 9.5, COSEMpdu.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.security.control import BROADCAST
from meterkit.dlms.security.general_headers import (
    AgreedKey,
    GeneralHeader,
    GeneralSigning,
    IdentifiedKey,
    KeyInfo,
    WrappedKey,
)
from meterkit.dlms.security.headers import IS_DEDICATED
from meterkit.dlms.security.suites import SecuritySuite
from meterkit.tree import Node, Value

_SUITE: Final = 0x0F
_COUNTER: Final = 4  # octets
_FROM_METERS: Final = ("event-notification-request", "information-report-request")


@dataclass(frozen=True, slots=True)
class CipheredParts:
    """One ciphered APDU."""

    tag: ApduTag
    suite: SecuritySuite
    control: int
    content: bytes  #: control, counter, information, tag
    header: bytes = b""  #: of general-ciphering: covered by the tag
    sender: bytes = b""  #: as it says itself; empty where it does not
    recipient: bytes = b""
    transaction: bytes = b""
    key_info: KeyInfo | None = None

    @property
    def is_dedicated(self) -> bool:
        """Whether it goes by the dedicated key."""
        return self.tag in IS_DEDICATED

    @property
    def is_broadcast(self) -> bool:
        """Whether it goes by the broadcast key."""
        return bool(self.control & BROADCAST) or self.key_info == IdentifiedKey(1)

    @property
    def is_request(self) -> bool:
        """Whether a client sent it, by its tag."""
        name = self.tag.standard_name
        return name.endswith("-request") and not name.endswith(_FROM_METERS)


def parts_of(tag: ApduTag, node: Node) -> CipheredParts | None:
    """Return the parts of a ciphered APDU's tree; None where some are missing."""
    told = {child.name: child.value for child in node.children}
    control, counter = told.get("security-control"), told.get("invocation-counter")
    information = told.get("cipher-text", told.get("plain-text"))
    if not (isinstance(control, str) and isinstance(counter, int) and isinstance(information, bytes)):
        return None
    octet = int(control, 16)
    if octet & _SUITE > SecuritySuite.SUITE_2:
        return None
    tail = _octets(told.get("authentication-tag"))
    content = bytes((octet,)) + counter.to_bytes(_COUNTER, "big") + information + tail
    suite = SecuritySuite(octet & _SUITE)
    if tag is not ApduTag.GENERAL_CIPHERING:
        return CipheredParts(tag, suite, octet, content, sender=_octets(told.get("system-title")))
    header = _header(told)
    return CipheredParts(
        tag,
        suite,
        octet,
        content,
        header=header.encode(),
        sender=header.originator,
        recipient=header.recipient,
        transaction=header.transaction_id,
        key_info=_key_info(told),
    )


def signing_of(node: Node) -> GeneralSigning | None:
    """Return the general-signing of a tree; None where parts are missing."""
    told = {child.name: child.value for child in node.children}
    content, signature = told.get("content"), told.get("signature")
    if not (isinstance(content, bytes) and isinstance(signature, bytes)):
        return None
    return GeneralSigning(_header(told), content, signature)


def _header(told: dict[str, Value]) -> GeneralHeader:
    return GeneralHeader(
        transaction_id=_octets(told.get("transaction-id")),
        originator=_octets(told.get("originator-system-title")),
        recipient=_octets(told.get("recipient-system-title")),
        date_time=_octets(told.get("date-time")),
        other_information=_octets(told.get("other-information")),
    )


def _key_info(told: dict[str, Value]) -> KeyInfo | None:
    key_id, kek_id = told.get("key-id"), told.get("kek-id")
    ciphered = _octets(told.get("key-ciphered-data"))
    if isinstance(key_id, int):
        return IdentifiedKey(key_id)
    if isinstance(kek_id, int):
        return WrappedKey(ciphered, kek_id)
    if "key-parameters" in told:
        return AgreedKey(_octets(told["key-parameters"]), ciphered)
    return None


def _octets(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b""
