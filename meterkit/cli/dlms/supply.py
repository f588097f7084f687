"""`meterkit dlms disconnect` and `reconnect`: the switch behind the meter."""

from __future__ import annotations

from meterkit.cli.console import screen
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import dlms_address, on_dlms_meter
from meterkit.cli.dlms.references import parse_obis
from meterkit.cli.output import print_json
from meterkit.cli.psem.write import confirm
from meterkit.cli.running import OK
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.duties.disconnector import DisconnectorReading


def switch(url: str, access: DlmsAccess, obis: str | None, *, connect: bool, yes: bool, as_json: bool) -> int:
    """Disconnect or connect the consumer, after a question unless `yes`."""
    control = ObisCode.DISCONNECT_CONTROL if obis is None else parse_obis(obis)
    dlms_address(url, access)  # a wrong address is told before the question
    what = "Reconnect" if connect else "Disconnect"
    confirm(f"{what} the consumer behind {url} ({control})?", yes)

    async def body(client: DlmsClient) -> int:
        duty = client.reconnect_supply if connect else client.disconnect_supply
        state = (await duty(control)).unwrap()
        if as_json:
            print_json(
                {
                    "obis_code": str(control),
                    "is_connected": state.is_connected,
                    "state": state.state,
                    "mode": state.mode,
                    "needs_button": state.needs_button,
                }
            )
        else:
            screen().print(_told(state), markup=False)
        return OK

    return on_dlms_meter(url, access, body)


def _told(state: DisconnectorReading) -> str:
    if state.state is None and state.is_connected is None:
        return "done; the meter does not tell its state"
    word = state.state.meaning if state.state is not None else "state not told"
    output = {True: "; power is on", False: "; power is off", None: ""}[state.is_connected]
    return f"{word}{output}"
