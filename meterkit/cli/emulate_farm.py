"""`meterkit emulate fleet`: a whole farm of meters on TCP ports, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from meterkit.cli.emulate import EmulatorServer, parse_listen, serve_until_signal
from meterkit.cli.output import json_line
from meterkit.cli.running import say_hint
from meterkit.cli.usage import UsageMistake, new_file
from meterkit.emulator import DEMO_READ_KEY
from meterkit.emulator.farm import Farm, FarmConfiguration, Trouble
from meterkit.wording import flaw_text

DEFAULT_LISTEN: Final = "tcp://127.0.0.1:0"
_PERCENT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmWish:
    """Which meters, and where."""

    psem: int
    dlms: int
    slow: float  #: per cent
    broken: float  #: per cent
    per_port: int
    seed: int
    listen: str
    ready: bool
    fleet_file: Path | None
    overwrite: bool
    as_json: bool


class _FarmServer:
    """A farm, as what serves until a signal comes."""

    def __init__(self, farm: Farm, *, ready: bool) -> None:
        self.farm, self.ready = farm, ready

    @property
    def address(self) -> str:
        """The first meter's URL."""
        return self.farm.url(self.farm.meters[0])

    async def open(self) -> None:
        """Begin to serve.  Errors: OSError."""
        await self.farm.open()
        if self.ready:
            await self.farm.build()

    async def close(self) -> None:
        """Serve no longer."""
        await self.farm.close()


def serve(wish: FarmWish) -> int:
    """Serve a farm until a signal comes, which is its proper end: exit status 0."""
    host, port = parse_listen(wish.listen)
    new_file(wish.fleet_file, overwrite=wish.overwrite)
    farm = Farm(_configure(wish), host=host, port=port)
    last = port + len({meter.number - meter.place for meter in farm.meters}) - 1
    if port and last > 0xFFFF:
        raise UsageMistake(f"--listen {wish.listen}: these meters need ports up to {last}; there are 65535")

    def announce(server: EmulatorServer) -> None:
        _announce(farm, server.address, wish)

    return serve_until_signal(_FarmServer(farm, ready=wish.ready), wish.listen, announce)


def _configure(wish: FarmWish) -> FarmConfiguration:
    try:
        return FarmConfiguration(
            psem=wish.psem,
            dlms=wish.dlms,
            slow=wish.slow / _PERCENT,
            broken=wish.broken / _PERCENT,
            per_port=wish.per_port,
            seed=wish.seed,
        )
    except ValidationError as invalid:
        raise UsageMistake(flaw_text(invalid, lambda name: "--" + name.replace("_", "-"))) from None


def _announce(farm: Farm, first: str, wish: FarmWish) -> None:
    """Tell what there is; the fleet file goes into its file, or to standard output."""
    fleet = farm.fleet_file()
    text = json.dumps(fleet, indent=1, ensure_ascii=False)
    troubled = sum(meter.trouble is not Trouble.NONE for meter in farm.meters)
    if wish.fleet_file is not None:
        wish.fleet_file.write_text(text + "\n", encoding="utf-8")
    if wish.as_json:
        print(json_line({"meters": len(farm.meters), "ports": farm.nbr_ports, "fleet": fleet}), flush=True)
    elif wish.fleet_file is None:
        print(text, flush=True)
    else:
        print(wish.fleet_file, flush=True)
    say_hint(
        f"{len(farm.meters)} meters on {farm.nbr_ports} ports, the first {first}; "
        f"{troubled} of them slow or broken. Ctrl-C ends it."
    )
    file = "FILE" if wish.fleet_file is None else wish.fleet_file
    say_hint(f"to read them: METERKIT_PASSWORD={DEMO_READ_KEY.decode()} meterkit fleet run {file}")
