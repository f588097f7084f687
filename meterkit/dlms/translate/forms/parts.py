"""Parts that several services share: descriptors, selections, results, blocks, conformance, time.

Source: IEC 62056-53 for the parts; the XML names are those the field's translators write.
"""

from __future__ import annotations

from typing import Any, Final

from meterkit.codec import json_parts
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, Selection
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.translate.forms.composites import (
    Either,
    Inside,
    Optional,
    Part,
    Record,
    Row,
    Within,
    inside,
)
from meterkit.dlms.translate.forms.form import Form
from meterkit.dlms.translate.forms.leaves import Coded, Flag, LogicalName, Number, Octets, Value, camel
from meterkit.dlms.translate.xml_text import Cursor, Element

#: Names of a Data-Access-Result and an Action-Result in XML, where they are not the standard's.
_RESULTS: Final = {
    0: "Success",
    1: "HardwareFault",
    2: "TemporaryFailure",
    3: "ReadWriteDenied",
    4: "UndefinedObject",
    9: "InconsistentClass",
    11: "UnavailableObject",
    12: "UnmatchedType",
    13: "AccessViolated",
    14: "DataBlockUnavailable",
    15: "LongGetOrReadAborted",
    16: "NoLongGetOrReadInProgress",
    17: "LongSetOrWriteAborted",
    18: "NoLongSetOrWriteInProgress",
    19: "DataBlockNumberInvalid",
    250: "OtherReason",
}

INVOKE: Final[Part] = ("invoke", Number("InvokeIdAndPriority"))
LONG_INVOKE: Final[Part] = ("long_invoke", Number("LongInvokeIdAndPriority", 4))
DATE_TIME: Final[Part] = ("date_time", Octets("DateTime"))
BLOCK_NUMBER: Final[Part] = ("block_number", Number("BlockNumber", 4))
ATTRIBUTE: Final = Within(
    "AttributeDescriptor",
    Record(
        AttributeDescriptor,
        ("class_id", Number("ClassId", 2)),
        ("obis", LogicalName()),
        ("attribute", Number("AttributeId", 1, is_signed=True)),
    ),
)
METHOD: Final = Within(
    "MethodDescriptor",
    Record(
        MethodDescriptor,
        ("class_id", Number("ClassId", 2)),
        ("obis", LogicalName()),
        ("method", Number("MethodId", 1, is_signed=True)),
    ),
)
SELECTION: Final = Optional(
    Within(
        "AccessSelection",
        Record(Selection, ("selector", Number("AccessSelector")), ("parameters", Value("AccessParameters"))),
    )
)
TARGET: Final[tuple[Part, ...]] = (("attribute", ATTRIBUTE), ("selection", SELECTION))
SELECTED: Final = Within("AttributeDescriptorWithSelection", Row(*TARGET))


def access_result(name: str) -> Coded[DataAccessResult]:
    """Return the form of a Data-Access-Result."""
    return Coded(name, DataAccessResult, _RESULTS)


def action_result(name: str) -> Coded[ActionResult]:
    """Return the form of an Action-Result."""
    return Coded(name, ActionResult, _RESULTS)


def block(name: str, *, number_size: int = 4) -> Inside:
    """Return the parts of one block in the element `name`."""
    number = Number("BlockNumber", number_size)
    return inside(name, ("is_last", Flag("LastBlock")), ("block_number", number), ("raw", Octets("RawData")))


#: Get-Data-Result: Data, or why there is none.
DATA_OR_ERROR: Final = Either(
    ("data", bytes, Value("Data")), ("error", DataAccessResult, access_result("DataAccessError"))
)
RAW_OR_ERROR: Final = Either(
    ("raw", bytes, Octets("RawData")), ("error", DataAccessResult, access_result("DataAccessResult"))
)


class Services:
    """A conformance block: its services one by one."""

    _NAMES: Final = {bit: camel((bit.name or "").lower()) for bit in Conformance}
    _BITS: Final = {name: bit for bit, name in _NAMES.items()}
    _WORDS: Final = {bit: (bit.name or "").lower().replace("_", "-") for bit in Conformance}
    _BY_WORD: Final = {word: bit for bit, word in _WORDS.items()}

    def __init__(self, name: str) -> None:
        self.name = name

    def to_json(self, value: Conformance) -> object:
        """Return the services' names in the standard."""
        return [word for bit, word in self._WORDS.items() if bit & value]

    def from_json(self, told: object, where: str) -> Conformance:
        """Return the block."""
        value = Conformance(0)
        for number, word in enumerate(json_parts.items(told, where)):
            if word not in self._BY_WORD:
                raise json_parts.wrong(f"{where}[{number}]", f"one of {', '.join(self._BY_WORD)}", word)
            value |= self._BY_WORD[str(word)]
        return value

    def to_xml(self, value: Conformance) -> list[Element]:
        """Return an element for each service."""
        bits = [Element("ConformanceBit", {"Name": name}) for bit, name in self._NAMES.items() if bit & value]
        return [Element(self.name, {}, bits)]

    def from_xml(self, at: Cursor) -> Conformance:
        """Take the element."""
        value = Conformance(0)
        for child in at.take(self.name).children:
            name = child.attribute("Name")
            if child.name != "ConformanceBit" or name not in self._BITS:
                raise ValueError(f"{child.place}: one of {', '.join(self._BITS)} expected, {name!r} came")
            value |= self._BITS[name]
        return value


class Usual:
    """A part that is left out where it has its usual value."""

    def __init__(self, form: Form[Any], usual: object) -> None:
        self.name, self._form, self._usual = form.name, form, usual

    def to_json(self, value: object) -> object:
        """Return the part, None for the usual."""
        return None if value == self._usual else self._form.to_json(value)

    def from_json(self, told: object, where: str) -> Any:
        """Return the part, the usual for nothing."""
        return self._usual if told is None else self._form.from_json(told, where)

    def to_xml(self, value: object) -> list[Element]:
        """Return the part's elements, none for the usual."""
        return [] if value == self._usual else self._form.to_xml(value)

    def from_xml(self, at: Cursor) -> Any:
        """Take the part, if it comes next."""
        return self._form.from_xml(at) if at.next_name == self.name else self._usual
