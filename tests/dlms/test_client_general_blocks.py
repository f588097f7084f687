"""General blocks over lines that lose and delay them: datagrams, and a stream through a lossy gateway.

A client reads a load profile and writes a long note.  What carries no general block gets through: nobody
sends a lost request again.  Each session has its own seed; a failure names it.
"""

import asyncio
import heapq
import random

import pytest

from meterkit import DlmsClient, Err, ErrorKind, Ok
from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.proposal import LOGICAL_NAME_SERVICES, propose
from meterkit.options import DlmsClientOptions
from tests.dlms.impaired import note_what_is_performed
from tests.dlms.rig import RecordingTransport, meter, options
from tests.virtual_clock import VirtualClockLoop

LOAD_PROFILE = (7, "1-0:99.1.0", 2)
NOTE = (1, "0-0:96.13.0", 2)
ENERGY = (3, "1-0:1.8.0", 2)
HEAD = 8  # octets of a WRAPPER header
BLOCK = 0xE0
EMPTY = 7  # octets of a general block without data
SEEDS = range(60)


class LossyLine(RecordingTransport):
    """Carries whole WRAPPER messages; loses, repeats and delays general blocks, but those of a request."""

    def __init__(self, emulator, seed, *, is_datagram, loss=0.2, repeats=0.0, delays=0.0):
        super().__init__(emulator)
        self._dice = random.Random(seed)
        self._is_datagram = is_datagram
        self._loss, self._repeats, self._delays = loss, repeats, delays
        self._on_the_way = []  # (due, number, message)
        self._number = 0

    @property
    def is_datagram(self):
        return self._is_datagram

    async def send(self, octets):
        is_acknowledgement = octets[HEAD] == BLOCK and len(octets) == HEAD + EMPTY
        if not (is_acknowledgement and self._dice.random() < self._loss):
            await super().send(octets)

    async def receive(self, timeout):
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while True:
            now = loop.time()
            if self._on_the_way and self._on_the_way[0][0] <= now:
                return heapq.heappop(self._on_the_way)[2]
            due = min(self._on_the_way[0][0], end) if self._on_the_way else end
            if now >= end:
                return b""
            for message in messages_of(await super().receive(due - now)):
                self._carry(message, loop.time())

    def _carry(self, message, now):
        dice, copies = self._dice, 1
        if message[HEAD] == BLOCK:
            copies = 0 if dice.random() < self._loss else 2 if dice.random() < self._repeats else 1
        for _ in range(copies):
            late = dice.uniform(0, 12.0) if message[HEAD] == BLOCK and dice.random() < self._delays else 0.0
            self._number += 1
            heapq.heappush(self._on_the_way, (now + late, self._number, message))


def messages_of(octets):
    while octets:
        end = HEAD + int.from_bytes(octets[6:HEAD], "big")
        yield octets[:end]
        octets = octets[end:]


def lossy_meter():
    return meter(block_transfer="general", max_pdu=200, profile={"rows": 40})


def run(wire, emulator, use):
    async def session():
        chosen = options(
            emulator,
            manager=True,
            max_pdu=200,
            exchange_timeout=600.0,
            conformance=LOGICAL_NAME_SERVICES,  # over datagrams, who does not name general blocks gets none
        )
        async with DlmsClient(wire, chosen) as client:
            (await client.connect()).unwrap()
            return await use(client)

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(session())


@pytest.mark.parametrize("is_datagram", [True, False], ids=["datagrams", "stream"])
@pytest.mark.parametrize("seed", SEEDS)
def test_lost_blocks_and_acknowledgements_cost_time_and_nothing_else(seed, is_datagram):
    async def use(client):
        profile = await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 30))
        return profile, await client.get_attribute(*ENERGY)

    emulator = lossy_meter()
    profile, energy = run(LossyLine(emulator, seed, is_datagram=is_datagram), emulator, use)
    if isinstance(profile, Err):
        # Nothing that came told that the answer goes by blocks, or it was asked for in vain four times.
        assert profile.error.kind is ErrorKind.TIMEOUT, seed
    else:
        assert len(profile.value.value) == 30, seed
        assert isinstance(energy, Ok), seed


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_that_come_late_get_into_no_other_value(seed):
    async def use(client):
        return [
            await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(first, first + 20))
            for first in (1, 4, 8, 12)
        ]

    emulator, healthy = lossy_meter(), lossy_meter()
    expected = run(RecordingTransport(healthy), healthy, use)
    wire = LossyLine(emulator, seed, is_datagram=True, loss=0.05, delays=0.3)
    for one, right in zip(run(wire, emulator, use), expected, strict=True):
        if isinstance(one, Ok):
            assert one == right, seed
            assert one.value.value == right.value.value, seed
        else:
            assert one.error.kind in (ErrorKind.TIMEOUT, ErrorKind.PROTOCOL, ErrorKind.DECODE), (seed, one)


@pytest.mark.parametrize("is_datagram", [True, False], ids=["datagrams", "stream"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_long_request_is_performed_once_at_most(seed, is_datagram, monkeypatch):
    performed = note_what_is_performed(monkeypatch)
    note = axdr.encode_octet_string(bytes(range(256)) * 4)

    async def use(client):
        client._session.association.prefers_general_blocks = True
        return await client.set_attribute(*NOTE, note)

    emulator = lossy_meter()
    written = run(LossyLine(emulator, seed, is_datagram=is_datagram), emulator, use)
    if isinstance(written, Ok):
        assert performed == [note], seed
    else:
        assert written.error.kind is ErrorKind.TIMEOUT, seed
        assert performed in ([], [note]), seed


def test_in_clear_over_datagrams_general_blocks_are_asked_for_by_name_alone():
    general = Conformance.GENERAL_BLOCK_TRANSFER
    assert not propose(DlmsClientOptions(), is_datagram=True).conformance & general
    assert propose(DlmsClientOptions(), is_datagram=False).conformance & general
    assert (
        propose(DlmsClientOptions(conformance=LOGICAL_NAME_SERVICES), is_datagram=True).conformance & general
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_datagrams_that_come_late_and_twice_get_into_no_other_value_without_general_blocks(seed):
    emulator, healthy = lossy_meter(), lossy_meter()

    async def session(wire):
        chosen = options(emulator, manager=True, max_pdu=200, exchange_timeout=600.0)
        async with DlmsClient(wire, chosen) as client:
            (await client.connect()).unwrap()
            return [
                await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(first, first + 20))
                for first in (1, 4, 8, 12)
            ]

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        expected = runner.run(session(RecordingTransport(healthy)))
        came = runner.run(session(DoublingLine(emulator, seed)))
    for one, right in zip(came, expected, strict=True):
        assert isinstance(one, Err) or one == right, seed


class DoublingLine(LossyLine):
    """Doubles and delays whole datagrams of any kind but the first, which is the AARE."""

    def __init__(self, emulator, seed):
        super().__init__(emulator, seed, is_datagram=True)
        self._is_first = True

    async def send(self, octets):
        await RecordingTransport.send(self, octets)

    def _carry(self, message, now):
        copies = 1 if self._is_first or self._dice.random() > 0.3 else 2
        self._is_first = False
        for copy in range(copies):
            late = self._dice.uniform(0, 8.0) if copy else 0.0
            self._number += 1
            heapq.heappush(self._on_the_way, (now + late, self._number, message))
