"""general-ciphering and general-signing are answered in kind, with the key told as it came."""

import pytest

from meterkit.dlms.security import (
    CounterBlock,
    GeneralCipher,
    GeneralSigner,
    KeyMaterial,
    KeyScheme,
    Security,
    SecurityPolicy,
)
from meterkit.dlms.security.keys import private_key_of
from tests.emulator.dlms.meters import CLOCK_OCTETS, GET_CLOCK
from tests.emulator.dlms.secured import (
    CLIENT_TITLE,
    METER_SIGNING,
    METER_TITLE,
    SIGNING,
    SecuredClient,
    keys_of,
    public_of,
    secured_meter,
)

AGREEMENT = {1: b"\x31" * 32, 2: b"\x32" * 48}  # the client's
METER_AGREEMENT = {1: b"\x41" * 32, 2: b"\x42" * 48}
GET = bytes.fromhex(GET_CLOCK)


def agreeing_meter(suite, **keys):
    return secured_meter(
        suite=suite,
        keys={
            "agreement_key": METER_AGREEMENT[suite],
            "client_agreement_key": public_of(suite, AGREEMENT[suite]),
            **keys,
        },
    )


def general(client, scheme):
    """Return the client's end of general-ciphering."""
    suite, both = client.suite, Security.AUTHENTICATION_ENCRYPTION
    material = KeyMaterial(master_key=keys_of(suite)[2])
    if suite:
        material = KeyMaterial(
            master_key=keys_of(suite)[2],
            own_agreement=private_key_of(suite, AGREEMENT[suite]),
            peer_agreement=private_key_of(suite, METER_AGREEMENT[suite]).public_key(),
            own_signing=private_key_of(suite, SIGNING[suite]),
            peer_signing=private_key_of(suite, METER_SIGNING[suite]).public_key(),
        )
    policy = SecurityPolicy(suite, both, both)
    return GeneralCipher(CLIENT_TITLE, METER_TITLE, policy, client.unicast, scheme=scheme, material=material)


def signer(client):
    suite = client.suite
    return GeneralSigner(
        suite,
        CLIENT_TITLE,
        METER_TITLE,
        private_key_of(suite, SIGNING[suite]),
        private_key_of(suite, METER_SIGNING[suite]).public_key(),
        CounterBlock(1000, 2000),
    )


@pytest.mark.parametrize("scheme", list(KeyScheme))
@pytest.mark.parametrize("suite", [1, 2])
def test_every_way_to_tell_the_key_is_answered_in_kind(scheme, suite):
    client = SecuredClient(agreeing_meter(suite), suite=suite).enter()
    end = general(client, scheme)
    for _ in range(3):
        answer = client.ask(end.protect(GET))
        assert answer[0] == 0xDD
        assert end.unprotect(answer)[4:] == CLOCK_OCTETS
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS  # and glo- beside it


@pytest.mark.parametrize("scheme", [KeyScheme.IDENTIFIED, KeyScheme.WRAPPED])
def test_suite_0_has_keys_that_are_known_or_wrapped(scheme):
    client = SecuredClient(secured_meter()).enter()
    end = general(client, scheme)
    assert end.unprotect(client.ask(end.protect(GET)))[4:] == CLOCK_OCTETS


@pytest.mark.parametrize("scheme", list(KeyScheme))
def test_general_ciphering_is_not_taken_twice(scheme):
    client = SecuredClient(agreeing_meter(1), suite=1).enter()
    end = general(client, scheme)
    request = end.protect(GET)
    assert end.unprotect(client.ask(request))[4:] == CLOCK_OCTETS
    assert client.ask(request)[:2].hex() == "d801"


def test_a_key_the_meter_cannot_derive_is_refused():
    client = SecuredClient(secured_meter(suite=1), suite=1).enter()
    assert client.ask(general(client, KeyScheme.STATIC).protect(GET)).hex() == "d80105"
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


@pytest.mark.parametrize("suite", [1, 2])
def test_a_signed_request_is_answered_signed_with_its_ciphering_inside(suite):
    client = SecuredClient(agreeing_meter(suite), suite=suite).enter()
    end = signer(client)
    signed = client.ask(end.protect(client.cipher.protect(GET)))
    assert signed[0] == 0xDF
    assert client.cipher.unprotect(end.unprotect(signed))[4:] == CLOCK_OCTETS


def test_a_signature_is_no_ciphering():
    client = SecuredClient(agreeing_meter(1), suite=1).enter()
    assert client.ask(signer(client).protect(GET)).hex() == "d80105"


def test_a_signed_request_in_clear_is_answered_so_where_the_policy_lets_it():
    client = SecuredClient(agreeing_meter(1, policy="none"), suite=1).enter()
    end = signer(client)
    assert end.unprotect(client.ask(end.protect(GET)))[4:] == CLOCK_OCTETS


def test_a_wrong_signature_is_refused():
    client = SecuredClient(agreeing_meter(1), suite=1).enter()
    signed = signer(client).protect(client.cipher.protect(GET))
    assert client.ask(signed[:-1] + bytes((signed[-1] ^ 0x01,))).hex() == "d80105"
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_no_answer_in_general_ciphering_is_longer_than_the_client_takes():
    client = SecuredClient(agreeing_meter(2), suite=2, max_pdu=500).enter()
    end, over = general(client, KeyScheme.ONE_PASS), signer(client)
    request = bytes.fromhex("c001c100070100630100ff0200")
    assert len(client.ask(end.protect(request))) in range(480, 501)
    assert len(client.ask(over.protect(end.protect(request)))) in range(470, 501)


# ------------------------------------------------------------------ what the meter demands
@pytest.mark.parametrize("scheme", list(KeyScheme))
def test_a_meter_that_demands_a_scheme_takes_no_other_and_no_glo(scheme):
    client = SecuredClient(agreeing_meter(1, key_scheme=scheme.name.lower()), suite=1)
    assert client.open().is_accepted  # the Initiate goes by glo- in any case
    assert client.prove(client.hls()).service_error == 5
    for other in KeyScheme:
        end = general(client, other)
        answer = client.ask(end.protect(GET))
        if other is scheme:
            assert answer.hex() == "d80101"  # understood, but not before the proof
        else:
            assert answer.hex() == "d80105"


def test_a_meter_that_demands_signatures_takes_nothing_unsigned():
    client = SecuredClient(agreeing_meter(1, demands_signatures=True), suite=1)
    assert client.open().is_accepted
    assert client.ask(client.cipher.protect(GET)).hex() == "d80105"
    end = signer(client)
    proof = client.hls().prove(client.unicast.take())
    action = bytes.fromhex("c301c1000f0000280000ff01010911") + proof
    answer = client.cipher.unprotect(end.unprotect(client.ask(end.protect(client.cipher.protect(action)))))
    assert answer[:4].hex() == "c701c100"
    signed = client.ask(end.protect(client.cipher.protect(GET)))
    assert client.cipher.unprotect(end.unprotect(signed))[4:] == CLOCK_OCTETS
    assert client.release().encode()[0] == 0x08


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"key_scheme": "static", "agreement_key": None}, "agreement_key missing"),
        ({"key_scheme": "one_pass", "client_signing_key": None}, "client_signing_key missing"),
        ({"key_scheme": "wrapped", "master_key": None}, "master_key missing"),
        ({"demands_signatures": True, "signing_key": None}, "signing_key missing"),
        ({"demands_signatures": True, "policy": "none"}, "beside a policy only"),
        ({"key_scheme": "guessed"}, "key_scheme"),
    ],
)
def test_demands_without_keys_for_them_are_refused(keys, told):
    with pytest.raises(ValueError, match=told):
        agreeing_meter(1, **keys)
