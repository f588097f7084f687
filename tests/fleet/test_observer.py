"""Observers: what they hear, that silence costs nothing, and that their mistakes stay with them."""

import logging

import pytest

from meterkit.fleet import MeterState, Observer, RetryPolicy
from tests.fleet.fleet_rig import ONE_TABLE, Site, dlms, psem
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class Notes(Observer):
    def __init__(self):
        self.states, self.retries, self.exchanges, self.sent, self.received = [], [], [], 0, 0

    def state(self, meter, state):
        self.states.append((meter, state))

    def retry(self, meter, attempt, delay, error):
        self.retries.append((meter, attempt, delay, error.kind.value))

    def exchange(self, meter, sent, received, seconds):
        self.exchanges.append((meter, sent, received, seconds))

    def octets(self, meter, sent, received):
        self.sent += sent
        self.received += received


async def test_an_observer_hears_states_retries_and_exchanges():
    site, notes = Site(), Notes()
    site.add_psem("p", faults={"hang_up_after": 3, "response_delay": 0.25})
    site.add_dlms("d")
    async with site.fleet(observer=notes, retries=RetryPolicy(backoff=10, jitter=0)) as fleet:
        await fleet.run(ONE_TABLE, [psem("p"), dlms("d")]).collect()
    states = [state for meter, state in notes.states if meter == "p"]
    first = [MeterState.QUEUED, MeterState.CONNECTING]
    assert states == [*first, MeterState.WAITING, *first, MeterState.READING, MeterState.DONE]
    assert notes.retries == [("p", 1, 10.0, "transport")]
    asked = sum(sent for _, sent, _, _ in notes.exchanges)
    assert 0 <= notes.sent - asked <= 2  # the last ACK asks nothing
    assert notes.received == sum(received for _, _, received, _ in notes.exchanges) > 100
    slow = [seconds for meter, _, received, seconds in notes.exchanges if meter == "p" and received]
    assert slow == pytest.approx([0.25] * len(slow), abs=0.02)
    assert len(slow) >= 6


async def test_a_silent_observer_leaves_the_lines_alone():
    site, seen = Site(), []
    site.add_psem("p")

    class OnlyStates(Observer):
        def state(self, meter, state):
            seen.append(state)

    dial = site.dial
    lines = []
    site.dial = lambda address: lines.append(dial(address)) or lines[-1]
    async with site.fleet(observer=OnlyStates()) as fleet:
        await fleet.run(ONE_TABLE, [psem("p")]).collect()
    assert seen[-1] is MeterState.DONE
    assert fleet._watch.exchange is None
    assert not fleet._watch.hears_lines


async def test_an_observer_that_raises_is_told_once_and_disturbs_nobody(caplog):
    site = Site()
    site.add_psem("p")

    class Clumsy(Observer):
        def state(self, meter, state):
            raise KeyError(meter)

        def octets(self, meter, sent, received):
            raise ValueError("no")

    async with site.fleet(observer=Clumsy()) as fleet:
        with caplog.at_level(logging.ERROR, logger="meterkit.fleet"):
            (report,) = await fleet.run(ONE_TABLE, [psem("p")]).collect()
    assert report.outcome.value == "read"
    assert len(caplog.records) == 1
