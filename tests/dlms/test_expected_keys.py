"""Keys that a meter may take up at any moment: received with besides those in use, at no cost."""

import asyncio

import pytest
from pydantic import SecretBytes

from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.secured.counter_supply import counter_name
from meterkit.dlms.security import CounterBlock, ExpectedKey, KeyKind, StaleCounter
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import ANSWER, OTHER_KEY, key, pair
from tests.dlms.security_rig import BOTH, ENERGY, GMAC, LLS, METER_TITLE, secured, secured_meter
from tests.dlms.test_key_management import master_of, meter_with_master, new_keys, reads
from tests.virtual_clock import VIRTUAL_CLOCK

BROADCAST = KeyKind.GLOBAL_BROADCAST_ENCRYPTION


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def expecting(counts_anew=True):
    """Return a client that expects another key, the meter, and that key."""
    client, meter = pair()
    new = key(encryption=OTHER_KEY) if counts_anew else key(authentication=OTHER_KEY)
    client.unicast.expected = ExpectedKey(new, counts_anew)
    return client, meter, new


# ------------------------------------------------------------------ one cipher
def test_answers_by_the_key_in_use_do_not_end_the_expectation():
    client, meter, new = expecting()
    for _ in range(3):
        assert client.unprotect(meter.protect(ANSWER)) == ANSWER
    meter.unicast.key, meter.unicast.counters = new, CounterBlock(1, 9)
    assert client.unprotect(meter.protect(ANSWER)) == ANSWER
    assert (client.unicast.received, client.unicast.expected.received) == (3, 1)


def test_once_the_expected_key_came_the_former_one_is_refused():
    client, meter, new = expecting()
    old = meter.protect(ANSWER)
    meter.unicast.key, meter.unicast.counters = new, CounterBlock(1, 9)
    first = meter.protect(ANSWER)
    assert client.unprotect(first) == ANSWER
    with pytest.raises(ProtocolFault, match="the tag does not verify"):
        client.unprotect(old)
    with pytest.raises(StaleCounter, match="2 or higher expected, 1 came"):
        client.unprotect(first)


def test_another_authentication_key_goes_on_with_the_same_counters():
    client, meter, new = expecting(counts_anew=False)
    assert client.unprotect(meter.protect(ANSWER)) == ANSWER
    replayed = meter.protect(ANSWER)
    assert client.unprotect(replayed) == ANSWER
    meter.unicast.key = new
    assert client.unprotect(meter.protect(ANSWER)) == ANSWER
    assert client.unicast.received == 3
    client.unicast.change(new, client.unicast.received)
    assert client.unicast.expected is None
    with pytest.raises(StaleCounter):
        client.unprotect(replayed)  # still read by the former key, and known


def test_neither_key_fits_and_the_error_says_so():
    client, meter, _ = expecting()
    client.unicast.change(key(encryption=b"\x01" * 16))
    client.unicast.expected = ExpectedKey(key(encryption=OTHER_KEY), counts_anew=True)
    meter.unicast.key = key(encryption=b"\x02" * 16)
    with pytest.raises(ProtocolFault, match="the tag does not verify"):
        client.unprotect(meter.protect(ANSWER))


def test_no_repr_shows_a_key():
    client, _, _ = expecting()
    assert OTHER_KEY.hex() not in repr(client.unicast)


# ------------------------------------------------------------------ a client
class CountingStore(MemoryCounterStore):
    """Tells how many reservations were made."""

    reservations = 0

    def reserve(self, name, count):
        self.reservations += 1
        return super().reserve(name, count)


@pytest.mark.anyio
async def test_expecting_costs_no_counters():
    store, emulator = CountingStore(), meter_with_master()
    async with secured(emulator, counters=store) as (client, _):
        (await client.connect()).unwrap()
        before, left = store.reservations, client._session._secured.cipher.unicast.counters.left
        (await client._session.expect_keys(*new_keys().values())).unwrap()
        assert store.reservations == before
        assert client._session._secured.cipher.unicast.counters.left == left
        await reads(client)


@pytest.mark.anyio
async def test_other_tasks_read_on_while_keys_are_transferred():
    emulator = meter_with_master()
    async with secured(emulator) as (client, _):
        (await client.connect()).unwrap()
        results = await asyncio.gather(
            *(client.get_attribute(*ENERGY) for _ in range(5)),
            client.transfer_keys(new_keys(), master_key=master_of()),
            *(client.get_attribute(*ENERGY) for _ in range(3)),
        )
        assert [result.error for result in results if result.is_failure] == []
        await reads(client)


@pytest.mark.anyio
@pytest.mark.parametrize("mechanism", [GMAC, LLS], ids=["fresh", "noted at once"])
async def test_a_meter_that_answers_by_its_new_keys_at_once_is_understood(mechanism):
    store, new = MemoryCounterStore(), new_keys()
    emulator = secured_meter(mechanism, of_client={"master_key": SecretBytes(master_of())})
    async with secured(emulator, mechanism, BOTH, counters=store, allow_weak=True) as (client, _):
        (await client.connect()).unwrap()
        security = emulator.security.client(1)
        change = security.change

        def at_once(kind, key):
            change(kind, key)
            security.settle()

        security.change = at_once
        (await client.transfer_keys(new, master_key=master_of())).unwrap()
        await reads(client)
        received = client._session._secured.cipher.unicast.received
    encryption = next(iter(new.values()))
    assert store.received(counter_name(encryption, METER_TITLE)) >= received


@pytest.mark.anyio
async def test_without_keys_in_use_there_is_nothing_to_expect():
    async with secured(secured_meter()) as (client, _):
        assert (await client._session.expect_keys(b"\x01" * 16, None)).error.kind is ErrorKind.STATE


# ------------------------------------------------------------------ the broadcast key
def broadcasting(known):
    return secured_meter(
        of_client={"master_key": SecretBytes(master_of()), "broadcast_key": SecretBytes(known)},
        push_security={"client": 1, "is_broadcast": True},
    )


async def hears(client, emulator):
    stream = client.listen()
    emulator.push()
    return (await anext(stream)).unwrap()


@pytest.mark.anyio
@pytest.mark.parametrize("known", [b"\x33" * 16, None], ids=["known before", "not known before"])
async def test_a_client_goes_on_with_the_broadcast_key_it_transferred(known):
    emulator, new = broadcasting(b"\x33" * 16), b"\x44" * 16
    async with secured(emulator, broadcast_key=known) as (client, _):
        (await client.connect()).unwrap()
        (await client.transfer_keys({BROADCAST: new}, master_key=master_of())).unwrap()
        assert (await hears(client, emulator)).body
        await client.disconnect()
        (await client.connect()).unwrap()
        assert (await hears(client, emulator)).body


@pytest.mark.anyio
async def test_what_came_by_the_new_broadcast_key_is_kept():
    emulator, new, store = broadcasting(b"\x33" * 16), b"\x44" * 16, MemoryCounterStore()
    async with secured(emulator, broadcast_key=b"\x33" * 16, counters=store) as (client, _):
        (await client.connect()).unwrap()
        (await client.transfer_keys({BROADCAST: new}, master_key=master_of())).unwrap()
        await hears(client, emulator)
    assert store.received(counter_name(new, METER_TITLE)) is not None
