"""Names and numbers that meters write as octets, as text that is safe to print.

4d 4b 54 32 30 32 36   ->  "MKT2026"          00 9c 40 11  ->  "009c4011"
"""

from __future__ import annotations

from meterkit.codec import axdr


def text(value: axdr.Value) -> str:
    """Return octets as the ASCII they are, without blanks and NULs around; as hex where they are not.

    Texts keep their letters; what is no letter and no blank in them becomes U+FFFD.
    """
    match value:
        case bytes():
            return _octets_text(value)
        case str():
            return "".join(one if one.isprintable() else "\ufffd" for one in value.strip("\0 \t\r\n"))
        case _:
            return str(value)


def _octets_text(octets: bytes) -> str:
    kept = octets.strip(b"\0 ")
    if kept and all(0x20 <= octet < 0x7F for octet in kept):
        return kept.decode("ascii")
    return octets.hex()
