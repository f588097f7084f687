"""Secrets that a client writes in blocks and lists are in no recording, however it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec import axdr
from meterkit.dlms.apdu.action import ActionRequestNormal, ActionRequestWithList
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor
from meterkit.dlms.apdu.set import SetRequestNormal, SetRequestWithList
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.wrapper import WrapperHeader
from meterkit.passwords import PasswordRedactor
from meterkit.recording import HIDDEN, Direction

SENT = Direction.SENT
SECRET = bytes(range(0x81, 0xA1))
OPEN = bytes(range(0x41, 0x51))
PASSWORD = AttributeDescriptor(15, ObisCode(0, 0, 40, 0, 0), 7)
NOTE = AttributeDescriptor(1, ObisCode(0, 0, 96, 13, 0), 2)
PROOF = MethodDescriptor(15, ObisCode(0, 0, 40, 0, 0), 1)
SCRIPT = MethodDescriptor(9, ObisCode(0, 0, 10, 0, 0), 1)
WRITTEN = axdr.encode_octet_string(SECRET)
SHOWN = axdr.encode_octet_string(OPEN)


def wrapped(*apdus):
    return b"".join(WrapperHeader(1, 1, len(apdu)).encode() + apdu for apdu in apdus)


def framed(*apdus, size=None):
    """Return HDLC frames, of APDUs in segments of `size` octets."""
    frames = b""
    for apdu in apdus:
        information = b"\xe6\xe6\x00" + apdu
        step = size or len(information)
        for at in range(0, len(information), step):
            control = HdlcControl(HdlcFrameType.INFORMATION)
            more = at + step < len(information)
            piece = information[at : at + step]
            frames += HdlcFrame(HdlcAddress(1), HdlcAddress(1), control, piece, more).encode()
    return frames


def shown(octets, *cuts):
    redactor, at, told = PasswordRedactor(), 0, ""
    for cut in [*sorted(cuts), len(octets)]:
        told += redactor(SENT, octets[at:cut])
        at = cut
    assert len(told) == 2 * len(octets)
    return told


def leaks(octets, *cuts, of=SECRET):
    """Return pieces of the secret that are in a recording: two octets of it are one too many."""
    told = shown(octets, *cuts)
    return [of[at : at + 2].hex() for at in range(len(of) - 1) if of[at : at + 2].hex() in told]


def set_list(*pairs):
    places, values = zip(*pairs, strict=True)
    return SetRequestWithList(0xC1, tuple((one, None) for one in places), tuple(values)).encode()


def action_list(*pairs):
    places, values = zip(*pairs, strict=True)
    return ActionRequestWithList(0xC1, tuple(places), tuple(values)).encode()


def in_blocks(apdu, size):
    """Return a SET or ACTION normal cut into service blocks."""
    is_set = apdu[0] == 0xC1
    head, raw = (apdu[3:13], apdu[13:]) if is_set else (apdu[3:12], apdu[13:])
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    blocks = []
    for number, piece in enumerate(pieces, 1):
        first, further = (b"\xc1\x02", b"\xc1\x03") if is_set else (b"\xc3\x04", b"\xc3\x06")
        start = first + apdu[2:3] + head if number == 1 else further + apdu[2:3]
        is_last = bytes((number == len(pieces),))
        blocks.append(start + is_last + number.to_bytes(4, "big") + bytes((len(piece),)) + piece)
    return blocks


def in_general_blocks(apdu, size):
    pieces = [apdu[at : at + size] for at in range(0, len(apdu), size)]
    return [
        GeneralBlockTransfer(number == len(pieces), False, 1, number, 0, piece).encode()
        for number, piece in enumerate(pieces, 1)
    ]


SET = SetRequestNormal(0xC1, PASSWORD, None, WRITTEN).encode()
ACTION = ActionRequestNormal(0xC1, PROOF, WRITTEN).encode()
LINES = {"wrapper": wrapped, "hdlc": framed, "segments": lambda *apdus: framed(*apdus, size=24)}
LISTS = {
    "set": set_list((NOTE, SHOWN), (PASSWORD, WRITTEN)),
    "set, secret first": set_list((PASSWORD, WRITTEN), (NOTE, SHOWN)),
    "set, many": set_list(*[(NOTE, SHOWN)] * 12, (PASSWORD, WRITTEN)),
    "action": action_list((SCRIPT, SHOWN), (PROOF, WRITTEN)),
}


@pytest.fixture(params=LINES.values(), ids=LINES)
def on_line(request):
    return request.param


@pytest.mark.parametrize("apdu", [SET, ACTION], ids=["set", "action"])
@pytest.mark.parametrize("size", [5, 16, 30])
def test_service_blocks_of_a_secret_are_hidden(on_line, apdu, size):
    octets = on_line(*in_blocks(apdu, size))
    assert leaks(octets) == []
    assert leaks(octets, *range(1, len(octets), 7)) == []


@pytest.mark.parametrize("apdu", [SET, ACTION, LISTS["set"]], ids=["set", "action", "list"])
@pytest.mark.parametrize("size", [20, 0x30])
def test_general_blocks_of_a_secret_are_hidden(on_line, apdu, size):
    octets = on_line(*in_general_blocks(apdu, max(size, 40) if apdu is LISTS["set"] else size))
    assert leaks(octets) == []


@pytest.mark.parametrize("apdu", LISTS.values(), ids=LISTS)
def test_lists_with_a_secret_are_hidden(on_line, apdu):
    octets = on_line(apdu)
    assert leaks(octets) == []
    for step in (1, 3, 11):
        assert leaks(octets, *range(1, len(octets), step)) == []


def test_what_follows_a_secret_is_shown_again(on_line):
    plain = SetRequestNormal(0xC1, NOTE, None, SHOWN).encode()
    for hidden in (in_blocks(SET, 16), in_general_blocks(SET, 20), [LISTS["set"]]):
        octets = on_line(*hidden, plain)
        told = shown(octets)
        assert told.endswith(on_line(plain).hex()[-40:])


def test_lists_and_blocks_without_a_secret_are_shown_whole():
    plain = SetRequestNormal(0xC1, NOTE, None, SHOWN * 3).encode()
    apdus = [
        set_list((NOTE, SHOWN), (NOTE, SHOWN)),
        action_list((SCRIPT, SHOWN), (SCRIPT, SHOWN)),
        *in_blocks(plain, 16),
        *in_general_blocks(plain, 20),
    ]
    for octets in (wrapped(*apdus), framed(*apdus)):
        assert shown(octets) == octets.hex()


def test_keys_that_are_wrapped_are_hidden_too(on_line):
    keys = axdr.encode_array([axdr.encode_structure([axdr.encode_enum(0), WRITTEN])])
    transfer = ActionRequestNormal(0xC1, MethodDescriptor(64, ObisCode(0, 0, 43, 0, 0), 2), keys).encode()
    assert leaks(on_line(transfer)) == []


def test_without_frames_a_secret_in_blocks_is_hidden_all_the_same():
    assert leaks(b"".join(in_blocks(SET, 16))) == []
    assert leaks(LISTS["set"]) == []


@given(
    st.lists(st.integers(0, 400), max_size=6), st.sampled_from(sorted(LISTS)), st.sampled_from(sorted(LINES))
)
def test_cuts_show_nothing_more_and_break_nothing(cuts, name, line):
    octets = LINES[line](LISTS[name], *in_blocks(SET, 16), *in_general_blocks(ACTION, 20), SET)
    whole, cut = shown(octets), shown(octets, *(cut for cut in cuts if cut < len(octets)))
    assert len(cut) == len(whole)
    # In doubt a torn list hides the head of what comes behind it as well; it shows nothing else.
    assert all(torn in (seen, HIDDEN[0]) for torn, seen in zip(cut, whole, strict=True))
