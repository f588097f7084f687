"""Where keys come from: memory, the environment, a file, the system's keyring.

    METERKIT_ENCRYPTION=000102...            for every meter
    METERKIT_4D4D4D0000BC614E_ENCRYPTION=... for one; names as upper case, the rest as "_"

    [default]                                the file, TOML, readable for its owner alone
    master = "000102..."
    [4D4D4D0000BC614E]
    encryption = "000102..."

Keys are hex everywhere; a password that isn't hex is written "text:...".  No message shows any of it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from typing import Any, Final, cast

from meterkit.dlms.security.key_kinds import KeyKind, KeyProvider
from meterkit.errors import ErrorKind, ProtocolFault, fault

__all__ = ["EnvironmentKeys", "FileKeys", "KeyKind", "KeyProvider", "KeyringKeys", "MemoryKeys"]

EVERY_METER: Final = "default"
_TEXT: Final = "text:"
_WHERE: Final = "keys"


class MemoryKeys:
    """Keys given by the program: those of `EVERY_METER` stand in for meters that have none of their own."""

    def __init__(self, keys: Mapping[tuple[str, KeyKind], bytes]) -> None:
        self._keys = dict(keys)

    def __repr__(self) -> str:
        return f"MemoryKeys({len(self._keys)} keys)"

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`; see `KeyProvider`."""
        own = self._keys.get((meter, kind))
        return self._keys.get((EVERY_METER, kind)) if own is None else own


class EnvironmentKeys:
    """Keys in environment variables that begin with `prefix`."""

    def __init__(self, prefix: str = "METERKIT", environment: Mapping[str, str] | None = None) -> None:
        self.prefix = prefix
        self._environment = os.environ if environment is None else environment

    def __repr__(self) -> str:
        return f"EnvironmentKeys({self.prefix!r})"

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`; see `KeyProvider`."""
        of_meter = re.sub(r"[^A-Z0-9]", "_", meter.upper())
        of_kind = kind.value.upper()
        for name in (f"{self.prefix}_{of_meter}_{of_kind}", f"{self.prefix}_{of_kind}"):
            written = self._environment.get(name)
            if written is not None:
                return _octets(written, name)
        return None


class FileKeys:
    """Keys in a TOML file, read anew at every call: whoever rotates keys need not restart anything."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)

    def __repr__(self) -> str:
        return f"FileKeys({self.path!r})"

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`; see `KeyProvider`.

        Errors: SECURITY the file can't be read, isn't TOML, or others may read it.
        """
        keys = self._read()
        for section in (meter, EVERY_METER):
            table = keys.get(section)
            written = cast("dict[str, object]", table).get(kind.value) if isinstance(table, dict) else None
            if written is not None:
                return _octets(written, f"{self.path}, [{section}] {kind.value}")
        return None

    def _read(self) -> dict[str, Any]:
        try:
            with open(self.path, "rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise _odd(
                        f"{self.path}: others may read it ({mode:03o}): chmod 600 it, and change the keys"
                    )
                return tomllib.load(file)
        except OSError as broken:
            raise _odd(f"{self.path}: {broken.strerror}") from None
        except tomllib.TOMLDecodeError as odd:
            # Its words name a position; the line itself, with a key on it, stays out.
            raise _odd(f"{self.path}: TOML expected: {odd}") from None
        except UnicodeDecodeError:
            raise _odd(f"{self.path}: TOML in UTF-8 expected") from None


class KeyringKeys:
    """Keys in the system's keyring (extra: keyring), as `service` and user "meter/kind"."""

    def __init__(self, service: str = "meterkit") -> None:
        self.service = service

    def __repr__(self) -> str:
        return f"KeyringKeys({self.service!r})"

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`; see `KeyProvider`.

        Errors: SECURITY there is no keyring, or it doesn't open.
        """
        try:
            keyring: Any = importlib.import_module("keyring")
        except ImportError:
            raise _odd("no keyring here: pip install 'meterkit[keyring]'") from None
        for owner in (meter, EVERY_METER):
            user = f"{owner}/{kind.value}"
            try:
                written = keyring.get_password(self.service, user)
            except Exception as broken:  # each backend has errors of its own
                raise _odd(f"keyring {self.service}: {type(broken).__name__}") from None
            if written is not None:
                return _octets(written, f"keyring {self.service}, {user}")
        return None


def _octets(written: object, place: str) -> bytes:
    """Return the octets that were written as hex or as text.  Errors: SECURITY, naming the place alone."""
    if isinstance(written, str):
        if written.startswith(_TEXT):
            return written.removeprefix(_TEXT).encode()
        with contextlib.suppress(ValueError):
            return bytes.fromhex(written)
    raise _odd(f"{place}: hex digits, or text: and a password, expected")


def _odd(message: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, message, where=_WHERE)
