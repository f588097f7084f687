"""What the scenarios change in emulators is undone after each test."""

import pytest

from tests.reliability import rig


@pytest.fixture(autouse=True)
def _emulators_as_they_were():
    yield
    rig.undo()
