"""GET, SET, ACTION, ACCESS, notifications and short names: octets of real meters, field by field."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu import apdu_name, decode_apdu
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
    ActionRequestWithList,
    ActionResponseNextBlock,
    ActionResponseNormal,
)
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.descriptors import (
    ActionResult,
    AttributeDescriptor,
    DataAccessResult,
    MethodDescriptor,
    Selection,
)
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
    SetRequestFirstBlock,
    SetRequestNormal,
    SetRequestWithList,
    SetResponseBlock,
)
from meterkit.dlms.apdu.short_name import ReadRequest, VariableName
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.vectors import VECTORS, names_of, octets_of

CLOCK_TIME = AttributeDescriptor(8, ObisCode.CLOCK, 2)
IMPORT = AttributeDescriptor(3, ObisCode(1, 0, 1, 8, 0), 2)
ODD = {
    "get-response-clock-trailing-junk",
    "sn-read-response-error",
    "push-gbt-lg-e450",
}  # octets too many or too few
SERVICES = [
    name
    for name in names_of(
        "get", "set", "action", "access", "exception", "confirmed-service-error", "sn", "data-notification",
        "selective-access", "initiate",
    )
    if name not in ODD
]  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_every_vector_decodes_and_encodes_to_itself(name):
    octets = octets_of(name)
    assert decode_apdu(octets).encode() == octets
    assert decode_apdu(octets, strict=False).encode() == octets


@pytest.mark.parametrize(
    ("name", "apdu"),
    [
        ("get-request-normal", GetRequestNormal(0xC1, AttributeDescriptor(1, ObisCode(0, 0, 43, 1, 0), 2))),
        ("get-request-next", GetRequestNext(0xC1, 1)),
        ("get-response-normal", GetResponseNormal(0xC1, axdr.encode_double_long_unsigned(5009))),
        ("get-response-error", GetResponseNormal(0xC1, DataAccessResult.READ_WRITE_DENIED)),
        (
            "get-request-with-list",
            GetRequestWithList(
                0xC1,
                (
                    (AttributeDescriptor(1, ObisCode.LOGICAL_DEVICE_NAME, 2), None),
                    (AttributeDescriptor(3, ObisCode(1, 1, 21, 25, 0), 3), None),
                    (AttributeDescriptor(8, ObisCode.CLOCK, 3), None),
                ),
            ),
        ),
        (
            "get-response-with-list",
            GetResponseWithList(
                0xC1,
                (
                    axdr.encode_octet_string(b"GRX0000000123456"),
                    bytes.fromhex("02020ffe161e"),
                    axdr.encode_long(0),
                ),
            ),
        ),
        (
            "set-request-clock",
            SetRequestNormal(0xC1, CLOCK_TIME, None, bytes.fromhex("090c07e50118ff0e303950ffc400")),
        ),
        (
            "set-request-first-block",
            SetRequestFirstBlock(0xC1, CLOCK_TIME, None, False, 1, bytes.fromhex("090c07ea0b15ff01")),
        ),
        ("set-response-block", SetResponseBlock(0xC1, 1)),
        (
            "set-request-with-list",
            SetRequestWithList(
                0xC1,
                ((IMPORT, None), (AttributeDescriptor(3, ObisCode(1, 0, 2, 8, 0), 2), None)),
                (axdr.encode_double_long_unsigned(1), axdr.encode_double_long_unsigned(2)),
            ),
        ),
        (
            "action-request-no-data",
            ActionRequestNormal(0xC0, MethodDescriptor(15, ObisCode.CURRENT_ASSOCIATION, 1)),
        ),
        ("action-response-no-data", ActionResponseNormal(0xC0, ActionResult.SUCCESS)),
        (
            "action-response-hls",
            ActionResponseNormal(
                0xC1,
                ActionResult.SUCCESS,
                axdr.encode_octet_string(bytes.fromhex("1000000011302abf3428577f19c1166837")),
            ),
        ),
        ("action-response-next-pblock", ActionResponseNextBlock(0xC1, 1)),
        (
            "action-request-with-list",
            ActionRequestWithList(
                0xC1,
                (
                    MethodDescriptor(3, ObisCode(1, 0, 1, 8, 0), 1),
                    MethodDescriptor(3, ObisCode(1, 0, 2, 8, 0), 1),
                ),
                (axdr.encode_integer(0), axdr.encode_integer(0)),
            ),
        ),
        (
            "access-request-get2",
            AccessRequest(
                0x40000001,
                b"",
                (AccessGet(CLOCK_TIME), AccessGet(AttributeDescriptor(3, ObisCode(1, 1, 21, 25, 0), 2))),
                (b"\0", b"\0"),
            ),
        ),
        ("sn-read-association", ReadRequest((VariableName(0xFA08),))),
        ("sn-read-clock", ReadRequest((VariableName(0x138),))),
    ],
)  # fmt: skip
def test_a_vector_says_what_its_source_says(name, apdu):
    assert decode_apdu(octets_of(name)) == apdu
    assert apdu.encode() == octets_of(name)


def test_a_push_tells_its_objects_then_their_values():
    pushed = decode_apdu(octets_of("push-data-notification"))
    assert (pushed.long_invoke, pushed.date_time) == (0xC0000000, b"")
    objects, serial_number, address = axdr.decode(pushed.body)
    assert [one[0] for one in objects] == [40, 1, 42]  # push setup, data, IPv4 setup
    assert (serial_number, address) == (b"GRX0000000123456", 0x0100007F)


def test_an_access_request_mixes_gets_and_sets():
    request = decode_apdu(octets_of("access-request-get2-set2"))
    assert [type(one) for one in request.specifications] == [AccessGet, AccessGet, AccessSet, AccessSet]
    assert [axdr.decode(data) for data in request.data[:2]] == [None, None]
    assert [len(axdr.decode(data)) for data in request.data[2:]] == [4, 4]


def test_access_knows_methods_and_selections_and_may_repeat_the_request():
    specifications = (
        AccessAction(MethodDescriptor(70, ObisCode.DISCONNECT_CONTROL, 1)),
        AccessGet(IMPORT, Selection(2, axdr.encode_null())),
        AccessSet(IMPORT, Selection(1, axdr.encode_null())),
    )
    results = (
        AccessResult(3, ActionResult.READ_WRITE_DENIED),
        AccessResult(1, DataAccessResult.SUCCESS),
        AccessResult(2, DataAccessResult.TYPE_UNMATCHED),
    )
    answer = AccessResponse(7, bytes(12), specifications, (b"\0", b"\x11\x05", b"\0"), results)
    assert answer.encode() == bytes.fromhex(
        "da 00000007 0c 000000000000000000000000 01 03"
        "03 0046 00006003 0aff 01   04 0003 0100010800ff 02 02 00   05 0003 0100010800ff 02 01 00"
        "03 00 1105 00  03 0303 0100 020c"
    )
    assert decode_apdu(answer.encode()) == answer


def test_octets_behind_a_value_are_a_fault_or_stay_with_the_value():
    octets = octets_of("get-response-clock-trailing-junk")
    with pytest.raises(ProtocolFault, match="get-response-normal: 18 octets too many after 18"):
        decode_apdu(octets)
    answer = decode_apdu(octets, strict=False)
    assert answer.result == octets[4:]
    assert axdr.decode(answer.result, strict=False) == octets[6:18]


@pytest.mark.parametrize(
    "octets",
    ["c502c100000001 000000", "c501c100ff", "d80102ffff", "c403c101010155", "0d010055"],
)
def test_octets_behind_an_answer_are_put_up_with_on_request(octets):
    with pytest.raises(ProtocolFault, match="too many"):
        decode_apdu(bytes.fromhex(octets))
    decode_apdu(bytes.fromhex(octets), strict=False)


def test_a_method_that_returns_nothing_may_forget_to_say_so():
    octets = bytes.fromhex("c701c100")
    assert decode_apdu(octets, strict=False) == ActionResponseNormal(0xC1, ActionResult.SUCCESS)
    with pytest.raises(ProtocolFault, match="return-parameters"):
        decode_apdu(octets)


def test_a_method_may_succeed_and_its_return_value_fail():
    answer = decode_apdu(bytes.fromhex("c701c100010103"))
    assert answer == ActionResponseNormal(0xC1, ActionResult.SUCCESS, DataAccessResult.READ_WRITE_DENIED)


def test_the_last_block_may_be_empty_or_an_error():
    assert decode_apdu(bytes.fromhex("c402c101000000020000")) == GetResponseWithBlock(0xC1, True, 2, b"")
    assert decode_apdu(bytes.fromhex("c402c10100000002010f")) == GetResponseWithBlock(
        0xC1, True, 2, DataAccessResult.LONG_GET_ABORTED
    )


def test_any_octet_but_0_says_that_a_block_is_the_last_one():
    assert decode_apdu(bytes.fromhex("c402c1ff0000000100020f05")).is_last


TIME = bytes.fromhex("07e50713010f2e2300ff8880")


@pytest.mark.parametrize(
    ("form", "time"),
    [("00", b""), ("0c" + TIME.hex(), TIME), ("090c" + TIME.hex(), TIME)],
    ids=["none", "length", "tag and length"],
)
def test_a_push_may_carry_its_time_in_three_forms(form, time):
    push = decode_apdu(bytes.fromhex("0f0029b2dc" + form + "1105"))
    assert push == DataNotification(0x29B2DC, time, b"\x11\x05")


@pytest.mark.parametrize("form", ["00", "010c" + TIME.hex(), "01090c" + TIME.hex()])
def test_an_event_may_carry_a_time_and_is_about_one_attribute(form):
    push_setup = AttributeDescriptor(40, ObisCode.PUSH_SETUP, 2)
    octets = bytes.fromhex("c2" + form) + push_setup.encode() + bytes.fromhex("0100")
    assert decode_apdu(octets) == EventNotification(None if form == "00" else TIME, push_setup, b"\x01\x00")


def test_a_general_block_tells_window_streaming_and_both_numbers():
    octets = bytes.fromhex("e0 46 0001 0000 03 c001c1")
    assert decode_apdu(octets) == GeneralBlockTransfer(False, True, 6, 1, 0, b"\xc0\x01\xc1")
    assert GeneralBlockTransfer(True, False, 63, 2, 65535, b"").encode() == bytes.fromhex("e0bf0002ffff00")


def test_a_block_that_is_cut_off_says_what_is_missing():
    with pytest.raises(ProtocolFault, match=r"general-block-transfer: block-data: at 6: .* 112 came"):
        decode_apdu(octets_of("push-gbt-lg-e450"))


@pytest.mark.parametrize("name", names_of("glo", "general-glo", "general-ciphering"))
def test_a_ciphered_apdu_is_told_as_one(name):
    with pytest.raises(ProtocolFault, match="a plain APDU expected, a ciphered one came") as odd:
        decode_apdu(octets_of(name))
    assert odd.value.error.kind is ErrorKind.SECURITY


PLAINTEXTS = [
    VECTORS[name]["expected"]["plaintext"]
    for name in names_of("glo", "general-glo", "general-ciphering")
    if "plaintext" in VECTORS[name]["expected"]
]


@pytest.mark.parametrize("plaintext", PLAINTEXTS, ids=lambda plaintext: plaintext[:12])
def test_what_ciphered_vectors_hold_is_plain_like_any_other(plaintext):
    octets = bytes.fromhex(plaintext)
    assert decode_apdu(octets).encode() == octets


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("", "an APDU expected, nothing came"),
        ("ff01", "an APDU expected, ff 01 came"),
        ("c4", "c4 get-response: choice: one of 01, 02, 03 expected, nothing came"),
        ("c307c1", "c3 action-request: choice: one of 01, 02, 03, 04, 05, 06 expected, 07 came"),
        ("c001c1000100", "get-request-normal: instance-id: 6 octets expected at 5, 1 left"),
        ("c401c102", "get-response-normal: result: one of 00, 01 expected at 3, 02 came"),
        (
            "c401c10006",
            "get-response-normal: data: at 4: double-long-unsigned (06) of 5 octets expected, 1 came",
        ),
        ("0500ff", "read-request: 1 octets too many after 2: ff"),
        (
            "05010300",
            "read-request: variable-access-specification: one of 02, 04, 05, 06, 07 expected at 2, 03 came",
        ),
    ],
)
def test_a_fault_names_apdu_part_and_place(octets, message):
    with pytest.raises(ProtocolFault) as odd:
        decode_apdu(bytes.fromhex(octets))
    assert str(odd.value) == f"{message} [decode]"


def test_a_list_of_20_000_values_is_read():
    count = 20_000
    octets = b"\xc4\x03\xc1" + axdr.encode_length(count) + b"\0\x11\x05" * count
    assert len(decode_apdu(octets).results) == count


@pytest.mark.parametrize(
    "apdu",
    [
        GetRequestNormal(256, CLOCK_TIME),
        GetRequestNormal(1, AttributeDescriptor(65536, ObisCode.CLOCK, 2)),
        GetRequestNormal(1, AttributeDescriptor(8, ObisCode.CLOCK, 128)),
        SetRequestNormal(1, AttributeDescriptor(-1, ObisCode.CLOCK, 2), None, b"\0"),
        GetRequestNext(1, 1 << 32),
        GeneralBlockTransfer(True, False, 64, 1, 0, b""),
        ReadRequest((VariableName(65536),)),
        DataNotification(1 << 32, b"", b"\0"),
    ],
)
def test_a_number_that_does_not_fit_is_a_value_error(apdu):
    with pytest.raises(ValueError):
        apdu.encode()


def test_a_manufacturers_attribute_has_a_negative_number():
    mine = AttributeDescriptor(3, ObisCode.VOLTAGE_L1, -1)
    assert decode_apdu(GetRequestNormal(1, mine).encode()).attribute == mine
    assert str(mine) == "3/1-0:32.7.0*255/-1"


def test_an_apdu_is_named_by_its_first_octet_alone():
    assert apdu_name(bytes.fromhex("c401c100")) == "c4 get-response"
    assert apdu_name(b"\xff\x01") == "ff"
    assert apdu_name(b"") == "nothing"
