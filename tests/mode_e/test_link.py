"""The reader's end of a sign-on, as a list of what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.errors import ErrorKind
from meterkit.link import Advanced, Broken, Message, Transmit
from meterkit.mode_e import add_parity, choose_hdlc, choose_readout, request
from meterkit.mode_e_link import SignOnLink
from meterkit.readout import block_check

REQUEST = request()
IDENTIFICATION = b"/ABC5\\2TYPE"
LINE = IDENTIFICATION + b"\r\n"
CHOICE = choose_hdlc("5")
CONFIRMED = [Message(CHOICE.strip())]
DATA = b"1.8.0(1*kWh)\r\n!\r\n\x03"
BLOCK = b"\x02" + DATA + bytes([block_check(DATA)])


def plain(**settings):
    return SignOnLink(adds_parity=False, **settings)


def identified(echo=b""):
    link = plain()
    link.send(REQUEST)
    assert link.receive(echo + LINE) == [Message(IDENTIFICATION)]
    return link


def confirming(echo=b""):
    link = identified(echo)
    assert link.send(CHOICE) == [Transmit(CHOICE)]
    return link


def test_a_request_is_answered_by_an_identification():
    link = plain()
    assert link.send(REQUEST) == [Transmit(REQUEST)]
    assert link.receive(LINE) == [Message(IDENTIFICATION)]
    assert not link.hears_itself


def test_what_is_sent_carries_parity_and_what_comes_may():
    link = SignOnLink()
    assert link.send(REQUEST) == [Transmit(add_parity(REQUEST))]
    assert link.receive(add_parity(LINE)) == [Message(IDENTIFICATION)]
    assert link.send(CHOICE) == [Transmit(add_parity(CHOICE))]
    assert link.receive(add_parity(CHOICE)) == CONFIRMED


@pytest.mark.parametrize("echo", [b"", REQUEST, b"\x00\x7f", b"\xff\r\n" + REQUEST, b"?!\r\n", b"\x00/"])
def test_an_identification_is_found_octet_by_octet_behind_echo_and_noise(echo):
    link = plain()
    link.send(REQUEST)
    events = [event for octet in echo + LINE for event in link.receive(bytes([octet]))]
    assert events == [Message(IDENTIFICATION)]
    assert link.hears_itself == (b"!" in echo)


def test_a_meter_that_confirms_speaks_hdlc_next():
    assert confirming().receive(CHOICE) == CONFIRMED


def test_the_echo_of_the_acknowledgement_is_no_confirmation():
    link = confirming(REQUEST)
    assert link.receive(CHOICE) == []
    assert link.receive(CHOICE) == CONFIRMED


def test_echo_and_confirmation_may_come_at_once():
    assert confirming(REQUEST).receive(CHOICE + CHOICE) == CONFIRMED


@pytest.mark.parametrize("heard", [b"", b"\x7e\x00", CHOICE])
def test_a_meter_that_says_nothing_has_confirmed_too(heard):
    link = confirming(REQUEST)
    assert link.receive(heard) == []
    assert link.timed_out() == [Message(b"")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x06050\r\n", r"confirms '\x06050' where '\x06252' was chosen"),
        (BLOCK, "begins a data readout"),
        (BLOCK[:8], "begins a data readout"),
        (b"\x01B0\x03q", "signs off"),
        (b"\x15", "refuses"),
    ],
)
def test_a_meter_that_does_something_else_than_confirm_is_told_in_words(answer, words):
    for link in (confirming(), confirming(REQUEST)):
        [broken] = link.receive(answer)
        assert isinstance(broken, Broken)
        assert broken.error.kind is ErrorKind.PROTOCOL
        assert words in broken.error.message


def test_a_readout_is_chosen_without_waiting_because_the_speed_changes_first():
    link = identified()
    choice = choose_readout("5")
    assert link.send(choice) == [Transmit(choice), Message(b"")]
    assert link.read() == []
    assert link.receive(choice + BLOCK[:-3]) == [Advanced()]
    assert link.receive(BLOCK[-3:]) == [Message(BLOCK)]


def test_data_may_follow_the_identification_at_once():
    link = plain()
    link.send(REQUEST)
    assert link.receive(b"/ABC meter\r\n" + BLOCK) == [Message(b"/ABC meter")]
    assert link.read() == [Message(BLOCK)]


def test_a_block_without_check_octets_ends_in_silence():
    link = plain()
    assert link.read() == []
    assert link.receive(b"1.8.0(1)\r\n!\r\n") == [Advanced()]
    assert link.timed_out() == [Message(b"1.8.0(1)\r\n!\r\n")]


@pytest.mark.parametrize(
    ("octets", "kind"),
    [(b"", ErrorKind.TIMEOUT), (BLOCK[:9], ErrorKind.FRAMING), (BLOCK[1:], ErrorKind.FRAMING)],
)
def test_a_block_that_does_not_come_whole_breaks_the_link(octets, kind):
    link = plain()
    link.read()
    events = (link.receive(octets) if octets else []) or link.timed_out()
    assert [event.error.kind for event in events] == [kind]


def test_wrong_parity_is_told_with_what_went_wrong():
    link = SignOnLink()
    link.read()
    link.receive(add_parity(BLOCK[:9])[:-1] + b"\x01")
    [broken] = link.timed_out()
    assert "1 octets came with odd parity" in broken.error.message


def test_silence_repeats_the_request_and_then_gives_up():
    link = plain(response_timeout=2.0, retries=2)
    link.send(REQUEST)
    assert link.timeout == pytest.approx(2.0 + 5 * 10 / 300)  # after its octets have left at 300 baud
    assert link.timed_out() == [Transmit(REQUEST)]
    assert link.timed_out() == [Transmit(REQUEST)]
    [broken] = link.timed_out()
    assert broken.error.kind is ErrorKind.TIMEOUT
    assert "after 3 requests" in broken.error.message
    assert "is the probe in place" in broken.error.message
    [again] = link.send(REQUEST)
    assert again.error.kind is ErrorKind.STATE
    link.reset()
    assert link.send(REQUEST) == [Transmit(REQUEST)]


@pytest.mark.parametrize(
    ("heard", "words"),
    [(REQUEST, "only the echo"), (b"\x00\x7fx\r\n", "the last '\\x00\\x7fx'"), (b"abc", "the last 'abc'")],
)
def test_what_came_instead_of_an_identification_is_told(heard, words):
    link = plain(retries=0)
    link.send(REQUEST)
    assert link.receive(heard) == []
    [broken] = link.timed_out()
    assert words in broken.error.message


def test_a_line_that_is_no_identification_breaks_the_link():
    link = plain()
    link.send(REQUEST)
    [broken] = link.receive(b"/AB\r\n")
    assert broken.error.kind is ErrorKind.FRAMING
    assert link.receive(LINE) == []


def test_after_the_first_octet_the_others_follow_soon():
    link = plain(inter_octet_timeout=1.5)
    link.send(REQUEST)
    link.receive(b"/")
    assert link.timeout == 1.5


def test_a_mistake_of_the_program_raises():
    link = plain()
    for message in (b"", b"\x06", b"/?" + b"0" * 100 + b"!\r\n", b"HELLO\r\n"):
        with pytest.raises(ValueError, match="expected"):
            link.send(message)
    link.send(REQUEST)
    with pytest.raises(RuntimeError):
        link.send(REQUEST)
    with pytest.raises(RuntimeError):
        link.read()


@given(st.lists(st.binary(max_size=300), max_size=30), st.sampled_from(["request", "choice", "read"]))
def test_any_octets_give_events_in_bounded_memory(pieces, what):
    link = plain()
    {"request": lambda: link.send(REQUEST), "choice": lambda: link.send(CHOICE), "read": link.read}[what]()
    for piece in pieces:
        for event in link.receive(piece):
            assert isinstance(event, Message | Broken | Advanced)
        assert len(link._text) <= 600
    link.timed_out()
    assert link.timeout > 0
