"""The secured client against the emulated meter: every authentication, suite and protection, both links."""

import pytest
from pydantic import SecretBytes

from meterkit import DlmsClientOptions, Err, ErrorKind, MeterError, Ok, SqliteCounterStore
from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import Aare, ApplicationContext, AssociationResult
from meterkit.dlms.agreement import NegotiatedAssociation
from meterkit.dlms.apdu.initiate import InitiateResponse
from meterkit.dlms.association import Association
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.proposal import plain_aarq, propose
from meterkit.dlms.secured.association import SecureAssociation
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.secured.counter_supply import counter_name
from meterkit.dlms.secured.link import ciphered
from meterkit.dlms.security import (
    Cipher,
    CounterBlock,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    Security,
    SecurityPolicy,
    SecuritySuite,
)
from meterkit.dlms.security.keys import wrap_key
from meterkit.dlms.wrapper import WrapperLink
from tests.dlms.security_rig import (
    BOTH,
    COUNTER_OBJECT,
    ECDSA,
    ENERGY,
    GMAC,
    HLS2,
    LLS,
    MD5,
    METER_TITLE,
    NONE,
    NOTE,
    SHA1,
    SHA256,
    TITLE,
    apdus,
    keys,
    secured,
    secured_meter,
)
from tests.dlms.vectors import VECTORS, octets_of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

PROFILE = (7, "1-0:99.1.0", 2)
INTERFACES = ("wrapper", "hdlc")
WEAK = (NONE, LLS, HLS2, MD5, SHA1)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def reads_and_writes(client):
    """One GET, one SET and a long answer in blocks."""
    assert (await client.get_attribute(*ENERGY)).unwrap().value > 0
    (await client.set_attribute(*NOTE, axdr.encode_octet_string(b"by a secured client"))).unwrap()
    assert (await client.get_attribute(*NOTE)).unwrap().value == b"by a secured client"
    assert len((await client.get_attribute(*PROFILE)).unwrap().value) == 960


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("mechanism", [*WEAK, GMAC, SHA256], ids=lambda one: one.name)
async def test_every_authentication_goes_with_ciphering(mechanism, interface):
    emulator = secured_meter(mechanism, interface=interface)
    async with secured(emulator, mechanism, allow_weak=mechanism in WEAK) as (client, _):
        (await client.connect()).unwrap()
        await reads_and_writes(client)


@pytest.mark.parametrize("mechanism", [HLS2, MD5, SHA1, GMAC, SHA256], ids=lambda one: one.name)
async def test_high_level_security_goes_without_ciphering(mechanism):
    emulator = secured_meter(mechanism, Security.NONE)
    async with secured(emulator, mechanism, Security.NONE) as (client, wire):
        (await client.connect()).unwrap()
        await reads_and_writes(client)
    assert any(apdu[0] == 0xC0 for apdu in apdus(wire))


@pytest.mark.parametrize("suite", [1, 2])
@pytest.mark.parametrize("security", [Security.NONE, BOTH], ids=lambda one: one.name)
async def test_ecdsa_proves_both_ends(suite, security):
    emulator = secured_meter(ECDSA, security, suite)
    async with secured(emulator, ECDSA, security, suite) as (client, _):
        (await client.connect()).unwrap()
        await reads_and_writes(client)


@pytest.mark.parametrize("suite", [0, 1, 2])
@pytest.mark.parametrize(
    "security", [Security.AUTHENTICATION, Security.ENCRYPTION, BOTH], ids=lambda one: one.name
)
async def test_every_suite_goes_with_every_protection(suite, security):
    emulator = secured_meter(GMAC, security, suite)
    async with secured(emulator, GMAC, security, suite) as (client, wire):
        (await client.connect()).unwrap()
        await reads_and_writes(client)
    services = [apdu for apdu in apdus(wire) if apdu[0] not in (0x60, 0x62)]
    assert {apdu[0] for apdu in services} == {0xC8, 0xC9, 0xCB}
    controls = {apdu[2] if apdu[1] < 0x80 else apdu[3] for apdu in services}
    assert controls == {security.value | suite}


@pytest.mark.parametrize("interface", INTERFACES)
async def test_a_dedicated_key_is_used_once_the_association_is_complete(interface):
    emulator = secured_meter(interface=interface)
    async with secured(emulator, dedicated_key=True) as (client, wire):
        (await client.connect()).unwrap()
        await reads_and_writes(client)
    if interface == "wrapper":
        assert [apdu[0] for apdu in apdus(wire)[:3]] == [0x60, 0xCB, 0xD0]
        assert apdus(wire)[2][3:7] == bytes((0, 0, 0, 1))  # a counter of its own


async def test_general_glo_ciphering_is_used_where_it_is_granted():
    async with secured(secured_meter(), envelope="general") as (client, wire):
        granted = (await client.connect()).unwrap()
        assert Conformance.GENERAL_PROTECTION in granted.conformance
        await reads_and_writes(client)
    assert {apdu[0] for apdu in apdus(wire)[1:-1]} == {0xDB}


async def test_a_long_request_goes_in_ciphered_blocks_that_fit_the_meters_pdu():
    text = bytes(range(256)) * 8
    emulator = secured_meter(max_pdu=200)
    async with secured(emulator) as (client, wire):
        (await client.connect()).unwrap()
        (await client.set_attribute(*NOTE, axdr.encode_octet_string(text))).unwrap()
        assert (await client.get_attribute(*NOTE)).unwrap().value == text
    assert max(len(apdu) for apdu in apdus(wire) if apdu[0] == 0xC9) <= 200


@pytest.mark.parametrize("interface", INTERFACES)
async def test_general_blocks_carry_pieces_of_a_ciphered_apdu_both_ways(interface):
    general = Conformance.GENERAL_BLOCK_TRANSFER | Conformance.GET | Conformance.SET | Conformance.ACTION
    text = bytes(range(256)) * 8
    emulator = secured_meter(interface=interface, max_pdu=200, block_transfer="general")
    async with secured(emulator, conformance=general, max_pdu=300) as (client, _):
        (await client.connect()).unwrap()
        (await client.set_attribute(*NOTE, axdr.encode_octet_string(text))).unwrap()
        assert (await client.get_attribute(*NOTE)).unwrap().value == text


async def test_lists_fit_the_meters_pdu_with_their_protection():
    emulator = secured_meter(max_pdu=160)
    async with secured(emulator) as (client, wire):
        (await client.connect()).unwrap()
        results = [one async for one in client.get_attribute_list([ENERGY] * 20)]
        assert all(isinstance(one, Ok) for one in results)
    assert max(len(apdu) for apdu in apdus(wire)[1:]) <= 160


async def test_the_release_is_ciphered_and_leaves_nothing_behind():
    async with secured(secured_meter()) as (client, wire):
        (await client.connect()).unwrap()
    release = apdus(wire)[-1]
    assert release[0] == 0x62
    assert b"\x21\x1f\x30" in release


# ------------------------------------------------------------------ counters
async def test_no_counter_is_used_twice_over_many_sessions():
    emulator, store = secured_meter(), MemoryCounterStore()
    seen = []
    for _ in range(3):
        async with secured(emulator, counters=store) as (client, wire):
            (await client.connect()).unwrap()
            (await client.get_attribute(*ENERGY)).unwrap()
        seen += [apdu[3:7] for apdu in apdus(wire) if apdu[0] in (0xC8, 0xCB)]
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen)


async def test_the_proof_and_the_apdu_that_carries_it_have_counters_of_their_own():
    async with secured(secured_meter(), counters=MemoryCounterStore()) as (client, wire):
        (await client.connect()).unwrap()
        assert apdus(wire)[1][3:7] == bytes((0, 0, 0, 3))  # 1 in the AARQ, 2 in the proof


@pytest.mark.parametrize("interface", INTERFACES)
async def test_the_meters_counter_is_read_first_on_the_same_line(interface):
    emulator = secured_meter(interface=interface, of_client={"received_counter": 70_000})
    async with secured(emulator, counter_object=COUNTER_OBJECT) as (client, wire):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
        assert wire.opened == 1
        if interface == "wrapper":
            first = next(apdu for apdu in apdus(wire) if apdu[0] == 0xCB)
            assert int.from_bytes(first[3:7], "big") == 70_003
        await client.disconnect()
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()


async def test_the_counter_that_the_meter_expects_is_followed_once():
    emulator = secured_meter(of_client={"received_counter": 70_000})
    async with secured(emulator) as (client, wire):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
    assert [apdu[0] for apdu in apdus(wire)] == [0x60, 0x60, 0xCB, 0xC8, 0x62]


async def test_a_counter_told_without_proof_never_uses_ours_up():
    emulator = secured_meter(of_client={"received_counter": 3_000_000_000})
    async with secured(emulator) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "3000000001" in error.message


async def test_a_read_is_repeated_when_the_meter_expects_another_counter_and_a_write_is_not():
    emulator = secured_meter()
    async with secured(emulator) as (client, wire):
        (await client.connect()).unwrap()
        emulator_counters(emulator).received = 80_000
        (await client.get_attribute(*ENERGY)).unwrap()
        emulator_counters(emulator).received = 90_000
        before = len(wire.log)
        error = (await client.set_attribute(*NOTE, axdr.encode_octet_string(b"x"))).error
        assert error.kind is ErrorKind.SECURITY
        assert "90001" in error.message
        assert len(wire.log) == before + 1
        (await client.set_attribute(*NOTE, axdr.encode_octet_string(b"x"))).unwrap()


def emulator_counters(emulator):
    """What the meter keeps of client 1's unicast key."""
    return emulator.security.client(1).unicast


async def test_more_counters_are_reserved_in_the_middle_of_a_session():
    emulator = secured_meter()
    store = MemoryCounterStore()
    async with secured(emulator, counters=store) as (client, _):
        (await client.connect()).unwrap()
        for _ in range(2500):
            (await client.get_attribute(*ENERGY)).unwrap()
    assert store.reserve(counter_name(keys()[0], TITLE), 1).take() > 2500


async def test_what_the_meter_sent_is_remembered_and_may_not_come_again():
    emulator, store = secured_meter(), MemoryCounterStore()
    async with secured(emulator, counters=store) as (client, _):
        (await client.connect()).unwrap()
    assert store.received(counter_name(keys()[0], METER_TITLE)) > 2
    again = secured_meter()  # its counter begins anew: so would one who plays old messages back
    async with secured(again, counters=store) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "expected, 1 came" in error.message


async def test_a_store_that_is_down_lets_nothing_be_sent():
    class Down(MemoryCounterStore):
        def reserve(self, name, count):
            from meterkit.errors import fault

            raise fault(ErrorKind.SECURITY, "the disk is full")

    async with secured(secured_meter(), counters=Down()) as (client, wire):
        error = (await client.connect()).error
    assert "the disk is full" in error.message
    assert wire.log == []


# ------------------------------------------------------------------ keys
async def test_where_keys_are_being_changed_both_are_tried():
    emulator = secured_meter(key_set=keys(salt=5))
    new, new_authentication = keys(salt=5)
    async with secured(emulator, other_encryption_key=new, other_authentication_key=new_authentication) as (
        client,
        wire,
    ):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
        await client.disconnect()
        wire.log.clear()
        (await client.connect()).unwrap()  # at once with those that the meter has
        assert [apdu[0] for apdu in apdus(wire)] == [0x60, 0xCB]


async def test_wrong_keys_are_told_as_what_they_are():
    emulator = secured_meter(key_set=keys(salt=5))
    async with secured(emulator) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "decipher" in error.message


async def test_a_wrong_secret_is_told_as_what_it_is():
    async with secured(secured_meter(SHA256), SHA256, password=b"another secret") as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert "proof" in error.message


@pytest.mark.parametrize("changed", ["encryption", "authentication", "both"])
async def test_keys_are_changed_in_the_middle_of_a_session(changed):
    master = bytes(range(0x40, 0x50))
    emulator, store = secured_meter(of_client={"master_key": SecretBytes(master)}), MemoryCounterStore()
    new = dict(zip(("encryption", "authentication"), keys(salt=5), strict=True))
    wanted = new if changed == "both" else {changed: new[changed]}
    async with secured(emulator, counters=store) as (client, wire):
        (await client.connect()).unwrap()
        transfers = [transfer(master, KEY_IDS[name], key) for name, key in wanted.items()]
        parameters = axdr.encode_array(transfers)
        (await client.action(64, "0-0:43.0.0", 2, parameters)).unwrap()
        changes = {f"{name}_key": key for name, key in wanted.items()}
        (await client.use_keys(**changes)).unwrap()
        await reads_and_writes(client)
        await client.disconnect()
        wire.log.clear()
        (await client.connect()).unwrap()
        assert [apdu[0] for apdu in apdus(wire)] == [0x60, 0xCB]


KEY_IDS = {"encryption": 0, "authentication": 2}


def transfer(master, key_id, key):
    wrapped = wrap_key(SecuritySuite.SUITE_0, master, key)
    return axdr.encode_structure([axdr.encode_enum(key_id), axdr.encode_octet_string(wrapped)])


async def test_keys_are_only_changed_where_some_are_in_use():
    async with secured(secured_meter(MD5, Security.NONE), MD5, Security.NONE) as (client, _):
        assert (await client.use_keys(encryption_key=bytes(16))).error.kind is ErrorKind.STATE
        (await client.connect()).unwrap()
        with pytest.raises(ValueError, match="no keys are in use"):
            await client.use_keys(encryption_key=bytes(16))


# ------------------------------------------------------------------ on disk
async def test_counters_on_disk_are_never_used_twice_by_programs_that_are_cut_off(tmp_path):
    emulator, seen = secured_meter(), []
    for _ in range(3):
        store = SqliteCounterStore(tmp_path / "counters.db", block_size=10)  # as a program of its own
        async with secured(emulator, counters=store) as (client, wire):
            (await client.connect()).unwrap()
            (await client.get_attribute(*ENERGY)).unwrap()
            seen += [apdu[3:7] for apdu in apdus(wire) if apdu[0] in (0xC8, 0xCB)]
    assert len(seen) == len(set(seen)) == 6
    assert seen == sorted(seen)


async def test_counters_on_disk_are_topped_up_in_a_thread_while_messages_go_on(tmp_path):
    emulator = secured_meter()
    store = SqliteCounterStore(tmp_path / "counters.db")
    async with secured(emulator, counters=store) as (client, _):
        (await client.connect()).unwrap()
        for _ in range(2500):
            (await client.get_attribute(*ENERGY)).unwrap()
    assert store.received(counter_name(keys()[0], METER_TITLE)) >= 2500


async def test_two_clients_that_share_a_key_share_its_counters():
    emulator, store, seen = secured_meter(), MemoryCounterStore(), []
    async with (
        secured(emulator, counters=store) as (one, first),
        secured(emulator, counters=store) as (
            two,
            second,
        ),
    ):
        (await one.connect()).unwrap()
        (await two.connect()).unwrap()
        seen = [apdu[3:7] for wire in (first, second) for apdu in apdus(wire) if apdu[0] == 0xCB]
    assert len(seen) == len(set(seen)) == 2


# ------------------------------------------------------------------ against a captured session
async def test_aarq_and_proof_are_those_of_a_captured_session(monkeypatch):
    """gurux-dlms 1.0.203 with a public C server: the same keys, counters and challenges give its octets."""
    captured, parameters = octets_of("wrapper-aarq-gmac-ciphered"), VECTORS["wrapper-aarq-gmac-ciphered"]
    title, encryption_key, authentication_key = (
        bytes.fromhex(parameters["params"][name]) for name in ("system_title", "ek", "ak")
    )
    store = MemoryCounterStore()
    store.raise_to(counter_name(encryption_key, title), 0x1F)
    options = DlmsClientOptions(
        authentication=GMAC,
        security=BOTH,
        system_title=title,
        encryption_key=encryption_key,
        authentication_key=authentication_key,
        conformance=Conformance(0x401E5D),
        counters=store,
    )
    challenge = captured[captured.index(b"\x80\x10") + 2 :][:16]
    monkeypatch.setattr("meterkit.dlms.secured.association.new_challenge", lambda _: challenge)
    secure = SecureAssociation(options, ciphered(WrapperLink(1, 1)))
    await secure.arm(None)
    offer = propose(options)
    offer, request = await secure.begin(offer, plain_aarq(options, offer, None))
    assert request.encode() == captured[8:]

    meter = await meters_answer(options, bytes.fromhex(VECTORS["hls5-live-fStoC"]["params"]["stoc"]))
    await secure.accept(request, meter)
    sent = []

    async def exchange(octets, *, is_secret):
        assert is_secret
        sent.append(secure.cipher.protect(octets))
        return Err(MeterError(ErrorKind.TIMEOUT, "the capture ends here"))

    await secure.complete(exchange, Association(secure.link), NegotiatedAssociation(Conformance(0), 0))
    assert sent == [octets_of("glo-action-request")]


async def meters_answer(options, challenge):
    """An accepting AARE of a meter with the same keys."""
    unicast = KeyInUse(
        KeyKind.GLOBAL_UNICAST_ENCRYPTION,
        ProtectionKey(SecuritySuite.SUITE_0, options.encryption_key, options.authentication_key),
        CounterBlock(7, 9),
    )
    policy = SecurityPolicy(SecuritySuite.SUITE_0, BOTH, BOTH)
    cipher = Cipher(METER_TITLE, policy, unicast, peer_title=options.system_title)
    return Aare(
        result=AssociationResult.ACCEPTED,
        application_context=ApplicationContext.LOGICAL_NAME_CIPHERED,
        mechanism=GMAC,
        authentication_value=challenge,
        responding_ap_title=METER_TITLE,
        user_information=cipher.protect(InitiateResponse(conformance=options.conformance).encode()),
    )


async def test_the_meters_counter_is_read_first_behind_a_sign_on_too():
    emulator = secured_meter(interface="mode_e", of_client={"received_counter": 500})
    async with secured(emulator, mode_e=True, counter_object=COUNTER_OBJECT) as (client, wire):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
        assert wire.opened == 1


async def test_a_client_that_the_meter_does_not_know_by_its_title_is_told_so():
    emulator = secured_meter(of_client={"client_title": b"ANOTHER1"})
    async with secured(emulator) as (client, _):
        error = (await client.connect()).error
    assert "system title" in error.message
