"""`meterkit emulate dlms`: a DLMS meter on TCP, UDP or a pseudo-terminal, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from meterkit.cli.dlms.emulate_secured import SecuredClient, count_on, hints, with_secured_client
from meterkit.cli.emulate import EmulatorServer, check_pty, parse_listen, serve_meter, serve_until_signal
from meterkit.cli.output import json_line
from meterkit.cli.running import say_hint
from meterkit.cli.usage import UsageMistake, read_file
from meterkit.emulator.dlms import (
    DEMO_PASSWORD,
    DlmsEmulatorConfiguration,
    DlmsMeterEmulator,
    DlmsQuirk,
    ProfileOddity,
    serve_udp,
)
from meterkit.emulator.dlms.cloned.meter_file import MeterFile, parse_meter_file
from meterkit.wording import flaw_text

DEFAULT_LISTEN: Final = "tcp://127.0.0.1:4059"
_NAMED_QUIRKS: Final[dict[str, DlmsQuirk | ProfileOddity]] = {
    quirk.value: quirk for quirk in (*DlmsQuirk, *ProfileOddity)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which meter, and where."""

    listen: str | None
    pty: bool
    interface: str | None
    config: Path | None
    objects: Path | None = None
    seed: int | None
    quirks: Sequence[str]
    secured: SecuredClient | None = None
    as_json: bool


def serve(wish: Wish) -> int:
    """Serve one meter until a signal comes, which is its proper end: exit status 0."""
    check_pty(wish.listen, pty=wish.pty)
    listen = wish.listen or DEFAULT_LISTEN
    is_udp = listen.startswith("udp:")
    parse_listen(listen, "udp" if is_udp else "tcp")
    configuration = configure(wish)
    if is_udp and configuration.interface != "wrapper":
        raise UsageMistake(
            f"--listen {listen}: only the wrapper runs over UDP, not {configuration.interface}"
        )
    meter = DlmsMeterEmulator(configuration)
    count_on(meter, datetime.now(UTC))

    def announce(server: EmulatorServer) -> None:
        url = server.address
        print(json_line({"url": url}) if wish.as_json else url, flush=True)
        quoted = f"'{url}'" if "?" in url else url
        say_hint(f"try: meterkit dlms info {quoted}")
        if wish.secured is not None:
            for hint in hints(wish.secured, configuration, url):
                say_hint(hint)
        elif wish.config is None:
            joint = "&" if "?" in url else "?"
            say_hint(
                f"as client 16 it may be read; to write, '{url}{joint}client=1' "
                f"with METERKIT_PASSWORD={DEMO_PASSWORD.decode()}. Ctrl-C ends it."
            )

    if is_udp:
        return serve_until_signal(serve_udp(meter, *parse_listen(listen, "udp")), listen, announce)
    return serve_meter(meter, None if wish.pty else listen, announce)


def configure(wish: Wish) -> DlmsEmulatorConfiguration:
    """Return the configuration in a file, or the ready-made one, with the flags over it.

    Errors: UsageMistake.
    """
    flags: dict[str, object] = {}
    if wish.interface is not None:
        flags["interface"] = wish.interface
    if wish.seed is not None:
        flags["seed"] = wish.seed
    try:
        loaded = (
            DlmsEmulatorConfiguration()
            if wish.config is None
            else DlmsEmulatorConfiguration.load(wish.config)
        )
        if wish.objects is not None:
            flags["objects"] = load_objects(wish.objects)
        flags |= quirk_flags(loaded, wish.quirks, has_objects=wish.objects is not None)
        configured = loaded.model_copy(update=flags)
        return configured if wish.secured is None else with_secured_client(configured, wish.secured)
    except OSError as error:
        raise UsageMistake(f"cannot read {wish.config}: {error.strerror}") from None
    except ValidationError as invalid:
        raise UsageMistake(f"{wish.config}: {flaw_text(invalid)}") from None


def load_objects(path: Path) -> MeterFile:
    """Return the meter in a file.  Errors: UsageMistake that names the object and attribute."""
    try:
        return parse_meter_file(json.loads(read_file(path)))
    except json.JSONDecodeError as odd:
        raise UsageMistake(f"{path}: line {odd.lineno}: no JSON: {odd.msg}") from None
    except RecursionError:
        raise UsageMistake(f"{path}: nested too deep") from None
    except ValueError as odd:
        raise UsageMistake(f"{path}: {odd}") from None


def quirk_flags(
    loaded: DlmsEmulatorConfiguration, names: Sequence[str], *, has_objects: bool
) -> dict[str, object]:
    """Return what --quirk changes: quirks of the meter, and oddities of its load profile.

    Errors: UsageMistake; a cloned meter's profile is what was cloned, so it takes no oddity.
    """
    quirks = [_quirk(name) for name in names]
    oddities = [quirk for quirk in quirks if isinstance(quirk, ProfileOddity)]
    if oddities and (has_objects or loaded.objects is not None):
        raise UsageMistake(f"--quirk {oddities[0].value}: a meter from a file has its own load profile")
    changes: dict[str, object] = {}
    if oddities:
        kept = loaded.profile.oddities.union(oddities)
        changes["profile"] = loaded.profile.model_copy(update={"oddities": kept})
    if quirks:
        changes["quirks"] = loaded.quirks.union(one for one in quirks if isinstance(one, DlmsQuirk))
    return changes


def _quirk(name: str) -> DlmsQuirk | ProfileOddity:
    found = _NAMED_QUIRKS.get(name.strip().lower().replace("-", "_"))
    if found is not None:
        return found
    near = difflib.get_close_matches(name.replace("-", "_"), _NAMED_QUIRKS, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_NAMED_QUIRKS)}"
    raise UsageMistake(f"--quirk {name}: there is no such quirk; {hint}")
