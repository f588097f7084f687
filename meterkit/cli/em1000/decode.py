"""`meterkit em1000 decode` and `crc`: captured octets, and what each is believed to be."""

from __future__ import annotations

from rich.text import Text

from meterkit.cli.console import screen, show
from meterkit.cli.em1000.source import read_source
from meterkit.cli.em1000.view import item_document, item_parts
from meterkit.cli.output import print_json
from meterkit.cli.running import FAILED, OK
from meterkit.cli.usage import UsageMistake, parse_octets
from meterkit.em1000 import Capture, crc, encode
from meterkit.em1000.frame import MAX_PAYLOAD, OVERHEAD, SYNC


def decode(words: tuple[str, ...], *, as_json: bool) -> int:
    """Show the capture that `words` name."""
    show_capture(read_source(words), as_json=as_json)
    return OK


def show_capture(capture: Capture, *, as_json: bool) -> None:
    """Print a capture: for people, or as one JSON document."""
    if as_json:
        print_json(
            {
                "nbr_frames": len(capture.frames),
                "nbr_skipped": len(capture.skipped),
                "items": [item_document(item) for item in capture.items],
            }
        )
        return
    for item in capture.items:
        show(*item_parts(item))
    frames, skipped = len(capture.frames), len(capture.skipped)
    show(Text(f"{frames} frame(s), {skipped} octet(s) skipped", style="dim"))


def check(words: tuple[str, ...], *, as_json: bool) -> int:
    """Show the frame around a payload; of a whole frame tell whether its check fits, else status 1."""
    octets = parse_octets("".join(words))
    is_frame = len(octets) > OVERHEAD and octets[0] == SYNC and len(octets) == octets[1] + OVERHEAD
    payload = octets[2:-2] if is_frame else octets
    if not 1 <= len(payload) <= MAX_PAYLOAD:
        raise UsageMistake(f"a payload has 1 to {MAX_PAYLOAD} octets, not {len(payload)}")
    frame = encode(payload)
    fits = frame == octets if is_frame else None
    computed = crc(frame[1:-2])
    if as_json:
        print_json({"payload": payload, "crc": computed, "frame": frame, "fits": fits})
    else:
        told = {True: "the check fits", False: f"the check does not fit: {_hex(octets[-2:])} came", None: ""}
        lines = [f"check  {_hex(frame[-2:])} (0x{computed:04X}, low octet first)", f"frame  {_hex(frame)}"]
        screen().print("\n".join([*lines, *([told[fits]] if told[fits] else [])]), markup=False)
    return FAILED if fits is False else OK


def _hex(octets: bytes) -> str:
    return octets.hex(" ").upper()
