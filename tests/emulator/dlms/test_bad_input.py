"""Whatever a client sends, the emulated meter goes on: no exception, and bounded answers."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.hdlc.control import CONTROLS
from meterkit.dlms.hdlc.frame import HdlcFrame, HdlcFrameType
from meterkit.emulator.dlms import DlmsQuirk
from tests.emulator.dlms.meters import GET_CLOCK, HdlcClient, WrapperClient, make_meter, manager

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlms.json").read_text())
APDU_KINDS = {
    "aarq", "rlrq", "get", "set", "action", "access", "sn", "gbt", "selective-access", "glo", "push",
}  # fmt: skip
APDUS = [
    bytes.fromhex(one["hex"]) for one in VECTORS if one["kind"] in APDU_KINDS and not one.get("negative")
]


@pytest.mark.parametrize("apdu", APDUS, ids=lambda apdu: apdu[:4].hex())
@pytest.mark.parametrize("short", [False, True])
def test_every_truncation_and_every_flipped_bit_is_answered_or_dropped(apdu, short):
    client = WrapperClient(make_meter(profile={"rows": 5}, short_name_referencing=short), sap=1)
    client.associate(password=True)
    for end in range(len(apdu)):
        client.send(apdu[:end])
    for place in range(min(len(apdu), 60)):
        for bit in range(8):
            flipped = bytearray(apdu)
            flipped[place] ^= 1 << bit
            client.send(bytes(flipped))
    client.associate(password=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(APDUS), st.binary(max_size=40)), max_size=12))
def test_requests_in_any_order_leave_the_meter_well(apdus):
    client = manager(profile={"rows": 5})
    for apdu in apdus:
        for _, _, answer in client.send(apdu):
            assert len(answer) <= 1200 + 5
    client.associate(password=True)
    assert client.ask(GET_CLOCK)[:2].hex() == "c401"


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["wrapper", "hdlc", "mode_e"]), st.lists(st.binary(max_size=60), max_size=20))
def test_any_octets_on_any_line_raise_nothing(interface, pieces):
    session = make_meter(interface=interface, profile={"rows": 5}).begin_session(lambda: None)
    now = 0.0
    for piece in pieces:
        session.receive(piece, now)
        now += 0.3
        session.wake(now)
    session.close()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.booleans(), st.binary(max_size=140)), max_size=25))
def test_any_frames_in_any_order_raise_nothing(frames):
    client = HdlcClient(make_meter(interface="hdlc", profile={"rows": 5}))
    client.connect(max_info_receive=64, window_receive=3)
    known = sorted(CONTROLS)
    for control, is_segmented, information in frames:
        chosen = CONTROLS[known[control % len(known)]]
        frame = HdlcFrame(client.server, client.client, chosen, information, is_segmented)
        client.raw(frame.encode())


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(DlmsQuirk)), st.sampled_from(["wrapper", "hdlc"]))
def test_quirks_go_together(quirks, interface):
    emulator = make_meter(interface=interface, quirks=quirks, profile={"rows": 5})
    session = emulator.begin_session(lambda: None)
    hdlc = HdlcClient(emulator)
    for number in range(3):
        octets = b"\0\1\0\x10\0\1" + len(APDUS[number]).to_bytes(2, "big") + APDUS[number]
        session.receive(octets if interface == "wrapper" else hdlc.frame(HdlcFrameType.SNRM), float(number))
        session.wake(number + 0.5)
