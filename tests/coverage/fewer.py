"""A plugin for measuring: few examples of each property, for it is the lines that count, not the luck.

What only the five hundredth random example reaches is not kept by the tests; it needs a test of its own.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = 25  # of each property
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bound the examples of every hypothesis test; under a tracer it may draw slowly."""
    for item in items:
        function = getattr(item, "obj", None)
        function = getattr(function, "__func__", function)
        chosen = getattr(function, "_hypothesis_internal_use_settings", None)
        if chosen is not None:
            fewer = settings(
                chosen,
                max_examples=min(chosen.max_examples, EXAMPLES),
                suppress_health_check=(*chosen.suppress_health_check, *_SLOW),
                derandomize=True,
                database=None,
                deadline=None,
            )
            function._hypothesis_internal_use_settings = fewer  # type: ignore[union-attr]
