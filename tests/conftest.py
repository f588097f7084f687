"""One event loop for all tests: asyncio on the real clock, unless a module asks for the virtual one.

A module that runs on virtual time says so by redefining the fixture:

    @pytest.fixture
    def anyio_backend():
        return VIRTUAL_CLOCK
"""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, nothing more; what failed can be run again.
settings.register_profile(
    "meterkit", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("meterkit")


@pytest.fixture
def anyio_backend():
    return "asyncio"
