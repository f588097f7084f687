"""ACCESS and what meters send unasked: the form of each of their APDUs.

    <AccessRequest> <LongInvokeIdAndPriority Value="40000001" /> <DateTime Value="" /> <AccessRequestBody> ...

Source: IEC 62056-5-3, ACCESS, DataNotification; IEC 62056-53, EventNotification.
"""

from __future__ import annotations

from typing import Any, Final

from meterkit.codec import json_parts
from meterkit.dlms.apdu import access, notification
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.translate.forms.composites import Either, Many, Optional, Record, Within, inside
from meterkit.dlms.translate.forms.form import Form
from meterkit.dlms.translate.forms.leaves import Octets, Value
from meterkit.dlms.translate.forms.parts import (
    ATTRIBUTE,
    DATE_TIME,
    LONG_INVOKE,
    METHOD,
    TARGET,
    access_result,
    action_result,
)
from meterkit.dlms.translate.xml_text import Cursor, Element

_SPECIFICATION: Final = Either(
    ("get", access.AccessGet, Within("AccessRequestGet", Record(access.AccessGet, *TARGET))),
    ("set", access.AccessSet, Within("AccessRequestSet", Record(access.AccessSet, *TARGET))),
    (
        "action",
        access.AccessAction,
        Within("AccessRequestAction", Record(access.AccessAction, ("method", METHOD))),
    ),
)
_SPECIFICATIONS: Final = Many(
    "AccessRequestSpecification", Within("_AccessRequestSpecification", _SPECIFICATION)
)


class _Result:
    """How one specification fared: the service, and its result."""

    name = "_AccessResponseSpecification"
    _SERVICES: Final = {"get": 1, "set": 2, "action": 3}
    _WORDS: Final = {number: word for word, number in _SERVICES.items()}
    _ELEMENTS: Final = {1: "AccessResponseGet", 2: "AccessResponseSet", 3: "AccessResponseAction"}
    _NUMBERS: Final = {name: number for number, name in _ELEMENTS.items()}
    _FORMS: Final[dict[int, Form[Any]]] = {
        1: access_result("Result"),
        2: access_result("Result"),
        3: action_result("Result"),
    }

    def to_json(self, value: access.AccessResult) -> object:
        """Return service and result."""
        result = self._FORMS[value.service].to_json(value.result)
        return {"service": self._WORDS[value.service], "result": result}

    def from_json(self, told: object, where: str) -> access.AccessResult:
        """Return service and result."""
        found = json_parts.members(told, where)
        json_parts.only(found, where, "service", "result")
        service = self._SERVICES.get(str(found.get("service")))
        if service is None:
            raise json_parts.wrong(f"{where}.service", "get, set or action", found.get("service"))
        return access.AccessResult(
            service, self._FORMS[service].from_json(found.get("result"), f"{where}.result")
        )

    def to_xml(self, value: access.AccessResult) -> list[Element]:
        """Return the two elements around the result."""
        result = self._FORMS[value.service].to_xml(value.result)
        return [Element(self.name, {}, [Element(self._ELEMENTS[value.service], {}, result)])]

    def from_xml(self, at: Cursor) -> access.AccessResult:
        """Take the element."""
        outer = Cursor(at.take(self.name))
        element = outer.take(*self._NUMBERS)
        outer.finish()
        service, within = self._NUMBERS[element.name], Cursor(element)
        result: DataAccessResult | ActionResult = self._FORMS[service].from_xml(within)
        within.finish()
        return access.AccessResult(service, result)


FORMS: Final[dict[str, Record[Any]]] = {
    "AccessRequest": Record(
        access.AccessRequest,
        LONG_INVOKE,
        DATE_TIME,
        inside(
            "AccessRequestBody",
            ("specifications", _SPECIFICATIONS),
            ("data", Many("AccessRequestListOfData", Value())),
        ),
    ),
    "AccessResponse": Record(
        access.AccessResponse,
        LONG_INVOKE,
        DATE_TIME,
        inside(
            "AccessResponseBody",
            ("specifications", Optional(_SPECIFICATIONS)),
            ("data", Many("AccessResponseListOfData", Value())),
            ("results", Many("AccessResponseSpecification", _Result())),
        ),
    ),
    "DataNotification": Record(
        notification.DataNotification,
        LONG_INVOKE,
        DATE_TIME,
        inside("NotificationBody", ("body", Value("DataValue"))),
    ),
    "EventNotificationRequest": Record(
        notification.EventNotification,
        ("time", Optional(Octets("Time"))),
        ("attribute", ATTRIBUTE),
        ("value", Value("AttributeValue")),
    ),
}
