"""Access rights in words, and as the association's version has them.

    "read", "write", "authenticated_request", ...     bits from version 3 of Association LN on
                                                      before that a number: 3 read and write, 6 so protected

Source: Blue Book, Association LN (class 15), access_right; general knowledge.
"""

from __future__ import annotations

from typing import Final

from meterkit.codec import json_parts

FLAGS_SINCE: Final = 3  # version since which access modes are bits
_ACCESS: Final = ("read", "write")
_PROTECTION: Final = (
    "authenticated_request",
    "encrypted_request",
    "signed_request",
    "authenticated_response",
    "encrypted_response",
    "signed_response",
)
_BITS: Final = {word: 1 << bit for bit, word in enumerate((*_ACCESS, *_PROTECTION))}
_EXECUTE, _AUTHENTICATED = 1, 4
_FIRST_PROTECTED: Final = 3  # added to read and write, before version 3, where requests are authenticated


def attribute_rights(told: object, where: str) -> int:
    """Return an attribute's rights as bits.  Errors: ValueError."""
    return _bits(told, where, _BITS)


def method_rights(told: object, where: str) -> int:
    """Return a method's rights as bits.  Errors: ValueError."""
    return _bits(told, where, {"execute": _EXECUTE} | {word: _BITS[word] for word in _PROTECTION})


def _bits(told: object, where: str, known: dict[str, int]) -> int:
    bits = 0
    for number, word in enumerate(json_parts.items(told, where)):
        if word not in known:
            raise json_parts.wrong(f"{where}[{number}]", f"one of {', '.join(known)}", word)
        bits |= known[str(word)]
    return bits


def attribute_mode(bits: int, version: int) -> int:
    """Return the access_mode of an attribute in an association of that version."""
    if version >= FLAGS_SINCE:
        return bits
    access = bits & 3
    return access + _FIRST_PROTECTED if access and bits & _AUTHENTICATED else access


def method_mode(bits: int, version: int) -> int:
    """Return the access_mode of a method in an association of that version."""
    if version >= FLAGS_SINCE:
        return bits
    return 2 if bits & _EXECUTE and bits & _AUTHENTICATED else bits & _EXECUTE
