"""`meterkit dlms listen`: what meters push, as it comes; nothing is ever answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import anyio
from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import SCHEMES, dlms_address
from meterkit.cli.dlms.push_protection import push_protection
from meterkit.cli.dlms.secured import ask_for_keys
from meterkit.cli.dlms.view import tree_parts
from meterkit.cli.emulate import parse_listen
from meterkit.cli.interruption import interruptible
from meterkit.cli.output import json_line
from meterkit.cli.running import FAILED, OK, report_error, say_hint
from meterkit.cli.usage import UsageMistake, find_password
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.push.listener import Push, PushListener, PushProtection
from meterkit.dlms.stream import Notification
from meterkit.dlms.translate import apdu_node
from meterkit.errors import ends_session
from meterkit.result import Err


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How long to listen, and how."""

    count: int | None  #: pushes; None: any number
    seconds: float | None  #: None: until Ctrl-C
    interface: Literal["wrapper", "hdlc"]  #: on a port of this machine; a meter's address says it itself
    associate: bool
    as_json: bool
    sender: str | None = None  #: system title of whoever leaves it empty, as typed

    def check(self) -> None:
        """Refuse what cannot be.  Errors: UsageMistake."""
        if self.count is not None and self.count < 1:
            raise UsageMistake(f"--count {self.count}: 1 or more is allowed")
        if self.seconds is not None and not self.seconds > 0:
            raise UsageMistake(f"--seconds {self.seconds:g}: more than 0 is allowed")


def listen(url: str, access: DlmsAccess, wish: Wish) -> int:
    """Listen until enough came, the time is over or a signal comes, which are proper ends: exit status 0."""
    wish.check()
    scheme = urlsplit(url.strip()).scheme
    if wish.associate and scheme in ("tcp", "udp"):
        raise UsageMistake(f"--associate needs the address of a meter: {SCHEMES}")
    if wish.associate:
        return _listen_associated(url, access, wish)
    listener = _listener(url, scheme, wish, push_protection(access, wish.sender))

    async def session() -> int:
        return await interruptible(lambda: _hear(listener, wish))

    try:
        return anyio.run(session)
    except KeyboardInterrupt:
        return OK


def _listener(url: str, scheme: str, wish: Wish, protection: PushProtection | None) -> PushListener:
    match scheme:
        case "tcp":
            host, port = parse_listen(url, "tcp", "URL")
            return PushListener.tcp(host, port, wish.interface, protection=protection)
        case "udp":
            if wish.interface == "hdlc":
                raise UsageMistake("over UDP meters push in WRAPPER, not HDLC")
            return PushListener.udp(*parse_listen(url, "udp", "URL"), protection=protection)
        case _:
            address, options = dlms_address(url)
            return PushListener.transport(
                address.transport(),
                options.interface,
                client_address=options.client_address,
                protection=protection,
            )


async def _hear(listener: PushListener, wish: Wish) -> int:
    count, status = 0, OK
    async with listener:
        say_hint(f"listening on {listener.name}; nothing is answered. Ctrl-C ends it.")
        with anyio.move_on_after(wish.seconds):
            async for result in listener:
                if isinstance(result, Err):
                    report_error(result.error, as_json=wish.as_json)
                    status = FAILED
                    continue
                _tell(result.value, as_json=wish.as_json)
                count += 1
                if count == wish.count:
                    break
    return status


def _tell(push: Push, *, as_json: bool) -> None:
    head = {"peer": push.peer, "source": str(push.source), "destination": str(push.destination)}
    if push.sender is not None:
        head["sender"] = push.sender.hex().upper()
    tree = apdu_node(push.raw, 0)
    if as_json:
        print(json_line({**head, "hex": push.raw, "notification": tree.document()}), flush=True)
    else:
        who = "" if push.sender is None else f", verified as {push.sender.hex().upper()}"
        show(Text(f"from {push.peer}, {push.source} to {push.destination}{who}", style="bold"))
        show(*tree_parts([tree]))


def _listen_associated(url: str, access: DlmsAccess, wish: Wish) -> int:
    """Listen as a client of the meter that the meter knows; exit status 1 where the session ends early."""
    address, options = dlms_address(url, access)
    ask_for_keys(options)
    password = find_password(access.password_file, ask=access.ask_password, most=None)
    transport = address.transport()

    async def work() -> int:
        async with DlmsClient(transport, options) as client:
            (await client.connect(password)).unwrap()
            say_hint(f"listening on {transport.name}, associated. Ctrl-C ends it.")
            with anyio.move_on_after(wish.seconds):
                return await _follow(client, wish)
        return OK

    async def session() -> int:
        return await interruptible(work, transport)

    try:
        return anyio.run(session)
    except KeyboardInterrupt:
        return OK


async def _follow(client: DlmsClient, wish: Wish) -> int:
    count, status = 0, OK
    async for result in client.listen():
        if isinstance(result, Err):
            report_error(result.error, as_json=wish.as_json)
            status = FAILED
            if ends_session(result.error):
                break
            continue
        _tell_notification(result.value, as_json=wish.as_json)
        count += 1
        if count == wish.count:
            break
    return status


def _tell_notification(notification: Notification, *, as_json: bool) -> None:
    octets = notification.encode()
    tree = apdu_node(octets, 0)
    if as_json:
        print(json_line({"hex": octets, "notification": tree.document()}), flush=True)
    else:
        show(*tree_parts([tree]))
