"""Initiate, refusals of whole APDUs, general blocks: the form of each of their APDUs.

    <ExceptionResponse> <StateError Value="ServiceNotAllowed" /> <ServiceError Value="OtherReason" /> ...

Source: IEC 62056-53, Initiate and ExceptionResponse; IEC 61334-4-41, ConfirmedServiceError; Green Book
9.4.6.13, GBT.
"""

from __future__ import annotations

from typing import Any, Final

from meterkit.codec import json_parts
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.errors import ConfirmedServiceError, ExceptionResponse, ServiceError, StateError
from meterkit.dlms.apdu.initiate import InitiateRequest, InitiateResponse
from meterkit.dlms.translate.forms.composites import Optional, Record
from meterkit.dlms.translate.forms.leaves import Coded, Flag, Number, Octets, hex_number
from meterkit.dlms.translate.forms.parts import Services, Usual
from meterkit.dlms.translate.xml_text import Cursor, Element

_LAST, _STREAMING, _WINDOW = 0x80, 0x40, 0x3F  # block-control


def _quality(name: str) -> Optional[int]:
    return Optional(Number(name, 1, is_signed=True))


class _ServiceError:
    """A ConfirmedServiceError, whose error class is an element of its own."""

    name = "Service"
    _PARTS: Final = ("service", "error_class", "value")

    def to_json(self, value: ConfirmedServiceError) -> dict[str, object]:
        """Return the three numbers, and what they mean."""
        told: dict[str, object] = {name: getattr(value, name) for name in self._PARTS}
        return told | {"meaning": value.words}

    def from_json(self, told: object, where: str) -> ConfirmedServiceError:
        """Return the error."""
        found = json_parts.members(told, where)
        json_parts.only(found, where, *self._PARTS, "meaning")
        return ConfirmedServiceError(
            *(json_parts.whole(found.get(name), f"{where}.{name}", 0, 0xFF) for name in self._PARTS)
        )

    def to_xml(self, value: ConfirmedServiceError) -> list[Element]:
        """Return <Service> and <ServiceError>, in words where there are any."""
        names = _CLASSES.get(value.error_class)
        name, values = names or (f"Class{value.error_class:02X}", ())
        told = values[value.value] if value.value < len(values) else f"{value.value:02X}"
        return [
            Element.of("Service", f"{value.service:02X}"),
            Element("ServiceError", {}, [Element.of(name, told)]),
        ]

    def from_xml(self, at: Cursor) -> ConfirmedServiceError:
        """Take both elements."""
        service = hex_number(at.take("Service"), 1)
        within = Cursor(at.take("ServiceError"))
        element = within.take()
        within.finish()
        number, values = _class_named(element)
        told = element.attribute()
        value = values.index(told) if told in values else hex_number(element, 1)
        return ConfirmedServiceError(service, number, value)


#: Error classes of a ServiceError with their values, as XML has them.
_CLASSES: Final[dict[int, tuple[str, tuple[str, ...]]]] = {
    0: (
        "ApplicationReference",
        (
            "Other",
            "TimeElapsed",
            "ApplicationUnreachable",
            "ApplicationReferenceInvalid",
            "ApplicationContextUnsupported",
            "ProviderCommunicationError",
            "DecipheringError",
        ),
    ),
    1: (
        "HardwareResource",
        (
            "Other",
            "MemoryUnavailable",
            "ProcessorResourceUnavailable",
            "MassStorageUnavailable",
            "OtherResourceUnavailable",
        ),
    ),
    2: ("VdeStateError", ("Other", "NoDlmsContext", "LoadingDataSet", "StatusNochange", "StatusInoperable")),
    3: ("Service", ("Other", "PduSize", "ServiceUnsupported")),
    4: (
        "Definition",
        ("Other", "ObjectUndefined", "ObjectClassInconsistent", "ObjectAttributeInconsistent"),
    ),
    5: (
        "Access",
        ("Other", "ScopeOfAccessViolated", "ObjectAccessInvalid", "HardwareFault", "ObjectUnavailable"),
    ),
    6: (
        "Initiate",
        (
            "Other",
            "DlmsVersionTooLow",
            "IncompatibleConformance",
            "PduSizeTooShort",
            "RefusedByTheVDEHandler",
        ),
    ),
    7: (
        "LoadDataSet",
        (
            "Other",
            "PrimitiveOutOfSequence",
            "NotLoadable",
            "DatasetSizeTooLarge",
            "NotAwaitedSegment",
            "InterpretationFailure",
            "StorageFailure",
            "DataSetNotReady",
        ),
    ),
    9: ("Task", ("Other", "NoRemoteControl", "tiStopped", "tiRunning", "tiUnusable")),
}


def _class_named(element: Element) -> tuple[int, tuple[str, ...]]:
    for number, (name, values) in _CLASSES.items():
        if name == element.name:
            return number, values
    digits = element.name.removeprefix("Class")
    try:
        return int(digits, 16) & 0xFF, ()
    except ValueError:
        known = ", ".join(name for name, _ in _CLASSES.values())
        raise ValueError(f"{element.place}: one of {known} or ClassNN expected") from None


class _GeneralBlock:
    """A general block, whose control octet is one element in XML and three members in JSON."""

    name = "BlockControl"
    _JSON: Final = Record(
        GeneralBlockTransfer,
        ("is_last", Flag("LastBlock")),
        ("is_streaming", Flag("Streaming")),
        ("window", Number("Window")),
        ("block_number", Number("BlockNumber", 2)),
        ("block_number_ack", Number("BlockNumberAck", 2)),
        ("data", Octets("BlockData")),
    )

    def to_json(self, value: GeneralBlockTransfer) -> dict[str, object]:
        """Return all members."""
        return self._JSON.to_json(value)

    def from_json(self, told: object, where: str) -> GeneralBlockTransfer:
        """Return the block."""
        return self._JSON.from_json(told, where)

    def to_xml(self, value: GeneralBlockTransfer) -> list[Element]:
        """Return the four elements."""
        return [
            Element.of("BlockControl", value.encode()[1:2].hex().upper()),
            Element.of("BlockNumber", f"{value.block_number:04X}"),
            Element.of("BlockNumberAck", f"{value.block_number_ack:04X}"),
            Element.of("BlockData", value.data.hex().upper()),
        ]

    def from_xml(self, at: Cursor) -> GeneralBlockTransfer:
        """Take the four elements."""
        control = hex_number(at.take("BlockControl"), 1)
        number, acknowledged = (hex_number(at.take(name), 2) for name in ("BlockNumber", "BlockNumberAck"))
        data = Octets("BlockData").from_xml(at)
        is_last, is_streaming = bool(control & _LAST), bool(control & _STREAMING)
        return GeneralBlockTransfer(is_last, is_streaming, control & _WINDOW, number, acknowledged, data)


FORMS: Final[dict[str, Any]] = {
    "InitiateRequest": Record(
        InitiateRequest,
        ("dedicated_key", Optional(Octets("DedicatedKey"))),
        ("response_allowed", Usual(Flag("ResponseAllowed"), True)),
        ("quality_of_service", _quality("ProposedQualityOfService")),
        ("dlms_version", Number("ProposedDlmsVersionNumber")),
        ("conformance", Services("ProposedConformance")),
        ("max_pdu", Number("ProposedMaxPduSize", 2)),
    ),
    "InitiateResponse": Record(
        InitiateResponse,
        ("quality_of_service", _quality("NegotiatedQualityOfService")),
        ("dlms_version", Number("NegotiatedDlmsVersionNumber")),
        ("conformance", Services("NegotiatedConformance")),
        ("max_pdu", Number("NegotiatedMaxPduSize", 2)),
        ("vaa_name", Number("VaaName", 2)),
    ),
    "ExceptionResponse": Record(
        ExceptionResponse,
        ("state_error", Coded("StateError", StateError)),
        ("service_error", Coded("ServiceError", ServiceError)),
        ("invocation_counter", Optional(Number("InvocationCounter", 4))),
    ),
    "ConfirmedServiceError": _ServiceError(),
    "GeneralBlockTransfer": _GeneralBlock(),
}
CLASSES: Final[dict[str, type]] = {
    one.__name__: one
    for one in (
        InitiateRequest,
        InitiateResponse,
        ExceptionResponse,
        ConfirmedServiceError,
        GeneralBlockTransfer,
    )
}
