"""What a meter sends unasked.  Source: IEC 62056-5-3, DataNotification; IEC 62056-53, EventNotification.

0F long-invoke (4) | date-time OCTET STRING | data
C2 00 or 01 time OCTET STRING | attribute | data
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from meterkit.dlms.apdu.descriptors import AttributeDescriptor
from meterkit.dlms.apdu.long_invoke import encode_long_invoke, read_long_invoke, read_time
from meterkit.dlms.apdu.reader import ApduReader, octet_string, optional


@dataclass(frozen=True, slots=True)
class DataNotification:
    """A push: what a push setup object makes the meter send."""

    long_invoke: int  #: long-invoke-id-and-priority, 32 bits
    date_time: bytes  #: 12 octets, or none
    body: bytes  #: encoded Data

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return b"\x0f" + encode_long_invoke(self.long_invoke) + octet_string(self.date_time) + self.body

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 0F off `reader`."""
        return cls(read_long_invoke(reader), read_time(reader), reader.last_data("notification-body"))


@dataclass(frozen=True, slots=True)
class EventNotification:
    """One attribute's value, sent because something happened."""

    time: bytes | None  #: 12 octets
    attribute: AttributeDescriptor
    value: bytes  #: encoded Data

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        time = None if self.time is None else octet_string(self.time)
        return b"\xc2" + optional(time) + self.attribute.encode() + self.value

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C2 off `reader`."""
        time = read_time(reader) if reader.is_present("time") else None
        return cls(time, AttributeDescriptor.read(reader), reader.last_data("attribute-value"))
