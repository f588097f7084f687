"""Read, Write and their kin on the emulated meter with short names."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.descriptors import DataAccessResult, Selection
from meterkit.dlms.apdu.short_name import (
    BlockNumber,
    BlockNumberAccess,
    DataBlockResult,
    InformationReport,
    ParameterisedAccess,
    ReadDataBlockAccess,
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    VariableName,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.emulator.dlms.logical_device import NOTE
from tests.emulator.dlms.meters import CLOCK_OCTETS, WrapperClient, make_meter, split

AARQ = (
    "6036a1090607608574050801028a0207808b0760857405080201ac0a80083132333435363738"
    "be10040e01000000065f1f04003fffff{max_pdu}"
)
OK = DataAccessResult.SUCCESS


def associated(max_pdu="04b0", **changes):
    client = WrapperClient(make_meter(short_name_referencing=True, **changes), sap=1)
    aare = client.ask(AARQ.format(max_pdu=max_pdu))
    assert aare[-2:].hex() == "fa00"
    return client


def names_of(client):
    octets = client.ask(ReadRequest((VariableName(0xFA08),)).encode())
    response = decode_apdu(octets)
    if isinstance(response.results[0], DataBlockResult):
        raw, last = b"", response.results[0]
        while True:
            raw += last.raw
            if last.is_last:
                break
            last = client.ask_decoded(ReadRequest((BlockNumberAccess(last.block_number),))).results[0]
        response = decode_apdu(b"\x0c" + raw)
    view = axdr.decode(response.results[0])
    return {(class_id, ObisCode.from_bytes(name)): base & 0xFFFF for base, class_id, _, name in view}


def test_what_the_view_names_can_be_read():
    client = associated(max_pdu="ffff")
    names = names_of(client)
    clock = names[8, ObisCode.CLOCK]
    energy = names[3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL]
    response = client.ask_decoded(
        ReadRequest((VariableName(clock + 8), VariableName(energy + 16), VariableName(3)))
    )
    assert response.results == (
        CLOCK_OCTETS,
        bytes.fromhex("02020f00161e"),
        DataAccessResult.OBJECT_UNDEFINED,
    )


@pytest.mark.parametrize("max_pdu", ["0040", "0200", "ffff"])
def test_a_long_answer_comes_in_blocks(max_pdu):
    client = associated(max_pdu=max_pdu)
    assert names_of(client)[12, ObisCode.CURRENT_ASSOCIATION] == 0xFA00


def test_part_of_a_profile_is_read_by_parameterised_access():
    client = associated(max_pdu="ffff")
    buffer = names_of(client)[7, ObisCode.LOAD_PROFILE] + 8
    selection = Selection.by_entry(1, 2)
    access = ParameterisedAccess(buffer, selection.selector, selection.parameters)
    (octets,) = client.ask_decoded(ReadRequest((access,))).results
    assert len(axdr.decode(octets)) == 2


def test_read_by_logical_name_is_a_method_of_the_association():
    client = associated()
    wanted = axdr.encode_array(
        [
            axdr.encode_structure(
                [
                    axdr.encode_long_unsigned(8),
                    axdr.encode_octet_string(ObisCode.CLOCK.to_bytes()),
                    axdr.encode_integer(2),
                ]
            )
        ]
    )
    (octets,) = client.ask_decoded(ReadRequest((ParameterisedAccess(0xFA30, 1, wanted),))).results
    assert octets == b"\x01\x01" + CLOCK_OCTETS


def test_writes_attributes_and_methods():
    client = associated(max_pdu="ffff")
    names = names_of(client)
    note, switch = names[1, NOTE] + 8, names[70, ObisCode.DISCONNECT_CONTROL] + 0x20
    energy = names[3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL] + 8
    variables = tuple(VariableName(name) for name in (note, switch, energy, 3))
    data = (b"\x09\x01x", b"\x0f\x00", b"\x06\0\0\0\0", b"\0")
    response = client.ask_decoded(WriteRequest(variables, data))
    denied, missing = DataAccessResult.READ_WRITE_DENIED, DataAccessResult.OBJECT_UNDEFINED
    assert response == WriteResponse((OK, OK, denied, missing))
    assert client.emulator.device.breaker.state == 0
    assert client.send(UnconfirmedWriteRequest((VariableName(note),), (b"\x09\x01y",)).encode()) == []
    assert client.ask_decoded(ReadRequest((VariableName(note),))).results == (b"\x09\x01y",)


def test_long_requests_come_in_blocks():
    client = associated(max_pdu="ffff")
    note = names_of(client)[1, NOTE] + 8
    value = axdr.encode_octet_string(bytes(range(200)))
    octets = WriteRequest((VariableName(note),), (value,)).encode()[1:]
    first = axdr.encode_octet_string(octets[:90])
    second = axdr.encode_octet_string(octets[90:])
    request = WriteRequest((WriteDataBlockAccess(False, 1),), (first,))
    assert client.ask_decoded(request) == WriteResponse((BlockNumber(1),))
    request = WriteRequest((WriteDataBlockAccess(True, 2),), (second,))
    assert client.ask_decoded(request) == WriteResponse((OK,))
    octets = ReadRequest((VariableName(note), VariableName(note))).encode()[1:]
    request = ReadRequest((ReadDataBlockAccess(False, 1, octets[:3]),))
    assert client.ask_decoded(request) == ReadResponse((BlockNumber(1),))
    request = ReadRequest((ReadDataBlockAccess(True, 2, octets[3:]),))
    assert client.ask_decoded(request).results == (value, value)


def test_blocks_out_of_order_are_refused():
    client = associated()
    response = client.ask_decoded(ReadRequest((ReadDataBlockAccess(True, 2, b"x"),)))
    assert response.results == (DataAccessResult.DATA_BLOCK_NUMBER_INVALID,)
    response = client.ask_decoded(ReadRequest((BlockNumberAccess(1),)))
    assert response.results == (DataAccessResult.NO_LONG_GET_IN_PROGRESS,)


def test_a_list_that_is_refused_is_a_confirmed_service_error():
    client = associated(quirks=[DlmsQuirk.LIST_REFUSED])
    both = (VariableName(0xFA08), VariableName(0xFA08))
    assert client.ask(ReadRequest(both).encode()).hex() == "0e050302"


def test_a_push_is_an_information_report():
    client = associated()
    client.emulator.push()
    ((_, port, apdu),) = split(client.session.wake(client.now))
    report = decode_apdu(apdu)
    assert isinstance(report, InformationReport)
    assert port == 0x40
    assert report.data == (CLOCK_OCTETS,)
    assert client.ask_decoded(ReadRequest((report.variables[0],))).results == (CLOCK_OCTETS,)
