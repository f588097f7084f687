"""`meterkit dlms info`: what the association granted, and who the meter is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.dlms.view import value_document, value_text
from meterkit.cli.output import print_json, safe_text
from meterkit.cli.running import OK
from meterkit.dlms.agreement import NegotiatedAssociation
from meterkit.dlms.attribute_data import AttributeData
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.errors import MeterError, ends_session
from meterkit.result import Err, Ok, Result

#: What is asked for, by what people call it: class, object, attribute.
_ASKED: Final = {
    "logical_device_name": (1, ObisCode.LOGICAL_DEVICE_NAME, 2),
    "serial_number": (1, ObisCode.SERIAL_NUMBER, 2),
    "firmware": (1, ObisCode.FIRMWARE_VERSION, 2),
    "clock": (8, ObisCode.CLOCK, 2),
}


def info(url: str, access: DlmsAccess, *, as_json: bool) -> int:
    """Read who the meter is; what it does not have or give is told as withheld."""

    async def body(client: DlmsClient) -> int:
        negotiated = client.negotiated
        assert negotiated is not None  # connected
        answers = await client.get_attribute_list(_ASKED.values()).collect()
        for answer in answers:
            if isinstance(answer, Err) and ends_session(answer.error):
                answer.unwrap()
        told = dict(zip(_ASKED, answers, strict=True))
        if as_json:
            print_json(_document(negotiated, told))
        else:
            _show(negotiated, told)
        return OK

    return on_dlms_meter(url, access, body)


def _document(negotiated: NegotiatedAssociation, told: dict[str, Result[AttributeData]]) -> dict[str, object]:
    known = {
        name: value_document(answer.value.data, answer.value.value) if isinstance(answer, Ok) else None
        for name, answer in told.items()
    }
    return {
        **known,
        "association": {
            "conformance": negotiated.conformance.words.split(", "),
            "max_pdu": negotiated.max_pdu,
            "dlms_version": negotiated.dlms_version,
            "vaa_name": negotiated.vaa_name,
        },
        "withheld": [str(error) for error in _withheld(told)],
    }


def _withheld(told: dict[str, Result[AttributeData]]) -> Iterator[MeterError]:
    for answer in told.values():
        if isinstance(answer, Err):
            yield answer.error


def _show(negotiated: NegotiatedAssociation, told: dict[str, Result[AttributeData]]) -> None:
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, answer in told.items():
        if isinstance(answer, Ok):
            value = value_text(answer.value.value).strip('"')
            grid.add_row(Text(name.replace("_", " "), style="cyan"), Text(safe_text(value)))
    limit = f"{negotiated.max_pdu} octets" if negotiated.max_pdu else "no limit"
    grid.add_row(Text("granted services", style="cyan"), Text(negotiated.conformance.words))
    grid.add_row(Text("largest PDU", style="cyan"), Text(limit))
    grid.add_row(Text("DLMS version", style="cyan"), Text(str(negotiated.dlms_version)))
    show(grid, *(Text(f"withheld: {safe_text(str(error))}", style="yellow") for error in _withheld(told)))
