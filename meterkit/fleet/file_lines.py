"""On which line of a file each element of a list begins, so that a mistake can be found in a long one."""

from __future__ import annotations

import json
import re
from typing import Final

__all__ = ["json_lines", "toml_lines"]

_BLANK: Final = re.compile(r"[ \t\r\n]*")


def json_lines(text: str, name: str) -> list[int]:
    """Return the line of each element of the list that the outermost object has under `name`.

    Lines count from 1.  `text` is JSON.  Empty where there is no such list.
    """
    walk = _Walk(text)
    if not walk.takes("{"):
        return []
    while not walk.takes("}"):
        key = walk.value()
        walk.takes(":")
        if key == name and walk.takes("["):
            return list(walk.elements())
        walk.value()
        walk.takes(",")
    return []


class _Walk:
    """A place in a text that moves on value by value."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._line, self._counted = text, 0, 1, 0
        self._decode = json.JSONDecoder().raw_decode

    def takes(self, sign: str) -> bool:
        """Pass blanks, and `sign` where it comes next; tell whether it did."""
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match is not None else self._at
        is_there = self._text.startswith(sign, self._at)
        self._at += is_there
        return is_there

    def value(self) -> object:
        """Pass one value and return it."""
        self.takes(",")
        value, self._at = self._decode(self._text, self._at)
        return value

    def elements(self) -> list[int]:
        """Pass the elements of a list; return their lines."""
        lines: list[int] = []
        while not self.takes("]"):
            self._line += self._text.count("\n", self._counted, self._at)
            self._counted = self._at
            lines.append(self._line)
            self.value()
            self.takes(",")
        return lines


def toml_lines(text: str, name: str) -> list[int]:
    """Return the line of each [[name]], from 1; empty where the list is written otherwise."""
    head = re.compile(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]")
    return [number for number, line in enumerate(text.splitlines(), 1) if head.match(line)]
