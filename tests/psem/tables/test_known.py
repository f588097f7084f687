"""Tables known by name, number and access without a declaration."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.psem.tables import GenConfig, TableRegistry
from meterkit.psem.tables.known import is_osgp, known_table, known_tables, proper_name

# Source: OSGP guide, Table A.1.
BASIC = (15, 24, 25, 27, 30, 33, 60)
EXTENDED = (
    *(2, 7, 14, 15, 30, 31, 36, 42, 45, 46, 47, 50, 52, 53, 55, 57, 58, 59, 62, 66, 67, 70, 71, 74, 75, 77),
    *(79, 80, 81, 85, 90, 92, 93, 94, 95, 96, 97, 98),
)
APPENDIX_A = [*(f"BT{number:02}" for number in BASIC), *(f"ET{number:02}" for number in EXTENDED)]


def number_of(name: str) -> int:
    return int(name[2:]) + (2048 if name.startswith("ET") else 0)


@pytest.mark.parametrize("name", APPENDIX_A)
def test_every_table_of_appendix_a_is_known_and_read_with_any_key(name: str) -> None:
    known = known_table(number_of(name))
    assert known is not None
    assert (known.display_name, known.access_text) == (name, "MK, PK, RK")
    assert known.name
    assert known.table_id == number_of(name)


@pytest.mark.parametrize(
    ("table_id", "name", "access"),
    [
        (0, "BT00 General Configuration", "open"),
        (1, "BT01 General Manufacturer Identification", "open"),
        (3, "BT03 End Device Mode Status", "MK, PK, RK"),
        (4, "BT04 Pending Status", "MK, PK"),
        (22, "BT22 Data Selection", "MK, PK, RK"),
        (52, "BT52 Clock", "unknown"),
        (67, "BT67 Load Profile Data Set 4", "MK, PK, RK"),
        (74, "BT74 History Log Data", "MK, PK, RK"),
        (2051, "ET03 Utility Information", "open"),
        (2062, "ET14 M-Bus/MEP Device Status", "MK, PK, RK"),
        (2064, "ET16 MEP Device Data", "MK, PK, RK"),
        (2069, "ET21 Load Profile Internal Configuration", "MK, PK"),
        (2099, "ET51 MEP Device Configuration", "MK, PK"),
        (4150, "BT54 Calendar, pending", "unknown"),
        (6191, "ET47 Calendar Override Settings, pending", "unknown"),
    ],
)
def test_a_table_has_its_proper_name_and_access(table_id: int, name: str, access: str) -> None:
    known = known_table(table_id)
    assert known is not None
    assert (known.proper_name, known.access_text) == (name, access)
    assert proper_name(table_id) == name


def test_manufacturer_tables_have_names_on_osgp_meters_only() -> None:
    assert known_table(2062, osgp=False) is None
    assert proper_name(2062, osgp=False) == "MT14"
    assert proper_name(15, osgp=False) == "ST15 Constants"
    assert proper_name(54 + 4096, osgp=False) == "ST54 Calendar, pending"
    known = known_table(15, osgp=False)
    assert known is not None
    assert known.read_access is None


def test_every_table_of_c12_19_has_a_name_of_its_own() -> None:
    known = known_tables(osgp=False)
    assert {table.table_id for table in known} >= {
        *range(9),
        *range(10, 18),
        *range(20, 29),
        *range(30, 35),
        *range(40, 46),
        *range(50, 58),
        *range(60, 68),
        *range(70, 99),
        *range(100, 108),
        *range(110, 119),
        *range(120, 128),
        *range(140, 144),
        *range(150, 159),
        *range(160, 165),
    }
    assert len({table.name for table in known}) == len(known)
    assert all(re.fullmatch(r"ST\d+", table.display_name) for table in known)


def test_every_table_with_a_declaration_is_known_by_name() -> None:
    for table in TableRegistry():
        known = known_table(table.number)
        assert known is not None
        assert known.display_name == table.label()


def test_what_nobody_names_has_its_short_name() -> None:
    assert known_table(99) is None
    assert known_table(99 + 4096) is None
    assert (proper_name(99), proper_name(2048 + 499)) == ("ST99", "MT499")
    with pytest.raises(ValueError, match="0 to 65535 expected"):
        known_table(65536)


@pytest.mark.parametrize(
    ("maker", "expected"),
    [
        (b"NES\0", True),
        (b"NES ", True),
        (b"ELON", True),
        (b"GE  ", False),
        (b"NEST", False),
        (b"\0" * 4, False),
    ],
)
def test_an_osgp_meter_is_told_by_its_manufacturer(maker: bytes, expected: bool) -> None:
    config = GenConfig.resolve().decode(bytes(3) + maker + bytes(12))
    assert is_osgp(config) is expected
    assert not is_osgp(None)


@given(st.integers(0, 65535), st.booleans())
def test_any_table_id_has_a_proper_name(table_id: int, osgp: bool) -> None:
    assert proper_name(table_id, osgp=osgp)
