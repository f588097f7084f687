"""A farewell and the closing of the line behind it, within one shield and bounded time."""

import anyio
import pytest

from meterkit.session.opening import CLOSE_GRACE, farewell
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

PATIENCE = 10.0  # s


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class Leaving:
    """A line that takes `closing` s to close, left by a part of `parting` s; what happened, in order."""

    def __init__(self, parting=0.0, closing=0.0, *, is_to_close=True):
        self.is_to_close = is_to_close
        self.parting, self.closing = parting, closing
        self.told = []

    async def part(self):
        await anyio.sleep(self.parting)
        self.told.append("parted")

    def over(self):
        self.told.append("over")
        return self.is_to_close

    async def close(self):
        self.told.append("closing")
        await anyio.sleep(self.closing)
        self.told.append("closed")

    async def leave(self, part=None):
        """Return the seconds it took."""
        began = anyio.current_time()
        await farewell(self, part or self.part, self.over, PATIENCE)
        return anyio.current_time() - began


async def test_a_line_is_closed_once_all_is_said():
    leaving = Leaving(1.0, 0.5)
    assert await leaving.leave() == pytest.approx(1.5)
    assert leaving.told == ["parted", "over", "closing", "closed"]


async def test_a_line_that_is_to_stay_open_is_not_closed():
    leaving = Leaving(is_to_close=False)
    await leaving.leave()
    assert leaving.told == ["parted", "over"]


async def test_a_meter_that_never_answers_is_left_when_patience_ends():
    leaving = Leaving(100.0, 0.5)
    assert await leaving.leave() == pytest.approx(PATIENCE + 0.5)
    assert leaving.told == ["over", "closing", "closed"]


async def test_a_farewell_that_used_up_its_time_leaves_the_closing_its_own():
    leaving = Leaving(PATIENCE - 0.5, 2.0)
    assert await leaving.leave() == pytest.approx(PATIENCE + 1.5)
    assert leaving.told == ["parted", "over", "closing", "closed"]


async def test_the_end_of_patience_that_nobody_felt_does_not_cut_the_closing_short():
    leaving = Leaving(closing=0.5)

    async def part():
        with anyio.CancelScope(shield=True):
            await anyio.sleep(PATIENCE + 1.0)

    assert await leaving.leave(part) == pytest.approx(PATIENCE + 1.5)
    assert leaving.told == ["over", "closing", "closed"]


async def test_a_line_that_does_not_close_is_let_go():
    leaving = Leaving(PATIENCE - 1.0, 100.0)
    assert await leaving.leave() == pytest.approx(PATIENCE - 1.0 + CLOSE_GRACE)
    assert leaving.told == ["parted", "over", "closing"]


async def test_whoever_is_being_cancelled_takes_leave_all_the_same():
    leaving = Leaving(1.0, 0.5)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await leaving.leave()
    assert leaving.told == ["parted", "over", "closing", "closed"]
