"""A recording holds no password that a login sent, unless it was asked to, however the line cut it."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit import DlmsClient, PsemClient
from meterkit.emulator import EmulatorTransport, MeterEmulator
from meterkit.emulator.dlms import DEMO_PASSWORD
from meterkit.passwords import PasswordRedactor
from meterkit.psem.packet import encode_packet
from meterkit.recording import Direction, Recorded
from meterkit.transport.recorder import RecordingTransport
from tests.dlms.rig import LLS, meter, options
from tests.em1000.vectors import FRAMES, STREAM
from tests.virtual_clock import VIRTUAL_CLOCK

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED
PASSWORD = b"METERKIT-DEMO-READER"
HIDDEN = ".."


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def hexes(lines, direction=None):
    records = [Recorded.parse(line) for line in lines]
    return "".join(one.hex for one in records if direction in (None, one.direction))


def packet(data):
    return encode_packet(0, 0, 0, data)


SECURITY = packet(b"\x51" + PASSWORD)


@pytest.mark.parametrize("cuts", list(combinations(range(len(SECURITY)), 2)))
def test_a_psem_password_is_hidden_with_its_check_however_it_is_cut(cuts):
    a, b = cuts
    redactor = PasswordRedactor()
    shown = "".join(redactor(SENT, piece) for piece in (SECURITY[:a], SECURITY[a:b], SECURITY[b:]))
    assert shown == SECURITY[:7].hex() + HIDDEN * 22


def test_a_psem_authentication_is_hidden_and_what_follows_is_not():
    redactor, after = PasswordRedactor(), packet(b"\x21")
    asked = packet(b"\x53\x09\x00secret12")
    assert redactor(SENT, asked + after) == asked[:7].hex() + HIDDEN * 12 + after.hex()


def test_a_password_sent_again_is_hidden_again():
    redactor = PasswordRedactor()
    assert redactor(SENT, SECURITY) == redactor(SENT, SECURITY)


@pytest.mark.anyio
async def test_a_psem_session_leaves_no_password_in_its_recording():
    lines, kept = [], []
    for write, settings in ((lines, {}), (kept, {"keep_secrets": True})):
        line = RecordingTransport(EmulatorTransport(MeterEmulator()), write.append, **settings)
        async with PsemClient(line) as client:
            (await client.connect(password=PASSWORD)).unwrap()
            assert (await client.read_table(1)).is_success
    assert PASSWORD.hex() in hexes(kept)
    assert PASSWORD[:2].hex() not in hexes(lines)
    assert hexes(lines).count(HIDDEN) == 22
    assert hexes(lines, RECEIVED) == hexes(kept, RECEIVED)  # nothing else is hidden


@pytest.mark.anyio
@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_a_dlms_session_leaves_no_password_in_its_recording(interface):
    lines, kept = [], []
    for write, settings in ((lines, {}), (kept, {"keep_secrets": True})):
        emulator = meter(interface=interface)
        inner = EmulatorTransport(emulator, is_noisy=interface == "hdlc")
        line = RecordingTransport(inner, write.append, **settings)
        chosen = options(emulator, client_address=1, authentication=LLS, password=DEMO_PASSWORD)
        async with DlmsClient(line, chosen) as client:
            (await client.connect()).unwrap()
            assert (await client.get_attribute(8, "0.0.1.0.0.255", 2)).is_success
    assert DEMO_PASSWORD.hex() in hexes(kept)
    assert DEMO_PASSWORD.hex() not in hexes(lines)
    check = 2 if interface == "hdlc" else 0
    assert hexes(lines).count(HIDDEN) == len(DEMO_PASSWORD) + check
    assert hexes(lines, RECEIVED) == hexes(kept, RECEIVED)


def test_a_value_longer_than_127_octets_is_hidden():
    value = bytes(range(130))
    octets = b"\xac\x81\x85\x80\x81\x82" + value
    assert PasswordRedactor()(SENT, octets + b"\xbe\x00") == octets[:6].hex() + HIDDEN * 130 + "be00"


@pytest.mark.parametrize("size", [20, 60, 120])
def test_a_value_that_goes_on_in_further_segments_is_hidden_to_its_end(size):
    value = bytes(range(0x80, 0x80 + size))
    aarq = bytes((0xAC, size + 2, 0x80, size)) + value
    redactor, shown = PasswordRedactor(), ""
    for at in range(0, len(aarq), 16):  # segments of 16 octets, each in a frame of its own
        part = aarq[at : at + 16]
        header = b"\x03\x21\x10\x00\x00"  # two addresses, control, check: as if
        length = 2 + len(header) + len(part) + 2
        shown += redactor(SENT, b"\x7e" + bytes((0xA8, length)) + header + part + b"\x00\x00\x7e")
    assert "9394" not in shown
    assert not any(f"{octet:02x}" in shown[-40:] for octet in value[-16:])


def test_an_em1000_login_is_hidden_once_it_begins():
    redactor = PasswordRedactor()
    assert redactor(SENT, FRAMES[0]) == "aa010fdec2"
    assert redactor(RECEIVED, FRAMES[1] + b"\xff\xff") == "aa09ff" + HIDDEN * 10 + "ffff"
    assert redactor(SENT, FRAMES[2]) == "aa0601" + HIDDEN * 7
    assert redactor(RECEIVED, FRAMES[3]) == FRAMES[3].hex()
    assert PasswordRedactor()(SENT, FRAMES[2]) == FRAMES[2].hex()  # else two octets would be enough to hide


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=60)), max_size=8))
def test_any_octets_keep_their_number(pieces):
    redactor = PasswordRedactor()
    for direction, octets in pieces:
        shown = redactor(direction, octets)
        assert len(shown) == 2 * len(octets)
        pairs = zip(shown[::2], shown[1::2], octets, strict=True)
        assert all(high + low in (HIDDEN, f"{octet:02x}") for high, low, octet in pairs)


@given(st.lists(st.integers(0, len(STREAM)), max_size=6), st.binary(max_size=10))
def test_cuts_change_nothing(cuts, noise):
    octets = noise + SECURITY + STREAM + b"\x7e\xa0\x20\x03\x21\x10\x00\x00\xac\x0a\x80\x08password....\x7e"
    whole = PasswordRedactor()(SENT, octets)
    redactor, at, shown = PasswordRedactor(), 0, ""
    for cut in [*sorted(cuts), len(octets)]:
        shown += redactor(SENT, octets[at:cut])
        at = cut
    assert shown == whole


def test_a_redactor_and_secrets_that_are_kept_contradict_each_other():
    line = EmulatorTransport(MeterEmulator())
    with pytest.raises(ValueError, match="keep_secrets=True and a redactor"):
        RecordingTransport(line, [].append, redactor=PasswordRedactor(), keep_secrets=True)
