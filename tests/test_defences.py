"""The defences a client needs, one test for each by its number; each tells where the defence is kept.

1 to 10 are those of keys, counters and challenges; 11 to 25 are in `test_defences_of_lines`.
"""

import sqlite3
from dataclasses import replace

import pytest

from meterkit import ErrorKind, SqliteCounterStore
from meterkit.dlms.acse.apdus import Aare, Aarq, ApplicationContext, AssociationResult
from meterkit.dlms.agreement import check_terms
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.secured.counter_supply import counter_name
from meterkit.dlms.security import (
    CounterName,
    HighLevelSecurity,
    Security,
    StaleCounter,
    check_challenges,
    new_challenge,
)
from meterkit.dlms.security.policy import check_titles
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.errors import ProtocolFault, fault
from tests.dlms.rig import line
from tests.dlms.security.material import ANSWER, CLIENT, METER, key, pair
from tests.dlms.security_rig import (
    GMAC,
    LLS,
    MD5,
    METER_TITLE,
    SHA256,
    TITLE,
    apdus,
    keys,
    secured,
    secured_meter,
)
from tests.virtual_clock import VIRTUAL_CLOCK

NAME = CounterName(METER, CLIENT)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def refusal(call, *arguments):
    with pytest.raises(ProtocolFault) as refused:
        call(*arguments)
    assert refused.value.error.kind is ErrorKind.SECURITY
    return refused.value.error.message


class Down(MemoryCounterStore):
    def reserve(self, name, count):
        raise fault(ErrorKind.SECURITY, "the disk is full")


@pytest.mark.anyio
async def test_01_counters_are_on_disk_before_they_are_used_and_without_a_store_nothing_is_sent(tmp_path):
    """`meterkit.dlms.secured.counter_store`, `counter_supply`."""
    path, emulator = tmp_path / "counters.db", secured_meter()
    wire, seen = line(emulator), []
    send = wire.send

    async def watched(octets):
        with sqlite3.connect(path) as disk:
            seen.append(disk.execute("SELECT next FROM invocation_counters").fetchone()[0])
        disk.close()
        await send(octets)

    wire.send = watched
    store = SqliteCounterStore(path)
    async with secured(emulator, wire=wire, counters=store) as (client, _):
        (await client.connect()).unwrap()
    store.close()
    used = [int.from_bytes(apdu[3:7], "big") for apdu in apdus(wire) if apdu[0] == 0xCB]
    assert seen
    assert min(seen) > max(used)

    async with secured(secured_meter(), counters=Down()) as (client, wire):
        error = (await client.connect()).error
    assert (error.kind, wire.log) == (ErrorKind.SECURITY, [])


@pytest.mark.anyio
async def test_02_the_proof_and_its_apdu_have_different_counters():
    """`meterkit.dlms.secured.association`, `_exchange_proofs`."""
    async with secured(secured_meter(GMAC, Security.AUTHENTICATION), GMAC, Security.AUTHENTICATION) as (
        client,
        wire,
    ):
        (await client.connect()).unwrap()
    action = next(apdu for apdu in apdus(wire) if apdu[0] == 0xCB)
    proof = action.index(b"\x09\x11\x10") + 3
    assert action[3:7] != action[proof : proof + 4]


def test_03_a_received_counter_moves_only_up_and_only_once_the_tag_is_right():
    """`meterkit.dlms.security.cipher`, `KeyInUse.accept` after `unprotect`."""
    client, meter = pair()
    first, second = meter.protect(ANSWER), meter.protect(ANSWER)
    forged = second[:-1] + bytes((second[-1] ^ 1,))
    assert "tag" in refusal(client.unprotect, forged)
    assert client.unicast.received is None
    assert client.unprotect(second) == ANSWER
    for old in (first, second):
        with pytest.raises(StaleCounter):
            client.unprotect(old)


def test_04_two_thousand_million_sounds_an_alarm_and_the_last_counter_is_the_end(caplog):
    """`meterkit.dlms.security.counters`, ALARM and STOP; `counter_store`."""
    store = MemoryCounterStore()
    store.raise_to(NAME, 1_999_999_999)
    store.reserve(NAME, 1)
    assert not caplog.records
    store.reserve(NAME, 1)
    assert "change the key" in caplog.text
    store.raise_to(NAME, 2**32 - 2, is_trusted=True)
    assert store.reserve(NAME, 1).take() == 2**32 - 2
    assert "no counter left" in refusal(store.reserve, NAME, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("told", [5, 70_000])
async def test_05_a_counter_told_without_proof_raises_ours_and_never_lowers_it(told):
    """`meterkit.dlms.secured.counter_object`; `CounterStore.raise_to`."""
    store = MemoryCounterStore()
    store.raise_to(counter_name(keys()[0], TITLE), 900)
    emulator = secured_meter(of_client={"received_counter": told})
    async with secured(emulator, counter_object="0.0.43.1.0.255", counters=store) as (client, wire):
        (await client.connect()).unwrap()
    used = [int.from_bytes(apdu[3:7], "big") for apdu in apdus(wire) if apdu[0] == 0xCB]
    assert min(used) > max(told, 900)


@pytest.mark.parametrize("came", [Security.NONE, Security.AUTHENTICATION, Security.ENCRYPTION])
def test_06_an_answer_less_protected_than_the_policy_is_an_error(came):
    """`meterkit.dlms.security.policy`."""
    client, _ = pair()
    _, weaker = pair(came) if came is not Security.NONE else (None, None)
    octets = ANSWER if weaker is None else weaker.protect(ANSWER)
    assert "authentication and encryption, suite 0 expected" in refusal(client.unprotect, octets)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changed",
    [{"mechanism": LLS}, {"application_context": ApplicationContext.LOGICAL_NAME}],
    ids=["LLS for GMAC", "plain for ciphered"],
)
async def test_07_the_aare_repeats_context_and_mechanism(changed):
    """`meterkit.dlms.agreement`, `check_terms`; `policy.check_mechanism`."""
    asked = Aarq(application_context=ApplicationContext.LOGICAL_NAME_CIPHERED, mechanism=GMAC)
    answer = Aare(
        result=AssociationResult.ACCEPTED,
        application_context=ApplicationContext.LOGICAL_NAME_CIPHERED,
        mechanism=GMAC,
    )
    check_terms(asked, answer)
    refusal(check_terms, asked, replace(answer, **changed))
    emulator = secured_meter(quirks=frozenset((DlmsQuirk.DOWNGRADED_AARE,)))
    async with secured(emulator) as (client, _):
        assert (await client.connect()).error.kind is ErrorKind.SECURITY


def test_08_a_challenge_of_our_own_or_too_short_is_not_answered_and_nobody_has_our_title():
    """`meterkit.dlms.security.authentication`, `check_challenges`; `policy.check_titles`."""
    own = new_challenge()
    assert "own challenge" in refusal(check_challenges, own, own)
    assert "8 to 64 octets" in refusal(check_challenges, own, b"seven..")
    assert "8 to 64 octets" in refusal(check_challenges, own, None)
    assert "our own system title" in refusal(check_titles, CLIENT, CLIENT)


@pytest.mark.anyio
async def test_09_the_meters_system_title_is_pinned():
    """`DlmsClientOptions.server_system_title`; `policy.check_titles`."""
    emulator = secured_meter(quirks=frozenset((DlmsQuirk.LYING_TITLE,)))
    async with secured(emulator, server_system_title=METER_TITLE) as (client, _):
        error = (await client.connect()).error
    assert error.kind is ErrorKind.SECURITY
    assert f"{METER_TITLE.hex()} expected" in error.message


def test_10_challenges_come_from_secrets_with_16_octets_or_more(monkeypatch):
    """`meterkit.dlms.security.authentication`, `new_challenge`."""
    drawn = []
    monkeypatch.setattr("secrets.token_bytes", lambda size: drawn.append(size) or bytes(size))
    assert (new_challenge(), drawn) == (bytes(16), [16])
    for size in (7, 65):
        with pytest.raises(ValueError, match="8 to 64 expected"):
            new_challenge(size)


@pytest.mark.parametrize("mechanism", [MD5, GMAC, SHA256], ids=lambda one: one.name)
def test_10_no_mechanism_answers_a_challenge_twice_alike(mechanism):
    """Two associations, two challenges: what was heard of one proves nothing in the other."""

    def proof(challenge):
        ends = {"own_title": CLIENT, "peer_title": METER, "key": key(), "secret": b"a secret"}
        return HighLevelSecurity(
            mechanism=mechanism, own_challenge=bytes(16), peer_challenge=challenge, **ends
        ).prove(7)

    assert proof(new_challenge()) != proof(new_challenge())
