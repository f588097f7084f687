"""The soak's own eyes: it sees a hole, a wrong value and a counter that comes again."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from meterkit.emulator.household import Household
from meterkit.fleet.readings import Reading, ReadingKind
from tests.reliability.soak.audit import EPOCH, Audit
from tests.reliability.soak.line import Nonces
from tests.reliability.soak.mix import INTERVAL
from tests.reliability.soak.site import SPRING

pytestmark = pytest.mark.anyio

HOUSE = Household(1)
END = SPRING + 4 * INTERVAL


def meter(**changes):
    known = {
        "name": "m",
        "is_psem": True,
        "lost": set(),
        "household": HOUSE,
        "truth": lambda time: int(HOUSE.energy(time)[0]),
    }
    return SimpleNamespace(**known | changes)


def interval(number, value=None, flags=()):
    time = SPRING + number * INTERVAL
    if value is None and not flags:
        value = int(HOUSE.energy(time)[0])
    return Reading("m", "LP1/ch0", time, value, flags=flags, kind=ReadingKind.INTERVAL)


def audit(of=None):
    return Audit([of or meter()], SPRING, 16)


async def test_all_that_was_read_leaves_no_hole():
    eyes = audit()
    await eyes.write([interval(number) for number in range(1, 5)])
    assert (eyes.holes(SPRING, END), eyes.wrong) == ([], [])


async def test_an_interval_that_was_not_read_is_a_hole():
    eyes = audit()
    await eyes.write([interval(number) for number in (1, 2, 4)])
    assert eyes.holes(SPRING, END) == [f"m {SPRING + 3 * INTERVAL}"]


async def test_another_value_than_the_house_used_is_wrong():
    eyes = audit()
    await eyes.write([interval(1, value=7)])
    assert "7 ()" in eyes.wrong[0]


async def test_an_interval_off_the_quarter_hours_is_wrong():
    eyes = audit()
    odd = SPRING + timedelta(minutes=7)
    await eyes.write([Reading("m", "LP1/ch0", odd, 1, kind=ReadingKind.INTERVAL)])
    assert len(eyes.wrong) == 1


async def test_what_the_meter_left_out_may_be_missing_or_told_as_invalid():
    left_out = (SPRING - EPOCH) // INTERVAL + 2  # the third to begin
    eyes = audit(meter(lost={left_out}))
    await eyes.write([interval(number) for number in (1, 2, 4)])
    assert eyes.holes(SPRING, END) == []
    await eyes.write([interval(3, flags=("invalid",)), interval(4, flags=("invalid",))])
    assert [one.startswith(f"m {END}: None") for one in eyes.wrong] == [True]


def glo_get(counter, text=b"\x00"):
    return bytes(8) + b"\xc8" + bytes([6 + len(text)]) + b"\x30" + counter.to_bytes(4, "big") + text


def line(generation=0, opened=1):
    return SimpleNamespace(
        meter=SimpleNamespace(name="m", generation=generation), opened=opened, is_hdlc=False
    )


def test_a_counter_that_comes_again_with_other_octets_is_seen():
    nonces = Nonces()
    for octets in (glo_get(5), glo_get(6), glo_get(6, b"\x01")):
        nonces.see(line(), octets)
    assert nonces.repeated == [("m", 0, False, 6)]


def test_a_counter_that_falls_is_seen():
    nonces = Nonces()
    for octets in (glo_get(5), glo_get(4)):
        nonces.see(line(), octets)
    assert nonces.repeated == [("m", 0, False, 4)]


def test_the_same_octets_again_and_a_new_key_are_well():
    nonces = Nonces()
    nonces.see(line(), glo_get(5))
    nonces.see(line(), glo_get(5))
    nonces.see(line(generation=1), glo_get(1))
    assert (nonces.seen, nonces.repeated) == (3, [])


def test_a_dedicated_key_begins_anew_with_the_line_and_not_before():
    nonces = Nonces()
    ded_get = glo_get(0).replace(b"\xc8", b"\xd0")
    nonces.see(line(opened=1), ded_get)
    nonces.see(line(opened=2), ded_get + b"\x01")
    assert nonces.repeated == []
    nonces.see(line(opened=2), ded_get + b"\x02")
    assert nonces.repeated == [("m", 0, True, 0)]
