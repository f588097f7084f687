"""general-signing at work: an APDU, plain or ciphered already, under its sender's ECDSA signature.

    protect    DF | header | content | signature over header and content

Source: Green Book 9.2 and 9.5.
"""

from __future__ import annotations

from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.dlms.security.counters import CounterBlock
from meterkit.dlms.security.general_cipher import check_addresses
from meterkit.dlms.security.general_headers import HEADER_SIZE, LENGTH_SIZE, GeneralHeader, GeneralSigning
from meterkit.dlms.security.keys import PrivateKey, PublicKey, check_curve, sign, verify
from meterkit.dlms.security.suites import SecuritySuite, check_title
from meterkit.dlms.security.transactions import Transactions
from meterkit.errors import ErrorKind, fault


class GeneralSigner:
    """Both directions between two ends.  `counters` make the transaction ids.

    Raises: ValueError for titles that are none, or keys of another curve.
    """

    def __init__(
        self,
        suite: SecuritySuite,
        title: bytes,
        peer_title: bytes,
        signing_key: PrivateKey,
        peer_key: PublicKey,
        counters: CounterBlock,
    ) -> None:
        self.suite = suite
        self.title = check_title("title", title)
        self.peer_title = check_title("peer_title", peer_title)
        check_curve(suite, "signing key", signing_key)
        check_curve(suite, "the other end's signing key", peer_key)
        self.counters = counters
        self.transactions = Transactions()
        self._signing_key = signing_key
        self._peer_key = peer_key

    def protect(self, apdu: bytes, *, answers: bytes | None = None) -> bytes:
        """Return `apdu` signed; `answers` is the transaction id of the request it answers.

        Errors: `ProtocolFault` SECURITY no counter is left.
        """
        transaction = self.transactions.begin(self.counters.take()) if answers is None else answers
        header = GeneralHeader(transaction_id=transaction, originator=self.title, recipient=self.peer_title)
        unsigned = GeneralSigning(header, apdu, b"")
        signature = sign(self.suite, self._signing_key, unsigned.signed)
        return GeneralSigning(header, apdu, signature).encode()

    @property
    def overhead(self) -> int:
        """Octets, at most, that `protect` makes an APDU of up to 64 KiB longer."""
        return HEADER_SIZE + LENGTH_SIZE + 1 + 2 * self.suite.coordinate_size

    def unprotect(self, octets: bytes) -> bytes:
        """Return the APDU whose signature is verified.

        Errors: `ProtocolFault` SECURITY none or a wrong signature, another sender or receiver, a transaction
        id seen before; DECODE.
        """
        name = apdu_name(octets)
        if octets[:1] != bytes((ApduTag.GENERAL_SIGNING,)):
            raise fault(ErrorKind.SECURITY, f"a signed APDU expected, {name} came without a signature")
        apdu = GeneralSigning.decode(octets)
        check_addresses(apdu.header, self.title, self.peer_title)
        verify(self.suite, self._peer_key, apdu.signature, apdu.signed, name)
        self.transactions.accept(apdu.header.transaction_id)
        return apdu.content
