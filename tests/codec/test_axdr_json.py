"""Values in JSON come back octet for octet; what is written wrongly is told with its place."""

import json

import pytest
from hypothesis import given, settings

from meterkit.codec.axdr_json import from_json, to_json
from tests.codec.axdr_trees import trees


@given(trees)
@settings(max_examples=500, derandomize=True, deadline=None)
def test_every_value_comes_back_octet_for_octet(data):
    octets = data.encode()
    document = json.loads(json.dumps(to_json(octets), allow_nan=False))
    assert from_json(document) == octets


@pytest.mark.parametrize(
    ("octets", "document"),
    [
        ("00", {"type": "null-data"}),
        ("121391", {"type": "long-unsigned", "value": 5009}),
        ("0fff", {"type": "integer", "value": -1}),
        ("0301", {"type": "boolean", "value": True}),
        ("0d42", {"type": "bcd", "value": "42"}),
        ("173fc00000", {"type": "float32", "value": 1.5}),
        ("0901aa", {"type": "octet-string", "value": "aa"}),
        ("0a0141", {"type": "visible-string", "value": "A"}),
        ("0403a0", {"type": "bit-string", "value": "101"}),
        ("0403ff", {"type": "bit-string", "bits": 3, "hex": "ff"}),
        ("03ff", {"type": "boolean", "hex": "ff"}),
        ("177fc00001", {"type": "float32", "hex": "7fc00001"}),
        ("177f800000", {"type": "float32", "hex": "7f800000"}),
        ("0c01ff", {"type": "utf8-string", "hex": "ff"}),
        ("1c05", {"type": "delta-integer", "value": 5}),
        ("1b0c000000", {"type": "time", "value": "0c000000"}),
    ],
)
def test_each_kind_of_value_has_its_form(octets, document):
    assert to_json(bytes.fromhex(octets)) == document
    assert from_json(document).hex() == octets


def test_an_octet_string_may_be_written_as_text_and_a_meaning_is_for_people():
    assert from_json({"type": "octet-string", "text": "ab", "meaning": "letters"}) == b"\x09\x02ab"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (5, 'value: a value such as {"type": "unsigned", "value": 5} expected, 5 came'),
        ({"type": "unsignd", "value": 5}, "value.type: one of null-data, array"),
        ({"type": "unsigned", "value": "5"}, "value.value: a whole number for unsigned expected, '5' came"),
        ({"type": "unsigned", "value": True}, "a whole number for unsigned expected, True came"),
        ({"type": "unsigned", "value": 256}, "value: 256 does not fit unsigned"),
        ({"type": "unsigned"}, "value.value: a whole number for unsigned expected, nothing came"),
        ({"type": "unsigned", "valu": 5}, 'value: "type" or "meaning" or "value" expected, \'valu\' came'),
        ({"type": "octet-string", "value": "a"}, "value.value: octets in hex expected, 'a' came"),
        ({"type": "boolean", "value": 1}, "true or false for boolean expected, 1 came"),
        ({"type": "bit-string", "value": "012"}, "a row of 0 and 1 for bit-string expected"),
        ({"type": "date-time", "value": "00"}, "is no date-time"),
        ({"type": "structure", "value": [{"type": "enum", "value": None}]}, "value[0].value: a whole number"),
        ({"type": "array"}, "value.value: a list expected, nothing came"),
        ({"type": "bit-string", "hex": "ff", "bits": 9}, "value.bits: a whole number, 1 to 8, expected"),
        (
            {"type": "compact-array", "element": {"type": "compact-array"}, "value": []},
            "value.element: compact",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document, told):
    with pytest.raises(ValueError) as raised:
        from_json(document)
    assert told in str(raised.value)


def test_a_value_that_goes_too_deep_is_refused():
    document: object = {"type": "null-data"}
    for _ in range(2000):
        document = {"type": "array", "value": [document]}
    with pytest.raises(ValueError, match="more than 16 arrays"):
        from_json(document)
