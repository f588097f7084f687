"""One block of a service's own block transfer.  Source: IEC 62056-53, DataBlock-SA, DataBlock-G.

last-block (1) | block-number (4) | raw-data OCTET STRING          numbers start at 1
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.apdu.reader import ApduReader, octet_string, unsigned

NUMBER_SIZE: Final = 4  # octets of a block-number


def encode_block(is_last: bool, block_number: int, raw: bytes) -> bytes:
    """Return a block's octets.  Raises: ValueError when the number does not fit."""
    return bytes((is_last,)) + encode_number(block_number) + octet_string(raw)


def read_block(reader: ApduReader) -> tuple[bool, int, bytes]:
    """Take a block off `reader`: whether it is the last one, its number, its octets."""
    return reader.boolean("last-block"), read_number(reader), reader.octet_string("raw-data")


def encode_number(block_number: int) -> bytes:
    """Return a block-number's octets.  Raises: ValueError when it does not fit."""
    return unsigned("block-number", block_number, NUMBER_SIZE)


def read_number(reader: ApduReader) -> int:
    """Take a block-number off `reader`."""
    return reader.unsigned(NUMBER_SIZE, "block-number")
