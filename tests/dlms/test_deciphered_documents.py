"""What is under each cipher of a capture, in its JSON and XML; the octets come back exactly all the same."""

import json

import pytest

from meterkit.dlms.deciphering import Deciphering
from meterkit.dlms.security import CounterBlock, GeneralSigner, KeyKind
from meterkit.dlms.security.key_agreement import generate_key
from meterkit.dlms.security.keys import public_key_octets
from meterkit.dlms.translate import documents
from tests.dlms.security.material import CLIENT, EK, GET, METER, OTHER_KEY, SUITE_1
from tests.dlms.test_deciphering import AUTHENTICATION, BOOK, UNICAST, capture_keys, captured, session_keys
from tests.dlms.vectors import octets_of
from tests.virtual_clock import VIRTUAL_CLOCK

AUTHENTICATED_GET = octets_of("glo-get-request-authenticated-encrypted")


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def opener(known=BOOK, titles=()):
    return Deciphering(capture_keys(known), list(titles)).plain


def written(*octets, known=BOOK, titles=()):
    """Return JSON and XML of a capture, having made sure that both lead back to its octets."""
    document = documents.to_json(*octets, decipher=opener(known, titles))
    xml = documents.to_xml(*octets, decipher=opener(known, titles))
    assert b"".join(documents.from_json(json.loads(json.dumps(document)))) == b"".join(octets)
    assert b"".join(documents.from_xml(xml)) == b"".join(octets)
    return json.dumps(document), xml


@pytest.mark.anyio
@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize("changes", [{}, {"dedicated_key": True}, {"envelope": "general"}], ids=str)
async def test_each_message_of_a_session_holds_what_was_said(interface, changes):
    octets = await captured(interface=interface, **changes)
    told, xml = written(octets, known=session_keys())
    for name in ("initiate-request", "initiate-response", "action-request-normal", "get-request-normal"):
        assert f'"plaintext": {{"apdu": "{name}"' in told
    for name in ("InitiateRequest", "ActionRequest", "GetRequestNormal", "GetResponseNormal"):
        assert f"<{name}" in xml
    assert told.count('"ciphered": ') == 0
    assert xml.count("<Plaintext>") == told.count('"plaintext": ') > 6


@pytest.mark.anyio
async def test_a_dedicated_key_is_learned_from_its_aarq_and_not_shown():
    octets = await captured(dedicated_key=True)
    told, xml = written(octets, known=session_keys())
    assert '"apdu": "ded-get-request"' in told
    assert '"dedicated_key": "not shown"' in told
    assert 'DedicatedKey Value="not shown"' in xml


def test_the_recorded_gmac_session_is_told_in_clear():
    aarq = octets_of("wrapper-aarq-gmac-ciphered")[8:]  # the rest is without its header, too
    told, xml = written(aarq, octets_of("glo-action-request"), octets_of("rlrq-ciphered-live"))
    assert told.count('"plaintext": ') == xml.count("<Plaintext>") == 3
    assert told.count('"plaintext": {"apdu": "initiate-request"') == 2  # of the AARQ and of the RLRQ
    assert '"plaintext": {"apdu": "action-request-normal"' in told
    assert xml.count("<InitiateRequest") == 2
    assert "<ActionRequestNormal>" in xml


def test_what_a_tag_speaks_against_is_not_told():
    altered = AUTHENTICATED_GET[:-1] + bytes((AUTHENTICATED_GET[-1] ^ 1,))
    for octets, known in ((altered, BOOK), (AUTHENTICATED_GET, BOOK | {AUTHENTICATION: OTHER_KEY})):
        told, xml = written(octets, known=known, titles=[METER, CLIENT])
        assert "plaintext" not in told
        assert "Plaintext" not in xml


def test_without_a_key_for_the_tags_the_text_is_told():
    told, _ = written(AUTHENTICATED_GET, known={UNICAST: EK}, titles=[METER, CLIENT])
    assert '"plaintext": {"apdu": "get-request-normal"' in told


def test_without_keys_nothing_is_told():
    told, xml = written(AUTHENTICATED_GET, known={}, titles=[METER])
    assert "plaintext" not in told
    assert "Plaintext" not in xml


def test_what_was_signed_is_told_unless_the_signature_is_wrong():
    signing = generate_key(SUITE_1)
    signer = GeneralSigner(SUITE_1, METER, CLIENT, signing, signing.public_key(), CounterBlock(1, 9))
    octets = signer.protect(GET)
    known = {KeyKind.SERVER_SIGNING: public_key_octets(signing)}
    assert "get-request-normal" in written(octets, known=known)[0]
    assert "get-request-normal" in written(octets, known={})[0]
    assert "get-request-normal" not in written(octets[:-1] + bytes((octets[-1] ^ 1,)), known=known)[0]


@pytest.mark.parametrize("octets", [b"", b"\x60", b"\xc8", b"\xdf\x00", b"\xdb\x08" + METER, b"\x00", GET])
def test_octets_that_are_no_ciphered_apdu_give_nothing(octets):
    assert opener()(octets) is None
