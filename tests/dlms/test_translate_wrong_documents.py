"""Documents that people get wrong: every mistake is told with its line or its place."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.translate import documents
from meterkit.dlms.translate.xml_text import MAX_DEPTH, MAX_LENGTH
from tests.dlms.apdus import any_apdu

SHORT_ADDRESSES = '<TargetAddress Value="1" /><SourceAddress Value="10" />'
HDLC = f"<HDLC>{SHORT_ADDRESSES}{{}}</HDLC>"
RR = f'{SHORT_ADDRESSES}<FrameType Value="11" />'
COMPACT = (
    "<Data><CompactArray><ContentsDescription>{}</ContentsDescription>"
    '<ArrayContents Value="{}" /></CompactArray></Data>'
)
NORMAL = "<GetRequest><GetRequestNormal>{}</GetRequestNormal></GetRequest>"
FRAME = {"frame": "hdlc", "frame_type": "RR", "poll_final": True, "source": {"logical": 16}}
AARE = {"apdu": "aare", "result": "accepted", "diagnostic": {"service_user": "null"}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no message in it"),
        ("<a", "line 1: no XML"),
        ("<GetRequest>\n<x/>\n</GetRequest>", "line 2: <x>: <GetRequestNormal> or"),
        ("<GetRequest />", "line 1: <GetRequest>: <GetRequestNormal> or"),
        ("<Nothing />", "line 1: <Nothing>: an APDU expected"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><GetRequest />', "a document type is not read"),
        ("<GetRequest>text</GetRequest>", "text between elements: 'text'"),
        ("<a>" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} elements"),
        ("<Data><UInt8 /></Data>", 'an attribute Value="..." expected'),
        ('<Data><UInt8 Value="123" /></Data>', "2 hex digits expected, '123' came"),
        ('<Data><UInt8 Value="1" /><UInt8 Value="1" /></Data>', "not expected within <Data>"),
        ('<Data><OctetString Value="1" /></Data>', "line 1: <OctetString>"),
        (
            '<Data><CompactArray><ContentsDescription><Array Qty="x"><Enum /></Array></ContentsDescription>'
            '<ArrayContents Value="" /></CompactArray></Data>',
            "<Array>: Qty is up to four hex digits, 'x' came",
        ),
        (
            "<Data><CompactArray><ContentsDescription><Enum /></ContentsDescription>"
            '<ArrayContents Value="1" /></CompactArray></Data>',
            "<ArrayContents>: octets in hex expected",
        ),
        ('<Data><BitString Hex="00" Bits="x" /></Data>', "Bits is a decimal number, 'x' came"),
        ('<Octets Value="xx" />', "octets in hex expected, 'xx' came"),
        ('<HDLC><TargetAddress Value="FFFF" Size="3" /></HDLC>', "1, 2 or 4 octets"),
        (f'<HDLC Flags="some">{RR}</HDLC>', "<HDLC>: Flags are one of both, start, end, none"),
        (HDLC.format('<FrameType Value="FF" />'), "line 1: <FrameType>: control octet ff is none of"),
        (
            HDLC.format(f'<FrameType Value="10" />\n<Information Value="{"00" * 2040}" />'),
            "line 1: <HDLC>: 2040",
        ),
        (HDLC.format('<FrameType Value="93" /><Snrm><WindowSizeTX Value="x" /></Snrm>'), "a decimal"),
        (
            HDLC.format('<FrameType Value="93" /><Snrm><WindowSizeTX Value="256" Size="1" /></Snrm>'),
            "<WindowSizeTX>: Size 1, 2 or 4 expected that holds 256",
        ),
        (
            f'<WRAPPER>{SHORT_ADDRESSES}<PDU><Octets Value="{"00" * 65536}" /></PDU></WRAPPER>',
            "<WRAPPER>: (1, 16, 1, 65536): version",
        ),
        (
            "<Data>" + "<Structure>" * 17 + "</Structure>" * 17 + "</Data>",
            "more than 16 arrays and structures",
        ),
        (
            '<Data><UInt8 Value="05">\n<Enum Value="01" /></UInt8></Data>',
            "line 2: <Enum>: nothing stands within",
        ),
        ('<Data><Boolean Value="yes" /></Data>', "<Boolean>: 00 or 01 expected, 'yes' came"),
        ("<Data><Number /></Data>", '<Number>: a value expected, such as <UInt16 Value="1391" />'),
        (COMPACT.format("<UInt16 />", "00"), "<CompactArray>: "),
        (COMPACT.format("<CompactArray />", "00"), "<CompactArray>: no element of a compact array"),
        (COMPACT.format("<Structure>" * 17 + "</Structure>" * 17, "00"), "or too deep"),
        (COMPACT.format('<Array Qty="1" />', "00"), "<Array>: one type within an array expected"),
        (COMPACT.format("<Enum><Enum /></Enum>", "00"), "<Enum>: one type within an array expected"),
        (NORMAL.format('<InvokeIdAndPriority Value="1FF" />'), "at most 2 hex digits expected, '1FF' came"),
        (
            NORMAL.format(
                '<InvokeIdAndPriority Value="C1" /><AttributeDescriptor><ClassId Value="8" />'
                '<InstanceId Value="0000010000" /></AttributeDescriptor>'
            ),
            "<InstanceId>: 6 octets of a logical name expected, 5 came",
        ),
        (
            '<GetResponse><GetResponseNormal><InvokeIdAndPriority Value="C1" /><Result><Value /></Result>'
            "</GetResponseNormal></GetResponse>",
            "<Value>: <Data> or <DataAccessError> expected within <Result>",
        ),
        (
            '<InitiateRequest><ProposedDlmsVersionNumber Value="06" /><ProposedConformance>'
            '<ConformanceBit Name="Everything" /></ProposedConformance></InitiateRequest>',
            "expected, 'Everything' came",
        ),
        (
            '<ConfirmedServiceError><Service Value="01" /><ServiceError><Weather Value="01" /></ServiceError>'
            "</ConfirmedServiceError>",
            "<Weather>: one of ApplicationReference",
        ),
    ],
)
def test_wrong_xml_is_told_with_its_line(text, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        documents.from_xml(text)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (5, "message: a message expected, 5 came"),
        ([{}], "messages[0].apdu: the name of an APDU"),
        ({"schema": "meterkit.dlms/2", "messages": []}, "document.schema: meterkit.dlms/1 expected"),
        ({"apdu": "get-request-next", "invoke": 300}, "message.invoke: a whole number, 0 to 255, expected"),
        ({"apdu": "get-request-next", "invoke": 1, "bloc": 1}, "'bloc' came"),
        ({"frame": "hdlc", "frame_type": "X"}, "message.frame_type: one of I, RR"),
        ({"frame": "tcp"}, "message.frame: hdlc, wrapper or llc expected, 'tcp' came"),
        ({"frame": "llc", "llc": "up", "pdu": {"octets": ""}}, "message.llc: request or response"),
        (
            FRAME | {"destination": {"logical": 1}, "flags": "some"},
            "message.flags: one of both, start, end, none expected, 'some' came",
        ),
        (FRAME | {"destination": {"logical": 200, "size": 1}}, "message: address 200 in 1 octets"),
        (FRAME | {"destination": {"logical": -1}}, "message.destination.logical: a whole number, 0 to 16383"),
        (
            {"frame": "wrapper", "source": 1, "destination": 16, "pdu": {"octets": "00" * 65536}},
            "message: (1, 1, 16, 65536): version",
        ),
        (AARE | {"application_context": "any"}, "message.application_context: one of logical-name, "),
        (
            AARE | {"application_context": "0102", "diagnostic": {"user": 1}},
            "message.diagnostic: one of service_user, service_provider expected, 'user' came",
        ),
        (
            {"apdu": "general-block-transfer", "is_last": True, "is_streaming": False, "window": 64}
            | {"block_number": 1, "block_number_ack": 0, "data": ""},
            "message: window 64: 0 to 63 expected",
        ),
        (
            {"apdu": "initiate-request", "dlms_version": 6, "conformance": ["get", "everything"]},
            "message.conformance[1]: one of ",
        ),
        (
            {
                "apdu": "access-response",
                "long_invoke": 1,
                "date_time": "",
                "data": [],
                "results": [{"service": "put", "result": "success"}],
            },
            "message.results[0].service: get, set or action expected, 'put' came",
        ),
        (
            {"apdu": "glo-get-request", "content": {"hex": "30", "text": ""}},
            "message.content",
        ),
        (
            {"apdu": "get-response-normal", "invoke": 1, "result": {"error": "no-idea"}},
            "message.result.error: one of success",
        ),
        (
            {
                "apdu": "set-request-normal",
                "invoke": 1,
                "attribute": {"class_id": 1, "obis": "x", "attribute": 2},
            },
            "message.attribute.obis: an OBIS code such as 1-0:1.8.0*255 expected, 'x' came",
        ),
    ],
)
def test_wrong_json_is_told_with_its_place(document, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        documents.from_json(document)


@given(any_apdu, st.data())
@settings(max_examples=300, derandomize=True, deadline=None)
def test_documents_with_a_part_changed_give_octets_or_a_value_error(apdu, draw):
    written = documents.to_xml(apdu.encode())
    at = draw.draw(st.integers(0, len(written) - 1))
    odd = written[:at] + draw.draw(st.sampled_from('<>"/x0 A')) + written[at + 1 :]
    document = json.dumps(documents.to_json(apdu.encode()))
    at = draw.draw(st.integers(0, len(document) - 1))
    changed = document[:at] + draw.draw(st.sampled_from('{}[],"x0')) + document[at + 1 :]
    for read in (lambda: documents.from_xml(odd), lambda: documents.from_json(json.loads(changed))):
        try:
            assert isinstance(read(), tuple)
        except ValueError:
            continue


def test_more_xml_than_anybody_writes_is_not_read():
    with pytest.raises(ValueError, match=f"{MAX_LENGTH + 1} letters of XML: at most {MAX_LENGTH} are read"):
        documents.from_xml(" " * (MAX_LENGTH + 1))
