"""The services of one association: a request taken apart in, its answer out.  Source: IEC 62056-53."""

from __future__ import annotations

from meterkit.dlms.apdu import Apdu
from meterkit.dlms.apdu.access import AccessRequest
from meterkit.dlms.apdu.action import (
    ActionRequestBlock,
    ActionRequestFirstBlock,
    ActionRequestNextBlock,
    ActionRequestNormal,
    ActionRequestWithList,
    ActionRequestWithListFirstBlock,
)
from meterkit.dlms.apdu.descriptors import MethodDescriptor
from meterkit.dlms.apdu.errors import ServiceError, StateError
from meterkit.dlms.apdu.get import GetRequestNext, GetRequestNormal, GetRequestWithList
from meterkit.dlms.apdu.set import (
    SetRequestBlock,
    SetRequestFirstBlock,
    SetRequestNormal,
    SetRequestWithList,
    SetRequestWithListFirstBlock,
)
from meterkit.dlms.apdu.short_name import (
    ParameterisedAccess,
    ReadRequest,
    UnconfirmedWriteRequest,
    VariableName,
    WriteRequest,
)
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.access_service import access
from meterkit.emulator.dlms.action_service import ActionService
from meterkit.emulator.dlms.get_service import GetService
from meterkit.emulator.dlms.handshake import Accepted
from meterkit.emulator.dlms.set_service import SetService
from meterkit.emulator.dlms.short_name_service import ShortNameService
from meterkit.emulator.dlms.short_names import ShortNames
from meterkit.emulator.dlms.terms import Terms, refusal

_REPLY = MethodDescriptor(15, ObisCode.CURRENT_ASSOCIATION, 1)  # reply_to_HLS_authentication
_REPLY_NAME = 0xFA58  # the same with short names


class Services:
    """The services of one association, and what it goes by."""

    def __init__(self, terms: Terms, names: ShortNames, accepted: Accepted) -> None:
        self.terms = terms
        self.accepted = accepted
        self.get = GetService(terms)
        self.set = SetService(terms)
        self.action = ActionService(terms)
        self.short = ShortNameService(terms, names)

    def perform(self, request: Apdu) -> bytes | None:
        """Return the answer to a request; None where there is none."""
        service = _SERVICES.get(type(request))
        if service is None:
            return refusal(StateError.SERVICE_UNKNOWN)
        proving = self.accepted.proving
        if proving is not None and proving.is_pending and not _is_reply(request):
            return refusal(service=ServiceError.OPERATION_NOT_POSSIBLE)
        if not self.terms.grants(service):
            return refusal()
        return self._perform(request)

    def _perform(self, request: Apdu) -> bytes | None:
        match request:
            case GetRequestNormal():
                return self.get.normal(request)
            case GetRequestNext():
                return self.get.next(request)
            case GetRequestWithList():
                return self.get.with_list(request)
            case AccessRequest():
                return access(self.terms, request)
            case ReadRequest():
                return self.short.read(request)
            case WriteRequest():
                return self.short.write(request)
            case UnconfirmedWriteRequest():
                self.short.unconfirmed_write(request)
                return None
            case _:
                return self._change(request)

    def _change(self, request: Apdu) -> bytes | None:
        match request:
            case SetRequestNormal():
                return self.set.normal(request)
            case SetRequestWithList():
                return self.set.with_list(request)
            case SetRequestFirstBlock():
                return self.set.first_block(request)
            case SetRequestWithListFirstBlock():
                return self.set.first_block_of_list(request)
            case SetRequestBlock():
                return self.set.block(request)
            case ActionRequestNormal():
                return self.action.normal(request)
            case ActionRequestWithList():
                return self.action.with_list(request)
            case ActionRequestFirstBlock():
                return self.action.first_block(request)
            case ActionRequestWithListFirstBlock():
                return self.action.first_block_of_list(request)
            case ActionRequestBlock():
                return self.action.block(request)
            case ActionRequestNextBlock():
                return self.action.next(request)
            case _:
                return refusal(StateError.SERVICE_UNKNOWN)


_SERVICES: dict[type, Conformance] = {
    GetRequestNormal: Conformance.GET,
    GetRequestNext: Conformance.GET,
    GetRequestWithList: Conformance.GET,
    SetRequestNormal: Conformance.SET,
    SetRequestWithList: Conformance.SET,
    SetRequestFirstBlock: Conformance.SET,
    SetRequestWithListFirstBlock: Conformance.SET,
    SetRequestBlock: Conformance.SET,
    ActionRequestNormal: Conformance.ACTION,
    ActionRequestWithList: Conformance.ACTION,
    ActionRequestFirstBlock: Conformance.ACTION,
    ActionRequestWithListFirstBlock: Conformance.ACTION,
    ActionRequestBlock: Conformance.ACTION,
    ActionRequestNextBlock: Conformance.ACTION,
    AccessRequest: Conformance.ACCESS,
    ReadRequest: Conformance.READ,
    WriteRequest: Conformance.WRITE,
    UnconfirmedWriteRequest: Conformance.UNCONFIRMED_WRITE,
}


def _is_reply(request: Apdu) -> bool:
    """Tell whether a request is the client's proof: all it may send before it has proved itself."""
    match request:
        case ActionRequestNormal(method=method):
            return method == _REPLY
        case ReadRequest(variables=(ParameterisedAccess(name),)):
            return name == _REPLY_NAME
        case WriteRequest(variables=(VariableName(name),)):
            return name == _REPLY_NAME
        case _:
            return False
