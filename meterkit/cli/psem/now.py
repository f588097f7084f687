"""`meterkit psem now`: what the meter measures at this moment."""

from __future__ import annotations

from meterkit.cli.access import Access
from meterkit.cli.console import show
from meterkit.cli.grid import make_grid
from meterkit.cli.meter import on_meter
from meterkit.cli.output import decimal_text, print_json
from meterkit.cli.running import OK
from meterkit.psem.client import PsemClient
from meterkit.psem.readings import PresentReading

_HEADS = (">no", "~name", ">value", "unit", "~time remaining", "~ratios in it", ">source", "~remark")


def now(url: str, access: Access, *, as_json: bool) -> int:
    """Read the present values and show them."""

    async def body(client: PsemClient) -> int:
        values = (await client.instantaneous()).unwrap()
        if as_json:
            print_json({"values": [_document(value) for value in values]})
        else:
            show(make_grid(_HEADS, map(_row, values)))
        return OK

    return on_meter(url, access, body)


def _document(value: PresentReading) -> dict[str, object]:
    return {
        "name": value.name,
        "value": value.value,
        "unit": value.unit,
        "kind": value.kind,
        "number": value.number,
        "source": value.source,
        "ratios": value.ratios or None,
        "time_remaining": value.time_remaining,
        "raw": value.raw,
        "problem": value.problem or None,
    }


def _row(value: PresentReading) -> tuple[str, ...]:
    return (
        str(value.number),
        value.name,
        decimal_text(value.value),
        value.unit,
        "" if value.time_remaining is None else str(value.time_remaining),
        value.ratios,
        "" if value.source is None else str(value.source),
        value.problem,
    )
