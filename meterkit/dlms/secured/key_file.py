"""A file of keys changed in place: lines of TOML, everything that is not changed left as its owner wrote it.

    [4D4D4D0000BC614E]              the keys in use
    encryption = "000102..."
    [4D4D4D0000BC614E.pending]      those that are being given to the meter
    [4D4D4D0000BC614E.former]       those before, until the next change

A change is on the disk, under the same name and readable for its owner alone, before it counts.  What comes
out is read again and compared, so that a file written in another way is refused and not damaged.  Programs
and threads that change files of one folder wait for each other, so that no change undoes another.  (Windows:
threads alone; flock is POSIX.)
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
import stat
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from meterkit.errors import ErrorKind, ProtocolFault, fault

if sys.platform != "win32":
    import fcntl

_HEADER: Final = re.compile(r"\s*(\[[^\[\]]+\])\s*(?:#.*)?")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_WHERE: Final = "keys"

_in_turn = threading.Lock()

Section = tuple[str, ...]  #: such as ("4D4D4D0000BC614E", "pending")


@dataclass(frozen=True, slots=True)
class SectionChange:
    """What becomes of one section: these values set, or, for None, the whole of it gone."""

    section: Section
    values: Mapping[str, str] | None


def read_key_file(path: str) -> dict[str, Any]:
    """Return what is in a file of keys; nothing where there is none.

    Errors: `ProtocolFault` SECURITY it can't be read, isn't TOML, or others may read it.
    """
    return _parsed(path, _text(path))


def change_key_file(
    path: str, changes: Sequence[SectionChange] | Callable[[dict[str, Any]], Sequence[SectionChange]]
) -> None:
    """Make all of the changes or none; on the disk before this returns.

    Changes that depend on what is in the file are made of it, while nobody else changes it.
    Errors: as `read_key_file`; SECURITY the file can't be written or kept from others meanwhile, or is
    written in another way than a section for each meter and a line for each key.
    """
    with _alone(path):
        text = _text(path)
        table = _parsed(path, text)
        wanted = changes(table) if callable(changes) else changes
        if wanted:
            _make(path, text, table, wanted)


def _make(path: str, text: str, table: dict[str, Any], changes: Sequence[SectionChange]) -> None:
    expected = copy.deepcopy(table)
    for change in changes:
        text = _changed(text, change)
        _change(expected, change)
    try:
        came = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        came = {}
    if _without_empty(came) != _without_empty(expected):
        raise _odd(
            f'{path}: can\'t be changed line by line: write [METER] and lines like encryption = "00.."'
        )
    try:
        _write(path, text)
    except OSError as broken:
        raise _odd(f"{path}: not written: {broken.strerror}") from None


# ---------------------------------------------------------------- the text
def _changed(text: str, change: SectionChange) -> str:
    lines = text.splitlines()
    begin, end = _place(lines, change.section)
    if change.values is None:
        return _joined(lines[:begin] + lines[end:]) if begin < end else text
    if begin == end:
        blank = [""] if lines and lines[-1].strip() else []
        lines += [*blank, _header(change.section)]
        begin, end = len(lines) - 1, len(lines)
    body = lines[begin + 1 : end]
    for name, value in change.values.items():
        written = f'{name} = "{value}"'
        at = next((at for at, line in enumerate(body) if re.match(rf"\s*{name}\s*=", line)), None)
        if at is None:
            body.insert(_end_of(body), written)
        else:
            body[at] = written
    return _joined(lines[: begin + 1] + body + lines[end:])


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n" if lines else ""


def _end_of(body: list[str]) -> int:
    """Return where a section's last line ends, blank lines and remarks on the next section left behind."""
    filled = [at for at, line in enumerate(body) if line.strip() and not line.lstrip().startswith("#")]
    return filled[-1] + 1 if filled else 0


def _place(lines: list[str], section: Section) -> tuple[int, int]:
    """Return the lines of a section, its header first; equal numbers where there is none."""
    begin = None
    for at, line in enumerate(lines):
        named = _named(line)
        if named is None:
            continue
        if begin is not None:
            return begin, at
        if named == section:
            begin = at
    return (len(lines), len(lines)) if begin is None else (begin, len(lines))


def _named(line: str) -> Section | None:
    """Return the section that a line begins; None for another line."""
    match = _HEADER.fullmatch(line)
    if match is None:
        return None
    try:
        table: object = tomllib.loads(match[1])
    except tomllib.TOMLDecodeError:
        return None
    names: list[str] = []
    while isinstance(table, dict) and table:
        name, table = next(iter(cast("dict[str, object]", table).items()))
        names.append(name)
    return tuple(names)


def _header(section: Section) -> str:
    return f"[{'.'.join(name if _BARE.fullmatch(name) else _quoted(name) for name in section)}]"


def _quoted(name: str) -> str:
    if '"' in name or "\\" in name or not name.isprintable():
        raise ValueError(f"{name!r} can't be the name of a meter in a file of keys")
    return f'"{name}"'


# ---------------------------------------------------------------- what it says
def _change(table: dict[str, Any], change: SectionChange) -> None:
    *path, last = change.section
    for name in path:
        table = table.setdefault(name, {})
    if change.values is None:
        table.pop(last, None)
    else:
        table.setdefault(last, {}).update(change.values)


def _without_empty(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return sections that hold anything: an empty one says nothing."""
    kept: dict[str, Any] = {}
    for name, value in table.items():
        inner: Any = _without_empty(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
        if inner != {}:
            kept[name] = inner
    return kept


# ---------------------------------------------------------------- the disk
@contextlib.contextmanager
def _alone(path: str) -> Generator[None]:
    """Keep others from changing the file: by a lock on its folder, for the file itself is replaced."""
    with _in_turn:
        if sys.platform == "win32":
            yield
            return
        try:
            folder = os.open(Path(path).resolve().parent, os.O_RDONLY)
        except OSError as broken:
            raise _odd(f"{path}: {broken.strerror}") from None
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
            except OSError as broken:
                raise _odd(f"{path}: its folder can't be locked: {broken.strerror}") from None
            yield
        finally:
            os.close(folder)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise _odd(f"{path}: others may read it ({mode:03o}): chmod 600 it, and change the keys")
            return file.read().decode()
    except FileNotFoundError:
        return ""
    except OSError as broken:
        raise _odd(f"{path}: {broken.strerror}") from None
    except UnicodeDecodeError:
        raise _odd(f"{path}: TOML in UTF-8 expected") from None


def _parsed(path: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as odd:
        # Its words name a position; the line itself, with a key on it, stays out.
        raise _odd(f"{path}: TOML expected: {odd}") from None


def _write(path: str, text: str) -> None:
    """Put `text` in place of the file in one step, and wait for the disk."""
    target = Path(path).resolve()  # a link stays one
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # for the owner alone
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _odd(message: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, message, where=_WHERE)
