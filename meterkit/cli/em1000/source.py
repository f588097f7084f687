"""What a person names as a capture: a file, hex on the command line, or - for standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from meterkit.cli.usage import UsageMistake, read_file
from meterkit.em1000 import Capture, decode_capture, decode_octets
from meterkit.errors import ProtocolFault

_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, as Windows writes logs; no frame begins so
_TEXT = frozenset(b"\t\n\r\f") | frozenset(range(0x20, 0x7F))
_MOST_FOREIGN = 0.1  # part of a text in an unknown code page that is not ASCII


def read_source(words: tuple[str, ...]) -> Capture:
    """Return the capture that `words` name.

    A file may hold text, a recording, or the octets themselves.  Errors: UsageMistake.
    """
    try:
        capture, place = _read(words)
    except ProtocolFault as refused:
        raise UsageMistake(refused.error.message) from None
    if not capture.items:
        raise UsageMistake(f"{place}: no octets found; write them in hex, such as AA 01 0F DE C2")
    return capture


def _read(words: tuple[str, ...]) -> tuple[Capture, str]:
    if words == ("-",):
        return _decode(sys.stdin.buffer.read()), "standard input"
    text = " ".join(words)
    if not text:
        raise UsageMistake("name a file, - for standard input, or octets in hex, such as AA 01 0F DE C2")
    if len(words) == 1 and _is_file(text):
        return _decode(read_file(Path(text))), text
    capture = decode_capture(text)
    if not capture.items:
        raise UsageMistake(f"{text!r} is no file and holds no octets; write hex, such as AA 01 0F DE C2")
    return capture, "what was given"


def _is_file(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a name, say: then it is octets
        return False


def _decode(content: bytes) -> Capture:
    if content.startswith(_BYTE_ORDER_MARKS):
        return decode_capture(content.decode("utf-16", errors="replace"))
    try:
        return decode_capture(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        foreign = sum(octet not in _TEXT for octet in content)
    if foreign <= len(content) * _MOST_FOREIGN:
        return decode_capture(content.decode("latin-1"))
    return decode_octets(content)
