"""Secrets by reference: a fleet file says where a password or key is, never what it is.

    env:METERKIT_PASSWORD      an environment variable
    file:keys/m1.txt           the first line of a file; beside the fleet file, where the path is relative
    keyring:meterkit/m1        the system's keyring (extra: keyring), service/user

A key is hex; a password is taken as it stands, or as octets after "hex:".  No message shows any of it.
"""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Self

from meterkit.errors import ErrorKind, ProtocolFault, fault

__all__ = ["SecretPlace", "SecretReference"]

_HEX: Final = "hex:"
_WHERE: Final = "secrets"


class SecretPlace(Enum):
    """Where a secret is kept."""

    ENVIRONMENT = "env"
    FILE = "file"
    KEYRING = "keyring"


@dataclass(frozen=True, slots=True)
class SecretReference:
    """One secret's place and its name there."""

    place: SecretPlace
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "env:NAME", "file:PATH" or "keyring:SERVICE/USER".

        Errors: ValueError for anything else, which does not show the text: it may be the secret itself.
        """
        place, colon, name = text.partition(":")
        known = {one.value: one for one in SecretPlace}
        if not colon or place not in known or not name:
            raise ValueError(
                "env:NAME, file:PATH or keyring:SERVICE/USER expected: a fleet file says where a secret is, "
                "never what it is"
            )
        if known[place] is SecretPlace.KEYRING and "/" not in name:
            raise ValueError("keyring:SERVICE/USER expected: the service and the user with a slash between")
        return cls(known[place], name)

    def __str__(self) -> str:
        return f"{self.place.value}:{self.name}"

    @property
    def may_block(self) -> bool:
        """Whether finding it may take a while."""
        return self.place is not SecretPlace.ENVIRONMENT

    def text(self, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
        """Return the secret as it is written there.

        `folder` is what a relative path of a file begins from.
        Errors: `ProtocolFault` SECURITY it is not there, or others may read the file.
        """
        match self.place:
            case SecretPlace.ENVIRONMENT:
                written = (os.environ if environment is None else environment).get(self.name)
            case SecretPlace.FILE:
                written = _first_line(self, folder)
            case SecretPlace.KEYRING:
                written = _in_keyring(self)
        if not written:
            raise _odd(f"{self}: there is nothing")
        return written

    def password(self, folder: Path | None = None) -> bytes:
        """Return a password's octets.  Errors: as `text`; SECURITY what follows hex: is none."""
        written = self.text(folder)
        return self._octets(written.removeprefix(_HEX)) if written.startswith(_HEX) else written.encode()

    def key(self, folder: Path | None = None) -> bytes:
        """Return a key's octets, written in hex.  Errors: as `text`; SECURITY it is no hex."""
        return self._octets(self.text(folder).removeprefix(_HEX))

    def _octets(self, digits: str) -> bytes:
        try:
            return bytes.fromhex(digits)
        except ValueError:
            raise _odd(f"{self}: pairs of hexadecimal digits expected") from None


def _first_line(reference: SecretReference, folder: Path | None) -> str:
    path = Path(reference.name) if folder is None else folder / reference.name
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise _odd(
                    f"{reference}: others may read it ({mode:03o}): chmod 600 it, and change the secret"
                )
            return file.readline().rstrip("\r\n")
    except OSError as broken:
        raise _odd(f"{reference}: {broken.strerror}") from None
    except UnicodeDecodeError:
        raise _odd(f"{reference}: text in UTF-8 expected") from None


def _in_keyring(reference: SecretReference) -> str | None:
    service, _, user = reference.name.partition("/")
    try:
        keyring: Any = importlib.import_module("keyring")
    except ImportError:
        raise _odd(f"{reference}: no keyring here: pip install 'meterkit[keyring]'") from None
    try:
        return keyring.get_password(service, user)  # type: ignore[no-any-return]  # it has no types
    except Exception as broken:  # each backend has errors of its own
        raise _odd(f"{reference}: {type(broken).__name__}") from None


def _odd(message: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, message, where=_WHERE)
