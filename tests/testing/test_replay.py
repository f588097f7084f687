"""A session is recorded, and played again to the same client; what differs is told to the octet."""

import asyncio

import pytest

from meterkit import PsemClient
from meterkit.emulator import DEMO_MASTER_KEY, EmulatorTransport
from meterkit.errors import ProtocolFault
from meterkit.passwords import PasswordRedactor
from meterkit.testing import Recorder, ReplayMismatch, ReplayTransport, run_virtual
from meterkit.testing.virtual_clock import VIRTUAL_CLOCK
from tests.psem.rig import meter

LINES = [
    '{"time": "2026-03-01T12:00:00Z", "direction": "sent", "hex": "01..03"}',
    '{"time": "2026-03-01T12:00:02Z", "direction": "received", "hex": "aabb"}',
    '{"time": "2026-03-01T12:00:02Z", "direction": "sent", "hex": "06"}',
]


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def use(line, table=1):
    async with PsemClient(line) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        return (await client.read_table(table)).unwrap()


def recorded(**settings):
    recorder = Recorder(EmulatorTransport(meter(), is_noisy=True), **settings)
    return recorder, run_virtual(lambda clock: use(recorder))


def test_a_recorded_session_plays_again(tmp_path):
    recorder, data = recorded()
    replay = recorder.replay()
    assert run_virtual(lambda clock: use(replay)) == data
    replay.check_finished()

    recorder.save(tmp_path / "session.jsonl")
    loaded = ReplayTransport.load(tmp_path / "session.jsonl", is_noisy=True)
    assert run_virtual(lambda clock: use(loaded)) == data
    assert loaded.is_finished


def test_another_request_is_told_to_the_octet():
    replay = recorded()[0].replay()
    with pytest.raises(
        ReplayMismatch, match=r"octet \d+ of all that was sent: 01 expected .* 05 came, in ee"
    ):
        run_virtual(lambda clock: use(replay, table=5))


def test_a_password_that_was_taken_out_is_compared_with_nothing():
    recorder, data = recorded(redactor=PasswordRedactor())
    assert any(".." in line for line in recorder.lines)
    assert run_virtual(lambda clock: use(recorder.replay())) == data


@pytest.mark.anyio
async def test_what_came_comes_once_all_before_it_was_sent_however_it_is_cut_up():
    replay = ReplayTransport(LINES)
    async with replay:
        assert await replay.receive(1.0) == b""
        await replay.send(b"\x01")
        await replay.send(b"\x77\x03")
        assert await replay.receive(1.0) == b"\xaa\xbb"
        with pytest.raises(ReplayMismatch, match="1 of 3 lines were not played"):
            replay.check_finished()
        with pytest.raises(ReplayMismatch, match="octet 3 of all that was sent: 06 expected"):
            await replay.send(b"\x15")
        await replay.send(b"\x06")
        with pytest.raises(ReplayMismatch, match="the recording is over"):
            await replay.send(b"\x00")
    replay.check_finished()


@pytest.mark.anyio
async def test_what_is_sent_where_the_meter_spoke_is_told():
    async with ReplayTransport(LINES) as replay:
        with pytest.raises(ReplayMismatch, match="the meter spoke next: aabb"):
            await replay.send(b"\x01\x02\x03\x04")


@pytest.mark.anyio
async def test_a_paced_recording_takes_the_time_it_took():
    async with ReplayTransport(LINES, is_paced=True) as replay:
        await replay.send(b"\x01\x02\x03")
        assert await replay.receive(1.5) == b""
        assert await replay.receive(1.5) == b"\xaa\xbb"
        assert asyncio.get_running_loop().time() == pytest.approx(2.0)


@pytest.mark.anyio
async def test_a_closed_line_is_an_error_as_any():
    with pytest.raises(ProtocolFault, match="not open"):
        await ReplayTransport(LINES).send(b"\x01")


def test_octets_that_came_must_not_be_hidden():
    with pytest.raises(ValueError, match="keep_secrets"):
        ReplayTransport(['{"time": "2026-03-01T12:00:00Z", "direction": "received", "hex": "aa.."}'])
