"""What a fuzz target is: one door of the library, octets to try it with, and what has to hold of any octets.

    run(octets)   returns, or raises what nobody promised: that is a finding

The invariant of all of them: octets give a value or a `ProtocolFault` with words in it (at the doors of users
the documented ValueError), in bounded time and memory; what has an encoder, too, comes back as it went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from meterkit.errors import ProtocolFault

LARGEST = 2048  # octets of one input


@dataclass(frozen=True)
class Target:
    """One door; `is_text` where characters pass it and not octets."""

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    is_text: bool = False


TARGETS: dict[str, Target] = {}


def target(
    *seeds: bytes | str, also: Iterable[bytes] = (), is_text: bool = False
) -> Callable[[Callable[[bytes], object]], Callable[[bytes], object]]:
    """Put a function among the targets under its own name."""

    def add(run: Callable[[bytes], object]) -> Callable[[bytes], object]:
        given = (seed.encode() if isinstance(seed, str) else seed for seed in seeds)
        TARGETS[run.__name__] = Target(run.__name__, run, (*dict.fromkeys((*given, *also)),), is_text)
        return run

    return add


def tried(call: Callable[..., Any], *arguments: Any, refusal: type[Exception] = ProtocolFault) -> Any:
    """Return what a call returns; None where it refuses as documented, in words."""
    try:
        return call(*arguments)
    except refusal as refused:
        words = str(refused)
    assert words, "a refusal without a word"
    return None


def text_of(octets: bytes) -> str:
    """Return text that any octets stand for."""
    return octets.decode("utf-8", "replace")


def script(octets: bytes) -> Iterator[bytes | None]:
    """Yield what comes off a line in pieces: a first octet of FF is silence, else it tells a piece's size."""
    at = 0
    while at < len(octets):
        size = octets[at]
        at += 1
        if size == 0xFF:
            yield None
        else:
            yield octets[at : at + size]
            at += size


def scripted(*pieces: bytes | None) -> bytes:
    """Return the script of pieces, the way back of `script`."""
    written = b""
    for piece in pieces:
        parts = (
            [b"\xff"] if piece is None else [_sized(piece[at : at + 254]) for at in range(0, len(piece), 254)]
        )
        written += b"".join(parts)
    return written


def _sized(piece: bytes) -> bytes:
    return bytes((len(piece),)) + piece
