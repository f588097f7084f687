"""What every DLMS verb takes besides its own options: password, authentication, keys, counters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Group, Parameter

Auth: TypeAlias = Literal["none", "low", "high", "md5", "sha1", "gmac", "sha256", "ecdsa"]
Protection: TypeAlias = Literal["none", "authentication", "encryption", "authentication-encryption"]


@Parameter(name="*", group=Group("Session", sort_key=10))
@dataclass(frozen=True, kw_only=True)
class DlmsAccess:
    """Options of the association, the same for every DLMS verb."""

    password_file: Path | None = None
    """File with the password: text, or "hex:" and hex. Without it METERKIT_PASSWORD is used, if set."""

    ask_password: Annotated[bool, Parameter(show_default=False)] = False
    """Ask for the password at the terminal."""

    auth: Auth | None = None
    """How both ends prove who they are: none; low, a password in clear; high, md5, sha1 or sha256, a
    challenge with a shared secret; gmac, one with the keys; ecdsa, one with signatures."""

    security: Protection | None = None
    """Put on every request and demanded of every answer: none, authentication, encryption or
    authentication-encryption, which it is with --key-from unless you say less."""

    suite: int | None = None
    """Security suite: 0 and 1 have AES-128, 2 has AES-256; 1 and 2 have signatures."""

    system_title: str | None = None
    """Who we are: 8 characters or 16 hex digits, of our own. Two programs with one title and one key must
    share their --counters."""

    key_from: str | None = None
    """Where keys come from: env:NAME (variables NAME_ENCRYPTION, NAME_AUTHENTICATION, NAME_MASTER ...),
    file:PATH (TOML, `meterkit dlms keys --help` shows one), keyring:SERVICE, prompt, or demo (known to
    everybody). Never in the URL."""

    meter: str | None = None
    """What the meter is called there; by default the system title in server_system_title=, else "default"."""

    counter_object: str | None = None
    """Object with the meter's count of our messages, such as 0.0.43.1.0.255: read first, by the public
    client."""

    counters: Path | None = None
    """File that keeps our invocation counters. [default: this user's own, in the state folder]"""

    allow_weak: Annotated[bool, Parameter(show_default=False)] = False
    """Let none, low, high, md5 or sha1 stand beside ciphering: who listens or interferes defeats them."""
