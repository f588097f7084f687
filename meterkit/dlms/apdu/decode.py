"""From octets to the APDU they are, by the first octet or two.

Source: IEC 62056-53, COSEMpdu; ciphered APDUs are no matter of this room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, TypeVar

from meterkit.dlms.acse.apdus import Aare, Aarq, Rlre, Rlrq
from meterkit.dlms.apdu.access import AccessRequest, AccessResponse
from meterkit.dlms.apdu.action import (
    ActionRequestBlock,
    ActionRequestFirstBlock,
    ActionRequestNextBlock,
    ActionRequestNormal,
    ActionRequestWithList,
    ActionRequestWithListFirstBlock,
    ActionResponseBlock,
    ActionResponseNextBlock,
    ActionResponseNormal,
    ActionResponseWithList,
)
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.errors import ConfirmedServiceError, ExceptionResponse
from meterkit.dlms.apdu.get import (
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithBlock,
    GetResponseWithList,
)
from meterkit.dlms.apdu.initiate import InitiateRequest, InitiateResponse
from meterkit.dlms.apdu.notification import DataNotification, EventNotification
from meterkit.dlms.apdu.reader import ApduReader
from meterkit.dlms.apdu.set import (
    SetRequestBlock,
    SetRequestFirstBlock,
    SetRequestNormal,
    SetRequestWithList,
    SetRequestWithListFirstBlock,
    SetResponseBlock,
    SetResponseLastBlock,
    SetResponseLastBlockWithList,
    SetResponseNormal,
    SetResponseWithList,
)
from meterkit.dlms.apdu.short_name import (
    InformationReport,
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    WriteRequest,
    WriteResponse,
)
from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.errors import ErrorKind, ProtocolFault, fault

Apdu: TypeAlias = (
    GetRequestNormal
    | GetRequestNext
    | GetRequestWithList
    | GetResponseNormal
    | GetResponseWithBlock
    | GetResponseWithList
    | SetRequestNormal
    | SetRequestFirstBlock
    | SetRequestBlock
    | SetRequestWithList
    | SetRequestWithListFirstBlock
    | SetResponseNormal
    | SetResponseBlock
    | SetResponseLastBlock
    | SetResponseLastBlockWithList
    | SetResponseWithList
    | ActionRequestNormal
    | ActionRequestNextBlock
    | ActionRequestWithList
    | ActionRequestFirstBlock
    | ActionRequestWithListFirstBlock
    | ActionRequestBlock
    | ActionResponseNormal
    | ActionResponseBlock
    | ActionResponseWithList
    | ActionResponseNextBlock
    | AccessRequest
    | AccessResponse
    | DataNotification
    | EventNotification
    | ReadRequest
    | ReadResponse
    | WriteRequest
    | WriteResponse
    | UnconfirmedWriteRequest
    | InformationReport
    | InitiateRequest
    | InitiateResponse
    | ExceptionResponse
    | ConfirmedServiceError
    | GeneralBlockTransfer
    | Aarq
    | Aare
    | Rlrq
    | Rlre
)
_Decoder: TypeAlias = Callable[[bytes, bool], Apdu]
_T = TypeVar("_T", bound=Apdu)

_CIPHERED: Final = frozenset(bytes((tag,)) for tag in ApduTag if tag.is_ciphered)


class _Body(Protocol):
    """An APDU class that reads what follows its tag, or its tag and choice."""

    @classmethod
    def read(cls, reader: ApduReader) -> Apdu: ...


class _AcseApdu(Protocol):
    @classmethod
    def decode(cls, octets: bytes, *, strict: bool) -> Apdu: ...


def decode_apdu(octets: bytes, *, strict: bool = True) -> Apdu:
    """Return the APDU that `octets` are.

    With `strict` off, octets after a complete APDU are put up with: some meters send them.  Where a value
    ends the APDU they stay in its octets (`axdr.decode` with `strict` off ends where the value ends).
    Errors: `ProtocolFault`: DECODE no whole APDU, or not of this kind; SECURITY a ciphered one.
    """
    decoder = _BY_CHOICE.get(octets[:2]) or _BY_TAG.get(octets[:1])
    if decoder is None:
        raise _unknown(octets)
    return decoder(octets, strict)


def decode_as(kind: type[_T], octets: bytes, *, strict: bool = True) -> _T:
    """Return the APDU of class `kind` that `octets` are; see `decode_apdu`.

    Errors: `ProtocolFault`: besides those, PROTOCOL an APDU of another class.
    """
    apdu = decode_apdu(octets, strict=strict)
    if isinstance(apdu, kind):
        return apdu
    raise fault(ErrorKind.PROTOCOL, f"{_spoken(kind)} was expected, {octets[:8].hex(' ')} came")


def _unknown(octets: bytes) -> ProtocolFault:
    name = apdu_name(octets)
    choices = [head[1] for head in _BY_CHOICE if head[:1] == octets[:1]]
    if choices:
        came = f"{octets[1]:02x}" if len(octets) > 1 else "nothing"
        known = ", ".join(f"{choice:02x}" for choice in choices)
        return fault(ErrorKind.DECODE, f"choice: one of {known} expected, {came} came", where=name)
    if octets[:1] in _CIPHERED:
        return fault(ErrorKind.SECURITY, f"a plain APDU expected, a ciphered one came: {name}")
    return fault(ErrorKind.DECODE, f"an APDU expected, {octets[:8].hex(' ') or 'nothing'} came")


def _whole(body: type[_Body], name: str, head: int) -> _Decoder:
    """Return the decoder of the APDU class `body`, whose parts begin after `head` octets."""

    def decode(octets: bytes, strict: bool) -> Apdu:
        reader = ApduReader(octets, name, head, is_strict=strict)
        apdu = body.read(reader)
        reader.finish()
        return apdu

    return decode


def _with_choice(tag: ApduTag, *bodies: type[_Body]) -> dict[bytes, _Decoder]:
    """Return the decoders of a service whose second octet chooses among `bodies`, from 1 on."""
    return {
        bytes((tag, choice)): _whole(body, _spoken(body), 2) for choice, body in enumerate(bodies, start=1)
    }


def _acse(apdu: type[_AcseApdu]) -> _Decoder:
    return lambda octets, strict: apdu.decode(octets, strict=strict)


def _spoken(body: type[object]) -> str:
    """Return a class name in words: GetRequestNormal is get-request-normal."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in body.__name__)[1:]


_BY_CHOICE: Final[dict[bytes, _Decoder]] = {
    **_with_choice(ApduTag.GET_REQUEST, GetRequestNormal, GetRequestNext, GetRequestWithList),
    **_with_choice(ApduTag.GET_RESPONSE, GetResponseNormal, GetResponseWithBlock, GetResponseWithList),
    **_with_choice(
        ApduTag.SET_REQUEST,
        SetRequestNormal,
        SetRequestFirstBlock,
        SetRequestBlock,
        SetRequestWithList,
        SetRequestWithListFirstBlock,
    ),
    **_with_choice(
        ApduTag.SET_RESPONSE,
        SetResponseNormal,
        SetResponseBlock,
        SetResponseLastBlock,
        SetResponseLastBlockWithList,
        SetResponseWithList,
    ),
    **_with_choice(
        ApduTag.ACTION_REQUEST,
        ActionRequestNormal,
        ActionRequestNextBlock,
        ActionRequestWithList,
        ActionRequestFirstBlock,
        ActionRequestWithListFirstBlock,
        ActionRequestBlock,
    ),
    **_with_choice(
        ApduTag.ACTION_RESPONSE,
        ActionResponseNormal,
        ActionResponseBlock,
        ActionResponseWithList,
        ActionResponseNextBlock,
    ),
}
_BY_CHOICE[bytes((ApduTag.GET_RESPONSE, 1))] = GetResponseNormal.decode

_BY_TAG: Final[dict[bytes, _Decoder]] = {
    bytes((tag,)): _whole(body, _spoken(body), 1)
    for tag, body in (
        (ApduTag.INITIATE_REQUEST, InitiateRequest),
        (ApduTag.READ_REQUEST, ReadRequest),
        (ApduTag.WRITE_REQUEST, WriteRequest),
        (ApduTag.INITIATE_RESPONSE, InitiateResponse),
        (ApduTag.READ_RESPONSE, ReadResponse),
        (ApduTag.WRITE_RESPONSE, WriteResponse),
        (ApduTag.CONFIRMED_SERVICE_ERROR, ConfirmedServiceError),
        (ApduTag.DATA_NOTIFICATION, DataNotification),
        (ApduTag.UNCONFIRMED_WRITE_REQUEST, UnconfirmedWriteRequest),
        (ApduTag.INFORMATION_REPORT_REQUEST, InformationReport),
        (ApduTag.EVENT_NOTIFICATION_REQUEST, EventNotification),
        (ApduTag.EXCEPTION_RESPONSE, ExceptionResponse),
        (ApduTag.ACCESS_REQUEST, AccessRequest),
        (ApduTag.ACCESS_RESPONSE, AccessResponse),
        (ApduTag.GENERAL_BLOCK_TRANSFER, GeneralBlockTransfer),
    )
} | {
    bytes((tag,)): _acse(apdu)
    for tag, apdu in (
        (ApduTag.AARQ, Aarq),
        (ApduTag.AARE, Aare),
        (ApduTag.RLRQ, Rlrq),
        (ApduTag.RLRE, Rlre),
    )
}
