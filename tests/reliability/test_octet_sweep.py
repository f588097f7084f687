"""The sweep over bad lines in short: of every so many octets one, by a seed; the whole is `nox -s sweep`."""

import pytest

from meterkit.testing import octet_sweep
from tests.reliability.scenarios import SCENARIOS

EVERY = 100  # octets of which one is tried
SEED = 9


@pytest.mark.parametrize("make", SCENARIOS, ids=lambda make: make.name)
def test_a_bad_line_gives_what_a_good_one_gives_or_a_typed_error_and_leaves_nothing_behind(make):
    table = octet_sweep(make, every=EVERY, seed=SEED)
    table.check()
    assert table.nbr_runs >= 7
