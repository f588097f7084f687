"""What protection is put on and what protection is demanded: configuration, never the other end's choice.

    demanded: authentication and encryption
    came:     10 ... authentication only     -> ProtocolFault SECURITY, with both

Source: Green Book 9.2 (security policy); general knowledge of downgrade attacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.dlms.acse.names import AuthenticationMechanism
from meterkit.dlms.apdu.tags import apdu_name
from meterkit.dlms.security.control import Security, SecurityControl
from meterkit.dlms.security.suites import SecuritySuite
from meterkit.errors import ErrorKind, ProtocolFault, fault

#: Mechanisms that an eavesdropper or an active attacker defeats.
WEAK: Final = frozenset(
    (
        AuthenticationMechanism.NONE,
        AuthenticationMechanism.LOW_LEVEL_SECURITY,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_MD5,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA1,
    )
)


@dataclass(frozen=True, slots=True)
class SecurityPolicy:
    """Protection of both directions of one association.  Stronger answers than demanded are welcome."""

    suite: SecuritySuite
    applied: Security  #: put on what we send
    required: Security  #: demanded of what comes back
    accepts_plain_refusals: bool = (
        True  #: D8 and 0E may come in clear: meters that can't decipher send them so
    )

    def check(self, octet: int) -> SecurityControl:
        """Return what the security control `octet` says if that is enough.

        Errors: `ProtocolFault` SECURITY, with what was expected and what came.
        """
        control = SecurityControl.decode(octet)
        if control.suite != self.suite or not control.security.covers(self.required):
            expected = SecurityControl(self.suite, self.required)
            raise fault(
                ErrorKind.SECURITY,
                f"{expected.words} expected, {control.words} came (security control {octet:02x})",
            )
        return control

    def plain(self, octets: bytes) -> ProtocolFault:
        """Return the fault that tells of an APDU in clear; ready to raise."""
        expected = SecurityControl(self.suite, self.required)
        return fault(
            ErrorKind.SECURITY, f"{expected.words} expected, {apdu_name(octets)} came without protection"
        )


def check_strength(
    mechanism: AuthenticationMechanism, security: Security, *, allow_weak: bool = False
) -> None:
    """Make sure that a weak mechanism beside ciphering is what the user wants.

    Raises: ValueError unless `allow_weak`.
    """
    if security is not Security.NONE and mechanism in WEAK and not allow_weak:
        raise ValueError(
            f"{mechanism.name} is weak: who can listen or answer in the meter's place defeats it. With "
            f"{security.words} expected, use GMAC, SHA256 or ECDSA, or say allow_weak=True"
        )


def check_mechanism(asked: AuthenticationMechanism, answered: AuthenticationMechanism | bytes) -> None:
    """Make sure that the AARE repeats the mechanism.

    Errors: `ProtocolFault` SECURITY with both: no silent step from high level security down to none.
    """
    if answered != asked:
        came = answered.name if isinstance(answered, AuthenticationMechanism) else answered.hex()
        raise fault(ErrorKind.SECURITY, f"authentication by {asked.name} expected, {came} came")


def check_titles(own: bytes, peer: bytes | None, pinned: bytes | None = None) -> bytes:
    """Return the other end's system title if it may be believed; `pinned` is the one known of it.

    Errors: `ProtocolFault` SECURITY none came, it is no title, it is our own, or it isn't the pinned one.
    """
    if not peer:
        if pinned is None:
            raise fault(ErrorKind.SECURITY, "the other end's system title expected, none came")
        return pinned
    if len(peer) != len(own):
        raise fault(
            ErrorKind.SECURITY, f"system title: {len(own)} octets expected, {len(peer)} came: {peer.hex()}"
        )
    if peer == own:
        raise fault(ErrorKind.SECURITY, f"the other end claims our own system title {own.hex()}")
    if pinned is not None and peer != pinned:
        raise fault(ErrorKind.SECURITY, f"system title {pinned.hex()} expected, {peer.hex()} came")
    return peer
