"""What we encode dlms-cosem decodes, and encodes again to the same octets.

Not asked of dlms-cosem 25.1.0, which has none of them: short names, selective access, SET and ACTION blocks
and lists, ACCESS, events, general block transfer.  It does not encode a value of a GET, a time, or the
service of an error again as it came.
"""

from __future__ import annotations

from meterkit.dlms.acse.apdus import (
    Aare,
    Aarq,
    AcseServiceUser,
    Rlre,
    Rlrq,
)
from meterkit.dlms.apdu.action import (
    ActionRequestNormal,
    ActionResponseNormal,
)
from meterkit.dlms.apdu.descriptors import (
    ActionResult,
    DataAccessResult,
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
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.apdu.notification import DataNotification
from meterkit.dlms.apdu.set import (
    SetRequestNormal,
    SetResponseNormal,
)
from meterkit.dlms.conformance import Conformance
from tests.dlms.apdu_peers import ACCEPTED, CLOCK, FIVE, GMAC, GRANT, IMPORT, LOW, OFFER, REJECTED, RESET, ask

DLMS_COSEM = """
import json, sys
from dlms_cosem.connection import XDlmsApduFactory
def told(line):
    try:
        apdu = XDlmsApduFactory.apdu_from_bytes(bytes.fromhex(line))
        return [type(apdu).__name__, bytes(apdu.to_bytes()).hex()]
    except Exception as problem:
        return repr(problem)
answers = [told(line) for line in sys.stdin.read().split()]
print("\\n" + json.dumps(answers))
"""


ENCODED_AGAIN_BY_DLMS_COSEM = [
    Aarq(user_information=OFFER.encode()),
    Aarq(
        mechanism=LOW,
        authentication_value=b"secret",
        calling_ap_title=b"METER001",
        user_information=OFFER.encode(),
    ),
    Aare(result=ACCEPTED, user_information=GRANT.encode()),
    Aare(
        result=REJECTED,
        diagnostic=AcseServiceUser.AUTHENTICATION_FAILURE,
        user_information=ConfirmedServiceError(1, 6, 1).encode(),
    ),
    Aare(
        result=ACCEPTED,
        diagnostic=AcseServiceUser.AUTHENTICATION_REQUIRED,
        mechanism=GMAC,
        authentication_value=b"12345678",
        responding_ap_title=b"METER001",
        user_information=GRANT.encode(),
    ),
    Rlrq(),
    Rlrq(user_information=OFFER.encode()),
    Rlre(),
    Rlre(user_information=GRANT.encode()),
    OFFER,
    GRANT,
    InitiateRequest(dedicated_key=bytes(range(16)), conformance=Conformance.GET),
    GetRequestNormal(0xC1, CLOCK),
    GetRequestNext(0xC1, 7),
    GetRequestWithList(0xC1, ((CLOCK, None), (IMPORT, None))),
    GetResponseNormal(0xC1, DataAccessResult.OBJECT_UNDEFINED),
    GetResponseWithBlock(0xC1, False, 1, b"\1\2\3"),
    GetResponseWithBlock(0xC1, True, 2, b"\4"),
    GetResponseWithBlock(0xC1, True, 2, DataAccessResult.LONG_GET_ABORTED),
    GetResponseWithList(0xC1, (FIVE, DataAccessResult.READ_WRITE_DENIED)),
    SetRequestNormal(0xC1, CLOCK, None, FIVE),
    SetResponseNormal(0xC1, DataAccessResult.SUCCESS),
    SetResponseNormal(0xC1, DataAccessResult.TYPE_UNMATCHED),
    ActionRequestNormal(0xC1, RESET, FIVE),
    ActionRequestNormal(0xC1, RESET),
    ActionResponseNormal(0xC1, ActionResult.SUCCESS),
    ActionResponseNormal(0xC1, ActionResult.READ_WRITE_DENIED),
    ActionResponseNormal(0xC1, ActionResult.SUCCESS, FIVE),
    ActionResponseNormal(0xC1, ActionResult.SUCCESS, DataAccessResult.OTHER_REASON),
    DataNotification(1, b"", FIVE),
    ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, ServiceError.SERVICE_NOT_SUPPORTED),
    ConfirmedServiceError(1, 6, 1),
]


def test_dlms_cosem_decodes_and_encodes_to_the_same_octets():
    answers = ask(DLMS_COSEM, ENCODED_AGAIN_BY_DLMS_COSEM)
    for apdu, answer in zip(ENCODED_AGAIN_BY_DLMS_COSEM, answers, strict=True):
        assert isinstance(answer, list), (apdu, answer)
        assert answer[1] == apdu.encode().hex(), (apdu, answer)
