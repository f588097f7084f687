"""The types of COSEM Data by their tags, and the tag of each on the line.

    tag  contents
    06   00 00 30 39      double-long-unsigned 12345

Source: Green Book 9.5 (Data); general knowledge for the delta types, 28 to 33, of later editions.
"""

from __future__ import annotations

from enum import IntEnum

MAX_DEPTH = 16  # arrays and structures within one another; ours, far beyond any interface class


class Tag(IntEnum):
    """The type of one Data value: its first octet on the line."""

    NULL_DATA = 0
    ARRAY = 1
    STRUCTURE = 2
    BOOLEAN = 3
    BIT_STRING = 4
    DOUBLE_LONG = 5
    DOUBLE_LONG_UNSIGNED = 6
    OCTET_STRING = 9
    VISIBLE_STRING = 10
    UTF8_STRING = 12
    BCD = 13
    INTEGER = 15
    LONG = 16
    UNSIGNED = 17
    LONG_UNSIGNED = 18
    COMPACT_ARRAY = 19
    LONG64 = 20
    LONG64_UNSIGNED = 21
    ENUM = 22
    FLOAT32 = 23
    FLOAT64 = 24
    DATE_TIME = 25
    DATE = 26
    TIME = 27
    DELTA_INTEGER = 28
    DELTA_LONG = 29
    DELTA_DOUBLE_LONG = 30
    DELTA_UNSIGNED = 31
    DELTA_LONG_UNSIGNED = 32
    DELTA_DOUBLE_LONG_UNSIGNED = 33
    DONT_CARE = 255

    @property
    def words(self) -> str:
        """The standard's own spelling, such as "double-long-unsigned"."""
        return self.name.lower().replace("_", "-")


def tag_words(tag: int) -> str:
    """Return the name of the type `tag` stands for, for messages; the number when it is none."""
    try:
        return f"{Tag(tag).words} ({tag:02x})"
    except ValueError:
        return f"no type ({tag:02x})"
