"""Authentication and ciphering of the emulated meter, against a client end made of the codec alone."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import AcseServiceUser, ApplicationContext, AuthenticationMechanism
from meterkit.dlms.apdu.action import ActionResponseNormal
from meterkit.dlms.apdu.errors import ExceptionResponse
from meterkit.dlms.apdu.initiate import InitiateResponse
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.security import Cipher, CounterBlock, Envelope, KeyInUse, KeyKind, ProtectionKey, Security
from tests.emulator.dlms.meters import CLOCK_OCTETS, GET_CLOCK, WrapperClient
from tests.emulator.dlms.secured import METER_TITLE, SECRET, SecuredClient, keys_of, secured_meter

BOTH = Security.AUTHENTICATION_ENCRYPTION
GET_STATUS = "c001c1000f0000280000ff0800"
GET_MECHANISM = "c001c1000f0000280000ff0600"
RELEASE = "6203800100"


def check_clock(client):
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


@pytest.mark.parametrize("mechanism", range(8))
def test_every_mechanism_gives_an_association_without_ciphering(mechanism):
    suite = 1 if mechanism == 7 else 0
    name = ("none", "low")[mechanism] if mechanism < 2 else f"hls{mechanism}"
    emulator = secured_meter(name, suite, keys={"policy": "none"})
    client = SecuredClient(emulator, mechanism, Security.NONE, suite).enter()
    assert client.aare.application_context is ApplicationContext.LOGICAL_NAME
    if mechanism >= 2:
        assert client.aare.mechanism == mechanism
        assert client.aare.diagnostic is AcseServiceUser.AUTHENTICATION_REQUIRED
    check_clock(client)
    assert axdr.decode(client.talk(GET_MECHANISM)[4:])[-1] == mechanism


@pytest.mark.parametrize("suite", [0, 1, 2])
@pytest.mark.parametrize("policy", ["authentication", "encryption", "authentication_encryption"])
@pytest.mark.parametrize("envelope", list(Envelope))
@pytest.mark.parametrize("is_dedicated", [False, True])
def test_answers_are_protected_as_requests_are_in_every_suite(suite, policy, envelope, is_dedicated):
    emulator = secured_meter("hls5", suite, keys={"policy": policy})
    dedicated = keys_of(suite)[2] if is_dedicated else None
    client = SecuredClient(
        emulator, 5, Security[policy.upper()], suite, envelope=envelope, dedicated=dedicated
    ).enter()
    assert client.aare.application_context is ApplicationContext.LOGICAL_NAME_CIPHERED
    assert client.aare.responding_ap_title == METER_TITLE
    sealed = client.ask(client.cipher.protect(bytes.fromhex(GET_CLOCK)))
    tags = {Envelope.SERVICE: (0xCC, 0xD4), Envelope.GENERAL: (0xDB, 0xDC)}
    assert sealed[0] == tags[envelope][is_dedicated]
    assert client.cipher.unprotect(sealed)[4:] == CLOCK_OCTETS
    assert isinstance(client.release(), InitiateResponse)
    assert client.ask(GET_CLOCK).hex() == "d80101"


@pytest.mark.parametrize("suite", [1, 2])
def test_ecdsa_proves_both_ends_over_a_ciphered_association(suite):
    client = SecuredClient(secured_meter("hls7", suite), 7, suite=suite).enter()
    check_clock(client)


def test_a_password_works_in_a_ciphered_association():
    client = SecuredClient(secured_meter("low"), 1).enter()
    check_clock(client)
    with_another = SecuredClient(secured_meter("low"), 1, secret=b"another")
    assert with_another.open().diagnostic is AcseServiceUser.AUTHENTICATION_FAILURE


def test_stronger_protection_than_demanded_is_answered_in_kind():
    client = SecuredClient(secured_meter(keys={"policy": "authentication"}), applied=BOTH).enter()
    check_clock(client)


def test_a_client_may_cipher_where_the_policy_asks_for_nothing():
    emulator = secured_meter(keys={"policy": "none"})
    client = SecuredClient(emulator, applied=BOTH).enter()
    check_clock(client)
    assert client.ask(GET_CLOCK)[4:] == CLOCK_OCTETS  # and in clear beside it
    check_clock(client)


# ------------------------------------------------------------------------------------------ proofs
def test_until_the_client_has_proved_itself_nothing_but_the_proof_is_taken():
    client = SecuredClient(secured_meter())
    client.open()
    assert client.request(GET_CLOCK) == ExceptionResponse(1, 1)
    client.prove()
    check_clock(client)


def test_the_association_tells_whether_it_is_pending():
    emulator = secured_meter()
    client = SecuredClient(emulator).enter()
    assert client.talk(GET_STATUS)[4:].hex() == "1602"


@pytest.mark.parametrize("mechanism", [2, 3, 4, 5, 6])
def test_a_wrong_proof_ends_the_association(mechanism):
    client = SecuredClient(
        secured_meter(f"hls{mechanism}", keys={"policy": "none"}), mechanism, Security.NONE
    )
    client.open()
    reversed_challenge = client.aare.authentication_value[::-1]
    response = client.prove(client.hls(peer_challenge=reversed_challenge))
    assert response == ActionResponseNormal(0xC1, 3, None)
    assert client.ask(GET_CLOCK).hex() == "d80101"


def test_a_proof_is_taken_once():
    client = SecuredClient(secured_meter("hls6", keys={"policy": "none"}), 6, Security.NONE).enter()
    assert client.prove().result == 3
    check_clock(client)


@pytest.mark.parametrize("size", [0, 7, 65])
def test_a_challenge_of_another_size_is_refused(size):
    client = SecuredClient(secured_meter())
    client.challenge = bytes(size) or None
    assert client.open().diagnostic is AcseServiceUser.AUTHENTICATION_FAILURE


def test_challenges_are_new_every_time():
    client = SecuredClient(secured_meter())
    seen = {client.open().authentication_value for _ in range(5)}
    assert len(seen) == 5
    assert {len(one) for one in seen} == {16}


@pytest.mark.parametrize("mechanism", [0, 1, 3])
def test_another_mechanism_than_the_client_has_is_refused(mechanism):
    client = SecuredClient(secured_meter(keys={"policy": "none"}), mechanism, Security.NONE)
    aare = client.open()
    assert not aare.is_accepted
    assert aare.mechanism is AuthenticationMechanism.NONE
    assert aare.diagnostic in (
        AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_REQUIRED,
        AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED,
    )


def test_high_level_security_is_refused_to_a_client_without():
    client = SecuredClient(secured_meter("none", keys={"policy": "none"}), 3, Security.NONE)
    assert client.open().diagnostic is AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED


# ------------------------------------------------------------------------------------------ refusals
@pytest.mark.parametrize("wrong", ["encryption_key", "authentication_key"])
def test_a_wrong_key_is_refused(wrong):
    client = SecuredClient(secured_meter(), **{wrong: b"\x5f" * 16})
    assert client.ask(client.aarq()).hex() == "d80105"


def test_an_unciphered_aarq_is_refused_where_ciphering_is_demanded():
    client = SecuredClient(secured_meter(), applied=Security.NONE)
    assert client.ask(client.aarq()).hex() == "d80105"
    ciphered_context = client.aarq().replace(b"\x60\x85\x74\x05\x08\x01\x01", b"\x60\x85\x74\x05\x08\x01\x03")
    assert client.ask(ciphered_context).hex() == "d80105"


@pytest.mark.parametrize("applied", [Security.AUTHENTICATION, Security.ENCRYPTION])
def test_less_protection_than_demanded_is_refused(applied):
    client = SecuredClient(secured_meter(), applied=applied)
    assert client.ask(client.aarq()).hex() == "d80105"


def test_a_counter_that_does_not_rise_is_refused_with_the_one_expected():
    emulator = secured_meter(keys={"received_counter": 1000})
    client = SecuredClient(emulator, counter=1000)
    assert client.ask(client.aarq()).hex() == "d80106000003e9"
    client = SecuredClient(emulator, counter=1001).enter()
    request = client.cipher.protect(bytes.fromhex(GET_CLOCK))
    assert client.cipher.unprotect(client.ask(request))[4:] == CLOCK_OCTETS
    assert client.ask(request).hex() == "d80106000003ed"
    check_clock(client)


def test_the_counter_is_kept_over_lines_and_everybody_may_read_it():
    emulator = secured_meter()
    public = WrapperClient(emulator)
    public.associate()
    assert public.ask("c001c1000100002b0100ff0200").hex() == "c401c1000600000000"
    SecuredClient(emulator, counter=500).enter()
    assert public.ask("c001c1000100002b0100ff0200").hex() == "c401c10006000001f6"
    assert SecuredClient(emulator, counter=502).ask(SecuredClient(emulator, counter=502).aarq()).hex() == (
        "d80106000001f7"
    )


def test_a_counter_is_not_moved_by_what_does_not_verify():
    emulator = secured_meter()
    forger = SecuredClient(emulator, counter=4_000_000_000, encryption_key=b"\x5f" * 16)
    assert forger.ask(forger.aarq()).hex() == "d80105"
    assert SecuredClient(emulator, counter=1).open().is_accepted


@pytest.mark.parametrize("title", [b"", b"METER00", METER_TITLE])
def test_a_title_that_is_none_or_the_meters_own_is_refused(title):
    client = SecuredClient(secured_meter())
    client.title = title
    aare = client.open()
    assert aare.diagnostic is AcseServiceUser.CALLING_AP_TITLE_NOT_RECOGNIZED
    assert not aare.is_accepted


def test_another_client_than_the_configured_one_is_refused():
    emulator = secured_meter(keys={"client_title": b"METER002"})
    assert SecuredClient(emulator).open().diagnostic is AcseServiceUser.CALLING_AP_TITLE_NOT_RECOGNIZED
    assert SecuredClient(emulator, title=b"METER002").open().is_accepted


def test_a_ciphered_context_is_refused_to_a_client_without_keys():
    client = SecuredClient(secured_meter(), 0, sap=16)
    aare = client.ask(client.aarq())
    assert (
        aare[aare.index(b"\xa3\x05\xa1\x03\x02\x01") + 6]
        == AcseServiceUser.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
    )


def test_plain_requests_in_a_ciphered_association_are_refused():
    client = SecuredClient(secured_meter()).enter()
    assert client.ask(GET_CLOCK).hex() == "d80105"
    assert client.ask(RELEASE).hex() == "d80102"
    check_clock(client)


def test_general_ciphering_is_refused_where_it_was_not_granted():
    conformance = Conformance(0xFFFFFF) & ~Conformance.GENERAL_PROTECTION
    client = SecuredClient(secured_meter(), envelope=Envelope.GENERAL, conformance=conformance)
    client.open()
    assert client.ask(client.cipher.protect(bytes.fromhex(GET_CLOCK))).hex() == "d80102"


def test_every_altered_octet_of_a_request_is_refused():
    client = SecuredClient(secured_meter()).enter()
    request = client.cipher.protect(bytes.fromhex(GET_CLOCK))
    for place in range(1, len(request)):
        altered = request[:place] + bytes((request[place] ^ 0x01,)) + request[place + 1 :]
        assert client.ask(altered)[0] == 0xD8
    assert client.cipher.unprotect(client.ask(request))[4:] == CLOCK_OCTETS


def test_requests_cut_anywhere_are_refused():
    client = SecuredClient(secured_meter()).enter()
    for envelope in Envelope:
        client.cipher.envelope = envelope
        request = client.cipher.protect(bytes.fromhex(GET_CLOCK))
        for size in range(1, len(request)):
            assert client.ask(request[:size])[0] == 0xD8
    check_clock(client)


@pytest.mark.parametrize("size", [8, 15, 17, 32])
def test_a_dedicated_key_of_another_size_is_refused(size):
    client = SecuredClient(secured_meter(), dedicated=None)
    client.dedicated = bytes(range(size))
    client.cipher.dedicated = None
    aare = client.ask(client.aarq())
    assert b"\xa2\x03\x02\x01\x01" in aare


def test_a_secret_is_enough_for_a_client_without_keys():
    bare = {"sap": 5, "authentication": "hls6", "password": SECRET, "clearance": 1}
    emulator = secured_meter(clients=[bare])
    client = SecuredClient(emulator, 6, Security.NONE, sap=5).enter()
    assert client.aare.responding_ap_title == METER_TITLE
    check_clock(client)
    nameless = SecuredClient(emulator, 6, Security.NONE, sap=5)
    nameless.title = b""
    assert nameless.open().diagnostic is AcseServiceUser.AUTHENTICATION_FAILURE


def test_the_next_association_begins_without_the_dedicated_key():
    emulator = secured_meter()
    client = SecuredClient(emulator, dedicated=bytes(16)).enter()
    client.release()
    again = SecuredClient(emulator, counter=100).enter()
    again.cipher.dedicated = client.cipher.dedicated
    assert again.ask(again.cipher.protect(bytes.fromhex(GET_CLOCK))).hex() == "d80105"


def test_global_and_dedicated_keys_may_alternate():
    client = SecuredClient(secured_meter(), dedicated=bytes(range(16))).enter()
    dedicated = client.cipher.dedicated
    for used in (None, dedicated, None, dedicated):
        client.cipher.dedicated = used
        sealed = client.ask(client.cipher.protect(bytes.fromhex(GET_CLOCK)))
        assert sealed[0] == (0xCC if used is None else 0xD4)
        assert client.cipher.unprotect(sealed)[4:] == CLOCK_OCTETS


def test_the_broadcast_key_is_taken_and_answered_by_the_unicast_key():
    emulator = secured_meter(keys={"broadcast_key": bytes(16)})
    client = SecuredClient(emulator).enter()
    broadcast = KeyInUse(
        KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
        ProtectionKey(client.suite, bytes(16), keys_of(0)[1]),
        CounterBlock(1, 100),
    )
    end = Cipher(
        client.title,
        client.cipher.policy,
        client.unicast,
        peer_title=METER_TITLE,
        broadcast=broadcast,
        sends_broadcast=True,
    )
    answer = client.ask(end.protect(bytes.fromhex(GET_CLOCK)))
    assert answer[2] == 0x30
    assert end.unprotect(answer)[4:] == CLOCK_OCTETS


def test_nothing_shows_a_key_or_a_secret():
    emulator = secured_meter("hls6")
    client = SecuredClient(emulator, 6).enter()
    keys = emulator.security.client(3)
    application = next(iter(client.session.end._applications.values()))
    accepted = application.services.accepted
    shown = " ".join(map(repr, (emulator, emulator.configuration, keys, accepted, accepted.proving._hls)))
    for secret in (*keys_of(0), SECRET, client.challenge):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
