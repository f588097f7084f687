"""What ACCESS and DataNotification begin with.  Source: IEC 62056-5-3, Long-Invoke-Id-And-Priority.

long-invoke-id-and-priority (4): bits 0-23 id, 28 self-descriptive, 29 break on error,
                                 30 confirmed, 31 high priority
date-time OCTET STRING: 00 none | 0C and 12 octets | 09 0C and 12 octets, as some meters tag it too
"""

from __future__ import annotations

from typing import Final

from meterkit.codec.axdr import Tag
from meterkit.codec.cosem_time import DATE_TIME_SIZE
from meterkit.dlms.apdu.reader import ApduReader, unsigned

_SIZE: Final = 4  # octets


def encode_long_invoke(long_invoke: int) -> bytes:
    """Return the 4 octets.  Raises: ValueError when they do not suffice."""
    return unsigned("long-invoke-id-and-priority", long_invoke, _SIZE)


def read_long_invoke(reader: ApduReader) -> int:
    """Take the 4 octets off `reader`."""
    return reader.unsigned(_SIZE, "long-invoke-id-and-priority")


def read_time(reader: ApduReader) -> bytes:
    """Take a date-time off `reader`: its octets without length and tag, possibly none.

    A tag 09 before the length comes from Kaifa meters' pushes; nine octets are no time, so it is one.
    """
    if reader.begins_with(bytes((Tag.OCTET_STRING, DATE_TIME_SIZE))):
        reader.take(1)
    return reader.octet_string("date-time")
