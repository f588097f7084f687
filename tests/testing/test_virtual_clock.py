"""A clock that jumps: a day in no time, deadlocks told, dates that can be set."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from meterkit.testing import Deadlock, VirtualClock, run_virtual
from meterkit.testing import virtual_clock as module

START = datetime(2026, 3, 29, tzinfo=UTC)


def test_a_day_passes_in_no_time():
    async def day(clock):
        for _ in range(24):
            await asyncio.sleep(3600)
        return clock.now(), clock.monotonic()

    began = time.monotonic()
    now, seconds = run_virtual(day, start=START)
    assert time.monotonic() - began < 5
    assert now - START == pytest.approx(timedelta(days=1), abs=timedelta(seconds=1))
    assert seconds == pytest.approx(86400)


def test_what_takes_longer_than_its_limit_is_ended():
    async def endless(clock):
        await asyncio.sleep(clock.monotonic() + 1e9)

    with pytest.raises(TimeoutError):
        run_virtual(endless, limit=100)


def test_what_can_never_end_is_told(monkeypatch):
    async def stuck(clock):
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with pytest.raises(Deadlock):
        run_virtual(stuck)


def test_the_date_can_be_set_while_time_goes_on():
    async def corrected(clock):
        await asyncio.sleep(10)
        clock.set(START + timedelta(hours=1))
        await asyncio.sleep(10)
        return clock.now(), clock.monotonic(), clock.timestamp()

    now, seconds, timestamp = run_virtual(corrected, start=START)
    assert (now - START).total_seconds() == pytest.approx(3610)
    assert seconds == pytest.approx(20)
    assert timestamp == now.timestamp()


def test_a_date_needs_its_zone():
    with pytest.raises(ValueError, match="zone"):
        VirtualClock(datetime(2026, 1, 1))
