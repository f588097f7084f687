"""Two captures side by side."""

from meterkit.em1000 import Capture, decode_capture, diff, encode, exchanges
from tests.em1000.vectors import FRAMES, PAYLOADS


def capture(*payloads: str) -> Capture:
    """Lines such as ">10 20": what the host asks, or "<ff 01": what the meter answers."""
    lines = [f"{line[0] * 2} {encode(bytes.fromhex(line[1:])).hex(' ')}" for line in payloads]
    return decode_capture("\n".join(lines))


def test_frames_group_into_questions_with_their_answers():
    found = exchanges(capture("<ff99", ">0f", "<ff00", "<ff01", ">10"))
    told = [(it.request and it.request.payload.hex(), [r.payload.hex() for r in it.replies]) for it in found]
    assert told == [(None, ["ff99"]), ("0f", ["ff00", "ff01"]), ("10", [])]


def test_equal_captures_differ_in_nothing():
    one = capture(">0f", "<ff00", ">10", "<ff01")
    assert diff(one, one) == ()
    assert diff(Capture(()), Capture(())) == ()


def test_answers_that_differ_say_which_octets():
    (found,) = diff(capture(">10", "<ff0102"), capture(">10", "<ff010304"))
    assert found.a is not None
    assert found.b is not None
    (change,) = found.changes
    assert (change.index, change.a, change.b) == (0, b"\xff\x01\x02", b"\xff\x01\x03\x04")
    assert change.offsets == (2, 3)


def test_an_answer_that_is_missing_is_a_change():
    (found,) = diff(capture(">10", "<ff01"), capture(">10"))
    (change,) = found.changes
    assert (change.a, change.b, change.offsets) == (b"\xff\x01", None, (0, 1))


def test_an_exchange_more_does_not_shift_those_behind_it():
    a = capture(">10", "<ff01", ">20", "<ff02")
    b = capture(">10", "<ff01", ">15", "<ff09", ">20", "<ff03")
    more, changed = diff(a, b)
    assert more.a is None
    assert more.b is not None
    assert more.b.request is not None
    assert more.b.request.payload == b"\x15"
    assert [change.offsets for change in changed.changes] == [(1,)]


def test_logins_align_whatever_they_answer_to_the_challenge():
    login = decode_capture("\n".join(f"{'<>'[at % 2 == 0] * 2} {FRAMES[at].hex()}" for at in range(4)))
    other = capture(">0f", "<ff0102030405060708", ">01" + "03aabbccdd", "<" + PAYLOADS[3].hex())
    (found,) = diff(login, other)
    assert [change.offsets for change in found.changes] == [tuple(range(1, 9))]
