"""general-ciphering and general-signing as octets, with every way to say which key.

    DD | transaction-id | originator | recipient | date-time | other-information | key-info | content
    DF | transaction-id | originator | recipient | date-time | other-information | content | signature
         five OCTET STRINGs with their lengths, which may be empty

    key-info   00                                        none: agreed on beforehand
               01 00 key-id                              identified-key: 0 unicast, 1 broadcast
               01 01 kek-id key-ciphered-data            wrapped-key: 0 master key
               01 02 key-parameters key-ciphered-data    agreed-key: 01 one-pass, 02 static unified

Source: Green Book 9.5, COSEMpdu; its example of table C.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from meterkit.dlms.apdu.reader import ApduReader, octet_string
from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.errors import ErrorKind, ProtocolFault, fault

ONE_PASS: Final = b"\x01"  # key-parameters: one-pass Diffie-Hellman, C(1e, 1s)
STATIC_UNIFIED: Final = b"\x02"  # key-parameters: static unified model, C(0e, 2s)
HEADER_SIZE: Final = 1 + 3 * 9 + 2  # octets: tag; id and titles of 8; two empty fields
LENGTH_SIZE: Final = 3  # octets of a length up to 65535


@dataclass(frozen=True, slots=True)
class IdentifiedKey:
    """A key both ends have."""

    key_id: int = 0  #: 0 global unicast encryption key, 1 global broadcast encryption key

    def encode(self) -> bytes:
        """Return the choice and its contents."""
        return bytes((0, self.key_id))


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key that travels with the message, wrapped."""

    key_ciphered_data: bytes = field(repr=False)
    kek_id: int = 0  #: 0: wrapped by the master key

    def encode(self) -> bytes:
        """Return the choice and its contents."""
        return bytes((1, self.kek_id)) + octet_string(self.key_ciphered_data)


@dataclass(frozen=True, slots=True)
class AgreedKey:
    """A key that both ends derive from their key pairs."""

    key_parameters: bytes  #: ONE_PASS or STATIC_UNIFIED
    key_ciphered_data: bytes = b""  #: ONE_PASS: ephemeral public key and its signature; else empty

    def encode(self) -> bytes:
        """Return the choice and its contents."""
        return b"\x02" + octet_string(self.key_parameters) + octet_string(self.key_ciphered_data)


KeyInfo: TypeAlias = IdentifiedKey | WrappedKey | AgreedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralHeader:
    """The five fields in front, which the tag or the signature covers."""

    transaction_id: bytes = b""
    originator: bytes  #: system title
    recipient: bytes  #: system title; empty for everybody
    date_time: bytes = b""
    other_information: bytes = b""

    def encode(self) -> bytes:
        """Return the fields, each with its length: as they stand in the APDU and are authenticated.

        That the tag covers the lengths, too, is general knowledge: the tag of the printed example fits
        neither this nor any other reading.
        """
        return b"".join(
            octet_string(part)
            for part in (
                self.transaction_id,
                self.originator,
                self.recipient,
                self.date_time,
                self.other_information,
            )
        )

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take the fields off `reader`."""
        return cls(
            transaction_id=reader.octet_string("transaction-id"),
            originator=reader.octet_string("originator-system-title"),
            recipient=reader.octet_string("recipient-system-title"),
            date_time=reader.octet_string("date-time"),
            other_information=reader.octet_string("other-information"),
        )


@dataclass(frozen=True, slots=True)
class GeneralCiphering:
    """general-ciphering."""

    header: GeneralHeader
    key_info: KeyInfo | None
    content: bytes  #: security control, counter, information, tag

    def encode(self) -> bytes:
        """Return the APDU."""
        key = b"\0" if self.key_info is None else b"\1" + self.key_info.encode()
        return bytes((ApduTag.GENERAL_CIPHERING,)) + self.header.encode() + key + octet_string(self.content)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return what `octets` are.  Errors: `ProtocolFault` DECODE."""
        reader = _reader(octets, ApduTag.GENERAL_CIPHERING)
        header = GeneralHeader.read(reader)
        key_info = _key_info(reader) if reader.is_present("key-info") else None
        content = reader.octet_string("ciphered-content")
        reader.finish()
        return cls(header, key_info, content)


@dataclass(frozen=True, slots=True)
class GeneralSigning:
    """general-signing."""

    header: GeneralHeader
    content: bytes  #: an APDU, plain or ciphered
    signature: bytes  #: r and s

    @property
    def signed(self) -> bytes:
        """The octets that the signature covers: the header and the content without its length."""
        return self.header.encode() + self.content

    def encode(self) -> bytes:
        """Return the APDU."""
        head = bytes((ApduTag.GENERAL_SIGNING,)) + self.header.encode()
        return head + octet_string(self.content) + octet_string(self.signature)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return what `octets` are.  Errors: `ProtocolFault` DECODE."""
        reader = _reader(octets, ApduTag.GENERAL_SIGNING)
        header = GeneralHeader.read(reader)
        content, signature = reader.octet_string("content"), reader.octet_string("signature")
        reader.finish()
        return cls(header, content, signature)


def _reader(octets: bytes, tag: ApduTag) -> ApduReader:
    if octets[:1] != bytes((tag,)):
        raise _other(octets, tag)
    return ApduReader(octets, apdu_name(octets), 1)


def _other(octets: bytes, tag: ApduTag) -> ProtocolFault:
    return fault(ErrorKind.DECODE, f"{tag:02x} {tag.standard_name} expected, {apdu_name(octets)} came")


def _key_info(reader: ApduReader) -> KeyInfo:
    match reader.choice("key-info", 0, 1, 2):
        case 0:
            return IdentifiedKey(reader.choice("key-id", 0, 1))
        case 1:
            kek_id = reader.choice("kek-id", 0)
            return WrappedKey(reader.octet_string("key-ciphered-data"), kek_id)
        case _:
            parameters = reader.octet_string("key-parameters")
            return AgreedKey(parameters, reader.octet_string("key-ciphered-data"))
