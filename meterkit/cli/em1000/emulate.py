"""`meterkit emulate em1000`: a meter that logs in whoever knows its test-only responder."""

from __future__ import annotations

from meterkit.cli.emulate import EmulatorServer, check_place, serve_meter
from meterkit.cli.output import json_line
from meterkit.cli.running import say_hint
from meterkit.emulator.em1000 import Em1000EmulatorConfiguration, Em1000MeterEmulator

DEFAULT_LISTEN = "tcp://127.0.0.1:4001"  # no port was ever given to the EM1000; converters like this one


def serve(listen: str | None, *, pty: bool, configuration: Em1000EmulatorConfiguration, as_json: bool) -> int:
    """Serve one meter until a signal comes, which is its proper end: exit status 0."""
    check_place(listen, pty=pty)

    def announce(server: EmulatorServer) -> None:
        url = server.address
        print(json_line({"url": url}) if as_json else url, flush=True)
        say_hint("only its framing is an EM1000's: it accepts test_only_responder, which no real meter does.")
        say_hint(f"try: meterkit em1000 sniff '{url}'. Ctrl-C ends it.")

    meter = Em1000MeterEmulator(configuration)
    return serve_meter(meter, None if pty else listen or DEFAULT_LISTEN, announce)
