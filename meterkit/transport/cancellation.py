"""Whether a task is being cancelled by a scope around it, asked before anything is said on a line.

anyio tells that by `current_effective_deadline`, which finds out the event loop's kind and the running task
first: 4 us a call where a whole exchange costs 25.  What it then looks at is asked for directly here, and
anyio itself where a version keeps it elsewhere.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

import anyio

try:
    from anyio._backends import _asyncio as _backend

    _scopes: Any = getattr(_backend, "_task_states", None)
except ImportError:  # another version
    _scopes = None


def is_cancelled(task: asyncio.Task[Any]) -> bool:
    """Tell whether a scope around `task`, the running one, was cancelled: its next wait ends in that.

    asyncio's own cancellations are raised where the task goes on, so none of them waits unseen.
    """
    try:
        state = _scopes.get(task)
        scope = None if state is None else state.cancel_scope
        while scope is not None:
            if scope._cancel_called:
                return True
            scope = None if scope._shield else scope._parent_scope
    except AttributeError:
        return anyio.current_effective_deadline() == -inf
    return False
