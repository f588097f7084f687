"""One telegram's application data: header and records.  Source: OSGP guide, ET16; EN 13757-3."""

from __future__ import annotations

from dataclasses import dataclass, field

from meterkit.codec.cursor import ByteOrder, Reader
from meterkit.errors import ProtocolFault
from meterkit.mbus.fixed import FIXED_SIZE, decode_fixed_telegram
from meterkit.mbus.header import VARIABLE_HEADER_SIZE, TelegramHeader, take_variable_header
from meterkit.mbus.record import UNREADABLE, DataRecord, decode_records

_DECRYPTED = b"\x2f\x2f"  # two fillers, with which encrypted records begin, to check the key by


@dataclass(frozen=True, slots=True)
class Telegram:
    """What one telegram says.

    `encrypted` holds what could not be read for lack of a key; the records are those that came in clear.
    """

    header: TelegramHeader | None  #: None when it is cut short
    records: tuple[DataRecord, ...] = ()
    encrypted: bytes = b""
    problem: str = ""  #: why the telegram is not whole
    raw: bytes = field(default=b"", repr=False)

    @property
    def is_complete(self) -> bool:
        """Tell whether header and records are all there."""
        return not self.problem

    @property
    def has_more(self) -> bool:
        """Tell whether more records follow in the device's next telegram (DIF 0x1F)."""
        return any(record.raw[:1] == b"\x1f" for record in self.records)


def decode_telegram(
    octets: bytes,
    *,
    is_fixed: bool = False,
    order: ByteOrder = "little",
    is_decrypted: bool = False,
    problem: str = "",
) -> Telegram:
    """Return what follows the CI field of a telegram; total.

    `is_fixed`: CI 73h or 77h, else CI 72h or 76h; `order`: "big" in mode 2 (CI 76h, 77h); `is_decrypted`:
    whoever read the device had its key; `problem`: what is known to be wrong already.
    """
    octets = bytes(octets)
    try:
        if is_fixed:
            header, records = decode_fixed_telegram(octets, order=order)
            if any(octets[FIXED_SIZE:]):
                problem = problem or f"a fixed data structure has {FIXED_SIZE} octets, not {len(octets)}"
            return Telegram(header, records, problem=problem, raw=octets)
        header = take_variable_header(Reader(octets, order=order))
    except ProtocolFault as cut:
        return Telegram(None, problem=problem or f"cut short: {cut.error.message}", raw=octets)
    body = octets[VARIABLE_HEADER_SIZE:]
    is_clear = is_decrypted or body.startswith(_DECRYPTED)
    size = 0 if is_clear else header.encryption.size(len(body))
    records = decode_records(body[size:], order=order)
    if not problem and records and records[-1].quantity == UNREADABLE:
        problem = f"its last record cannot be read: {records[-1].problem}"
    return Telegram(header, records, body[:size], problem, octets)
