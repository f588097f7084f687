"""`meterkit dlms firmware`: an image on its way into the meter, or how far an earlier one came."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.console import messages, screen, show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import dlms_address, on_dlms_meter
from meterkit.cli.output import print_json
from meterkit.cli.psem.write import confirm
from meterkit.cli.running import OK
from meterkit.cli.usage import UsageMistake, parse_octets, read_file
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.push_and_image import ImageToActivate
from meterkit.dlms.duties.firmware_status import FirmwareProgress, FirmwareReport, FirmwareStatus
from meterkit.dlms.readings.texts import text


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with which image; without a file the meter's state is told."""

    file: Path | None
    identifier: str | None
    activate: bool
    resume: bool
    patience: float


def firmware(url: str, access: DlmsAccess, wish: Wish, *, yes: bool, as_json: bool) -> int:
    """Update the firmware, after a question unless `yes`; or tell the state."""
    if wish.file is None:
        if wish.identifier is not None or wish.activate or wish.resume:
            raise UsageMistake("name the image: meterkit dlms firmware URL FILE --identifier NAME")
        return _status(url, access, as_json=as_json)
    image, identifier = read_file(wish.file), _identifier(wish.identifier)
    if not image:
        raise UsageMistake(f"{wish.file.name} is empty")
    if not wish.patience >= 0:
        raise UsageMistake(f"--patience {wish.patience:g}: 0 or more is allowed")
    dlms_address(url, access)  # a wrong address is told before the question
    then = " and activate it" if wish.activate else ""
    confirm(f"Transfer {wish.file.name} ({len(image)} octets) to {url}{then}?", yes)

    async def body(client: DlmsClient) -> int:
        with _bar() as progress:
            updated = await client.update_firmware(
                image,
                identifier,
                activate=wish.activate,
                resume=wish.resume,
                patience=wish.patience,
                progress=progress,
            )
        report = updated.unwrap()
        if as_json:
            print_json(_report(report))
        else:
            screen().print(_told(report), markup=False)
        return OK

    return on_dlms_meter(url, access, body, tells_octets=False)


def _identifier(identifier: str | None) -> bytes:
    if not identifier:
        raise UsageMistake("--identifier is missing: what the image's maker calls it, as text or hex:...")
    return parse_octets(identifier[4:]) if identifier.startswith("hex:") else identifier.encode()


@contextmanager
def _bar() -> Generator[Callable[[FirmwareProgress], None] | None]:
    """Show on standard error, if that is a terminal, how much the meter has; yields what is to be told."""
    console = messages()
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("preparing", total=None)

        def told(at: FirmwareProgress) -> None:
            bar.update(task, description=at.phase.value, completed=at.octets, total=at.total_octets)

        yield told


def _report(report: FirmwareReport) -> dict[str, object]:
    return {
        "status": report.status,
        "blocks": report.blocks,
        "blocks_sent": report.blocks_sent,
        "is_activated": report.is_activated,
        "images": _images(report.images),
    }


def _told(report: FirmwareReport) -> str:
    sent = f"{report.blocks} blocks, {report.blocks_sent} sent in this run"
    state = "activated" if report.is_activated else "verified, not activated"
    return f"{state}: {sent}"


# ---------------------------------------------------------------- how far it is
def _status(url: str, access: DlmsAccess, *, as_json: bool) -> int:
    async def body(client: DlmsClient) -> int:
        status = (await client.firmware_status()).unwrap()
        identity = (await client.identity()).unwrap()
        if as_json:
            print_json({"firmware": identity.firmware, **_document(status)})
        else:
            _show(status, identity.firmware)
        return OK

    return on_dlms_meter(url, access, body)


def _document(status: FirmwareStatus) -> dict[str, object]:
    bits = status.blocks
    return {
        "status": status.status,
        "is_enabled": status.is_enabled,
        "block_size": status.block_size,
        "blocks": None if bits is None else len(bits),
        "blocks_there": None if bits is None else sum(bits),
        "first_missing_block": status.first_missing_block,
        "images": _images(status.images),
    }


def _images(images: tuple[ImageToActivate, ...] | None) -> list[dict[str, object]] | None:
    if images is None:
        return None
    return [
        {
            "identifier": text(one.image_to_activate_identification),
            "size": one.image_to_activate_size,
            "signature": one.image_to_activate_signature,
        }
        for one in images
    ]


def _show(status: FirmwareStatus, active: str | None) -> None:
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    bits = status.blocks
    waiting = ", ".join(text(one.image_to_activate_identification) for one in status.images or ())
    rows = {
        "active firmware": active,
        "image transfer": None if status.status is None else status.status.meaning,
        "enabled": None if status.is_enabled is None else "yes" if status.is_enabled else "no",
        "block size": None if status.block_size is None else f"{status.block_size} octets",
        "blocks": None if not bits else f"{sum(bits)} of {len(bits)} are there",
        "images": waiting,
    }
    for name, value in rows.items():
        if value:
            grid.add_row(Text(name, style="cyan"), Text(value))
    show(grid)
