"""JSON that defines no table, or a table nobody could hold: an error that names the place, in little time."""

import json

import pytest

from meterkit.codec.layout import Context
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import DefinitionError, TableRegistry, load_definition
from meterkit.psem.tables.definitions import MAX_EDITIONS, MAX_NESTING

REGISTRY = TableRegistry()


def define(*fields, **others):
    return load_definition({"name": "Mine", "number": 2148, "fields": list(fields), **others}, REGISTRY)


def field(name="value", kind="UINT8", **others):
    return {"name": name, "type": kind, **others}


def decode(octets, *fields, **others):
    return define(*fields, **others).resolve(Context()).decode(octets)


def nested(depth, count):
    records = {f"R{i}": [field("inner", f"R{i + 1}", count=count)] for i in range(depth)}
    return {"records": {**records, f"R{depth}": [field()]}}


# ---------------------------------------------------------------- documents
@pytest.mark.parametrize(
    "document",
    [
        "",
        "null",
        "[]",
        "[" * 100_000,
        '{"a":' * 50_000,
        b"\xff\xfe{",
        b"\x80",
        '{"name": "Mine", "number": ' + "9" * 5000 + "}",
        '{"name": "Mine", "number": NaN, "fields": []}',
        '{"name": "Mine", "number": 1e3, "fields": [{"name": "a", "type": "UINT8"}]}',
    ],
)
def test_what_is_no_definition_is_an_error(document):
    with pytest.raises(DefinitionError):
        load_definition(document, REGISTRY)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (field("class"), "a name of letters"),
        (field("__class__"), "a name of letters"),
        (field("resolve"), "every table needs 'resolve' for itself"),
        (field("a\0b"), "a name of letters"),
        (field(kind="__class__"), "type: one of UINT8"),
        (field(kind=["UINT8"]), "the name of a type expected"),
        (field(count=2**70), "a whole number 0 to"),
        (field(count=-1), "a whole number 0 to"),
        (field(count=1.5), "a whole number 0 to"),
        (field(count="0xfff" + "*0xfff" * 30), "a whole number 0 to"),
        (field(count="5 // 0"), "cannot be computed"),
        (field(count="value"), "no earlier field 'value'"),
        (field(condition="later"), "no earlier field 'later'"),
        (field(condition="Mine.value"), "no table 'Mine'"),
        (field(condition="("), "expected at the end"),
        (field(condition="(" * 30 + "1" + ")" * 30), "nested more than 20 deep"),
        (field(condition="~" * 300 + "value"), "a formula has 200 at most"),
        (field(condition="__import__"), "no earlier field"),
        (field(condition=True), "a whole number 0 to"),
        (field(since=[3, -1]), "a firmware version"),
        (field(bits={"a": 8}), "a bit 0 to 7"),
        (field(bits=[1]), "an object expected"),
        (field(colour="red"), "'colour' found"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(wrong, told):
    with pytest.raises(DefinitionError, match="Mine") as raised:
        define(wrong)
    assert told in str(raised.value)


# ---------------------------------------------------------------- circles and depth
def test_records_in_a_circle_are_told():
    with pytest.raises(DefinitionError, match="record 'A' would hold itself"):
        define(field(kind="A"), records={"A": [field(kind="B")], "B": [field(kind="A")]})


def test_records_that_double_at_every_level_are_told_before_they_are_made():
    twice = {f"R{i}": [field("a", f"R{i + 1}"), field("b", f"R{i + 1}")] for i in range(18)}
    with pytest.raises(DefinitionError, match="more than 2000 fields"):
        define(field(kind="R0"), records={**twice, "R18": [field()]})


def test_records_as_deep_as_allowed_decode_and_deeper_are_told():
    most = MAX_NESTING - 1
    record = decode(b"\7", field(kind="R0", count=1), **nested(most, 1))
    for _ in range(MAX_NESTING - 1):
        record = (record.value if hasattr(record, "value") else record.inner)[0]
    assert record.inner[0].value == 7
    with pytest.raises(DefinitionError, match=f"nested more than {MAX_NESTING} deep"):
        define(field(kind="R0"), **nested(MAX_NESTING, 1))


def test_more_firmware_versions_than_any_meter_had_are_told():
    fields = [field(f"f{i}", since=[i]) for i in range(1, MAX_EDITIONS + 1)]
    assert decode(b"\1" * MAX_EDITIONS, *fields).f1 == 1
    with pytest.raises(DefinitionError, match=f"more than {MAX_EDITIONS} firmware versions"):
        define(*fields, field("last", since=[99]))


# ---------------------------------------------------------------- good definitions, lying octets
@pytest.mark.parametrize(
    ("octets", "fields", "told"),
    [
        (b"\xff" * 20, [field("n", "UINT64"), field(count="n * n * n")], "no table has that dimension"),
        (
            b"\xff" * 20,
            [field("n", "UINT64"), field(count="*".join("n" * 99))],
            "no table has that dimension",
        ),
        (b"\1" * 9, [field("n"), field(count="n - 200")], "is -199"),
        (b"\0" * 9, [field("n"), field(count="5 // n")], "cannot be computed"),
        (b"\0" * 9, [field("n"), field(count="5 % n")], "cannot be computed"),
        (b"\5" * 9, [field("n"), field("s", count=3), field("x", count="s[n]")], "no element 5"),
        (b"\5" * 9, [field("n"), field(count="n.bit")], "has no field bit"),
        (b"abcd", [field("t", "CHAR", size=2), field(condition="t")], "found"),
        (b"\0\1", [field("f"), field("n", condition="f"), field(count="n")], "NoneType found"),
        (b"\xff" * 4, [field("n", "UINT24"), field(count="n")], "16777218 octets expected, 4 read"),
        (b"1", [field(kind="CHAR", size=16_000_000)], "16000000 octets expected, 1 read"),
        (b"1", [field(count=16_000_000)], "16000000 octets expected, 1 read"),
    ],
)
def test_octets_that_lie_are_a_decode_error_with_the_fields_path(octets, fields, told):
    with pytest.raises(ProtocolFault) as raised:
        decode(octets, *fields)
    assert raised.value.error.kind is ErrorKind.DECODE
    assert told in raised.value.error.message
    assert raised.value.error.where.startswith("ET100 ")


def test_millions_of_elements_without_octets_are_none():
    for kind in (field(kind="CHAR", size=0, count="n"), field(kind="Empty", count="n")):
        record = decode(b"\xff\xff\xff", field("n", "UINT24"), kind, records={"Empty": [field("x", count=0)]})
        assert record.value == ()


def test_a_definition_reads_from_a_file_and_names_it(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"name": "Mine", "number": 2148, "fields": [field(count="x")]}))
    with pytest.raises(DefinitionError, match=r"mine\.json: Mine\.value: count: no earlier field 'x'"):
        TableRegistry().load_json(file)
    file.write_bytes(b"\xff")
    with pytest.raises(DefinitionError, match=r"mine\.json: the definition is no JSON"):
        TableRegistry().load_json(file)
