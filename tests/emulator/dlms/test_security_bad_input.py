"""Whatever comes, ciphered or not, the secured meter goes on: no exception, and no plaintext given away."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.security import Envelope, Security
from meterkit.emulator.dlms import DlmsQuirk
from tests.emulator.dlms.meters import CLOCK_OCTETS, GET_CLOCK
from tests.emulator.dlms.secured import SecuredClient, secured_meter
from tests.emulator.dlms.test_bad_input import APDUS

CIPHERED = (0xDB, 0xDC, *range(0xC8, 0xD0), *range(0xD0, 0xD8))
OTHER = b"\x5f" * 16
ATTACKS = [quirk for quirk in DlmsQuirk if "Attack" in quirk.seen]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(APDUS), st.binary(max_size=60)), max_size=10), st.booleans())
def test_octets_out_of_nowhere_are_refused_in_clear_and_change_nothing(apdus, is_proved):
    # Not the example keys, by which some of the vectors are ciphered.
    client = SecuredClient(
        secured_meter(profile={"rows": 2}, keys={"encryption_key": OTHER}), encryption_key=OTHER
    )
    client.open()
    if is_proved:
        client.prove()
    for apdu in apdus:
        if apdu[:1] == b"\x60":
            continue  # another association ends this one
        for _, _, answer in client.send(apdu):
            assert answer[0] in (0xD8, 0xE0)
    if is_proved:
        assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(APDUS), st.binary(max_size=60)), max_size=10))
def test_a_client_with_the_key_can_send_anything(apdus):
    client = SecuredClient(secured_meter(profile={"rows": 2}), envelope=Envelope.GENERAL).enter()
    for apdu in apdus:
        if apdu and apdu[0] not in range(0x60, 0x64):
            for _, _, answer in client.send(client.cipher.protect(apdu)):
                assert answer[0] in (0xD8, 0x0E, 0xE0, *CIPHERED)
    assert client.talk(GET_CLOCK)[:4].hex() == "c401c100"


@pytest.mark.parametrize("apdu", [apdu for apdu in APDUS if apdu[0] == 0x60], ids=lambda apdu: apdu[:6].hex())
def test_every_octet_of_an_aarq_can_be_cut_or_turned_over(apdu):
    emulator = secured_meter(profile={"rows": 2})
    client = SecuredClient(emulator)
    for octets in (apdu, client.aarq()):
        for place in range(len(octets)):
            client.send(octets[:place])
            client.send(octets[:place] + bytes((octets[place] ^ 0x55,)) + octets[place + 1 :])
    assert SecuredClient(emulator, counter=1000).open().is_accepted


@pytest.mark.parametrize("quirk", ATTACKS)
@pytest.mark.parametrize("mechanism", ["low", "hls3", "hls5", "hls6"])
def test_no_switch_breaks_a_meter_without_an_authentication_key_or_ciphering(quirk, mechanism):
    keys = {"policy": "none"} if mechanism == "hls5" else {"policy": "encryption", "authentication_key": None}
    emulator = secured_meter(mechanism, keys=keys, quirks=[quirk])
    applied = Security.NONE if mechanism == "hls5" else Security.ENCRYPTION
    number = {"low": 1, "hls3": 3, "hls5": 5, "hls6": 6}[mechanism]
    client = SecuredClient(emulator, number, applied, required=Security.NONE)
    for _ in range(3):
        client.send(client.aarq())
        client.send(client.cipher.protect(bytes.fromhex(GET_CLOCK)))
