"""GET, SET and ACTION: the form of each of their APDUs.

    <GetRequest> <GetRequestNormal> <InvokeIdAndPriority Value="C1" /> <AttributeDescriptor> ...

A service with several choices has an element of its own around them.  Source: IEC 62056-53 and 62056-5-3,
COSEMpdu; names as the field's translators write them, where these know none the standard's.
"""

from __future__ import annotations

from typing import Any, Final

from meterkit.dlms.apdu import action, get
from meterkit.dlms.apdu import set as setting
from meterkit.dlms.translate.forms.composites import Many, Optional, Record, Row, Within, inside
from meterkit.dlms.translate.forms.leaves import Flag, Value
from meterkit.dlms.translate.forms.parts import (
    BLOCK_NUMBER,
    DATA_OR_ERROR,
    INVOKE,
    METHOD,
    RAW_OR_ERROR,
    SELECTED,
    TARGET,
    access_result,
    action_result,
)
from meterkit.dlms.translate.forms.parts import block as block_parts

_BLOCK: Final = block_parts("DataBlock")
_PBLOCK: Final = block_parts("Pblock")
_ATTRIBUTES: Final = ("attributes", Many("AttributeDescriptorList", SELECTED))
_METHODS: Final = ("methods", Many("MethodDescriptorList", METHOD))
_RETURNED: Final = Optional(Within("ReturnParameters", DATA_OR_ERROR))
_RESULTS: Final = ("results", Many("Result", access_result("DataAccessResult")))
_ACTION: Final = Row(("result", action_result("Result")), ("return_value", _RETURNED))

GET: Final[dict[str, tuple[str, Record[Any]]]] = {
    "GetRequestNormal": ("GetRequest", Record(get.GetRequestNormal, INVOKE, *TARGET)),
    "GetRequestForNextDataBlock": ("GetRequest", Record(get.GetRequestNext, INVOKE, BLOCK_NUMBER)),
    "GetRequestWithList": ("GetRequest", Record(get.GetRequestWithList, INVOKE, _ATTRIBUTES)),
    "GetResponseNormal": (
        "GetResponse",
        Record(get.GetResponseNormal, INVOKE, inside("Result", ("result", DATA_OR_ERROR))),
    ),
    "GetResponsewithDataBlock": (
        "GetResponse",
        Record(
            get.GetResponseWithBlock,
            INVOKE,
            inside(
                "Result",
                ("is_last", Flag("LastBlock")),
                BLOCK_NUMBER,
                inside("Result", ("result", RAW_OR_ERROR)),
            ),
        ),
    ),
    "GetResponseWithList": (
        "GetResponse",
        Record(get.GetResponseWithList, INVOKE, ("results", Many("Result", DATA_OR_ERROR))),
    ),
}
SET: Final[dict[str, tuple[str, Record[Any]]]] = {
    "SetRequestNormal": (
        "SetRequest",
        Record(setting.SetRequestNormal, INVOKE, *TARGET, ("value", Value("Value"))),
    ),
    "SetRequestFirstDataBlock": (
        "SetRequest",
        Record(setting.SetRequestFirstBlock, INVOKE, *TARGET, _BLOCK),
    ),
    "SetRequestWithDataBlock": ("SetRequest", Record(setting.SetRequestBlock, INVOKE, _BLOCK)),
    "SetRequestWithList": (
        "SetRequest",
        Record(setting.SetRequestWithList, INVOKE, _ATTRIBUTES, ("values", Many("ValueList", Value()))),
    ),
    "SetRequestWithListAndFirstDataBlock": (
        "SetRequest",
        Record(setting.SetRequestWithListFirstBlock, INVOKE, _ATTRIBUTES, _BLOCK),
    ),
    "SetResponseNormal": (
        "SetResponse",
        Record(setting.SetResponseNormal, INVOKE, ("result", access_result("Result"))),
    ),
    "SetResponseDataBlock": ("SetResponse", Record(setting.SetResponseBlock, INVOKE, BLOCK_NUMBER)),
    "SetResponseWithLastDataBlock": (
        "SetResponse",
        Record(setting.SetResponseLastBlock, INVOKE, ("result", access_result("Result")), BLOCK_NUMBER),
    ),
    "SetResponseWithLastDataBlockWithList": (
        "SetResponse",
        Record(setting.SetResponseLastBlockWithList, INVOKE, _RESULTS, BLOCK_NUMBER),
    ),
    "SetResponseWithList": ("SetResponse", Record(setting.SetResponseWithList, INVOKE, _RESULTS)),
}
ACTION: Final[dict[str, tuple[str, Record[Any]]]] = {
    "ActionRequestNormal": (
        "ActionRequest",
        Record(
            action.ActionRequestNormal,
            INVOKE,
            ("method", METHOD),
            ("parameters", Optional(Value("MethodInvocationParameters"))),
        ),
    ),
    "ActionRequestForNextDataBlock": (
        "ActionRequest",
        Record(action.ActionRequestNextBlock, INVOKE, BLOCK_NUMBER),
    ),
    "ActionRequestWithList": (
        "ActionRequest",
        Record(
            action.ActionRequestWithList,
            INVOKE,
            _METHODS,
            ("parameters", Many("MethodInvocationParameterList", Value())),
        ),
    ),
    "ActionRequestWithFirstPBlock": (
        "ActionRequest",
        Record(action.ActionRequestFirstBlock, INVOKE, ("method", METHOD), _PBLOCK),
    ),
    "ActionRequestWithListAndFirstPBlock": (
        "ActionRequest",
        Record(action.ActionRequestWithListFirstBlock, INVOKE, _METHODS, _PBLOCK),
    ),
    "ActionRequestWithPBlock": ("ActionRequest", Record(action.ActionRequestBlock, INVOKE, _PBLOCK)),
    "ActionResponseNormal": (
        "ActionResponse",
        Record(
            action.ActionResponseNormal,
            INVOKE,
            ("result", action_result("Result")),
            ("return_value", _RETURNED),
        ),
    ),
    "ActionResponseWithPBlock": ("ActionResponse", Record(action.ActionResponseBlock, INVOKE, _PBLOCK)),
    "ActionResponseWithList": (
        "ActionResponse",
        Record(
            action.ActionResponseWithList,
            INVOKE,
            ("results", Many("ListOfResponses", Within("ActionResponseWithOptionalData", _ACTION))),
        ),
    ),
    "ActionResponseNextBlock": (
        "ActionResponse",
        Record(action.ActionResponseNextBlock, INVOKE, BLOCK_NUMBER),
    ),
}
