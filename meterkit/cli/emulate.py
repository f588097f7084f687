"""`meterkit emulate psem`: a meter on a TCP port or a pseudo-terminal, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import anyio
from pydantic import ValidationError

from meterkit.cli.interruption import interruptible
from meterkit.cli.output import json_line
from meterkit.cli.running import OK, say_hint
from meterkit.cli.usage import UsageMistake
from meterkit.emulator import (
    DEMO_MASTER_KEY,
    DEMO_READ_KEY,
    EmulatorConfiguration,
    MeterEmulator,
    open_pty,
    serve_tcp,
)
from meterkit.emulator.line import Emulator
from meterkit.emulator.presets import PRESETS
from meterkit.wording import flaw_text

DEFAULT_LISTEN = "tcp://127.0.0.1:1153"
#: Reads answered for each interval that --grow records: a few intervals while one profile is read.
GROW_EXCHANGES = 8


class EmulatorServer(Protocol):
    """Where an emulated meter can be talked to."""

    @property
    def address(self) -> str:
        """The URL for a client."""
        ...

    async def open(self) -> None:
        """Begin to serve.  Errors: OSError."""
        ...

    async def close(self) -> None:
        """Serve no longer."""
        ...


def serve(
    listen: str | None,
    *,
    pty: bool,
    config: Path | None,
    firmware: str | None,
    seed: int | None,
    grow: bool,
    as_json: bool,
) -> int:
    """Serve one meter until a signal comes, which is its proper end: exit status 0."""
    check_place(listen, pty=pty)
    emulator = MeterEmulator(configure(config, firmware=firmware, seed=seed, grow=grow))
    return serve_meter(
        emulator,
        None if pty else listen or DEFAULT_LISTEN,
        lambda server: _announce(server, is_default=config is None, as_json=as_json),
    )


def check_place(listen: str | None, *, pty: bool) -> None:
    """Refuse what cannot be listened on.  Errors: UsageMistake."""
    check_pty(listen, pty=pty)
    if listen is not None:
        parse_listen(listen)


def check_pty(listen: str | None, *, pty: bool) -> None:
    """Refuse a pseudo-terminal beside a port, or where there are none.  Errors: UsageMistake."""
    if pty and listen is not None:
        raise UsageMistake("say --listen or --pty, not both")
    if pty and not hasattr(os, "openpty"):
        raise UsageMistake("this system has no pseudo-terminals; use --listen tcp://127.0.0.1:1153")


def serve_meter(emulator: Emulator, listen: str | None, announce: Callable[[EmulatorServer], None]) -> int:
    """Serve a meter on tcp://HOST:PORT, or for None on a pseudo-terminal, until a signal comes: status 0.

    `announce` is called once it can be talked to.  Errors: OSError where it cannot listen.
    """
    if listen is None:
        return serve_until_signal(open_pty(emulator), "a pseudo-terminal", announce)
    return serve_until_signal(serve_tcp(emulator, *parse_listen(listen)), listen, announce)


def serve_until_signal(server: EmulatorServer, place: str, announce: Callable[[EmulatorServer], None]) -> int:
    """Open a server, announce it, and serve until a signal comes: status 0.

    `place`: where it listens, for the message.  Errors: OSError where it cannot.
    """

    async def work() -> int:
        try:
            await server.open()
        except OSError as error:
            # asyncio names the address inside its own sentence, or not at all
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise OSError(error.errno, reason, place) from None
        try:
            announce(server)
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await server.close()
        return OK

    async def session() -> int:
        return await interruptible(work)

    try:
        return anyio.run(session)
    except KeyboardInterrupt:
        return OK


def parse_listen(text: str, scheme: str = "tcp", option: str = "--listen") -> tuple[str, int]:
    """Return host and port of tcp://HOST:PORT; port 0 takes a free one.  Errors: UsageMistake."""
    like = DEFAULT_LISTEN.replace("tcp", scheme, 1)
    mistake = UsageMistake(f"{option} {text}: write {scheme}://HOST:PORT, such as {like}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise mistake from None
    if (
        parts.scheme != scheme
        or not parts.hostname
        or port is None
        or parts.path
        or parts.query
        or parts.username
    ):
        raise mistake
    return parts.hostname, port


def configure(
    path: Path | None, *, firmware: str | None = None, seed: int | None, grow: bool
) -> EmulatorConfiguration:
    """Return the configuration in a file, or the ready-made one, with the flags over it.

    Errors: UsageMistake.
    """
    if path is not None and firmware is not None:
        raise UsageMistake("say --config or --firmware, not both")
    if firmware is not None and firmware not in PRESETS:
        raise UsageMistake(f"--firmware {firmware}: ready-made meters are {', '.join(PRESETS)}")
    try:
        if firmware is not None:
            configuration = EmulatorConfiguration.preset(firmware)
        else:
            configuration = EmulatorConfiguration() if path is None else EmulatorConfiguration.load(path)
    except OSError as error:
        raise UsageMistake(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as invalid:
        raise UsageMistake(f"{path}: {flaw_text(invalid)}") from None
    flags: dict[str, object] = {}
    if seed is not None:
        flags["seed"] = seed
    if grow:
        flags |= {"grow_intervals": 1, "grow_exchanges": GROW_EXCHANGES}
    return configuration.model_copy(update=flags)


def _announce(server: EmulatorServer, *, is_default: bool, as_json: bool) -> None:
    url = server.address
    print(json_line({"url": url}) if as_json else url, flush=True)
    say_hint(f"try: meterkit psem info {url}")
    if is_default:
        keys = f"{DEMO_MASTER_KEY.decode()} to write, {DEMO_READ_KEY.decode()} to read"
        say_hint(f"passwords, for METERKIT_PASSWORD: {keys}; few tables need none. Ctrl-C ends it.")
