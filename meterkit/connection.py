"""`meterkit.connect`: one URL, one connected client; the short way for scripts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import overload
from urllib.parse import urlsplit

from meterkit.address import AddressError, MeterAddress
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.security.counters import CounterStore
from meterkit.dlms.security.key_kinds import KeyProvider
from meterkit.options import DlmsClientOptions, PsemClientOptions
from meterkit.psem.client import PsemClient


@overload
def connect(
    url: str, password: bytes | str | None = None, client: type[PsemClient] = PsemClient
) -> AbstractAsyncContextManager[PsemClient]: ...


@overload
def connect(
    url: str,
    password: bytes | str | None = None,
    *,
    client: type[DlmsClient],
    keys: KeyProvider | None = None,
    counters: CounterStore | None = None,
) -> AbstractAsyncContextManager[DlmsClient]: ...


def connect(
    url: str,
    password: bytes | str | None = None,
    client: type[PsemClient | DlmsClient] | None = None,
    *,
    keys: KeyProvider | None = None,
    counters: CounterStore | None = None,
) -> AbstractAsyncContextManager[PsemClient | DlmsClient]:
    """Open the meter at `url`, connect, and yield the client; log off and close when leaving.

    `url`: such as psem+tcp://127.0.0.1:1153 or dlms+tcp://127.0.0.1:4059?client=16; the query takes the
    fields of the transport's and the client's options.  The password never goes in there.
    `client`: which client the URL has to lead to, PsemClient or DlmsClient.  Without it any will do; but a
    type checker, which cannot read URLs, then takes it for a PsemClient.
    `keys`, `counters`: of DLMS meters, as in `DlmsClientOptions`: where keys and passwords come from, such as
    FileKeys("keys.toml"), and where invocation counters are kept.  The URL says what they are for:
    ...?authentication=high_level_security_gmac&security=authentication_encryption&system_title=CLIENT01

    Errors: raises `MeterFailure` where the client's `connect` would return an `Err`, and ValueError for a
    URL that makes no sense, or leads to another kind of client.
    """
    given = {name: value for name, value in (("keys", keys), ("counters", counters)) if value is not None}
    if given and not urlsplit(url.strip()).scheme.startswith("dlms+"):
        raise AddressError(
            f"{' and '.join(given)}: of use with DLMS meters only, such as dlms+tcp://10.0.0.7"
        )
    return _connected(MeterAddress.parse(url, given or None), password, client)


@asynccontextmanager
async def _connected(
    address: MeterAddress, password: bytes | str | None, wanted: type[PsemClient | DlmsClient] | None
) -> AsyncGenerator[PsemClient | DlmsClient]:
    client = _client(address)
    if wanted is not None and not isinstance(client, wanted):
        raise AddressError(f"{address.scheme} leads to a {type(client).__name__}, not a {wanted.__name__}")
    async with client:
        if isinstance(client, PsemClient):
            (await client.connect(password)).unwrap()
        else:
            (await client.connect(password)).unwrap()
        yield client


def _client(address: MeterAddress) -> PsemClient | DlmsClient:
    match address.options:
        case PsemClientOptions():
            return PsemClient(address.transport(), address.options)
        case DlmsClientOptions():
            return DlmsClient(address.transport(), address.options)
        case _:
            raise AddressError(
                "an EM1000 is not connected by a password: use Em1000Session(address.transport())"
            )
