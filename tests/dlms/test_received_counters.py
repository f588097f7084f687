"""What the meter said once is not taken again: within an association, across them, and after a crash."""

import pytest
from pydantic import SecretBytes

from meterkit import ErrorKind, SqliteCounterStore
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.secured.counter_supply import counter_name
from meterkit.dlms.security import Security
from meterkit.emulator import EmulatorTransport
from meterkit.errors import ProtocolFault, fault
from tests.dlms.security_rig import (
    BOTH,
    ENERGY,
    GMAC,
    LLS,
    METER_TITLE,
    NONE,
    SHA256,
    keys,
    secured,
    secured_meter,
    secured_options,
)
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

BROADCAST = bytes(range(0x70, 0x80))
NAME = counter_name(keys()[0], METER_TITLE)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class DyingStore(MemoryCounterStore):
    """Keeps what it is told until it dies with its program."""

    is_dead = False

    def note_received(self, name, number):
        if not self.is_dead:
            super().note_received(name, number)


class Recorder(EmulatorTransport):
    """A line on which somebody writes down what the meter says."""

    def __init__(self, emulator):
        super().__init__(emulator, is_noisy=False)
        self.heard = []

    async def receive(self, timeout):
        octets = await super().receive(timeout)
        if octets:
            self.heard.append(octets)
        return octets


class Parrot(Recorder):
    """Says what was written down, in order, whatever it is asked."""

    def __init__(self, emulator, heard):
        super().__init__(emulator)
        self.lines = list(heard)

    async def send(self, octets):
        self.is_asked = True

    async def receive(self, timeout):
        if not self.lines:
            return b""
        return self.lines.pop(0)


async def recorded(store, *terms, **changes):
    """Connect and read, then crash; return the meter and what it said."""
    emulator = secured_meter(*terms)
    wire = Recorder(emulator)
    options = secured_options(emulator, *terms, counters=store, **changes)
    async with DlmsClient(wire, options) as client:
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
        store.is_dead = True  # the program ends here, without another word to its store
    store.is_dead = False
    return emulator, options, wire.heard


async def played_back(emulator, options, heard):
    """Play it all to a client with these options; return what came of connecting and reading."""
    async with DlmsClient(Parrot(emulator, heard), options) as client:
        granted = await client.connect()
        return granted if granted.is_failure else await client.get_attribute(*ENERGY)


@pytest.mark.parametrize("mechanism", [NONE, LLS], ids=lambda one: one.name)
async def test_without_a_challenge_a_crash_lets_nothing_come_again(mechanism):
    store = DyingStore()
    terms = mechanism, BOTH
    emulator, options, heard = await recorded(store, *terms, allow_weak=True)
    replayed = await played_back(emulator, options, heard)
    assert replayed.error.kind is ErrorKind.SECURITY
    assert "seen before" in replayed.error.message
    # To a store that knows nothing the recording passes for the meter.
    forgetful = options.model_copy(update={"counters": MemoryCounterStore()})
    assert (await played_back(emulator, forgetful, heard)).is_success


@pytest.mark.parametrize("mechanism", [GMAC, SHA256], ids=lambda one: one.name)
async def test_with_a_challenge_a_recording_proves_nothing_whatever_the_crash_lost(mechanism):
    store = DyingStore()
    emulator, options, heard = await recorded(store, mechanism)
    assert store.received(NAME) is None  # all of it was lost
    replayed = await played_back(emulator, options, heard)
    assert replayed.error.kind is ErrorKind.SECURITY
    assert "did not prove" in replayed.error.message


async def test_the_proof_lifts_the_counter_above_all_that_a_crash_lost():
    store = DyingStore()
    emulator, options, heard = await recorded(store, GMAC)
    lost = next(octets[8:] for octets in heard if octets[8] == 0xCC)  # an answer of the session before
    async with DlmsClient(EmulatorTransport(emulator, is_noisy=False), options) as client:
        (await client.connect()).unwrap()
        with pytest.raises(ProtocolFault, match="seen before"):
            client._session._secured.cipher.unprotect(lost)


async def test_without_a_challenge_the_counter_is_on_disk_before_an_answer_is_handed_on(tmp_path):
    emulator = secured_meter(LLS)
    store, other = (SqliteCounterStore(tmp_path / "counters.db") for _ in range(2))
    async with secured(emulator, LLS, allow_weak=True, counters=store) as (client, _):
        (await client.connect()).unwrap()
        for _ in range(3):
            (await client.get_attribute(*ENERGY)).unwrap()
            sent = emulator.security.client(1).unicast.counters
            assert other.received(NAME) == sent.take() - 1
    store.close()
    other.close()


async def test_an_answer_whose_counter_cannot_be_kept_is_not_handed_on():
    class Full(MemoryCounterStore):
        is_full = False

        def note_received(self, name, number):
            if self.is_full:
                raise fault(ErrorKind.SECURITY, "the disk is full")
            super().note_received(name, number)

    store = Full()
    async with secured(secured_meter(LLS), LLS, allow_weak=True, counters=store) as (client, _):
        (await client.connect()).unwrap()
        store.is_full = True
        error = (await client.get_attribute(*ENERGY)).error
        store.is_full = False
    assert error.kind is ErrorKind.SECURITY
    assert "the disk is full" in error.message


async def test_a_broadcast_push_is_on_disk_before_it_is_handed_on_and_never_taken_twice():
    store = DyingStore()
    emulator = secured_meter(
        of_client={"broadcast_key": SecretBytes(BROADCAST)}, push_security={"client": 1, "is_broadcast": True}
    )
    name = counter_name(BROADCAST, METER_TITLE)
    pushed = emulator.security.seal_push(emulator.notification(), emulator.configuration.push_security)
    emulator.configuration = emulator.configuration.model_copy(update={"push_security": None})
    for is_first in (True, False):
        async with secured(emulator, counters=store, broadcast_key=BROADCAST) as (client, _):
            (await client.connect()).unwrap()
            stream = client.listen()
            emulator.push(pushed)
            if is_first:
                (await anext(stream)).unwrap()
                assert store.received(name) == 1
                emulator.push(pushed)  # at once, again
            (await client.get_attribute(*ENERGY)).unwrap()
            assert not client._session.exchange.notices


async def test_authentication_without_ciphering_keeps_no_received_counter():
    store = MemoryCounterStore()
    async with secured(secured_meter(GMAC, Security.NONE), GMAC, Security.NONE, counters=store) as (
        client,
        _,
    ):
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
    assert store.received(NAME) is None
