"""The emulated meter connects to the destination that its push setup names."""

import pytest

from meterkit import MemoryCounterStore, PushListener, PushProtection
from meterkit.codec import axdr
from meterkit.emulator import EmulatorTransport
from meterkit.emulator.push_client import MOST_AT_ONCE, PushClient
from tests.dlms.rig import connected, meter
from tests.dlms.security_rig import METER_TITLE, keys, secured_meter
from tests.dlms.test_ciphered_pushes import AUTHENTICATION, UNICAST, provider

pytestmark = pytest.mark.anyio
SETUP = (40, "0-0:25.9.0")


@pytest.fixture
def anyio_backend():
    return "asyncio"


def destination(place, service=0):
    parts = [axdr.encode_enum(service), axdr.encode_octet_string(place), axdr.encode_enum(0)]
    return axdr.encode_structure(parts)


def write_to(emulator, place, service=0):
    emulator.device.push_setup._destination.write(destination(place, service))


async def test_a_push_that_a_client_triggers_goes_where_it_wrote_that_it_should_go():
    emulator = meter()
    async with (
        PushListener.tcp("127.0.0.1", 0) as listener,
        PushClient(emulator) as pushes,
        connected(emulator, manager=True) as (client, _),
    ):
        place = f"127.0.0.1:{listener.port}".encode()
        (await client.set_attribute(*SETUP, 3, destination(place))).unwrap()
        (await client.action(*SETUP, 1, axdr.encode_integer(0))).unwrap()
        push = (await anext(listener)).unwrap()
        await pushes.settled()
    assert (push.source, push.destination) == (1, emulator.configuration.push_client)
    assert (pushes.sent, pushes.failed) == (1, 0)
    assert emulator.on_push == []


@pytest.mark.parametrize("block_size", [None, 40])
async def test_ciphered_pushes_go_there_ciphered_whole_or_in_blocks(block_size):
    emulator = secured_meter(push_security={"client": 1})
    known = dict(zip((UNICAST, AUTHENTICATION), keys(), strict=True))
    protection = PushProtection(keys=provider(known), counters=MemoryCounterStore())
    async with PushListener.tcp("127.0.0.1", 0, protection=protection) as listener, PushClient(emulator):
        write_to(emulator, f"127.0.0.1:{listener.port}".encode())
        emulator.push(block_size=block_size)
        assert (await anext(listener)).unwrap().sender == METER_TITLE


@pytest.mark.parametrize("place", [b"127.0.0.1:1", b"nowhere", b"127.0.0.1:99999", b"127.0.0.1:x", b":"])
async def test_what_cannot_be_delivered_is_counted_and_given_up(place):
    emulator = meter()
    write_to(emulator, place)
    async with PushClient(emulator) as pushes:
        emulator.push()
        await pushes.settled()
    assert (pushes.sent, pushes.failed) == (0, 1)


async def test_too_many_at_once_are_given_up():
    emulator = meter()
    write_to(emulator, b"127.0.0.1:1")
    async with PushClient(emulator) as pushes:
        for _ in range(MOST_AT_ONCE + 3):
            emulator.push()
        assert pushes.failed == 3
    assert pushes.sent == 0


@pytest.mark.parametrize(("place", "service"), [(b"127.0.0.1:1", 1), (b"", 0), (b"\xff\xfe", 0)])
async def test_where_there_is_no_tcp_destination_nobody_is_called(place, service):
    emulator = meter()
    write_to(emulator, place, service)
    async with PushClient(emulator) as pushes:
        emulator.push()
        await pushes.settled()
    assert (pushes.sent, pushes.failed) == (0, 0)


async def test_a_destination_that_is_no_value_is_none():
    emulator = meter()
    emulator.device.push_setup._destination.write(b"\x02\x03\x16")
    assert emulator.device.push_setup.destination is None


async def test_without_a_push_client_pushes_go_on_open_lines_alone():
    emulator = meter()
    async with PushListener.transport(EmulatorTransport(emulator), "wrapper") as listener:
        emulator.push()
        assert (await anext(listener)).is_success
