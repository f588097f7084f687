"""One request, one answer: invoke ids, strays, notices, state, permission, and what breaks."""

import json
from pathlib import Path

import pytest

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.association import Association
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.state import TRANSITIONS, AssociationEvent, AssociationState, follow
from meterkit.errors import ErrorKind, MeterError
from meterkit.link import Advanced, Broken, Failed, Link, Message, Notice, Transmit
from tests.dlms.association_rig import EVERYTHING, Lower, Rig, broken, failed, message, octets, sent, spaced

VECTORS = {
    v["name"]: v for v in json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
}
GET = "c001c100080000010000ff0200"
CLOCK = "c401c100090c07ea0b1506011c2a00000000"
PUSH = VECTORS["data-notification-small"]["hex"]


def vector(name):
    return VECTORS[name]["hex"]


def test_it_is_a_link():
    link: Link = Association(Lower())
    assert link.timeout == 5.0


@pytest.mark.parametrize(
    ("request_name", "response_name"),
    [
        ("get-request-normal", "get-response-normal"),
        ("get-request-normal", "get-response-error"),
        ("get-request-with-list", "get-response-with-list"),
        ("set-request-clock", "set-response-ok"),
        ("set-request-clock", "set-response-denied"),
        ("action-request-no-data", "action-response-no-data"),
        ("sn-read-clock", "sn-read-response-error"),
        ("get-request-normal", "exception-response"),
        ("set-request-clock", "confirmed-service-error-initiate"),
    ],
)
def test_a_request_and_its_answer_pass_as_they_are(request_name, response_name):
    rig = Rig()
    out, events = rig.ask(vector(request_name), vector(response_name))
    assert out == [vector(request_name)]
    assert events == [Message(octets(vector(response_name)))]
    assert not rig.association.is_pending


def test_octets_after_the_value_are_no_matter_of_the_association():
    junk = vector("get-response-clock-trailing-junk")
    assert Rig().ask(GET, junk)[1] == [Message(octets(junk))]


def test_write_and_access_are_answered_by_their_own():
    assert message(Rig().ask("060102fa0801110a", "0d0100")[1]) == "0d0100"
    access = vector("access-request-get2")
    answer = "da4000000100000201010102000000"
    assert message(Rig().ask(access, answer)[1]) == answer
    assert Rig().ask(access, "da4000000200000201010102000000")[1] == []


def test_the_priority_bit_of_an_answer_is_not_compared():
    assert message(Rig().ask(GET, "c40141000600001391")[1]) == "c40141000600001391"


def test_an_answer_with_another_invoke_id_is_dropped_and_the_right_one_taken():
    rig = Rig()
    rig.send(GET)
    assert rig.come("c401c200120000") == []
    assert rig.come("c501c100") == []
    assert rig.come(CLOCK) == [Message(octets(CLOCK))]


def test_what_was_dropped_is_told_when_no_answer_comes():
    rig = Rig()
    rig.ask(GET, "c401c200120000", "c401c300120000", "c501c100", "")
    error = broken(rig.association.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "2 dropped, another invoke id: c4 01 c3" in error.message
    assert "no answer to this service: empty" in error.message


def test_an_answer_after_its_exchange_was_given_up_is_dropped_and_told_in_the_next_time_out():
    rig = Rig()
    rig.send(GET)
    assert rig.come(Failed(MeterError(ErrorKind.PROTOCOL, "no"))) == [
        Failed(MeterError(ErrorKind.PROTOCOL, "no"))
    ]
    assert rig.come(CLOCK) == []
    rig.send(GET)
    assert "its exchange was given up: c4 01" in broken(rig.association.timed_out()).message


def test_two_messages_at_once_are_both_seen():
    rig = Rig()
    rig.send(GET)
    assert rig.come("c401c200120000", CLOCK, PUSH) == [Message(octets(CLOCK)), Notice(octets(PUSH))]


def test_events_of_the_lower_link_pass_in_order():
    rig = Rig()
    rig.send(GET)
    rig.lower.incoming = [Advanced(), Transmit(b"\x7e"), Message(octets(CLOCK))]
    assert rig.association.receive(b"?") == [Advanced(), Transmit(b"\x7e"), Message(octets(CLOCK))]


@pytest.mark.parametrize(
    "pushed", [PUSH, "c20000010000010000ff0200", "180001020000011100", "db00" + "00" * 20]
)
def test_a_push_is_a_notice_between_request_and_answer_and_at_rest(pushed):
    rig = Rig()
    assert rig.come(pushed) == [Notice(octets(pushed))]
    assert rig.come(Notice(octets(pushed))) == [Notice(octets(pushed))]
    rig.send(GET)
    assert rig.come(pushed, CLOCK) == [Notice(octets(pushed)), Message(octets(CLOCK))]


def test_what_the_lower_link_knows_to_be_for_another_is_never_our_answer():
    rig = Rig(silence=[])
    rig.send(GET)
    assert rig.come(Notice(octets(CLOCK)), Notice(octets("d80102"))) == []
    assert rig.come(Notice(b"\x99unknown")) == [Notice(b"\x99unknown")]
    assert rig.come(CLOCK) == [Message(octets(CLOCK))]


def test_invoke_ids_go_from_1_to_15_and_to_0():
    association = Rig().association
    ids = [association.next_invoke() for _ in range(17)]
    assert [octet & 0x0F for octet in ids] == [*range(1, 16), 0, 1]
    assert ids[0] == 0xC1
    assert association.next_invoke(high_priority=False) == 0x42
    assert association.next_invoke(confirmed=False) == 0x83


def test_a_late_answer_of_the_last_association_is_none_of_the_new_one():
    rig = Rig()
    late = f"c401{rig.association.next_invoke():02x}000600000001"
    rig.association.reset()
    rig.association.configure(EVERYTHING, 0)
    invoke = f"{rig.association.next_invoke():02x}"
    rig.send(f"c001{invoke}00080000010000ff0200")
    assert rig.come(late) == []
    assert message(rig.come(f"c401{invoke}000600000002")).endswith("02")


def test_the_priority_bit_is_not_set_where_it_was_not_granted():
    assert Rig(Conformance.GET).association.next_invoke() == 0x41


def test_a_second_request_before_the_answer_is_the_programmers_mistake():
    rig = Rig()
    rig.send(GET)
    with pytest.raises(RuntimeError):
        rig.send(GET)
    with pytest.raises(ValueError, match="whole request"):
        Rig().send("c401c100")
    with pytest.raises(ValueError, match="whole request"):
        Rig().association.send(b"")
    for windows in ({"window": 64}, {"window": 0}, {"send_window": 64}):
        with pytest.raises(ValueError, match="63"):
            Association(Lower(), **windows)


def test_a_sign_of_life_is_not_asked_for_in_the_middle_of_an_exchange():
    rig = Rig()
    rig.send(GET)
    with pytest.raises(RuntimeError, match="still waits for its answer"):
        rig.association.enquire()


def test_a_lower_link_that_asks_for_nothing_is_alive_as_far_as_anybody_knows():
    rig = Rig()
    assert rig.association.enquire() == [Message(b"")]
    assert not rig.association.is_pending


def test_an_unconfirmed_request_is_done_once_it_is_sent():
    for request in ("c10181000100000100ff0200090101", "c30182000f0000280000ff0100", "160102fa0801110a"):
        rig = Rig()
        events = rig.association.send(octets(request))
        assert events == [Transmit(octets(request)), Message(b"")]
        assert not rig.association.is_pending
        assert rig.come("c5018100") == []
    refused = [Broken(MeterError(ErrorKind.STATE, "no connection"))]
    rig.lower.send_unconfirmed = lambda _: refused
    assert rig.association.send(octets("160102fa0801110a")) == refused


def test_a_lower_link_that_must_have_answers_sends_nothing_unconfirmed():
    class Answering:
        timeout = 1.0
        send = receive = timed_out = None

    rig = Rig(lower=Answering())
    assert "use a confirmed service" in failed(rig.association.send(octets("160102fa0801110a"))).message


def test_a_lower_link_that_cannot_send_ends_the_exchange():
    error = MeterError(ErrorKind.STATE, "no connection")
    lower = Lower()
    lower.send = lambda _: [Broken(error)]
    rig = Rig(lower=lower)
    assert rig.association.send(octets(GET)) == [Broken(error)]
    assert not rig.association.is_pending
    assert rig.association.state is AssociationState.NOT_ASSOCIATED


def test_a_lower_link_that_waits_for_nothing_more_does_not_leave_the_request_hanging():
    rig = Rig(silence=[])
    rig.send(GET)
    assert rig.association.timed_out() == []
    rig.come("c401c200120000")
    error = broken(rig.association.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "no answer to c0 get-request" in error.message
    assert "another invoke id" in error.message
    assert rig.association.timed_out() == []


def test_a_lower_link_that_asks_again_by_itself_is_let():
    rig = Rig(silence=[Transmit(b"RR")])
    rig.send(GET)
    rig.come("c401c200120000")
    assert rig.association.timed_out() == [Transmit(b"RR")]
    rig.lower.silence = []
    assert rig.association.timed_out() == []


def test_an_answer_beyond_the_size_allowed_fails():
    events = Rig(max_response_size=16).ask(GET, CLOCK)[1]
    assert "18 octets, 16 are allowed" in failed(events).message


def test_reset_forgets_everything():
    rig = Rig()
    rig.send(GET)
    rig.association.reset()
    assert rig.association.state is AssociationState.NOT_ASSOCIATED
    assert rig.association.conformance is None
    assert rig.send(GET) == [GET]


# ---------------------------------------------------------------------- the state
def associated(*answers):
    rig = Rig()
    rig.association.reset()
    rig.ask(vector("aarq-lowest-security"), *answers)
    return rig


def test_an_association_lives_from_aarq_to_rlre():
    rig = associated()
    assert rig.association.state is AssociationState.ASSOCIATION_PENDING
    assert message(rig.come(vector("aare-accepted"))) == vector("aare-accepted")
    assert rig.association.state is AssociationState.ASSOCIATED
    rig.association.configure(Conformance.GET, 1024)
    assert rig.association.state is AssociationState.ASSOCIATED
    rig.send(vector("rlrq-normal"))
    assert rig.association.state is AssociationState.RELEASE_PENDING
    assert message(rig.come("6303800100")) == "6303800100"
    assert rig.association.state is AssociationState.NOT_ASSOCIATED


@pytest.mark.parametrize(
    "refusal", ["aare-rejected-context", "confirmed-service-error-initiate", "exception-response"]
)
def test_a_refused_aarq_leaves_no_association(refusal):
    assert associated(vector(refusal)).association.state is AssociationState.NOT_ASSOCIATED


def test_an_aare_cut_short_leaves_no_association_and_is_handed_up():
    rig = associated()
    assert message(rig.come("61")) == "61"
    assert rig.association.state is AssociationState.NOT_ASSOCIATED


def test_a_release_answered_by_an_exception_is_released():
    rig = associated(vector("aare-accepted"))
    rig.ask(vector("rlrq-normal"), vector("exception-response"))
    assert rig.association.state is AssociationState.NOT_ASSOCIATED


def test_silence_ends_the_association():
    rig = associated(vector("aare-accepted"))
    rig.send(GET)
    broken(rig.association.timed_out())
    assert rig.association.state is AssociationState.NOT_ASSOCIATED


def test_an_aarq_is_never_cut_however_little_the_last_association_took():
    rig = Rig(max_pdu=20)
    assert rig.send(vector("aarq-lowest-security")) == [vector("aarq-lowest-security")]


def test_an_event_that_means_nothing_in_a_state_changes_nothing():
    for state in AssociationState:
        for event in AssociationEvent:
            assert follow(state, event) is TRANSITIONS[state].get(event, state)
    assert follow(AssociationState.ASSOCIATED, AssociationEvent.LOST) is AssociationState.ASSOCIATED


# ---------------------------------------------------------------------- permission
SERVICES = {
    GET: "get",
    vector("set-request-clock"): "set",
    vector("action-request-no-data"): "action",
    vector("get-request-selective-entry"): "get, selective-access",
    vector("get-request-with-list"): "multiple-references, get",
    vector("set-request-with-list"): "multiple-references, set",
    vector("action-request-with-list"): "multiple-references, action",
    "c001c100080000010000ff0000": "attribute0-supported-with-get, get",
    "c101c100080000010000ff000000": "attribute0-supported-with-set, set",
    vector("access-request-get2"): "access",
    vector("sn-read-clock"): "read",
    "05020201380201 40": "read, multiple-references",
    "050104013801 0200": "read, parameterized-access",
    "060102fa0801110a": "write",
    "160102fa0801110a": "unconfirmed-write",
}


@pytest.mark.parametrize("request_hex", SERVICES)
def test_a_service_that_was_not_granted_is_refused_before_it_is_sent(request_hex):
    apdu = decode_apdu(octets(spaced(request_hex)))
    needed = SERVICES[request_hex]
    error = Rig(Conformance(0)).association.permits(apdu)
    assert error is not None
    assert error.kind is ErrorKind.STATE
    assert f"did not grant {needed} to" in error.message
    bits = Conformance(0)
    for name in needed.split(", "):
        bits |= Conformance[name.upper().replace("-", "_")]
    assert Rig(bits).association.permits(apdu) is None
    for bit in bits:
        assert Rig(bits & ~bit).association.permits(apdu) is not None


@pytest.mark.parametrize("request_hex", ["6200", "c002c100000001", "e0810001000000"])
def test_what_asks_for_no_service_needs_no_grant(request_hex):
    assert Rig(Conformance(0)).association.permits(decode_apdu(octets(request_hex))) is None


def test_nothing_is_permitted_before_the_association_and_anything_while_nothing_is_known_of_it():
    rig = Rig()
    rig.association.reset()
    get = decode_apdu(octets(GET))
    error = rig.association.permits(get)
    assert error is not None
    assert "not associated" in error.message
    rig.ask(vector("aarq-lowest-security"), vector("aare-accepted"))
    assert rig.association.permits(get) is None


def test_a_long_request_without_blocks_granted_is_refused_with_both_sizes():
    for request, names in (
        ("c101c100010000600100ff02000980" + "00" * 20, "block-transfer-with-set-or-write"),
        (vector("get-request-with-list"), "general-block-transfer"),
    ):
        rig = Rig(Conformance.GET | Conformance.SET, 20)
        error = failed(rig.association.send(octets(request)))
        assert error.kind is ErrorKind.STATE
        assert f"has {len(octets(request))} octets, the meter takes PDUs of 20" in error.message
        assert names in error.message
        assert not rig.association.is_pending
        assert sent(rig.association.send(octets(GET))) == [GET]


def test_a_long_unconfirmed_request_is_refused():
    error = failed(Rig(max_pdu=16).association.send(octets("c10181000100000100ff02000980" + "00" * 20)))
    assert "only a confirmed request" in error.message


def test_a_meter_that_takes_any_pdu_takes_65535_octets():
    rig = Rig(max_pdu=0)
    long = octets("c101c1000100002a0000ff0200") + b"\x09\x83\x01\x00\x00" + bytes(65536)
    (first,) = sent(rig.association.send(long))
    assert first.startswith("c102")
    assert len(octets(first)) == 65535
