"""`meterkit psem registers`: billing registers, now or as they were at self reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from meterkit.cli.access import Access
from meterkit.cli.console import show
from meterkit.cli.grid import make_grid
from meterkit.cli.meter import on_meter
from meterkit.cli.output import decimal_text, print_json, time_text
from meterkit.cli.running import OK
from meterkit.cli.usage import UsageMistake
from meterkit.psem.client import PsemClient
from meterkit.psem.readings import Registers, RegisterValue, SelfReading
from meterkit.psem.tables.osgp.summations import ENERGY_REGISTER_UNITS

_HEADS = ("tier", "~register", ">value", "unit", "time", "OBIS", ">source", "~remark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What registers are wanted."""

    self_reads: bool
    since: datetime | None
    energy_register_unit: int
    as_json: bool

    def check(self) -> None:
        """Refuse what cannot be.  Errors: UsageMistake."""
        if self.since is not None and not self.self_reads:
            raise UsageMistake("--since goes with --self-reads: registers are read as they stand now")
        if self.energy_register_unit not in ENERGY_REGISTER_UNITS:
            raise UsageMistake(f"--energy-register-unit {self.energy_register_unit}: give 1, 10 or 100")


def registers(url: str, access: Access, wish: Wish) -> int:
    """Read the registers and show them."""
    wish.check()

    async def body(client: PsemClient) -> int:
        unit = wish.energy_register_unit
        if wish.self_reads:
            since = wish.since.replace(tzinfo=None) if wish.since else None  # by the meter's own clock
            reads = (await client.self_reads(since, unit)).unwrap()
            if wish.as_json:
                print_json({"self_reads": [_self_read_document(one) for one in reads]})
            else:
                _show_self_reads(reads)
        else:
            found = (await client.registers(unit)).unwrap()
            if wish.as_json:
                print_json(registers_document(found))
            else:
                _show(found)
        return OK

    return on_meter(url, access, body)


def registers_document(found: Registers) -> dict[str, object]:
    """Return what `meterkit psem registers --json` prints."""
    return {
        "demand_resets": found.nbr_demand_resets,
        "registers": [_document(value) for value in found.values],
    }


def _document(value: RegisterValue) -> dict[str, object]:
    return {
        "name": value.name,
        "value": value.value,
        "unit": value.unit,
        "kind": value.kind,
        "tier": value.tier,
        "index": value.index,
        "occurrence": value.occurrence,
        "source": value.source,
        "time": value.time,
        "is_maximum": value.is_maximum,
        "demand": value.demand,
        "obis": value.obis,
        "raw": value.raw,
        "problem": value.problem or None,
    }


def _self_read_document(one: SelfReading) -> dict[str, object]:
    head = {"time": one.time, "sequence": one.sequence, "season": one.season, "bidn": one.bidn}
    return head | registers_document(one.registers)


def _show(found: Registers) -> None:
    show(make_grid(_HEADS, _rows(found.values)))
    if found.nbr_demand_resets is not None:
        show(Text(f"{found.nbr_demand_resets} demand resets", style="dim"))


def _show_self_reads(reads: tuple[SelfReading, ...]) -> None:
    if not reads:
        show(Text("no self reads", style="dim"))
    for one in reads:
        season = "" if one.season is None else f", season {one.season}"
        bidn = "" if one.bidn is None else f", configuration {one.bidn}"
        when = f"{time_text(one.time)} by the meter's clock"
        show(Text(f"self read {one.sequence}, {when}{season}{bidn}", style="bold"))
        _show(one.registers)


def _rows(values: Iterable[RegisterValue]) -> Iterable[tuple[str, ...]]:
    for value in values:
        yield (
            "total" if value.tier == 0 else str(value.tier),
            value.name,
            decimal_text(value.value),
            value.unit,
            time_text(value.time),
            value.obis or "",
            "" if value.source is None else str(value.source),
            value.problem,
        )
