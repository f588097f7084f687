"""The DLMS vectors by name."""

from __future__ import annotations

import json
from pathlib import Path

_FILE = Path(__file__).parents[1] / "vectors" / "dlms.json"
VECTORS = {vector["name"]: vector for vector in json.loads(_FILE.read_text())}


def octets_of(name: str) -> bytes:
    """Return the octets of one vector."""
    return bytes.fromhex(VECTORS[name]["hex"])


def names_of(*kinds: str) -> list[str]:
    """Return the names of the vectors of these kinds."""
    return [name for name, vector in VECTORS.items() if vector["kind"] in kinds]
