"""Fuzz targets of texts and captures: mode E, EM1000, M-Bus, pasted text, recordings, addresses, names."""

from __future__ import annotations

from meterkit.address import MeterAddress
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.em1000 import CapturedNoise, Frame, FrameDecoder, Skipped, decode_capture, diff, encode, explain
from meterkit.em1000.link import Em1000Link
from meterkit.em1000.redaction import Redactor
from meterkit.link import Broken, Message
from meterkit.mbus import decode_telegram
from meterkit.mode_e import Identification, add_parity, choose_hdlc, request
from meterkit.mode_e_link import SignOnLink
from meterkit.passwords import PasswordRedactor
from meterkit.pasted import looks_like_text, octets_in, pieces
from meterkit.readout import BlockReader, Readout, block_check
from meterkit.recording import Direction, Recorded
from tests.em1000.vectors import POSTED, STREAM
from tests.fuzz import corpus
from tests.fuzz.target import script, scripted, target, text_of, tried

DATA = b"1.8.0(001234.5*kWh)(5)\r\nF.F(00)\r\n!\r\n\x03"
BLOCK = b"\x02" + DATA + bytes((block_check(DATA),))
LINE = b"/ABC5\\2TYPE\r\n"
RECORDED = '{"time": "2026-03-01T12:00:00.250000Z", "direction": "sent", "hex": "aa010fdec2"}'


# ---------------------------------------------------------------- IEC 62056-21
@target(LINE, b"/LGZ4\\2ZMD120\r\n", also=corpus.dlms("iec62056-21"))
def mode_e_texts(octets: bytes) -> None:
    found = tried(Identification.parse, octets)
    if found is not None:
        assert Identification.parse(found.encode()) == found
        repr((found.mode, found.baud_rate, found.is_mode_e, found.reaction_time))


@target(BLOCK, LINE + BLOCK, add_parity(LINE + BLOCK), DATA[:-1])
def readout(octets: bytes) -> None:
    found = tried(Readout.parse, octets)
    if found is not None:
        assert all(line.address or line.values for line in found.lines)
        found.find("1.8.0")


@target(scripted(BLOCK), scripted(DATA[:-1], None))
def readout_reader(octets: bytes) -> None:
    reader = BlockReader(limit=512)
    for piece in script(octets):
        tried(reader.silence) if piece is None else tried(reader.feed, piece)
        assert len(reader._held) <= 512 + 254
        if len(reader._held) > 512:
            reader.clear()


@target(scripted(LINE), b"\x01" + scripted(LINE, choose_hdlc("5")), b"\x02" + scripted(BLOCK))
def sign_on_link(octets: bytes) -> None:
    link = SignOnLink(adds_parity=bool(octets[:1] == b"\x01"))
    events = link.read() if octets[:1] == b"\x02" else link.send(request())
    for piece in script(octets[1:]):
        if any(isinstance(event, Broken | Message) for event in events):
            break
        events += link.timed_out() if piece is None else link.receive(piece)
    for _ in range(20):
        if any(isinstance(event, Broken | Message) for event in events):
            return
        events += link.timed_out()
    raise AssertionError("a link that waits for ever")


# ---------------------------------------------------------------- EM1000
@target(also=[scripted(frame) for frame in corpus.em1000()] + [scripted(STREAM), scripted(STREAM[:20], None)])
def em1000_frames(octets: bytes) -> None:
    decoder, fed, told = FrameDecoder(), b"", b""
    for piece in (*script(octets), None):
        fed += piece or b""
        for event in decoder.idle() if piece is None else decoder.feed(piece):
            if isinstance(event, Frame):
                assert encode(event.payload) == event.octets
                explain(event.payload)
            if isinstance(event, Frame | Skipped):
                told += event.octets
        assert len(decoder.held) <= 259
    assert told == fed, "an octet came out twice, or never"


@target(also=[scripted(frame) for frame in corpus.em1000()])
def em1000_link(octets: bytes) -> None:
    link = Em1000Link()
    events = link.send(b"\x0f")
    for piece in script(octets):
        if any(isinstance(event, Broken) for event in events):
            return
        events = link.timed_out() if piece is None else link.receive(piece)
        assert link.timeout > 0


@target(POSTED, RECORDED, "aa010fdec2 >> aa 06 << FFFF", is_text=True)
def em1000_captures(octets: bytes) -> None:
    capture = tried(decode_capture, text_of(octets))
    if capture is not None:
        for item in capture.items:
            repr(item)
        assert all(isinstance(item, CapturedNoise) or item for item in capture.items)
        diff(capture, capture)


# ---------------------------------------------------------------- M-Bus
TELEGRAMS = [bytes.fromhex("785634122423400755000000 0c1478563412"), *corpus.dlms("mbus")]


@target(also=[bytes((way,)) + one for way in range(4) for one in TELEGRAMS])
def mbus_telegram(octets: bytes) -> None:
    """The first octet tells what is known beforehand: the kind of structure, the order of octets."""
    way, octets = octets[:1] or b"\0", octets[1:]
    telegram = decode_telegram(octets, is_fixed=bool(way[0] & 1), order="big" if way[0] & 2 else "little")
    assert telegram.raw == octets
    repr(telegram)


# ---------------------------------------------------------------- what people paste
PASTED = (
    "7EA0070321930F017E",
    "2026-03-01 12:00:01.250 TX: 7E A0 07 03 21 93 0F 01 7E",
    "00000000  7e a0 07 03 21 93 0f 01  7e                       |~...!...~|\n00000009  01",
    'b"~\\xa0\\x07"',
    "0x7e, 0xa0, 0x07",
    RECORDED,
)


@target(*PASTED, is_text=True)
def pasted_text(octets: bytes) -> None:
    text = text_of(octets)
    found = octets_in(text)
    assert found == b"".join(pieces(text))
    assert len(found) <= len(octets), "more octets than letters"
    looks_like_text(octets)


@target(RECORDED, RECORDED.replace("sent", "overheard").replace("0f", ".."), is_text=True)
def recordings(octets: bytes) -> None:
    found = tried(Recorded.parse, text_of(octets))
    if found is not None:
        assert Recorded.parse(found.line()) == found


@target(also=[scripted(*corpus.dlms("hdlc")[:3]), scripted(STREAM), scripted(*corpus.psem("frame")[:6])])
def redactors(octets: bytes) -> None:
    """What is shown has two letters an octet, and is the octet or hidden."""
    for redact in (PasswordRedactor(), Redactor()):
        for number, piece in enumerate(script(octets)):
            shown = redact(Direction.SENT if number % 2 else Direction.RECEIVED, piece or b"")
            digits = (piece or b"").hex()
            assert len(shown) == len(digits)
            assert all(a in (b, ".") for a, b in zip(shown, digits, strict=True))


# ---------------------------------------------------------------- what users type
@target(
    "psem+tcp://10.0.0.7:1153?identity=3",
    "dlms+tcp://[::1]:4059?client=16&server=1&max_pdu=500",
    "dlms+serial:///dev/ttyUSB0?mode_e=true",
    is_text=True,
)
def addresses(octets: bytes) -> None:
    found = tried(MeterAddress.parse, text_of(octets), refusal=ValueError)
    if found is not None:
        assert MeterAddress.parse(str(found)) == found


@target("1-0:1.8.0", "1.0.1.8.0.255", "0-0:96.1.0*255", is_text=True)
def obis_codes(octets: bytes) -> None:
    found = tried(ObisCode.parse, text_of(octets), refusal=ValueError)
    if found is not None:
        assert ObisCode.parse(str(found)) == found
        assert ObisCode.from_bytes(found.to_bytes()) == found
