"""The xDLMS context of one association: its state, the services and PDU sizes agreed on, its invoke ids.

Source: IEC 62056-53, xDLMS context, invoke-id-and-priority.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms import permission
from meterkit.dlms.answers import CONFIRMED, HIGH_PRIORITY, INVOKE_ID
from meterkit.dlms.apdu import Apdu
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.state import AssociationEvent, AssociationState, follow
from meterkit.errors import MeterError

_LARGEST_PDU: Final = 0xFFFF  # octets


class XdlmsContext:
    """What an association stands on; `Association` exchanges APDUs within it."""

    #: Goes on from one association to the next: a late answer of the last must not look like one of this.
    _invoke_id = 0

    def _forget_context(self) -> None:
        """Begin anew: not associated, nothing granted."""
        self.state = AssociationState.NOT_ASSOCIATED
        self.conformance: Conformance | None = None  #: the services granted; None until `configure`
        self.server_max_pdu = 0  #: octets the meter takes in one PDU; 0: any number
        self.client_max_pdu = 0  #: octets we announced to take; 0: any number
        self.prefers_general_blocks = False
        self.grants_get = False  #: GET of a whole attribute may be asked for, as `permits` would say
        self._largest_pdu = _LARGEST_PDU  # octets that we send: PDU sizes have 16 bits, as WRAPPER's lengths
        self._priority = HIGH_PRIORITY

    def configure(
        self,
        conformance: Conformance,
        server_max_pdu: int,
        client_max_pdu: int = 0,
        use_general_block_transfer: bool = False,
    ) -> None:
        """Use what the AARE granted, or what was agreed on beforehand if there is no AARQ.

        PDU sizes in octets, 0 for any.  With `use_general_block_transfer`, long requests go by general blocks
        even where their service has blocks of its own.
        """
        self.conformance = conformance
        self.server_max_pdu = server_max_pdu
        self.client_max_pdu = client_max_pdu
        self.prefers_general_blocks = use_general_block_transfer
        self._largest_pdu = server_max_pdu or _LARGEST_PDU
        self._priority = HIGH_PRIORITY if conformance & Conformance.PRIORITY_MGMT_SUPPORTED else 0
        self._note(AssociationEvent.PRE_ESTABLISHED)

    def next_invoke(self, confirmed: bool = True, high_priority: bool = True) -> int:
        """Return the next invoke-id-and-priority octet: ids 1 to 15, 0 and again.

        The priority bit stays 0 where the meter did not grant priority management.
        """
        self._invoke_id = octet = (self._invoke_id + 1) & INVOKE_ID
        if confirmed:
            octet |= CONFIRMED
        return octet | self._priority if high_priority else octet

    def permits(self, apdu: Apdu) -> MeterError | None:
        """Return why `apdu` must not be sent now; None if it may.  Nothing is sent."""
        return permission.objection(apdu, self.state, self.conformance)

    def _note(self, event: AssociationEvent) -> None:
        self.state = follow(self.state, event)
        granted = Conformance.GET if self.conformance is None else self.conformance
        self.grants_get = self.state is AssociationState.ASSOCIATED and bool(granted & Conformance.GET)
