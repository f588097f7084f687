"""Tables from JSON: what they decode, and what is said of definitions that make no table."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.layout import Context, item, plain
from meterkit.codec.values import BitSet
from meterkit.errors import ProtocolFault
from meterkit.psem.tables import GenConfig, Table, TableRegistry, context_for
from meterkit.psem.tables.definitions import (
    SIZED_TYPES,
    TYPES,
    DefinitionError,
    load_definition,
    load_definition_file,
)
from meterkit.psem.tables.fixed_definitions import FieldDefinition, TableDefinition
from meterkit.psem.tables.formulas import MAX_LENGTH, parse_formula
from meterkit.psem.tables.general import GeneralMfgId
from meterkit.psem.tables.registers import ActRegs, DataSelection
from meterkit.psem.tables.wire import UINT8

TABLES: tuple[type[Table], ...] = (GenConfig, GeneralMfgId, ActRegs, DataSelection)


def load(fields: list[Any], **more: Any) -> type[Table]:
    return load_definition({"name": "Mine", "number": 2100, "fields": fields, **more}, TABLES)


def field(**keys: Any) -> dict[str, Any]:
    return {"name": "one", "type": "UINT8", **keys}


def config(tm_format: int = 2) -> Context:
    return context_for([GenConfig.resolve().decode(bytes([2, tm_format, 0x88]) + bytes(16))])


def act(tiers: int = 0, flags: int = 0) -> ActRegs:
    return ActRegs.resolve(config()).decode(bytes([flags, 0, 0, 1, 1, 0, 1, tiers, 0, 0]))


DOCUMENT = {
    "name": "PhaseValues",
    "number": 2100,
    "description": "Values by phase.",
    "records": {
        "Phase": [
            {"name": "voltage", "type": "UINT16", "unit": "V"},
            {"name": "currents", "type": "UINT8", "count": "nbr_currents"},
        ]
    },
    "fields": [
        {"name": "flags", "type": "UINT8", "bits": {"has_time": 0, "mode": [1, 3]}},
        {"name": "nbr_phases", "type": "UINT8"},
        {"name": "nbr_currents", "type": "UINT8"},
        {"name": "end_time", "type": "STIME_DATE", "condition": "has_time and ActRegs.nbr_tiers > 0"},
        {"name": "phases", "type": "Phase", "count": "nbr_phases"},
        {"name": "place", "type": "CHAR", "size": "mode * 2"},
        {"name": "serial", "type": "BCD", "size": 3, "since": [3, 10]},
    ],
}
OCTETS = (
    bytes([0b0101, 2, 1])
    + bytes([24, 1, 2, 3, 4])
    + bytes([230, 0, 5, 231, 0, 6])
    + b"EAST"
    + b"\x00\x47\x11"
)


def test_a_definition_reads_and_writes_octets() -> None:
    table = load_definition(json.dumps(DOCUMENT), TABLES)
    assert (table.__name__, table.number, table.__doc__) == ("PhaseValues", 2100, "Values by phase.")
    assert table.needs() == {GenConfig, ActRegs}
    layout = table.resolve(config().with_(act(tiers=4)))
    record = layout.decode(OCTETS)
    assert plain(record) == {
        "flags": 5,
        "nbr_phases": 2,
        "nbr_currents": 1,
        "end_time": "2024-01-02T03:04:00",
        "phases": [{"voltage": 230, "currents": [5]}, {"voltage": 231, "currents": [6]}],
        "place": "EAST",
        "serial": "004711",
        "has_time": True,
        "mode": 2,
    }
    assert layout.encode(record) == OCTETS
    untimed = table.resolve(config().with_(act())).decode(OCTETS[:3] + OCTETS[8:-3])
    assert plain(untimed)["end_time"] is plain(untimed)["serial"] is None


def test_a_cut_table_names_the_value_that_is_cut() -> None:
    layout = load_definition(DOCUMENT, TABLES).resolve(config().with_(act(tiers=4)))
    with pytest.raises(ProtocolFault, match=r"ET52 phases\[1\].*octets expected, 11 read"):
        layout.decode(OCTETS[:11])


def test_the_registry_takes_a_loaded_table() -> None:
    registry = TableRegistry()
    registry.register(load_definition(DOCUMENT, [*TABLES, *registry]))
    parsed = registry.parse(2100, OCTETS, config().with_(act(tiers=1)))
    assert plain(parsed)["place"] == "EAST"


def test_tables_are_named_by_class_or_by_number() -> None:
    for name in ("ActRegs", "ST21", "BT21"):
        table = load([field(count=f"{name}.nbr_tiers")])
        assert table.resolve(Context().with_(act(tiers=3))).size == 3


@pytest.mark.parametrize("kind", [*TYPES, *SIZED_TYPES])
def test_every_type_reads_and_writes(kind: str) -> None:
    size = {"size": 4} if kind in SIZED_TYPES else {}
    layout = load([{"name": "one", "type": kind, **size}]).resolve(config())
    octets = bytes([0x21]) * (layout.size or 0)
    assert layout.encode(layout.decode(octets)) == octets


def test_a_file_is_read_and_named_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(DOCUMENT))
    assert load_definition_file(path, TABLES).number == 2100
    path.write_text('{"name": "Mine", "number": 1, "fields": [')
    with pytest.raises(DefinitionError, match=r"mine\.json: the definition is no JSON"):
        load_definition_file(path, TABLES)


PHASE = {"Phase": [{"name": "voltage", "type": "UINT8"}]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "definition: an object expected"),
        ({"name": "Mine", "number": 1}, "Mine: fields: a list of fields expected, nothing found"),
        (
            {"name": "Mine", "number": 70000, "fields": [field()]},
            "a table number 0 to 65535",
        ),
        ({"name": "1st", "number": 1, "fields": [field()]}, "definition: name: a name of letters"),
        (
            {"name": "Mine", "nr": 1, "fields": [field()]},
            "records, fields expected, 'nr'",
        ),
        ({"name": "Mine", "number": 1, "fields": [1]}, "Mine: field 0: an object expected, 1 found"),
        ({"name": "Mine", "number": 1, "fields": [{}]}, "Mine: field 0: name: a name"),
        (
            {"name": "M", "number": 1, "fields": [field()], "records": {"UINT8": []}},
            "a type already",
        ),
        (
            {
                "name": "M",
                "number": 1,
                "fields": [field(type="A")],
                "records": {"A": [field(type="B")], "B": [field(type="A")]},
            },
            "record 'A' would hold itself",
        ),
        (
            {"name": "M", "number": 1, "fields": [field(type="A")], "records": {"A": 3}},
            r"M\.one: fields",
        ),
    ],
)
def test_a_document_that_is_no_definition_is_refused(document: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load_definition(document, TABLES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (field(type="UINT9"), r"Mine\.one: type: one of UINT8, .*, BCD expected, 'UINT9' found"),
        (field(type=7), "type: the name of a type expected, 7 found"),
        ({"name": "one"}, "type: the name of a type expected, nothing found"),
        (field(type="CHAR"), "size: CHAR needs its octets"),
        (field(size=4), "size: UINT8 takes none; CHAR, OCTETS, SET, BCD do"),
        (field(type="BCD", size="ActRegs.nbr_tiers"), "size of a BCD field is a number"),
        (field(lenght=4), r"Mine\.one: name, type, size, .* expected, 'lenght' found"),
        (field(name="class"), "a name of letters, digits and _ expected, 'class' found"),
        (field(name="__init__"), "a name of letters"),
        (field(name="replace"), "every table needs 'replace' for itself"),
        (field(count=-1), "count: a whole number 0 to .* expected, -1 found"),
        (field(count=1.5), "count: a whole number"),
        (field(count=True), "count: a whole number"),
        (field(count=[1]), "count: a whole number"),
        (field(count=10**9), "count: a whole number"),
        (field(count="nbr"), "count: no earlier field 'nbr'; there are none"),
        (field(count="one"), "no earlier field 'one'"),
        (field(count="ActRegs.nbr_teirs"), "ActRegs has no field 'nbr_teirs'; it has reg_func1_flags"),
        (field(count="Act.nbr_tiers"), "no table 'Act'; known are GenConfig"),
        (field(count="1 // 0"), "'1 // 0' cannot be computed"),
        (field(condition="1"), "condition: it is always True; name a field"),
        (field(since=[]), "since: a firmware version such as"),
        (field(since=["3"]), "since: a firmware version"),
        (field(bits={"a": 8}), r"bits: a: a bit 0 to 7, .* expected, 8 found"),
        (field(bits={"a": [3, 1]}), "bits: a: a bit 0 to 7"),
        (field(bits={"one": 1}), "bits: 'one' is already taken"),
        (field(type="INT8", bits={"a": 1}), "only a single UINT8, .* has bits"),
        (field(bits=[1]), "bits: an object expected"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load([wrong])


def test_a_name_is_taken_once() -> None:
    with pytest.raises(DefinitionError, match=r"Mine\.one: name: 'one' is already taken"):
        load([field(), field()])


def test_a_definition_of_too_many_fields_is_refused() -> None:
    records = {f"R{n}": [{"name": f"f{k}", "type": f"R{n + 1}"} for k in range(9)] for n in range(9)}
    records["R9"] = [field()]
    with pytest.raises(DefinitionError, match="more than 2000 fields"):
        load([field(type="R0")], records=records)


def test_records_nested_too_deeply_are_refused() -> None:
    records = {f"R{n}": [{"name": "inner", "type": f"R{n + 1}"}] for n in range(1000)}
    with pytest.raises(DefinitionError, match="nested more than 20 deep"):
        load([field(type="R0")], records=records)


# ---------------------------------------------------------------- formulas
class Dimensions(Table, number=2101):
    a = item(UINT8)


def evaluate(text: str, a: int = 7) -> int:
    """Return how many elements `text` makes of a meter with a == `a`."""
    table = load([{"name": "a", "type": "UINT8"}, field(count=text)])
    return len(plain(table.resolve().decode(bytes([a]) + bytes(300)))["one"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", 7),
        ("0x0A + 1", 11),
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("20 - 8 - 2", 10),
        ("(a + 7) // 8", 1),
        ("a % 4", 3),
        ("a >> 1", 3),
        ("a & 3 | 8", 11),
        ("1 + 4 >> 1", 2),
        ("a == 7", 1),
        ("a != 7", 0),
        ("a >= 7 and a < 9", 1),
        ("a > 7 or a == 2", 0),
        ("not a", 0),
        ("not not a", 1),
        ("~a", 0),
        ("~~a + 1", 2),
        ("not a == 3", 1),
        ("a.bit(1) + a.bit(3)", 1),
        ("a.bit(a - 6)", 1),
        ("2 and 4", 1),
    ],
)
def test_formulas_are_worth_what_python_says(text: str, value: int) -> None:
    assert evaluate(text) == value


def test_formulas_look_into_sets_arrays_and_records() -> None:
    table = load(
        [
            {"name": "numbers", "type": "SET", "size": 2},
            {"name": "sizes", "type": "UINT8", "count": 2},
            {"name": "phases", "type": "Phase", "count": 2},
            {"name": "x", "type": "UINT8", "count": "numbers.has(9) + sizes[1] + phases[1].voltage"},
            {"name": "one", "type": "Phase"},
            {"name": "y", "type": "UINT8", "count": "one.voltage"},
        ],
        records=PHASE,
    )
    record = plain(
        table.resolve().decode(
            BitSet.of([9], 2).octets + bytes([5, 2, 9, 3]) + bytes([0, 1, 2, 3, 4, 5, 1, 7])
        )
    )
    assert record["x"] == [0, 1, 2, 3, 4, 5]
    assert (record["one"], record["y"]) == ({"voltage": 1}, [7])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a number, a name or '\\(' expected at the end of ''"),
        ("1 +", "expected at the end of '1 \\+'"),
        ("(1", "'\\)' expected at the end"),
        ("1 2", "an operator or the end expected at character 3 of '1 2', not '2'"),
        ("1 < 2 < 3", "'and', 'or' or the end expected at character 7"),
        ("1 $ 2", "'\\$ 2' at character 3 is no part of a formula"),
        ("import os", "no earlier field 'import'"),
        ("__import__('os')", "is no part of a formula|no earlier field"),
        ("1.5", "an operator or the end|is no part"),
        ("1 ** 9", "a number, a name or '\\('"),
        ("[1]", "a number, a name"),
        ("a[1", "no earlier field 'a'"),
        ("(" * 30 + "1" + ")" * 30, "nested more than 20 deep"),
        ("1" * (MAX_LENGTH + 1), "a formula has 200 at most"),
        ("3 - 5", "a whole number 0 to"),
        ("1 >> (0 - 1)", "cannot be computed"),
    ],
)
def test_a_text_that_is_no_formula_is_refused(text: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load([field(count=text)])


ABSURD = (
    "a - 200", "a // (a - a)", "sizes[9]", "sizes[a - 9]", "place % 2", "place * a", "place", "sizes", "a[0]",
    "a.has(1)", "sizes.bit(1)", "a.voltage", "phases[0].voltage", "phases[0].fields", "phases[0]", "absent",
)  # fmt: skip


@pytest.mark.parametrize("count", ABSURD)
def test_a_count_that_a_meter_makes_absurd_is_a_fault(count: str) -> None:
    table = load(
        [
            {"name": "a", "type": "UINT8"},
            {"name": "sizes", "type": "UINT8", "count": 2},
            {"name": "place", "type": "CHAR", "size": 12},
            {"name": "phases", "type": "Phase", "count": "a - 3"},
            {"name": "absent", "type": "UINT8", "condition": "a == 99"},
            {"name": "x", "type": "UINT8", "count": count},
        ],
        records=PHASE,
    )
    with pytest.raises(ProtocolFault, match="ET52 x"):
        table.resolve().decode(bytes([3, 1, 1]) + b"%99999999d  " + bytes(300))


@given(st.text(alphabet="a1() +-*/%<>=!&|~.[]andortbihs", max_size=30))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    with suppress(ValueError):
        parse_formula(text, lambda name: Dimensions.a)


@given(st.binary(max_size=60))
def test_any_octets_are_a_record_or_a_fault(octets: bytes) -> None:
    layout = load_definition(DOCUMENT, TABLES).resolve(config().with_(act(tiers=4)))
    try:
        record = layout.decode(octets)
    except ProtocolFault:
        return
    assert plain(layout.decode(layout.encode(record))) == plain(record)


# ---------------------------------------------------------------- fixed offsets
def test_a_meters_layout_is_written_down_with_its_offsets() -> None:
    found = TableDefinition.of(GeneralMfgId.resolve(config()))
    assert (found.id, found.name, found.size) == (1, "GeneralMfgId", 32)
    assert found.fields[0] == FieldDefinition("manufacturer", 0, 4, "ASCII")
    assert found.fields[-1] == FieldDefinition("mfg_serial_number", 16, 16, "SERIAL_NUMBER")
    assert TableDefinition.from_json(found.to_json()) == found
    octets = b"MKITEMULATOR" + bytes([1, 0, 2, 1]) + b"SN00000000000001"
    again = plain(found.to_table().resolve(config()).decode(octets))
    meter = plain(GeneralMfgId.resolve(config()).decode(octets))
    assert again == {key: value for key, value in meter.items() if "firmware" not in key}


def test_a_list_of_fields_makes_a_table_with_gaps() -> None:
    document = """{"ID": 2112, "Name": "Phase data (kV2)", "Fields": [
        {"Name": "Voltage L1", "Offset": 6, "Size": 2, "Type": "UINT"},
        {"Name": "Label", "Offset": 0, "Size": 4, "Type": "STRING"},
        {"Name": "Digits", "Offset": 8, "Size": 2, "Type": "BCD"}]}"""
    table = TableDefinition.from_json(document).to_table()
    assert (table.__name__, table.number) == ("PhaseDataKV2", 2112)
    record = table.resolve().decode(b"ABCD\x01\x02\xe6\x00\x47\x11")
    assert plain(record) == {"label_": "ABCD", "unused_4": "0102", "voltage_l1": 230, "digits": "4711"}


@pytest.mark.parametrize(
    ("one", "message"),
    [
        ({"name": "b", "offset": 1, "length": 1, "type": "UINT8"}, "b begins at 1, before 2"),
        ({"name": "b", "offset": 2, "length": 1, "type": "UINT16"}, "b: UINT16 does not take 1 octets"),
        (
            {"name": "b", "offset": 2, "length": 1, "type": "ENUM"},
            "type: one of ASCII, .* expected, 'ENUM'",
        ),
        ({"name": "b", "offset": 2, "type": "UINT8"}, "field 1: size: a whole number from 0 expected"),
        ({"name": "b", "offset": 2, "length": 1}, "field 1: type: a text expected"),
        ([], "field 1: an object expected"),
    ],
)
def test_a_wrong_list_of_fields_is_refused(one: Any, message: str) -> None:
    first = {"name": "a", "offset": 0, "length": 2, "type": "UINT16"}
    with pytest.raises(DefinitionError, match=message):
        TableDefinition.from_json({"id": 1, "name": "T", "fields": [first, one]}).to_table()


def test_a_table_that_describes_itself_has_no_fixed_offsets() -> None:
    with pytest.raises(ValueError, match="BT00 describes itself"):
        TableDefinition.of(GenConfig.resolve())
    with pytest.raises(DefinitionError, match="no JSON"):
        TableDefinition.from_json("{")
    with pytest.raises(DefinitionError, match="a list of fields"):
        TableDefinition.from_json({"id": 1, "name": "T"})
