"""The verbs of `meterkit dlms` for what meters are made to do, and for what people ask them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms_verbs import DlmsUrl, dlms
from meterkit.cli.parameters import Flag, Json, Time

_NO_ACCESS = DlmsAccess()


@dlms.command
def clock(
    url: DlmsUrl,
    /,
    *,
    set: str | None = None,  # noqa: A002 - the option's name
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Tell the meter's time, its state and how far it is off; or set it, after asking.

    ```
    meterkit dlms clock dlms+tcp://127.0.0.1:4059
    meterkit dlms clock 'dlms+tcp://127.0.0.1:4059?client=1' --set now
    meterkit dlms clock 'dlms+tcp://127.0.0.1:4059?client=1' --set 2026-03-01T12:00+01:00 --yes
    ```

    :param set: now, or a time in ISO 8601; without an offset it is the meter's local time.
    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.clock import clock as run_clock

    return run_clock(url, access, wanted=set, yes=yes, as_json=json)


@dlms.command
def disconnect(
    url: DlmsUrl,
    /,
    *,
    obis: str | None = None,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Switch the consumer behind the meter off, after asking. Nothing is ever sent twice.

    ```
    meterkit dlms disconnect 'dlms+tcp://127.0.0.1:4059?client=1'
    ```

    :param obis: Another disconnect control than 0-0:96.3.10.
    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.supply import switch

    return switch(url, access, obis, connect=False, yes=yes, as_json=json)


@dlms.command
def reconnect(
    url: DlmsUrl,
    /,
    *,
    obis: str | None = None,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Switch the consumer behind the meter on, after asking, or let somebody there press the button.

    ```
    meterkit dlms reconnect 'dlms+tcp://127.0.0.1:4059?client=1' --yes
    ```

    :param obis: Another disconnect control than 0-0:96.3.10.
    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.supply import switch

    return switch(url, access, obis, connect=True, yes=yes, as_json=json)


@dlms.command
def firmware(
    url: DlmsUrl,
    file: Annotated[Path | None, Parameter(help="The image; without one the meter's state is told.")] = None,
    /,
    *,
    identifier: str | None = None,
    activate: Flag = False,
    resume: Flag = False,
    patience: float = 600.0,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Tell how far a firmware update is; or transfer an image, have it verified and, if wanted, activated.

    Only blocks that the meter lacks are sent again. After a line that broke, --resume goes on from there.

    ```
    meterkit dlms firmware dlms+tcp://127.0.0.1:4059
    meterkit dlms firmware 'dlms+tcp://127.0.0.1:4059?client=1' image.bin --identifier 2.0
    meterkit dlms firmware 'dlms+tcp://127.0.0.1:4059?client=1' image.bin --identifier 2.0 --resume --activate
    ```

    :param identifier: What the image's maker calls it, as text or as hex: and hex digits.
    :param activate: Have the meter use it once it is verified.
    :param resume: Go on with what an earlier run of the same image left.
    :param patience: Seconds that a verification, and an activation, may take.
    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.firmware import Wish
    from meterkit.cli.dlms.firmware import firmware as run_firmware

    wish = Wish(file, identifier, activate=activate, resume=resume, patience=patience)
    return run_firmware(url, access, wish, yes=yes, as_json=json)


@dlms.command
def events(
    url: DlmsUrl,
    /,
    *,
    log: str | None = None,
    since: Time = None,
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Show what happened, oldest first: the standard event log, another one, or all logs of the meter.

    Codes have names where companion specifications agree on them.

    ```
    meterkit dlms events dlms+tcp://127.0.0.1:4059
    meterkit dlms events dlms+tcp://127.0.0.1:4059 --log all --since 2026-03-01
    ```

    :param log: OBIS code of a log, such as 0-0:99.98.1, or all. [default: 0-0:99.98.0]
    :param since: Events at this time and later, ISO 8601; without an offset it is UTC.
    :param all: Show every event, however many.
    """
    from meterkit.cli.dlms.events import events as run_events

    return run_events(url, access, log, since, show_all=all, as_json=json)


@dlms.command
def billing(
    url: DlmsUrl,
    /,
    *,
    profile: str | None = None,
    since: Time = None,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Show what the registers said at the end of each billing period.

    ```
    meterkit dlms billing dlms+tcp://127.0.0.1:4059
    meterkit dlms billing dlms+tcp://127.0.0.1:4059 --since 2026-01-01 --json
    ```

    :param profile: OBIS code of a billing profile. [default: 0-0:98.1.0, or 1-0:98.1.0]
    :param since: Periods that end at this time and later, ISO 8601; without an offset it is UTC.
    """
    from meterkit.cli.dlms.billing import billing as run_billing

    return run_billing(url, access, profile, since, as_json=json)


@dlms.command
def calendar(url: DlmsUrl, /, *, json: Json = False, access: DlmsAccess = _NO_ACCESS) -> int:
    """Show the tariff calendars, the one that acts and the one that is prepared, and the special days.

    ```
    meterkit dlms calendar dlms+tcp://127.0.0.1:4059
    ```
    """
    from meterkit.cli.dlms.calendar import calendar as run_calendar

    return run_calendar(url, access, as_json=json)
