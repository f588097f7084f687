"""Our XML has the shape that gurux-dlms writes, and gurux-dlms makes the same octets of ours.

Not compared, for gurux-dlms 1.0.203 fails there or writes what it cannot read: see the lists below and the
list in test_apdu_gurux.  It writes booleans as True and False, and the method of an ACCESS as an attribute.
"""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from meterkit.dlms.acse.apdus import Rlre, Rlrq
from meterkit.dlms.apdu.access import AccessRequest
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.translate import documents
from tests.dlms.test_apdu_gurux import READ_BY_GURUX

PROGRAM = """
import json, sys
from gurux_dlms import GXDLMSTranslator
from gurux_dlms.enums import TranslatorOutputType
def attempt(work):
    try:
        return work()
    except Exception as problem:
        return "failed: " + repr(problem)
answers = []
for line in json.load(sys.stdin):
    translator = GXDLMSTranslator(TranslatorOutputType.SIMPLE_XML)
    translator.comments = False
    told = attempt(lambda: translator.pduToXml(line["octets"]))
    back = attempt(lambda: bytes(translator.xmlToPdu(line["xml"]).array()).hex())
    answers.append([told, back])
print("\\n" + json.dumps(answers))
"""

#: Data of every type gurux-dlms knows, in a GetResponse.
VALUES = [
    "00",
    "0300",
    "0301",
    "040aaa80",
    "04080f",
    "05fffffffe",
    "0600001391",
    "0fff",
    "10fffe",
    "1105",
    "121391",
    "140000000000000001",
    "15ffffffffffffffff",
    "16ff",
    "173f800000",
    "183ff0000000000000",
    "1b0f2e2300",
    "0a0548656c6c6f",
    "0d12",
    "0900",
    "090c07e50713010f2e2300ff8880",
    "010211051106",
    "02021105020100",
    "1907e50713010f2e2300ff8880",
]
#: What gurux-dlms writes and cannot read again, or reads as something else.
NOT_BACK = {
    "AssociationRequest": "it adds an InitiateRequest, and offers services of its own",
    "AssociationResponse": "it does not know the mechanisms it writes, and adds octets",
    "InitiateResponse": "it grants services of its own",
    "GetRequestWithList": "it takes the number of attributes for a part of each",
    "GetResponseWithList": "it fails",
    "GetResponsewithDataBlock": "it adds an octet behind an error",
    "SetResponseWithLastDataBlock": "it fails",
    "SetResponseWithList": "it fails",
    "ActionResponseNextBlock": "it fails",
    "GeneralBlockTransfer": "it fails",
    "ReleaseRequest": "it fails",
    "ReleaseResponse": "it fails",
    "ConfirmedServiceError": "it fails",
    "DateTime": "it fails on times that are not left out",
    "Time": "it fails",
    "WriteRequest": "it writes the number of values twice",
    "ParameterisedAccess": "it writes the selector of the variable after",
}
_NO_RETURN = "c701c10300"  # it leaves out the 00 that says that nothing is returned
_NO_RAW_DATA = "0501060100020101"  # it leaves out the piece of the request
APDUS = [apdu.encode() for apdu, _, _ in READ_BY_GURUX if not isinstance(apdu, AccessRequest)]
APDUS.remove(bytes.fromhex(_NO_RAW_DATA))
APDUS += [bytes.fromhex("c401c100" + value) for value in VALUES]


@pytest.fixture(scope="module")
def answers() -> list[tuple[str, str]]:
    asked = [{"octets": octets.hex(), "xml": documents.to_xml(octets)} for octets in APDUS]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout.splitlines()[-1])


def shape(text: str) -> list[tuple[str, str | None, int | None]]:
    """Every element's name, its value and how many there are within."""
    found = []
    for one in ET.fromstring(text).iter():
        value, number = one.get("Value", one.get("Name")), one.get("Qty")
        if one.tag == "Boolean":
            value = {"True": "01", "False": "00"}.get(value or "", value)
        found.append((one.tag, value, None if number is None else int(number, 16)))
    return found


@pytest.mark.parametrize("case", range(len(APDUS)), ids=lambda case: APDUS[case].hex()[:40])
def test_the_xml_has_the_elements_and_values_that_gurux_writes(answers, case):
    theirs, _ = answers[case]
    assert not theirs.startswith("failed"), theirs
    assert shape(documents.to_xml(APDUS[case])) == shape(theirs)


@pytest.mark.parametrize("case", range(len(APDUS)), ids=lambda case: APDUS[case].hex()[:40])
def test_gurux_makes_the_same_octets_of_our_xml(answers, case):
    ours = documents.to_xml(APDUS[case])
    names = {name for name, _, _ in shape(ours)}
    if not names & NOT_BACK.keys() and APDUS[case].hex() != _NO_RETURN:
        assert answers[case][1] == APDUS[case].hex()


def test_we_make_the_same_octets_of_what_gurux_writes(answers):
    for octets, (theirs, _) in zip(APDUS, answers, strict=True):
        assert documents.from_xml(theirs) == (octets,)


def test_most_of_what_gurux_reads_is_compared():
    kept = [
        octets for octets in APDUS if not {n for n, _, _ in shape(documents.to_xml(octets))} & NOT_BACK.keys()
    ]
    assert len(kept) >= 35
    assert {type(apdu) for apdu, _, _ in READ_BY_GURUX} >= {Rlrq, Rlre, GeneralBlockTransfer}
