"""What a Security setup says: the policy in force, the suite, both titles, the certificates it keeps.

    security_policy   version 0: 0 to 3      version 1: bits 04 to 80, requests and responses apart

Which version an object has stands in the association view alone; 1 to 3 are no bits of version 1.
Source: Blue Book, class 64, attributes 2 to 6; general knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.security_setup import (
    CertificateEntity,
    CertificateInfo,
    CertificateType,
    SecurityPolicy,
    SecurityPolicyV0,
)
from meterkit.dlms.security import Security
from meterkit.dlms.security.certificate_names import CertificateBySerial, common_name, serial_number_of

Policy = SecurityPolicy | SecurityPolicyV0

_OF_VERSION_0: Final = {
    SecurityPolicyV0.NOTHING: Security.NONE,
    SecurityPolicyV0.AUTHENTICATED: Security.AUTHENTICATION,
    SecurityPolicyV0.ENCRYPTED: Security.ENCRYPTION,
    SecurityPolicyV0.AUTHENTICATED_AND_ENCRYPTED: Security.AUTHENTICATION_ENCRYPTION,
}
_BOTH_WAYS: Final = {
    Security.NONE: SecurityPolicy(0),
    Security.AUTHENTICATION: SecurityPolicy.AUTHENTICATED_REQUEST | SecurityPolicy.AUTHENTICATED_RESPONSE,
    Security.ENCRYPTION: SecurityPolicy.ENCRYPTED_REQUEST | SecurityPolicy.ENCRYPTED_RESPONSE,
    Security.AUTHENTICATION_ENCRYPTION: SecurityPolicy(0x6C),
}


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """One certificate in the meter's list."""

    entity: CertificateEntity  #: whose it is
    certificate_type: CertificateType  #: what for
    name: CertificateBySerial  #: what `export_certificate` and `remove_certificate` take
    issuer: str
    subject: str

    @classmethod
    def of(cls, info: CertificateInfo) -> CertificateEntry:
        """Return what the list says of one."""
        return cls(
            info.certificate_entity,
            info.certificate_type,
            CertificateBySerial(serial_number_of(info.serial_number), info.issuer, info.serial_number),
            common_name(info.issuer),
            common_name(info.subject),
        )


@dataclass(frozen=True, slots=True)
class SecuritySetupReading:
    """One Security setup as it was read."""

    obis: ObisCode
    policy: Policy  #: what every message has to be
    suite: int
    client_system_title: bytes | None  #: of whoever associated last; None where the meter does not tell
    server_system_title: bytes | None  #: the meter's own
    certificates: tuple[CertificateEntry, ...] | None  #: None in version 0, and where the meter does not tell

    @property
    def security(self) -> Security:
        """What requests have to be, as `DlmsClientOptions.security` has it; signatures are left out."""
        return demanded(self.policy)

    @property
    def words(self) -> str:
        """The policy for an engineer."""
        return policy_words(self.policy)


def policy_of(number: int) -> Policy:
    """Return the policy that attribute 2 says."""
    if 0 < number <= SecurityPolicyV0.AUTHENTICATED_AND_ENCRYPTED:
        return SecurityPolicyV0(number)
    return SecurityPolicy(number)


def policy_for(security: Security, version: int) -> Policy:
    """Return the policy of a class version that demands `security` both ways."""
    if version == 0:
        return next(policy for policy, same in _OF_VERSION_0.items() if same is security)
    return _BOTH_WAYS[security]


def demanded(policy: Policy) -> Security:
    """Return what requests have to be."""
    if isinstance(policy, SecurityPolicyV0):
        return _OF_VERSION_0.get(policy, Security.NONE)
    wanted = (
        bool(policy & SecurityPolicy.AUTHENTICATED_REQUEST),
        bool(policy & SecurityPolicy.ENCRYPTED_REQUEST),
    )
    return {
        (False, False): Security.NONE,
        (True, False): Security.AUTHENTICATION,
        (False, True): Security.ENCRYPTION,
        (True, True): Security.AUTHENTICATION_ENCRYPTION,
    }[wanted]


def policy_words(policy: Policy) -> str:
    """Return a policy for an engineer."""
    if isinstance(policy, SecurityPolicyV0):
        return policy.words
    names = [(bit.name or "").lower().replace("_", " ") for bit in SecurityPolicy if bit in policy]
    return ", ".join(names) or "nothing"
