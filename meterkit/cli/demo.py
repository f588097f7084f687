"""`meterkit demo`: a whole meter inside this process, read over TCP and over a serial line."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import anyio
from rich.console import RenderableType
from rich.text import Text

from meterkit.address import MeterAddress
from meterkit.cli.console import drawing_width, screen, show
from meterkit.cli.interruption import interruptible
from meterkit.cli.output import print_json
from meterkit.cli.pictures.svg import WIDTH, save_svg
from meterkit.cli.profile_view import ProfileView
from meterkit.cli.psem.identity import Identity, read_identity
from meterkit.cli.psem.info import identity_parts
from meterkit.cli.psem.profile import drain
from meterkit.cli.running import OK
from meterkit.cli.usage import new_file
from meterkit.emulator import DEMO_READ_KEY, EmulatorConfiguration, MeterEmulator, open_pty, serve_tcp
from meterkit.errors import ErrorKind, MeterError, MeterFailure
from meterkit.psem.client import PsemClient
from meterkit.psem.tables.load_profile import LoadProfileGeometry, LoadProfileRow

#: The data set to show: intervals of 15 minutes.
_DATA_SET = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What came over one line."""

    url: str
    identity: Identity
    geometry: LoadProfileGeometry
    rows: list[LoadProfileRow]
    duration: float  #: s, from opening the line to logging off


def demo(seed: int, *, svg: Path | None, overwrite: bool, as_json: bool) -> int:
    """Start a meter, read it over every line this system has, show what came."""
    new_file(svg, overwrite=overwrite)

    async def work() -> int:
        readings = await _read_everywhere(MeterEmulator(EmulatorConfiguration(seed=seed)))
        if as_json:
            print_json(_document(readings))
        else:
            console = screen()
            colours = console.color_system is not None and not console.no_color
            show(*_parts(readings, drawing_width(console), colours=colours))
        if svg is not None:
            save_svg(svg, "meterkit demo", _parts(readings, WIDTH, colours=True))
        return OK

    async def session() -> int:
        return await interruptible(work)

    return anyio.run(session)


async def _read_everywhere(emulator: MeterEmulator) -> list[Reading]:
    """Read the meter over TCP and, where the system has them, over a pseudo-terminal."""
    async with AsyncExitStack() as lines:
        addresses = [(await lines.enter_async_context(serve_tcp(emulator))).address]
        if hasattr(os, "openpty"):
            addresses.append((await lines.enter_async_context(open_pty(emulator))).address)
        readings = [await _read(address) for address in addresses]
    _compare(readings)
    return readings


async def _read(url: str) -> Reading:
    transport = MeterAddress.parse(url).transport()
    started = perf_counter()
    rows: list[LoadProfileRow] = []
    async with PsemClient(transport) as client:
        (await client.connect(DEMO_READ_KEY)).unwrap()
        identity = await read_identity(client)
        stream = client.load_profile(_DATA_SET)
        error = await drain(stream, [rows.append])
        if error is not None:
            raise MeterFailure(error)
    assert stream.geometry is not None
    return Reading(url, identity, stream.geometry, rows, perf_counter() - started)


def _compare(readings: list[Reading]) -> None:
    """Check that every line brought the same intervals; the meter may have recorded one in between."""
    shared = [{row.end_time: row.values for row in reading.rows} for reading in readings]
    times = set(shared[0]).intersection(*shared)
    for other, reading in zip(shared, readings, strict=True):
        if not times or any(other[time] != shared[0][time] for time in times):
            message = "other values than the first line brought for the same intervals"
            raise MeterFailure(MeterError(ErrorKind.PROTOCOL, message, where=reading.url))


def _parts(readings: list[Reading], width: int, *, colours: bool) -> list[RenderableType]:
    first = readings[0]
    parts: list[RenderableType] = [Text("an emulated meter on this computer", style="bold")]
    parts += [*identity_parts(first.identity), Text()]
    for reading in readings:
        line = Text(reading.url, style="cyan")
        line.append(
            f"  identified, logged on, {len(reading.rows)} intervals read, logged off", style="not bold"
        )
        line.append(f"  {reading.duration * 1000:.0f} ms", style="green")
        parts.append(line)
    view = ProfileView(first.geometry, first.rows, more="meterkit psem profile --all shows them")
    parts += [Text(), *view.parts(width, colours=colours), Text()]
    parts.append(Text("now yours: meterkit emulate psem    meterkit psem --help", style="dim"))
    return parts


def _document(readings: list[Reading]) -> dict[str, object]:
    return {
        "identity": readings[0].identity.document(),
        "data_set": _DATA_SET,
        "lines": [
            {
                "url": reading.url,
                "intervals": len(reading.rows),
                "first_end_time": reading.rows[0].end_time if reading.rows else None,
                "last_end_time": reading.rows[-1].end_time if reading.rows else None,
                "seconds": round(reading.duration, 3),
            }
            for reading in readings
        ],
    }
