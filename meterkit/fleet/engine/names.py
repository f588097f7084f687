"""What jobs are called, and what keeps two of them apart."""

from __future__ import annotations

from typing import Final

from meterkit.fleet.engine.group_report import Order

__all__ = [
    "GROUP_TASK",
    "ROUND_PRIORITY",
    "ROUND_TASK",
    "follow_up_lock",
    "follow_up_priority",
    "priority_of",
    "queueing_lock",
]

ROUND_TASK: Final = "meterkit.round"
GROUP_TASK: Final = "meterkit.group"
ROUND_PRIORITY: Final = 1000  # above all groups


def priority_of(meter_priority: int) -> int:
    """Return a job's priority, from that of its most urgent meter: even, so that there is one below it."""
    return 2 * meter_priority


def follow_up_priority(priority: int) -> int:
    """Return the priority of a follow-up to a job: below the first jobs of its group.

    Procrastinate keeps a job back while an older one of its lock and priority waits, even for a time to
    come: a follow-up of the same priority would hold up the next round of its group.
    """
    return priority - 1 if priority % 2 == 0 else priority


def queueing_lock(schedule: str, group: str) -> str:
    """Return what two waiting jobs of one schedule and group share."""
    return f"{schedule} {group}"


def follow_up_lock(order: Order) -> str:
    """Return what two follow-ups with the same duty share."""
    return f"again {order.schedule} {order.due.timestamp():.0f} {order.attempt} {order.group}"
