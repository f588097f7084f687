"""No log, repr, error message or recording shows a password, key, secret or proof, over whole sessions."""

import logging
from dataclasses import fields, is_dataclass

import pytest

from meterkit import DlmsClientOptions
from meterkit.codec import axdr
from meterkit.dlms import apdu as apdus_of
from meterkit.dlms.acse.apdus import Aare, Aarq, AssociationResult, Rlrq
from meterkit.dlms.apdu.access import AccessRequest, AccessSet
from meterkit.dlms.apdu.action import (
    ActionRequestBlock,
    ActionRequestFirstBlock,
    ActionRequestNormal,
    ActionRequestWithList,
)
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, Selection
from meterkit.dlms.apdu.get import GetRequestNormal, GetRequestWithList
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.apdu.set import (
    SetRequestBlock,
    SetRequestFirstBlock,
    SetRequestNormal,
    SetRequestWithList,
)
from meterkit.dlms.apdu.short_name import (
    ParameterisedAccess,
    UnconfirmedWriteRequest,
    VariableName,
    WriteRequest,
)
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem import classes
from meterkit.dlms.cosem.declare import CosemObject
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.secret_requests import is_secret, tells_secret
from meterkit.dlms.security import Security
from meterkit.emulator.dlms import DEMO_PASSWORD
from meterkit.transport.recorder import RecordingTransport
from tests.dlms.rig import connected, line, meter
from tests.dlms.rig import options as plain_options
from tests.dlms.security_rig import (
    BOTH,
    GMAC,
    HLS2,
    LLS,
    MD5,
    SECRET,
    SHA1,
    SHA256,
    keys,
    secured,
    secured_meter,
)
from tests.dlms.test_client_general_protection import clients_keys, meters_keys
from tests.virtual_clock import VIRTUAL_CLOCK

NEW = b"a NEW secret, 24 octets!"
ASSOCIATION, SHORT_ASSOCIATION = "0-0:40.0.0", "0-0:40.0.0"
LOCAL_PORT = "0-0:20.0.0"
OBIS = ObisCode.parse(ASSOCIATION)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


def assert_hidden(text, *secrets):
    """None of the secrets stands in `text` as hex of any shape, or as Python or people write it."""
    hexed = text.lower().replace(" ", "").replace(":", "")
    for secret in secrets:
        assert secret.hex() not in hexed
        assert repr(secret)[2:-1] not in text
        assert str(list(secret)) not in text


async def writes_secrets(client):
    """Every way a secret goes out; what the meter says to it does not matter."""
    new = axdr.encode_octet_string(NEW)
    return [
        await client.set_attribute(15, ASSOCIATION, 7, new),
        await client.action(15, ASSOCIATION, 2, new),
        await client.set_attribute(19, LOCAL_PORT, 7, new),
        await client.action(64, "0-0:43.0.0", 2, axdr.encode_array([new])),
        await client.action(72, "0-1:24.1.0", 7, new),
        await client.set_attribute(15, ASSOCIATION, 7, axdr.encode_octet_string(NEW * 100)),  # in blocks
        await client.get_attribute(15, ASSOCIATION, 7),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize("referencing", ["logical_name", "short_name"])
async def test_a_session_in_clear_logs_no_secret(log, interface, referencing):
    emulator = meter(
        interface=interface, short_name_referencing=referencing == "short_name", association_version=1
    )
    async with connected(emulator, manager=True) as (client, _):
        said = await writes_secrets(client)
        if referencing == "short_name":
            said.append(await client.action(12, SHORT_ASSOCIATION, 5, axdr.encode_octet_string(NEW)))
            said.append(await client.action(12, SHORT_ASSOCIATION, 6, axdr.encode_octet_string(NEW)))
        shown = "".join(str(one) for one in said) + repr(vars(client)) + repr(vars(client._session))
    assert "octets of a secret" in log.text
    assert_hidden(log.text + shown, NEW, DEMO_PASSWORD)


@pytest.mark.anyio
async def test_access_and_lists_log_no_secret(log):
    place = AttributeDescriptor(15, OBIS, 7)
    request = AccessRequest(0x40000001, b"", (AccessSet(place),), (axdr.encode_octet_string(NEW),))
    async with connected(meter(), manager=True) as (client, _):
        await client.access(request)
        async for _ in client.get_attribute_list([(15, ASSOCIATION, 7), (3, "1-0:1.8.0", 2)]):
            continue
    assert_hidden(log.text, NEW, DEMO_PASSWORD)


@pytest.mark.anyio
@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize(
    ("mechanism", "security"),
    [
        (LLS, BOTH), (GMAC, BOTH), (GMAC, Security.AUTHENTICATION), (SHA256, BOTH),
        *((one, Security.NONE) for one in (HLS2, MD5, SHA1, GMAC, SHA256)),
    ],
    ids=str,
)  # fmt: skip
async def test_a_secured_session_logs_no_secret(log, mechanism, security, interface):
    emulator = secured_meter(mechanism, security, interface=interface)
    has_dedicated = security is BOTH
    changes = {"allow_weak": mechanism is LLS, "dedicated_key": has_dedicated}
    async with secured(emulator, mechanism, security, **changes) as (client, _):
        (await client.connect()).unwrap()
        said = await writes_secrets(client)
        own = client._session._secured
        drawn = [one for one in (own._challenge, own._dedicated) if one]
        shown = "".join(str(one) for one in said) + repr(vars(client)) + repr(own) + repr(own.cipher)
    secrets = [NEW, *keys()] + ([] if mechanism is GMAC else [SECRET])
    assert_hidden(log.text + shown, *secrets, *drawn)


@pytest.mark.anyio
@pytest.mark.parametrize("scheme", ["wrapped", "one_pass", "static"])
async def test_a_session_in_layers_logs_no_secret(log, scheme):
    emulator = secured_meter(GMAC, BOTH, 1, of_client=meters_keys(1))
    given = clients_keys(1)
    changes = {"envelope": "general_ciphering", "key_scheme": scheme, "general_signing": True, **given}
    async with secured(emulator, GMAC, BOTH, 1, **changes) as (client, _):
        (await client.connect()).unwrap()
        said = await writes_secrets(client)
        own = client._session._secured
        shown = "".join(str(one) for one in said) + repr(own.options) + repr(own) + repr(vars(own.cipher))
    private = [given[name] for name in ("master_key", "signing_key", "agreement_key")]
    assert_hidden(log.text + shown, NEW, *keys(1), *private)


@pytest.mark.anyio
@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_a_wrong_secret_is_told_without_it(log, interface):
    emulator = secured_meter(SHA256, Security.NONE, interface=interface)
    async with secured(emulator, SHA256, Security.NONE, password=NEW) as (client, _):
        error = (await client.connect()).error
    assert_hidden(log.text + str(error) + repr(error), NEW, SECRET)


@pytest.mark.anyio
@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_a_recording_holds_no_secret_that_is_written(interface):
    emulator, lines = meter(interface=interface), []
    wire = RecordingTransport(line(emulator), lines.append)
    new = axdr.encode_octet_string(NEW)
    async with DlmsClient(wire, plain_options(emulator, manager=True)) as client:
        (await client.connect()).unwrap()
        await client.set_attribute(15, ASSOCIATION, 7, new)
        await client.action(15, ASSOCIATION, 2, new)
        await client.set_attribute(19, LOCAL_PORT, 9, new)
    assert_hidden("".join(lines), NEW, DEMO_PASSWORD)


# ------------------------------------------------------------------ reprs
PLACE, METHOD = AttributeDescriptor(15, OBIS, 7), MethodDescriptor(15, OBIS, 2)
PLACES = ((PLACE, None),)


@pytest.mark.parametrize(
    "value",
    [
        Aarq(authentication_value=NEW, user_information=NEW),
        Aare(result=AssociationResult.ACCEPTED, authentication_value=NEW),
        Rlrq(user_information=NEW),
        InitiateRequest(dedicated_key=NEW, conformance=Conformance.GET, max_pdu=0),
        SetRequestNormal(0xC1, PLACE, None, NEW),
        SetRequestFirstBlock(0xC1, PLACE, None, False, 1, NEW),
        SetRequestBlock(0xC1, True, 2, NEW),
        SetRequestWithList(0xC1, PLACES, (NEW,)),
        ActionRequestNormal(0xC1, METHOD, NEW),
        ActionRequestWithList(0xC1, (METHOD,), (NEW,)),
        ActionRequestFirstBlock(0xC1, METHOD, False, 1, NEW),
        ActionRequestBlock(0xC1, True, 2, NEW),
        AccessRequest(0, b"", (AccessSet(PLACE),), (NEW,)),
        ParameterisedAccess(0xFA58, 0, NEW),
        WriteRequest((VariableName(0xFA40),), (NEW,)),
        UnconfirmedWriteRequest((VariableName(0xFA40),), (NEW,)),
        GeneralBlockTransfer(True, False, 1, 1, 0, NEW),
        DlmsClientOptions(authentication=LLS, password=NEW, master_key=NEW[:16]),
    ],
    ids=lambda one: type(one).__name__,
)
def test_no_repr_of_what_carries_a_secret_shows_it(value):
    assert_hidden(repr(value) + str(value), NEW, NEW[:16])


def test_every_request_is_in_the_list_above():
    parameters = test_no_repr_of_what_carries_a_secret_shows_it.pytestmark[0].args[1]
    tried = {type(one) for one in parameters}
    carrying = {
        one
        for name in ("set", "action", "access", "short_name")
        for one in vars(getattr(apdus_of, name)).values()
        if is_dataclass(one)
        and "Request" in one.__name__
        and any(field.name in ("value", "values", "raw", "data", "parameters") for field in fields(one))
    }
    with_lists_in_blocks = {"SetRequestWithListFirstBlock", "ActionRequestWithListFirstBlock"}
    assert {one.__name__ for one in carrying - tried} <= with_lists_in_blocks
    assert all(not field.repr for one in carrying - tried for field in fields(one) if field.name == "raw")


# ------------------------------------------------------------------ which requests those are
SECRET_WORDS = ("secret", "pass_", "password", "ppp_authentication", "pin_code", "link_key", "network_key")
SECRET_METHODS = (
    "secret",
    "reply_to_hls",
    "key_transfer",
    "key_agreement",
    "set_encryption_key",
    "transfer_key",
)


def declared():
    """Every attribute and method of the classes that are declared: class, name, reference."""
    for one in vars(classes).values():
        if isinstance(one, type) and issubclass(one, CosemObject) and hasattr(one, "class_id"):
            for name in dir(one):
                yield one.class_id, name, getattr(one, name, None)


def test_every_declared_secret_is_known_by_its_number():
    seen = set()
    for class_id, name, member in declared():
        kind = type(member).__name__
        if kind == "attribute" and any(word in name for word in SECRET_WORDS):
            assert is_secret(AttributeDescriptor(class_id, OBIS, member.index)), (class_id, name)
            seen.add(name)
        if kind == "method" and any(word in name for word in SECRET_METHODS):
            assert is_secret(MethodDescriptor(class_id, OBIS, member.index)), (class_id, name)
            seen.add(name)
    assert {"secret", "pass_p1", "change_hls_secret", "key_transfer", "set_encryption_key"} <= seen


@pytest.mark.parametrize(
    ("request_", "is_one"),
    [
        (GetRequestNormal(0xC1, PLACE), True),
        (GetRequestNormal(0xC1, AttributeDescriptor(15, OBIS, 2)), False),
        (GetRequestNormal(0xC1, AttributeDescriptor(3, OBIS, 7), Selection.by_entry(1, 2)), False),
        (GetRequestWithList(0xC1, ((AttributeDescriptor(3, OBIS, 2), None), *PLACES)), True),
        (ActionRequestWithList(0xC1, (METHOD,), (b"\0",)), True),
        (WriteRequest((VariableName(0xFA40),), (b"\0",)), False),
    ],
    ids=["get", "another", "another class", "list", "methods", "short"],
)
def test_requests_are_judged_by_all_their_places(request_, is_one):
    assert tells_secret(request_) is is_one
