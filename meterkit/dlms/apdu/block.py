"""General block transfer: any APDU in blocks.  Source: IEC 62056-5-3, GBT; Green Book 9.4.6.13.

E0 | block-control (1) | block-number (2) | block-number-ack (2) | block-data OCTET STRING
     7 last  6 streaming  5-0 window
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from meterkit.dlms.apdu.reader import ApduReader, octet_string, unsigned

_LAST, _STREAMING, _WINDOW = 0x80, 0x40, 0x3F  # block-control
_NUMBER_SIZE: Final = 2  # octets


@dataclass(frozen=True, slots=True)
class GeneralBlockTransfer:
    """One block; without data it only acknowledges."""

    is_last: bool
    is_streaming: bool  #: more blocks follow before an acknowledgement is wanted
    window: int  #: 0..63 blocks that the sender can take in a row
    block_number: int  #: of this block, from 1
    block_number_ack: int  #: of the last block that came without a gap
    data: bytes = field(repr=False)  #: may hold a secret

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        if not 0 <= self.window <= _WINDOW:
            raise ValueError(f"window {self.window}: 0 to {_WINDOW} expected")
        control = _LAST * self.is_last | _STREAMING * self.is_streaming | self.window
        numbers = unsigned("block-number", self.block_number, _NUMBER_SIZE)
        numbers += unsigned("block-number-ack", self.block_number_ack, _NUMBER_SIZE)
        return bytes((0xE0, control)) + numbers + octet_string(self.data)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows E0 off `reader`."""
        control = reader.octet("block-control")
        number = reader.unsigned(_NUMBER_SIZE, "block-number")
        acknowledged = reader.unsigned(_NUMBER_SIZE, "block-number-ack")
        data = reader.octet_string("block-data")
        is_last, is_streaming = bool(control & _LAST), bool(control & _STREAMING)
        return cls(is_last, is_streaming, control & _WINDOW, number, acknowledged, data)
