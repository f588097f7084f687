"""`meterkit psem mbus`: what the M-Bus and MEP devices behind the meter last said."""

from __future__ import annotations

from decimal import Decimal

from rich.text import Text

from meterkit.cli.access import Access
from meterkit.cli.console import show
from meterkit.cli.grid import make_grid
from meterkit.cli.meter import on_meter
from meterkit.cli.output import decimal_text, hex_dump, print_json, safe_text, time_text
from meterkit.cli.running import OK
from meterkit.mbus import DataRecord, Value
from meterkit.psem.client import PsemClient
from meterkit.psem.readings import MbusReading, MbusReadings, MepReading
from meterkit.psem.tables.osgp.mbus import Authentication

_HEADS = ("~quantity", ">value", "unit", ">storage", ">tariff", ">subunit", "~function", "~remark")


def mbus(url: str, access: Access, *, as_json: bool) -> int:
    """Read the devices' data and show it."""

    async def body(client: PsemClient) -> int:
        found = (await client.mbus()).unwrap()
        if as_json:
            print_json(_document(found))
        else:
            _show(found)
        return OK

    return on_meter(url, access, body)


def _document(found: MbusReadings) -> dict[str, object]:
    return {
        "devices": [_device_document(device) for device in found.devices],
        "meps": [
            {
                "entry": mep.entry,
                "time": mep.time,
                "read_count": mep.read_count,
                "is_complete": mep.is_complete,
                "data": mep.data,
            }
            for mep in found.meps
        ],
    }


def _device_document(device: MbusReading) -> dict[str, object]:
    header = device.header
    return {
        "entry": device.entry,
        "time": device.time,
        "identification": header and header.identification,
        "manufacturer": header and header.manufacturer,
        "version": header and header.version,
        "medium": header and header.medium,
        "status": header and str(header.status),
        "encryption": header and str(header.encryption),
        "is_encrypted": device.is_encrypted,
        "has_key": device.has_key,
        "authentication": device.authentication,
        "has_failed_check": device.has_failed_check,
        "problems": device.problems,
        "records": [_record_document(record) for record in device.records],
    }


def _record_document(record: DataRecord) -> dict[str, object]:
    return {
        "quantity": record.quantity,
        "value": record.value,
        "unit": record.unit,
        "storage": record.storage,
        "tariff": record.tariff,
        "subunit": record.subunit,
        "function": record.function,
        "qualifiers": record.qualifiers,
        "problem": record.problem or None,
        "raw": record.raw,
    }


def _show(found: MbusReadings) -> None:
    if not found.devices and not found.meps:
        show(Text("no device has said anything yet", style="dim"))
    for device in found.devices:
        _show_device(device)
    for mep in found.meps:
        _show_mep(mep)


def _show_device(device: MbusReading) -> None:
    header = device.header
    who = "unknown device"
    if header is not None:
        version = "" if header.version is None else f"version {header.version}"
        words = (header.medium, header.manufacturer, header.identification, version)
        who = " ".join(filter(None, words))  # the fixed data structure names no manufacturer
    told = f"{who}, read {time_text(device.time)} by the meter's clock"
    show(Text(safe_text(f"{device.entry}: {told}"), style="bold"))
    if header is not None and str(header.status) != "no error":
        show(Text(safe_text(f"status: {header.status}"), style="yellow"))
    for problem in _problems(device):
        show(Text(safe_text(problem), style="yellow"))
    if device.records:
        show(make_grid(_HEADS, map(_row, device.records)))


def _problems(device: MbusReading) -> list[str]:
    problems = list(device.problems)
    if device.is_encrypted and device.header is not None:
        problems.append(f"encrypted: {device.header.encryption}; the meter has no key for it")
    if device.authentication is not Authentication.PASSED:
        problems.append(device.authentication.name.lower().replace("_", " "))
    if device.has_failed_check:
        problems.append("a security check failed")
    return problems


def _row(record: DataRecord) -> tuple[str, ...]:
    remarks = [*record.qualifiers, record.problem]
    return (
        record.quantity,
        _value_text(record.value),
        record.unit,
        str(record.storage or ""),
        str(record.tariff or ""),
        str(record.subunit or ""),
        record.function.name.lower().replace("_", " "),
        ", ".join(remark for remark in remarks if remark),
    )


def _value_text(value: Value) -> str:
    match value:
        case None | Decimal():
            return decimal_text(value)
        case bytes():
            return value.hex(" ")
        case _:
            return str(value)


def _show_mep(mep: MepReading) -> None:
    told = f"MEP device, read {mep.read_count} times, last {time_text(mep.time)} by the meter's clock"
    show(Text(f"{mep.entry}: {told}", style="bold"))
    show(*map(Text, hex_dump(mep.data)))
    if not mep.is_complete:
        show(Text("its data is cut at the end of the entry", style="yellow"))
