"""GET, SET, ACTION, ACCESS on the emulated meter, whole, in lists and in blocks."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu.access import AccessAction, AccessGet, AccessRequest, AccessSet
from meterkit.dlms.apdu.action import (
    ActionRequestBlock,
    ActionRequestFirstBlock,
    ActionRequestNormal,
    ActionRequestWithList,
    ActionRequestWithListFirstBlock,
    ActionResponseNextBlock,
    ActionResponseNormal,
    ActionResponseWithList,
)
from meterkit.dlms.apdu.descriptors import (
    ActionResult,
    AttributeDescriptor,
    DataAccessResult,
    MethodDescriptor,
)
from meterkit.dlms.apdu.get import (
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithBlock,
    GetResponseWithList,
)
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
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.emulator.dlms.logical_device import NOTE, SECRET
from tests.emulator.dlms.meters import CLOCK_OCTETS, NOW, manager

INVOKE = 0xC1
CLOCK = AttributeDescriptor(8, ObisCode.CLOCK, 2)
ENERGY = AttributeDescriptor(3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 2)
BUFFER = AttributeDescriptor(7, ObisCode.LOAD_PROFILE, 2)
NOTES = AttributeDescriptor(1, NOTE, 2)
OFF = MethodDescriptor(70, ObisCode.DISCONNECT_CONTROL, 1)
ZERO = axdr.encode_integer(0)
LONG = axdr.encode_octet_string(bytes(range(256)) * 3)


def get(client, attribute):
    return client.ask_decoded(GetRequestNormal(INVOKE, attribute)).result


def get_in_blocks(client, response):
    octets = b""
    while True:
        octets += response.result
        if response.is_last:
            return octets
        response = client.ask_decoded(GetRequestNext(INVOKE, response.block_number))


def pieces(octets, size=100):
    cut = [octets[at : at + size] for at in range(0, len(octets), size)]
    return [(number == len(cut), number, piece) for number, piece in enumerate(cut, 1)]


# ---------------------------------------------------------------- GET
def test_values_agree_with_the_household():
    client = manager()
    wh = int(client.emulator.household.energy(NOW)[0])
    assert get(client, CLOCK) == CLOCK_OCTETS
    assert get(client, ENERGY) == axdr.encode_double_long_unsigned(wh)


@pytest.mark.parametrize(
    ("attribute", "result"),
    [
        (AttributeDescriptor(1, ObisCode(0, 0, 99, 99, 99), 2), DataAccessResult.OBJECT_UNDEFINED),
        (AttributeDescriptor(1, ObisCode.CLOCK, 2), DataAccessResult.OBJECT_CLASS_INCONSISTENT),
        (AttributeDescriptor(8, ObisCode.CLOCK, 99), DataAccessResult.OBJECT_UNDEFINED),
        (AttributeDescriptor(15, ObisCode.CURRENT_ASSOCIATION, 7), DataAccessResult.READ_WRITE_DENIED),
    ],
)
def test_a_get_that_cannot_be_says_why(attribute, result):
    assert get(manager(), attribute) == result


def test_a_reader_may_not_read_what_is_for_managers():
    client = manager()
    assert isinstance(get(client, AttributeDescriptor(1, SECRET, 2)), bytes)
    client.sap = 16
    client.associate()
    assert get(client, AttributeDescriptor(1, SECRET, 2)) == DataAccessResult.READ_WRITE_DENIED


def test_attribute_zero_is_all_attributes():
    value = axdr.decode(get(manager(), AttributeDescriptor(3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 0)))
    assert value[0] == bytes.fromhex("0100010800ff")
    assert value[2] == (0, 30)


def test_a_long_value_comes_in_blocks_that_fit():
    client = manager(profile={"rows": 100})
    client.associate(max_pdu="0080", password=True)
    first = client.ask_decoded(GetRequestNormal(INVOKE, BUFFER))
    assert isinstance(first, GetResponseWithBlock)
    assert len(first.encode()) <= 0x80
    assert len(axdr.decode(get_in_blocks(client, first))) == 100


def test_a_wrong_block_number_ends_the_transfer():
    client = manager()
    first = client.ask_decoded(GetRequestNormal(INVOKE, BUFFER))
    assert not first.is_last
    wrong = client.ask_decoded(GetRequestNext(INVOKE, 7))
    assert wrong.result == DataAccessResult.DATA_BLOCK_NUMBER_INVALID
    gone = client.ask_decoded(GetRequestNext(INVOKE, 1))
    assert gone.result == DataAccessResult.NO_LONG_GET_IN_PROGRESS


def test_without_blocks_a_long_value_is_unavailable():
    client = manager()
    client.associate(conformance="00000010", password=True)
    assert get(client, BUFFER) == DataAccessResult.DATA_BLOCK_UNAVAILABLE


def test_a_list_is_answered_item_by_item():
    client = manager()
    missing = AttributeDescriptor(1, ObisCode(9, 9, 9, 9, 9), 2)
    response = client.ask_decoded(
        GetRequestWithList(INVOKE, ((CLOCK, None), (missing, None), (ENERGY, None)))
    )
    assert isinstance(response, GetResponseWithList)
    assert response.results[0] == CLOCK_OCTETS
    assert response.results[1] == DataAccessResult.OBJECT_UNDEFINED


def test_a_long_list_comes_in_blocks():
    client = manager(profile={"rows": 40})
    first = client.ask_decoded(GetRequestWithList(INVOKE, ((CLOCK, None), (BUFFER, None))))
    octets = get_in_blocks(client, first)
    assert octets[:2].hex() == "0200"
    assert octets[2:16] == CLOCK_OCTETS
    assert len(axdr.decode(octets[17:])) == 40


# ---------------------------------------------------------------- SET
def test_a_clock_that_was_set_goes_on_from_there():
    client = manager()
    octets = bytes.fromhex("090c07ea0c01ff0a000000ffc400")
    assert client.ask_decoded(SetRequestNormal(INVOKE, CLOCK, None, octets)).result == 0
    assert axdr.decode(get(client, CLOCK))[:8].hex() == "07ea0c01020a0000"


@pytest.mark.parametrize(
    ("attribute", "value", "result"),
    [
        (CLOCK, "0905", DataAccessResult.TYPE_UNMATCHED),
        (CLOCK, "1101", DataAccessResult.TYPE_UNMATCHED),
        (CLOCK, "090cffffffffffffffffff800000", DataAccessResult.OTHER_REASON),
        (ENERGY, "0600000000", DataAccessResult.READ_WRITE_DENIED),
        (NOTES, "1101", DataAccessResult.TYPE_UNMATCHED),
    ],
)
def test_a_set_that_cannot_be_says_why(attribute, value, result):
    client = manager()
    request = SetRequestNormal(INVOKE, attribute, None, bytes.fromhex(value)).encode()
    answer = client.ask(request)
    assert answer.hex() in (f"c501c1{result:02x}", "d80102")
    if result is not DataAccessResult.TYPE_UNMATCHED or value == "1101":
        assert answer[3] == result


def test_a_list_of_sets_is_answered_item_by_item():
    client = manager()
    note = axdr.encode_octet_string(b"both")
    request = SetRequestWithList(INVOKE, ((NOTES, None), (ENERGY, None)), (note, b"\x11\x01"))
    response = client.ask_decoded(request)
    assert response == SetResponseWithList(INVOKE, (DataAccessResult(0), DataAccessResult(3)))
    assert get(client, NOTES) == note


def test_a_long_value_is_written_in_blocks():
    client = manager()
    blocks = pieces(LONG)
    response = client.ask_decoded(SetRequestFirstBlock(INVOKE, NOTES, None, *blocks[0]))
    for number, block in enumerate(blocks[1:], 2):
        assert response == SetResponseBlock(INVOKE, number - 1)
        response = client.ask_decoded(SetRequestBlock(INVOKE, *block))
    assert response == SetResponseLastBlock(INVOKE, DataAccessResult(0), len(blocks))
    assert get(client, NOTES) == LONG


def test_a_long_list_is_written_in_blocks():
    client = manager()
    blocks = pieces(b"\x02" + LONG + b"\x11\x01")
    attributes = ((NOTES, None), (ENERGY, None))
    response = client.ask_decoded(SetRequestWithListFirstBlock(INVOKE, attributes, *blocks[0]))
    for block in blocks[1:]:
        response = client.ask_decoded(SetRequestBlock(INVOKE, *block))
    results = (DataAccessResult(0), DataAccessResult(3))
    assert response == SetResponseLastBlockWithList(INVOKE, results, len(blocks))
    assert get(client, NOTES) == LONG


def test_a_block_out_of_order_writes_nothing():
    client = manager()
    client.ask(SetRequestFirstBlock(INVOKE, NOTES, None, False, 1, LONG[:100]).encode())
    response = client.ask_decoded(SetRequestBlock(INVOKE, True, 3, LONG[100:]))
    assert response.result == DataAccessResult.DATA_BLOCK_NUMBER_INVALID
    again = client.ask_decoded(SetRequestBlock(INVOKE, True, 2, LONG[100:]))
    assert again.result == DataAccessResult.NO_LONG_SET_IN_PROGRESS
    assert get(client, NOTES) == b"\x09\x00"


# ---------------------------------------------------------------- ACTION
def test_a_method_switches_the_breaker():
    client = manager()
    assert client.ask_decoded(ActionRequestNormal(INVOKE, OFF, ZERO)) == ActionResponseNormal(
        INVOKE, ActionResult(0)
    )
    assert get(client, AttributeDescriptor(70, ObisCode.DISCONNECT_CONTROL, 2)) == axdr.encode_boolean(False)


def test_a_script_switches_it_back():
    client = manager()
    client.ask(ActionRequestNormal(INVOKE, OFF, ZERO).encode())
    execute = MethodDescriptor(9, ObisCode(0, 0, 10, 0, 106), 1)
    response = client.ask_decoded(ActionRequestNormal(INVOKE, execute, axdr.encode_long_unsigned(2)))
    assert response.result == 0
    assert client.emulator.device.breaker.state == 1


def test_a_method_that_cannot_be_says_why():
    client = manager()
    wrong_type = client.ask_decoded(ActionRequestNormal(INVOKE, OFF, axdr.encode_octet_string(b"")))
    assert wrong_type.result == ActionResult.TYPE_UNMATCHED
    missing = client.ask_decoded(ActionRequestNormal(INVOKE, MethodDescriptor(70, OFF.obis, 9), ZERO))
    assert missing.result == ActionResult.OBJECT_UNDEFINED
    client.sap = 16
    client.associate()
    assert client.ask_decoded(ActionRequestNormal(INVOKE, OFF, ZERO)).result == ActionResult.READ_WRITE_DENIED


def test_methods_in_a_list_and_in_blocks():
    client = manager()
    nothing = MethodDescriptor(70, OFF.obis, 9)
    response = client.ask_decoded(ActionRequestWithList(INVOKE, (OFF, nothing), (ZERO, b"\0")))
    expected = ActionResponseWithList(INVOKE, ((ActionResult(0), None), (ActionResult(4), None)))
    assert response == expected
    first = client.ask_decoded(ActionRequestFirstBlock(INVOKE, OFF, False, 1, ZERO[:1]))
    assert first == ActionResponseNextBlock(INVOKE, 1)
    assert client.ask_decoded(ActionRequestBlock(INVOKE, True, 2, ZERO[1:])).result == 0
    client.ask(ActionRequestWithListFirstBlock(INVOKE, (OFF, nothing), False, 1, b"\x02").encode())
    assert client.ask_decoded(ActionRequestBlock(INVOKE, True, 2, ZERO + b"\0")) == expected


# ---------------------------------------------------------------- ACCESS
def test_access_reads_writes_and_switches_in_one():
    client = manager()
    note = axdr.encode_octet_string(b"access")
    specifications = (
        AccessGet(CLOCK),
        AccessSet(NOTES),
        AccessAction(OFF),
        AccessGet(NOTES),
        AccessSet(ENERGY),
    )
    data = (b"\0", note, ZERO, b"\0", b"\x11\x01")
    response = client.ask_decoded(AccessRequest(0x40000001, b"", specifications, data))
    assert response.data == (CLOCK_OCTETS, b"\0", b"\0", note, b"\0")
    assert [(one.service, int(one.result)) for one in response.results] == [
        (1, 0),
        (2, 0),
        (3, 0),
        (1, 0),
        (2, 3),
    ]


def test_access_stops_at_the_first_refusal_when_told_so():
    client = manager()
    request = AccessRequest(
        0x60000001, b"", (AccessSet(ENERGY), AccessSet(NOTES)), (b"\x11\x01", b"\x09\x01x")
    )
    response = client.ask_decoded(request)
    assert [int(one.result) for one in response.results] == [3, 250]
    assert get(client, NOTES) == b"\x09\x00"


# ---------------------------------------------------------------- quirks
def test_junk_follows_a_clocks_value_and_a_last_block():
    client = manager(quirks=[DlmsQuirk.JUNK_AFTER_VALUE], profile={"rows": 30})
    assert client.ask(GetRequestNormal(INVOKE, CLOCK).encode())[4:] != CLOCK_OCTETS
    assert client.ask(GetRequestNormal(INVOKE, CLOCK).encode())[4:].startswith(CLOCK_OCTETS)


def test_quirks_of_lists_and_numbers():
    client = manager()
    both = GetRequestWithList(INVOKE, ((CLOCK, None), (ENERGY, None)))
    client.emulator.quirks.add(DlmsQuirk.SINGLE_ANSWER_TO_LIST)
    assert client.ask_decoded(both) == GetResponseNormal(INVOKE, CLOCK_OCTETS)
    client.emulator.quirks.add(DlmsQuirk.LIST_REFUSED)
    assert client.ask(both.encode()).hex() == "d80102"
    client.emulator.quirks.add(DlmsQuirk.WRONG_INVOKE_ID)
    assert client.ask(GetRequestNormal(INVOKE, CLOCK).encode())[2] != INVOKE
    client.emulator.quirks.clear()
    client.emulator.quirks.add(DlmsQuirk.WRONG_BLOCK_NUMBER)
    first = client.ask_decoded(GetRequestNormal(INVOKE, BUFFER))
    assert client.ask_decoded(GetRequestNext(INVOKE, first.block_number)).block_number == 3
    client.emulator.quirks.clear()
    client.emulator.quirks.add(DlmsQuirk.SCALER_DENIED)
    assert get(client, AttributeDescriptor(3, ENERGY.obis, 3)) == DataAccessResult.READ_WRITE_DENIED
    client.emulator.quirks.clear()
    client.emulator.quirks.add(DlmsQuirk.NO_ANSWER_TO_FIRST_BLOCK)
    assert client.send(SetRequestFirstBlock(INVOKE, NOTES, None, False, 1, LONG[:9]).encode()) == []


def test_a_stale_answer_comes_before_the_right_one():
    client = manager(quirks=[DlmsQuirk.STALE_ANSWER_FIRST])
    client.ask(GetRequestNormal(0xC2, ENERGY).encode())
    stale, right = (apdu for _, _, apdu in client.send(GetRequestNormal(0xC3, CLOCK).encode()))
    assert (stale[2], right[2]) == (0xC2, 0xC3)


def test_an_unanswered_request_is_executed_all_the_same():
    client = manager()
    client.emulator.faults.unanswered = 1
    assert client.send(ActionRequestNormal(INVOKE, OFF, ZERO).encode()) == []
    assert client.emulator.device.breaker.state == 0


def test_a_set_is_plain_whatever_the_answer_looks_like():
    response = manager().ask_decoded(SetRequestNormal(INVOKE, NOTES, None, b"\x09\x01x"))
    assert response == SetResponseNormal(INVOKE, DataAccessResult(0))
