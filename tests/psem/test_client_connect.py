"""Connecting and leaving: the order of services, what is negotiated, and what goes wrong."""

import asyncio
import logging
import math

import anyio
import anyio.lowlevel
import pytest

from meterkit.emulator import DEMO_MASTER_KEY, EmulatorFaults
from meterkit.errors import ErrorKind, MeterFailure
from meterkit.options import PsemClientOptions
from meterkit.psem.client import PsemClient
from meterkit.psem.services import Negotiated, ResponseCode, ServiceCode
from meterkit.result import Err, Ok
from tests.psem.rig import RecordingTransport, connected, line, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def services(transport):
    return [request[0] for _, request in transport.requests]


async def test_connecting_identifies_negotiates_logs_on_and_shows_the_password_in_this_order():
    async with connected() as (client, transport):
        assert services(transport) == [0x20, 0x61, 0x50, 0x51]
        assert client.is_connected
        assert str(client.identification).startswith("C12.18")
        assert client.negotiated == Negotiated(1024, 16, 9600)


async def test_leaving_logs_off_terminates_and_closes_the_line():
    async with connected() as (client, transport):
        pass
    assert services(transport)[-2:] == [ServiceCode.LOGOFF, ServiceCode.TERMINATE]
    assert transport.closed == 1
    assert not client.is_connected


async def test_without_a_password_open_tables_can_be_read_and_others_are_refused_with_advice():
    async with connected(key=None) as (client, _):
        assert (await client.read_table(1)).is_success
        refused = await client.read_table(63)
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.SECURITY
        assert refused.error.code == ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE
        assert refused.error.where == "read ST63"
        assert client.is_connected


@pytest.mark.parametrize("answer", ["err", "isc"])
async def test_a_wrong_password_is_a_security_error_and_leaves_no_session_behind(answer):
    transport = line(meter(wrong_key_response=answer))
    async with PsemClient(transport) as client:
        refused = await client.connect(b"not the key")
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.SECURITY
        assert "password" in str(refused.error)
        assert "not the key" not in str(refused.error)
        assert services(transport)[-2:] == [ServiceCode.LOGOFF, ServiceCode.TERMINATE]
        assert not transport.is_open
        assert (await client.connect(DEMO_MASTER_KEY)).is_success


async def test_a_password_in_text_is_taken_as_utf8_and_one_too_long_is_refused_unseen():
    transport = line(meter())
    async with PsemClient(transport) as client:
        assert (await client.connect(DEMO_MASTER_KEY.decode())).is_success
        await client.disconnect()
        with pytest.raises(ValueError, match="21 octets") as raised:
            await client.connect("twenty-one characters")
        assert "twenty-one" not in str(raised.value)
        assert not transport.is_open


@pytest.mark.parametrize("padding", ["nul", "space"])
async def test_the_padding_of_the_password_is_an_option(padding):
    async with connected(meter(master_key=b"short"), key=b"short", password_padding=padding) as (
        _,
        transport,
    ):
        shown = next(request for _, request in transport.requests if request[0] == 0x51)
        assert shown == b"\x51short" + (b"\0" if padding == "nul" else b" ") * 15


async def test_a_meter_that_does_not_negotiate_is_spoken_to_in_single_packets_of_64_octets():
    emulator = meter(unsupported_services=("NEGOTIATE",))
    async with connected(emulator) as (client, _):
        assert client.negotiated is None
        assert len((await client.read_table(1)).unwrap()) == 24
        assert len((await client.read_table(61)).unwrap()) == 31
        assert len((await client.read_table(0)).unwrap()) > 56


async def test_a_refused_negotiate_is_an_error_that_names_it():
    transport = line(meter(faults=EmulatorFaults(refused_services={"NEGOTIATE": "DEVICE_BUSY"})))
    async with PsemClient(transport) as client:
        refused = await client.connect(DEMO_MASTER_KEY)
    assert isinstance(refused, Err)
    assert refused.error.code == ResponseCode.DEVICE_BUSY
    assert refused.error.where.startswith("negotiate")
    assert services(transport)[-1] == ServiceCode.TERMINATE


async def test_the_speed_changes_after_negotiate_was_acknowledged_and_goes_back_for_the_next_session():
    transport = line(meter(), baud_rate=9600)
    async with PsemClient(transport, PsemClientOptions(baud_rates=(9600, 19200, 57600))) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        assert client.negotiated is not None
        assert client.negotiated.baud_rate == 57600
        assert transport.baud_rate == 57600
        assert (await client.read_table(1)).is_success
        await client.disconnect()
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        assert (await client.read_table(1)).is_success


async def test_after_a_dead_session_at_another_speed_the_meter_is_given_time_to_hang_up():
    emulator = meter()
    transport = line(emulator, baud_rate=9600)
    options = PsemClientOptions(baud_rates=(57600,), keep_alive=False)
    async with PsemClient(transport, options) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        session = transport.session
        emulator.faults.silent = True
        lost = await client.read_table(1)
        assert isinstance(lost, Err)
        assert lost.error.kind is ErrorKind.TIMEOUT
        emulator.faults.silent = False
        died = anyio.current_time()
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        assert anyio.current_time() - died >= 6.0
        assert transport.session is not session
        assert transport.baud_rate == 57600


async def test_a_silent_meter_is_a_timeout_that_says_what_was_tried():
    transport = line(meter(faults=EmulatorFaults(silent=True)))
    async with PsemClient(transport) as client:
        lost = await client.connect()
    assert isinstance(lost, Err)
    assert lost.error.kind is ErrorKind.TIMEOUT
    assert lost.error.where == "identify"
    assert anyio.current_time() == pytest.approx(8.0)  # 4 times 2 s
    assert transport.closed == 1


async def test_a_shared_optical_port_that_naks_the_first_packet_is_no_obstacle():
    async with connected(meter(shared_optical_port=True)) as (client, _):
        assert client.is_connected


async def test_waking_up_sends_55_and_waits_before_identify():
    transport = line(meter(), is_noisy=True)
    options = PsemClientOptions(wake_up=True, wake_up_delay=0.25)
    async with PsemClient(transport, options) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
    assert transport.requests[0][0] == pytest.approx(0.25)


async def test_a_session_left_open_by_somebody_else_is_ended_first():
    emulator = meter(identify_restarts=False)
    transport = line(emulator)
    await transport.open()
    for request in (b"\x20", b"\x50\x00\x02somebody  "):
        transport.session.services.process(request)
        transport.session.services.delivered()
    async with PsemClient(transport) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        assert services(transport)[2:5] == [0x20, 0x21, 0x20]


async def test_connecting_twice_and_calling_before_connecting_are_told_before_an_octet_is_sent():
    transport = line(meter())
    async with PsemClient(transport) as client:
        early = await client.read_table(1)
        assert isinstance(early, Err)
        assert early.error.kind is ErrorKind.STATE
        assert transport.requests == []
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        sent = transport.sent
        twice = await client.connect(DEMO_MASTER_KEY)
        assert isinstance(twice, Err)
        assert twice.error.kind is ErrorKind.STATE
        assert transport.sent == sent
        assert client.is_connected


async def test_a_client_outside_async_with_is_a_mistake_in_the_program():
    client = PsemClient(line(meter()))
    with pytest.raises(RuntimeError, match="async with"):
        await client.connect()


def test_a_client_can_be_made_before_any_loop_runs():
    client = PsemClient(line(meter()))
    assert not client.is_connected

    async def use():
        async with client:
            assert (await client.connect(DEMO_MASTER_KEY)).is_success

    asyncio.run(use())


async def test_an_out_of_order_service_is_an_error_without_an_octet():
    async with connected() as (client, transport):
        sent = transport.sent
        from meterkit.psem.services import ServiceRequest

        refused = await client._session.call(ServiceRequest.negotiate(64, 1))
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.STATE
        assert "negotiate" in str(refused.error)
        assert transport.sent == sent


async def test_no_password_appears_in_logs_errors_or_reprs(caplog):
    caplog.set_level(logging.DEBUG)
    async with connected() as (client, _):
        await client.read_table(63)
        shown = repr(client) + repr(client._session) + repr(client.options) + caplog.text
    assert DEMO_MASTER_KEY.decode() not in shown
    assert DEMO_MASTER_KEY.hex() not in shown
    assert DEMO_MASTER_KEY.hex(" ") not in shown
    assert "security" in caplog.text


async def test_an_idle_session_costs_about_one_exchange_a_minute_and_stays_usable():
    async with connected() as (client, transport):
        before = len(transport.requests)
        await anyio.sleep(3600)
        waits = transport.requests[before:]
        assert all(request == b"\x70\x4b" for _, request in waits)
        assert 55 <= len(waits) <= 62
        assert (await client.read_table(1)).is_success


async def test_a_meter_without_wait_is_kept_alive_by_small_reads():
    async with connected(meter(unsupported_services=("WAIT",))) as (client, transport):
        await anyio.sleep(60)
        assert transport.count(0x70) == 1
        assert 10 <= transport.count(0x3F) <= 16
        assert (await client.read_table(1)).is_success


async def test_without_keep_alive_the_meter_hangs_up_and_the_next_call_says_so():
    async with connected(keep_alive=False) as (client, _):
        await anyio.sleep(30)
        lost = await client.read_table(1)
        assert isinstance(lost, Err)
        assert lost.error.code == ResponseCode.INVALID_SERVICE_SEQUENCE_STATE
        assert not client.is_connected
        assert (await client.connect(DEMO_MASTER_KEY)).is_success


async def test_a_keep_alive_that_fails_is_told_by_the_next_call():
    emulator = meter()
    async with connected(emulator) as (client, transport):
        emulator.faults.silent = True
        await anyio.sleep(60)
        assert not client.is_connected
        sent = transport.sent
        lost = await client.read_table(1)
        assert isinstance(lost, Err)
        assert lost.error.kind is ErrorKind.TIMEOUT
        assert transport.sent == sent


async def test_cancelling_in_mid_exchange_ends_the_session_and_one_can_connect_again():
    emulator = meter()
    async with connected(emulator) as (client, transport):
        emulator.faults.silent = True
        with anyio.move_on_after(1) as scope:
            await client.read_table(1)
        assert scope.cancelled_caught
        assert not client.is_connected
        assert not transport.is_open
        emulator.faults.silent = False
        assert isinstance(await client.read_table(1), Err)
        assert (await client.connect(DEMO_MASTER_KEY)).is_success
        assert (await client.read_table(1)).is_success


async def test_leaving_a_silent_meter_takes_bounded_time():
    emulator = meter()
    async with connected(emulator):
        emulator.faults.silent = True
        left = anyio.current_time()
    assert anyio.current_time() - left <= 10.1


class SlowFarewell(RecordingTransport):
    """A line that takes its time over Terminate, and then over closing."""

    def __init__(self, emulator, terminating, closing):
        super().__init__(emulator)
        self.terminating, self.closing = terminating, closing

    async def send(self, octets):
        start = octets.find(b"\xee")
        if start >= 0 and octets[start + 6] == ServiceCode.TERMINATE:
            await anyio.sleep(self.terminating)
        await super().send(octets)

    async def close(self):
        if self.session is not None:
            await anyio.sleep(self.closing)
        await super().close()


@pytest.mark.parametrize(
    ("terminating", "closing", "seconds", "is_closed"),
    [
        (9.0, 2.5, 11.5, True),  # the farewell leaves the closing its own time
        (9.0, 60.0, 12.0, False),
        (0.0, 9.5, 9.5, True),
        (
            60.0,
            2.5,
            15.0,
            True,
        ),  # cut short after 10 s; losing the session closes it
    ],
)
async def test_a_slow_farewell_still_leaves_time_to_close_the_line(terminating, closing, seconds, is_closed):
    transport = SlowFarewell(meter(), terminating, closing)
    async with PsemClient(transport) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        left = anyio.current_time()
        await client.disconnect()
        assert anyio.current_time() - left <= seconds + 0.1
        assert (transport.session is None) is is_closed
        assert not client.is_connected
        transport.closing = 0.0


async def test_a_farewell_that_ends_as_its_time_is_over_closes_the_line():
    class JustInTime(RecordingTransport):
        async def receive(self, timeout):
            octets = await super().receive(timeout)
            if services(self)[-1] == ServiceCode.TERMINATE:
                loop = asyncio.get_running_loop()
                come = loop.create_future()

                def succeed():
                    loop.jumping.now += 2e-9
                    come.set_result(None)

                # Less before the end than the loop tells apart: both happen in one turn, this one first.
                loop.call_at(anyio.current_effective_deadline() - 1e-9, succeed)
                await come
                self.was_late = anyio.current_effective_deadline() == -math.inf
            return octets

        async def close(self):
            await anyio.lowlevel.checkpoint()
            await super().close()

    transport = JustInTime(meter())
    async with PsemClient(transport) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        await client.disconnect()
        assert transport.was_late
        assert not client.is_connected
        assert transport.session is None


async def test_a_cancelled_task_takes_leave_all_the_same():
    with anyio.CancelScope() as scope:
        async with connected() as (_, transport):
            scope.cancel()
    assert services(transport)[-2:] == [ServiceCode.LOGOFF, ServiceCode.TERMINATE]
    assert transport.closed == 1


async def test_an_exception_in_the_body_passes_through_and_the_meter_is_logged_off():
    with pytest.raises(MeterFailure):
        async with connected() as (client, transport):
            (await client.read_table(999)).unwrap()
    assert services(transport)[-1] == ServiceCode.TERMINATE


async def test_result_style_reads_as_sharpmeters_does():
    async with connected() as (client, _):
        result = await client.read_table(1)
        match result:
            case Ok(table):
                assert table.display_name == "ST1"
            case Err(error):
                pytest.fail(str(error))
        assert result.match(len, lambda error: -1) == 24
        missing = await client.read_table(999)
        assert missing.is_failure
        with pytest.raises(MeterFailure, match="no such table"):
            _ = missing.value
