"""From a list of meters to turns, and to the routes that lead to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from meterkit.fleet.access import Client
from meterkit.fleet.gate import Key
from meterkit.fleet.meters import MeterEntry, place_of
from meterkit.fleet.route import PLACE, Route
from meterkit.fleet.turn import Turn

__all__ = ["turns_of"]


def turns_of(
    meters: Sequence[MeterEntry], begin: Callable[[Route], None], abandoned: Callable[[Client], None]
) -> list[Turn]:
    """Return a turn for each meter, in order; those behind one place share its route.

    Behind one place, those whose line has the same settings follow each other, so that it is dialled once.
    Errors: ValueError two meters with one id, naming both places.
    """
    _check_ids(meters)
    addresses = [entry.address for entry in meters]
    places = [place_of(address) for address in addresses]
    sharing = Counter(place for place in places if place is not None)
    groups: dict[str, dict[Key, None]] = {}
    settings: dict[tuple[str | None, str], int] = {}  # where a place was first seen with such settings
    for entry, place in zip(meters, places, strict=True):
        if place is not None:
            groups.setdefault(place, {}).update(dict.fromkeys(entry.groups.items()))
    routes: dict[str, Route] = {}
    turns: list[Turn] = []
    for number, (entry, address, place) in enumerate(zip(meters, addresses, places, strict=True)):
        if place is None:
            route = Route(tuple(entry.groups.items()), begin, is_shared=False)
        elif (known := routes.get(place)) is not None:
            route = known
        else:
            keys = (*groups[place], (PLACE, place))
            route = routes[place] = Route(keys, begin, is_shared=sharing[place] > 1)
        if route.is_shared:
            first = settings.setdefault((place, repr(address.line)), number)
            turns.append(Turn(entry, address, route, first * len(meters) + number, abandoned))
        else:
            turns.append(Turn(entry, address, route, number * len(meters) + number, abandoned))
    return turns


def _check_ids(meters: Sequence[MeterEntry]) -> None:
    seen: dict[str, int] = {}
    for number, entry in enumerate(meters, 1):
        first = seen.setdefault(entry.id, number)
        if first != number:
            raise ValueError(f"meter {entry.id!r} is there twice: as number {first} and as number {number}")
