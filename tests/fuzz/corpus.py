"""Octets to begin with: the vectors of the tests, by what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "vectors"


def _vectors(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((_FOLDER / f"{name}.json").read_text())
    return loaded


_PSEM, _DLMS, _EM1000 = _vectors("psem"), _vectors("dlms"), _vectors("em1000")
_FRAMES = ("hdlc", "hdlc-push", "hdlc-address", "wrapper", "fcs", "iec62056-21", "mbus")
_NO_APDU = (*_FRAMES, "hls", "key-wrap", "kdf", "ecdsa", "axdr-data", "datetime", "conformance")


def psem(*kinds: str) -> list[bytes]:
    """Return the PSEM vectors of these kinds, all without any."""
    return [bytes.fromhex(one["hex"]) for one in _PSEM if not kinds or one["kind"] in kinds]


def dlms(*kinds: str) -> list[bytes]:
    """Return the DLMS vectors of these kinds, all without any."""
    return [bytes.fromhex(one["hex"]) for one in _DLMS if not kinds or one["kind"] in kinds]


def apdus() -> list[bytes]:
    """Return the DLMS vectors that are APDUs, ciphered ones too."""
    return [bytes.fromhex(one["hex"]) for one in _DLMS if one["kind"] not in _NO_APDU]


def em1000() -> list[bytes]:
    """Return the frames of an EM1000."""
    return [bytes.fromhex(one["hex"]) for one in _EM1000]
