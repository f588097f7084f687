"""`meterkit decode`: captured octets of any protocol as a tree that a person can read."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.decode_keys import KeysWanted, capture_opener
from meterkit.cli.dlms.view import tree_parts
from meterkit.cli.output import print_json
from meterkit.cli.running import OK
from meterkit.cli.usage import UsageMistake, read_file
from meterkit.dlms.translate import documents, translate_hdlc
from meterkit.dlms.translate import translate as translate_dlms
from meterkit.pasted import looks_like_text, pieces
from meterkit.psem.translate import translate as translate_psem
from meterkit.tree import Node, strange_octets

MOST_LINES: Final = 500  #: shown without --all
_TRANSLATORS: Final[Mapping[str, Callable[..., tuple[Node, ...]]]] = {
    "dlms": translate_dlms,
    "hdlc": translate_hdlc,
    "psem": translate_psem,
}
_HALF_AN_OCTET: Final = re.compile(r"(?:[0-9a-f]{2}[\s,:\-]*)*[0-9a-f]", re.IGNORECASE)


def decode(
    words: tuple[str, ...],
    kind: str | None,
    *,
    show_all: bool,
    as_json: bool,
    as_xml: bool = False,
    keys: KeysWanted | None = None,
) -> int:
    """Show what `words` hold: octets in hex, or the file that they name."""
    if as_xml and (as_json or kind in ("psem", "em1000")):
        raise UsageMistake("--xml is of dlms and hdlc captures, and not together with --json")
    if kind == "em1000":
        from meterkit.cli.em1000.decode import decode as decode_em1000

        return decode_em1000(words, as_json=as_json)
    captured = _read(words)
    opener = None if keys is None else capture_opener(keys)
    decipher = None if opener is None else opener.decipher()
    if as_xml:
        print(documents.to_xml(*captured, decipher=decipher), end="")
        return OK
    kind, nodes = _translated(captured, kind)
    if opener is not None and kind != "psem":
        nodes = opener.nodes(nodes)
    if as_json:
        octets = b"".join(captured)
        document = {"kind": kind, "octets": len(octets), "not_understood": strange_octets(nodes)}
        messages = {} if kind == "psem" else documents.to_json(*captured, decipher=decipher)
        print_json(document | messages | {"tree": [node.document() for node in nodes]})
        return OK
    parts = list(tree_parts(nodes, octets=b"".join(captured)))
    show(*(parts if show_all else parts[:MOST_LINES]))
    if not show_all and len(parts) > MOST_LINES:
        show(Text(f"{len(parts) - MOST_LINES} more lines not shown (--all shows them)", style="dim"))
    return OK


def _translated(captured: list[bytes], kind: str | None) -> tuple[str, tuple[Node, ...]]:
    """Return the kind and the trees; without a kind, of the one in which the most octets make sense."""
    if kind is not None:
        return kind, _TRANSLATORS[kind](*captured)
    as_dlms, as_psem = translate_dlms(*captured), translate_psem(*captured)
    # Without a packet around it anything could be an answer of PSEM: its first octet says nearly nothing.
    has_packets = any(node.name == "packet" for node in as_psem)
    if has_packets and strange_octets(as_psem) < strange_octets(as_dlms):
        return "psem", as_psem
    return "dlms", as_dlms


def _read(words: tuple[str, ...]) -> list[bytes]:
    """Return the captured octets, a piece for each line of text.  Errors: UsageMistake."""
    if words == ("-",):
        return _content(sys.stdin.buffer.read(), "standard input")
    text = " ".join(words)
    if not text.strip():
        raise UsageMistake("name a file, - for standard input, or octets in hex, such as C0 01 C1 00 08")
    if len(words) == 1 and _is_file(text):
        return _content(read_file(Path(text)), text)
    if _HALF_AN_OCTET.fullmatch(text.strip()):
        raise UsageMistake(f"{text!r} has half an octet at its end: write two hex digits for each")
    found = list(pieces(text))
    if not found:
        raise UsageMistake(f"{text!r} is no file and holds no octets; write hex, such as C0 01 C1 00 08")
    return found


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, say: then it is octets
        return False


def _content(content: bytes, place: str) -> list[bytes]:
    found = list(pieces(content.decode("utf-8-sig"))) if looks_like_text(content) else [content]
    if not any(found):
        raise UsageMistake(f"{place}: there are no octets in it")
    return found
