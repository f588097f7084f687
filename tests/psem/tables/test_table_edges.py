"""Tables and definitions at their edges: what padding, names, formulas and fixed offsets may hold."""

from __future__ import annotations

import json
import struct
from math import isnan

import pytest

from meterkit.codec.layout import OPTIONAL, Context
from meterkit.errors import ProtocolFault
from meterkit.psem.tables import GenConfig, Table, TableRegistry, load_definition
from meterkit.psem.tables.fixed_definitions import TableDefinition
from meterkit.psem.tables.names import check_table
from meterkit.psem.tables.numbers import _shortest_float32, bcd_string

REGISTRY = TableRegistry()


def defined(*fields, **others):
    return load_definition({"name": "Mine", "number": 2148, "fields": list(fields), **others}, REGISTRY)


def test_zeros_that_pad_a_shorter_configuration_say_nothing_of_tables():
    """Without table 0 there is no C12.19, so a set that lacks it is none."""
    octets = bytes([2, 2, 0x88]) + bytes(4) + bytes([1, 0, 0, 0, 0]) + bytes(7)
    config = GenConfig.resolve().decode(octets + bytes(2))
    assert config.has_table(0) is None
    assert config.has_table(5) is None


def test_a_table_without_a_number_goes_by_its_class_name_and_cannot_be_registered():
    class Unnumbered(Table):
        pass

    assert Unnumbered.label() == "Unnumbered"
    with pytest.raises(ValueError, match="has no number"):
        check_table(Unnumbered)
    with pytest.raises(TypeError, match="a Table class such as"):
        check_table(23)


def test_a_field_may_be_one_that_some_meters_leave_out():
    table = defined({"name": "a", "type": "UINT8"}, {"name": "b", "type": "UINT16", "since": "optional"})
    assert table.fields[1].since == OPTIONAL
    assert table.resolve(Context()).decode(b"\1").b is None


def test_a_negative_bit_cannot_be_asked_for():
    table = defined(
        {"name": "flags", "type": "UINT8"},
        {"name": "value", "type": "UINT8", "condition": "flags.bit(0 - 1)"},
    )
    with pytest.raises(ProtocolFault, match="no bit -1"):
        table.resolve(Context()).decode(b"\1\2")


@pytest.mark.parametrize("octets", ["0000807f", "000080ff", "0000c07f"])
def test_a_float_that_is_no_number_has_no_shorter_form(octets):
    (value,) = struct.unpack("<f", bytes.fromhex(octets))
    shortest = _shortest_float32(value)
    assert shortest == value or (isnan(shortest) and isnan(value))


def test_more_digits_than_there_are_octets_for_are_refused():
    with pytest.raises(ValueError, match="4 digits at most"):
        bcd_string(2).revert("12345")


def test_fixed_offsets_tell_what_is_an_array_and_leave_out_what_is_absent():
    table = defined(
        {"name": "size", "type": "UINT8"},
        {"name": "values", "type": "UINT16", "count": 2},
        {"name": "gone", "type": "UINT8", "since": [4]},
    )
    definition = TableDefinition.of(table.resolve(Context(firmware=(3, 10, 0))))
    assert [(one.name, one.offset, one.length, one.type) for one in definition.fields] == [
        ("size", 0, 1, "UINT8"),
        ("values", 1, 4, "BYTES"),
    ]
    assert TableDefinition.from_json(definition.to_json()) == definition


def test_a_definition_in_a_file_is_loaded_and_registered(tmp_path):
    path, registry = tmp_path / "mine.json", TableRegistry()
    document = {"name": "Mine", "number": 2148, "fields": [{"name": "a", "type": "UINT8"}]}
    path.write_text(json.dumps(document))
    table = registry.load_json(path)
    assert registry.get(2148) is table
    assert registry.parse(2148, b"\x07").a == 7
