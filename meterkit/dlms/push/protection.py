"""How pushes of secured meters are opened: where keys come from, what is demanded, who pushes from where.

PushListener.tcp(protection=PushProtection(keys=FileKeys("keys.toml")))

There is no association: who sent a push is what its envelope says, or what `senders` says of the place it
comes from, and its keys vouch for it.  Source: Green Book 9.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meterkit.dlms.security import CounterStore, KeyProvider, Security, SecuritySuite
from meterkit.dlms.security.suites import check_title


@dataclass(frozen=True, slots=True, kw_only=True)
class PushProtection:
    """What a `PushListener` opens pushes with.

    `security` is the least that is taken: a push with less is an `Err`.  Received counters, and transaction
    ids where the message tells its key, have to rise; they are in `counters` before a push is handed on.
    Raises: ValueError for titles that are none.
    """

    keys: KeyProvider  #: by the sender's system title in hex, upper case, or by its name in `meters`
    security: Security = Security.AUTHENTICATION_ENCRYPTION
    is_signed: bool = False  #: demand general-signing besides
    suite: SecuritySuite = SecuritySuite.SUITE_0
    #: Where received counters outlast the program; None: the file meterkit/counters.db of this user.
    counters: CounterStore | None = field(default=None, repr=False)
    #: Ours: general-ciphering for anybody else is then refused.
    system_title: bytes | None = None
    #: What `keys` calls a meter, by its system title, where it isn't that title.
    meters: Mapping[bytes, str] = field(default_factory=dict[bytes, str])
    #: Who it is that leaves its system title empty: one title for all, or one by host, such as "10.0.0.7".
    senders: bytes | Mapping[str, bytes] | None = None

    def __post_init__(self) -> None:
        if self.system_title is not None:
            check_title("system_title", self.system_title)
        senders = self.senders
        for title in (
            (senders,) if isinstance(senders, bytes) else () if senders is None else senders.values()
        ):
            check_title("senders", title)

    def sender_at(self, peer: str) -> bytes | None:
        """Return who pushes from `peer`, such as "10.0.0.7:51234"; None where nobody says."""
        if self.senders is None or isinstance(self.senders, bytes):
            return self.senders
        host = peer.rpartition(":")[0].strip("[]")
        return self.senders.get(peer, self.senders.get(host))

    def name_of(self, title: bytes) -> str:
        """Return what `keys` calls a meter."""
        return self.meters.get(title, title.hex().upper())
