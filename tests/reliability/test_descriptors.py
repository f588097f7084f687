"""Real sockets and a real counter file: connected again and again, also when lines drop, nothing piles up."""

import asyncio
import gc
import threading

import pytest

from meterkit import DlmsClient, PsemClient
from meterkit.address import MeterAddress
from meterkit.dlms.secured.counter_store import SqliteCounterStore
from meterkit.emulator import MeterEmulator, serve_tcp
from meterkit.testing.leftovers import nbr_descriptors
from tests.dlms.security_rig import ENERGY, secured_meter, secured_options

pytestmark = pytest.mark.anyio

WARM_UP, ROUNDS = 5, 40


def held():
    return nbr_descriptors(), len(asyncio.all_tasks())


async def beyond(before):
    """Return what is held beyond `before`, once the server has noticed the last farewell."""
    gc.collect()
    for _ in range(1000):
        if all(now <= then for now, then in zip(held(), before, strict=True)):
            break
        await asyncio.sleep(0)
    return [now - then for now, then in zip(held(), before, strict=True) if now > then]


async def test_a_ciphered_meter_called_again_and_again_leaves_no_descriptor_and_no_task(tmp_path):
    meter = secured_meter()
    store = SqliteCounterStore(tmp_path / "counters.db")
    async with serve_tcp(meter) as server:
        for number in range(WARM_UP + ROUNDS):
            transport = MeterAddress.parse(server.address).transport()
            async with DlmsClient(transport, secured_options(meter, counters=store)) as client:
                (await client.connect()).unwrap()
                (await client.get_attribute(*ENERGY)).unwrap()
                if number % 3 == 0:
                    await transport.close()  # the line goes while the association stands
            if number == WARM_UP:
                before, threads = held(), threading.active_count()
        assert await beyond(before) == []
        assert threading.active_count() <= threads + 1


async def test_a_meter_that_hangs_up_in_every_session_leaves_no_descriptor_and_no_task():
    meter = MeterEmulator()
    async with serve_tcp(meter) as server:
        for number in range(WARM_UP + ROUNDS):
            meter.faults.hang_up_after = number % 7
            transport = MeterAddress.parse(server.address).transport()
            async with PsemClient(transport) as client:
                if (await client.connect()).is_success:
                    await client.read_table(1)
            if number == WARM_UP:
                before = held()
        meter.faults.hang_up_after = None
        assert await beyond(before) == []
