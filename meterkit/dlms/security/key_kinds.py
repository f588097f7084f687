"""Which keys there are, and who provides them.

Key ids are those of Security setup and of general-ciphering.  Source: Blue Book, class 64; Green Book 9.5.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class KeyKind(Enum):
    """What a key is for; the value is its name in environments and files."""

    GLOBAL_UNICAST_ENCRYPTION = "encryption"
    GLOBAL_BROADCAST_ENCRYPTION = "broadcast"
    AUTHENTICATION = "authentication"
    MASTER = "master"  #: wraps the others
    DEDICATED = "dedicated"  #: of one association, made anew each time
    PASSWORD = "password"  #: of low level security, or the secret of HLS 2 to 4 and 6
    SIGNING = "signing"  #: private, of ECDSA
    AGREEMENT = "agreement"  #: private, of ECDH
    SERVER_SIGNING = "server_signing"  #: the meter's public key x | y, or its certificate
    SERVER_AGREEMENT = "server_agreement"  #: likewise
    OTHER_ENCRYPTION = "other_encryption"  #: tried too while keys are being changed
    OTHER_AUTHENTICATION = "other_authentication"

    @property
    def key_id(self) -> int:
        """The key's number in Security setup.  Raises: ValueError for a key that has none."""
        try:
            return _TRANSFERABLE.index(self)
        except ValueError:
            raise ValueError(f"a {self.words} has no key id") from None

    @classmethod
    def of_key_id(cls, key_id: int) -> KeyKind | None:
        """Return the key with this number in Security setup; None if there is none."""
        return _TRANSFERABLE[key_id] if 0 <= key_id < len(_TRANSFERABLE) else None

    @property
    def words(self) -> str:
        """For messages: "global unicast encryption key"."""
        name = self.name.lower().replace("_", " ")
        return name if self is KeyKind.PASSWORD else f"{name} key"


_TRANSFERABLE = (
    KeyKind.GLOBAL_UNICAST_ENCRYPTION,
    KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
    KeyKind.AUTHENTICATION,
    KeyKind.MASTER,
)


class KeyProvider(Protocol):
    """Where keys come from.  May block: call it off the event loop."""

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`, named as the user names meters; None if there is none.

        Errors: `ProtocolFault` SECURITY the source is there and can't be used; its message shows no key.
        """
        ...
