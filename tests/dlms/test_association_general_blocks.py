"""General block transfer: answers unasked in blocks, windows, lost blocks, long requests, pushes."""

import json
from pathlib import Path

import pytest

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.conformance import Conformance
from meterkit.errors import ErrorKind
from meterkit.link import Advanced, Failed, Message, Notice, Transmit
from tests.dlms.association_rig import GENERAL, Lower, Rig, broken, failed, message, octets, sent

VECTORS = {
    v["name"]: v for v in json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
}
GET = "c001c100080000010000ff0200"
ANSWER = "c401c100" + "0908" + "1122334455667788"
LONG = "c101c1000100002a0000ff0200" + "0914" + "00112233445566778899" * 2


def gbt(number, data="", *, ack=0, last=False, streaming=False, window=1):
    return GeneralBlockTransfer(last, streaming, window, number, ack, octets(data)).encode()


def parts(apdu, size):
    return [apdu[i : i + 2 * size] for i in range(0, len(apdu), 2 * size)]


def gbts(hexes):
    return [decode_apdu(octets(one)) for one in hexes]


ONE, TWO, THREE, FOUR = parts(ANSWER, 4)
PUSHED = "0f000000010002041101110211031104"


def test_an_answer_in_one_general_block_is_an_answer():
    out, events = Rig().ask(GET, gbt(1, ANSWER, last=True))
    assert out == [GET]
    assert events == [Advanced(), Message(octets(ANSWER))]


def test_an_answer_may_come_in_general_blocks_unasked():
    rig = Rig()
    rig.send(GET)
    # last, no streaming, window 1; our block 1, which acknowledges the meter's block 1.
    assert rig.come(gbt(1, ONE)) == [Advanced(), Transmit(octets("e0810001000100"))]
    assert rig.come(gbt(2, TWO, ack=1)) == [Advanced(), Transmit(octets("e0810002000200"))]
    assert message(rig.come(gbt(3, THREE, ack=2), gbt(4, FOUR, ack=2, last=True))) == ANSWER


def test_our_blocks_are_numbered_as_the_meter_counts_them():
    rig = Rig()
    rig.send(GET)
    # This meter counts the request, which went out whole, as block 1.
    (ack,) = gbts(sent(rig.come(gbt(1, ONE, ack=1))))
    assert (ack.block_number, ack.block_number_ack) == (2, 1)


def test_streamed_blocks_are_acknowledged_once_a_window():
    rig = Rig(window=2)
    rig.send(GET)
    assert rig.come(gbt(1, ONE, streaming=True)) == [Advanced()]
    assert sent(rig.come(gbt(2, TWO))) == ["e0820001000200"]
    assert sent(rig.come(gbt(3, THREE, streaming=True))) == []
    assert message(rig.come(gbt(4, FOUR, last=True))) == ANSWER


def test_a_meter_that_keeps_saying_streaming_is_acknowledged_at_the_end_of_our_window():
    rig = Rig(window=2)
    rig.ask(GET, gbt(1, ONE))
    assert rig.come(gbt(2, TWO, streaming=True)) == [Advanced()]
    assert sent(rig.come(gbt(3, THREE, streaming=True))) == ["e0820002000300"]


def test_a_lost_block_is_asked_for_again():
    rig = Rig(window=3)
    rig.send(GET)
    rig.come(gbt(1, ONE, streaming=True))
    (ack,) = gbts(sent(rig.come(gbt(3, THREE))))
    assert ack.block_number_ack == 1
    # The meter goes on from the lost one; what was here already is dropped.
    assert message(rig.come(gbt(2, TWO, streaming=True), gbt(3, THREE), gbt(4, FOUR, last=True))) == ANSWER


def test_a_meter_may_send_the_lost_block_alone():
    rig = Rig(window=3)
    rig.ask(GET, gbt(1, ONE, streaming=True), gbt(3, THREE, streaming=True), gbt(4, FOUR, last=True))
    assert message(rig.come(gbt(2, TWO))) == ANSWER


def test_a_lost_end_of_the_window_is_asked_for_after_silence():
    rig = Rig(window=3)
    rig.ask(GET, gbt(1, ONE, streaming=True))
    (ack,) = gbts(sent(rig.association.timed_out()))
    assert ack.block_number_ack == 1
    assert broken(rig.association.timed_out()).kind is ErrorKind.TIMEOUT


def test_a_block_that_never_comes_fails_the_exchange():
    rig = Rig(window=3)
    rig.ask(GET, gbt(1, ONE, streaming=True))
    events = []
    for count in range(1, 10):
        events = rig.come(gbt(2 + count, THREE))
        if isinstance(events[-1], Failed):
            assert count == 6
            break
    assert "block 2; 6 behind it came was asked for" in failed(events).message


def test_a_block_that_came_before_gives_us_no_turn():
    rig = Rig()
    rig.ask(GET, gbt(1, ONE))
    assert rig.come(gbt(1, ONE)) == []  # our answer would make the meter say all that follows twice
    assert len(sent(rig.come(gbt(2, TWO)))) == 1


class Silent(Lower):
    """A lower link that sends nothing twice by itself, as WRAPPER."""

    is_whole = True

    def forgo(self):
        return self.is_whole


def silent_rig(**options):
    return Rig(lower=Silent(), **options)


def test_a_lost_window_or_acknowledgement_is_asked_for_again_three_times():
    rig = silent_rig()
    out, _ = rig.ask(GET, gbt(1, ONE))
    for _ in range(3):
        assert sent(rig.association.timed_out()) == out[1:]
    error = broken(rig.association.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "block 2 was asked for 3 times more" in error.message


def test_whatever_comes_renews_the_patience_with_silence():
    rig = silent_rig()
    rig.ask(GET, gbt(1, ONE))
    for number, data in ((2, TWO), (3, THREE)):
        for _ in range(3):
            assert len(sent(rig.association.timed_out())) == 1
        assert len(sent(rig.come(gbt(number, data)))) == 1
    assert message(rig.come(gbt(4, FOUR, last=True))) == ANSWER


def test_a_message_that_broke_off_cannot_be_followed_by_another():
    rig = silent_rig()
    rig.ask(GET, gbt(1, ONE))
    rig.lower.is_whole = False
    assert broken(rig.association.timed_out()).kind is ErrorKind.TIMEOUT


def test_a_lower_link_that_asks_again_by_itself_is_left_to_it():
    rig = Rig(silence=[Transmit(b"RR")])
    rig.ask(GET, gbt(1, ONE))
    assert rig.association.timed_out() == [Transmit(b"RR")]


@pytest.mark.parametrize("heard", [[], [gbt(1, ack=1)], [gbt(1, ack=1), gbt(2, ack=2), PUSHED]])
def test_blocks_of_a_request_never_go_again_into_silence(heard):
    rig = silent_rig(conformance=Conformance.SET | GENERAL, max_pdu=25)
    rig.ask(LONG, *heard)
    assert broken(rig.association.timed_out()).kind is ErrorKind.TIMEOUT


def test_a_block_that_comes_late_a_second_time_is_no_part_of_the_next_answer():
    rig = silent_rig()
    rig.ask(GET, gbt(1, ONE))
    assert len(sent(rig.association.timed_out())) == 1
    last = gbt(2, ANSWER[8:], last=True)
    assert message(rig.come(last)) == ANSWER
    other = ONE.replace("c401c1", "c401c2")
    rig.ask(GET.replace("c001c1", "c001c2"), gbt(1, other))
    assert sent(rig.come(last)) == []
    assert message(rig.come(gbt(2, "0900", last=True))) == other + "0900"


def test_a_block_that_only_looks_late_comes_when_it_is_asked_for_again():
    rig = silent_rig()
    rig.ask(GET, gbt(1, ONE))
    assert len(sent(rig.association.timed_out())) == 1
    last = gbt(2, ANSWER[8:], last=True)
    assert message(rig.come(last)) == ANSWER
    rig.ask(GET, gbt(1, ONE))
    assert rig.come(last) == []
    assert len(sent(rig.association.timed_out())) == 1
    assert message(rig.come(last)) == ANSWER
    assert message(rig.ask(GET, gbt(1, ONE), last)[1]) == ANSWER  # once is enough


def test_repeated_blocks_buy_no_time():
    rig = Rig(window=3)
    rig.ask(GET, gbt(1, ONE, streaming=True))
    for _ in range(100):
        assert rig.come(gbt(1, ONE, streaming=True)) == []


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ([gbt(1, ONE), gbt(70, TWO)], "block 70 came, 2 was to be next"),
        (
            [gbt(1, ONE, streaming=True), gbt(3, THREE, last=True), gbt(4, "00")],
            "2 was to be next and 3 the last",
        ),
    ],
)
def test_a_block_out_of_place_fails_the_exchange(blocks, told):
    assert told in failed(Rig(window=3).ask(GET, *blocks)[1]).message


def test_too_many_octets_fail_the_exchange():
    events = Rig(max_response_size=6).ask(GET, gbt(1, ONE), gbt(2, TWO))[1]
    assert "8 octets with block 2, more than the 6 allowed" in failed(events).message


def test_mutilated_blocks_and_blocks_in_blocks_are_dropped_and_told():
    rig = Rig()
    rig.ask(GET, "e0", "e08100010001ff00", gbt(1, gbt(1, ANSWER, last=True).hex(), last=True))
    error = broken(rig.association.timed_out())
    assert "3 dropped, a general block that cannot be" in error.message


def test_an_answer_in_blocks_with_another_invoke_id_is_dropped():
    rig = Rig()
    assert rig.ask(GET, gbt(1, ANSWER.replace("c401c1", "c401c2"), last=True))[1] == [Advanced()]
    assert message(rig.come(gbt(1, ANSWER, last=True))) == ANSWER


def test_blocks_at_rest_are_dropped():
    assert Rig().come(gbt(1, ANSWER, last=True)) == []
    assert Rig().come(gbt(2, ANSWER, last=True)) == []


# ---------------------------------------------------------------------- requests
def test_a_long_request_goes_in_general_blocks_where_nothing_else_was_granted():
    rig = Rig(Conformance.SET | GENERAL, 25)
    out, events = rig.ask(LONG, gbt(1, ack=1), gbt(2, ack=2), gbt(3, "c501c100", ack=3, last=True))
    blocks = gbts(out)
    assert b"".join(block.data for block in blocks).hex() == LONG
    assert [(b.is_last, b.is_streaming, b.block_number, b.block_number_ack) for b in blocks] == [
        (False, False, 1, 0),
        (False, False, 2, 1),
        (True, False, 3, 2),
    ]
    assert all(len(octets(block)) <= 25 for block in out)
    assert events == [Advanced(), Message(octets("c501c100"))]


def test_general_blocks_are_preferred_only_on_demand():
    assert Rig(max_pdu=25).send(LONG)[0].startswith("c102")
    assert Rig(max_pdu=25, general=True).send(LONG)[0].startswith("e0")


def test_a_plain_answer_to_a_request_in_blocks_is_taken():
    rig = Rig(Conformance.SET | GENERAL, 40)
    assert message(rig.ask(LONG, gbt(1, ack=1), "c501c100")[1]) == "c501c100"
    assert message(Rig(Conformance.SET | GENERAL, 40).ask(LONG, "d80102")[1]) == "d80102"


def test_a_request_streams_as_far_as_both_allow():
    rig = Rig(GENERAL | Conformance.SET, 12, send_window=4)
    (first,) = gbts(rig.send(LONG))
    assert (first.block_number, first.is_streaming, len(first.data)) == (1, False, 3)
    three = gbts(sent(rig.come(gbt(1, ack=1, window=3))))
    assert [(b.block_number, b.is_streaming) for b in three] == [(2, True), (3, True), (4, False)]
    four = gbts(sent(rig.come(gbt(2, ack=4, window=9))))
    assert [(b.block_number, b.is_streaming) for b in four] == [(5, True), (6, True), (7, True), (8, False)]


def test_blocks_of_a_request_that_the_meter_lost_go_again_from_there():
    rig = Rig(GENERAL | Conformance.SET, 12, send_window=4)
    rig.ask(LONG, gbt(1, ack=1, window=3))
    again = gbts(sent(rig.come(gbt(2, ack=2, window=3))))
    assert [b.block_number for b in again] == [3, 4, 5]


def test_a_meter_that_never_acknowledges_fails_the_exchange():
    rig = Rig(GENERAL | Conformance.SET, 12)
    rig.send(LONG)
    events = []
    for number in range(1, 10):
        events = rig.come(gbt(number, ack=0))
        if isinstance(events[-1], Failed):
            break
    assert "block 1 of 12 of the request was sent 5 times" in failed(events).message


def test_an_acknowledgement_of_blocks_not_yet_sent_counts_for_nothing():
    rig = Rig(GENERAL | Conformance.SET, 12)
    rig.send(LONG)
    (again,) = gbts(sent(rig.come(gbt(1, ack=9))))
    assert again.block_number == 1


def test_an_acknowledgement_that_says_last_is_no_answer():
    rig = Rig(GENERAL | Conformance.SET, 40)
    rig.send(LONG)
    assert len(sent(rig.come(gbt(1, ack=1, last=True)))) == 1
    assert message(rig.come(gbt(2, "c501c100", ack=2, last=True))) == "c501c100"


def test_requests_that_cannot_be_cut_are_refused():
    for limit, told in ((9, "general blocks need at least 10"), (10, "make 70000 blocks")):
        rig = Rig(GENERAL | Conformance.SET, limit)
        long = octets("c101c1000100002a0000ff0200") + bytes(70000 - 13)
        error = failed(rig.association.send(long))
        assert error.kind is ErrorKind.STATE
        assert told in error.message
        assert not rig.association.is_pending


# ---------------------------------------------------------------------- pushes
PUSH = "0f000000010002041101110211031104"


def push(number, data, *, last=False):
    return gbt(number, data, last=last, streaming=not last, window=0)


def test_the_first_block_of_a_real_push_is_recognised_and_the_rest_makes_a_notice():
    rig = Rig()
    head = octets(VECTORS["push-gbt-lg-e450"]["hex"])  # its block-data are left out there
    first = head + octets("0f00000001") + bytes(head[-1] - 5)
    begin = decode_apdu(first)
    assert rig.come(first) == []
    events = rig.come(GeneralBlockTransfer(True, False, 0, 2, 0, b"\x00").encode())
    assert events == [Notice(begin.data + b"\x00")]


def test_a_push_in_blocks_is_put_together_beside_a_running_exchange():
    rig = Rig(window=3)
    one, two, three = parts(PUSH, 6)
    assert rig.come(push(1, one)) == []
    rig.send(GET)
    assert rig.come(gbt(1, ONE, streaming=True), push(2, two), gbt(2, TWO)) == [
        Advanced(),
        Advanced(),
        Transmit(octets("e0830001000200")),
    ]
    assert rig.come(push(3, three, last=True)) == [Notice(octets(PUSH))]
    assert message(rig.come(gbt(3, THREE), gbt(4, FOUR, last=True))) == ANSWER


def test_a_push_begins_anew_with_its_first_block():
    rig = Rig()
    one, two, three = parts(PUSH, 6)
    rig.come(push(1, one), push(2, two), push(1, one), push(2, two))
    assert rig.come(push(3, three, last=True)) == [Notice(octets(PUSH))]


def test_a_push_with_a_hole_never_comes_and_hurts_nobody():
    rig = Rig()
    one, _, three = parts(PUSH, 6)
    assert rig.come(push(1, one), push(3, three, last=True)) == []
    assert rig.come(push(99, "00"), push(100, "00")) == []
    assert message(rig.ask(GET, ANSWER)[1]) == ANSWER


def test_a_push_too_long_is_dropped():
    rig = Rig(max_response_size=8)
    one, two, three = parts(PUSH, 6)
    assert rig.come(push(1, one), push(2, two), push(3, three, last=True)) == []


def test_a_push_in_blocks_may_come_as_notices():
    rig = Rig()
    rig.send(GET)
    one, two, three = (
        Notice(push(number, part, last=number == 3)) for number, part in enumerate(parts(PUSH, 6), 1)
    )
    assert rig.come(one, gbt(1, ONE), two)[-1] == Transmit(octets("e0810001000100"))
    assert rig.come(three) == [Notice(octets(PUSH))]
