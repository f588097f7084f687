"""AARQ, AARE, RLRQ and RLRE: their forms, with the APDU in the user-information within them.

    <AssociationRequest> <ApplicationContextName Value="LN" /> ... <InitiateRequest> ... </InitiateRequest>

Source: Green Book 9.4.2; names as the field's translators write them.
"""

from __future__ import annotations

from typing import Any, Final

from meterkit.codec import json_parts
from meterkit.dlms.acse.apdus import Aare, Aarq, Rlre, Rlrq
from meterkit.dlms.acse.names import (
    AcseServiceProvider,
    AcseServiceUser,
    ApplicationContext,
    AssociationResult,
    AuthenticationMechanism,
    AuthenticationValueKind,
    ReleaseRequestReason,
    ReleaseResponseReason,
)
from meterkit.dlms.translate.forms.composites import Either, Optional, Record, Within
from meterkit.dlms.translate.forms.form import Form
from meterkit.dlms.translate.forms.leaves import Coded, Number, Octets, Whole, hex_octets
from meterkit.dlms.translate.forms.parts import Usual
from meterkit.dlms.translate.xml_text import Cursor, Element

_CONTEXTS: Final = {
    ApplicationContext.LOGICAL_NAME: "LN",
    ApplicationContext.SHORT_NAME: "SN",
    ApplicationContext.LOGICAL_NAME_CIPHERED: "LN_WITH_CIPHERING",
    ApplicationContext.SHORT_NAME_CIPHERED: "SN_WITH_CIPHERING",
}
_MECHANISMS: Final = {
    AuthenticationMechanism.NONE: "None",
    AuthenticationMechanism.LOW_LEVEL_SECURITY: "Low",
    AuthenticationMechanism.HIGH_LEVEL_SECURITY: "High",
    AuthenticationMechanism.HIGH_LEVEL_SECURITY_MD5: "HighMd5",
    AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA1: "HighSha1",
    AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC: "HighGmac",
    AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256: "HighSha256",
    AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA: "HighEcdsa",
}


class _Identifier:
    """An object identifier of DLMS by its name, any other by its octets."""

    def __init__(self, name: str, names: dict[Any, str]) -> None:
        self.name = name
        self._xml = names
        self._by_xml = {word: one for one, word in names.items()}
        self._json = {one: one.name.lower().replace("_", "-") for one in names}
        self._by_json = {word: one for one, word in self._json.items()}

    def to_json(self, value: Any) -> object:
        """Return the name in the standard, or hex."""
        return value.hex() if isinstance(value, bytes) else self._json[value]

    def from_json(self, told: object, where: str) -> Any:
        """Return what the name or the hex stands for."""
        word = json_parts.text(told, where)
        if word in self._by_json:
            return self._by_json[word]
        try:
            return json_parts.octets(word, where)
        except ValueError:
            expected = f"one of {', '.join(self._by_json)} or an object identifier in hex"
            raise json_parts.wrong(where, expected, word) from None

    def to_xml(self, value: Any) -> list[Element]:
        """Return the element."""
        told = value.hex().upper() if isinstance(value, bytes) else self._xml[value]
        return [Element.of(self.name, told)]

    def from_xml(self, at: Cursor) -> Any:
        """Take the element."""
        element = at.take(self.name)
        known = self._by_xml.get(element.attribute())
        return hex_octets(element) if known is None else known


class _Mechanism(_Identifier):
    """The mechanism-name, and in XML the ACSE requirements that go with it; neither without a mechanism."""

    def __init__(self, requirements: str) -> None:
        super().__init__("MechanismName", _MECHANISMS)
        self._requirements = requirements

    def to_json(self, value: Any) -> object:
        """Return the name."""
        return None if value == AuthenticationMechanism.NONE else super().to_json(value)

    def from_json(self, told: object, where: str) -> Any:
        """Return the mechanism; none where none is told."""
        return AuthenticationMechanism.NONE if told is None else super().from_json(told, where)

    def to_xml(self, value: Any) -> list[Element]:
        """Return both elements."""
        if value == AuthenticationMechanism.NONE:
            return []
        return [Element.of(self._requirements, "1"), *super().to_xml(value)]

    def from_xml(self, at: Cursor) -> Any:
        """Take what there is of the two."""
        if at.next_name == self._requirements:
            at.take()
        return super().from_xml(at) if at.next_name == self.name else AuthenticationMechanism.NONE


_RESULT: Final = Coded("AssociationResult", AssociationResult, {n: f"{n:02X}" for n in range(3)})
_DIAGNOSTIC: Final = Within(
    "ResultSourceDiagnostic",
    Either(
        (
            "service_user",
            AcseServiceUser,
            Coded("ACSEServiceUser", AcseServiceUser, {n: f"{n:02X}" for n in range(15)}),
        ),
        (
            "service_provider",
            AcseServiceProvider,
            Coded("ACSEServiceProvider", AcseServiceProvider, {n: f"{n:02X}" for n in range(3)}),
        ),
    ),
)
_CONTEXT: Final = ("application_context", _Identifier("ApplicationContextName", _CONTEXTS))
_VERSION: Final = ("protocol_version", Optional(Octets("ProtocolVersion")))
_IMPLEMENTATION: Final = ("implementation_information", Optional(Octets("ImplementationInformation")))


def acse_forms(within: Form[bytes]) -> dict[str, Record[Any]]:
    """Return the forms by XML name; `within` is that of the APDU in the user-information."""
    user_information = ("user_information", within)
    return {
        "AssociationRequest": Record(
            Aarq,
            _VERSION,
            _CONTEXT,
            *_titles("called", "CalledAPTitle", "CalledAEQualifier"),
            *_identifiers("called", "CalledAPInvocationId", "CalledAEInvocationId"),
            *_titles("calling", "CallingAPTitle", "CallingAEQualifier"),
            *_identifiers("calling", "CallingApInvocationId", "CallingAEInvocationId"),
            ("mechanism", _Mechanism("SenderACSERequirements")),
            *_authentication("CallingAuthentication"),
            _IMPLEMENTATION,
            user_information,
        ),
        "AssociationResponse": Record(
            Aare,
            _VERSION,
            _CONTEXT,
            ("result", _RESULT),
            ("diagnostic", _DIAGNOSTIC),
            *_titles("responding", "RespondingAPTitle", "RespondingAEQualifier"),
            *_identifiers("responding", "RespondingAPInvocationId", "RespondingAEInvocationId"),
            ("mechanism", _Mechanism("ResponderACSERequirement")),
            *_authentication("RespondingAuthentication"),
            _IMPLEMENTATION,
            user_information,
        ),
        "ReleaseRequest": Record(
            Rlrq, ("reason", Optional(Coded("Reason", ReleaseRequestReason))), user_information
        ),
        "ReleaseResponse": Record(
            Rlre, ("reason", Optional(Coded("Reason", ReleaseResponseReason))), user_information
        ),
    }


def _titles(whose: str, title: str, qualifier: str) -> tuple[tuple[str, Form[Any]], ...]:
    return (
        (f"{whose}_ap_title", Optional(Octets(title))),
        (f"{whose}_ae_qualifier", Optional(Octets(qualifier))),
    )


def _identifiers(whose: str, ap: str, ae: str) -> tuple[tuple[str, Form[Any]], ...]:
    return (
        (f"{whose}_ap_invocation_id", Optional(Whole(ap))),
        (f"{whose}_ae_invocation_id", Optional(Whole(ae))),
    )


def _authentication(name: str) -> tuple[tuple[str, Form[Any]], ...]:
    kind = Usual(Number(f"{name}Kind"), AuthenticationValueKind.CHARSTRING)
    return ("authentication_value", Optional(Octets(name))), ("authentication_value_kind", kind)
