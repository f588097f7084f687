"""What we encode gurux-dlms reads as we meant it, value by value.

Not asked of gurux-dlms 1.0.203, whose decoder fails on them: SET and ACTION lists in blocks, ACTION blocks
and lists, ACCESS with a selection or a failure (it reads one octet more), exceptions with a counter,
ReadResponse blocks, UnconfirmedWrite, a report with a time, an RLRE with user-information.  It takes
response-allowed for quality of service, drops a SET's selection and the errors of a list.
"""

from __future__ import annotations

from typing import Any

import pytest

from meterkit.dlms.acse.apdus import (
    Aare,
    Aarq,
    AcseServiceUser,
    ApplicationContext,
    Rlre,
    Rlrq,
)
from meterkit.dlms.apdu.access import (
    AccessAction,
    AccessGet,
    AccessRequest,
    AccessResponse,
    AccessResult,
    AccessSet,
)
from meterkit.dlms.apdu.action import (
    ActionRequestNormal,
    ActionResponseNextBlock,
    ActionResponseNormal,
)
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.descriptors import (
    ActionResult,
    DataAccessResult,
    Selection,
)
from meterkit.dlms.apdu.errors import ConfirmedServiceError, ExceptionResponse, ServiceError, StateError
from meterkit.dlms.apdu.get import (
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithBlock,
    GetResponseWithList,
)
from meterkit.dlms.apdu.notification import DataNotification, EventNotification
from meterkit.dlms.apdu.set import (
    SetRequestBlock,
    SetRequestFirstBlock,
    SetRequestNormal,
    SetRequestWithList,
    SetResponseBlock,
    SetResponseLastBlock,
    SetResponseNormal,
    SetResponseWithList,
)
from meterkit.dlms.apdu.short_name import (
    BlockNumberAccess,
    InformationReport,
    ParameterisedAccess,
    ReadDataBlockAccess,
    ReadRequest,
    ReadResponse,
    VariableName,
    WriteRequest,
    WriteResponse,
)
from tests.dlms.apdu_peers import ACCEPTED, CLOCK, FIVE, GMAC, GRANT, IMPORT, LOW, REJECTED, RESET, ask

GURUX = """
import json, sys
import xml.etree.ElementTree as ET
from gurux_dlms import GXDLMSTranslator
from gurux_dlms.enums import TranslatorOutputType
def told(line):
    translator = GXDLMSTranslator(TranslatorOutputType.SIMPLE_XML)
    translator.comments = False
    try:
        root = ET.fromstring(translator.pduToXml(line))
    except Exception as problem:
        return repr(problem)
    return [[one.tag, one.get("Value", one.get("Name", one.get("Qty")))] for one in root.iter()]
answers = [told(line) for line in sys.stdin.read().split()]
print("\\n" + json.dumps(answers))
"""
CONFORMANCE = [
    "PriorityMgmtSupported", "BlockTransferWithGetOrRead", "Get", "Set", "SelectiveAccess",
    "EventNotification", "Action",
]  # fmt: skip
GRANTED = [
    ("NegotiatedDlmsVersionNumber", "06"),
    *(("ConformanceBit", name) for name in CONFORMANCE),
    ("NegotiatedMaxPduSize", "01F4"),
    ("VaaName", "0007"),
]
CLOCK_READ = [("ClassId", "0008"), ("InstanceId", "0000010000FF"), ("AttributeId", "02")]
IMPORT_READ = [("ClassId", "0003"), ("InstanceId", "0100010800FF"), ("AttributeId", "02")]
RESET_CALL = [("ClassId", "0003"), ("InstanceId", "0100010800FF"), ("MethodId", "01")]
INVOKE = ("InvokeIdAndPriority", "C1")
LONG_INVOKE = ("LongInvokeIdAndPriority", "40000001")
VALUE = ("UInt8", "05")
BY_ENTRY = Selection.by_entry(1, 5)
ENTRIES = [
    ("AccessSelector", "02"), ("Structure", "04"), ("UInt32", "00000001"), ("UInt32", "00000005"),
    ("UInt16", "0001"), ("UInt16", "0000"),
]  # fmt: skip
TIME = bytes.fromhex("07e50713010f2e2300ff8880")

#: An APDU, what gurux-dlms calls it, and every value it finds in it.
READ_BY_GURUX: list[tuple[Any, str, list[tuple[str, str]]]] = [
    (
        Aarq(mechanism=LOW, authentication_value=b"secret", calling_ap_title=b"METER001"),
        "AssociationRequest",
        [
            ("ApplicationContextName", "LN"),
            ("CallingAPTitle", "4D45544552303031"),
            ("SenderACSERequirements", "1"),
            ("MechanismName", "Low"),
            ("CallingAuthentication", "736563726574"),
        ],
    ),
    (
        Aarq(application_context=ApplicationContext.SHORT_NAME),
        "AssociationRequest",
        [("ApplicationContextName", "SN")],
    ),
    (
        Aare(
            result=ACCEPTED,
            diagnostic=AcseServiceUser.AUTHENTICATION_REQUIRED,
            mechanism=GMAC,
            authentication_value=b"12345678",
            responding_ap_title=b"METER001",
            user_information=GRANT.encode(),
        ),
        "AssociationResponse",
        [
            ("ApplicationContextName", "LN"),
            ("AssociationResult", "00"),
            ("ACSEServiceUser", "0E"),
            ("RespondingAPTitle", "4D45544552303031"),
            ("ResponderACSERequirement", "1"),
            ("MechanismName", "HighGmac"),
            ("RespondingAuthentication", "3132333435363738"),
            *GRANTED,
        ],
    ),
    (
        Aare(
            result=REJECTED,
            diagnostic=AcseServiceUser.AUTHENTICATION_FAILURE,
            user_information=ConfirmedServiceError(1, 6, 1).encode(),
        ),
        "AssociationResponse",
        [
            ("ApplicationContextName", "LN"),
            ("AssociationResult", "01"),
            ("ACSEServiceUser", "0D"),
            ("Service", "01"),
            ("Initiate", "DlmsVersionTooLow"),
        ],
    ),
    (Rlrq(), "ReleaseRequest", [("Reason", "Normal")]),
    (Rlre(), "ReleaseResponse", [("Reason", "Normal")]),
    (GRANT, "InitiateResponse", GRANTED),
    (GetRequestNormal(0xC1, CLOCK), "GetRequest", [INVOKE, *CLOCK_READ]),
    (GetRequestNormal(0xC1, IMPORT, BY_ENTRY), "GetRequest", [INVOKE, *IMPORT_READ, *ENTRIES]),
    (GetRequestNext(0xC1, 7), "GetRequest", [INVOKE, ("BlockNumber", "00000007")]),
    (
        GetRequestWithList(0xC1, ((CLOCK, None), (IMPORT, None))),
        "GetRequest",
        [INVOKE, ("AttributeDescriptorList", "02"), *CLOCK_READ, *IMPORT_READ],
    ),
    (GetResponseNormal(0xC1, FIVE), "GetResponse", [INVOKE, VALUE]),
    (
        GetResponseNormal(0xC1, DataAccessResult.OBJECT_UNDEFINED),
        "GetResponse",
        [INVOKE, ("DataAccessError", "UndefinedObject")],
    ),
    (
        GetResponseWithBlock(0xC1, False, 1, b"\1\2\3"),
        "GetResponse",
        [INVOKE, ("LastBlock", "00"), ("BlockNumber", "00000001"), ("RawData", "010203")],
    ),
    (
        GetResponseWithBlock(0xC1, True, 2, DataAccessResult.LONG_GET_ABORTED),
        "GetResponse",
        [
            INVOKE,
            ("LastBlock", "01"),
            ("BlockNumber", "00000002"),
            ("DataAccessResult", "LongGetOrReadAborted"),
        ],
    ),
    (GetResponseWithList(0xC1, (FIVE, FIVE)), "GetResponse", [INVOKE, ("Result", "02"), VALUE, VALUE]),
    (SetRequestNormal(0xC1, CLOCK, None, FIVE), "SetRequest", [INVOKE, *CLOCK_READ, VALUE]),
    (
        SetRequestFirstBlock(0xC1, CLOCK, None, False, 1, b"\x09\x10"),
        "SetRequest",
        [INVOKE, *CLOCK_READ, ("LastBlock", "00"), ("BlockNumber", "00000001"), ("RawData", "0910")],
    ),
    (
        SetRequestBlock(0xC1, True, 2, b"\1"),
        "SetRequest",
        [INVOKE, ("LastBlock", "01"), ("BlockNumber", "00000002"), ("RawData", "01")],
    ),
    (
        SetRequestWithList(0xC1, ((CLOCK, None), (IMPORT, None)), (FIVE, FIVE)),
        "SetRequest",
        [
            INVOKE,
            ("AttributeDescriptorList", "02"),
            *CLOCK_READ,
            *IMPORT_READ,
            ("ValueList", "02"),
            VALUE,
            VALUE,
        ],
    ),
    (
        SetResponseNormal(0xC1, DataAccessResult.TYPE_UNMATCHED),
        "SetResponse",
        [INVOKE, ("Result", "UnmatchedType")],
    ),
    (SetResponseBlock(0xC1, 3), "SetResponse", [INVOKE, ("BlockNumber", "00000003")]),
    (
        SetResponseLastBlock(0xC1, DataAccessResult.SUCCESS, 4),
        "SetResponse",
        [INVOKE, ("Result", "Success"), ("BlockNumber", "00000004")],
    ),
    (
        SetResponseWithList(0xC1, (DataAccessResult.SUCCESS, DataAccessResult.OTHER_REASON)),
        "SetResponse",
        [INVOKE, ("Result", "2"), ("DataAccessResult", "Success"), ("DataAccessResult", "OtherReason")],
    ),
    (ActionRequestNormal(0xC1, RESET, FIVE), "ActionRequest", [INVOKE, *RESET_CALL, VALUE]),
    (ActionRequestNormal(0xC1, RESET), "ActionRequest", [INVOKE, *RESET_CALL]),
    (
        ActionResponseNormal(0xC1, ActionResult.READ_WRITE_DENIED),
        "ActionResponse",
        [INVOKE, ("Result", "ReadWriteDenied")],
    ),
    (
        ActionResponseNormal(0xC1, ActionResult.SUCCESS, FIVE),
        "ActionResponse",
        [INVOKE, ("Result", "Success"), VALUE],
    ),
    (
        ActionResponseNormal(0xC1, ActionResult.SUCCESS, DataAccessResult.OTHER_REASON),
        "ActionResponse",
        [INVOKE, ("Result", "Success"), ("DataAccessError", "OtherReason")],
    ),
    (ActionResponseNextBlock(0xC1, 1), "ActionResponse", [INVOKE, ("BlockNumber", "00000001")]),
    (
        AccessRequest(
            0x40000001, TIME, (AccessGet(CLOCK), AccessSet(IMPORT), AccessAction(RESET)), (b"\0", FIVE, FIVE)
        ),
        "AccessRequest",
        [
            LONG_INVOKE,
            ("DateTime", TIME.hex().upper()),
            ("AccessRequestSpecification", "03"),
            *CLOCK_READ,
            *IMPORT_READ,
            *RESET_CALL[:2],
            ("AttributeId", "01"),
            ("AccessRequestListOfData", "03"),
            VALUE,
            VALUE,
        ],
    ),
    (
        AccessResponse(0x40000001, b"", None, (FIVE,), (AccessResult(1, DataAccessResult.SUCCESS),)),
        "AccessResponse",
        [
            LONG_INVOKE,
            ("DateTime", ""),
            ("AccessResponseListOfData", "01"),
            VALUE,
            ("AccessResponseSpecification", "01"),
            ("Result", "Success"),
        ],
    ),
    (DataNotification(0x40000001, b"", FIVE), "DataNotification", [LONG_INVOKE, ("DateTime", ""), VALUE]),
    (
        DataNotification(0x40000001, TIME, FIVE),
        "DataNotification",
        [LONG_INVOKE, ("DateTime", TIME.hex().upper()), VALUE],
    ),
    (EventNotification(None, IMPORT, FIVE), "EventNotificationRequest", [*IMPORT_READ, VALUE]),
    (
        EventNotification(TIME, IMPORT, FIVE),
        "EventNotificationRequest",
        [("Time", TIME.hex().upper()), *IMPORT_READ, VALUE],
    ),
    (
        ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, ServiceError.SERVICE_NOT_SUPPORTED),
        "ExceptionResponse",
        [("StateError", "ServiceNotAllowed"), ("ServiceError", "ServiceNotSupported")],
    ),
    (
        ConfirmedServiceError(5, 5, 1),
        "ConfirmedServiceError",
        [("Service", "05"), ("Access", "ScopeOfAccessViolated")],
    ),
    (
        GeneralBlockTransfer(False, True, 6, 1, 0, b"\xc0\x01"),
        "GeneralBlockTransfer",
        [("BlockControl", "46"), ("BlockNumber", "0001"), ("BlockNumberAck", "0000"), ("BlockData", "C001")],
    ),
    (
        ReadRequest((ParameterisedAccess(0xFA08, 1, FIVE), VariableName(8))),
        "ReadRequest",
        [("VariableName", "FA08"), ("Selector", "01"), VALUE, ("VariableName", "0008")],
    ),
    (ReadRequest((BlockNumberAccess(2),)), "ReadRequest", [("BlockNumber", "0002")]),
    (
        ReadRequest((ReadDataBlockAccess(True, 2, b"\1"),)),
        "ReadRequest",
        [("LastBlock", "01"), ("BlockNumber", "0002")],
    ),
    (
        ReadResponse((FIVE, DataAccessResult.OBJECT_UNDEFINED)),
        "ReadResponse",
        [VALUE, ("DataAccessError", "UndefinedObject")],
    ),
    (
        WriteRequest((VariableName(8),), (FIVE,)),
        "WriteRequest",
        [("ListOfVariableAccessSpecification", "01"), ("VariableName", "0008"), ("ListOfData", "01"), VALUE],
    ),
    (
        WriteResponse((DataAccessResult.SUCCESS, DataAccessResult.OBJECT_UNDEFINED)),
        "WriteResponse",
        [("DataAccessError", "UndefinedObject")],
    ),
    (
        InformationReport(None, (VariableName(8),), (FIVE,)),
        "InformationReportRequest",
        [("ListOfVariableAccessSpecification", "01"), ("VariableName", "0008"), ("ListOfData", "01"), VALUE],
    ),
]


@pytest.fixture(scope="module")
def read_by_gurux():
    return ask(GURUX, [apdu for apdu, _, _ in READ_BY_GURUX])


@pytest.mark.parametrize(
    "case", range(len(READ_BY_GURUX)), ids=lambda case: type(READ_BY_GURUX[case][0]).__name__
)
def test_gurux_finds_what_we_put_in(read_by_gurux, case):
    _, name, values = READ_BY_GURUX[case]
    read = read_by_gurux[case]
    assert read[0][0] == name, read
    found = [(tag, value) for tag, value in read[1:] if value is not None]
    assert found == values
