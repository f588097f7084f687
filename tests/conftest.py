"""One event loop for all tests: asyncio on the real clock, unless a module asks for the virtual one.

A module that runs on virtual time says so by redefining the fixture:

    @pytest.fixture
    def anyio_backend():
        return VIRTUAL_CLOCK
"""

import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"
