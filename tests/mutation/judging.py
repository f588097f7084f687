"""What became of mutants: which changes survived, and which of those `EQUIVALENT` names.

A mutant goes by what it changes, not by mutmut's number, which any edit above it shifts:

    psem/link.py PsemLink.reset: self._sent = None
    file         function        the line as changed, without its comment; "without X" where it is gone
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = re.compile(r"meterkit\.(?P<module>[\w.]+)\.x(?:_(?P<function>\w+)|ǁ(?P<method>\S+))__mutmut_\d+")
_COMMENT = re.compile(r"  #:? .*$")
#: What mutmut says of mutants that some test noticed; one that hangs is stopped, and noticed by that.
NOTICED = frozenset({"killed", "timeout"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant that no test noticed, with its change as mutmut shows it."""

    name: str
    diff: str

    @property
    def place(self) -> str:
        """File and function."""
        found = _NAME.fullmatch(self.name)
        if found is None:
            raise ValueError(f"{self.name}: a name like meterkit.codec.crc.x_crc16__mutmut_1 expected")
        function = found["method"].replace("ǁ", ".") if found["method"] else found["function"]
        return f"{found['module'].replace('.', '/')}.py {function}"

    @property
    def change(self) -> str:
        """The lines as changed, on one line."""
        added = [_bare(line) for line in self.diff.splitlines() if line.startswith("+")]
        gone = [_bare(line) for line in self.diff.splitlines() if line.startswith("-")]
        return " ".join(added) if added else f"without {' '.join(gone)}"

    @property
    def key(self) -> str:
        """What `EQUIVALENT` calls it."""
        return f"{self.place}: {self.change}"


@dataclass(frozen=True, slots=True)
class Same:
    """Changes within one function that nothing can tell from the original, and why."""

    place: str
    why: str
    changes: tuple[str, ...]

    @property
    def file(self) -> str:
        """The file of its function, within meterkit."""
        return self.place.partition(" ")[0]

    @property
    def keys(self) -> list[str]:
        """Each change with its place."""
        return [f"{self.place}: {change}" for change in self.changes]


def unseen(survivors: Iterable[Mutant], named: Iterable[Same]) -> list[Mutant]:
    """Return the survivors that no name stands for; a name stands for one."""
    left = Counter(key for same in named for key in same.keys)
    found = []
    for mutant in survivors:
        if left[mutant.key] > 0:
            left[mutant.key] -= 1
        else:
            found.append(mutant)
    return found


def unmet(survivors: Iterable[Mutant], named: Iterable[Same]) -> list[str]:
    """Return the names that no survivor bears: code or tests have moved on."""
    left = Counter(key for same in named for key in same.keys)
    left.subtract(mutant.key for mutant in survivors)
    return sorted((+left).elements())


def _bare(line: str) -> str:
    return _COMMENT.sub("", line[1:]).strip()
