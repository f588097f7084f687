"""The secured client with short names: proofs by a parameterised Read, glo-read and glo-write; and ACCESS."""

import pytest

from meterkit import ErrorKind
from meterkit.codec import axdr
from meterkit.dlms.apdu.access import AccessAction, AccessGet, AccessRequest, AccessSet
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.security import Security
from meterkit.emulator.dlms import DlmsQuirk
from tests.dlms.security_rig import (
    BOTH,
    ECDSA,
    ENERGY,
    GMAC,
    HLS2,
    LLS,
    MD5,
    NOTE,
    SHA1,
    SHA256,
    apdus,
    secured,
    secured_meter,
)
from tests.dlms.test_client_general_protection import clients_keys, meters_keys
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

SHORT = {"referencing": "short_name"}
DISCONNECT = (70, "0-0:96.3.10", 1)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def short_meter(*terms, **configuration):
    return secured_meter(*terms, short_name_referencing=True, **configuration)


async def reads_writes_and_acts(client):
    assert (await client.get_attribute(*ENERGY)).unwrap().value > 0
    (await client.set_attribute(*NOTE, axdr.encode_octet_string(b"short"))).unwrap()
    assert (await client.get_attribute(*NOTE)).unwrap().value == b"short"
    (await client.action(*DISCONNECT, axdr.encode_integer(0))).unwrap()


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize("mechanism", [HLS2, MD5, SHA1, GMAC, SHA256], ids=lambda one: one.name)
async def test_both_ends_prove_themselves_by_a_read(mechanism, interface):
    emulator = short_meter(mechanism, Security.NONE, interface=interface)
    async with secured(emulator, mechanism, Security.NONE, **SHORT) as (client, wire):
        (await client.connect()).unwrap()
        await reads_writes_and_acts(client)
    if interface == "wrapper":
        assert apdus(wire)[1][:5].hex() == "050104fa58"  # Read, one, parameterised


@pytest.mark.parametrize("suite", [1, 2])
async def test_both_ends_sign_in_a_read(suite):
    async with secured(short_meter(ECDSA, BOTH, suite), ECDSA, BOTH, suite, **SHORT) as (client, _):
        (await client.connect()).unwrap()
        await reads_writes_and_acts(client)


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize(
    ("mechanism", "changes", "tags"),
    [
        (GMAC, {}, {0x25, 0x26}),
        (SHA256, {"dedicated_key": True}, {0x25, 0x45, 0x46}),
        (GMAC, {"envelope": "general"}, {0xDB}),
        (SHA256, {"envelope": "general", "dedicated_key": True}, {0xDB, 0xDC}),
        (LLS, {"allow_weak": True}, {0x25, 0x26}),
    ],
    ids=["glo", "ded", "general-glo", "general-ded", "low"],
)
async def test_read_and_write_go_ciphered(mechanism, changes, tags, interface):
    emulator = short_meter(mechanism, interface=interface)
    async with secured(emulator, mechanism, **SHORT, **changes) as (client, wire):
        (await client.connect()).unwrap()
        await reads_writes_and_acts(client)
    if interface == "wrapper":
        assert {apdu[0] for apdu in apdus(wire)[1:-1]} == tags


@pytest.mark.parametrize("scheme", ["one_pass", "static"])
async def test_read_and_write_go_by_agreed_keys_and_signed(scheme):
    emulator = short_meter(
        GMAC, BOTH, 1, of_client=meters_keys(1, key_scheme=scheme, demands_signatures=True)
    )
    layers = {"envelope": "general_ciphering", "key_scheme": scheme, "general_signing": True}
    async with secured(emulator, GMAC, BOTH, 1, **SHORT, **layers, **clients_keys(1)) as (client, _):
        (await client.connect()).unwrap()
        await reads_writes_and_acts(client)


@pytest.mark.parametrize("quirk", [DlmsQuirk.WRONG_PROOF, DlmsQuirk.REFLECTED_CHALLENGE])
async def test_a_meter_that_cannot_prove_itself_is_none(quirk):
    emulator = short_meter(SHA256, Security.NONE, quirks=frozenset((quirk,)))
    async with secured(emulator, SHA256, Security.NONE, **SHORT) as (client, _):
        error = (await client.connect()).error
        assert not client.is_associated
    assert error.kind is ErrorKind.SECURITY


async def test_a_wrong_secret_is_told_as_what_it_is():
    emulator = short_meter(SHA256, Security.NONE)
    changes = SHORT | {"password": b"another"}
    async with secured(emulator, SHA256, Security.NONE, **changes) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "does not take our proof" in error.message


async def test_without_parameterised_access_there_is_no_proof():
    asked = {"conformance": Conformance.READ | Conformance.WRITE}
    async with secured(short_meter(SHA256), SHA256, **SHORT, **asked) as (client, wire):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "parameterised access" in error.message
    assert len(apdus(wire)) == 1


# ------------------------------------------------------------------ ACCESS
REQUEST = AccessRequest(
    0x40000001,
    b"",
    (
        AccessGet(AttributeDescriptor(3, ObisCode.parse(ENERGY[1]), 2)),
        AccessSet(AttributeDescriptor(1, ObisCode.parse(NOTE[1]), 2)),
        AccessAction(MethodDescriptor(70, ObisCode.parse(DISCONNECT[1]), 1)),
    ),
    (b"\x00", axdr.encode_octet_string(b"access"), axdr.encode_integer(0)),
)


@pytest.mark.parametrize(
    ("changes", "tag"),
    [
        ({}, 0xDB),  # there is no glo-access-request
        ({"dedicated_key": True}, 0xDC),
        ({"envelope": "general"}, 0xDB),
        ({"envelope": "general_ciphering", "key_scheme": "one_pass"}, 0xDD),
        ({"general_signing": True}, 0xDF),
    ],
    ids=lambda one: None if isinstance(one, int) else ", ".join(one) or "glo",
)
async def test_access_goes_by_general_protection(changes, tag):
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1))
    async with secured(emulator, GMAC, BOTH, 1, **clients_keys(1) | changes) as (client, wire):
        (await client.connect()).unwrap()
        response = (await client.access(REQUEST)).unwrap()
        assert [int(one.result) for one in response.results] == [0, 0, 0]
        assert axdr.decode(response.data[0]) > 0
        assert apdus(wire)[-1][0] == tag
        assert (await client.get_attribute(*NOTE)).unwrap().value == b"access"


async def test_access_is_not_sent_where_general_protection_is_not_granted():
    services = Conformance.GET | Conformance.ACTION | Conformance.ACCESS
    async with secured(secured_meter(), conformance=services) as (client, wire):
        (await client.connect()).unwrap()
        before = len(wire.log)
        error = (await client.access(REQUEST)).error
        assert len(wire.log) == before
        assert error.kind is ErrorKind.SECURITY
        assert "did not grant" in error.message
        (await client.get_attribute(*ENERGY)).unwrap()


async def test_an_answer_to_access_in_clear_is_an_error():
    emulator = secured_meter()
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        emulator.quirks.add(DlmsQuirk.PLAIN_ANSWERS)
        error = (await client.access(REQUEST)).error
    assert error.kind is ErrorKind.SECURITY
    assert "da access-response came without protection" in error.message
