"""`meterkit emulate psem`: a meter on a TCP port or a pseudo-terminal, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
from pathlib import Path
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
    PtyEmulatorServer,
    TcpEmulatorServer,
    open_pty,
    serve_tcp,
)
from meterkit.emulator.presets import PRESETS

DEFAULT_LISTEN = "tcp://127.0.0.1:1153"
#: Reads answered for each interval that --grow records: a few intervals while one profile is read.
GROW_EXCHANGES = 8


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
    if pty and listen is not None:
        raise UsageMistake("say --listen or --pty, not both")
    if pty and not hasattr(os, "openpty"):
        raise UsageMistake("this system has no pseudo-terminals; use --listen tcp://127.0.0.1:1153")
    host, port = parse_listen(listen or DEFAULT_LISTEN)
    emulator = MeterEmulator(configure(config, firmware=firmware, seed=seed, grow=grow))
    server = open_pty(emulator) if pty else serve_tcp(emulator, host, port)

    async def work() -> int:
        try:
            await server.open()
        except OSError as error:
            # asyncio names the address inside its own sentence, or not at all
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise OSError(
                error.errno, reason, "a pseudo-terminal" if pty else f"tcp://{host}:{port}"
            ) from None
        try:
            _announce(server, is_default=config is None, as_json=as_json)
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


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of tcp://HOST:PORT; port 0 takes a free one.  Errors: UsageMistake."""
    mistake = UsageMistake(f"--listen {text}: write tcp://HOST:PORT, such as {DEFAULT_LISTEN}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise mistake from None
    if (
        parts.scheme != "tcp"
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
        first = invalid.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageMistake(f"{path}: {place + ': ' if place else ''}{first['msg']}") from None
    flags: dict[str, object] = {}
    if seed is not None:
        flags["seed"] = seed
    if grow:
        flags |= {"grow_intervals": 1, "grow_exchanges": GROW_EXCHANGES}
    return configuration.model_copy(update=flags)


def _announce(server: TcpEmulatorServer | PtyEmulatorServer, *, is_default: bool, as_json: bool) -> None:
    url = server.address
    print(json_line({"url": url}) if as_json else url, flush=True)
    say_hint(f"try: meterkit psem info {url}")
    if is_default:
        keys = f"{DEMO_MASTER_KEY.decode()} to write, {DEMO_READ_KEY.decode()} to read"
        say_hint(f"passwords, for METERKIT_PASSWORD: {keys}; few tables need none. Ctrl-C ends it.")
