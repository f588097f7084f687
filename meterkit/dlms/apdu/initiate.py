"""xDLMS Initiate: what an association is to be.  Source: IEC 62056-53, InitiateRequest and -Response.

01 | 00 or 01 dedicated-key OCTET STRING | 00 or 01 response-allowed | 00 or 01 quality-of-service |
     version | conformance (7) | client max PDU (2)
08 | 00 or 01 quality-of-service | version | conformance (7) | server max PDU (2) | vaa-name (2)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from meterkit.dlms.apdu.reader import ApduReader, octet_string, optional, unsigned
from meterkit.dlms.conformance import Conformance

DLMS_VERSION: Final = 6
LOGICAL_NAMES: Final = 0x0007  # vaa-name when objects go by logical names
SHORT_NAMES: Final = 0xFA00  # vaa-name when objects go by short names
_NO_SERVICES: Final = Conformance(0)
DEFAULT_MAX_PDU: Final = 0xFFFF  # octets; the most that two octets can tell


@dataclass(frozen=True, slots=True)
class InitiateRequest:
    """What the client proposes."""

    dedicated_key: bytes | None = field(default=None, repr=False)
    response_allowed: bool = True
    quality_of_service: int | None = None  #: -128..127; not used in practice
    dlms_version: int = DLMS_VERSION
    conformance: Conformance = _NO_SERVICES
    max_pdu: int = DEFAULT_MAX_PDU  #: octets the client takes in one PDU; 0: any number

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        key = None if self.dedicated_key is None else octet_string(self.dedicated_key)
        allowed = b"\0" if self.response_allowed else b"\1\0"  # DEFAULT TRUE is left out
        head = b"\x01" + optional(key) + allowed + _quality(self.quality_of_service)
        offer = bytes((self.dlms_version,)) + self.conformance.encode()
        return head + offer + unsigned("max_pdu", self.max_pdu, 2)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 01 off `reader`."""
        key = reader.octet_string("dedicated-key") if reader.is_present("dedicated-key") else None
        is_told = reader.is_present("response-allowed")
        allowed = reader.boolean("response-allowed") if is_told else True
        quality, version = _read_quality(reader), reader.octet("proposed-dlms-version-number")
        conformance = reader.conformance()
        return cls(key, allowed, quality, version, conformance, reader.unsigned(2, "max-receive-pdu-size"))


@dataclass(frozen=True, slots=True)
class InitiateResponse:
    """What the server grants."""

    quality_of_service: int | None = None  #: -128..127; not used in practice
    dlms_version: int = DLMS_VERSION
    conformance: Conformance = _NO_SERVICES
    max_pdu: int = DEFAULT_MAX_PDU  #: octets the server takes in one PDU; 0: any number
    vaa_name: int = LOGICAL_NAMES  #: LOGICAL_NAMES or SHORT_NAMES

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        head = b"\x08" + _quality(self.quality_of_service) + bytes((self.dlms_version,))
        sizes = unsigned("max_pdu", self.max_pdu, 2) + unsigned("vaa_name", self.vaa_name, 2)
        return head + self.conformance.encode() + sizes

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 08 off `reader`."""
        quality, version = _read_quality(reader), reader.octet("negotiated-dlms-version-number")
        conformance, max_pdu = reader.conformance(), reader.unsigned(2, "max-receive-pdu-size")
        return cls(quality, version, conformance, max_pdu, reader.unsigned(2, "vaa-name"))


def _quality(value: int | None) -> bytes:
    if value is None:
        return b"\0"
    try:
        return b"\1" + value.to_bytes(1, "big", signed=True)
    except OverflowError:
        raise ValueError(f"quality_of_service {value}: -128 to 127 expected") from None


def _read_quality(reader: ApduReader) -> int | None:
    what = "quality-of-service"
    return reader.signed(1, what) if reader.is_present(what) else None
