"""Read and Write with short names: the form of each of their APDUs.

    <ReadRequest Qty="02"> <VariableName Value="FA08" /> <ParameterisedAccess> ... </ReadRequest>

Source: IEC 62056-53, SN referencing; names as the field's translators write them.
"""

from __future__ import annotations

from typing import Any, Final

from meterkit.dlms.apdu import short_name
from meterkit.dlms.apdu.results import DataAccessResult
from meterkit.dlms.translate.forms.composites import Either, Many, Optional, Record, Within
from meterkit.dlms.translate.forms.leaves import Flag, Number, Octets, Value
from meterkit.dlms.translate.forms.parts import access_result
from meterkit.dlms.translate.xml_text import Cursor, Element

_NAME: Final = ("name", Number("VariableName", 2))
_NUMBER: Final = ("block_number", Number("BlockNumber", 2))
_LAST: Final = ("is_last", Flag("LastBlock"))
_RAW: Final = ("raw", Octets("RawData"))

_ACCESS: Final = Either(
    ("variable_name", short_name.VariableName, Record(short_name.VariableName, _NAME)),
    (
        "parameterised_access",
        short_name.ParameterisedAccess,
        Within(
            "ParameterisedAccess",
            Record(
                short_name.ParameterisedAccess,
                _NAME,
                ("selector", Number("Selector")),
                ("parameters", Value("Parameter")),
            ),
        ),
    ),
    (
        "block_number_access",
        short_name.BlockNumberAccess,
        Within("BlockNumberAccess", Record(short_name.BlockNumberAccess, _NUMBER)),
    ),
    (
        "read_data_block_access",
        short_name.ReadDataBlockAccess,
        Within("ReadDataBlockAccess", Record(short_name.ReadDataBlockAccess, _LAST, _NUMBER, _RAW)),
    ),
    (
        "write_data_block_access",
        short_name.WriteDataBlockAccess,
        Within("WriteDataBlockAccess", Record(short_name.WriteDataBlockAccess, _LAST, _NUMBER)),
    ),
)
_BLOCK_NUMBER: Final = Record(short_name.BlockNumber, _NUMBER)
_READ_RESULT: Final = Either(
    ("data", bytes, Value("Data")),
    ("error", DataAccessResult, access_result("DataAccessError")),
    (
        "block",
        short_name.DataBlockResult,
        Within("DataBlockResult", Record(short_name.DataBlockResult, _LAST, _NUMBER, _RAW)),
    ),
    ("block_number", short_name.BlockNumber, _BLOCK_NUMBER),
)


class _Written:
    """Success, which is an element without a value, or why a variable was not written."""

    name = "Success"
    also = ("DataAccessError",)
    _ERROR: Final = access_result("DataAccessError")

    def to_json(self, value: DataAccessResult) -> object:
        """Return the result's name."""
        return self._ERROR.to_json(value)

    def from_json(self, told: object, where: str) -> DataAccessResult:
        """Return the result."""
        return self._ERROR.from_json(told, where)

    def to_xml(self, value: DataAccessResult) -> list[Element]:
        """Return <Success /> or the error."""
        return self._ERROR.to_xml(value) if value else [Element("Success")]

    def from_xml(self, at: Cursor) -> DataAccessResult:
        """Take either."""
        if at.next_name != "Success":
            return self._ERROR.from_xml(at)
        at.take("Success")
        return DataAccessResult.SUCCESS


_WRITE_RESULT: Final = Either(
    ("result", DataAccessResult, _Written()), ("block_number", short_name.BlockNumber, _BLOCK_NUMBER)
)
_VARIABLES: Final = ("variables", Many("ListOfVariableAccessSpecification", _ACCESS))
_DATA: Final = ("data", Many("ListOfData", Value()))

#: Those whose items stand in the APDU's own element, and the member that holds them.
LISTS: Final[dict[str, tuple[type, str, Many[Any]]]] = {
    "ReadRequest": (short_name.ReadRequest, "variables", Many("ReadRequest", _ACCESS)),
    "ReadResponse": (short_name.ReadResponse, "results", Many("ReadResponse", _READ_RESULT)),
    "WriteResponse": (short_name.WriteResponse, "results", Many("WriteResponse", _WRITE_RESULT)),
}
FORMS: Final[dict[str, Record[Any]]] = {
    "WriteRequest": Record(short_name.WriteRequest, _VARIABLES, _DATA),
    "UnconfirmedWriteRequest": Record(short_name.UnconfirmedWriteRequest, _VARIABLES, _DATA),
    "InformationReportRequest": Record(
        short_name.InformationReport, ("current_time", Optional(Octets("CurrentTime"))), _VARIABLES, _DATA
    ),
}
