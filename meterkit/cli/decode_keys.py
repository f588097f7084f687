"""The keys of `meterkit decode --key-from`: a capture's trees and messages with what is under each cipher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from meterkit.cli.dlms.key_source import PromptKeys, key_source
from meterkit.cli.usage import UsageMistake
from meterkit.dlms.deciphering import CaptureKeys, Deciphering
from meterkit.dlms.secured.key_provider import EVERY_METER
from meterkit.dlms.security import KeyKind, SecuritySuite
from meterkit.errors import MeterFailure, ProtocolFault
from meterkit.tree import Node

_TITLE_SIZE = 8  # octets


@dataclass(frozen=True, slots=True)
class KeysWanted:
    """Where keys are, as typed."""

    key_from: str
    meter: str | None
    system_titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptureOpener:
    """Opens one capture, once for its trees and once for its messages: each time it is learned from anew."""

    keys: CaptureKeys
    titles: tuple[bytes, ...]

    def nodes(self, trees: tuple[Node, ...]) -> tuple[Node, ...]:
        """Return the trees with what is under each cipher."""
        return Deciphering(self.keys, list(self.titles)).nodes(trees)

    def decipher(self) -> Callable[[bytes], bytes | None]:
        """Return what the messages' APDUs are shown to, in their order."""
        return Deciphering(self.keys, list(self.titles)).plain


def capture_opener(wanted: KeysWanted) -> CaptureOpener:
    """Return what opens a capture.  Errors: UsageMistake; MeterFailure for the source of the keys."""
    titles = tuple(parse_title(text, "--system-title") for text in wanted.system_titles)
    source = key_source(wanted.key_from, SecuritySuite.SUITE_0, "--key-from, or --key,")
    if isinstance(source, PromptKeys):
        source.ask((KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION))
    try:
        keys = CaptureKeys.of(source, wanted.meter or EVERY_METER)
    except ProtocolFault as odd:
        raise MeterFailure(odd.error) from None
    return CaptureOpener(keys, titles)


def parse_title(text: str, option: str) -> bytes:
    """Return a system title, 16 hex digits or 8 characters.  Errors: UsageMistake."""
    try:
        title = bytes.fromhex(text) if len(text) == 2 * _TITLE_SIZE else text.encode("ascii")
    except ValueError:
        title = b""
    if len(title) != _TITLE_SIZE:
        raise UsageMistake(f"{option} {text}: 16 hex digits, or 8 characters")
    return title
