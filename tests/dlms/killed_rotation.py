"""A program that rotates a meter's keys and is killed (-9) at a moment that it is told.

    python killed_rotation.py URL KEYS COUNTERS MOMENT

It kills itself, so that the moment is certain: nothing of Python's runs after it, no finally and no flush.
"""

import os
import signal
import sys
from contextlib import asynccontextmanager

import anyio

from meterkit import DlmsClient, Err, Ok
from meterkit.address import MeterAddress
from meterkit.dlms.secured import key_file
from meterkit.dlms.secured.counter_store import SqliteCounterStore
from meterkit.dlms.secured.key_management import KeyManagement
from meterkit.dlms.secured.key_vault import FileVault
from meterkit.dlms.secured.rotation import rotate_keys
from meterkit.dlms.security import KeyKind, SecuritySuite
from meterkit.transport.octets import OctetProtocol
from tests.dlms.security_rig import GMAC, TITLE

METER = "4D4B540001352881"
KINDS = (KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION)
#: Where it is killed: before or after a call, and the how manieth.
MOMENTS = {
    "before anything is kept": ("before", FileVault, "begin", 1),
    "while the pending keys are written": ("before", os, "replace", 1),
    "once they are kept": ("after", FileVault, "begin", 1),
    "before the transfer goes out": ("before", DlmsClient, "call", 1),
    "once the transfer went out": ("after", OctetProtocol, "put_out", "transfer"),
    "before its answer is used": ("before", KeyManagement, "_take_over", 1),
    "once its answer is used": ("after", KeyManagement, "_take_over", 1),
    "before the change is finished": ("before", FileVault, "finish", 1),
    "while the keys in use are written": ("before", os, "replace", 2),
    "once all is done": ("after", FileVault, "finish", 1),
}
transfers = 0


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(when, owner, name, number):
    """Be killed before or after the `number`-th call; "transfer": the first one within a transfer."""
    original, count = getattr(owner, name), 0

    def is_now():
        nonlocal count
        count += 1
        return transfers > 0 if number == "transfer" else count == number

    def called(*arguments, **named):
        now = is_now()
        if now and when == "before":
            kill()
        result = original(*arguments, **named)
        if hasattr(result, "__await__"):
            return waited(result, now)
        if now:
            kill()
        return result

    async def waited(result, now):
        done = await result
        if now:
            kill()
        return done

    setattr(owner, name, called)


def note_transfers():
    original = DlmsClient.call

    def called(*arguments, **named):
        global transfers
        transfers += 1
        return original(*arguments, **named)

    DlmsClient.call = called


def connector(url, vault, counters):
    """Return what connects with keys in place of those in use."""

    @asynccontextmanager
    async def connect(instead):
        encryption, authentication = (instead.get(kind) or vault.key(METER, kind) for kind in KINDS)
        given = {"authentication": GMAC, "security": "authentication_encryption", "system_title": TITLE}
        given |= {"encryption_key": encryption, "authentication_key": authentication, "counters": counters}
        address = MeterAddress.parse(f"{url}?client=1", given)
        async with DlmsClient(address.transport(), address.options) as client:
            connected = await client.connect()
            yield connected if isinstance(connected, Err) else Ok(client)

    return connect


async def rotate(url, keys, counters):
    """Rotate, or go on with a rotation; None once it is done."""
    vault = FileVault(keys)
    connect = connector(url, vault, SqliteCounterStore(counters))
    return await rotate_keys(connect, vault, METER, KINDS, suite=SecuritySuite.SUITE_0)


if __name__ == "__main__":
    assert key_file.os is os
    note_transfers()
    arrange(*MOMENTS[sys.argv[4]])
    anyio.run(rotate, *sys.argv[1:4])
