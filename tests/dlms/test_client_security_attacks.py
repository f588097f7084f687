"""What a secured client must not take: each attack ends in an error of kind SECURITY, and nothing leaks."""

import logging

import pytest
from pydantic import ValidationError

from meterkit import DlmsClientOptions, ErrorKind
from meterkit.codec import axdr
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.security import Security
from meterkit.emulator.dlms import DlmsQuirk
from tests.dlms.security_rig import (
    BOTH,
    ECDSA,
    ENERGY,
    GMAC,
    LLS,
    MD5,
    METER_TITLE,
    NOTE,
    SECRET,
    SHA256,
    TITLE,
    apdus,
    keys,
    secured,
    secured_meter,
    secured_options,
)
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def refused(quirk, *terms, **changes):
    """Connect to a meter with a quirk that makes it an attacker; return the error."""
    emulator = secured_meter(*terms, quirks=frozenset((quirk,)))
    async with secured(emulator, *terms, **changes) as (client, _):
        error = (await client.connect()).error
        assert not client.is_associated
    assert error.kind is ErrorKind.SECURITY, error
    return error


@pytest.mark.parametrize(
    ("quirk", "came"),
    [
        (DlmsQuirk.PLAIN_ANSWERS, "without protection"),
        (DlmsQuirk.AUTHENTICATED_ONLY_ANSWERS, "authentication only, suite 0 came"),
        (DlmsQuirk.ENCRYPTED_ONLY_ANSWERS, "encryption only, suite 0 came"),
        (DlmsQuirk.CUT_TAG, "tag"),
    ],
    ids=lambda one: getattr(one, "name", None),
)
async def test_an_answer_less_protected_than_demanded_is_an_error(quirk, came):
    error = await refused(quirk)
    assert came in error.message
    if quirk is not DlmsQuirk.CUT_TAG:
        assert "authentication and encryption, suite 0 expected" in error.message


async def test_an_aare_without_ciphering_and_proof_is_an_error():
    error = await refused(DlmsQuirk.DOWNGRADED_AARE)
    assert "HIGH_LEVEL_SECURITY_GMAC expected" in error.message


@pytest.mark.parametrize("mechanism", [MD5, GMAC, SHA256], ids=lambda one: one.name)
async def test_our_own_challenge_sent_back_is_never_answered(mechanism):
    error = await refused(
        DlmsQuirk.REFLECTED_CHALLENGE, mechanism, Security.NONE, counters=MemoryCounterStore()
    )
    assert "our own challenge" in error.message


@pytest.mark.parametrize("mechanism", [MD5, GMAC, SHA256], ids=lambda one: one.name)
async def test_a_meter_that_cannot_prove_itself_is_none(mechanism):
    await refused(DlmsQuirk.WRONG_PROOF, mechanism, Security.NONE)


async def test_a_meter_that_cannot_sign_is_none():
    await refused(DlmsQuirk.WRONG_PROOF, ECDSA, BOTH, 1)


async def test_only_the_pinned_meter_is_believed():
    error = await refused(DlmsQuirk.LYING_TITLE, server_system_title=METER_TITLE)
    assert f"{METER_TITLE.hex()} expected" in error.message


async def test_a_replayed_answer_is_an_error():
    error = await replayed()
    assert "seen before" in error.message


async def replayed():
    """The emulator gives the answer to the proof once more in place of the next one."""
    emulator = secured_meter(quirks=frozenset((DlmsQuirk.REPLAYED_ANSWERS,)))
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        error = (await client.get_attribute(*ENERGY)).error
    assert error.kind is ErrorKind.SECURITY
    return error


async def test_after_a_refused_answer_the_session_goes_on():
    emulator = secured_meter(quirks=frozenset((DlmsQuirk.REPLAYED_ANSWERS,)))
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        assert (await client.get_attribute(*ENERGY)).error.kind is ErrorKind.SECURITY
        assert client.is_associated


async def test_first_counters_of_zero_are_taken():
    emulator = secured_meter(quirks=frozenset((DlmsQuirk.COUNTER_FROM_ZERO,)))
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()


async def test_challenges_are_fresh_and_as_long_as_set():
    challenges = []
    for length in (16, 16, 32):
        async with secured(secured_meter(), challenge_length=length) as (client, wire):
            (await client.connect()).unwrap()
        aarq = apdus(wire)[0]
        at = aarq.index(b"\xac") + 2
        assert aarq[at : at + 2] == bytes((0x80, length))
        challenges.append(aarq[at + 2 : at + 2 + length])
    assert len(set(challenges)) == 3


# ------------------------------------------------------------------ options
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"system_title": None}, "system_title missing"),
        ({"encryption_key": None}, "encryption_key missing"),
        ({"authentication_key": None}, "authentication_key missing"),
        ({"encryption_key": b"not sixteen"}, "encryption_key has 11 octets"),
        ({"system_title": b"seven.."}, "8 octets"),
        ({"server_system_title": TITLE}, "same system title"),
        ({"authentication": LLS, "password": SECRET}, "allow_weak"),
        ({"authentication": MD5, "password": SECRET}, "allow_weak"),
        ({"security": Security.AUTHENTICATION, "dedicated_key": True}, "dedicated key"),
        ({"authentication": ECDSA}, "signing_key missing"),
        ({"challenge_length": 7}, "challenge_length"),
        ({"security": Security.NONE, "authentication": MD5, "counter_object": "0.0.43.1.0.255"}, "counter"),
        ({"counters": "counters.db"}, "CounterStore"),
        ({"security": "strong"}, "authentication_encryption"),
    ],
    ids=lambda one: None if isinstance(one, str) else next(iter(one)),
)
def test_options_that_cannot_be_meant_are_refused(changes, told):
    with pytest.raises(ValidationError) as refusal:
        secured_options(secured_meter(), **changes)
    assert told in str(refusal.value)
    shown = str(refusal.value)
    assert "not sixteen" not in shown
    assert SECRET.decode() not in shown


async def test_a_secret_that_is_missing_is_a_mistake_before_anything_is_sent():
    async with secured(secured_meter(SHA256), SHA256, password=None) as (client, wire):
        with pytest.raises(ValueError, match="needs a password"):
            await client.connect()
    assert wire.log == []


# ------------------------------------------------------------------ secrets
async def test_no_log_repr_or_error_shows_a_key_a_secret_or_a_challenge(caplog):
    caplog.set_level(logging.DEBUG)
    encryption_key, authentication_key = keys()
    private, _ = keys(salt=9)
    terms = secured_meter(SHA256), SHA256
    async with secured(*terms, dedicated_key=True, broadcast_key=private) as (client, wire):
        (await client.connect()).unwrap()
        (await client.set_attribute(*NOTE, axdr.encode_octet_string(b"x"))).unwrap()
        shown = [caplog.text, repr(client.options), repr(vars(client)), repr(vars(client._session))]
        shown.append(repr(client._session._secured) + repr(client._session._ciphered))
    aarq = apdus(wire)[0]
    challenge = aarq[aarq.index(b"\x80\x10") + 2 :][:16]
    secrets = (encryption_key, authentication_key, private, SECRET, challenge)
    for text in shown:
        plain = text.replace(" ", "").lower()
        for secret in secrets:
            assert secret.hex() not in plain
            assert repr(secret)[2:-1] not in text


def test_options_show_no_secret():
    options = DlmsClientOptions(
        authentication=GMAC,
        security=BOTH,
        system_title=TITLE,
        encryption_key=keys()[0],
        authentication_key=keys()[1],
        other_encryption_key=keys(salt=3)[0],
        counters=MemoryCounterStore(),
    )
    assert "key=" not in repr(options).replace("dedicated_key=", "")
    shown = options.model_copy(update={"counters": None, "password": b"tell nobody"}).model_dump_json()
    assert shown.count('"**********"') == 4
    assert "tell nobody" not in shown
    assert options.model_dump()["encryption_key"] == keys()[0]  # a program may copy them
