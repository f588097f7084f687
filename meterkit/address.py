"""One URL for one meter, such as psem+tcp://10.0.0.7:1153 or psem+serial:///dev/ttyUSB0?baud_rate=9600.

The scheme names the protocol and the line; the query sets fields of the options by their names.
Secrets are never part of it: addresses end up in logs, shell histories and fleet files.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Final, Literal, TypeAlias, TypeVar, Union, get_args, get_origin
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from meterkit.options import PsemClientOptions, SerialOptions, TcpOptions
from meterkit.transport.base import Transport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.serialx import SerialxTransport
from meterkit.transport.tcp import TcpTransport

M = TypeVar("M", bound=BaseModel)
LineOptions: TypeAlias = TcpOptions | SerialOptions

EXAMPLES: Final = "psem+tcp://10.0.0.7:1153 or psem+serial:///dev/ttyUSB0?baud_rate=9600"
_LATER: Final = ("dlms+tcp", "dlms+udp", "dlms+hdlc+tcp", "dlms+hdlc+serial", "em1000+serial")
_SECRET_WORDS: Final = ("pass", "pwd", "key", "secret", "token", "credential", "auth", "pin")


class AddressError(ValueError):
    """An address that names no meter.  The message teaches, and repeats nothing that may be secret."""


@dataclass(frozen=True, slots=True)
class MeterAddress:
    """Where a meter is, and how to talk to it.  `str()` gives the URL back, without what is default."""

    scheme: str  #: "psem+tcp" or "psem+serial"
    line: LineOptions
    options: PsemClientOptions = field(default_factory=PsemClientOptions)

    @classmethod
    def parse(cls, url: str) -> MeterAddress:
        """Read an address.

        Query parameters are the field names of the line's options and of `PsemClientOptions`; lists are
        separated by commas.  Errors: AddressError (a ValueError) for anything else, and for secrets.
        """
        parts = _split(url)
        _refuse_secrets(parts)
        make_line, model = _SCHEMES[parts.scheme]
        place = make_line(parts)
        query = _query(parts.query)
        own, rest = set(model.model_fields) - set(place), set(PsemClientOptions.model_fields)
        for name in query:
            if name not in own | rest:
                raise AddressError(_unknown(name, place, own | rest))
        line = _validated(model, place, {name: query[name] for name in query if name in own})
        options = _validated(PsemClientOptions, {}, {name: query[name] for name in query if name not in own})
        return cls(parts.scheme, line, options)

    def transport(self) -> Transport:
        """Return a transport to the meter, not yet open."""
        if isinstance(self.line, TcpOptions):
            return TcpTransport(self.line)
        if self.line.backend == "serialx":
            return SerialxTransport(self.line)
        return SerialTransport(self.line)

    def __str__(self) -> str:
        settings = {**_set_fields(self.line), **_set_fields(self.options)}
        if isinstance(self.line, TcpOptions):
            host = quote(self.line.host, safe=":.")
            place = f"[{host}]:{self.line.port}" if ":" in host else f"{host}:{self.line.port}"
            settings = {name: settings[name] for name in settings if name not in ("host", "port")}
        else:
            place = quote(self.line.port, safe="/:.")
            settings = {name: settings[name] for name in settings if name != "port"}
        return f"{self.scheme}://{place}" + (f"?{urlencode(settings, safe=',')}" if settings else "")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise AddressError(f"the host's brackets do not close, or hold no IPv6 address; {_like()}") from None
    scheme = parts.scheme
    if scheme in _LATER:
        raise AddressError(
            f"{scheme} is not built yet; this version of meterkit speaks {' and '.join(_SCHEMES)}"
        )
    if "://" not in url or scheme not in _SCHEMES:
        near = difflib.get_close_matches(scheme, [*_SCHEMES, *_LATER], 1) if "://" in url else []
        meant = f"did you mean {near[0]}://? " if near else ""
        raise AddressError(f"the address does not begin with {_schemes()}; {meant}{_like()}")
    return parts


def _refuse_secrets(parts: SplitResult) -> None:
    named = any(_is_secret(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    if named or "@" in parts.netloc:
        raise AddressError(
            "an address never carries a user, password or key, because it ends up in logs; "
            "pass secrets to connect(), or to the command by prompt, file or environment variable"
        )
    if parts.fragment or "#" in parts.netloc:
        raise AddressError("an address has no part after #; write %23 if the name of a port has one")


def _is_secret(name: str) -> bool:
    if name in PsemClientOptions.model_fields:  # password_padding is none
        return False
    return any(word in name.lower().split("_") or name.lower().startswith(word) for word in _SECRET_WORDS)


def _tcp_place(parts: SplitResult) -> dict[str, Any]:
    if parts.path not in ("", "/"):
        raise AddressError(f"a TCP address ends with its port, without a path; {_like()}")
    if parts.netloc.count(":") > 1 and not parts.netloc.startswith("["):
        raise AddressError(
            "an IPv6 address stands in brackets, such as psem+tcp://[2001:db8::7]:1153; "
            "otherwise the host and its port are separated by one colon"
        )
    if not parts.hostname:
        raise AddressError(f"the address names no host; {_like()}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise AddressError("the port after the host is not a number from 1 to 65535, such as 1153")
    place: dict[str, Any] = {"host": unquote(parts.hostname)}
    return {**place, "port": TcpOptions.model_fields["port"].default if port is None else port}


def _serial_place(parts: SplitResult) -> dict[str, Any]:
    host, path = unquote(parts.netloc), unquote(parts.path)
    if host and path not in ("", "/"):
        raise AddressError(f"a serial port's path begins with a third slash: psem+serial:///{host}{path}")
    port = host or path
    if port in ("", "/"):
        raise AddressError(
            "the address names no port, such as psem+serial:///dev/ttyUSB0 or psem+serial://COM3"
        )
    return {"port": port}


_SCHEMES: Final[Mapping[str, tuple[Callable[[SplitResult], dict[str, Any]], type[LineOptions]]]] = {
    "psem+tcp": (_tcp_place, TcpOptions),
    "psem+serial": (_serial_place, SerialOptions),
}


def _query(query: str) -> dict[str, str]:
    if any("=" not in piece for piece in query.split("&") if piece):
        raise AddressError("a setting after ? is written name=value, and several are joined by &")
    settings: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in settings:
            raise AddressError(f"{_shown(name)} is set twice")
        settings[name] = value
    return settings


def _unknown(name: str, place: Iterable[str], known: Iterable[str]) -> str:
    if name in place:
        return f"{name} is no setting: it stands before the ?; {_like()}"
    known = sorted(known)
    near = difflib.get_close_matches(name, known, 1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no setting {_shown(name)}; {hint}"


def _shown(name: str) -> str:
    """Return a parameter's name for a message, unless it is no name but something pasted by mistake."""
    is_name = len(name) <= 40 and name.isascii() and name.replace("_", "").isalpha()
    return name if is_name else "by the name given"


def _validated(model: type[M], place: Mapping[str, Any], query: Mapping[str, str]) -> M:
    values = dict(place)
    for name, text in query.items():
        values[name] = _value(model.model_fields[name], text)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        flaws = "; ".join(
            ": ".join([*map(str, flaw["loc"][:1]), flaw["msg"]]) for flaw in error.errors(include_input=False)
        )
    raise AddressError(f"the address does not hold: {flaws}")


def _value(info: FieldInfo, text: str) -> object:
    """Return what a field takes: pydantic reads numbers and booleans itself, lists and choices not."""
    kind = info.annotation
    for alternative in get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,):
        if get_origin(alternative) is tuple:
            return tuple(piece.strip() for piece in text.split(",") if piece.strip())
        if get_origin(alternative) is Literal:
            choices: dict[str, object] = {str(choice).lower(): choice for choice in get_args(alternative)}
            return choices.get(text.lower(), text)
    return text


def _set_fields(model: BaseModel) -> dict[str, str]:
    settings: dict[str, str] = {}
    for name, info in type(model).model_fields.items():
        value: object = getattr(model, name)
        if value == info.default or (value is None and info.is_required()):
            continue
        if isinstance(value, tuple):
            settings[name] = ",".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType]
        else:
            settings[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return settings


def _like() -> str:
    return f"write it like {EXAMPLES}"


def _schemes() -> str:
    return " or ".join(f"{scheme}://" for scheme in _SCHEMES)
