"""Every decoder against octets that are none: the short form of `nox -s fuzz`, the same at each run."""

import gc
import time
from random import Random

import pytest

from tests.fuzz.every import TARGETS
from tests.fuzz.findings import FINDINGS
from tests.fuzz.mutations import mutated
from tests.fuzz.target import LARGEST

TRIES = 150  # of each target
LONGEST = 5.0  # s of this process's time that one input may take on a slow machine, with everything else


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_what_becomes_of_them_give_a_value_or_a_fault(name):
    target, dice = TARGETS[name], Random(name)
    for octets in (b"", *target.seeds):
        target.run(octets)
    for _ in range(TRIES):
        octets = mutated(dice, target.seeds or (b"",), LARGEST)
        begin = time.process_time()
        try:
            target.run(octets)
        except BaseException as finding:
            finding.add_note(f"{name} found it with {octets.hex()}")
            raise
        assert time.process_time() - begin < LONGEST, octets.hex()
    gc.collect()


@pytest.mark.parametrize(("name", "octets"), FINDINGS)
def test_what_was_found_once_is_not_found_again(name, octets):
    TARGETS[name].run(octets)
