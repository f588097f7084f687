"""`meterkit psem info`: who the meter is, what it speaks, what it records."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.access import Access
from meterkit.cli.console import show
from meterkit.cli.meter import on_meter
from meterkit.cli.output import print_json, safe_text, time_text
from meterkit.cli.pictures.series import duration_text
from meterkit.cli.psem.identity import Identity, read_identity
from meterkit.cli.running import OK
from meterkit.psem.client import PsemClient
from meterkit.psem.tables.clock_reading import ClockReading


def info(url: str, access: Access, *, as_json: bool) -> int:
    """Read the meter's identity and show it."""

    async def body(client: PsemClient) -> int:
        identity = await read_identity(client)
        if as_json:
            print_json(identity.document())
        else:
            show(*identity_parts(identity))
        return OK

    return on_meter(url, access, body)


def identity_parts(identity: Identity) -> list[RenderableType]:
    """Return the identity as a person reads it."""
    grid = Grid.grid(padding=(0, 2))
    for name, value in _lines(identity):
        grid.add_row(Text(name, style="cyan"), Text(safe_text(value)))
    withheld = [Text(f"withheld: {safe_text(str(error))}", style="yellow") for error in identity.withheld]
    return [grid, *withheld]


def _lines(identity: Identity) -> Iterator[tuple[str, str]]:
    meter = identity.meter
    named = {
        "manufacturer": meter.manufacturer,
        "model": meter.model,
        "serial number": meter.serial_number,
        "utility serial number": meter.utility_serial_number,
        "device id": meter.device_id,
        "firmware": meter.firmware,
        "clock": _clock(identity.clock),
    }
    for name, value in named.items():
        if value is not None:
            yield name, value
    if identity.identification is not None:
        features = ", ".join(feature.name for feature in identity.identification.features) or "no features"
        yield "speaks", f"{identity.identification}, {features}"
    if meter.is_big_endian is not None:
        yield "octet order", "most significant first" if meter.is_big_endian else "least significant first"
    negotiated = identity.negotiated
    if negotiated is None:
        yield "packets", "1 of 64 octets (the standard's default)"
    else:
        speed = f", {negotiated.baud_rate} baud" if negotiated.baud_rate else ""
        yield "packets", f"up to {negotiated.max_packets} of {negotiated.packet_size} octets{speed}"
    for one in identity.data_sets:
        filled = "" if one.valid_blocks is None else f", {one.valid_blocks} filled"
        yield (
            f"load profile {one.data_set}",
            f"{duration_text(one.interval)}, {len(one.sources)} channels, "
            f"{one.blocks} blocks of {one.intervals_per_block} intervals{filled}",
        )


def _clock(clock: ClockReading | None) -> str | None:
    if clock is None:
        return None
    if clock.time is not None:
        told = time_text(clock.time)
        return f"{told} ({clock.problem})" if clock.problem else told
    shown = time_text(clock.shown) if clock.shown else "no time"
    return f"{shown} ({clock.problem})"
