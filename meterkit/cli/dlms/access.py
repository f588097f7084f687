"""What every DLMS verb takes besides its own options: the password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter


@Parameter(name="*", group=Group("Session", sort_key=10))
@dataclass(frozen=True, kw_only=True)
class DlmsAccess:
    """Options of the association, the same for every DLMS verb."""

    password_file: Path | None = None
    """File with the password: text, or "hex:" and hex. Without it METERKIT_PASSWORD is used, if set."""

    ask_password: Annotated[bool, Parameter(show_default=False)] = False
    """Ask for the password at the terminal."""
