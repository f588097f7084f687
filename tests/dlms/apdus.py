"""Any APDU of any kind, for hypothesis; written from the standard's field lists, not from the decoders."""

from __future__ import annotations

from hypothesis import strategies as st

from meterkit.dlms.acse import apdus as acse
from meterkit.dlms.apdu import access, action, block, errors, get, initiate, notification, short_name
from meterkit.dlms.apdu import set as setting
from meterkit.dlms.apdu.descriptors import (
    ActionResult,
    AttributeDescriptor,
    DataAccessResult,
    MethodDescriptor,
    Selection,
)
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode

octet = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
raw = st.binary(max_size=300)
flag = st.booleans()


def _sized(tag: int, size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size).map(lambda octets: bytes((tag,)) + octets)


def _counted(tag: int) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=40).map(lambda octets: bytes((tag, len(octets))) + octets)


def _nested(items: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda tag, members: bytes((tag, len(members))) + b"".join(members),
        st.sampled_from((1, 2)),
        st.lists(items, max_size=4),
    )


#: Encoded Data: null, booleans, integers, octet-strings, floats, enumerations, arrays and structures.
data = st.recursive(
    st.just(b"\0")
    | st.one_of(
        _sized(3, 1), _sized(0x0F, 1), _sized(0x10, 2), _sized(6, 4), _sized(0x15, 8), _sized(0x16, 1)
    )
    | st.one_of(_sized(0x17, 4), _sized(0x19, 12), _counted(9), _counted(0x0A)),
    _nested,
    max_leaves=6,
)
datas = st.lists(data, max_size=4).map(tuple)
obis = st.builds(ObisCode, octet, octet, octet, octet, octet, octet)
index = st.integers(-128, 127)
attribute = st.builds(AttributeDescriptor, u16, obis, index)
method = st.builds(MethodDescriptor, u16, obis, index)
selection = st.none() | st.builds(Selection, octet, data)
attributes = st.lists(st.tuples(attribute, selection), max_size=3).map(tuple)
methods = st.lists(method, max_size=3).map(tuple)
access_result = octet.map(DataAccessResult)
action_result = octet.map(ActionResult)
result = data | access_result
block_result = raw | access_result
return_value = st.none() | result
time = st.just(b"") | st.binary(min_size=12, max_size=12)
short = st.binary(max_size=40)

variable = st.one_of(
    st.builds(short_name.VariableName, u16),
    st.builds(short_name.ParameterisedAccess, u16, octet, data),
    st.builds(short_name.BlockNumberAccess, u16),
    st.builds(short_name.ReadDataBlockAccess, flag, u16, raw),
    st.builds(short_name.WriteDataBlockAccess, flag, u16),
)
variables = st.lists(variable, max_size=3).map(tuple)
block_number = st.builds(short_name.BlockNumber, u16)
read_result = st.one_of(
    data, access_result, block_number, st.builds(short_name.DataBlockResult, flag, u16, raw)
)
specification = st.one_of(
    st.builds(access.AccessGet, attribute, selection),
    st.builds(access.AccessSet, attribute, selection),
    st.builds(access.AccessAction, method),
)
specifications = st.lists(specification, max_size=3).map(tuple)
access_results = st.lists(
    st.builds(access.AccessResult, st.sampled_from((1, 2)), access_result)
    | st.builds(access.AccessResult, st.just(3), action_result),
    max_size=3,
).map(tuple)
exception = st.builds(
    errors.ExceptionResponse,
    octet.map(errors.StateError),
    octet.filter(lambda code: code != 6).map(errors.ServiceError),
) | st.builds(
    errors.ExceptionResponse,
    octet.map(errors.StateError),
    st.just(errors.ServiceError.INVOCATION_COUNTER_ERROR),
    st.none() | u32,
)
conformance = st.integers(0, 0xFFFFFF).map(Conformance)
quality = st.none() | index
context = st.sampled_from(acse.ApplicationContext) | st.binary(min_size=1, max_size=9).filter(
    lambda octets: not octets.startswith(bytes.fromhex("608574050801")) and octets[0] != 6
)
mechanism = st.sampled_from(acse.AuthenticationMechanism) | st.binary(min_size=1, max_size=9).filter(
    lambda octets: not octets.startswith(bytes.fromhex("608574050802")) and octets[0] != 6
)
title = st.none() | st.binary(max_size=10)
identifier = st.none() | st.integers(-(1 << 31), (1 << 31) - 1)
kind = st.sampled_from(acse.AuthenticationValueKind)
diagnostic = octet.map(acse.AcseServiceUser) | octet.map(acse.AcseServiceProvider)


def _with_authentication(**fields: object) -> dict[str, st.SearchStrategy[object]]:
    value = st.none() | st.binary(min_size=1, max_size=140)
    return {
        "application_context": context,
        "mechanism": mechanism,
        "authentication_value": value,
        "implementation_information": title,
        "user_information": st.none() | st.binary(max_size=200),
        "protocol_version": st.none() | st.just(b"\x07\x80"),
    } | fields  # type: ignore[return-value]


aarq = st.builds(
    acse.Aarq,
    **_with_authentication(
        called_ap_title=title,
        called_ae_qualifier=title,
        called_ap_invocation_id=identifier,
        called_ae_invocation_id=identifier,
        calling_ap_title=title,
        calling_ae_qualifier=title,
        calling_ap_invocation_id=identifier,
        calling_ae_invocation_id=identifier,
    ),
)
aare = st.builds(
    acse.Aare,
    **_with_authentication(
        result=octet.map(acse.AssociationResult),
        diagnostic=diagnostic,
        responding_ap_title=title,
        responding_ae_qualifier=title,
        responding_ap_invocation_id=identifier,
        responding_ae_invocation_id=identifier,
    ),
)

#: One strategy for each kind of APDU.
APDUS: dict[type, st.SearchStrategy[object]] = {
    get.GetRequestNormal: st.builds(get.GetRequestNormal, octet, attribute, selection),
    get.GetRequestNext: st.builds(get.GetRequestNext, octet, u32),
    get.GetRequestWithList: st.builds(get.GetRequestWithList, octet, attributes),
    get.GetResponseNormal: st.builds(get.GetResponseNormal, octet, result),
    get.GetResponseWithBlock: st.builds(get.GetResponseWithBlock, octet, flag, u32, block_result),
    get.GetResponseWithList: st.builds(
        get.GetResponseWithList, octet, st.lists(result, max_size=5).map(tuple)
    ),
    setting.SetRequestNormal: st.builds(setting.SetRequestNormal, octet, attribute, selection, data),
    setting.SetRequestFirstBlock: st.builds(
        setting.SetRequestFirstBlock, octet, attribute, selection, flag, u32, raw
    ),
    setting.SetRequestBlock: st.builds(setting.SetRequestBlock, octet, flag, u32, raw),
    setting.SetRequestWithList: st.builds(setting.SetRequestWithList, octet, attributes, datas),
    setting.SetRequestWithListFirstBlock: st.builds(
        setting.SetRequestWithListFirstBlock, octet, attributes, flag, u32, raw
    ),
    setting.SetResponseNormal: st.builds(setting.SetResponseNormal, octet, access_result),
    setting.SetResponseBlock: st.builds(setting.SetResponseBlock, octet, u32),
    setting.SetResponseLastBlock: st.builds(setting.SetResponseLastBlock, octet, access_result, u32),
    setting.SetResponseLastBlockWithList: st.builds(
        setting.SetResponseLastBlockWithList, octet, st.lists(access_result, max_size=4).map(tuple), u32
    ),
    setting.SetResponseWithList: st.builds(
        setting.SetResponseWithList, octet, st.lists(access_result, max_size=4).map(tuple)
    ),
    action.ActionRequestNormal: st.builds(action.ActionRequestNormal, octet, method, st.none() | data),
    action.ActionRequestNextBlock: st.builds(action.ActionRequestNextBlock, octet, u32),
    action.ActionRequestWithList: st.builds(action.ActionRequestWithList, octet, methods, datas),
    action.ActionRequestFirstBlock: st.builds(action.ActionRequestFirstBlock, octet, method, flag, u32, raw),
    action.ActionRequestWithListFirstBlock: st.builds(
        action.ActionRequestWithListFirstBlock, octet, methods, flag, u32, raw
    ),
    action.ActionRequestBlock: st.builds(action.ActionRequestBlock, octet, flag, u32, raw),
    action.ActionResponseNormal: st.builds(action.ActionResponseNormal, octet, action_result, return_value),
    action.ActionResponseBlock: st.builds(action.ActionResponseBlock, octet, flag, u32, raw),
    action.ActionResponseWithList: st.builds(
        action.ActionResponseWithList,
        octet,
        st.lists(st.tuples(action_result, return_value), max_size=4).map(tuple),
    ),
    action.ActionResponseNextBlock: st.builds(action.ActionResponseNextBlock, octet, u32),
    access.AccessRequest: st.builds(access.AccessRequest, u32, time, specifications, datas),
    access.AccessResponse: st.builds(
        access.AccessResponse, u32, time, st.none() | specifications, datas, access_results
    ),
    notification.DataNotification: st.builds(notification.DataNotification, u32, time, data),
    notification.EventNotification: st.builds(
        notification.EventNotification, st.none() | time, attribute, data
    ),
    short_name.ReadRequest: st.builds(short_name.ReadRequest, variables),
    short_name.ReadResponse: st.builds(short_name.ReadResponse, st.lists(read_result, max_size=4).map(tuple)),
    short_name.WriteRequest: st.builds(short_name.WriteRequest, variables, datas),
    short_name.WriteResponse: st.builds(
        short_name.WriteResponse, st.lists(access_result | block_number, max_size=4).map(tuple)
    ),
    short_name.UnconfirmedWriteRequest: st.builds(short_name.UnconfirmedWriteRequest, variables, datas),
    short_name.InformationReport: st.builds(
        short_name.InformationReport, st.none() | short, variables, datas
    ),
    initiate.InitiateRequest: st.builds(
        initiate.InitiateRequest, st.none() | short, flag, quality, octet, conformance, u16
    ),
    initiate.InitiateResponse: st.builds(initiate.InitiateResponse, quality, octet, conformance, u16, u16),
    errors.ExceptionResponse: exception,
    errors.ConfirmedServiceError: st.builds(errors.ConfirmedServiceError, octet, octet, octet),
    block.GeneralBlockTransfer: st.builds(
        block.GeneralBlockTransfer, flag, flag, st.integers(0, 63), u16, u16, raw
    ),
    acse.Aarq: aarq,
    acse.Aare: aare,
    acse.Rlrq: st.builds(
        acse.Rlrq, st.none() | octet.map(acse.ReleaseRequestReason), st.none() | st.binary(max_size=60)
    ),
    acse.Rlre: st.builds(
        acse.Rlre, st.none() | octet.map(acse.ReleaseResponseReason), st.none() | st.binary(max_size=60)
    ),
}
any_apdu = st.one_of(*APDUS.values())
