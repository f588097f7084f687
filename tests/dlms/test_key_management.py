"""New keys, policies and certificates through Security setup: client and emulated meter together."""

import pytest
from pydantic import SecretBytes

from meterkit import ErrorKind, Security
from meterkit.dlms.cosem import security_setup as cosem
from meterkit.dlms.hdlc.control import HdlcControl, HdlcFrameType
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.secured.key_fingerprint import fingerprint
from meterkit.dlms.security import KeyKind
from tests.dlms.security_rig import (
    BOTH,
    ECDSA,
    ENERGY,
    GMAC,
    MD5,
    METER_TITLE,
    TITLE,
    apdus,
    keys,
    secured,
    secured_meter,
    secured_options,
)
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

UNICAST, AUTHENTICATION = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION
BROADCAST, MASTER = KeyKind.GLOBAL_BROADCAST_ENCRYPTION, KeyKind.MASTER
SETUP = "0.0.43.0.0.255"


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def master_of(suite=0):
    return (bytes(range(0x40, 0x50)) * 2)[: 32 if suite == 2 else 16]


def meter_with_master(suite=0, mechanism=GMAC, **of_client):
    return secured_meter(
        mechanism, suite=suite, of_client={"master_key": SecretBytes(master_of(suite)), **of_client}
    )


def new_keys(suite=0):
    return dict(zip((UNICAST, AUTHENTICATION), keys(suite, salt=9), strict=True))


async def reads(client):
    assert (await client.get_attribute(*ENERGY)).unwrap().value > 0


def requests(wire):
    """Ciphered requests on their way, by tag."""
    return [apdu[0] for apdu in apdus(wire)]


# ------------------------------------------------------------------ transfer
@pytest.mark.parametrize("kinds", [(UNICAST,), (AUTHENTICATION,), (UNICAST, AUTHENTICATION)], ids=str)
@pytest.mark.parametrize("suite", [0, 1, 2])
async def test_keys_that_were_transferred_are_in_use_at_once_and_later(suite, kinds):
    emulator, wanted = meter_with_master(suite), {kind: new_keys(suite)[kind] for kind in kinds}
    async with secured(emulator, suite=suite) as (client, wire):
        (await client.connect()).unwrap()
        (await client.transfer_keys(wanted, master_key=master_of(suite))).unwrap()
        await reads(client)
        await client.disconnect()
        wire.log.clear()
        (await client.connect()).unwrap()
        assert requests(wire) == [0x60, 0xCB]  # at once by the new ones
        await reads(client)


async def test_the_old_keys_are_worth_nothing_after_a_transfer():
    emulator, store = meter_with_master(), MemoryCounterStore()
    async with secured(emulator, counters=store) as (client, _):
        (await client.connect()).unwrap()
        (await client.transfer_keys(new_keys(), master_key=master_of())).unwrap()
    async with secured(emulator, counters=store) as (client, _):
        assert (await client.connect()).error.kind is ErrorKind.SECURITY


async def test_master_and_broadcast_keys_are_transferred_too():
    emulator = meter_with_master(broadcast_key=SecretBytes(bytes(16)))
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        fresh = {BROADCAST: b"\x11" * 16, MASTER: b"\x22" * 16}
        (await client.transfer_keys(fresh, master_key=master_of())).unwrap()
        refused = await client.transfer_keys(new_keys(), master_key=master_of())
        assert refused.error.kind is ErrorKind.REFUSED
        await reads(client)  # by the old keys, which it still has
        (await client.transfer_keys(new_keys(), master_key=b"\x22" * 16)).unwrap()
        await reads(client)


async def test_a_transfer_whose_answer_is_lost_says_which_keys_there_may_be_and_both_are_tried():
    emulator, wanted = meter_with_master(), new_keys()
    async with secured(emulator) as (client, wire):
        (await client.connect()).unwrap()
        emulator.faults.unanswered = 1
        error = (await client.transfer_keys(wanted, master_key=master_of())).error
        assert error.kind is ErrorKind.TIMEOUT
        for old, new in zip(keys(), wanted.values(), strict=True):
            assert f"{fingerprint(new)}, or the old {fingerprint(old)}" in error.message
            assert new.hex() not in error.message
            assert old.hex() not in error.message
        assert "next connect tries both" in error.message
        (await client.connect()).unwrap()  # the meter took them
        await reads(client)
    assert requests(wire).count(0xCB) == 3  # two proofs, and the transfer: it went once


async def test_a_transfer_that_never_arrived_leaves_the_old_keys_and_both_are_tried():
    emulator = meter_with_master()
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        emulator.faults.silent = True
        error = (await client.transfer_keys(new_keys(), master_key=master_of())).error
        assert "next connect tries both" in error.message
        emulator.faults.silent = False
        (await client.connect()).unwrap()
        await reads(client)


async def test_a_transfer_that_was_answered_and_not_made_is_found_out_and_overcome():
    emulator = meter_with_master()
    emulator.faults.untaken_keys = 1
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        (await client.transfer_keys(new_keys(), master_key=master_of())).unwrap()
        assert (await client.get_attribute(*ENERGY)).is_failure  # by keys that the meter does not have
        await client.disconnect()
        (await client.connect()).unwrap()  # by the old ones
        await reads(client)


async def test_both_are_tried_also_where_the_keys_in_use_are_not_those_of_the_options():
    emulator = meter_with_master()
    emulator.faults.untaken_keys = 1
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        (await client.transfer_keys(new_keys(), master_key=master_of())).unwrap()
        await client.disconnect()
        (await client.connect()).unwrap()  # by the old ones
        wanted = dict(zip((UNICAST, AUTHENTICATION), keys(salt=17), strict=True))
        (await client.transfer_keys(wanted, master_key=master_of())).unwrap()
        await reads(client)
        await client.disconnect()
        (await client.connect()).unwrap()
        emulator.faults.unanswered = 1
        error = (await client.transfer_keys(new_keys(), master_key=master_of())).error
        assert "may have" in error.message
        assert "next connect tries both" in error.message
        (await client.connect()).unwrap()
        await reads(client)


async def test_a_meter_may_answer_a_transfer_by_the_new_keys_already(monkeypatch):
    emulator = meter_with_master()
    keys_of_client = emulator.security.client(1)
    monkeypatch.setattr(keys_of_client, "change", keys_of_client._take_over)  # not after the answer
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        (await client.transfer_keys(new_keys(), master_key=master_of())).unwrap()
        await reads(client)
        await client.disconnect()
        (await client.connect()).unwrap()


async def test_a_refused_transfer_changes_nothing_and_goes_once():
    emulator = meter_with_master()
    async with secured(emulator) as (client, wire):
        (await client.connect()).unwrap()
        wire.log.clear()
        error = (await client.transfer_keys(new_keys(), master_key=bytes(16))).error
        assert error.kind is ErrorKind.REFUSED
        assert "may have" not in error.message
        assert requests(wire) == [0xCB]
        await reads(client)


EXCEPTION = bytes.fromhex("d8 01 03")  # service-not-allowed, other-reason: in clear, from anybody


def answered_by(wire, octets, *, is_first_too=True):
    """Have the next request performed, and answered by other octets; or the one after it."""
    send, left = wire.send, 1 if is_first_too else 2

    async def sent(request):
        nonlocal left
        await send(request)
        left -= 1
        if left == 0:
            wire._pending[:] = octets

    wire.send = sent


def in_wrapper(apdu):
    return bytes((0, 1, 0, 1, 0, 1, 0, len(apdu))) + apdu


async def test_a_refusal_in_clear_does_not_make_it_certain_that_no_key_was_taken():
    emulator = meter_with_master()
    async with secured(emulator) as (client, wire):
        (await client.connect()).unwrap()
        answered_by(wire, in_wrapper(EXCEPTION))
        error = (await client.transfer_keys(new_keys(), master_key=master_of())).error
        assert error.kind is ErrorKind.REFUSED
        assert "may have" in error.message
        assert "next connect tries both" in error.message
        await client.disconnect()
        (await client.connect()).unwrap()  # the meter took them
        await reads(client)
    assert requests(wire).count(0xCB) == 3  # two proofs, and the transfer: it went once


async def test_a_disconnected_mode_after_a_transfer_does_not_make_it_certain_either():
    emulator = secured_meter(of_client={"master_key": SecretBytes(master_of())}, interface="hdlc")
    async with secured(emulator) as (client, wire):
        (await client.connect()).unwrap()
        ends = client.options.hdlc_client, client.options.hdlc_server
        answered_by(wire, HdlcFrame(*ends, HdlcControl(HdlcFrameType.DM, True)).encode())
        error = (await client.transfer_keys(new_keys(), master_key=master_of())).error
        assert error.kind is ErrorKind.STATE
        assert "may have" in error.message
        (await client.connect()).unwrap()  # the meter took them
        await reads(client)


async def test_without_a_connection_no_key_can_have_been_taken():
    async with secured(meter_with_master()) as (client, wire):
        error = (await client.transfer_keys(new_keys(), master_key=master_of())).error
    assert error.kind is ErrorKind.STATE
    assert "may have" not in error.message
    assert wire.log == []


async def test_no_counter_is_used_twice_around_a_change_of_keys():
    emulator, store = meter_with_master(), MemoryCounterStore()
    async with secured(emulator, counters=store) as (client, wire):
        for salt in (9, 17, 0):
            (await client.connect()).unwrap()
            wanted = dict(zip((UNICAST, AUTHENTICATION), keys(salt=salt), strict=True))
            (await client.transfer_keys(wanted, master_key=master_of())).unwrap()
            await reads(client)
            await client.disconnect()
    counters = [apdu[3:7] for apdu in apdus(wire) if apdu[0] in (0xC8, 0xCB)]
    assert len(set(counters)) == len(counters)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "one or more keys"),
        ({UNICAST: bytes(15)}, "16 octets"),
        ({KeyKind.DEDICATED: bytes(16)}, "no key id"),
        ({KeyKind.PASSWORD: bytes(16)}, "no key id"),
    ],
)
async def test_what_is_no_set_of_keys_is_a_mistake_of_the_program(wanted, words):
    async with secured(meter_with_master()) as (client, wire):
        with pytest.raises(ValueError, match=words):
            await client.transfer_keys(wanted, master_key=master_of())
        with pytest.raises(ValueError, match="master_key"):
            await client.transfer_keys(new_keys(), master_key=b"short")
    assert wire.log == []


async def test_keys_are_transferred_without_ciphering_too():
    emulator = secured_meter(
        MD5, Security.NONE, of_client={"policy": "none", "master_key": SecretBytes(master_of())}
    )
    async with secured(
        emulator, MD5, Security.NONE, encryption_key=None, authentication_key=None, system_title=None
    ) as (client, _):
        (await client.connect()).unwrap()
        (await client.transfer_keys(new_keys(), master_key=master_of())).unwrap()
        await reads(client)


# ------------------------------------------------------------------ agreement
@pytest.mark.parametrize("suite", [1, 2])
async def test_keys_are_agreed_upon_and_in_use_at_once_and_later(suite):
    emulator = meter_with_master(suite, ECDSA)
    async with secured(emulator, ECDSA, BOTH, suite) as (client, wire):
        (await client.connect()).unwrap()
        agreed = (await client.agree_keys((UNICAST, AUTHENTICATION))).unwrap()
        assert len(agreed[UNICAST]) == len(agreed[AUTHENTICATION]) == (32 if suite == 2 else 16)
        assert agreed[UNICAST] != agreed[AUTHENTICATION]
        assert agreed[UNICAST].hex() not in repr(agreed)
        assert repr(agreed[UNICAST]) not in repr(agreed)
        await reads(client)
        await client.disconnect()
        wire.log.clear()
        (await client.connect()).unwrap()
        assert requests(wire) == [0x60, 0xCB]


async def test_a_meter_that_signs_with_another_key_is_not_believed():
    emulator = meter_with_master(1, ECDSA)
    async with secured(emulator, ECDSA, BOTH, 1) as (client, _):
        (await client.connect()).unwrap()
        from tests.dlms.security_rig import key_pair

        error = (await client.agree_keys(server_signing_key=key_pair(1, 99)[1])).error
        assert error.kind is ErrorKind.SECURITY
        assert "signature does not verify" in error.message
        assert "may have made its new keys already" in error.message


async def test_a_client_that_signs_with_another_key_is_refused():
    emulator = meter_with_master(1, ECDSA)
    async with secured(emulator, ECDSA, BOTH, 1) as (client, _):
        (await client.connect()).unwrap()
        from tests.dlms.security_rig import key_pair

        error = (await client.agree_keys(signing_key=key_pair(1, 99)[0])).error
        assert error.kind is ErrorKind.REFUSED
        assert "may have" not in error.message
        await reads(client)


async def test_a_refusal_in_clear_does_not_make_it_certain_that_nothing_was_agreed_upon():
    emulator = meter_with_master(1, ECDSA)
    async with secured(emulator, ECDSA, BOTH, 1) as (client, wire):
        (await client.connect()).unwrap()
        answered_by(wire, in_wrapper(EXCEPTION), is_first_too=False)  # the first asks for the title
        error = (await client.agree_keys()).error
        assert error.kind is ErrorKind.REFUSED
        assert "may have made its new keys already" in error.message


async def test_an_agreement_without_what_it_needs_is_a_mistake_of_the_program():
    async with secured(meter_with_master()) as (client, _):
        with pytest.raises(ValueError, match="suite 0 has no key agreement"):
            await client.agree_keys()
    async with secured(meter_with_master(1), suite=1) as (client, _):
        with pytest.raises(ValueError, match="signing_key"):
            await client.agree_keys()
    async with secured(meter_with_master(1, ECDSA), ECDSA, BOTH, 1) as (client, _):
        with pytest.raises(ValueError, match="no key id"):
            await client.agree_keys((KeyKind.SIGNING,))
        with pytest.raises(ValueError, match="each once"):
            await client.agree_keys(())


# ------------------------------------------------------------------ policy
async def test_a_policy_is_raised_for_good_and_never_lowered():
    emulator = meter_with_master(policy="authentication")
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        assert (await client.read_security_setup()).unwrap().security is Security.AUTHENTICATION
        (await client.activate_security(BOTH)).unwrap()
        await reads(client)
        assert (await client.read_security_setup()).unwrap().security is BOTH
        lower = await client.activate_security(Security.AUTHENTICATION)
        assert lower.error.kind is ErrorKind.REFUSED
        assert (await client.activate_security(cosem.SecurityPolicy(0))).is_failure
    weak = secured_options(emulator, GMAC, Security.AUTHENTICATION)
    async with secured(emulator, security=Security.AUTHENTICATION, counters=weak.counters) as (client, _):
        assert (await client.connect()).is_failure


async def test_nobody_locks_himself_out_by_a_policy_he_does_not_keep():
    emulator = meter_with_master(policy="authentication")
    async with secured(emulator, security=Security.AUTHENTICATION) as (client, _):
        (await client.connect()).unwrap()
        with pytest.raises(ValueError, match="authenticated request, encrypted request"):
            await client.activate_security(BOTH)
        with pytest.raises(ValueError, match="authenticated and encrypted"):
            await client.activate_security(BOTH, version=0)


async def test_the_setup_is_read_with_its_titles_and_certificates():
    async with secured(meter_with_master(1), suite=1) as (client, _):
        (await client.connect()).unwrap()
        reading = (await client.read_security_setup(SETUP)).unwrap()
    assert reading.suite == 1
    assert reading.client_system_title == TITLE
    assert reading.server_system_title == METER_TITLE
    assert reading.certificates == ()
    assert reading.words == (
        "authenticated request, encrypted request, authenticated response, encrypted response"
    )


async def test_a_setup_that_is_not_there_is_told():
    async with secured(meter_with_master()) as (client, _):
        (await client.connect()).unwrap()
        assert (await client.read_security_setup("0.0.43.0.9.255")).error.kind is ErrorKind.REFUSED


# ------------------------------------------------------------------ secrets
async def test_no_key_is_in_any_log_repr_or_error(caplog):
    caplog.set_level("DEBUG")
    emulator, wanted = meter_with_master(), new_keys()
    shown = []
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        shown.append(str((await client.transfer_keys(wanted, master_key=bytes(16))).error))
        (await client.transfer_keys(wanted, master_key=master_of())).unwrap()
        await reads(client)
        shown += [repr(client), repr(client.options), repr(vars(client))]
    said = caplog.text + "".join(shown)
    for key in (*wanted.values(), *keys(), master_of()):
        assert key.hex() not in said.replace(" ", "")
        assert repr(key)[2:-1] not in said
