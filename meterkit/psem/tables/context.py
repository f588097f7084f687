"""From the tables read so far to the Context that resolves the others."""

from __future__ import annotations

from collections.abc import Iterable

from meterkit.codec.layout import Context, Record
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.general import GeneralMfgId


def context_for(records: Iterable[Record] = ()) -> Context:
    """Return what `records` say of one meter: octet order and formats from ST0, firmware from ST1.

    Without ST0: least significant octet first, two's complement, ASCII, as OSGP meters are.
    """
    known = {type(record): record for record in records}
    config, meter = known.get(GenConfig), known.get(GeneralMfgId)
    firmware = meter.firmware if isinstance(meter, GeneralMfgId) else None
    if not isinstance(config, GenConfig):
        return Context(known, firmware=firmware)
    return Context(
        known,
        byte_order=">" if config.is_big_endian else "<",
        firmware=firmware,
        int_format=config.int_format,
        char_format=config.char_format,
    )
