"""The soak itself: so many meters, so many virtual days, polled by fleets through all that goes wrong."""

import asyncio
import logging
import tracemalloc
from collections import Counter
from datetime import timedelta
from functools import partial

import anyio

from meterkit.emulator.household import Household
from meterkit.testing import VirtualClockLoop
from tests.reliability.soak import trouble
from tests.reliability.soak.gauges import Gauges
from tests.reliability.soak.site import AUTUMN, SPRING, Site

DAY = 86400
QUIET_ROUNDS = 8  # polls after the last trouble
HOUSEHOLDS = 4


def run(*, days, meters, every, seed=1, is_traced=True, told=None):
    """Run the soak and return its figures, as JSON has them; `told(gauge)` is called as days end."""
    if is_traced:
        tracemalloc.start(1)
    try:
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            return runner.run(_soak(days, meters, every, seed, told))
    finally:
        tracemalloc.stop()


async def _soak(days, meters, every, seed, told):
    loop = asyncio.get_running_loop()
    households = [Household(seed + number) for number in range(HOUSEHOLDS)]
    half = meters // 2
    span = timedelta(days=days, seconds=(QUIET_ROUNDS + 2) * every)
    terms = {"seed": seed, "counters_left": 1500 + 700 * days}
    sites = [
        Site("spring", SPRING, range(half), households, span, **terms),
        Site("autumn", AUTUMN, range(half, meters), households, span, **terms),
    ]
    gauges, warnings = Gauges(), _Warnings()
    logger = logging.getLogger("meterkit.service")
    logger.addHandler(warnings)
    try:
        async with anyio.create_task_group() as tasks:
            for site in sites:
                site.live_on(loop)
                tasks.start_soon(_live, site, days, every)
            for day in range(1, days + 1):
                await asyncio.sleep(day * DAY - loop.time())
                gauge = gauges.take(day)
                if told is not None:
                    told(gauge)
    finally:
        logger.removeHandler(warnings)
    gauges.take(loop.time() / DAY)
    return _figures(sites, gauges, warnings, days=days, meters=meters, every=every, seed=seed)


async def _live(site, days, every):
    """Let one site live: half of its meters keep their sessions, half are called anew each time."""
    rounds = days * DAY // every + QUIET_ROUNDS
    kept = [meter for meter in site.meters if meter.number // 10 % 2 == 0]
    called = [meter for meter in site.meters if meter.number // 10 % 2]
    async with site.fleet() as fleet, anyio.create_task_group() as tasks:
        tasks.start_soon(trouble.let_happen, site, trouble.plan(site, days))
        for meters, keep_open in ((kept, True), (called, False)):
            if meters:
                tasks.start_soon(partial(site.poll, fleet, meters, every, rounds, keep_open=keep_open))


class _Warnings(logging.Handler):
    """Counts warnings that a counter comes to its end."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.counts = Counter()

    def emit(self, record):
        self.counts[record.msg.split(" %s")[0][:60]] += 1


def _figures(sites, gauges, warnings, **terms):
    outcomes, errors, happened, read = Counter(), Counter(), Counter(), Counter()
    holes, wrong, repeated = [], [], []
    for site in sites:
        outcomes += site.outcomes
        errors += site.errors
        happened += site.happened
        read += site.audit.counts
        # One interval may be unread yet as the last poll of a meter was spread over half a round.
        end = site.true.now() - timedelta(seconds=2 * terms["every"] + 900)
        holes += [f"{site.name} {one}" for one in site.audit.holes(site.begin, end)]
        wrong += site.audit.wrong
        repeated += site.nonces.repeated
    return {
        "terms": terms,
        "read": dict(sorted(read.items())),
        "outcomes": {" ".join(name): count for name, count in sorted(outcomes.items())},
        "errors": {" | ".join(name): count for name, count in errors.most_common()},
        "happened": dict(sorted(happened.items())),
        "warnings": dict(warnings.counts),
        "holes": holes,
        "wrong": wrong,
        "ciphered requests": sum(site.nonces.seen for site in sites),
        "counters repeated": [str(one) for one in repeated],
        "gauges": [gauge.to_json() for gauge in gauges.taken],
    }
