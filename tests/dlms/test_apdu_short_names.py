"""Read, Write and InformationReport: every choice with its octets."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.descriptors import DataAccessResult
from meterkit.dlms.apdu.short_name import (
    BlockNumber,
    BlockNumberAccess,
    DataBlockResult,
    InformationReport,
    ParameterisedAccess,
    ReadDataBlockAccess,
    ReadRequest,
    ReadResponse,
    VariableName,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from meterkit.errors import ProtocolFault
from tests.dlms.vectors import octets_of


def test_a_read_response_that_ends_after_its_choice_is_a_fault():
    for strict in (True, False):
        with pytest.raises(ProtocolFault, match="read-response: data"):
            decode_apdu(octets_of("sn-read-response-error"), strict=strict)


def test_every_access_specification_of_short_names_has_its_octets():
    variables = (
        VariableName(0x0138),
        ParameterisedAccess(0x0140, 1, b"\x11\x05"),
        BlockNumberAccess(3),
        ReadDataBlockAccess(True, 2, b"\x05\x01"),
        WriteDataBlockAccess(False, 1),
    )
    octets = bytes.fromhex("05 05 02 0138 04 0140 01 1105 05 0003 06 01 0002 02 0501 07 00 0001")
    assert ReadRequest(variables).encode() == octets
    assert decode_apdu(octets) == ReadRequest(variables)


def test_every_result_of_a_read_and_a_write_has_its_octets():
    results = (
        b"\x11\x05",
        DataAccessResult.OBJECT_UNDEFINED,
        DataBlockResult(False, 1, b"\x01"),
        BlockNumber(2),
    )
    octets = bytes.fromhex("0c 04 00 1105 01 04 02 00 0001 01 01 03 0002")
    assert ReadResponse(results).encode() == octets
    assert decode_apdu(octets) == ReadResponse(results)
    written = (DataAccessResult.SUCCESS, DataAccessResult.READ_WRITE_DENIED, BlockNumber(2))
    assert WriteResponse(written).encode() == bytes.fromhex("0d 03 00 01 03 02 0002")
    assert decode_apdu(bytes.fromhex("0d 03 00 01 03 02 0002")) == WriteResponse(written)


def test_writes_and_reports_carry_values_for_their_variables():
    request = WriteRequest((VariableName(0x100),), (axdr.encode_unsigned(5),))
    assert request.encode() == bytes.fromhex("06 01 02 0100 01 1105")
    report = InformationReport(b"20260101120000Z", (VariableName(0x100),), (axdr.encode_unsigned(5),))
    octets = bytes.fromhex("18 01 0f") + b"20260101120000Z" + bytes.fromhex("01 02 0100 01 1105")
    assert report.encode() == octets
    assert decode_apdu(octets) == report
    assert decode_apdu(bytes.fromhex("18 00 00 00")) == InformationReport(None, (), ())
