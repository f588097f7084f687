"""Each switch for an attack does what it says: the client end sees it, and the codec refuses it."""

import pytest

from meterkit.dlms.acse.apdus import ApplicationContext, AuthenticationMechanism
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.security import Security, StaleCounter
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.errors import ErrorKind, ProtocolFault
from tests.emulator.dlms.meters import CLOCK_OCTETS, GET_CLOCK
from tests.emulator.dlms.secured import METER_TITLE, SECRET, SecuredClient, secured_meter


def refusal_of(client, request=GET_CLOCK):
    """Return why the client end refuses the answer to a request."""
    with pytest.raises(ProtocolFault) as refused:
        client.talk(request)
    assert refused.value.error.kind is ErrorKind.SECURITY
    return refused.value


@pytest.mark.parametrize(
    ("quirk", "words"),
    [
        (DlmsQuirk.PLAIN_ANSWERS, "came without protection"),
        (DlmsQuirk.AUTHENTICATED_ONLY_ANSWERS, "authentication only"),
        (DlmsQuirk.ENCRYPTED_ONLY_ANSWERS, "encryption only"),
        (DlmsQuirk.CUT_TAG, "does not verify"),
    ],
)
def test_answers_with_the_wrong_protection_can_be_had(quirk, words):
    emulator = secured_meter()
    client = SecuredClient(emulator).enter()
    emulator.quirks.add(quirk)
    assert words in str(refusal_of(client))
    emulator.quirks.discard(quirk)
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_wrongly_protected_answers_are_right_but_for_their_protection():
    for quirk, required in (
        (DlmsQuirk.PLAIN_ANSWERS, Security.NONE),
        (DlmsQuirk.AUTHENTICATED_ONLY_ANSWERS, Security.AUTHENTICATION),
        (DlmsQuirk.ENCRYPTED_ONLY_ANSWERS, Security.ENCRYPTION),
    ):
        client = SecuredClient(secured_meter(quirks=[quirk]), required=required).enter()
        assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_an_answer_can_be_played_back():
    emulator = secured_meter()
    client = SecuredClient(emulator).enter()
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS
    emulator.quirks.add(DlmsQuirk.REPLAYED_ANSWERS)
    assert isinstance(refusal_of(client), StaleCounter)


@pytest.mark.parametrize("mechanism", [2, 3, 4, 5, 6])
def test_a_challenge_can_come_back_as_the_meters_own(mechanism):
    emulator = secured_meter(f"hls{mechanism}", quirks=[DlmsQuirk.REFLECTED_CHALLENGE])
    client = SecuredClient(emulator, mechanism)
    assert client.open().authentication_value == client.challenge
    with pytest.raises(ProtocolFault, match="our own challenge back"):
        client.hls()


def test_a_reflected_proof_is_what_a_careless_client_expects():
    emulator = secured_meter("hls3", quirks=[DlmsQuirk.REFLECTED_CHALLENGE])
    client = SecuredClient(emulator, 3)
    client.open()
    other = client.hls(peer_challenge=bytes(16))
    response = client.invoke(15, ObisCode.CURRENT_ASSOCIATION, 1, b"\x09\x10" + other.prove())
    assert response.return_value[2:] == other.prove()


@pytest.mark.parametrize("mechanism", [2, 3, 4, 5, 6, 7])
def test_the_meters_proof_can_be_wrong(mechanism):
    suite = 1 if mechanism == 7 else 0
    emulator = secured_meter(f"hls{mechanism}", suite, quirks=[DlmsQuirk.WRONG_PROOF])
    client = SecuredClient(emulator, mechanism, suite=suite)
    client.open()
    response = client.prove()
    with pytest.raises(ProtocolFault):
        client.hls().check(response.return_value[2:])


def test_an_aare_can_step_down_to_nothing():
    emulator = secured_meter(quirks=[DlmsQuirk.DOWNGRADED_AARE])
    client = SecuredClient(emulator, required=Security.NONE)
    aare = client.open()
    assert aare.is_accepted
    assert aare.application_context is ApplicationContext.LOGICAL_NAME
    assert aare.mechanism is AuthenticationMechanism.NONE
    assert (aare.authentication_value, aare.responding_ap_title) == (None, None)
    assert client.ask(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_a_meter_can_lie_about_its_title_and_keep_to_it():
    emulator = secured_meter(quirks=[DlmsQuirk.LYING_TITLE])
    client = SecuredClient(emulator)
    with pytest.raises(ProtocolFault, match="does not verify"):
        client.open()
    believing = SecuredClient(emulator, counter=50)
    believing.cipher.peer_title = METER_TITLE[:-1] + b"\x80"
    assert believing.open().responding_ap_title == believing.cipher.peer_title
    assert believing.prove(believing.hls(peer_title=believing.cipher.peer_title)).result == 0
    assert believing.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_counters_begin_at_1_or_oddly_at_0():
    for quirks, first in (([], 1), ([DlmsQuirk.COUNTER_FROM_ZERO], 0)):
        client = SecuredClient(secured_meter(quirks=quirks))
        client.open()
        assert client.unicast.received == first


@pytest.mark.parametrize(("size", "is_taken"), [(16, True), (31, True), (32, False), (64, False)])
def test_long_challenges_can_be_refused(size, is_taken):
    emulator = secured_meter(quirks=[DlmsQuirk.LONG_CHALLENGE_REFUSED])
    client = SecuredClient(emulator, challenge=bytes(range(size)))
    assert client.open().is_accepted == is_taken


def test_a_wrong_invoke_id_and_a_push_can_come_inside_a_ciphered_association():
    emulator = secured_meter()
    client = SecuredClient(emulator).enter()
    emulator.quirks.add(DlmsQuirk.WRONG_INVOKE_ID)
    assert client.talk(GET_CLOCK)[2] == 0xC1 ^ 0x05
    emulator.quirks.clear()
    emulator.quirks.add(DlmsQuirk.PUSH_BEFORE_ANSWER)
    (_, _, push), (_, _, answer) = client.send(client.cipher.protect(bytes.fromhex(GET_CLOCK)))
    assert decode_apdu(push).body
    assert client.cipher.unprotect(answer)[4:] == CLOCK_OCTETS


def test_a_wrong_secret_is_not_enough():
    client = SecuredClient(secured_meter("hls6"), 6, secret=SECRET + b"?")
    client.open()
    assert client.prove().result == 3
