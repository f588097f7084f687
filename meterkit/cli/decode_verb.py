"""`meterkit decode` and the help that teaches it."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from cyclopts import Parameter

from meterkit.cli.parameters import Flag, Json

#: "--kind" or "--kind=x"; not "--> 7E", nor "--7E", nor what a log says behind blanks.
_OPTION: Final = re.compile(r"--[a-z][a-z-]+(?==|$)")

Kind: TypeAlias = Literal["psem", "hdlc", "dlms", "em1000"]


def decode(
    *source: Annotated[
        str,
        Parameter(name="SOURCE", help="A file, hex, or - for standard input.", allow_leading_hyphen=True),
    ],
    kind: Kind | None = None,
    all: Flag = False,  # noqa: A002 - the option's name
    xml: Flag = False,
    key_from: Annotated[str | None, Parameter(name=("--key-from", "--key"))] = None,
    meter: str | None = None,
    system_title: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    json: Json = False,
) -> int:
    """Take captured octets apart: frames, services and values as a tree, with names and meanings.

    A file may hold the octets themselves, or text as logs have it: hex of any spelling, with times and
    words around it, hex dumps, recordings. What makes no sense is shown as such; the exit status is 0
    as long as there were octets.

    ```
    meterkit decode 7EA0070321930F017E
    meterkit decode "RX: C4 01 C1 00 06 00 00 13 91"
    meterkit decode --kind dlms 0C0100
    meterkit decode session.log --json
    meterkit decode C001C100080000010000FF0200 --xml
    meterkit decode session.log --key-from file:keys.toml --meter 4D4B540001352881
    meterkit decode session.log --key prompt
    ```

    With keys, what is under a cipher stands below it, with whether its tag is right; in the messages of
    --json and --xml as its plaintext, if nothing speaks against it. System titles and
    dedicated keys are learned from the AARQ and AARE in the capture; `--system-title` gives those that are
    not in it.

    `meterkit encode` turns the messages of --json and --xml into octets again.

    :param kind: What it is; by default found out. dlms: HDLC and WRAPPER frames, PDUs and values.
    :param all: Show every line, however many.
    :param xml: DLMS messages as XML, in the usual names: GetRequest, InvokeIdAndPriority, UInt16.
    :param key_from: Where keys come from, as in `meterkit dlms`: file:PATH, env:NAME, keyring:, prompt or
        demo; `--key` is the same. Never a key itself: everybody on the machine can see what was typed.
    :param meter: What the meter is called there. [default: "default"]
    :param system_title: System title of a sender, 16 hex digits or 8 characters; repeat it for both ends.
    """
    from meterkit.cli.decode import decode as run_decode
    from meterkit.cli.decode_keys import KeysWanted
    from meterkit.cli.usage import UsageMistake

    for word in source:  # pasted text may begin with a hyphen; an option's name is none, nor is what follows
        if (option := _OPTION.match(word)) is None:
            continue
        if "key" in option[0]:
            raise UsageMistake(f"{option[0]}: a key itself never stands on a command line; use --key-from")
        raise UsageMistake(f"Unknown option: {option[0]} (meterkit decode --help tells how)")

    if key_from is None and (meter or system_title):
        raise UsageMistake("--meter and --system-title go with --key-from, which says where keys are")
    keys = None if key_from is None else KeysWanted(key_from, meter, system_title)

    return run_decode(source, kind, show_all=all, as_json=json, as_xml=xml, keys=keys)
