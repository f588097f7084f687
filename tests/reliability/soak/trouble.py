"""What goes wrong while the meters are polled: clocks that jump, meters that restart, lines that drop.

All of it comes from seeds, and ends before the soak does, so that the last polls find everything well.

our clock     +3 h        right      -1 h      right          each day
meter 0, 3, 6 ... +50 min on one day in three, for four hours; 1, 4, 7 ... -50 min; 2, 5, 8 ... 20 s
"""

import asyncio
from datetime import timedelta

HOUR = 3600.0
DAY = 24 * HOUR
SHIFTS = (timedelta(minutes=50), timedelta(minutes=-50), timedelta(seconds=20))
WRONG_FOR = 4 * HOUR
SILENT_FOR = 240.0  # s
OURS = ((4.5, timedelta(hours=3)), (7.5, timedelta()), (13.2, timedelta(hours=-1)), (16.2, timedelta()))


def plan(site, days):
    """Return what happens, in order: (s since the beginning, what to call)."""
    happenings = []
    for day in range(days):
        for hour, shift in OURS:
            happenings.append((day * DAY + hour * HOUR, _ours(site, shift)))
        for meter in site.meters:
            happenings += _of_meter(site, meter, day)
    return sorted(happenings, key=lambda one: one[0])


def _of_meter(site, meter, day):
    dice, begin = meter.dice, day * DAY
    for _ in range(2):
        yield begin + dice.uniform(0, 23 * HOUR), _counted(site, "lines dropped", meter.cut)
    yield begin + dice.uniform(0, 23 * HOUR), _counted(site, "meters restarted", meter.restart)
    if not dice.randrange(2):
        at = begin + dice.uniform(0, 22 * HOUR)
        yield at, _counted(site, "meters silent for 4 min", lambda: _be_silent(meter, True))
        yield at + SILENT_FOR, lambda: _be_silent(meter, False)
    if (meter.number + day) % 3 == 0:
        at = begin + dice.uniform(0, 18 * HOUR)
        shift = SHIFTS[meter.number % len(SHIFTS)]
        yield at, _counted(site, "meters' clocks put wrong", lambda: meter.shift_clock(shift))
        yield at + WRONG_FOR, lambda: meter.shift_clock(timedelta())


def _ours(site, shift):
    def jump():
        site.count("jumps of our clock")
        site.ours.set(site.true.now() + shift)

    return jump


def _counted(site, name, act):
    def counted():
        site.count(name)
        act()

    return counted


def _be_silent(meter, silent):
    meter.emulator.faults.silent = silent


async def let_happen(site, happenings):
    loop = asyncio.get_running_loop()
    for at, act in happenings:
        await asyncio.sleep(max(at - loop.time(), 0))
        act()
    site.is_calm = True
