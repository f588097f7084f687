"""The order of a list whose table tells the newest element.  Source: C12.19, "LIST_STATUS_RCD"."""

from __future__ import annotations

from meterkit.errors import ErrorKind, fault


def oldest_first(
    capacity: int, nbr_valid: int, last_element: int, *, is_descending: bool = False, where: str = ""
) -> tuple[int, ...]:
    """Return the indices of a list's valid elements, the oldest first.

    `capacity` is the elements there are, `last_element` the index of the newest; with nothing valid it
    means nothing.  Rings and FIFO lists alike: a FIFO's newest is its last element.
    Errors: ProtocolFault (DECODE) at `where` for more valid elements than there are, and for a newest
    one past the end (the guide prints the count as its highest value; an index ends one lower, D20).
    """
    if nbr_valid > capacity:
        message = f"{nbr_valid} valid entries told, the table has {capacity}"
        raise fault(ErrorKind.DECODE, message, where=where)
    if nbr_valid and last_element >= capacity:
        message = f"last entry element {last_element} told, the table has 0 to {capacity - 1}"
        raise fault(ErrorKind.DECODE, message, where=where)
    step = -1 if is_descending else 1
    return tuple((last_element - step * age) % capacity for age in reversed(range(nbr_valid)))
