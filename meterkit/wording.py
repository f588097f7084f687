"""What pydantic finds wrong with settings, in our words: the setting, what came, what is allowed."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

#: What is allowed, by pydantic's name of the error; in braces what pydantic knows of the bound.
_ALLOWED = {
    "bool_parsing": "true or false is allowed",
    "bool_type": "true or false is allowed",
    "bytes_type": "a text is allowed",
    "dict_type": "an object in braces is allowed",
    "enum": "{expected} is allowed",
    "finite_number": "a finite number is allowed",
    "float_parsing": "a number is allowed",
    "float_type": "a number is allowed",
    "greater_than": "more than {gt:g} is allowed",
    "greater_than_equal": "{ge} or more is allowed",
    "int_from_float": "a whole number is allowed",
    "int_parsing": "a whole number is allowed",
    "int_parsing_size": "a smaller number is allowed",
    "int_type": "a whole number is allowed",
    "less_than": "less than {lt} is allowed",
    "less_than_equal": "{le} or less is allowed",
    "list_type": "a list in brackets is allowed",
    "literal_error": "{expected} is allowed",
    "model_type": "an object in braces is allowed",
    "string_too_long": "at most {max_length} character(s) allowed",
    "string_too_short": "at least {min_length} character(s) needed",
    "string_type": "a text is allowed",
    "too_long": "at most {max_length} allowed",
    "too_short": "at least {min_length} needed",
    "tuple_type": "a list in brackets is allowed",
}
_SHOWN = 40  # characters of what came
_SECRET = ("key", "password", "secret")  # words in the names of settings that are not shown


def flaw_text(invalid: ValidationError, naming: Callable[[str], str] = str, *, is_quoted: bool = True) -> str:
    """Return what is wrong in one line; keys and passwords that came are not shown.

    `naming` makes of a setting's path, such as "load_profile.0.blocks", what the person called it.
    With `is_quoted` off nothing that came is shown at all, for messages that end up in logs.
    """
    flaws = invalid.errors(include_url=False)
    return "; ".join(dict.fromkeys(_flaw(flaw, naming, is_quoted) for flaw in flaws))


def _flaw(flaw: ErrorDetails, naming: Callable[[str], str], is_quoted: bool) -> str:
    place = ".".join(str(part) for part in flaw["loc"] if part != "[key]")  # of a mapping: says nothing
    named = f"{naming(place)}: " if place else ""
    came = _came(flaw) if is_quoted else ""
    match flaw["type"]:
        case "extra_forbidden":
            return f"{named}there is no such setting"
        case "missing":
            return f"{named}this setting is missing"
        case "json_invalid":
            return f"{named}the file is no JSON: {flaw['ctx']['error']}" if "ctx" in flaw else flaw["msg"]
        case "value_error" if "ctx" in flaw:
            return f"{named}{came}{flaw['ctx']['error']}"
        case kind:
            allowed = _ALLOWED.get(kind, flaw["msg"]).format(**flaw.get("ctx", {}))
            return f"{named}{came}{allowed}"


def _came(flaw: ErrorDetails) -> str:
    """Return what came, if it is a plain value and no secret; a mistyped key must not be quoted back."""
    value: object = flaw["input"]
    name = ".".join(map(str, flaw["loc"]))
    if any(word in name for word in _SECRET) or not isinstance(value, str | int | float):
        return ""
    shown = repr(value) if isinstance(value, str) else str(value).lower()
    return f"{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'} came, "
