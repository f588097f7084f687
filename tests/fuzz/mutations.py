"""What becomes of a seed in the short form of the fuzzing: the same for the same seed of the dice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

_EDGES = (0, 1, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFE, 0xFF)
_WORDS = (
    b"{",
    b"}",
    b'"',
    b"[" * 40,
    b"1e999999999",
    b"\\u0000",
    b"null",
    b"-",
    b"(",
    b")",
    b"<",
    b">",
    b"%s",
    b"\n",
)


def _cut(dice: Random, octets: bytes) -> bytes:
    return octets[: dice.randrange(len(octets) + 1)]


def _flipped(dice: Random, octets: bytes) -> bytes:
    changed = bytearray(octets)
    for _ in range(dice.randint(1, 4) if octets else 0):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _edged(dice: Random, octets: bytes) -> bytes:
    changed = bytearray(octets)
    for _ in range(dice.randint(1, 3) if octets else 0):
        changed[dice.randrange(len(changed))] = dice.choice(_EDGES)
    return bytes(changed)


def _inserted(dice: Random, octets: bytes) -> bytes:
    at = dice.randint(0, len(octets))
    more = dice.choice(_WORDS) if dice.random() < 0.5 else dice.randbytes(dice.randint(1, 5))
    return octets[:at] + more + octets[at:]


def _without(dice: Random, octets: bytes) -> bytes:
    at = dice.randint(0, len(octets))
    return octets[:at] + octets[at + dice.randint(1, 4) :]


def _repeated(dice: Random, octets: bytes) -> bytes:
    begin, end = sorted((dice.randint(0, len(octets)), dice.randint(0, len(octets))))
    return octets[:end] + octets[begin:end] * dice.choice((1, 1, 7)) + octets[end:]


_MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _cut,
    _flipped,
    _edged,
    _inserted,
    _without,
    _repeated,
)


def mutated(dice: Random, seeds: Sequence[bytes], largest: int) -> bytes:
    """Return one of `seeds` after one to three mutations; now and then two of them spliced."""
    octets = dice.choice(seeds)
    if dice.random() < 0.1:
        octets = _cut(dice, octets) + dice.choice(seeds)
    for _ in range(dice.randint(1, 3)):
        octets = dice.choice(_MUTATIONS)(dice, octets)
    return octets[:largest]
