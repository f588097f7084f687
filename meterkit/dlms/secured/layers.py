"""general-ciphering and general-signing as a client's options ask for them: keys put to use, grants checked.

    envelope="general_ciphering"   key_scheme identified, wrapped, one_pass or static
    general_signing=True           around that, or around glo- and ded-

Neither is ever given up for less: a meter that doesn't grant general protection is told so, and left.
Source: Green Book 9.2.
"""

from __future__ import annotations

from datetime import UTC, datetime

from meterkit.dlms.security import KeyMaterial
from meterkit.dlms.security.certificates import CertificateType
from meterkit.dlms.security.keys import PrivateKey, PublicKey, private_key_of
from meterkit.dlms.security.layered_cipher import LayeredCipher
from meterkit.dlms.security.peer_keys import peer_key
from meterkit.errors import ErrorKind, fault
from meterkit.options import DlmsClientOptions

_PUBLIC_KEYS = (
    ("server_signing_key", CertificateType.DIGITAL_SIGNATURE),
    ("server_agreement_key", CertificateType.KEY_AGREEMENT),
)


def check_granted(options: DlmsClientOptions, *, is_granted: bool) -> None:
    """Make sure that general protection is granted where the options can't do without.

    Errors: `ProtocolFault` SECURITY.
    """
    if options.is_general_protection_demanded and not is_granted:
        wanted = "general-ciphering" if options.envelope == "general_ciphering" else "general-signing"
        raise fault(
            ErrorKind.SECURITY,
            f"{wanted} expected, the meter grants no general protection in this association",
            where="AARQ",
        )


def check_certificates(options: DlmsClientOptions, title: bytes | None = None) -> None:
    """Make sure that the meter's certificates hold now, and are those of `title` once it is known.

    Errors: `ProtocolFault` SECURITY.
    """
    for name, usage in _PUBLIC_KEYS:
        octets: bytes | None = getattr(options, name)
        if octets is not None:
            peer_key(options.suite, octets, usage, title=title, now=datetime.now(UTC))


def put_layers_on(cipher: LayeredCipher, options: DlmsClientOptions) -> None:
    """Let services go by general-ciphering, general-signing or both.  Errors: `ProtocolFault` SECURITY."""
    is_general = options.envelope == "general_ciphering"
    material = KeyMaterial(
        master_key=options.master_key,
        own_agreement=_private(options, options.agreement_key),
        peer_agreement=_public(options, options.server_agreement_key, CertificateType.KEY_AGREEMENT),
        own_signing=_private(options, options.signing_key),
        peer_signing=_public(options, options.server_signing_key, CertificateType.DIGITAL_SIGNATURE),
    )
    cipher.put_on(options.key_scheme if is_general else None, material, signs=options.general_signing)


def _private(options: DlmsClientOptions, key: bytes | None) -> PrivateKey | None:
    return None if key is None else private_key_of(options.suite, key)


def _public(options: DlmsClientOptions, key: bytes | None, usage: CertificateType) -> PublicKey | None:
    return None if key is None else peer_key(options.suite, key, usage)
