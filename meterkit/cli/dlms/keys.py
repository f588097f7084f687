"""`meterkit dlms keys show` and `policy`: what the meter demands, and which keys there are here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from anyio import to_thread
from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.console import screen
from meterkit.cli.console import show as show_parts
from meterkit.cli.dlms.access import DlmsAccess, Protection
from meterkit.cli.dlms.meter import dlms_address, on_dlms_meter
from meterkit.cli.output import print_json, safe_text
from meterkit.cli.psem.write import confirm
from meterkit.cli.running import OK
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.secured.key_fingerprint import fingerprint
from meterkit.dlms.secured.key_lookup import meter_name
from meterkit.dlms.secured.key_vault import CHANGEABLE, KeyVault
from meterkit.dlms.secured.security_setup_reading import SecuritySetupReading
from meterkit.dlms.security import KeyKind, KeyProvider, Security
from meterkit.errors import MeterFailure, ProtocolFault

_SHOWN: Final = (*CHANGEABLE, KeyKind.SIGNING, KeyKind.AGREEMENT)
Shown = dict[str, dict[str, str]]  #: in use and pending: fingerprints by kind


def show(url: str, access: DlmsAccess, setup: str, *, as_json: bool) -> int:
    """Read the Security setup, and tell which keys there are for the meter."""

    async def body(client: DlmsClient) -> int:
        reading = (await client.read_security_setup(setup)).unwrap()
        options = client.options
        shown: Shown = {}
        if options.keys is not None:
            shown = await to_thread.run_sync(keys_here, options.keys, meter_name(options))
        if as_json:
            print_json(_document(reading, shown))
        else:
            _print(reading, shown)
        return OK

    return on_dlms_meter(url, access, body)


def activate(
    url: str,
    access: DlmsAccess,
    protection: Protection,
    version: Literal[0, 1],
    setup: str,
    *,
    yes: bool,
    as_json: bool,
) -> int:
    """Raise the meter's policy, after a question unless `yes`."""
    dlms_address(url, access)
    security = Security[protection.upper().replace("-", "_")]
    confirm(f"Have {url} take nothing with less than {security.words} from now on, for good?", yes)

    async def body(client: DlmsClient) -> int:
        (await client.activate_security(security, version=version, security_setup=setup)).unwrap()
        if as_json:
            print_json({"setup": setup, "policy": protection})
        else:
            screen().print(f"every message has {security.words} from now on", markup=False)
        return OK

    return on_dlms_meter(url, access, body)


def keys_here(provider: KeyProvider, meter: str) -> Shown:
    """Return fingerprints of the keys that there are for a meter.  Errors: MeterFailure."""
    try:
        used = {kind: provider.key(meter, kind) for kind in _SHOWN}
        pending: Mapping[KeyKind, bytes] = {}
        if isinstance(provider, KeyVault):
            pending = provider.pending(meter)
    except ProtocolFault as odd:
        raise MeterFailure(odd.error) from None
    return {"in_use": _fingerprints(used), "pending": _fingerprints(pending)}


def _fingerprints(keys: Mapping[KeyKind, bytes | None]) -> dict[str, str]:
    return {kind.value: fingerprint(key) for kind, key in keys.items() if key is not None}


def _document(reading: SecuritySetupReading, shown: Shown) -> dict[str, object]:
    return {
        "setup": str(reading.obis),
        "policy": int(reading.policy),
        "policy_words": reading.words,
        "suite": reading.suite,
        "client_system_title": reading.client_system_title,
        "server_system_title": reading.server_system_title,
        "certificates": None if reading.certificates is None else len(reading.certificates),
        "keys": shown,
    }


def _print(reading: SecuritySetupReading, shown: Shown) -> None:
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    titles = (reading.client_system_title, reading.server_system_title)
    client, server = ("not told" if one is None else one.hex().upper() for one in titles)
    kept = "not told" if reading.certificates is None else str(len(reading.certificates))
    rows = {
        "Security setup": str(reading.obis),
        "demands": reading.words,
        "suite": str(reading.suite),
        "client's system title": client,
        "meter's system title": server,
        "certificates": kept,
    }
    for state, keys in shown.items():
        for kind, digits in keys.items():
            rows[f"{kind} key" + (", pending" if state == "pending" else "")] = f"fingerprint {digits}"
    for name, value in rows.items():
        grid.add_row(Text(name, style="cyan"), Text(safe_text(value)))
    show_parts(grid)
    if shown.get("pending"):
        show_parts(
            Text(
                "a change of keys is unfinished: `meterkit dlms keys rotate` goes on with it", style="yellow"
            )
        )
