"""What the blocks of a long ACTION answer add up to, as the answer of a meter without blocks.

    result [00 | 01 00 Data | 01 01 error]     Action-Response-With-Optional-Data, what C7 01 carries
           [     00 Data |    01 error]        Get-Data-Result alone
                    Data                       the return value alone

The standard says that a pblock's raw-data is a part of what the response has to carry, and peers read this
in three ways: servers built from the ASN.1 send all of Action-Response-With-Optional-Data (with a list:
count and items), jDLMS 1.7 reads and sends Get-Data-Results one after the other, gurux-dlms 1.0.203 strips
everything but the value itself.  Which it is shows in the octets: only one of the three fits them exactly.
"""

from __future__ import annotations

from typing import Final

from meterkit.codec.axdr import decode_length, encode_length, measure
from meterkit.errors import ErrorKind, ProtocolFault, fault

_SUCCESS: Final = b"\x00"  # Action-Result
_PRESENT: Final = b"\x01"  # return-parameters follow
_DATA: Final = b"\x00"  # Get-Data-Result: data


def single_response(raw: bytes) -> bytes:
    """Return what follows the invoke octet in C7 01.

    Octets after the value are kept if nothing fits exactly.  Errors: ProtocolFault DECODE.
    """
    if _end_of_response(raw, 0) == len(raw):
        return raw
    if _end_of_data_result(raw, 0) == len(raw):
        return _SUCCESS + _PRESENT + raw
    if _end_of_data(raw, 0) == len(raw):
        return _SUCCESS + _PRESENT + _DATA + raw
    if _end_of_response(raw, 0) is not None:
        return raw
    if _end_of_data(raw, 0) is not None:
        return _SUCCESS + _PRESENT + _DATA + raw
    raise fault(
        ErrorKind.DECODE,
        f"the {len(raw)} octets of the ACTION's answer are no result and no value: {raw[:8].hex(' ')}",
    )


def list_of_responses(raw: bytes, count: int) -> bytes:
    """Return what follows the invoke octet in C7 03, for a request of `count` methods.

    Errors: ProtocolFault DECODE.
    """
    if _end_of_list(raw, count) is not None:
        return raw
    parts = [encode_length(count)]
    offset = 0
    for _ in range(count):
        end = _end_of_data_result(raw, offset)
        if end is None:
            raise fault(
                ErrorKind.DECODE,
                f"the {len(raw)} octets of the ACTION list's answer are no list of results, and no {count} "
                f"results one after the other: {raw[:8].hex(' ')}",
            )
        parts += [_SUCCESS, _PRESENT, raw[offset:end]]
        offset = end
    return b"".join(parts)


def _end_of_list(raw: bytes, expected: int) -> int | None:
    """Return where the list of so many Action-Response-With-Optional-Data ends; None if there is none."""
    try:
        count, offset = decode_length(raw, 0)
    except ProtocolFault:
        return None
    if count != expected:
        return None
    for _ in range(count):
        end = _end_of_response(raw, offset)
        if end is None:
            return None
        offset = end
    return offset


def _end_of_response(raw: bytes, offset: int) -> int | None:
    """Return where the Action-Response-With-Optional-Data at `offset` ends; None if there is none."""
    presence = raw[offset + 1 : offset + 2]
    if presence == _PRESENT:
        return _end_of_data_result(raw, offset + 2)
    return offset + 2 if presence == b"\x00" else None


def _end_of_data_result(raw: bytes, offset: int) -> int | None:
    match raw[offset : offset + 1]:
        case b"\x00":
            return _end_of_data(raw, offset + 1)
        case b"\x01" if len(raw) > offset + 1:
            return offset + 2
        case _:
            return None


def _end_of_data(raw: bytes, offset: int) -> int | None:
    try:
        return measure(raw, offset)
    except ProtocolFault:
        return None
