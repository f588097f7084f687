"""Long requests and answers in each service's own blocks."""

import pytest

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.conformance import Conformance
from meterkit.errors import ErrorKind
from meterkit.link import Advanced, Failed, Message, Notice, Transmit
from tests.dlms.association_rig import Rig, failed, message, octets, spaced

GET = "c001c1000701006301" + "00ff0200"
LIST = "c003c102" + "000100002a0000ff0200" * 2
SET = "c101c1000100002a0000ff0200" + "090a" + "30313233343536373839"
SET_LIST = "c104c102" + "000100002a0000ff0200" * 2 + "02" + "1105" + "0908" + "0102030405060708"
ACTION = "c301c1000f0000280000ff0101" + "090a" + "30313233343536373839"
ACTION_LIST = "c303c102" + "000f0000280000ff01" * 2 + "02" + "090a" + "30313233343536373839" + "00"


def block(tag, number, raw, *, last=False, result="00"):
    data = octets(raw)
    return f"{tag}c1{int(last):02x}{number:08x}{result}{len(data):02x}{data.hex()}"


def get_block(number, raw, *, last=False):
    return block("c402", number, raw, last=last)


def action_block(number, raw, *, last=False):
    return block("c702", number, raw, last=last, result="")


# ---------------------------------------------------------------------- GET
def test_a_long_answer_is_followed_block_by_block():
    rig = Rig()
    assert rig.send(GET) == [GET]
    assert rig.come(get_block(1, "0102 1200".replace(" ", ""))) == [
        Advanced(),
        Transmit(octets("c002c100000001")),
    ]
    assert rig.come(get_block(2, "01")) == [Advanced(), Transmit(octets("c002c100000002"))]
    # The last block may be empty, and a value may span blocks.
    assert rig.come(get_block(3, "120002")) == [Advanced(), Transmit(octets("c002c100000003"))]
    assert rig.come(get_block(4, "", last=True)) == [Message(octets("c401c100" + "0102120001120002"))]
    assert not rig.association.is_pending


def test_a_block_of_many_octets_has_a_long_length():
    value = "0982012c" + "55" * 300
    first = f"c402c10000000001008200c8{value[:400]}"
    last = f"c402c10100000002008168{value[400:]}"
    assert message(Rig().ask(GET, first, last)[1]) == "c401c100" + value


def test_a_lone_block_that_is_the_last_is_a_whole_answer():
    assert message(Rig().ask(GET, get_block(1, "120001", last=True))[1]) == "c401c100120001"


def test_a_list_answered_in_blocks_is_a_list():
    out, events = Rig().ask(LIST, get_block(1, "0200"), get_block(2, "120001010b", last=True))
    assert out == [LIST, "c002c100000001"]
    whole = message(events)
    assert whole == "c403c1" + "0200120001010b"
    assert len(decode_apdu(octets(whole)).results) == 2


def test_a_list_may_be_answered_by_one():
    assert message(Rig().ask(LIST, "c401c1010b")[1]) == "c401c1010b"


def test_blocks_may_be_counted_from_0():
    out, events = Rig().ask(GET, get_block(0, "12"), get_block(1, "0001", last=True))
    assert out[1:] == ["c002c100000000"]
    assert message(events) == "c401c100120001"


def test_an_error_in_a_block_fails_the_exchange_in_words():
    for last in ("00", "01"):
        error = failed(Rig().ask(GET, get_block(1, "12"), f"c402c1{last}00000002010f")[1])
        assert error.kind is ErrorKind.REFUSED
        assert error.code == 15
        assert "broken off at block 2: long-get-aborted" in error.message


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ([get_block(2, "12")], "begins with block 2"),
        ([get_block(1, "12"), get_block(3, "00")], "block 2 was expected, block 3 came"),
        ([get_block(1, "12"), get_block(1, "13")], "block 2 was expected, block 1 came"),
        ([get_block(1, "12"), "c404c100"], "one of 01, 02, 03 expected, 04 came"),
        ([get_block(1, "12"), "c402c100000000"], ""),
        (["c402c1"], ""),
    ],
)
def test_a_wrong_block_fails_the_exchange_and_leaves_the_link_well(blocks, told):
    rig = Rig()
    error = failed(rig.ask(GET, *blocks)[1])
    assert told in error.message
    assert error.kind in (ErrorKind.PROTOCOL, ErrorKind.DECODE)
    assert rig.ask(GET.replace("c001c1", "c001c2"), "c401c200120001")[1] == [
        Message(octets("c401c200120001"))
    ]


def test_the_same_block_again_is_dropped():
    rig = Rig()
    first = get_block(1, "12")
    rig.ask(GET, first)
    assert rig.come(first) == []
    assert message(rig.come(get_block(2, "0001", last=True))) == "c401c100120001"


def test_blocks_before_they_were_asked_for_are_dropped():
    rig = Rig()
    rig.send(GET)
    events = rig.come(get_block(1, "12"), get_block(2, "0001", last=True))
    assert events == [Advanced(), Transmit(octets("c002c100000001"))]
    assert message(rig.come(get_block(2, "0001", last=True))) == "c401c100120001"


def test_a_push_between_blocks_is_a_notice():
    rig = Rig()
    rig.ask(GET, get_block(1, "12"))
    assert rig.come("0f000000010012 0005".replace(" ", "")) == [Notice(octets("0f0000000100120005"))]
    assert message(rig.come(get_block(2, "0001", last=True))) == "c401c100120001"


@pytest.mark.parametrize("refusal", ["d80102", "d8010600000007", "0e050302"])
def test_an_exception_in_the_middle_ends_the_exchange(refusal):
    assert Rig().ask(GET, get_block(1, "12"), refusal)[1] == [Message(octets(refusal))]


def test_a_refusal_of_the_next_block_ends_the_exchange():
    assert message(Rig().ask(GET, get_block(1, "12"), "c401c1010e")[1]) == "c401c1010e"


def test_an_answer_without_end_is_cut():
    rig = Rig(max_response_size=10)
    error = failed(rig.ask(GET, get_block(1, "55" * 6), get_block(2, "55" * 6))[1])
    assert "12 octets with block 2, 10 are allowed" in error.message


def test_empty_blocks_without_end_are_cut():
    rig = Rig()
    rig.send(GET)
    events = []
    for number in range(1, 20):
        events = rig.come(get_block(number, ""))
        if isinstance(events[-1], Failed):
            break
    assert "9 blocks without data up to block 9" in failed(events).message


# ---------------------------------------------------------------------- SET
def test_a_long_set_goes_in_blocks_and_is_answered_as_if_it_had_not():
    rig = Rig(max_pdu=24)
    assert rig.send(SET) == [spaced("c102c1 000100002a0000ff02 00 00 00000001 05 090a303132")]
    assert rig.come("c502c100000001") == [
        Advanced(),
        Transmit(octets(spaced("c103c1 01 00000002 07 33343536373839"))),
    ]
    assert rig.come("c503c10000000002") == [Message(octets("c501c100"))]


def test_every_block_fills_the_pdu_and_none_is_longer():
    value = "0981c8" + "77" * 200
    for limit in range(20, 90):
        rig = Rig(max_pdu=limit)
        out = rig.send("c101c1000100002a0000ff0200" + value)
        raw = b""
        while True:
            apdu = decode_apdu(octets(out[0]))
            raw += apdu.raw
            assert len(octets(out[0])) == limit or apdu.is_last or not raw
            assert len(octets(out[0])) <= limit
            if apdu.is_last:
                break
            out = [
                e.octets.hex() for e in rig.come(f"c502c1{apdu.block_number:08x}") if isinstance(e, Transmit)
            ]
        assert raw.hex() == value


def test_lengths_of_two_and_three_octets_fit_exactly():
    for limit in (*range(140, 160), *range(265, 290)):
        rig = Rig(max_pdu=limit)
        (first,) = rig.send("c101c1000100002a0000ff0200" + "09820200" + "77" * 512)
        assert limit - 1 <= len(octets(first)) <= limit


def test_a_long_set_with_a_list_goes_in_blocks():
    rig = Rig(max_pdu=34)
    out, _ = rig.ask(SET_LIST, "c502c100000001")
    assert out == [
        "c105c102" + "000100002a0000ff0200" * 2 + "00" + "00000001" + "04" + "02110509",
        "c103c1" + "01" + "00000002" + "09" + "080102030405060708",
    ]
    assert message(rig.come("c504c102000100000002".replace("0001", "0003"))) == "c505c1020003"


def test_a_long_set_with_a_selection_keeps_it():
    rig = Rig(max_pdu=27)
    (first,) = rig.send("c101c1000700006301 00ff02".replace(" ", "") + "0102" + "1100" + "090a" + "30" * 10)
    assert first.startswith("c102c10007000063 0100ff02".replace(" ", "") + "01021100" + "0000000001")


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        (["c501c103"], "c501c103"),
        (["c503c10300000001"], "c501c103"),
        (["c502c100000001", "c503c10b00000002"], "c501c10b"),
        (["c502c100000001", "c501c100"], "c501c100"),
        (["d80102"], "d80102"),
    ],
)
def test_refusals_come_at_any_time(answers, result):
    rig = Rig(max_pdu=24)
    assert message(rig.ask(SET, *answers)[1]) == result


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (["c502c100000002"], "block 1 was sent, the meter acknowledged block 2"),
        (["c501c100"], "success after block 1, 5 of 12 octets"),
        (["c503c10000000001"], "success after block 1"),
        (["c502c100000001", "c502c100000002"], "acknowledged block 2, the last, as if more were to come"),
        (["c502c100000001", "c503c10000000003"], "block 2 was sent, the meter acknowledged block 3"),
        (["c502c1"], ""),
    ],
)
def test_a_set_whose_blocks_go_wrong_fails(answers, told):
    rig = Rig(max_pdu=24)
    out, events = rig.ask(SET, *answers)
    assert told in failed(events).message
    assert len(out) == len(set(out))


def test_a_long_set_with_a_list_may_be_refused_as_if_it_had_come_whole():
    assert message(Rig(max_pdu=34).ask(SET_LIST, "c505c1020300")[1]) == "c505c1020300"
    events = Rig(max_pdu=34).ask(SET_LIST, "c505c1020000")[1]
    assert "success after block 1" in failed(events).message


def test_a_set_acknowledgement_that_comes_twice_sends_nothing_twice():
    rig = Rig(max_pdu=19)
    rig.send(SET)
    assert rig.come("c502c100000001", "c502c100000001") == [
        Advanced(),
        Transmit(octets("c103c100000000020a" + SET[26:46])),
    ]
    assert rig.come("c502c100000001") == []
    assert rig.come("c502c100000002") == [Advanced(), Transmit(octets("c103c1010000000302" + SET[46:]))]
    assert rig.come("c502c100000002") == []


def test_an_acknowledgement_of_a_block_that_nobody_sent_fails():
    error = failed(Rig().ask(SET, "c502c100000001")[1])
    assert "a whole answer, or its first block, was expected, c5 02" in error.message


def test_a_meter_too_small_for_any_block_is_told():
    error = failed(Rig(max_pdu=17).association.send(octets(SET)))
    assert error.kind is ErrorKind.STATE
    assert "takes PDUs of 17 octets; even in blocks the request needs 19" in error.message


# ---------------------------------------------------------------------- ACTION
def test_parameters_go_up_in_blocks_and_results_come_down_in_blocks():
    rig = Rig(max_pdu=23)
    out, _ = rig.ask(ACTION, "c704c100000001")
    assert out == [
        spaced("c304c1 000f0000280000ff01 00 00000001 05 090a303132"),
        spaced("c306c1 01 00000002 07 33343536373839"),
    ]
    assert rig.come(action_block(1, "0001")) == [Advanced(), Transmit(octets("c302c100000001"))]
    assert message(rig.come(action_block(2, "00120005", last=True))) == "c701c1" + "000100120005"


@pytest.mark.parametrize("raw", ["000100 0904 01020304", "00 0904 01020304", "0904 01020304"])
def test_the_three_readings_of_a_pblock_are_one_answer(raw):
    for cut in (2, 4, 8):
        events = Rig().ask(
            ACTION, action_block(1, spaced(raw)[:cut]), action_block(2, spaced(raw)[cut:], last=True)
        )
        assert message(events[1]) == "c701c1000100090401020304"


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("0300", "0300"),
        ("00010105", "00010105"),
        ("0105", "00010105"),
        ("000100", "00010001 00"),
        ("0101120005", "000100 0101120005"),
        ("000100120005ffff", "000100120005ffff"),
        ("0202120005120006ffff", "000100 0202120005120006ffff"),
    ],
)
def test_odd_pblocks(raw, answer):
    assert message(Rig().ask(ACTION, action_block(1, raw, last=True))[1]) == "c701c1" + spaced(answer)


@pytest.mark.parametrize("raw", ["0200000100120005", "0300000100120005", "01"])
def test_a_list_of_actions_answered_in_blocks_is_a_list_of_as_many(raw):
    events = Rig().ask(ACTION_LIST, action_block(1, raw, last=True))[1]
    if raw.startswith("02"):
        assert message(events) == "c703c1" + raw
    else:
        assert "no list of results" in failed(events).message


def test_results_one_after_the_other_are_a_list():
    events = Rig().ask(ACTION_LIST, action_block(1, "00120005" + "0104", last=True))[1]
    assert message(events) == spaced("c703c1 02 0001 00120005 0001 0104")


def test_a_list_of_one_may_be_answered_by_its_error_alone():
    one = "c303c101" + "000f0000280000ff01" + "01" + "00"
    # 01 04 could be a list of one as well, but that would go on behind its 04.
    events = Rig().ask(one, action_block(1, "0104", last=True))[1]
    assert message(events) == spaced("c703c1 01 0001 0104")


def test_a_block_of_an_answer_that_comes_twice_is_asked_for_once():
    rig = Rig()
    assert rig.ask(ACTION, action_block(1, "0001"))[0] == [ACTION, "c302c100000001"]
    assert rig.come(action_block(1, "0001")) == []
    assert message(rig.come(action_block(2, "00120005", last=True))) == "c701c1000100120005"


def test_an_action_that_went_whole_has_no_blocks_to_acknowledge():
    events = Rig().ask(ACTION, action_block(1, "0001"), "c704c100000001")[1]
    assert "the next step of the ACTION was expected, c7 04" in failed(events).message


def test_a_long_list_of_actions_goes_up_in_blocks():
    rig = Rig(max_pdu=34)
    out, events = rig.ask(ACTION_LIST, "c704c100000001", "c703c10200000000")
    assert out[0].startswith("c305c102" + "000f0000280000ff01" * 2 + "0000000001")
    assert "".join(octets(o).hex() for o in out).endswith("00")
    assert message(events) == "c703c10200000000"


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (["c704c100000003"], "block 1 was sent, the meter acknowledged block 3"),
        (["c701c10000"], "success after block 1"),
        ([action_block(1, "00")], "began to answer after block 1"),
        (["c704c100000001", "c704c100000002"], "the last, as if more were to come"),
        (["c704c100000001", action_block(1, "fe", last=True)], "no result and no value"),
    ],
)
def test_an_action_whose_blocks_go_wrong_fails(answers, told):
    assert told in failed(Rig(max_pdu=23).ask(ACTION, *answers)[1]).message


def test_a_refusal_after_results_have_begun_does_not_say_that_nothing_was_done():
    """As when a late datagram of another request ended the transfer: the method has run by then."""
    rig = Rig()
    rig.ask(ACTION, action_block(1, "0001"))
    error = failed(rig.come("c701c11000"))
    assert (error.kind, error.code) == (ErrorKind.REFUSED, 16)
    assert "after block 1" in error.message
    assert "may have been performed" in error.message


def test_an_action_is_refused_in_the_middle():
    assert message(Rig(max_pdu=23).ask(ACTION, "c701c10300")[1]) == "c701c10300"


# ---------------------------------------------------------------------- Read and Write
READ = "050102fa08"
LONG_READ = "0503" + "02fa08" * 3
WRITE = "060102fa08" + "01" + "090a" + "30313233343536373839"


def test_a_long_read_answer_is_followed():
    out, events = Rig().ask(READ, "0c010200000104" + "01001200", "0c01020100020105")
    assert out == [READ, "0501050001"]
    assert message(events) == "0c0100120005"


def test_a_long_read_request_goes_up_and_its_answer_comes_down():
    rig = Rig(max_pdu=10)
    answers = ("0c01030001", "0c01030002", "0c01030003", "0c010200000102" + "0300")
    out, events = rig.ask(LONG_READ, *answers)
    assert out == [
        "050106000001" + "03" + "0302fa",
        "050106000002" + "03" + "0802fa",
        "050106000003" + "03" + "0802fa",
        "050106010004" + "01" + "08",
        "0501050001",
    ]
    assert [type(event) for event in events] == [Advanced, Transmit]
    rest = "1101" + "001102" + "001103"
    assert message(rig.come("0c010201000208" + rest)) == "0c" + "0300" + rest


def test_a_read_refused_or_answered_too_early():
    assert message(Rig(max_pdu=10).ask(LONG_READ, "0c01010b")[1]) == "0c01010b"
    assert (
        "acknowledgement of the Read's block 1"
        in failed(Rig(max_pdu=10).ask(LONG_READ, "0c0100120005")[1]).message
    )
    assert isinstance(Rig().ask(READ, "0c01030001")[1][-1], Failed)


def test_a_block_of_a_read_that_comes_twice_is_asked_for_once():
    rig = Rig()
    assert rig.ask(READ, "0c0102000001021200")[0] == [READ, "0501050001"]
    assert rig.come("0c0102000001021200") == []
    assert message(rig.come("0c01020100020105")) == "0c" + "120005"


def test_a_long_read_may_be_answered_whole():
    values = "0c03" + "001101" + "001102" + "001103"
    assert (
        message(Rig(max_pdu=10).ask(LONG_READ, "0c01030001", "0c01030002", "0c01030003", values)[1]) == values
    )


def test_a_long_write_goes_up():
    rig = Rig(max_pdu=16)
    out, events = rig.ask(WRITE, "0d01020001", "0d01020002", "0d0100")
    assert [block[:16] for block in out] == ["0601070000010109", "0601070000020109", "0601070100030109"]
    assert b"".join(octets(block)[9:] for block in out).hex() == WRITE[2:]
    assert message(events) == "0d0100"


def test_a_write_refused_or_confirmed_too_early():
    assert message(Rig(max_pdu=16).ask(WRITE, "0d010103")[1]) == "0d010103"
    assert "success after block 1" in failed(Rig(max_pdu=16).ask(WRITE, "0d0100")[1]).message
    assert isinstance(Rig().ask(WRITE, "0d01020001")[1][-1], Failed)


def test_only_the_granted_kind_of_block_is_used():
    rig = Rig(Conformance.ACTION | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE, 24)
    assert failed(rig.association.send(octets(ACTION))).kind is ErrorKind.STATE
    assert rig.send(SET)[0].startswith("c102")
