"""`meterkit em1000 sniff`: listens to a line that others talk on, and never says a word itself."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio

from meterkit.address import MeterAddress
from meterkit.cli.console import show
from meterkit.cli.em1000.view import item_document, item_parts
from meterkit.cli.interruption import interruptible
from meterkit.cli.output import json_line
from meterkit.cli.running import OK, say_hint
from meterkit.cli.usage import UsageMistake, new_file
from meterkit.em1000 import CaptureDecoder, CaptureItem, Redactor
from meterkit.em1000.capture_text import recorded_pieces
from meterkit.errors import MeterFailure, ProtocolFault
from meterkit.options import Em1000Options
from meterkit.recording import Direction
from meterkit.transport.base import Transport
from meterkit.transport.recorder import RecordingTransport


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How long to listen, and what becomes of what is heard."""

    seconds: float | None  #: None: until Ctrl-C
    out: Path | None
    overwrite: bool
    keep_secrets: bool
    as_json: bool


def sniff(url: str, wish: Wish) -> int:
    """Listen until the time is over or a signal comes, which is the proper end: exit status 0."""
    try:
        address = MeterAddress.parse(url)
    except ValueError as mistake:
        raise UsageMistake(str(mistake)) from None
    if not isinstance(address.options, Em1000Options):
        raise UsageMistake(f"{address.scheme} leads to no EM1000; em1000+serial:// and em1000+tcp:// do")
    idle_gap = address.options.idle_gap
    if wish.seconds is not None and not wish.seconds > 0:
        raise UsageMistake(f"--seconds {wish.seconds:g}: more than 0 is allowed")
    new_file(wish.out, overwrite=wish.overwrite)

    async def session() -> int:
        with ExitStack() as files:
            line = address.transport()
            if wish.out is not None:
                # one line at a time: what was heard stays, however the listening ends
                file = files.enter_context(wish.out.open("w", encoding="utf-8", buffering=1))
                redactor = None if wish.keep_secrets else Redactor()
                line = RecordingTransport(
                    line, file.write, redactor=redactor, keep_secrets=wish.keep_secrets, listens_only=True
                )
            return await interruptible(lambda: _listen(line, idle_gap, wish))

    try:
        return anyio.run(session)
    except KeyboardInterrupt:
        return OK
    except ProtocolFault as broken:
        raise MeterFailure(broken.error) from None


async def _listen(line: Transport, idle_gap: float, wish: Wish) -> int:
    decoder = CaptureDecoder()
    redactor = None if wish.keep_secrets else Redactor()  # what is shown may be shown on, too
    async with line:
        say_hint(f"listening on {line.name}; nothing is sent. Ctrl-C ends it.")
        try:
            with anyio.move_on_after(wish.seconds):
                while True:
                    octets = await line.receive(idle_gap)
                    digits = redactor(Direction.OVERHEARD, octets) if redactor else octets.hex()
                    for piece in recorded_pieces(digits, None, datetime.now(UTC)):
                        _tell(decoder.feed(piece), as_json=wish.as_json)
                    if not octets:
                        _tell(decoder.idle(), as_json=wish.as_json)
        finally:
            _tell(decoder.idle(), as_json=wish.as_json)
    return OK


def _tell(items: list[CaptureItem], *, as_json: bool) -> None:
    for item in items:
        if as_json:
            print(json_line(item_document(item)), flush=True)
        else:
            show(*item_parts(item))
