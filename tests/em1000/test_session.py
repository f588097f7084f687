"""Logins and exchanges against the emulator, in memory and over real lines; silence, echo and noise."""

import logging

import anyio
import pytest

from meterkit.em1000 import Em1000Session, encode
from meterkit.emulator import EmulatorTransport, open_pty, serve_tcp
from meterkit.emulator.em1000 import Em1000EmulatorConfiguration, Em1000MeterEmulator
from meterkit.emulator.em1000 import test_only_responder as respond
from meterkit.errors import ErrorKind, ends_session
from meterkit.options import Em1000Options, Em1000SerialOptions, TcpOptions
from meterkit.result import Err, Ok
from meterkit.transport.loopback import LoopbackTransport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.tcp import TcpTransport
from tests.em1000.vectors import FRAMES, PAYLOADS
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def emulator(**configuration):
    return Em1000MeterEmulator(Em1000EmulatorConfiguration(**configuration))


def session_with(meter, **options):
    return Em1000Session(EmulatorTransport(meter), Em1000Options(**options))


async def logged_in(meter, responder=respond, **options):
    async with session_with(meter, **options) as session:
        (await session.connect()).unwrap()
        return await session.login(responder), session.is_logged_in


async def test_a_login_with_the_right_response_is_accepted():
    reply, is_logged_in = await logged_in(emulator())
    assert reply.unwrap().payload == bytes.fromhex("ffe80302001800")
    assert (reply.value.status, reply.value.data.hex()) == (0xFF, "e80302001800")
    assert is_logged_in


async def test_the_stray_octets_after_the_challenge_are_told_of():
    reply, _ = await logged_in(emulator())
    assert reply.unwrap().skipped == b""  # they came with the challenge
    async with session_with(emulator()) as session:
        (await session.connect()).unwrap()
        asked = (await session.exchange(b"\x0f")).unwrap()
    assert asked.skipped == b"\xff\xff"
    assert len(asked.data) == 8


async def test_the_responder_gets_eight_octets_and_may_be_async():
    given = []

    async def slow(challenge):
        given.append(challenge)
        await anyio.sleep(1.0)
        return respond(challenge)

    reply, is_logged_in = await logged_in(emulator(), slow)
    assert reply.is_success
    assert is_logged_in
    assert [len(challenge) for challenge in given] == [8]


async def test_a_refused_login_is_a_security_error_and_is_never_tried_again():
    meter = emulator()
    async with session_with(meter) as session:
        (await session.connect()).unwrap()
        first, second = await session.login(lambda _: b"\x03wrong"), await session.login(respond)
        assert not session.is_logged_in
        assert session.is_connected
    assert first.error.kind is ErrorKind.SECURITY
    assert first.error.code == 0xFD
    assert not ends_session(first.error)
    assert second.error.kind is ErrorKind.STATE
    assert "lock" in second.error.message
    assert meter.nbr_refused == 1


async def test_who_means_it_connects_anew_and_tries_once_more():
    meter = emulator()
    async with session_with(meter) as session:
        (await session.connect()).unwrap()
        assert (await session.login(lambda _: b"wrong")).is_failure
        await session.disconnect()
        (await session.connect()).unwrap()
        assert (await session.login(respond)).is_success


async def test_an_old_response_is_refused_with_a_new_challenge():
    kept = []

    def keep(challenge):
        kept.append(respond(challenge))
        return kept[0]

    meter = emulator()
    assert (await logged_in(meter, keep))[0].is_success
    refused, _ = await logged_in(meter, keep)
    assert refused.error.kind is ErrorKind.SECURITY
    assert kept[0] != kept[1]


async def test_a_silent_meter_is_a_time_out_and_ends_the_session():
    async with session_with(emulator(is_silent=True), response_timeout=1.5) as session:
        (await session.connect()).unwrap()
        began = anyio.current_time()
        silent = await session.login(respond)
        assert anyio.current_time() - began == pytest.approx(1.5)
        assert await session.exchange(b"\x0f") == silent
        assert not session.is_connected
    assert silent.error.kind is ErrorKind.TIMEOUT
    assert ends_session(silent.error)


async def test_a_session_that_broke_can_be_connected_anew():
    meter = emulator()
    async with session_with(meter) as session:
        (await session.connect()).unwrap()
        assert (await session.exchange(b"\x42")).is_failure
        assert not session.is_connected
        (await session.connect()).unwrap()
        assert (await session.login(respond)).is_success


async def test_an_unknown_command_meets_silence_and_is_sent_once():
    meter = emulator()
    line = EmulatorTransport(meter)
    async with Em1000Session(line) as session:
        (await session.connect()).unwrap()
        (await session.login(respond)).unwrap()
        before = line.sent
        assert (await session.exchange(b"\x42\x00")).error.kind is ErrorKind.TIMEOUT
        assert line.sent - before == len(encode(b"\x42\x00"))


async def test_a_head_that_echoes_is_heard_through():
    reply, is_logged_in = await logged_in(emulator(echo=True), echo=True)
    assert reply.unwrap().skipped == b""
    assert is_logged_in


async def test_a_head_that_echoes_unexpectedly_is_named():
    reply, _ = await logged_in(emulator(echo=True))
    assert reply.error.kind is ErrorKind.PROTOCOL
    assert "echo" in reply.error.message


@pytest.mark.parametrize("noise", ["ff", "aa", "aac8", "aa01", "aa010f0000", "00" * 500, "aaaaaaaaaa"])
@pytest.mark.parametrize("echo", [False, True])
async def test_a_noisy_line_is_logged_in_over(noise, echo):
    meter = emulator(noise=bytes.fromhex(noise), echo=echo)
    reply, is_logged_in = await logged_in(meter, echo=echo)
    assert reply.is_success, reply
    assert is_logged_in


async def test_noise_is_told_of_with_the_reply():
    reply, _ = await logged_in(emulator(noise=bytes.fromhex("aac8"), stray=b""))
    assert reply.unwrap().skipped == bytes.fromhex("aac8")


async def test_a_responder_that_raises_sends_nothing_more():
    line = EmulatorTransport(emulator())
    async with Em1000Session(line) as session:
        (await session.connect()).unwrap()
        with pytest.raises(ZeroDivisionError):
            await session.login(lambda _: bytes(1 // 0))
        assert line.sent == len(FRAMES[0])
        assert (await session.login(respond)).is_success


@pytest.mark.parametrize(("made", "kind"), [("text", TypeError), (b"", ValueError), (bytes(255), ValueError)])
async def test_a_responder_that_returns_no_response_is_a_mistake_of_the_program(made, kind):
    async with session_with(emulator()) as session:
        (await session.connect()).unwrap()
        with pytest.raises(kind, match="what the responder returned"):
            await session.login(lambda _: made)


async def test_nothing_is_sent_before_connect_or_after_disconnect():
    session = session_with(emulator())
    for _ in range(2):
        for outcome in (await session.login(respond), await session.exchange(b"\x0f")):
            assert isinstance(outcome, Err)
            assert outcome.error.kind is ErrorKind.STATE
        (await session.connect()).unwrap()
        assert (await session.connect()).error.kind is ErrorKind.STATE
        await session.disconnect()


@pytest.mark.parametrize("payload", [b"", bytes(256)])
async def test_a_payload_of_an_impossible_size_is_a_mistake_of_the_program(payload):
    async with session_with(emulator()) as session:
        (await session.connect()).unwrap()
        with pytest.raises(ValueError, match="payload: 1 to 255 octets"):
            await session.exchange(payload)
        assert session.is_connected


async def test_challenge_and_response_stand_in_no_log_and_no_error(caplog):
    caplog.set_level(logging.DEBUG)
    secrets = []

    def keep(challenge):
        secrets.extend([challenge, respond(challenge)])
        return secrets[1][::-1]

    reply, _ = await logged_in(emulator(), keep)
    told = (caplog.text + str(reply)).replace(" ", "").lower()
    assert "octetsofasecret" in told
    for secret in secrets:
        assert secret.hex() not in told


class Scripted:
    """A meter that answers each of our sends with what a test wrote down."""

    def __init__(self, *answers):
        self.ours, self.theirs = LoopbackTransport.create_pair()
        self.answers = list(answers)

    async def run(self):
        await self.theirs.open()
        for answer in self.answers:
            await self.theirs.receive(60.0)
            await self.theirs.send(answer)


async def scripted_login(*answers):
    line = Scripted(*answers)
    async with anyio.create_task_group() as tasks, Em1000Session(line.ours) as session:
        tasks.start_soon(line.run)
        (await session.connect()).unwrap()
        outcome = await session.login(lambda _: PAYLOADS[2][1:])
        tasks.cancel_scope.cancel()
    return outcome


async def test_the_login_of_the_thread_replays():
    outcome = await scripted_login(FRAMES[1] + b"\xff\xff", FRAMES[3])
    assert isinstance(outcome, Ok)
    assert outcome.value.payload == PAYLOADS[3]


async def test_the_refusal_of_the_thread_replays():
    outcome = await scripted_login(FRAMES[1], FRAMES[4])
    assert outcome.error.kind is ErrorKind.SECURITY


@pytest.mark.parametrize("answer", ["ff", "ff00112233445566", "0f0011223344556677", "fe", "fd00"])
async def test_what_is_no_challenge_is_not_answered(answer):
    outcome = await scripted_login(encode(bytes.fromhex(answer)))
    assert outcome.error.kind is ErrorKind.PROTOCOL
    assert "challenge of 8 octets" in outcome.error.message


async def test_a_meter_that_refuses_the_challenge_is_not_asked_again():
    outcome = await scripted_login(FRAMES[4])
    assert outcome.error.kind is ErrorKind.SECURITY
    assert "challenge" in outcome.error.message


async def test_what_is_neither_accepted_nor_refused_is_no_login():
    outcome = await scripted_login(FRAMES[1], encode(b"\x77secret"))
    assert outcome.error.kind is ErrorKind.PROTOCOL
    assert "secret" not in str(outcome.error)


async def test_two_logins_at_once_take_turns():
    meter = emulator()
    async with session_with(meter) as session:
        (await session.connect()).unwrap()
        outcomes = []

        async def log_in():
            outcomes.append(await session.login(respond))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(log_in)
            tasks.start_soon(log_in)
    assert all(outcome.is_success for outcome in outcomes)


async def test_a_cancelled_exchange_ends_the_session():
    async with session_with(emulator(is_silent=True)) as session:
        (await session.connect()).unwrap()
        with anyio.move_on_after(0.1):
            await session.exchange(b"\x0f")
        assert not session.is_connected
        assert (await session.exchange(b"\x0f")).error.kind is ErrorKind.STATE


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_login_over_tcp(anyio_backend):
    async with serve_tcp(emulator()) as server:
        assert server.address == f"em1000+tcp://127.0.0.1:{server.port}"
        line = TcpTransport(TcpOptions(host="127.0.0.1", port=server.port))
        async with Em1000Session(line) as session:
            (await session.connect()).unwrap()
            assert (await session.login(respond)).is_success


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_login_over_a_pseudo_terminal(anyio_backend):
    async with open_pty(emulator()) as server:
        options = Em1000SerialOptions(port=server.path, baud_rate=9600, parity="N", stop_bits=1)
        for _ in range(2):
            async with Em1000Session(SerialTransport(options)) as session:
                (await session.connect()).unwrap()
                assert (await session.login(respond)).is_success


async def test_a_line_that_is_no_transport_is_refused():
    with pytest.raises(TypeError, match="a Transport expected"):
        Em1000Session("em1000+tcp://127.0.0.1")


def test_speed_parity_and_stop_bits_have_no_default_and_the_error_says_why():
    with pytest.raises(ValueError, match="parity, stop_bits must be given: nobody has published"):
        Em1000SerialOptions(port="/dev/ttyUSB0", baud_rate=2400)
    with pytest.raises(ValueError, match="8 data bits"):
        Em1000SerialOptions(port="/dev/ttyUSB0", baud_rate=2400, parity="N", stop_bits=1, data_bits=7)


async def test_a_transport_that_drops_the_echo_already_costs_nothing():
    reply, is_logged_in = await logged_in(emulator(echo=False), echo=True)
    assert reply.is_success
    assert is_logged_in


async def test_a_damaged_challenge_stands_in_no_error():
    challenge = bytes.fromhex("1122334455667788")
    damaged = encode(b"\xff" + challenge)[:-1] + b"\x00"
    outcome = await scripted_login(damaged)
    assert outcome.error.kind is ErrorKind.CRC
    assert "1 frame(s) came whose check does not fit" in outcome.error.message
    assert "11 22" not in outcome.error.message


async def test_a_damaged_echo_of_a_refused_response_stands_in_no_later_error():
    response = PAYLOADS[2][1:]
    echo = FRAMES[2][:-1] + b"\x00"
    line = Scripted(FRAMES[1], echo + FRAMES[4], b"\x55")
    async with anyio.create_task_group() as tasks, Em1000Session(line.ours) as session:
        tasks.start_soon(line.run)
        (await session.connect()).unwrap()
        assert (await session.login(lambda _: response)).error.kind is ErrorKind.SECURITY
        later = await session.exchange(b"\x42")
    assert later.error.kind is ErrorKind.TIMEOUT
    assert later.error.message.endswith(": 55")


async def test_a_response_to_a_challenge_of_a_past_connection_is_not_sent():
    meter = emulator()
    asked, go_on = anyio.Event(), anyio.Event()
    outcomes = []

    async def slow(challenge):
        asked.set()
        await go_on.wait()
        return respond(challenge)

    async with session_with(meter) as session:
        (await session.connect()).unwrap()

        async def log_in():
            outcomes.append(await session.login(slow))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(log_in)
            await asked.wait()
            await session.disconnect()
            (await session.connect()).unwrap()
            go_on.set()
        assert outcomes[0].error.kind is ErrorKind.STATE
        assert "past connection" in outcomes[0].error.message
        assert meter.nbr_refused == 0
        assert (await session.login(respond)).is_success


async def test_a_responder_that_never_returns_is_cancelled_without_harm():
    line = EmulatorTransport(emulator())
    async with Em1000Session(line) as session:
        (await session.connect()).unwrap()
        with anyio.move_on_after(5.0) as scope:
            await session.login(lambda _: anyio.sleep_forever())
        assert scope.cancelled_caught
        assert line.sent == len(FRAMES[0])
        assert session.is_connected
        assert (await session.login(respond)).is_success


@pytest.mark.parametrize("responder", [None, PAYLOADS[2][1:], "03"])
async def test_what_is_no_responder_is_refused_before_anything_is_sent(responder):
    line = EmulatorTransport(emulator())
    async with Em1000Session(line) as session:
        (await session.connect()).unwrap()
        with pytest.raises(TypeError, match="responder: a function"):
            await session.login(responder)
        assert line.sent == 0


async def test_the_second_of_two_answers_is_not_taken_for_the_next_exchanges():
    line = Scripted(encode(b"\xff\x01") + encode(b"\xff\x02"), encode(b"\xff\x03"))
    async with anyio.create_task_group() as tasks, Em1000Session(line.ours) as session:
        tasks.start_soon(line.run)
        (await session.connect()).unwrap()
        first, second = await session.exchange(b"\x42"), await session.exchange(b"\x43")
    assert [it.unwrap().payload.hex() for it in (first, second)] == ["ff01", "ff03"]
    assert (first.value.skipped + second.value.skipped).hex() == encode(b"\xff\x02").hex()


@pytest.mark.parametrize("turn", range(1, 40))
async def test_a_login_cancelled_at_any_turn_ends_the_session_or_leaves_it_whole(turn):
    meter = emulator(noise=b"\xaa\xc8")
    async with session_with(meter) as session:
        (await session.connect()).unwrap()
        with anyio.CancelScope() as scope:

            async def cancel():
                for _ in range(turn):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel)
                await session.login(respond)
        if not session.is_connected:
            (await session.connect()).unwrap()
        assert (await session.login(respond)).is_success
    assert meter.nbr_refused == 0
