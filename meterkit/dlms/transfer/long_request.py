"""How a request longer than the PDUs a meter takes goes: in blocks of a kind it granted, or not at all.

own blocks       SET, ACTION, Read, Write
general blocks   any service; where own blocks are granted too, only if one prefers them
"""

from __future__ import annotations

from meterkit.dlms.answers import is_unconfirmed
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.transfer.service_blocks import REQUEST_BLOCKS
from meterkit.errors import ErrorKind, fault


def goes_by_general_blocks(
    request: bytes, granted: Conformance, max_pdu: int, *, prefers_general: bool
) -> bool:
    """Tell whether a `request` longer than `max_pdu` octets goes by general blocks; if not, by its own.

    Errors: ProtocolFault STATE if it can go by neither, with both sizes.
    """
    sizes = f"the request has {len(request)} octets, the meter takes PDUs of {max_pdu}"
    if is_unconfirmed(request):
        raise fault(ErrorKind.STATE, f"{sizes}; only a confirmed request can go in blocks; nothing was sent")
    own = REQUEST_BLOCKS.get(request[0])
    has_general = bool(granted & Conformance.GENERAL_BLOCK_TRANSFER)
    if own is not None and granted & own:
        return has_general and prefers_general
    if not has_general:
        lacking = f"neither {own.words} nor" if own else "no"
        raise fault(
            ErrorKind.STATE,
            f"{sizes}, and granted {lacking} {Conformance.GENERAL_BLOCK_TRANSFER.words}; nothing was sent",
        )
    return True
