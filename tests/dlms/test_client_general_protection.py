"""general-ciphering and general-signing in an association, with every way to tell the key, both ways."""

import pytest
from pydantic import SecretBytes, ValidationError

from meterkit import ErrorKind
from meterkit.codec import axdr
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.security import KeyScheme, Security
from meterkit.emulator.dlms import DlmsQuirk
from tests.dlms.security_rig import (
    BOTH,
    ECDSA,
    ENERGY,
    GMAC,
    NOTE,
    apdus,
    key_pair,
    keys,
    secured,
    secured_meter,
    secured_options,
)
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

PROFILE = (7, "1-0:99.1.0", 2)
SCHEMES = [scheme.name.lower() for scheme in KeyScheme]
AGREED = ("one_pass", "static")
MASTER = bytes(range(0x40, 0x50))


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def master(suite):
    return MASTER * (len(keys(suite)[0]) // 16)


def meters_keys(suite, **demands):
    """What the meter has for every layer, and what it demands."""
    fields = {"master_key": SecretBytes(master(suite)), **demands}
    if suite:
        fields |= {
            "signing_key": SecretBytes(key_pair(suite, 4711)[0]),
            "client_signing_key": key_pair(suite, 815)[1],
            "agreement_key": SecretBytes(key_pair(suite, 4712)[0]),
            "client_agreement_key": key_pair(suite, 816)[1],
        }
    return fields


def clients_keys(suite):
    """What the client has for every layer."""
    if not suite:
        return {"master_key": master(suite)}
    return {
        "master_key": master(suite),
        "signing_key": key_pair(suite, 815)[0],
        "server_signing_key": key_pair(suite, 4711)[1],
        "agreement_key": key_pair(suite, 816)[0],
        "server_agreement_key": key_pair(suite, 4712)[1],
    }


async def reads_and_writes(client):
    """A GET, a SET and a long answer, in blocks of either kind."""
    assert (await client.get_attribute(*ENERGY)).unwrap().value > 0
    (await client.set_attribute(*NOTE, axdr.encode_octet_string(b"signed"))).unwrap()
    assert (await client.get_attribute(*NOTE)).unwrap().value == b"signed"
    assert len((await client.get_attribute(*PROFILE)).unwrap().value) == 960


@pytest.mark.parametrize("mechanism", [GMAC, ECDSA], ids=lambda one: one.name)
@pytest.mark.parametrize("suite", [1, 2])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_every_way_to_tell_the_key_serves_a_whole_association(scheme, suite, mechanism):
    emulator = secured_meter(mechanism, BOTH, suite, of_client=meters_keys(suite, key_scheme=scheme))
    changes = clients_keys(suite) | {"envelope": "general_ciphering", "key_scheme": scheme}
    async with secured(emulator, mechanism, BOTH, suite, **changes) as (client, wire):
        (await client.connect()).unwrap()
        await reads_and_writes(client)
    assert {apdu[0] for apdu in apdus(wire)[1:-1]} == {0xDD}  # the proof, too


@pytest.mark.parametrize("scheme", ["identified", "wrapped"])
async def test_suite_0_tells_keys_that_are_known_or_wrapped(scheme):
    emulator = secured_meter(of_client=meters_keys(0, key_scheme=scheme))
    changes = clients_keys(0) | {"envelope": "general_ciphering", "key_scheme": scheme}
    async with secured(emulator, **changes) as (client, _):
        (await client.connect()).unwrap()
        await reads_and_writes(client)


@pytest.mark.parametrize("suite", [1, 2])
@pytest.mark.parametrize("envelope", ["service", "general", "general_ciphering"])
async def test_every_envelope_goes_signed(envelope, suite):
    emulator = secured_meter(GMAC, BOTH, suite, of_client=meters_keys(suite, demands_signatures=True))
    changes = clients_keys(suite) | {"envelope": envelope, "key_scheme": "static", "general_signing": True}
    async with secured(emulator, GMAC, BOTH, suite, **changes) as (client, wire):
        (await client.connect()).unwrap()
        await reads_and_writes(client)
    assert {apdu[0] for apdu in apdus(wire)[1:-1]} == {0xDF}


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_signed_general_ciphering_goes_in_general_blocks_that_fit_the_meters_pdu(scheme):
    general = Conformance.GENERAL_BLOCK_TRANSFER | Conformance.GET | Conformance.SET | Conformance.ACTION
    text = bytes(range(256)) * 8
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1), max_pdu=600, block_transfer="general")
    changes = {"envelope": "general_ciphering", "key_scheme": scheme, "general_signing": True}
    changes |= {"conformance": general, "max_pdu": 700, **clients_keys(1)}
    async with secured(emulator, GMAC, BOTH, 1, **changes) as (client, wire):
        (await client.connect()).unwrap()
        (await client.set_attribute(*NOTE, axdr.encode_octet_string(text))).unwrap()
        assert (await client.get_attribute(*NOTE)).unwrap().value == text
    assert max(len(apdu) for apdu in apdus(wire)[1:]) <= 600


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_long_request_goes_in_layered_blocks_that_fit_the_meters_pdu(scheme):
    services = Conformance.GET | Conformance.SET | Conformance.ACTION
    blocks = Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    text = bytes(range(256)) * 8
    emulator = secured_meter(GMAC, BOTH, 2, of_client=meters_keys(2), max_pdu=600)
    changes = {"envelope": "general_ciphering", "key_scheme": scheme, "general_signing": True}
    changes |= {"conformance": services | blocks, **clients_keys(2)}
    async with secured(emulator, GMAC, BOTH, 2, **changes) as (client, wire):
        (await client.connect()).unwrap()
        (await client.set_attribute(*NOTE, axdr.encode_octet_string(text))).unwrap()
        assert (await client.get_attribute(*NOTE)).unwrap().value == text
    sizes = [len(apdu) for apdu in apdus(wire)[1:]]
    assert max(sizes) in range(550, 601)


# ------------------------------------------------------------------ policy
@pytest.mark.parametrize(
    ("demands", "changes"),
    [
        ({"key_scheme": "static"}, {}),
        ({"key_scheme": "static"}, {"envelope": "general_ciphering", "key_scheme": "one_pass"}),
        ({"demands_signatures": True}, {"envelope": "general_ciphering", "key_scheme": "static"}),
    ],
    ids=["glo", "another-key", "unsigned"],
)
async def test_the_meter_takes_nothing_but_what_it_demands(demands, changes):
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1, **demands))
    async with secured(emulator, GMAC, BOTH, 1, **clients_keys(1) | changes) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "decipher" in error.message


@pytest.mark.parametrize(
    ("quirk", "told"),
    [
        (DlmsQuirk.GLO_ANSWERS, "general-ciphering expected, cf glo-action-response came"),
        (DlmsQuirk.PLAIN_ANSWERS, "came without protection"),
        (DlmsQuirk.AUTHENTICATED_ONLY_ANSWERS, "authentication only, suite 1 came"),
    ],
    ids=lambda one: getattr(one, "name", None),
)
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_client_takes_nothing_but_what_it_demands(scheme, quirk, told):
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1), quirks=frozenset((quirk,)))
    changes = clients_keys(1) | {"envelope": "general_ciphering", "key_scheme": scheme}
    async with secured(emulator, GMAC, BOTH, 1, **changes) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert told in error.message


async def test_an_answer_without_the_signature_demanded_is_an_error():
    quirks = frozenset((DlmsQuirk.UNSIGNED_ANSWERS,))
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1), quirks=quirks)
    async with secured(emulator, GMAC, BOTH, 1, **clients_keys(1) | {"general_signing": True}) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "a signed APDU expected, cf glo-action-response came" in error.message


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("signs", [False, True], ids=["bare", "signed"])
async def test_an_answer_that_came_before_is_an_error(scheme, signs):
    quirks = frozenset((DlmsQuirk.REPLAYED_ANSWERS,))
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1), quirks=quirks)
    changes = {"envelope": "general_ciphering", "key_scheme": scheme, "general_signing": signs}
    async with secured(emulator, GMAC, BOTH, 1, **clients_keys(1) | changes) as (client, _):
        (await client.connect()).unwrap()
        error = (await client.get_attribute(*ENERGY)).error
    assert error.kind is ErrorKind.SECURITY
    assert "seen before" in error.message


@pytest.mark.parametrize("changes", [{"envelope": "general_ciphering"}, {"general_signing": True}])
async def test_a_meter_that_grants_no_general_protection_gets_nothing_less(changes):
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1))
    services = emulator.configuration.client(1).services & ~Conformance.GENERAL_PROTECTION
    names = tuple(service.name for service in services)
    clients = tuple(one.model_copy(update={"conformance": names}) for one in emulator.configuration.clients)
    emulator = type(emulator)(emulator.configuration.model_copy(update={"clients": clients}))
    async with secured(emulator, GMAC, BOTH, 1, **clients_keys(1) | changes) as (client, wire):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "grants no general protection" in error.message
    assert len(apdus(wire)) == 1  # the AARQ


@pytest.mark.parametrize(
    ("suite", "changes", "told"),
    [
        (0, {"general_signing": True}, "missing"),
        (0, {"envelope": "general_ciphering", "key_scheme": "wrapped", "master_key": None}, "master_key"),
        (1, {"general_signing": True, "signing_key": None}, "signing_key missing"),
        (
            1,
            {"envelope": "general_ciphering", "key_scheme": "static", "agreement_key": None},
            "agreement_key",
        ),
        (1, {"envelope": "general_ciphering", "dedicated_key": True}, "no dedicated key"),
        (1, {"general_signing": True, "security": "none"}, "with security only"),
        (1, {"key_scheme": "guessed"}, "one of identified, wrapped, one_pass, static expected"),
        (1, {"server_agreement_key": bytes(64)}, "no point of secp256r1"),
    ],
)
def test_layers_that_cannot_be_meant_are_refused(suite, changes, told):
    emulator = secured_meter(GMAC, BOTH, suite, of_client=meters_keys(suite))
    security = Security[changes.pop("security", "authentication_encryption").upper()]
    with pytest.raises(ValidationError) as refusal:
        secured_options(emulator, GMAC, security, suite, **clients_keys(suite) | changes)
    assert told in str(refusal.value)
