"""Keys that a provider knows, looked up when a client connects; and keys in the middle of a change."""

from datetime import UTC, datetime, timedelta

import keyring
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from keyring.backend import KeyringBackend
from pydantic import SecretBytes, ValidationError

from meterkit import ErrorKind
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.secured.counter_supply import counter_name
from meterkit.dlms.secured.key_provider import EVERY_METER, KeyKind, KeyringKeys, MemoryKeys
from meterkit.dlms.security import Security, SecuritySuite
from meterkit.errors import fault
from tests.dlms.rig import connected, meter
from tests.dlms.security_rig import (
    BOTH,
    ECDSA,
    ENERGY,
    GMAC,
    LLS,
    METER_TITLE,
    SECRET,
    SHA256,
    apdus,
    key_pair,
    keys,
    secured,
    secured_meter,
    secured_options,
)
from tests.dlms.test_client_general_protection import clients_keys, meters_keys
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

NAME = METER_TITLE.hex().upper()
UNGIVEN = {"encryption_key": None, "authentication_key": None}
KINDS = {
    "master_key": KeyKind.MASTER,
    "signing_key": KeyKind.SIGNING,
    "server_signing_key": KeyKind.SERVER_SIGNING,
    "agreement_key": KeyKind.AGREEMENT,
    "server_agreement_key": KeyKind.SERVER_AGREEMENT,
}


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def provided(owner=EVERY_METER, *, salt=0, suite=0, **more):
    """A provider with both symmetric keys, and others by their kind's name."""
    encryption_key, authentication_key = keys(suite, salt)
    known = {KeyKind.GLOBAL_UNICAST_ENCRYPTION: encryption_key, KeyKind.AUTHENTICATION: authentication_key}
    known |= {KeyKind[name]: key for name, key in more.items()}
    return MemoryKeys({(owner, kind): key for kind, key in known.items()})


@pytest.mark.parametrize(
    ("owner", "named"),
    [
        (NAME, {"server_system_title": METER_TITLE}),
        ("main street 7", {"meter": "main street 7"}),
        (EVERY_METER, {}),
    ],
    ids=["by title", "by name", "as every meter"],
)
async def test_keys_are_looked_up_when_the_client_connects(owner, named):
    changes = UNGIVEN | named | {"keys": provided(owner)}
    async with secured(secured_meter(), **changes) as (client, _):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()


async def test_what_is_given_goes_before_what_is_provided():
    async with secured(secured_meter(), keys=provided(salt=5)) as (client, _):
        (await client.connect()).unwrap()


async def test_keys_rotated_meanwhile_are_there_at_the_next_connect():
    emulator, known = secured_meter(), {}
    async with secured(emulator, **UNGIVEN, keys=MemoryKeys({})) as (client, _):
        client.options.keys._keys = known
        known |= provided()._keys
        (await client.connect()).unwrap()
        await client.disconnect()
        unicast = emulator.security.client(1)
        for kind, key in zip(
            (KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION), keys(salt=5), strict=True
        ):
            unicast.change(kind, key)
        unicast.settle()
        known |= provided(salt=5)._keys
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()


async def test_the_other_keys_of_a_change_are_provided_too():
    other = dict(zip(("OTHER_ENCRYPTION", "OTHER_AUTHENTICATION"), keys(salt=5), strict=True))
    emulator = secured_meter(key_set=keys(salt=5))
    async with secured(emulator, **UNGIVEN, keys=provided(**other)) as (client, _):
        (await client.connect()).unwrap()


async def test_a_shared_secret_is_provided():
    changes = UNGIVEN | {"password": None, "keys": provided(PASSWORD=SECRET)}
    async with secured(secured_meter(SHA256), SHA256, **changes) as (client, _):
        (await client.connect()).unwrap()


async def test_a_password_is_provided_without_any_ciphering():
    emulator = meter()
    known = MemoryKeys({("kitchen", KeyKind.PASSWORD): b"12345678"})
    changes = {"client_address": 1, "authentication": LLS, "keys": known, "meter": "kitchen"}
    async with connected(emulator, **changes) as (client, _):
        (await client.get_attribute(*ENERGY)).unwrap()


@pytest.mark.parametrize("scheme", ["wrapped", "one_pass", "static"])
async def test_key_pairs_are_provided(scheme):
    given = clients_keys(1)
    more = {KINDS[name].name: key for name, key in given.items()}
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1, key_scheme=scheme))
    changes = UNGIVEN | {"keys": provided(suite=1, **more), "envelope": "general_ciphering"}
    async with secured(emulator, GMAC, BOTH, 1, key_scheme=scheme, general_signing=True, **changes) as (
        client,
        _,
    ):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (MemoryKeys({}), "meter default: MemoryKeys has nothing for: encryption, authentication; say whose"),
        (
            MemoryKeys(
                {
                    (EVERY_METER, KeyKind.GLOBAL_UNICAST_ENCRYPTION): b"too short",
                    (EVERY_METER, KeyKind.AUTHENTICATION): bytes(16),
                }
            ),
            "encryption_key has 9 octets, suite 0 wants 16",
        ),
    ],
    ids=["nothing", "another size"],
)
async def test_keys_that_are_not_there_or_do_not_fit_are_told_before_anything_is_sent(provider, told):
    async with secured(secured_meter(), **UNGIVEN, keys=provider) as (client, wire):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert told in error.message
    assert "too short" not in str(error)
    assert wire.log == []


async def test_a_provider_that_fails_is_an_error_and_not_an_exception():
    class Broken:
        def key(self, meter, kind):
            raise fault(ErrorKind.SECURITY, "the vault is closed")

    async with secured(secured_meter(), **UNGIVEN, keys=Broken()) as (client, _):
        assert "the vault is closed" in (await client.connect()).error.message


def test_what_is_no_provider_is_refused():
    with pytest.raises(ValidationError, match="a KeyProvider, such as FileKeys, expected, not str"):
        secured_options(secured_meter(), keys="keys.toml")


class FakeKeyring(KeyringBackend):
    """A backend of the keyring package, in memory."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.held = {}

    def get_password(self, service, username):
        return self.held.get((service, username))

    def set_password(self, service, username, password):
        self.held[service, username] = password


async def test_keys_come_from_the_systems_keyring():
    before = keyring.get_keyring()
    keyring.set_keyring(FakeKeyring())
    try:
        for kind, key in zip(("encryption", "authentication"), keys(), strict=True):
            keyring.set_password("meterkit", f"{NAME}/{kind}", key.hex())
        changes = UNGIVEN | {"keys": KeyringKeys(), "server_system_title": METER_TITLE}
        async with secured(secured_meter(), **changes) as (client, _):
            (await client.connect()).unwrap()
    finally:
        keyring.set_keyring(before)


# ------------------------------------------------------------------ certificates
def certificate(suite, number, title, *, usage="signature", days=(-1, 1)):
    """The DER of a certificate that an authority made for `title`."""
    now = datetime.now(UTC)
    key = ec.derive_private_key(number, SecuritySuite(suite).curve)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, title.hex().upper())])
    uses = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    is_signing = usage == "signature"
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(
            x509.KeyUsage(digital_signature=is_signing, key_agreement=not is_signing, **uses), critical=True
        )
    )
    return built.sign(key, SecuritySuite(suite).digest).public_bytes(Encoding.DER)


@pytest.mark.parametrize("suite", [1, 2])
async def test_the_meters_key_may_come_in_its_certificate(suite):
    told = certificate(suite, 4711, METER_TITLE)
    known = MemoryKeys({(EVERY_METER, KeyKind.SERVER_SIGNING): told})
    changes = {"server_signing_key": None, "keys": known}
    emulator = secured_meter(ECDSA, BOTH, suite)
    async with secured(emulator, ECDSA, BOTH, suite, **changes) as (client, _):
        (await client.connect()).unwrap()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (certificate(1, 4711, b"ANOTHER1"), "system title 4d4b540001352881 expected"),
        (certificate(1, 4711, METER_TITLE, days=(-9, -2)), "is valid from"),
        (certificate(1, 4712, METER_TITLE), "the signature does not verify"),
    ],
    ids=["another meter's", "expired", "another key's"],
)
async def test_a_certificate_that_does_not_hold_is_an_error(told, why):
    emulator = secured_meter(ECDSA, BOTH, 1)
    async with secured(emulator, ECDSA, BOTH, 1, server_signing_key=told) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert why in error.message


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (certificate(1, 4711, METER_TITLE, usage="agreement"), "key usage DIGITAL_SIGNATURE expected"),
        (certificate(2, 4711, METER_TITLE), "a key of suite 1 expected"),
        (b"0\x82 no certificate", "X.509 expected"),
    ],
    ids=["another use", "another suite", "none"],
)
def test_a_certificate_that_cannot_be_meant_is_refused(told, why):
    with pytest.raises(ValidationError, match=why):
        secured_options(secured_meter(ECDSA, BOTH, 1), ECDSA, BOTH, 1, server_signing_key=told)


# ------------------------------------------------------------------ counters of keys that change
async def test_a_new_key_starts_new_counters_and_the_former_ones_are_kept():
    master = bytes(range(0x40, 0x50))
    emulator = secured_meter(of_client={"master_key": SecretBytes(master)})
    store = MemoryCounterStore()
    new, new_authentication = keys(salt=5)
    async with secured(emulator, counters=store) as (client, _):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
        unicast = client._session._secured.cipher.unicast
        former = unicast.received
        of_meter = emulator.security.client(1)
        of_meter.change(KeyKind.GLOBAL_UNICAST_ENCRYPTION, new)
        of_meter.change(KeyKind.AUTHENTICATION, new_authentication)
        of_meter.settle()
        of_meter.unicast.counters = type(of_meter.unicast.counters)(1, 100)  # it counts anew
        (await client.use_keys(encryption_key=new, authentication_key=new_authentication)).unwrap()
        assert (unicast.received, unicast.previous_received) == (None, former)
        (await client.get_attribute(*ENERGY)).unwrap()
        assert unicast.received == 1
        assert unicast.previous is None
    assert store.received(counter_name(keys()[0], METER_TITLE)) == former
    assert store.received(counter_name(new, METER_TITLE)) == 2  # and the RLRE


async def test_a_suite_2_secret_of_the_wrong_strength_is_told():
    changes = UNGIVEN | {"keys": provided(), "signing_key": key_pair(2, 815)[0]}
    async with secured(secured_meter(GMAC, BOTH, 2), GMAC, Security.AUTHENTICATION, 2, **changes) as (
        client,
        _,
    ):
        error = (await client.connect()).error
    assert "suite 2 wants 32" in error.message


async def test_a_provider_serves_the_client_that_reads_the_counter_first():
    emulator = secured_meter(of_client={"received_counter": 70_000})
    changes = UNGIVEN | {"keys": provided(), "counter_object": "0.0.43.1.0.255"}
    async with secured(emulator, **changes) as (client, wire):
        (await client.connect()).unwrap()
    assert [apdu[0] for apdu in apdus(wire)[:2]] == [0x60, 0xC0]
