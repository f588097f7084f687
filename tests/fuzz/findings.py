"""What the fuzzing found, each by its target and the octets that did it; all are mended."""

from __future__ import annotations

#: (target, octets), the smallest that libFuzzer made of it
FINDINGS: list[tuple[str, bytes]] = []
