"""Write docs/cli.md from the command's own help: `python docs/cli_reference.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from meterkit.cli.app import app

PAGE = Path(__file__).with_name("cli.md")
INTRODUCTION = """\
# The meterkit command

This page is generated from the command's own help by `python docs/cli_reference.py`.

Install it with `pip install 'meterkit[cli]'`; `meterkit --install-completion` teaches your shell to complete.

- **Exit status**: 0 ok, 1 the meter or the line failed, 2 wrong usage, 130 after Ctrl-C.
- **Errors** are one line on standard error: what was expected, what came, where.
- **`--json`** prints one JSON document, or one JSON object a line for `profile`, `listen`, `sniff` and
  `fleet run`. A failure is a line `{"error": {"kind": ..., "message": ..., "code": ..., "where": ...}}` on
  standard output as well.
- **Ctrl-C** and SIGTERM wait for the exchange in progress and log the meter off; a second Ctrl-C cuts it.
- **Times** are ISO 8601; without an offset they are UTC. Output is in UTC.
- **Keys** come from `--key-from`: the environment, a file for its owner alone, the keyring or a prompt.
  They never stand in the URL or on the command line; of a key nothing is shown but a fingerprint.
- **Passwords** come from `--password-file`, from the environment variable `METERKIT_PASSWORD` or from
  `--ask-password`: text, or `hex:` and hex digits. They never stand in the URL.
- **Files** that are there already are only written over with `--overwrite`.
- **Texts from a meter** lose their control characters before a terminal or a file sees them.
"""
METAVARS = {int: "INT", float: "NUMBER", str: "TEXT", Path: "FILE", datetime: "TIME", bytes: "HEX"}


def render() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *_verbs(app, ["meterkit"])])


def _verbs(verb: Any, path: list[str]) -> Iterator[str]:
    if verb.default_command is not None:
        yield from _verb(verb, path)
        return
    names = [name for name in verb if not name.startswith("-")]
    if len(path) > 1:
        names.sort(key=lambda name: verb[name].default_command is None)  # groups within come last
        yield f"## {' '.join(path)}\n\n{_prose(verb.help)}\n"
        shared = [argument for argument in _arguments(verb[names[0]]) if _is_shared(argument)]
        if shared:
            yield "Every one of these verbs also takes:\n"
            yield from _options(shared)
    for name in names:
        yield from _verbs(verb[name], [*path, name])


def _arguments(verb: Any) -> list[Any]:
    return [argument for argument in verb.assemble_argument_collection(parse_docstring=True) if argument.show]


def _is_shared(argument: Any) -> bool:
    return any(group.name == "Session" for group in argument.parameter.group)


def _verb(verb: Any, path: list[str]) -> Iterator[str]:
    arguments = [argument for argument in _arguments(verb) if not _is_shared(argument)]
    places = " ".join(argument.names[0] for argument in arguments if argument.index is not None)
    yield f"{'##' if len(path) == 2 else '###'} {' '.join(path)}\n"
    yield f"```\n{' '.join(path)}{' ' * bool(places)}{places} [OPTIONS]\n```\n"
    prose, _, _ = _prose(verb.help).partition("\n:param ")
    yield f"{prose.strip()}\n"
    yield from _options(arguments)


def _options(arguments: list[Any]) -> Iterator[str]:
    yield "| option | meaning |\n|---|---|"
    for argument in arguments:
        yield f"| {_name(argument)} | {_meaning(argument)} |"
    yield ""


def _prose(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _name(argument: Any) -> str:
    if argument.index is not None:
        return f"`{argument.names[0]}`"
    kinds = [kind for kind in (argument.hint, *get_args(argument.hint)) if kind in METAVARS]
    return f"`{argument.names[0]}{' ' + METAVARS[kinds[0]] if kinds else ''}`"


def _meaning(argument: Any) -> str:
    default = argument.field_info.default
    known = "" if argument.index is not None or default in (None, False, ()) else f" Default: {default}."
    return f"{' '.join(argument.parameter.help.split())}{known}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
