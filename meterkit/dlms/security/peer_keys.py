"""The other end's public key as it was given to us: bare, or in a certificate that says whose it is.

    x | y       64 or 96 octets; whoever gave it vouches for it
    30 82 ...   DER: the subject has to be the meter, the use the one meant, the time right

A certificate given in the options is trusted as a bare key is; who issued it is not asked.
Source: Green Book 9.2 (public keys, certificate profile).
"""

from __future__ import annotations

from datetime import datetime

from meterkit.dlms.security.certificates import Certificate, CertificateType
from meterkit.dlms.security.keys import PublicKey, public_key_of
from meterkit.dlms.security.suites import SecuritySuite
from meterkit.errors import ErrorKind, ProtocolFault, fault

_WHERE = "certificate"


def peer_key(
    suite: SecuritySuite,
    octets: bytes,
    usage: CertificateType,
    *,
    title: bytes | None = None,
    now: datetime | None = None,
) -> PublicKey:
    """Return the key; of a certificate, what is known of `title` and `now` is held against it.

    Errors: `ProtocolFault` SECURITY no point of the suite's curve, no certificate, or one for another
    meter, use, suite or time.  Raises: ValueError for suite 0.
    """
    if len(octets) == 2 * suite.coordinate_size:
        return public_key_of(suite, octets)
    told = Certificate.decode(octets)
    if told.suite != suite:
        raise _odd(f"a key of suite {int(suite)} expected, one of suite {int(told.suite)} came")
    if usage not in told.usages:
        uses = ", ".join(sorted(one.name for one in told.usages)) or "none"
        raise _odd(f"key usage {usage.name} expected, {uses} came")
    if title is not None and told.system_title != title:
        raise _odd(f"system title {title.hex()} expected, subject {told.subject!r} came")
    if now is not None and not told.not_before <= now <= told.not_after:
        raise _odd(
            f"{told.subject!r} is valid from {told.not_before:%Y-%m-%d} to {told.not_after:%Y-%m-%d}, "
            f"now is {now:%Y-%m-%d}"
        )
    return told.public_key


def _odd(message: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, message, where=_WHERE)
