"""What the fuzzing found, each by its target and the octets that did it; all are mended."""

from __future__ import annotations

#: (target, octets), as small as could be made
FINDINGS: list[tuple[str, bytes]] = [
    # Noise before a header with a wrong HCS was told twice.
    ("hdlc_reader", bytes.fromhex("0a0a7ea00c02232193bd64")),
]
