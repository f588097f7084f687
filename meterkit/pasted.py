r"""Octets out of text as people paste it: hex of any spelling, log lines, hex dumps, recordings.

    7EA0070321930F017E   7E A0 07 ...   0x7e, 0xa0, ...   7e:a0:07   b"~\xa0\x07"   {..., "hex": "7ea0"}
    2026-03-01 12:00:01.250 TX: 7E A0 07 03 21 93 0F 01 7E
    00000000  7e a0 07 03 21 93 0f 01  7e                       |~...!...~|

In a line with words, the longest row of octets is taken and the rest passed over.  Who spoke is not asked:
that is `meterkit.em1000.capture_text`, which takes every row, with its arrow and what a redactor hid.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, Final, cast

_HIDDEN: Final = ".."  # an octet that a redactor took out of a recording
_BARE: Final = re.compile(r"(?:(?:0x|\\x)?[0-9a-f]{2}|[\s,;:\-\"'{}\[\]()])*", re.IGNORECASE)
_SPELLING: Final = re.compile(r"0x|\\x|[^0-9a-f]", re.IGNORECASE)
_TOKEN: Final = re.compile(
    r"(?<![\w.])(?:(?:0x|\\x)?(?:[0-9a-f]{2})+h?(?:[:\-](?:[0-9a-f]{2}))*)(?![\w.])", re.IGNORECASE
)
_ESCAPED: Final = re.compile(r"(?:\\x[0-9a-f]{2}){2,}", re.IGNORECASE)
_LITERAL: Final = re.compile(r"\bb(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")")  # bytes as Python prints them
_GLUE: Final = re.compile(r"[\s,;:\-\[\](){}\"']*")  # what may stand between two octets of one row
_DUMP: Final = re.compile(
    r"^\s*([0-9a-f]{4,8})(?::|\s)\s+((?:[0-9a-f]{2,4}\s{1,2})*[0-9a-f]{2,4})\b", re.IGNORECASE
)
_CLOCK: Final = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b")


def looks_like_text(content: bytes) -> bool:
    """Tell whether a file's content is text to be read by `octets_in`, rather than the octets themselves."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\r\n\t" for letter in text) and any(pieces(text))


def octets_in(text: str) -> bytes:
    """Return all the octets that `text` holds, in order; none if it holds none."""
    return b"".join(pieces(text))


def pieces(text: str) -> Iterator[bytes]:
    """Yield the octets of each line that has any.  A text of nothing but hex is one piece to a line, too."""
    dumped = 0
    for line in text.lstrip("\ufeff").splitlines():
        found = _recorded(line)
        if found is None:
            dump = _dump(line, dumped)
            dumped = dumped + len(dump) if dump else 0
            found = dump or _line(line)
        if found:
            yield found


def _recorded(line: str) -> bytes | None:
    """Return the octets of a line of a recording; None for another line."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        told: Any = json.loads(line)
        digits: Any = cast("dict[str, Any]", told)["hex"]
        return bytes.fromhex(str(digits).replace(_HIDDEN, "00"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _dump(line: str, sofar: int) -> bytes:
    """Return the octets of a line of a hex dump, whose first number counts those before it."""
    match = _DUMP.match(line.split("|")[0].rstrip())
    if match is None or int(match[1], 16) != sofar:
        return b""
    row = _ascii_column(match[2]) if line.lstrip()[len(match[1]) : len(match[1]) + 1] == ":" else match[2]
    return _octets(row)


def _ascii_column(row: str) -> str:
    """Return `row` without what xxd puts behind two blanks."""
    return row.split("  ")[0]


def _line(line: str) -> bytes:
    if _BARE.fullmatch(line):
        return _octets(line)
    if literal := _LITERAL.search(line):
        try:
            return bytes(ast.literal_eval(literal[0]))
        except (ValueError, SyntaxError):
            return b""
    escaped = _ESCAPED.findall(line)
    if escaped:
        return _octets(max(escaped, key=len))
    told = _CLOCK.sub(lambda clock: "~" * len(clock[0]), line)
    best = max(_rows(told), key=len, default=b"")
    return best if len(best) > 1 or line.strip().lower().startswith("0x") else b""


def _rows(line: str) -> Iterator[bytes]:
    """Yield the rows of octets in a line with words."""
    row, end = "", 0
    for token in _TOKEN.finditer(line):
        if row and _GLUE.fullmatch(line, end, token.start()) is None:
            yield _octets(row)
            row = ""
        row, end = f"{row} {token[0]}", token.end()
    if row:
        yield _octets(row)


def _octets(spelled: str) -> bytes:
    digits = _SPELLING.sub("", spelled)
    return bytes.fromhex(digits) if len(digits) % 2 == 0 else b""
