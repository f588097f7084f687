"""From meters to groups that one job reads: what shares a line or a permit is never parted.

    m1 -- tcp 10.0.0.9:4059 --.
    m2 -- tcp 10.0.0.9:4059 --+--- one line --.
    m3 -- gateway g7 ---------'               +--- one group, one job, one lock
    m4 -- tcp 10.0.0.8:1153 ------ one line --'

A group is named after the first line that came into it, and a line stays in its group: the lock on a group
is a lock on each of its lines, whatever is added to the fleet later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from meterkit.fleet.meters import MeterEntry, place_of

__all__ = ["assign", "lines_of"]


def lines_of(meters: Iterable[MeterEntry], permits: Collection[str]) -> dict[str, list[MeterEntry]]:
    """Return the meters by line, in the order they came.

    One line is all that hangs together by a socket, a serial port, or a group of a kind in `permits`: such
    limits are counted in one process, so no two processes may have parts of it.
    """
    parents: dict[str, str] = {}
    first: dict[str, str] = {}  # a meter's id -> the first of its keys
    entries = list(meters)
    for entry in entries:
        keys = _keys(entry, permits)
        first[entry.id] = keys[0]
        root = _root(parents, keys[0])
        for key in keys[1:]:
            parents[_root(parents, key)] = root
    lines: dict[str, list[MeterEntry]] = {}
    names: dict[str, str] = {}  # root -> the least of the keys, which does not depend on the order
    for key in parents:
        root = _root(parents, key)
        names[root] = min(key, names.get(root, key))
    for entry in entries:
        lines.setdefault(names[_root(parents, first[entry.id])], []).append(entry)
    return lines


def assign(lines: Mapping[str, Sequence[MeterEntry]], known: Mapping[str, str], size: int) -> dict[str, str]:
    """Return the group of each line: where most of its meters are already, by `known`, or one with room.

    A group takes lines until it has `size` meters.
    """
    assigned: dict[str, str] = {}
    sizes: Counter[str] = Counter()
    for line, meters in lines.items():
        places = Counter(known[meter.id] for meter in meters if meter.id in known)
        if places:
            assigned[line] = places.most_common(1)[0][0]
            sizes[assigned[line]] += len(meters)
    has_room = [group for group, count in sizes.items() if count < size]
    for line, meters in lines.items():
        if line in assigned:
            continue
        if not has_room:
            has_room.append(line)
        assigned[line] = has_room[-1]
        sizes[has_room[-1]] += len(meters)
        while has_room and sizes[has_room[-1]] >= size:
            has_room.pop()
    return assigned


def _keys(entry: MeterEntry, permits: Collection[str]) -> list[str]:
    """Return what a meter shares with others; itself, where that is nothing."""
    place = place_of(entry.address)
    keys = [] if place is None else [place]
    keys += [f"{kind} {name}" for kind, name in entry.groups.items() if kind in permits]
    return keys or [f"meter {entry.id}"]


def _root(parents: dict[str, str], key: str) -> str:
    """Return what stands for all that hangs together with `key`."""
    root = key
    while (parent := parents.setdefault(root, root)) != root:
        root = parent
    while parents[key] != root:
        parents[key], key = root, parents[key]
    return root
