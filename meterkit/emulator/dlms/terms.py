"""What one association agreed on, and who is at its other end."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from meterkit.dlms.apdu.errors import ExceptionResponse, ServiceError, StateError
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms.configuration import MAX_PDU, DlmsEmulatorConfiguration
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.object_view import ObjectView
from meterkit.emulator.dlms.quirks import DlmsQuirk

JUNK = bytes.fromhex("090f090c07")  #: as Gurux' C server leaves it behind
LONGEST_VALUE = 1 << 20  #: octets that a client may send in blocks


@dataclass(slots=True)
class Terms:
    """The terms that every service looks at; `is_general` follows the request."""

    configuration: DlmsEmulatorConfiguration
    quirks: AbstractSet[DlmsQuirk]  #: the meter's own, so that switching acts at once
    faults: DlmsFaults
    view: ObjectView
    conformance: Conformance
    client_max_pdu: int  #: octets the client takes; 0: any number
    is_general: bool = False  #: the request came in general blocks, so its answer may go in them
    overhead: int = 0  #: octets that ciphering will add to the answer

    @property
    def max_send(self) -> int:
        """Octets of the longest APDU the meter sends, before it is ciphered."""
        most = min(self.client_max_pdu or MAX_PDU, self.configuration.max_pdu_transmit)
        return max(most - self.overhead, 1)

    def fits(self, apdu: bytes) -> bool:
        """Whether an APDU may be sent as it is."""
        return len(apdu) <= self.max_send

    def grants(self, services: Conformance) -> bool:
        """Whether all of these services were agreed on."""
        return self.conformance & services == services

    def uses_general_blocks(self, own_blocks: Conformance) -> bool:
        """Whether a long answer goes in general blocks; `own_blocks` is the service's own block transfer."""
        if not self.grants(Conformance.GENERAL_BLOCK_TRANSFER):
            return False
        prefers = self.is_general or self.configuration.block_transfer == "general"
        return prefers or not self.grants(own_blocks)


def refusal(
    state: StateError = StateError.SERVICE_NOT_ALLOWED,
    service: ServiceError = ServiceError.SERVICE_NOT_SUPPORTED,
) -> bytes:
    """Return an exception-response."""
    return ExceptionResponse(state, service).encode()
