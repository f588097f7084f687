"""Captures: hex as people paste it, recordings, raw octets; what each octet is believed to be."""

import contextlib
from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.em1000 import (
    Capture,
    CapturedDamage,
    CaptureDecoder,
    CapturedFrame,
    CapturedNoise,
    CapturedSecret,
    Certainty,
    Redactor,
    Speaker,
    decode_capture,
    decode_octets,
    encode,
    explain,
    views,
)
from meterkit.em1000.capture_text import recorded_pieces
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.recording import Direction, Recorded
from tests.em1000.vectors import FRAMES, OBSERVED, PAYLOADS, POSTED, STRAY, STREAM

HOST, METER = Speaker.HOST, Speaker.METER
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def spoken(capture):
    return [(frame.speaker, frame.payload) for frame in capture.frames]


def test_a_post_decodes_as_it_stands():
    capture = decode_capture(POSTED)
    assert spoken(capture) == list(zip([HOST, METER, HOST, METER, METER], PAYLOADS, strict=True))
    assert capture.skipped == STRAY
    assert [type(item) for item in capture.items].index(CapturedNoise) == 2
    assert [frame.is_believed for frame in capture.frames] == [False] * 4 + [True]


ways = {
    "octets in one string": STREAM.hex(),
    "octets apart": STREAM.hex(" "),
    "upper case, one frame a line": "\n".join(frame.hex(" ").upper() for frame in [*FRAMES, STRAY]),
    "a C array": ", ".join(f"0x{octet:02X}" for octet in STREAM) + ",",
    "escapes": "".join(f"\\x{octet:02x}" for octet in STREAM),
    "colons": STREAM.hex(":"),
    "hyphens": STREAM.hex("-"),
    "torn anywhere": "\n".join(STREAM[at : at + 7].hex(" ") for at in range(0, len(STREAM), 7)),
    "with times": "\n".join(f"10:33:0{at}.125 {frame.hex()} ok" for at, frame in enumerate(FRAMES))
    + "\nFF FF",
}


@pytest.mark.parametrize("way", ways)
def test_hex_is_read_however_it_is_written(way):
    capture = decode_capture(ways[way])
    assert [frame.payload for frame in capture.frames] == PAYLOADS
    assert capture.skipped == STRAY


@pytest.mark.parametrize(
    "text",
    [
        ">> AA 01 0F DE C2\n<< AA 01 FD 83 0D",
        ">>AA010FDEC2\n<<AA01FD830D",
        "AA 01 0F DE C2 >>\nAA 01 FD 83 0D <<",
        ">> AA 01 0F DE C2 << AA 01 FD 83 0D",
        "AA 01 0F DE C2 >> AA 01 FD 83 0D <<",
        "first >> AA 01 0F DE C2 then << AA 01 FD 83 0D no",
        "AA 01 0F DE C2 >> first AA 01 FD 83 0D << then",
    ],
)
def test_an_arrow_belongs_to_its_octets_before_or_behind(text):
    capture = decode_capture(text)
    assert spoken(capture) == [(HOST, b"\x0f"), (METER, b"\xfd")]
    assert not any(frame.is_believed for frame in capture.frames)


@pytest.mark.parametrize(
    "text",
    ["", "   \n", "No octets here.", "the AA or 55", "at 10:33:04 on 26 April, 2015", ">> <<", "...", ".."],
)
def test_words_and_numbers_are_no_octets(text):
    assert decode_capture(text) == Capture(())


def test_octets_beside_an_arrow_count_even_alone():
    assert decode_capture("then FF << came").items == (CapturedNoise(b"\xff", METER, None),)


def test_who_spoke_is_believed_by_the_first_octet_where_nothing_says_so():
    capture = decode_octets(STREAM + encode(b"\x42"))
    assert [frame.speaker for frame in capture.frames] == [HOST, METER, HOST, METER, METER, None]
    assert [frame.is_believed for frame in capture.frames] == [True] * 5 + [False]


def test_a_frame_whose_check_does_not_fit_is_told_of_with_both_checks():
    capture = decode_capture("<< AA 01 0F C2 DE")
    assert capture.items == (
        CapturedDamage(1, 0xDEC2, 0xC2DE, METER, None),
        CapturedNoise(bytes.fromhex("aa010fc2de"), METER, None),
    )


def test_the_other_side_ends_an_unfinished_frame():
    capture = decode_capture("<< AA C8 AA 01 FD 83 0D\n>> AA 01 0F DE C2")
    assert spoken(capture) == [(METER, b"\xfd"), (HOST, b"\x0f")]
    assert capture.skipped == b"\xaa\xc8"


# ---------------------------------------------------------------- recordings
def record(*lines):
    told = []
    for seconds, direction, digits in lines:
        told.append(Recorded(NOON + timedelta(seconds=seconds), Direction(direction), digits).line())
    return "\n".join(told)


def test_a_recording_says_who_spoke_and_when():
    capture = decode_capture(
        record((0, "sent", FRAMES[0].hex()), (0.1, "received", FRAMES[1].hex() + "ffff"))
    )
    assert spoken(capture) == [(HOST, PAYLOADS[0]), (METER, PAYLOADS[1])]
    assert [frame.time for frame in capture.frames] == [NOON, NOON + timedelta(seconds=0.1)]
    assert capture.skipped == STRAY


def test_a_frame_torn_over_records_is_whole_when_its_end_came():
    lines = [(at / 100, "received", FRAMES[1][at : at + 1].hex()) for at in range(len(FRAMES[1]))]
    (frame,) = decode_capture(record(*lines)).frames
    assert frame.payload == PAYLOADS[1]
    assert frame.time == NOON + timedelta(seconds=0.12)


def test_a_pause_ends_an_unfinished_frame():
    head, tail = FRAMES[1][:5].hex(), FRAMES[1][5:].hex()
    assert decode_capture(record((0, "received", head), (0.4, "received", tail))).frames
    assert not decode_capture(record((0, "received", head), (0.6, "received", tail))).frames


def test_what_was_overheard_may_be_from_either_side():
    capture = decode_capture(record((0, "overheard", STREAM.hex())))
    assert [frame.speaker for frame in capture.frames] == [HOST, METER, HOST, METER, METER]


@pytest.mark.parametrize(
    "hidden",
    [
        [(0, "sent", "aa0601" + ".." * 7)],
        [(0, "sent", "aa"), (0.1, "sent", "0601...."), (0.2, "sent", ".." * 5)],
    ],
)
def test_a_redacted_frame_is_a_secret_with_its_head(hidden):
    capture = decode_capture(record(*hidden, (0.3, "received", FRAMES[3].hex())))
    secret, reply = capture.items
    assert isinstance(secret, CapturedSecret)
    assert (secret.head.hex(), secret.hidden, secret.speaker) == ("aa0601", 7, HOST)
    assert isinstance(reply, CapturedFrame)
    assert reply.answers == b"\x01"


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "{not json",
        '{"time": "noon", "direction": "sent", "hex": ""}',
        '{"time": "2026-03-01T12:00:00Z", "direction": "up", "hex": ""}',
        '{"time": "2026-03-01T12:00:00Z", "direction": "sent", "hex": "a"}',
        '{"time": "2026-03-01T12:00:00Z", "direction": "sent", "hex": "zz"}',
        '{"time": "2026-03-01T12:00:00Z", "direction": "sent", "hex": 12345}',
        '{"time": 5, "direction": "sent", "hex": ""}',
        "{" * 100_000,
    ],
)
def test_a_line_that_is_no_record_is_refused_and_quoted(line):
    with pytest.raises(ProtocolFault) as caught:
        decode_capture(line)
    assert caught.value.error.kind is ErrorKind.DECODE
    assert line[:20] in caught.value.error.message
    assert len(str(caught.value)) < 300


moments = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(moments, st.sampled_from(Direction), st.binary(max_size=40))
def test_a_record_survives_the_way_to_a_line_and_back(time, direction, octets):
    record = Recorded(time, direction, octets.hex())
    assert Recorded.parse(record.line()) == record


@pytest.mark.parametrize(("shown", "before"), [("", b""), ("010203", b"\x01\x02\x03")])
def test_a_secret_without_the_head_of_a_frame_has_none(shown, before):
    *noise, secret = decode_capture(record((0, "received", shown + "...."))).items
    assert b"".join(item.octets for item in noise) == before
    assert secret == CapturedSecret(b"", 2, METER, NOON)


# ---------------------------------------------------------------- meanings
@pytest.mark.parametrize("vector", OBSERVED, ids=lambda vector: vector["name"])
def test_the_meanings_of_a_frame_are_all_its_octets_in_order(vector):
    octets = bytes.fromhex(vector["hex"])
    meanings = explain(bytes.fromhex(vector["payload"]))
    assert b"".join(meaning.octets for meaning in meanings) == octets
    assert [octets[meaning.at :].startswith(meaning.octets) for meaning in meanings]
    assert [meanings[at].certainty for at in (0, 1, -1)] == [Certainty.COMPUTED] * 3


def test_what_nobody_knows_is_called_unknown():
    def parts(payload, **settings):
        inside = explain(payload, **settings)[2:-1]
        return [(part.octets.hex(), part.certainty.value) for part in inside]

    assert parts(PAYLOADS[0]) == [("0f", "inferred")]
    assert parts(PAYLOADS[1]) == [("ff", "inferred"), ("4338c84464223211", "inferred")]
    assert parts(PAYLOADS[2]) == [("01", "inferred"), ("03be3b3e36", "unknown")]
    assert parts(PAYLOADS[3]) == [("ff", "inferred"), ("e803", "inferred"), ("02001800", "unknown")]
    assert parts(PAYLOADS[4]) == [("fd", "inferred")]
    assert parts(b"\x42\x01") == [("42", "unknown"), ("01", "unknown")]
    assert parts(b"\x42\x01", speaker=METER) == [("42", "unknown"), ("01", "unknown")]
    # eight octets that answer no request for a challenge are none
    assert parts(PAYLOADS[1], answers=b"\x42") == [("ff", "inferred"), ("4338c84464223211", "unknown")]


def test_a_captured_frame_knows_its_meanings_by_what_it_answers():
    frames = decode_octets(STREAM).frames
    inside = [[(part.text, part.octets.hex()) for part in frame.meanings[2:-1]] for frame in frames]
    assert inside[1] == [
        ("status: accepted", "ff"),
        ("challenge, another one for each login", "4338c84464223211"),
    ]
    assert inside[3][1] == ("1000 as a little-endian number; perhaps the model", "e803")
    assert frames[3].views.u16 == (1000, 2, 24)
    # The same octets in answer to something else, and nothing is known of them.
    other = decode_octets(encode(b"\x01") + encode(PAYLOADS[1])).frames[1]
    assert [part.text for part in other.meanings[2:-1]] == ["status: accepted", "fields"]


@given(
    st.binary(min_size=1, max_size=255),
    st.sampled_from([None, HOST, METER]),
    st.binary(min_size=1) | st.none(),
)
def test_any_payload_has_meanings_for_every_octet(payload, speaker, answers):
    meanings = explain(payload, speaker, answers)
    assert b"".join(meaning.octets for meaning in meanings) == encode(payload)


def test_views_are_texts_and_little_endian_numbers():
    seen = views(PAYLOADS[3][1:])
    assert seen.u16 == (1000, 2, 24)
    assert seen.u32 == (0x000203E8,)
    assert seen.texts == ()
    assert views(b"\x00\x01EM1000 \x00No\xff1234").texts == ((2, "EM1000 "), (13, "1234"))


@given(st.text(max_size=300) | st.text(alphabet="aA0f1 .<>x:,\n{}", max_size=300))
def test_any_text_gives_a_capture_or_a_fault(text):
    with contextlib.suppress(ProtocolFault):
        capture = decode_capture(text)
        assert sum(len(frame.octets) for frame in capture.frames) + len(capture.skipped) <= len(text)


@given(st.lists(st.tuples(st.sampled_from([">>", "<<"]), st.binary(min_size=1, max_size=30)), max_size=8))
def test_every_octet_of_a_paste_is_accounted_for(lines):
    capture = decode_capture("\n".join(f"{arrow} {octets.hex(' ')}" for arrow, octets in lines))
    found = b"".join(item.octets for item in capture.items if isinstance(item, CapturedFrame | CapturedNoise))
    assert found == b"".join(octets for _, octets in lines)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_secret_that_comes_in_drips_is_told_of_once(size):
    redactor, decoder = Redactor(), CaptureDecoder()
    items = []
    for at in range(0, len(STREAM), size):
        for piece in recorded_pieces(redactor(Direction.OVERHEARD, STREAM[at : at + size]), None):
            items += decoder.feed(piece)
    items += decoder.idle()
    secrets = [(item.head.hex(), item.hidden) for item in items if isinstance(item, CapturedSecret)]
    assert secrets == [("aa09ff", 10), ("aa0601", 7)]
    frames = [item.payload for item in items if isinstance(item, CapturedFrame)]
    assert frames == [PAYLOADS[at] for at in (0, 3, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "[AA 01 0F DE C2]",
        "{0xAA, 0x01, 0x0F, 0xDE, 0xC2}",
        "AAh 01h 0Fh DEh C2h",
        "$AA $01 $0F $DE $C2",
        '"AA 01 0F DE C2"',
        "(AA010FDEC2)",
        "12:00:01 AA 01 0F DE C2",
        "[12:00:01.250] AA 01 0F DE C2",
        "2026-03-01 12:00:01,250 AA 01 0F DE C2",
        "2026-03-01T12:00:01.250Z AA:01:0F:DE:C2",
        "2026-03-01T12:00:01+10:00: AA 01 0F DE C2",
    ],
)
def test_brackets_and_clocks_cost_no_octet_and_add_none(text):
    capture = decode_capture(text)
    assert [frame.payload for frame in capture.frames] == [b"\x0f"]
    assert capture.skipped == b""


@pytest.mark.parametrize("text", ["12:34:56", "00:11:22:33", "12:34:56:AA:01:0F:DE:C2"])
def test_hex_with_colons_is_no_clock(text):
    capture = decode_capture(text)
    assert (capture.skipped + b"".join(frame.octets for frame in capture.frames)).hex(":").upper() == text


@pytest.mark.parametrize("text", ["[", "{ ", "aa:", "12:00:01 ", "..", "> ", "AAh"])
def test_a_megabyte_of_anything_is_read_in_linear_time(text):
    began = process_time()
    with contextlib.suppress(ProtocolFault):
        decode_capture(text * (1_000_000 // len(text)))
    assert process_time() - began < 30.0  # s; quadratic time would be hours
