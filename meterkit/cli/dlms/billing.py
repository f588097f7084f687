"""`meterkit dlms billing`: what the registers said at the end of each billing period."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.dlms.references import parse_obis
from meterkit.cli.dlms.view import value_text
from meterkit.cli.grid import make_grid
from meterkit.cli.output import decimal_text, error_document, print_json, time_text
from meterkit.cli.running import FAILED, OK, say_error
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.readings.billing import BilledValue, BillingSnapshot


def billing(
    url: str, access: DlmsAccess, profile: str | None, since: datetime | None, *, as_json: bool
) -> int:
    """Read the billing profile and show it, one line a value."""
    chosen = None if profile is None else parse_obis(profile)

    async def body(client: DlmsClient) -> int:
        snapshots = (await client.billing(chosen, since)).unwrap()
        if as_json:
            told = {} if snapshots.error is None else error_document(snapshots.error)
            print_json({"snapshots": [*map(_document, snapshots)]} | told)
        elif not snapshots:
            show(Text("no billing period ended in this span of time", style="dim"))
        else:
            rows = (_row(one, value) for one in snapshots for value in one.values)
            show(make_grid(("end of period", "object", "~name", ">value", "unit"), rows))
        if snapshots.error is not None:
            say_error(str(snapshots.error))
            return FAILED
        return OK

    return on_dlms_meter(url, access, body)


def _document(snapshot: BillingSnapshot) -> dict[str, object]:
    return {
        "time": snapshot.time,
        "values": [
            {
                "obis_code": str(one.obis),
                "attribute": one.attribute_index,
                "name": one.words or None,
                "value": one.value,
                "raw": one.raw,
                "unit": None if one.unit is None else one.unit.symbol,
            }
            for one in snapshot.values
        ],
    }


def _row(snapshot: BillingSnapshot, one: BilledValue) -> tuple[str, ...]:
    clock = "-" if snapshot.clock is None else str(snapshot.clock)
    value = decimal_text(one.value) if isinstance(one.value, Decimal) else _value(one.value)
    return (
        clock if snapshot.time is None else time_text(snapshot.time),
        str(one.obis),
        one.words,
        value,
        "" if one.unit is None else one.unit.symbol,
    )


def _value(value: object) -> str:
    return time_text(value) if isinstance(value, datetime) else value_text(value)  # type: ignore[arg-type]
