"""Cancellation at every await of every client: it comes out again, and nothing is left behind.

After it a session is whole, or lost with its line closed; then the client connects anew and reads.
"""

import socket

import anyio
import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.push.listener import PushListener
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.em1000 import Em1000Session
from meterkit.emulator import DEMO_MASTER_KEY, EmulatorTransport, serve_tcp
from meterkit.emulator.dlms import ProfileConfiguration
from meterkit.emulator.em1000 import Em1000MeterEmulator
from meterkit.emulator.em1000 import test_only_responder as respond
from meterkit.options import TcpOptions
from meterkit.psem.client import PsemClient
from meterkit.session.sign_on import read_out
from meterkit.testing import CancelBy, FaultTransport, Latency, cancel_sweep
from meterkit.transport.tcp import TcpTransport
from tests.dlms.rig import meter, options
from tests.dlms.security_rig import secured_meter, secured_options
from tests.dlms.test_push_reader import WRAPPED
from tests.fleet.fleet_rig import ONE_TABLE, Site, dlms
from tests.psem.rig import meter as psem_meter
from tests.reliability.psem_scenarios import SMALL
from tests.reliability.rig import PERFORMED, note_what_dlms_meters_perform

pytestmark = pytest.mark.parametrize("by", CancelBy, ids=lambda by: by.value)

SLOW = (Latency(0.02),)  # so that calls wait
ENERGY = (3, "1-0:1.8.0", 2)
NOTE = (1, "0-0:96.13.0", 2)
NOTED = axdr.encode_octet_string(b"written but once" * 9)
PROFILE = (7, "1-0:99.1.0", 2)


def slow(emulator, **wire):
    return FaultTransport(EmulatorTransport(emulator, is_noisy=True, **wire), SLOW)


async def check(line, client, read):
    """After a cancelled call: a whole session that reads, or a lost one whose line is closed."""
    assert not line.lock.locked(), "the lock is held"
    if client.is_connected:
        assert (await read()).is_success, "the session claims to be whole"
        return
    assert not line.is_open, "the session is lost and its line open"
    assert (await client.connect()).is_success, "cannot connect anew"
    assert (await read()).is_success


# ---------------------------------------------------------------- PSEM
PSEM = {
    "connect": None,
    "disconnect": lambda client: client.disconnect(),
    "read": lambda client: client.read_table(1),
    "write": lambda client: client.write_table(2200, bytes(range(100))),
    "identity": lambda client: client.identity(),
    "registers": lambda client: client.registers(),
    "events": lambda client: client.events(),
    "table stream": lambda client: client.stream_table(2200, 30, 100).collect(),
    "load profile": lambda client: client.load_profile(1).collect(),
    "procedure": lambda client: client.procedures.remote_reset(demand_reset=True),
}


@pytest.fixture(scope="module")
def ansi():
    emulator = psem_meter(load_profile=SMALL)
    emulator.tables.write_table(2200, bytes(100))
    return emulator


@pytest.mark.parametrize("call", PSEM)
def test_every_await_of_a_psem_client(call, by, ansi):
    async def scenario(cut):
        line = slow(ansi)
        async with PsemClient(line) as client:
            if PSEM[call] is None:
                await cut(client.connect(DEMO_MASTER_KEY))
            else:
                (await client.connect(DEMO_MASTER_KEY)).unwrap()
                await cut(PSEM[call](client))
            await check(line, client, lambda: client.read_table(1))
        assert not line.is_open

    assert cancel_sweep(scenario, by=by).nbr_places > 1


def test_every_await_of_a_psem_session_from_its_door_to_its_end(by, ansi):
    async def scenario(cut):
        line = slow(ansi)

        async def session():
            async with PsemClient(line) as client:
                (await client.connect(DEMO_MASTER_KEY)).unwrap()
                (await client.read_table(1)).unwrap()

        await cut(session())
        assert not line.is_open

    assert cancel_sweep(scenario, by=by).nbr_places > 10


# ---------------------------------------------------------------- DLMS
DLMS = {
    "connect": None,
    "disconnect": lambda client: client.disconnect(),
    "get": lambda client: client.get_attribute(*ENERGY),
    "get in blocks": lambda client: client.get_attribute(*PROFILE, Selection.by_entry(1, 8)),
    "list": lambda client: client.get_attribute_list([ENERGY, NOTE, ENERGY]).collect(),
    "set": lambda client: client.set_attribute(*NOTE, NOTED),
    "action": lambda client: client.disconnect_supply(),
    "load profile": lambda client: client.load_profile("1-0:99.1.0").collect(),
    "measure": lambda client: client.measure("1-0:1.8.0"),
    "clock": lambda client: client.read_clock(),
}
KINDS = {
    "WRAPPER": ({}, {}),
    "HDLC": ({"interface": "hdlc"}, {"hdlc_window": 2}),
    "mode E": ({"interface": "mode_e"}, {"mode_e": True}),
    "ciphered": ({}, {}),
}
TRIED = [
    *(("WRAPPER", call) for call in DLMS),
    *(("HDLC", call) for call in ("connect", "disconnect", "get in blocks", "set")),
    *(("mode E", call) for call in ("connect", "disconnect")),
    *(("ciphered", call) for call in ("connect", "disconnect", "get", "set")),
]


def dlms_pair(kind):
    """Return a meter, a slow line to it and the options of its client."""
    configuration, chosen = KINDS[kind]
    short = {"profile": ProfileConfiguration(rows=8), "max_pdu": 150} | configuration
    speed = {"baud_rate": 9600} if kind == "mode E" else {}
    if kind == "ciphered":
        emulator = secured_meter(**short)
        return emulator, slow(emulator), secured_options(emulator, counters=MemoryCounterStore())
    emulator = meter(**short)
    return emulator, slow(emulator, **speed), options(emulator, manager=True, max_pdu=150, **chosen)


@pytest.mark.parametrize(("kind", "call"), TRIED)
def test_every_await_of_a_dlms_client(kind, call, by):
    async def scenario(cut):
        note_what_dlms_meters_perform()
        _, line, chosen = dlms_pair(kind)
        async with DlmsClient(line, chosen) as client:
            if DLMS[call] is None:
                await cut(client.connect())
            else:
                (await client.connect()).unwrap()
                await cut(DLMS[call](client))
            assert sum(one[0] == "write" for one in PERFORMED) <= 1, "written twice"
            await check(line, client, lambda: client.get_attribute(*ENERGY))
        assert not line.is_open

    assert cancel_sweep(scenario, by=by).nbr_places > 1


def test_every_await_of_a_dlms_session_from_its_door_to_its_end(by):
    async def scenario(cut):
        _, line, chosen = dlms_pair("HDLC")

        async def session():
            async with DlmsClient(line, chosen) as client:
                (await client.connect()).unwrap()
                (await client.get_attribute(*ENERGY)).unwrap()

        await cut(session())
        assert not line.is_open

    assert cancel_sweep(scenario, by=by).nbr_places > 5


def test_every_await_of_who_listens_to_what_a_meter_says_unasked(by):
    async def scenario(cut):
        emulator, line, chosen = dlms_pair("HDLC")
        async with DlmsClient(line, chosen) as client:
            (await client.connect()).unwrap()

            async def hear():
                emulator.push()
                (await anext(client.listen())).unwrap()

            await cut(hear())
            await check(line, client, lambda: client.get_attribute(*ENERGY))
        assert not line.is_open

    assert cancel_sweep(scenario, by=by).nbr_places >= 1


# ---------------------------------------------------------------- the others
def test_every_await_of_a_readout(by):
    async def scenario(cut):
        line = slow(meter(interface="mode_e"), baud_rate=9600)
        await cut(read_out(line))
        assert not line.is_open
        assert not line.lock.locked()

    assert cancel_sweep(scenario, by=by).nbr_places > 5


def test_every_await_of_an_em1000_session(by):
    async def scenario(cut):
        line = slow(Em1000MeterEmulator())

        async def session():
            async with Em1000Session(line) as session:
                (await session.connect()).unwrap()
                (await session.login(respond)).unwrap()

        await cut(session())
        assert not line.is_open
        assert not line.lock.locked()

    assert cancel_sweep(scenario, by=by).nbr_places > 1


def test_every_await_of_a_push_listener(by):
    async def scenario(cut):
        emulator = meter(interface="hdlc")
        line = slow(emulator)

        async def listen():
            client = emulator.configuration.push_client
            async with PushListener.transport(line, "hdlc", client_address=client) as listener:
                emulator.push()
                async for push in listener:
                    push.unwrap()
                    break
                await anyio.lowlevel.checkpoint()

        await cut(listen())
        assert not line.is_open
        assert not line.lock.locked()

    assert cancel_sweep(scenario, by=by).nbr_places > 1


def test_every_await_of_a_fleets_run(by):
    async def scenario(cut):
        note_what_dlms_meters_perform()
        site = Site()
        site.add_dlms("d", profile=ProfileConfiguration(rows=2))
        site.add_dlms("e", profile=ProfileConfiguration(rows=2), interface="wrapper")

        async def read():
            async with site.fleet() as fleet:
                async for report in fleet.run(ONE_TABLE, [dlms("d"), dlms("e")]):
                    assert report.error is None

        await cut(read())
        assert not site.open_lines, "lines are open"

    assert cancel_sweep(scenario, by=by).nbr_places > 1


# ---------------------------------------------------------------- real sockets
def test_every_await_of_a_psem_session_over_tcp_leaves_no_socket(by, ansi):
    async def scenario(cut):
        async with serve_tcp(ansi, port=0) as server:
            line = TcpTransport(TcpOptions(host="127.0.0.1", port=server.port))

            async def session():
                async with PsemClient(line) as client:
                    (await client.connect(DEMO_MASTER_KEY)).unwrap()
                    (await client.read_table(1)).unwrap()

            await cut(session())
            assert not line.is_open
            assert not line.lock.locked()

    assert cancel_sweep(scenario, by=by, limit=30, has_sockets=True).nbr_places > 10


def test_every_await_of_a_push_listener_on_a_port_leaves_no_socket(by):
    async def scenario(cut):
        async def listen():
            async with PushListener.tcp("127.0.0.1", 0) as listener:
                with socket.create_connection(("127.0.0.1", listener.port)) as caller:
                    caller.sendall(WRAPPED)
                    (await anext(listener)).unwrap()

        await cut(listen())

    assert cancel_sweep(scenario, by=by, limit=30, has_sockets=True).nbr_places > 1


def test_every_await_of_a_meters_server(by):
    async def scenario(cut):
        async def serve():
            async with serve_tcp(psem_meter(), "127.0.0.1", 0):
                pass

        await cut(serve())

    assert cancel_sweep(scenario, by=by, limit=30, has_sockets=True).nbr_places > 1
