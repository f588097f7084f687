"""What a person types, checked: tables, times, octets, passwords.  Wrong usage is a `UsageMistake`."""

from __future__ import annotations

import difflib
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

#: The environment variable that carries the password.
PASSWORD_VARIABLE = "METERKIT_PASSWORD"

_TABLE = re.compile(
    r"(?:(?P<kind>ST|BT|MT|ET)\s*)?(?P<number>0x[0-9a-f]+|[0-9]+)(?P<pending>[\s-]+pending)?", re.IGNORECASE
)
#: Tables 2048 and up belong to the manufacturer.  Source: C12.19, table id bit 11.
_MANUFACTURER = 2048
_PSEM_PASSWORD = 20  # octets; C12.18 Security
_PENDING = 4096  # added to a table's id: the copy that waits for its activation; C12.19, table id bit 12


class UsageMistake(Exception):
    """The command was called wrongly; the message says what would be right.  Exit status 2."""


def parse_table(text: str) -> int:
    """Return the table id that `text` names: 64, 0x815, ST64, BT64, MT21 or ET21 (manufacturer 21, 2069).

    "ST54-pending" is its pending copy, 4096 + 54.
    """
    match = _TABLE.fullmatch(text.strip())
    if match is None:
        raise UsageMistake(
            f"{text!r} is no table: give a number (64, 0x815) or a name (ST64, MT21, ET21, ST54-pending)"
        )
    number = int(match["number"], 0 if match["number"].lower().startswith("0x") else 10)
    if match["kind"]:
        if number >= _MANUFACTURER:
            raise UsageMistake(f"{text!r} is no table: after {match['kind'].upper()} comes 0 to 2047")
        number += _MANUFACTURER if match["kind"].upper() in {"MT", "ET"} else 0
    number += _PENDING if match["pending"] else 0
    if number > 0xFFFF:
        raise UsageMistake(f"{text!r} is no table: a table id has 16 bits, 0 to 65535")
    return number


def parse_number(text: str, most: int = 0xFFFFFF) -> int:
    """Return the number in decimal or 0x hex, 0 to `most`; offsets in tables have 24 bits."""
    try:
        number = int(text, 0)
    except ValueError:
        raise UsageMistake(f"{text!r} is no number: give decimal (12) or hex (0x0c)") from None
    if not 0 <= number <= most:
        raise UsageMistake(f"{text} is out of range: give 0 to {most}")
    return number


def parse_procedure(text: str) -> int:
    """Return the number of a procedure, 11 bits; a name gives a `StandardProcedure`: "set-date-time"."""
    if re.fullmatch(r"[A-Za-z][A-Za-z_ -]*", text):
        from meterkit.psem.procedures import StandardProcedure

        try:
            return StandardProcedure[re.sub(r"[ -]", "_", text).upper()]
        except KeyError:
            names = [one.name.lower().replace("_", "-") for one in StandardProcedure]
            near = difflib.get_close_matches(re.sub(r"[ _]", "-", text).lower(), names, 3, cutoff=0.5)
            hint = "give a number, or a name such as remote-reset"
            hint = f"did you mean {' or '.join(near)}?" if near else hint
            raise UsageMistake(f"{text!r} is no standard procedure: {hint}") from None
    return parse_number(text, _MANUFACTURER - 1)


def parse_time(text: str) -> datetime:
    """Return the moment that `text` names in ISO 8601, in UTC; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageMistake(
            f"{text!r} is no time: write 2026-03-01, 2026-03-01T12:00 or 2026-03-01T12:00+01:00"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_octets(text: str) -> bytes:
    """Return the octets that `text` writes in hex; blanks, colons and hyphens between them are fine."""
    digits = re.sub(r"[\s:\-]", "", text)
    digits = digits[2:] if digits[:2].lower() == "0x" else digits
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise UsageMistake(f"{text!r} is no hex: write two digits for each octet, such as 01 00 ff") from None


def parse_password(text: str, most: int | None = _PSEM_PASSWORD) -> bytes:
    """Return a password's octets: ASCII as typed, or the octets after "hex:".  Errors never show it.

    `most`: octets that the protocol carries; None: any number.
    """
    if text.startswith("hex:"):
        try:
            password = bytes.fromhex(text[4:])
        except ValueError:
            raise UsageMistake("what follows hex: in the password is no hex") from None
    else:
        try:
            password = text.encode("ascii")
        except UnicodeEncodeError:
            raise UsageMistake("the password has characters beyond ASCII; write it as hex:...") from None
    if most is not None and len(password) > most:
        raise UsageMistake(f"the password has {len(password)} octets; C12.18 carries at most {most}")
    return password


def find_password(file: Path | None, *, ask: bool, most: int | None = _PSEM_PASSWORD) -> bytes | None:
    """Return the password from a prompt, a file or the environment, in this order; None if there is none.

    `most`: octets that the protocol carries; None: any number.
    """
    if ask:
        from getpass import getpass

        if not sys.stdin.isatty():
            raise UsageMistake("--ask-password needs a terminal to ask at; use --password-file")
        return parse_password(getpass("Password of the meter: "), most)
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise UsageMistake(f"cannot read the password file {file}: {reason}") from None
        return parse_password(text.rstrip("\r\n"), most)
    text = os.environ.get(PASSWORD_VARIABLE, "")
    return parse_password(text, most) if text else None


def read_file(path: Path) -> bytes:
    """Return what is in a file that was named on the command line.  Errors: UsageMistake."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageMistake(f"cannot read {path}: {error.strerror or error}") from None


def new_file(path: Path | None, *, overwrite: bool) -> None:
    """Refuse a file that is there already, unless `overwrite`, and a folder that is not there."""
    if path is None:
        return
    if not path.parent.is_dir():
        raise UsageMistake(f"there is no folder {path.parent} to write {path.name} in")
    if path.is_dir():
        raise UsageMistake(f"{path} is a folder; name a file")
    if path.exists() and not overwrite:
        raise UsageMistake(f"{path} is there already; name another file or say --overwrite")
