"""DLMS security: the only room that imports cryptography, and the one that holds keys.

    authentication   who the other end is            (HLS 2 to 7; f(StoC), f(CtoS))
    cipher           glo-, ded-, general-glo-, general-ded-ciphering of one association
    general_cipher   general-ciphering, with the key identified, wrapped or agreed; general_signer on top
    protect          the AES-GCM below all of it

No repr, message or log shows a key, a password or a challenge.
"""

from meterkit.dlms.security.authentication import HighLevelSecurity, check_challenges, new_challenge
from meterkit.dlms.security.certificates import Certificate, CertificateType
from meterkit.dlms.security.cipher import Cipher, Envelope, ExpectedKey, KeyInUse, dedicated_key
from meterkit.dlms.security.control import Security, SecurityControl
from meterkit.dlms.security.counters import (
    CounterBlock,
    CounterName,
    CounterStore,
    SeenBefore,
    StaleCounter,
)
from meterkit.dlms.security.general_cipher import GeneralCipher, KeyMaterial, KeyScheme
from meterkit.dlms.security.general_signer import GeneralSigner
from meterkit.dlms.security.key_kinds import KeyKind, KeyProvider
from meterkit.dlms.security.policy import SecurityPolicy
from meterkit.dlms.security.protect import ProtectionKey
from meterkit.dlms.security.suites import SecuritySuite

__all__ = [
    "Certificate",
    "CertificateType",
    "Cipher",
    "CounterBlock",
    "CounterName",
    "CounterStore",
    "Envelope",
    "ExpectedKey",
    "GeneralCipher",
    "GeneralSigner",
    "HighLevelSecurity",
    "KeyInUse",
    "KeyKind",
    "KeyMaterial",
    "KeyProvider",
    "KeyScheme",
    "ProtectionKey",
    "Security",
    "SecurityControl",
    "SecurityPolicy",
    "SecuritySuite",
    "SeenBefore",
    "StaleCounter",
    "check_challenges",
    "dedicated_key",
    "new_challenge",
]
