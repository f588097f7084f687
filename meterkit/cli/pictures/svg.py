"""What was drawn, as an SVG file that loads nothing from the network."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

#: Characters in a line of an exported picture.
WIDTH = 112
_FONT = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


def picture_console() -> Console:
    """Return a console that prints nowhere and remembers everything, in full colour."""
    from rich.console import Console

    return Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        emoji=False,
    )


def save_svg(path: Path, title: str, pictures: list[RenderableType]) -> None:
    """Write `pictures`, one under the other, to `path`.

    Errors: OSError where the file cannot be written.
    """
    console = picture_console()
    for picture in pictures:
        console.print(picture)
    drawing = console.export_svg(title=title, unique_id="meterkit")
    # rich's template fetches its font from a content network: the viewer's own monospace font will do.
    path.write_text(_FONT.sub("", drawing), encoding="utf-8")
