"""One URL for one meter, such as psem+tcp://10.0.0.7:1153 or dlms+hdlc+serial:///dev/ttyUSB0?client=16.

The scheme names the protocol and the line; the query sets fields of the options by their names.
Secrets are never part of it: addresses end up in logs, shell histories and fleet files.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, Flag, IntEnum
from functools import lru_cache
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from meterkit.address_schemes import (
    EXAMPLES,
    SCHEMES,
    AddressError,
    ClientOptions,
    LineOptions,
    Scheme,
)
from meterkit.options import PsemClientOptions, SerialOptions, TcpOptions, UdpOptions
from meterkit.transport.base import Transport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.serialx import SerialxTransport
from meterkit.transport.tcp import TcpTransport
from meterkit.transport.udp import UdpTransport
from meterkit.wording import flaw_text

__all__ = ["EXAMPLES", "AddressError", "ClientOptions", "LineOptions", "MeterAddress"]

M = TypeVar("M", bound=BaseModel)

_SECRET_WORDS: Final = ("pass", "pwd", "key", "secret", "token", "credential", "auth", "pin")


@dataclass(frozen=True, slots=True)
class MeterAddress:
    """Where a meter is, and how to talk to it.  `str()` gives the URL back, without what is default."""

    scheme: str  #: the protocol and the line, such as "psem+tcp"
    line: LineOptions
    options: ClientOptions = field(default_factory=PsemClientOptions)

    @classmethod
    def parse(cls, url: str, options: Mapping[str, Any] | None = None) -> MeterAddress:
        """Read an address.

        `options`: fields of the protocol's options that go before what the URL says, among them those that no
        URL carries, such as `keys`.

        Query parameters are the field names of the line's options and of the protocol's, such as
        `PsemClientOptions`; in DLMS addresses `client` and `server` are short for client_address and
        server_address.  Lists and sets are separated by commas; names of enumerations are in small letters.
        Errors: AddressError (a ValueError) for anything else, and for secrets.
        """
        parts = _split(url)
        _refuse_secrets(parts)
        scheme = SCHEMES[parts.scheme]
        place = scheme.place(parts)
        query = _query(parts.query, scheme, place)
        flaws = _Flaws()
        line = flaws.caught(lambda: _line(scheme, place, query))
        if options is None:  # as for each meter of a fleet
            chosen = flaws.caught(lambda: _plain_options(parts.scheme, tuple(query.items())))
        else:
            chosen = flaws.caught(lambda: _options(scheme, query, options))
        if line is None or chosen is None:
            raise flaws.error()
        return cls(parts.scheme, line, chosen)

    def transport(self) -> Transport:
        """Return a transport to the meter, not yet open."""
        match self.line:
            case TcpOptions():
                return TcpTransport(self.line)
            case UdpOptions():
                return UdpTransport(self.line)
            case SerialOptions(backend="serialx"):
                return SerialxTransport(self.line)
            case SerialOptions():
                return SerialTransport(self.line)

    def __str__(self) -> str:
        scheme = SCHEMES[self.scheme]
        settings = _set_fields(self.line, scheme.line_names)
        for name, text in _set_fields(self.options, scheme.option_names).items():
            settings[scheme.short.get(name, name)] = text
        if isinstance(self.line, SerialOptions):
            place = quote(self.line.port, safe="/:.")
        else:
            host = quote(self.line.host, safe=":.")
            place = f"[{host}]:{self.line.port}" if ":" in host else f"{host}:{self.line.port}"
        return f"{self.scheme}://{place}" + (f"?{urlencode(settings, safe=',')}" if settings else "")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise AddressError(f"the host's brackets do not close, or hold no IPv6 address; {_like()}") from None
    scheme = parts.scheme
    if "://" not in url or scheme not in SCHEMES:
        near = difflib.get_close_matches(scheme, list(SCHEMES), 1) if "://" in url else []
        meant = f"did you mean {near[0]}://? " if near else ""
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise AddressError(f"the address does not begin with {known}; {meant}{_like()}")
    return parts


def _refuse_secrets(parts: SplitResult) -> None:
    scheme = SCHEMES[parts.scheme]
    names = parse_qsl(parts.query, keep_blank_values=True) if parts.query else ()
    if any(_is_secret(name, scheme) for name, _ in names) or "@" in parts.netloc:
        raise AddressError(
            "an address never carries a user, password or key, because it ends up in logs; "
            "pass secrets to connect(), or to the command by prompt, file or environment variable "
            "(--password-file, --key-from)"
        )
    if parts.fragment or "#" in parts.netloc:
        raise AddressError("an address has no part after #; write %23 if the name of a port has one")


def _is_secret(name: str, scheme: Scheme) -> bool:
    if name in scheme.option_names:  # password_padding and authentication are none
        return False
    return any(word in name.lower().split("_") or name.lower().startswith(word) for word in _SECRET_WORDS)


def _query(query: str, scheme: Scheme, place: Iterable[str]) -> dict[str, str]:
    """Return the settings by their full names."""
    if not query:
        return {}
    if any("=" not in piece for piece in query.split("&") if piece):
        raise AddressError("a setting after ? is written name=value, and several are joined by &")
    known = scheme.line_names | scheme.option_names
    settings: dict[str, str] = {}
    for written, value in parse_qsl(query, keep_blank_values=True):
        name = scheme.full_name(written)
        if name in settings:
            raise AddressError(f"{_shown(written)} is set twice")
        if name not in known:
            raise AddressError(_unknown(name, place, scheme))
        settings[name] = value
    return settings


def _unknown(name: str, place: Iterable[str], scheme: Scheme) -> str:
    if name in place:
        return f"{name} is no setting: it stands before the ?; {_like()}"
    if name in scheme.fixed:
        return f"{name} is no setting: what the address begins with decides it; {_like()}"
    known = sorted(scheme.line_names | scheme.option_names | set(scheme.short.values()))
    near = difflib.get_close_matches(name, known, 1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no setting {_shown(name)}; {hint}"


def _shown(name: str) -> str:
    """Return a parameter's name for a message, unless it is no name but something pasted by mistake."""
    is_name = len(name) <= 40 and name.isascii() and name.replace("_", "").isalpha()
    return name if is_name else "by the name given"


class _Flaws:
    """What is wrong with the values of settings, of the line and of the protocol at once."""

    def __init__(self) -> None:
        self._plain: list[str] = []
        self._quoting: list[str] = []

    def caught(self, validated: Callable[[], M]) -> M | None:
        """Return the options that `validated` returns, or None after noting what is wrong with them."""
        try:
            return validated()
        except ValidationError as invalid:
            self._plain.append(flaw_text(invalid, is_quoted=False))
            self._quoting.append(flaw_text(invalid))
            return None

    def error(self) -> AddressError:
        """Return the error that tells all of it."""
        return AddressError(
            f"the address: {'; '.join(self._plain)}", f"the address: {'; '.join(self._quoting)}"
        )


def _line(scheme: Scheme, place: Mapping[str, Any], query: Mapping[str, str]) -> LineOptions:
    """Return the line's options.  Errors: pydantic's ValidationError."""
    return scheme.line.model_validate({**place, **_values(scheme.line, query, scheme.line_names)})


@lru_cache(maxsize=256)
def _plain_options(scheme: str, query: tuple[tuple[str, str], ...]) -> ClientOptions:
    """Return the protocol's options: frozen, and one for all meters whose addresses set the same."""
    return _options(SCHEMES[scheme], dict(query), {})


def _options(scheme: Scheme, query: Mapping[str, str], before: Mapping[str, Any]) -> ClientOptions:
    """Return the protocol's options; `before` goes before the query.  Errors: pydantic's ValidationError."""
    values = _values(scheme.options, query, scheme.option_names)
    return scheme.options.model_validate({**scheme.fixed, **values, **before})


def _values(model: type[BaseModel], query: Mapping[str, str], names: frozenset[str]) -> dict[str, object]:
    """Return what a model takes of the query."""
    return {
        name: _value(name, model.model_fields[name], text) for name, text in query.items() if name in names
    }


def _value(name: str, info: FieldInfo, text: str) -> object:
    """Return what a field takes: pydantic reads numbers and booleans itself, lists and choices not."""
    kind = info.annotation
    for alternative in get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,):
        if get_origin(alternative) is tuple:
            return tuple(piece.strip() for piece in text.split(",") if piece.strip())
        if get_origin(alternative) is Literal:
            choices: dict[str, object] = {str(choice).lower(): choice for choice in get_args(alternative)}
            return choices.get(text.lower(), text)
        if isinstance(alternative, type) and issubclass(alternative, Flag | IntEnum):
            return _members(name, alternative, text)
    return text


def _members(setting: str, kind: type[Flag] | type[IntEnum], text: str) -> object:
    """Return the enumeration's members that are named; a number is pydantic's matter.

    Errors: AddressError.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    names = [piece.strip().upper().replace("-", "_") for piece in text.split(",") if piece.strip()]
    is_one = issubclass(kind, IntEnum)
    if any(name not in kind.__members__ for name in names) or (is_one and len(names) != 1):
        known = ", ".join(name.lower() for name in kind.__members__)
        raise AddressError(f"the address: {setting}: {'one' if is_one else 'some'} of {known} is allowed")
    if issubclass(kind, IntEnum):
        return kind[names[0]]
    value = kind(0)
    for name in names:
        value |= kind[name]
    return value


def _set_fields(model: BaseModel, names: frozenset[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for name, info in type(model).model_fields.items():
        value: object = getattr(model, name)
        if name in names and value != info.default and not (value is None and info.is_required()):
            settings[name] = _text(value)
    return settings


def _text(value: object) -> str:
    match value:
        case tuple():
            return ",".join(map(str, cast("tuple[object, ...]", value)))
        case Flag():
            return ",".join((bit.name or "").lower() for bit in type(value) if bit in value)
        case Enum():
            return value.name.lower()
        case bytes():
            return value.hex()
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _like() -> str:
    return f"write it like {EXAMPLES}"
