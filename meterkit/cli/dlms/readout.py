"""`meterkit dlms readout`: the registers of a meter as its IEC 62056-21 data readout tells them."""

from __future__ import annotations

import anyio
from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.meter import dlms_address, progress
from meterkit.cli.dlms.view import readable_address
from meterkit.cli.grid import make_grid
from meterkit.cli.interruption import interruptible
from meterkit.cli.output import print_json, safe_text
from meterkit.cli.running import OK
from meterkit.cli.usage import UsageMistake
from meterkit.options import SerialOptions, TcpOptions
from meterkit.readout import Readout
from meterkit.session.sign_on import read_out


def readout(url: str, *, baud_rate: int, as_json: bool) -> int:
    """Read the meter out and show its lines."""
    address, options = dlms_address(url)
    if options.interface != "hdlc" or not isinstance(address.line, SerialOptions | TcpOptions):
        raise UsageMistake(
            "a readout comes over a serial line: dlms+hdlc+serial:// or, behind a converter, dlms+hdlc+tcp://"
        )

    async def session() -> int:
        with progress(address.transport()) as transport:

            async def work() -> int:
                told = await read_out(
                    transport,
                    device_address=options.mode_e_address,
                    baud_switch=options.baud_switch,
                    baud_rate=baud_rate,
                )
                _show(told.unwrap(), as_json=as_json)
                return OK

            return await interruptible(work, transport)

    return anyio.run(session)


def _show(told: Readout, *, as_json: bool) -> None:
    identification = None if told.identification is None else str(told.identification)
    if as_json:
        print_json(
            {
                "identification": identification,
                "is_checked": told.is_checked,
                "lines": [
                    {
                        "address": line.address,
                        "values": [{"value": one.value, "unit": one.unit or None} for one in line.values],
                    }
                    for line in told.lines
                ],
            }
        )
        return
    if identification is not None:
        show(Text(safe_text(identification), style="bold"))
    rows = [
        (
            line.address or "-",
            readable_address(line.address) or "-",
            ", ".join(f"{one.value} {one.unit}".strip() for one in line.values) or "-",
        )
        for line in told.lines
    ]
    show(make_grid(("address", "~name", "~values"), rows))
    if not told.is_checked:
        show(Text("the meter sent no block check", style="yellow"))
