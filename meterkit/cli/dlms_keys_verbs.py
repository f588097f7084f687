"""The verbs of `meterkit dlms keys`, and the help that teaches them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from meterkit.cli.dlms.access import DlmsAccess, Protection
from meterkit.cli.parameters import Flag, Json, Overwrite

keys = App(
    name="keys",
    help="""Keys, policy and certificates of a meter, through its Security setup (class 64).

    Keys live where `--key-from` says, never on a command line. A file is TOML, for its owner alone
    (chmod 600); meters that are not in it have the keys of `default`:

    ```
    [default]
    master = "404142434445464748494a4b4c4d4e4f"
    [4D4B540001352881]
    encryption = "000102030405060708090a0b0c0d0e0f"
    authentication = "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    ```

    The section is the meter's system title, or whatever `--meter` calls it. In the environment the same are
    NAME_MASTER and NAME_4D4B540001352881_ENCRYPTION, by `--key-from env:NAME`. Of a key nothing is ever
    shown but a fingerprint of eight digits.
    """,
)

_NO_ACCESS = DlmsAccess()
DlmsUrl = Annotated[
    str, Parameter(name="URL", help="Address of the meter, such as dlms+tcp://127.0.0.1:4059?client=1.")
]
Setup = Annotated[str, Parameter(help="Logical name of the Security setup.")]
Purpose = Annotated[
    Literal["signing", "agreement", "tls"],
    Parameter(name="PURPOSE", help="What the key pair is for: signing, agreement or tls."),
]
Serial = Annotated[str, Parameter(name="SERIAL", help="Serial number, as `certificates` lists it.")]
SETUP = "0.0.43.0.0.255"


@keys.command
def show(
    url: DlmsUrl, /, *, setup: Setup = SETUP, json: Json = False, access: DlmsAccess = _NO_ACCESS
) -> int:
    """Tell the policy in force, suite, titles, and which keys there are here, by their fingerprints.

    ```
    meterkit dlms keys show URL --auth gmac --system-title CLIENT01 --key-from file:keys.toml
    ```
    """
    from meterkit.cli.dlms.keys import show as run_show

    return run_show(url, access, setup, as_json=json)


@keys.command
def rotate(
    url: DlmsUrl,
    /,
    *,
    key: Annotated[
        tuple[Literal["encryption", "authentication", "broadcast", "master"], ...],
        Parameter(show_default=False),
    ] = (),
    new_key_from: str | None = None,
    keep_in: str | None = None,
    setup: Setup = SETUP,
    dry_run: Flag = False,
    forget: Flag = False,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Give the meter new keys, wrapped by the master key, after asking.

    They are kept as pending before the meter hears of them, and are those in use once something was read
    by them. Cut off in between, nothing is lost: every verb tries both meanwhile, and the same command
    goes on where it was. `--meter` says whose keys they are.

    ```
    AS="--auth gmac --system-title CLIENT01 --key-from file:keys.toml --meter 4D4B540001352881"
    meterkit dlms keys rotate URL $AS --dry-run
    meterkit dlms keys rotate URL $AS
    meterkit dlms keys rotate URL $AS --key encryption --key master --yes
    ```

    :param key: Which key; repeat it for several. [default: encryption and authentication]
    :param new_key_from: Where new keys come from, spelled as in --key-from. [default: random octets]
    :param keep_in: Where new keys are kept, file:PATH or keyring:SERVICE. [default: where keys come from]
    :param dry_run: Say what would be done, and call no meter.
    :param forget: Forget pending keys that the meter never got, and call no meter.
    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.keys_rotate import Wish
    from meterkit.cli.dlms.keys_rotate import rotate as run_rotate

    wish = Wish(
        kinds=key,
        new_key_from=new_key_from,
        keep_in=keep_in,
        setup=setup,
        dry_run=dry_run,
        forget=forget,
        yes=yes,
        as_json=json,
    )
    return run_rotate(url, access, wish)


@keys.command
def policy(
    url: DlmsUrl,
    demanded: Annotated[
        Protection,
        Parameter(
            name="PROTECTION",
            help="What every message has to have: authentication, encryption, authentication-encryption.",
        ),
    ],
    /,
    *,
    class_version: Literal[0, 1] = 1,
    setup: Setup = SETUP,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Have the meter demand more of every message, after asking: nobody can take that back.

    ```
    AS="--auth gmac --system-title CLIENT01 --key-from file:keys.toml"
    meterkit dlms keys policy URL authentication-encryption $AS
    ```

    :param class_version: Version of the meter's Security setup, as `dlms objects` lists it.
    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.keys import activate

    return activate(url, access, demanded, class_version, setup, yes=yes, as_json=json)


@keys.command
def certificates(
    url: DlmsUrl, /, *, setup: Setup = SETUP, json: Json = False, access: DlmsAccess = _NO_ACCESS
) -> int:
    """List the certificates that the meter keeps: whose, what for, from whom.

    ```
    AS="--auth ecdsa --suite 1 --system-title CLIENT01 --key-from file:keys.toml"
    meterkit dlms keys certificates URL $AS
    ```
    """
    from meterkit.cli.dlms.keys_certificates import certificates as run_certificates

    return run_certificates(url, access, setup, as_json=json)


@keys.command(name="request")
def request_certificate(
    url: DlmsUrl,
    purpose: Purpose,
    /,
    *,
    new_pair: Flag = False,
    out: Path | None = None,
    overwrite: Overwrite = False,
    setup: Setup = SETUP,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Have the meter ask for a certificate of its own: a PKCS #10 request in PEM, for your authority.

    ```
    meterkit dlms keys request URL signing --new-pair --out meter.csr $AS
    ```

    :param new_pair: Have it make a new key pair first, which comes into use with the certificate.
    :param out: File for the request. [default: standard output]
    """
    from meterkit.cli.dlms.keys_certificates import Place, request

    return request(url, access, purpose, Place(out, overwrite), setup, new_pair=new_pair, as_json=json)


@keys.command(name="import")
def import_certificate(
    url: DlmsUrl,
    file: Annotated[Path, Parameter(name="FILE", help="The certificate, PEM or DER.")],
    /,
    *,
    setup: Setup = SETUP,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Give the meter a certificate, after asking: its own, a client's, or an authority's.

    ```
    meterkit dlms keys import URL meter.pem $AS
    ```

    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.keys_certificates import import_certificate as run_import

    return run_import(url, access, file, setup, yes=yes, as_json=json)


@keys.command(name="export")
def export_certificate(
    url: DlmsUrl,
    serial: Serial,
    /,
    *,
    issuer: str | None = None,
    out: Path | None = None,
    overwrite: Overwrite = False,
    setup: Setup = SETUP,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Read one of the certificates that the meter keeps, as PEM.

    ```
    meterkit dlms keys export URL 7 --out meter.pem $AS
    ```

    :param issuer: Its issuer, where two have the same number.
    :param out: File for the certificate. [default: standard output]
    """
    from meterkit.cli.dlms.keys_certificates import Place
    from meterkit.cli.dlms.keys_certificates import export as run_export

    return run_export(url, access, (serial, issuer), Place(out, overwrite), setup, as_json=json)


@keys.command(name="remove")
def remove_certificate(
    url: DlmsUrl,
    serial: Serial,
    /,
    *,
    issuer: str | None = None,
    setup: Setup = SETUP,
    yes: Flag = False,
    json: Json = False,
    access: DlmsAccess = _NO_ACCESS,
) -> int:
    """Have the meter forget one certificate, after asking.

    ```
    meterkit dlms keys remove URL 7 $AS
    ```

    :param issuer: Its issuer, where two have the same number.
    :param yes: Do not ask.
    """
    from meterkit.cli.dlms.keys_certificates import remove as run_remove

    return run_remove(url, access, (serial, issuer), setup, yes=yes, as_json=json)
