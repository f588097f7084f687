"""The meter's application layer towards one client: an APDU in, APDUs out.

    idle --AARQ, accepted--> pending --proof, high level security--> associated --RLRQ, line gone--> idle

Ciphered requests are opened first, and what answers them is sealed last; general blocks go either inside
the ciphering or around it.  Source: IEC 62056-53; Green Book 9.2; general knowledge.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from meterkit.dlms.acse.apdus import Aarq, Rlrq
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.errors import ServiceError, StateError
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms.association_view import Associated, association_ln, association_sn
from meterkit.emulator.dlms.entry import Refused, enter, opened
from meterkit.emulator.dlms.general_blocks import GeneralBlocks
from meterkit.emulator.dlms.handshake import Accepted, negotiate, release
from meterkit.emulator.dlms.object_view import ObjectView
from meterkit.emulator.dlms.protection import OF_GENERAL_PROTECTION
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.services import Services
from meterkit.emulator.dlms.short_names import ShortNames
from meterkit.emulator.dlms.terms import Terms, refusal
from meterkit.errors import ProtocolFault

if TYPE_CHECKING:
    from meterkit.emulator.dlms.configuration import ClientConfiguration
    from meterkit.emulator.dlms.meter import DlmsMeterEmulator

_log = logging.getLogger("meterkit.emulator")

_INVOKED = frozenset({0xC4, 0xC5, 0xC7})  # responses whose third octet is the invoke id
_BLOCK = bytes((ApduTag.GENERAL_BLOCK_TRANSFER,))


class Application:
    """One client's association, or the lack of one."""

    def __init__(self, emulator: DlmsMeterEmulator, client_sap: int) -> None:
        self._emulator = emulator
        self.client_sap = client_sap
        self.services: Services | None = None  #: while associated
        self._blocks = GeneralBlocks(emulator.faults, window=emulator.configuration.general_block_window)
        self._last_answer = b""

    @property
    def is_associated(self) -> bool:
        """Whether there is an association."""
        return self.services is not None

    def close(self) -> None:
        """End the association without a word: the link below is gone."""
        self.services = None
        self._blocks.reset()

    def process(self, apdu: bytes) -> list[bytes]:
        """Return what the meter says to one APDU, in order; never raises."""
        if self._emulator.faults.take("unanswered"):
            self._answer(apdu)
            return []
        return self._with_quirks(self._answer(apdu))

    def _with_quirks(self, answers: list[bytes]) -> list[bytes]:
        quirks = self._emulator.quirks
        if not answers:
            return answers
        if DlmsQuirk.WRONG_INVOKE_ID in quirks:
            answers = [_with_other_invoke(answer) for answer in answers]
        if DlmsQuirk.STALE_ANSWER_FIRST in quirks and _is_stale(self._last_answer, answers[0]):
            answers, self._last_answer = [self._last_answer, *answers], answers[0]
        else:
            self._last_answer = answers[0]
        if self.services is None:
            return answers
        if DlmsQuirk.PUSH_BEFORE_ANSWER in quirks:
            answers = [self._emulator.notification(), *answers]
        if DlmsQuirk.PUSH_AFTER_ANSWER in quirks:
            answers = [*answers, self._emulator.notification()]
        return answers

    # ---------------------------------------------------------------- requests
    def _answer(self, apdu: bytes) -> list[bytes]:
        match apdu[:1]:
            case b"\x60":
                return self._associate(apdu)
            case b"\x62":
                return self._release(apdu)
            case _:
                return self._serve(apdu)

    def _associate(self, octets: bytes) -> list[bytes]:
        emulator = self._emulator
        client = emulator.configuration.client(self.client_sap)
        if client is None and DlmsQuirk.SILENT_TO_UNKNOWN_CLIENT in emulator.quirks:
            return []
        try:
            aarq = Aarq.decode(octets)
        except ProtocolFault as odd:
            _log.debug("no AARQ: %s", odd)
            return [refusal(service=ServiceError.OTHER_REASON)]
        self.close()
        keys = emulator.security.client(self.client_sap)
        try:
            entry = enter(aarq, emulator.configuration.system_title, keys, emulator.quirks)
        except Refused as refused:
            return [refused.answer]
        accepted, answer = negotiate(entry, client, emulator.configuration, emulator.quirks)
        if accepted is not None and client is not None:
            self.services = self._begin(accepted, client)
        return [answer]

    def _begin(self, accepted: Accepted, client: ClientConfiguration) -> Services:
        emulator, configuration = self._emulator, self._emulator.configuration
        objects = list(emulator.device.objects)
        associated = Associated(
            client,
            configuration.logical_device,
            configuration.association_version,
            int(accepted.conformance),
            configuration.max_pdu,
            accepted.client_max_pdu,
            accepted.context,
            accepted.proving,
        )
        if configuration.short_name_referencing:
            names = ShortNames(objects)
            association = association_sn(names.bases, client.clearance, accepted.proving)
            if emulator.cloned is not None:
                association = emulator.cloned.association_sn(association)
            names.add(association)
        else:
            names = ShortNames(())
            association = association_ln(associated, objects)
            if emulator.cloned is not None:
                association = emulator.cloned.association(association, associated)
        terms = Terms(
            configuration,
            emulator.quirks,
            emulator.faults,
            ObjectView([*objects, association], client.clearance),
            accepted.conformance,
            accepted.client_max_pdu,
        )
        return Services(terms, names, accepted)

    def _release(self, octets: bytes) -> list[bytes]:
        quirks, services = self._emulator.quirks, self.services
        if services is None:
            return [refusal()]
        answer = self._refused_release(octets, services)
        if answer is not None:
            return [answer]
        self.close()
        if DlmsQuirk.NO_ANSWER_TO_RELEASE in quirks:
            return []
        if DlmsQuirk.EXCEPTION_TO_RELEASE in quirks:
            return [refusal()]
        return [release(services.accepted, quirks)]

    def _refused_release(self, octets: bytes, services: Services) -> bytes | None:
        """Return why an RLRQ is refused: in a ciphered association it has to prove where it comes from."""
        protection = services.accepted.protection
        if protection is None:
            return None
        try:
            initiate = Rlrq.decode(octets).user_information or b""
        except ProtocolFault:
            return refusal()
        if not initiate:
            return refusal() if protection.is_required else None
        try:
            opened(protection, initiate)
        except Refused as refused:
            return refused.answer
        return None

    def _serve(self, octets: bytes) -> list[bytes]:
        services = self.services
        if services is None:
            return [refusal(service=ServiceError.OPERATION_NOT_POSSIBLE)]
        longest = services.terms.configuration.max_pdu
        if longest and len(octets) > longest:
            return [refusal(service=ServiceError.PDU_TOO_LONG)]
        # Blocks in clear are joined first: it is what they hold that is ciphered.
        is_open = octets[:1] != _BLOCK
        try:
            plain = self._open(octets, services) if is_open else octets
        except Refused as refused:
            return [refused.answer]
        answers = self._serve_plain(plain, services, is_open)
        self._settle(services)
        return answers

    def _open(self, octets: bytes, services: Services) -> bytes:
        """Return a request in clear.  Errors: Refused."""
        protection = services.accepted.protection
        if protection is None:
            return octets
        is_general = octets[:1] and octets[0] in OF_GENERAL_PROTECTION
        if is_general and not services.terms.grants(Conformance.GENERAL_PROTECTION):
            raise Refused(refusal())
        plain = opened(protection, octets)
        services.terms.overhead = protection.overhead
        return plain

    def _settle(self, services: Services) -> None:
        """Let new keys come into use, and end an association whose client did not prove itself."""
        accepted = services.accepted
        if accepted.protection is not None:
            accepted.protection.keys.settle()
        if accepted.proving is not None and accepted.proving.has_failed:
            self.close()

    def _serve_plain(self, octets: bytes, services: Services, is_open: bool) -> list[bytes]:
        terms = services.terms
        try:
            request = decode_apdu(octets)
        except ProtocolFault as odd:
            _log.debug("no request: %s", odd)
            is_known = octets[:1] and octets[0] in ApduTag.__members__.values()
            return [refusal(StateError.SERVICE_NOT_ALLOWED if is_known else StateError.SERVICE_UNKNOWN)]
        terms.is_general = isinstance(request, GeneralBlockTransfer)
        if isinstance(request, GeneralBlockTransfer):
            return self._serve_block(request, services, is_open)
        self._blocks.reset()  # another request ends what was under way
        return self._send(services.perform(request), services, 1)

    def _serve_block(self, block: GeneralBlockTransfer, services: Services, is_open: bool) -> list[bytes]:
        """Take one general block; `is_open`: it came ciphered, so what it holds is not."""
        if not services.terms.grants(Conformance.GENERAL_BLOCK_TRANSFER):
            return [refusal()]
        octets, answers = self._blocks.take(block)
        if octets is None:
            return self._sealed(answers, services) if is_open else answers
        try:
            request = decode_apdu(octets if is_open else self._open(octets, services))
        except Refused as refused:
            return [refused.answer]
        except ProtocolFault:
            return [refusal(service=ServiceError.OTHER_REASON)]
        if isinstance(request, GeneralBlockTransfer):
            return [refusal(service=ServiceError.OTHER_REASON)]
        return self._send(services.perform(request), services, block.window, is_around=is_open)

    def _send(
        self, answer: bytes | None, services: Services, window: int, *, is_around: bool = False
    ) -> list[bytes]:
        """Return an answer, whole or in blocks; `is_around`: each block is sealed, not what they hold."""
        if not answer:
            return []
        terms = services.terms
        is_long = not terms.fits(answer) and terms.grants(Conformance.GENERAL_BLOCK_TRANSFER)
        if not (terms.is_general or is_long):
            return self._sealed([answer], services)
        if is_around:
            return self._sealed(self._blocks.send(answer, terms.max_send, window), services)
        (sealed,) = self._sealed([answer], services)
        return self._blocks.send(sealed, terms.max_send, window)

    def _sealed(self, answers: list[bytes], services: Services) -> list[bytes]:
        protection = services.accepted.protection
        if protection is None:
            return answers
        if DlmsQuirk.WRONG_INVOKE_ID in self._emulator.quirks:
            answers = [_with_other_invoke(answer) for answer in answers]
        return [protection.seal(answer) for answer in answers]


def _is_stale(before: bytes, answer: bytes) -> bool:
    """Tell whether an answer is one to an earlier request: it bears another invoke id."""
    return before[:1] == answer[:1] and answer[0] in _INVOKED and before[2] != answer[2]


def _with_other_invoke(answer: bytes) -> bytes:
    if answer[:1] and answer[0] in _INVOKED:
        return answer[:2] + bytes((answer[2] ^ 0x05,)) + answer[3:]
    return answer
