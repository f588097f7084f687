"""The verbs of `meterkit dlms`, `meterkit emulate dlms`, and the help that teaches them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from meterkit.cli.dlms.access import Auth, DlmsAccess, Protection
from meterkit.cli.dlms_keys_verbs import keys
from meterkit.cli.dlms_profile_verb import profile
from meterkit.cli.emulate_verbs import emulate
from meterkit.cli.parameters import Flag, Json, Overwrite

dlms = App(
    name="dlms",
    help="""Talk to a DLMS/COSEM meter (IEC 62056) over TCP, UDP, serial or optical ports.

    The address is one URL: `dlms+tcp://HOST:PORT` and `dlms+udp://HOST:PORT` (WRAPPER),
    `dlms+hdlc+tcp://HOST:PORT` and `dlms+hdlc+serial://DEVICE`; what follows the question mark are options
    of the line and of the association, by their names in the Python API: `client=1`, `server=1`,
    `mode_e=true`, `server_physical_address=17`, `referencing=short_name`.

    An attribute is written CLASS/OBIS/ATTRIBUTE: `3/1-0:1.8.0/2` is the value of the register of active
    energy. Try it on `meterkit emulate dlms`.

    The password comes from `--password-file`, the environment variable METERKIT_PASSWORD or
    `--ask-password`, as text or as `hex:` and hex digits; with one, low level security is asked for.
    It never stands in the URL.

    A secured meter is asked by `--auth gmac --system-title CLIENT01 --key-from file:keys.toml`; what of that
    is no secret may stand in the URL by its name, such as `security=authentication_encryption`.
    `meterkit dlms keys` tells more, and changes keys.
    """,
)

_NO_ACCESS = DlmsAccess()
DlmsUrl = Annotated[
    str, Parameter(name="URL", help="Address of the meter, such as dlms+tcp://127.0.0.1:4059.")
]
Reference = Annotated[
    str, Parameter(help="CLASS/OBIS/ATTRIBUTE, such as 3/1-0:1.8.0/2 or 8/0.0.1.0.0.255/2.")
]
MethodReference = Annotated[
    str, Parameter(name="METHOD", help="CLASS/OBIS/METHOD, such as 70/0-0:96.3.10/1.")
]
TypedValue = Annotated[
    str,
    Parameter(
        help="The value with its type: double-long-unsigned:42, octet-string:0102, octet-string:time=now, "
        "visible-string:abc, structure(unsigned:1, enum:2), or hex: and A-XDR.",
        allow_leading_hyphen=True,
    ),
]


@dlms.command
def info(url: DlmsUrl, /, *, json: Json = False, access: DlmsAccess = _NO_ACCESS) -> int:
    """Tell who the meter is and what it granted: name, serial number, firmware, clock, services, PDU size.

    ```
    meterkit dlms info dlms+tcp://127.0.0.1:4059
    meterkit dlms info 'dlms+hdlc+serial:///dev/ttyUSB0?mode_e=true' --json
    ```
    """
    from meterkit.cli.dlms.info import info as run_info

    return run_info(url, access, as_json=json)


@dlms.command
def objects(
    url: DlmsUrl,
    /,
    *,
    class_id: Annotated[int | None, Parameter(name="--class")] = None,
    explain: Flag = False,
    cache: Path | None = None,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """List the objects that this client sees, with their names and the rights to them.

    Rights: r read, w write, x execute; a star behind them: the request has to be protected.

    ```
    meterkit dlms objects dlms+tcp://127.0.0.1:4059
    meterkit dlms objects dlms+tcp://127.0.0.1:4059 --class 3 --json
    meterkit dlms objects dlms+tcp://127.0.0.1:4059 --class 3 --explain
    ```

    :param class_id: Only objects of this interface class: 1 data, 3 register, 7 profile generic, 8 clock.
    :param explain: Tell what each name means, group by group, and each attribute and method by its name.
    :param cache: Folder to keep the list in; a later run takes it from there while the meter is the same.
    """
    from meterkit.cli.dlms.objects import objects as run_objects

    return run_objects(url, access, class_id, explain=explain, cache=cache, as_json=json)


@dlms.command
def clone(
    url: DlmsUrl,
    file: Annotated[Path, Parameter(name="FILE", help="Where it goes, such as meter.json.")],
    /,
    *,
    rows: int | None = None,
    overwrite: Overwrite = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Save what the meter shows this client: every object, its rights and values, as JSON to edit or serve.

    `meterkit emulate dlms --objects FILE` is that meter from then on. The file holds what the meter tells,
    names and readings of customers among it; passwords are left out.

    ```
    meterkit dlms clone dlms+tcp://127.0.0.1:4059 meter.json
    meterkit dlms clone 'dlms+tcp://127.0.0.1:4059?client=1' meter.json --rows 100
    ```

    :param rows: Of each profile only so many of the newest rows; by default all of them.
    """
    from meterkit.cli.dlms.clone import Wish
    from meterkit.cli.dlms.clone import clone as run_clone

    return run_clone(url, access, Wish(file=file, rows=rows, overwrite=overwrite, as_json=json))


@dlms.command
def get(
    url: DlmsUrl,
    /,
    *references: Reference,
    range: str | None = None,  # noqa: A002 - the option's name
    entries: str | None = None,
    columns: str | None = None,
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Read attributes: one, or several at once; of a profile the whole buffer or a part.

    An attribute that the meter refuses is told, the others are shown all the same, and the exit status is 1.

    ```
    meterkit dlms get dlms+tcp://127.0.0.1:4059 8/0-0:1.0.0/2
    meterkit dlms get dlms+tcp://127.0.0.1:4059 3/1-0:1.8.0/2 3/1-0:1.8.0/3 3/1-0:32.7.0/2
    meterkit dlms get dlms+tcp://127.0.0.1:4059 7/1-0:99.1.0/2 --entries 1..8 --columns 1..3
    meterkit dlms get dlms+tcp://127.0.0.1:4059 7/1-0:99.1.0/2 --range 2026-03-01..2026-03-02
    ```

    :param range: Rows from a time to a time, FROM..TO in ISO 8601; without an offset in the meter's own time.
    :param entries: Rows by number, FIRST..LAST from 1; FIRST.. is to the end.
    :param columns: Columns by number, FIRST..LAST from 1, with --entries or alone.
    :param all: Show every row and line, however many.
    """
    from meterkit.cli.dlms.get import Wish
    from meterkit.cli.dlms.get import get as run_get
    from meterkit.cli.dlms.references import parse_attribute

    wanted = [parse_attribute(text) for text in references]
    return run_get(url, access, Wish(wanted, range, entries, columns, show_all=all, as_json=json))


@dlms.command(name="set")
def set_(
    url: DlmsUrl,
    reference: Reference,
    value: TypedValue,
    /,
    *,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Write one attribute, after asking. Nothing is ever sent twice.

    ```
    meterkit dlms set 'dlms+tcp://127.0.0.1:4059?client=1' 1/0-0:96.13.0/2 octet-string:text=kitchen --yes
    meterkit dlms set 'dlms+tcp://127.0.0.1:4059?client=1' 8/0-0:1.0.0/2 octet-string:time=now
    ```

    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.references import parse_attribute
    from meterkit.cli.dlms.write import set_attribute

    return set_attribute(url, parse_attribute(reference), value, access, yes=yes, as_json=json)


@dlms.command
def action(
    url: DlmsUrl,
    method: MethodReference,
    parameters: TypedValue | None = None,
    /,
    *,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Perform a method, after asking. Nothing is ever sent twice.

    ```
    meterkit dlms action 'dlms+tcp://127.0.0.1:4059?client=1' 70/0-0:96.3.10/1 integer:0 --yes
    meterkit dlms action 'dlms+tcp://127.0.0.1:4059?client=1' 40/0-0:25.9.0/1 integer:0 --yes
    ```

    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.references import parse_method
    from meterkit.cli.dlms.write import action as run_action

    return run_action(url, parse_method(method), parameters, access, yes=yes, as_json=json)


@dlms.command
def listen(
    url: Annotated[
        str,
        Parameter(
            name="URL",
            help="Where pushes come: a port of this machine, tcp://0.0.0.0:4059 or udp://0.0.0.0:4059, or a "
            "meter's address, such as dlms+hdlc+serial:///dev/ttyUSB0.",
        ),
    ],
    /,
    *,
    count: int | None = None,
    seconds: float | None = None,
    interface: Literal["wrapper", "hdlc"] = "wrapper",
    associate: Flag = False,
    sender: str | None = None,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Show what meters push, as it comes. Nothing is ever answered.

    On a port of this machine any number of meters may push; with a meter's address its line is heard.
    With --key-from ciphered pushes are opened, by keys named after each meter's system title; what comes in
    clear, twice, or with less than --security says is refused.

    ```
    meterkit dlms listen tcp://0.0.0.0:4059 --json
    meterkit dlms listen dlms+tcp://127.0.0.1:4059 --count 1
    meterkit dlms listen tcp://0.0.0.0:4059 --key-from file:keys.toml
    meterkit dlms listen 'dlms+hdlc+serial:///dev/ttyUSB0?baud_rate=2400'
    ```

    :param count: Stop after so many pushes.
    :param seconds: Stop after so many seconds; by default Ctrl-C stops it.
    :param interface: What meters speak on a TCP port of this machine: wrapper or hdlc.
    :param associate: Associate with the meter first, for one that pushes to clients it knows.
    :param sender: System title of meters that leave it empty, 16 hex digits or 8 characters.
    """
    from meterkit.cli.dlms.listen import Wish
    from meterkit.cli.dlms.listen import listen as run_listen

    wish = Wish(
        count=count,
        seconds=seconds,
        interface=interface,
        associate=associate,
        as_json=json,
        sender=sender,
    )
    return run_listen(url, access, wish)


@dlms.command
def readout(
    url: Annotated[
        str, Parameter(name="URL", help="Address of the line, such as dlms+hdlc+serial:///dev/ttyUSB0.")
    ],
    /,
    *,
    baud_rate: int = 300,
    json: Json = False,
) -> int:
    """Read out a meter's registers as text: the sign-on of IEC 62056-21 without HDLC (modes A, B, C).

    With `mode_e_address=12345678` in the URL one meter of several is asked.

    ```
    meterkit dlms readout dlms+hdlc+serial:///dev/ttyUSB0
    meterkit dlms readout 'dlms+hdlc+tcp://10.0.0.7:4001?is_noisy=true' --json
    ```

    :param baud_rate: Where the sign-on begins, bits per second.
    """
    from meterkit.cli.dlms.readout import readout as run_readout

    return run_readout(url, baud_rate=baud_rate, as_json=json)


dlms.command(keys)
dlms.command(profile)


@emulate.command(name="dlms")
def emulate_dlms(
    *,
    listen: str | None = None,
    pty: Flag = False,
    interface: Literal["wrapper", "hdlc", "mode_e"] | None = None,
    config: Path | None = None,
    objects: Path | None = None,
    seed: int | None = None,
    quirk: tuple[str, ...] = (),
    auth: Auth | None = None,
    security: Protection | None = None,
    suite: int | None = None,
    key_from: str | None = None,
    json: Json = False,
) -> int:
    """Be a DLMS/COSEM meter on TCP, UDP or a pseudo-terminal, until Ctrl-C.

    The first line on standard output is its address, ready for `meterkit dlms`.

    ```
    meterkit emulate dlms
    meterkit emulate dlms --interface hdlc --listen tcp://127.0.0.1:4060 --seed 7
    meterkit emulate dlms --listen udp://127.0.0.1:4059
    meterkit emulate dlms --pty --interface mode_e
    meterkit emulate dlms --quirk junk_after_value --quirk wrong_aare_lengths
    meterkit emulate dlms --objects meter.json
    meterkit emulate dlms --auth gmac --suite 1 --key-from file:keys.toml
    ```

    :param listen: Where to listen, tcp:// or udp://; port 0 takes a free one. [default: tcp://127.0.0.1:4059]
    :param pty: Be a serial port instead: a new pseudo-terminal (not on Windows).
    :param interface: What it speaks: wrapper (the default), hdlc, or hdlc after a mode E sign-on.
    :param config: JSON file with a DlmsEmulatorConfiguration: identity, clients, load profile, quirks.
    :param objects: JSON file with another meter's objects, as `meterkit dlms clone` writes it.
    :param seed: Another household: the same seed gives the same data.
    :param quirk: Something that real meters were seen to do otherwise; repeat it for several.
    :param auth: Secure client 1, the management client: what it proves itself by.
    :param security: The least it has to put on its messages. [default: authentication-encryption]
    :param suite: Security suite of its keys: 0, 1 or 2. [default: 0]
    :param key_from: Where its keys come from, as in `meterkit dlms`. [default: demo, known to everybody]
    """
    from meterkit.cli.dlms.emulate import Wish, serve
    from meterkit.cli.dlms.emulate_secured import secured_client

    return serve(
        Wish(
            listen=listen,
            pty=pty,
            interface=interface,
            config=config,
            objects=objects,
            seed=seed,
            quirks=quirk,
            secured=secured_client(auth, security, suite, key_from),
            as_json=json,
        )
    )
