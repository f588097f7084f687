"""Table 8 that answers late, for someone else, too short, too long, or never."""

from datetime import datetime

import pytest

from meterkit.errors import ErrorKind
from meterkit.psem.procedures import ProcedureResult
from meterkit.result import Err
from tests.psem.readings.meters import osgp_meter
from tests.psem.rig import connected
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

POLLS = 4


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class Answers:
    """Table 8 as a test has it: one function of the request's head (procedure, sequence) a read."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.started = 0
        self.head = b""

    def of(self, emulator):
        def run(octets, level, last=None):
            self.started += 1
            self.head = bytes(octets[:3])
            return self

        emulator.run_procedure = run
        return emulator

    def poll(self):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(self.head)


def done(head, result=0, data=b""):
    return head + bytes([result]) + data


def busy(head):
    return head + b"\1"


def of_another_procedure(head):
    return bytes([head[0] ^ 1]) + head[1:] + b"\0"


def of_the_manufacturers(head):
    return bytes([head[0], head[1] ^ 0x08]) + head[2:] + b"\0"


def of_an_earlier_request(head):
    return head[:2] + bytes([(head[2] - 1) & 0xFF]) + b"\0"


def with_another_selector(head):
    return bytes([head[0], head[1] | 0x30]) + head[2:] + b"\0"


async def run(answers, **calls):
    emulator = answers.of(osgp_meter("3.70"))
    async with connected(emulator, procedure_polls=POLLS, procedure_poll_interval=0.1) as (client, _):
        answer = await calls.get("call", lambda c: c.execute_standard_procedure(3))(client)
        assert (await client.identity()).is_success  # whatever table 8 says, the session goes on
        assert answers.started == 1  # and the procedure was started once
        return answer


@pytest.mark.parametrize("stale", [of_another_procedure, of_the_manufacturers, of_an_earlier_request])
async def test_an_answer_to_something_else_is_waited_out(stale):
    answer = await run(Answers(stale, stale, done))
    assert answer.unwrap().result is ProcedureResult.COMPLETED
    never = await run(Answers(stale))
    assert isinstance(never, Err)
    assert never.error.kind is ErrorKind.PROCEDURE
    assert f"after {POLLS} reads" in never.error.message
    assert "an older answer, to" in never.error.message


async def test_a_meter_that_fills_in_the_selector_is_understood():
    assert (await run(Answers(with_another_selector))).is_success


async def test_accepted_for_ever_is_an_error_that_says_so():
    never = await run(Answers(busy))
    assert isinstance(never, Err)
    assert (never.error.kind, never.error.code) == (ErrorKind.PROCEDURE, 1)
    assert "accepted, not fully completed" in never.error.message
    assert (await run(Answers(busy, busy, done))).is_success


@pytest.mark.parametrize("held", range(4))
async def test_an_answer_too_short_for_its_head_is_an_error_that_shows_it(held):
    wrong = await run(Answers(lambda head: done(head)[:held]))
    assert isinstance(wrong, Err)
    assert wrong.error.kind is ErrorKind.DECODE
    assert f"{held} octets came" in wrong.error.message
    assert wrong.error.where.startswith("SP3 clear data")


@pytest.mark.parametrize("result", [2, 3, 4, 5, 6, 7, 0x7F, 0xFF])
async def test_every_result_but_completed_is_an_error_of_a_typed_call(result):
    wrong = await run(Answers(lambda head: done(head, result)), call=lambda c: c.procedures.clear_data())
    assert isinstance(wrong, Err)
    assert (wrong.error.kind, wrong.error.code) == (ErrorKind.PROCEDURE, result)


def set_clock(client):
    return client.procedures.set_date_time(datetime(2026, 5, 1))


@pytest.mark.parametrize("size", [1, 5, 6, 11])
async def test_an_answer_that_holds_half_a_value_is_an_error(size):
    wrong = await run(Answers(lambda head: done(head, data=b"\1" * size)), call=set_clock)
    assert isinstance(wrong, Err)
    assert wrong.error.kind is ErrorKind.DECODE
    assert f"12 octets expected, {size} came" in wrong.error.message


async def test_octets_behind_an_answer_are_left_alone():
    times = bytes.fromhex("1a030a0c0700 1a0501000000")
    change = (
        await run(Answers(lambda head: done(head, data=times + b"\xff" * 200)), call=set_clock)
    ).unwrap()
    assert change.after == datetime(2026, 5, 1)
    no_time = (await run(Answers(lambda head: done(head, data=b"\xff" * 12)), call=set_clock)).unwrap()
    assert no_time.shift is None
    assert (await run(Answers(lambda head: done(head, data=b"")), call=set_clock)).unwrap() is None
    cleared = await run(
        Answers(lambda head: done(head, data=b"\xff" * 255)), call=lambda c: c.procedures.clear_data()
    )
    assert cleared.unwrap() is None


async def test_a_busy_meter_is_asked_again_and_then_told():
    emulator = osgp_meter("3.70")
    async with connected(emulator, procedure_polls=POLLS) as (client, _):
        (await client.identity()).unwrap()
        emulator.faults.busy = 100  # the write itself: refused, and never repeated
        refused = await client.procedures.clear_data()
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.REFUSED
        assert emulator.faults.busy == 99
