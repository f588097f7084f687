"""What every PSEM verb takes besides its own options: password, user, speeds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter


@Parameter(name="*", group=Group("Session", sort_key=10))
@dataclass(frozen=True, kw_only=True)
class Access:
    """Options of the session, the same for every PSEM verb."""

    password_file: Path | None = None
    """File with the password: text, or "hex:" and hex. Without it METERKIT_PASSWORD is used, if set."""

    ask_password: Annotated[bool, Parameter(show_default=False)] = False
    """Ask for the password at the terminal."""

    user_id: int | None = None
    """User id for Logon; meters write it into their log."""

    user_name: str | None = None
    """User name for Logon, at most 10 characters."""

    baud_rate: Annotated[tuple[int, ...], Parameter(show_default=False)] = ()
    """A speed to offer to the meter after Identify; repeat it to offer several."""
