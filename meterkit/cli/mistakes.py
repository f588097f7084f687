"""What cyclopts finds wrong with a command line, in our words: the option, what came, what is allowed."""

from __future__ import annotations

from cyclopts import CoercionError, CycloptsError, MissingArgumentError
from cyclopts.exceptions import UnusedCliTokensError

#: What an option takes, by the type that its word should have become.
_ALLOWED: dict[object, str] = {int: "a whole number", float: "a number"}


def mistake_text(mistake: CycloptsError) -> str:
    """Return one line for the person at the keyboard, which ends with where to read more."""
    verb = " ".join(["meterkit", *(mistake.command_chain or ())])
    return f"{_text(mistake)} ({verb} --help tells how)"


def _text(mistake: CycloptsError) -> str:
    match mistake:
        case CoercionError(token=token, target_type=kind) if token is not None and kind in _ALLOWED:
            return f"{_name(mistake, token.keyword)}: {token.value!r} came, {_ALLOWED[kind]} is allowed"
        case MissingArgumentError(keyword=None) if mistake.argument and mistake.argument.index is not None:
            return f"{_name(mistake, None)} is missing"
        case MissingArgumentError(keyword=keyword):
            return f"{_name(mistake, keyword)} wants a word after it, and none came"
        case UnusedCliTokensError(unused_tokens=tokens) if tokens:
            words = ", ".join(map(repr, tokens))
            return f"{words} {'is one word' if len(tokens) == 1 else 'are words'} too many"
        case _:
            return str(mistake).strip().removesuffix(".")


def _name(mistake: CycloptsError, keyword: str | None) -> str:
    """Return the option as it was typed, or else the name that the help gives it."""
    if keyword is not None:
        return keyword
    return mistake.argument.name if mistake.argument is not None else "the command"
