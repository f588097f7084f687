"""Passes 3 and 4 of high level security: the client proves itself, then the meter does.

    ACTION 15/0-0:40.0.0/1 f(StoC)  ->     <-  f(CtoS), and only now is there an association

Source: Green Book 9.2; Blue Book, Association LN (class 15), reply_to_HLS_authentication.
"""

from __future__ import annotations

import logging
from collections.abc import Set as AbstractSet

from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.security import HighLevelSecurity, SecuritySuite, new_challenge
from meterkit.emulator.dlms.client_security import ClientSecurity
from meterkit.emulator.dlms.configuration import ClientConfiguration
from meterkit.emulator.dlms.cosem_object import ActionRefused, plain, type_unmatched
from meterkit.emulator.dlms.entry import Entry
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.errors import ErrorKind, ProtocolFault, fault

_log = logging.getLogger("meterkit.emulator")
_LONG_CHALLENGE = 32  # octets; of DlmsQuirk.LONG_CHALLENGE_REFUSED


def begin_proving(
    entry: Entry, client: ClientConfiguration, quirks: AbstractSet[DlmsQuirk]
) -> tuple[Proving, bytes]:
    """Return what awaits the client's proof, and the meter's challenge to it.

    Errors: `ProtocolFault` SECURITY for a challenge or a title that is none.
    """
    peer = entry.aarq.authentication_value or b""
    if DlmsQuirk.LONG_CHALLENGE_REFUSED in quirks and len(peer) >= _LONG_CHALLENGE:
        raise fault(ErrorKind.SECURITY, f"a challenge of less than {_LONG_CHALLENGE} octets expected")
    keys = entry.keys
    own = new_challenge()
    hls = HighLevelSecurity(
        mechanism=client.mechanism,
        own_challenge=own,
        peer_challenge=peer,
        own_title=entry.title,
        peer_title=entry.client_title,
        secret=None if client.password is None else client.password.get_secret_value(),
        key=None if keys is None or keys.unicast is None else keys.unicast.key,
        suite=SecuritySuite.SUITE_0 if keys is None else keys.suite,
        signing_key=None if keys is None else keys.signing,
        peer_key=None if keys is None else keys.client_signing,
    )
    return Proving(hls, keys, quirks), peer if DlmsQuirk.REFLECTED_CHALLENGE in quirks else own


class Proving:
    """The proofs of one association."""

    def __init__(
        self, hls: HighLevelSecurity, keys: ClientSecurity | None, quirks: AbstractSet[DlmsQuirk]
    ) -> None:
        self.is_pending = True  #: the client has not proved itself yet
        self.has_failed = False  #: it could not: the association ends with the answer
        self._hls, self._keys, self._quirks = hls, keys, quirks

    def reply(self, parameters: bytes | None) -> bytes:
        """reply_to_HLS_authentication: take f(StoC), return f(CtoS)."""
        proof = plain(parameters or b"")
        if not isinstance(proof, bytes):
            raise type_unmatched()
        if not self.is_pending:
            raise ActionRefused(ActionResult.READ_WRITE_DENIED)
        if DlmsQuirk.REFLECTED_CHALLENGE in self._quirks:
            self.is_pending = False
            return axdr.encode_octet_string(proof)
        try:
            self._hls.check(proof)
        except ProtocolFault as refused:
            _log.debug("not proved: %s", refused)
            self.has_failed = True
            raise ActionRefused(ActionResult.READ_WRITE_DENIED) from None
        self.is_pending = False
        own = self._own_proof()
        if DlmsQuirk.WRONG_PROOF in self._quirks:
            own = own[:-1] + bytes((own[-1] ^ 0x01,))
        return axdr.encode_octet_string(own)

    def _own_proof(self) -> bytes:
        is_counted = self._hls.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
        in_use = self._keys.unicast if self._keys is not None else None
        return self._hls.prove(in_use.take() if is_counted and in_use is not None else None)
