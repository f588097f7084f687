"""Security setup of the emulated meter: what it tells, new policies, new keys."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.security import ProtectionKey, Security, SecurityPolicy, SecuritySuite
from meterkit.dlms.security.key_agreement import (
    derive_key,
    generate_key,
    open_ephemeral,
    shared_secret,
    signed_ephemeral,
)
from meterkit.dlms.security.keys import private_key_of, wrap_key
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, SecurityConfiguration
from tests.emulator.dlms.meters import CLOCK_OCTETS, GET_CLOCK, WrapperClient, make_meter
from tests.emulator.dlms.secured import (
    CLIENT_TITLE,
    METER_SIGNING,
    METER_TITLE,
    PUBLIC,
    SIGNING,
    SecuredClient,
    keys_of,
    secured_meter,
    security,
)

SETUP = ObisCode.SECURITY_SETUP
NEW = b"\x77" * 16
DENIED = ActionResult.READ_WRITE_DENIED


def read(client, attribute):
    return client.talk(f"c001c1004000002b0000ff{attribute:02x}00")[4:]


def pairs(*keys):
    """Return an array of key id and octets as A-XDR."""
    return axdr.encode_array(
        [
            axdr.encode_structure([axdr.encode_enum(one), axdr.encode_octet_string(octets)])
            for one, octets in keys
        ]
    )


def transfer(client, *keys, master=None):
    master = master or keys_of(client.suite)[2]
    wrapped = [(key_id, wrap_key(client.suite, master, key)) for key_id, key in keys]
    return client.invoke(64, SETUP, 2, pairs(*wrapped)).result


def activate(client, policy):
    return client.invoke(64, SETUP, 1, bytes((0x16, policy))).result


@pytest.mark.parametrize("suite", [0, 1, 2])
def test_the_setup_tells_policy_suite_and_titles(suite):
    client = SecuredClient(secured_meter(suite=suite), suite=suite).enter()
    assert read(client, 2).hex() == "166c"
    assert read(client, 3) == bytes((0x16, suite))
    assert read(client, 4) == b"\x09\x08" + CLIENT_TITLE
    assert read(client, 5) == b"\x09\x08" + METER_TITLE
    assert read(client, 6).hex() == "0100"


def test_the_association_tells_which_setup_it_goes_by():
    client = SecuredClient(secured_meter(keys={"instance": 3})).enter()
    assert client.talk("c001c1000f0000280000ff0900")[4:].hex() == "090600002b0003ff"
    assert client.talk("c001c1000f0000280000ff0400")[-1] == 3


def test_a_policy_can_only_get_stronger():
    client = SecuredClient(secured_meter(keys={"policy": "authentication"})).enter()
    assert activate(client, 0x00) == DENIED
    assert activate(client, 0x48) == DENIED  # encryption without authentication
    assert activate(client, 0x90) == ActionResult.OTHER_REASON  # signatures
    assert client.invoke(64, SETUP, 1, b"\x09\x00").result == ActionResult.TYPE_UNMATCHED
    assert activate(client, 0x6C) == 0
    assert read(client, 2).hex() == "166c"
    client.cipher.policy = SecurityPolicy(client.suite, Security.AUTHENTICATION, Security.AUTHENTICATION)
    weaker = SecuredClient(client.emulator, applied=Security.AUTHENTICATION, counter=100)
    assert weaker.ask(weaker.aarq()).hex() == "d80105"


@pytest.mark.parametrize("suite", [0, 1, 2])
def test_a_new_key_takes_effect_after_the_answer(suite):
    emulator = secured_meter(suite=suite)
    client = SecuredClient(emulator, suite=suite).enter()
    new = NEW * (SecuritySuite(suite).key_size // 16)
    assert transfer(client, (0, new)) == 0  # which came by the old key
    assert client.ask(client.cipher.protect(bytes.fromhex(GET_CLOCK))).hex() == "d80105"
    client.unicast.key = ProtectionKey(client.suite, new, keys_of(suite)[1])
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS
    client.release()
    again = SecuredClient(emulator, suite=suite, encryption_key=new, counter=5000).enter()
    assert again.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_authentication_key_broadcast_key_and_master_key_can_be_changed():
    emulator = secured_meter(keys={"broadcast_key": bytes(16)})
    client = SecuredClient(emulator).enter()
    assert transfer(client, (2, NEW), (3, NEW[::-1]), (1, bytes(range(16)))) == 0
    client.unicast.key = ProtectionKey(client.suite, keys_of(0)[0], NEW)
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS
    assert transfer(client, (0, NEW)) == DENIED  # by the old master key
    assert transfer(client, (0, NEW), master=NEW[::-1]) == 0


def test_keys_are_changed_all_or_none():
    client = SecuredClient(secured_meter()).enter()
    good = wrap_key(client.suite, keys_of(0)[2], NEW)
    assert client.invoke(64, SETUP, 2, pairs((0, good), (2, good[::-1]))).result == DENIED
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


@pytest.mark.parametrize(
    ("octets", "result"),
    [
        (pairs(), ActionResult.TYPE_UNMATCHED),
        (b"\x16\x00", ActionResult.TYPE_UNMATCHED),
        (pairs((9, bytes(24))), ActionResult.OBJECT_UNDEFINED),
        (pairs((0, bytes(24))), DENIED),
        (pairs((0, b"")), DENIED),
    ],
)
def test_odd_transfers_are_refused(octets, result):
    client = SecuredClient(secured_meter()).enter()
    assert client.invoke(64, SETUP, 2, octets).result == result


def test_without_a_master_key_nothing_is_transferred():
    client = SecuredClient(secured_meter(keys={"master_key": None})).enter()
    assert transfer(client, (0, NEW)) == ActionResult.OBJECT_UNAVAILABLE
    assert client.invoke(64, SETUP, 3, pairs((0, NEW))).result == ActionResult.OBJECT_UNAVAILABLE


def test_a_reader_may_not_change_keys():
    emulator = secured_meter()
    client = WrapperClient(emulator)
    client.associate()
    answer = client.ask("c301c1004000002b0000ff010116" + "6c")
    assert answer.hex().startswith("c701c103")


@pytest.mark.parametrize("suite", [1, 2])
@pytest.mark.parametrize("mechanism", [5, 7])
def test_a_key_can_be_agreed_on(suite, mechanism):
    emulator = secured_meter(f"hls{mechanism}", suite)
    client = SecuredClient(emulator, mechanism, suite=suite).enter()
    own, signing = generate_key(client.suite), private_key_of(client.suite, SIGNING[suite])
    response = client.invoke(64, SETUP, 3, pairs((0, signed_ephemeral(client.suite, own, signing, b"\0"))))
    assert response.result == 0
    ((key_id, told),) = axdr.decode(response.return_value)
    meter_signing = private_key_of(client.suite, METER_SIGNING[suite]).public_key()
    peer = open_ephemeral(client.suite, told, meter_signing, bytes((key_id,)))
    shared = shared_secret(client.suite, own, peer)
    key = derive_key(client.suite, shared, CLIENT_TITLE, METER_TITLE)
    client.unicast.key = ProtectionKey(client.suite, key, keys_of(suite)[1])
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_an_ephemeral_key_that_is_not_signed_by_the_client_is_refused():
    client = SecuredClient(secured_meter(suite=1), suite=1).enter()
    own, other = generate_key(client.suite), generate_key(client.suite)
    told = signed_ephemeral(client.suite, own, other, b"\0")
    assert client.invoke(64, SETUP, 3, pairs((0, told))).result == DENIED
    assert client.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_clients_that_share_a_key_share_the_meters_counter():
    other = {"sap": 4, "authentication": "hls5", "security": security(instance=1), "clearance": 1}
    emulator = secured_meter(clients=[other])
    first = SecuredClient(emulator).enter()
    second = SecuredClient(emulator, sap=4, title=b"METER002").enter()
    for client in (first, second, first, second):
        client.talk(GET_CLOCK)
    assert second.unicast.received == first.unicast.received + 1


# ------------------------------------------------------------------------------------------ configuration
@pytest.mark.parametrize(
    "fields",
    [
        {"encryption_key": bytes(15)},
        {"authentication_key": bytes(32)},
        {"suite": 2},
        {"client_title": b"METER"},
        {"encryption_key": None},
        {"authentication_key": None},
        {"signing_key": bytes(32)},
        {"encryption_key": "hex:0g"},
        {"received_counter": 1 << 32},
    ],
)
def test_keys_that_do_not_fit_are_refused_without_being_shown(fields):
    with pytest.raises(ValueError) as refused:
        SecurityConfiguration(**(security() | fields))
    assert "000102" not in str(refused.value)


def test_key_pairs_of_another_curve_are_refused():
    with pytest.raises(ValueError, match="client_signing_key: 64 octets expected"):
        SecurityConfiguration(**security(1, client_signing_key=bytes(96)))


@pytest.mark.parametrize(
    "client",
    [
        {"authentication": "hls5"},
        {"authentication": "hls6"},
        {"authentication": "hls2", "password": b"more than 16 octets"},
        {"authentication": "hls3", "password": b""},
        {"authentication": "hls5", "security": security(), "password": b"secret"},
        {"authentication": "hls7", "security": security()},
        {"security": security(instance=300)},
    ],
)
def test_a_client_that_could_not_prove_itself_is_refused(client):
    with pytest.raises(ValueError):
        make_meter(clients=[PUBLIC, {"sap": 3, **client}])


def test_two_clients_with_one_instance_are_refused():
    with pytest.raises(ValueError, match="same security instance"):
        make_meter(clients=[{"sap": sap, "security": security()} for sap in (3, 4)])


def test_keys_are_loaded_from_json():
    configuration = DlmsEmulatorConfiguration.model_validate_json(
        '{"clients": [{"sap": 3, "authentication": "hls5", "security": {"encryption_key": '
        '"hex:000102030405060708090a0b0c0d0e0f", "authentication_key": "hex:d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"'
        ', "client_title": "METER001"}}]}'
    )
    client = configuration.client(3)
    assert client.security.encryption_key.get_secret_value() == keys_of(0)[0]
    assert client.security.client_title == CLIENT_TITLE
