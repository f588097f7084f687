"""ST0, ST1 and ET03 from hand-built octets."""

from __future__ import annotations

import pytest

from meterkit.codec.layout import BitSet, plain
from meterkit.errors import ProtocolFault
from meterkit.psem.tables import (
    FirmwareVersion,
    GenConfig,
    GeneralMfgId,
    TableData,
    TableRegistry,
    UtilityInformation,
    context_for,
    table_name,
)
from meterkit.psem.tables.registry import BUILT_IN

# Source: vectors of C12.19 bit fields, "st0_format_control": octets 0..2 of ST0.
FORMAT_CONTROL = bytes.fromhex("020a88")
# Source: OSGP guide, BT00, printed values at offsets 3 to 18.
OSGP_REST = b"NES\0" + bytes([2, 0, 255, 12, 1, 0, 10, 13, 2, 12, 4, 2])
# Source: C12.18 capture "read_st1_response": ST1 of a test responder, ID_FORM 0.
ST1_CHAR = b"MKITEMULATOR" + bytes([1, 0, 2, 1]) + b"SN00000000000001"


def gen_config(octets: bytes = FORMAT_CONTROL + OSGP_REST) -> GenConfig:
    return GenConfig.resolve().decode(octets)


def test_the_format_controls_are_bit_fields_from_the_least_significant_bit() -> None:
    config = gen_config()
    assert (config.data_order, config.char_format, config.model_select) == (0, 1, 0)
    assert (config.tm_format, config.data_access_method, config.id_form, config.int_format) == (2, 1, 0, 0)
    assert (config.ni_format1, config.ni_format2) == (8, 8)
    assert not config.is_big_endian


def test_bt00_lies_where_the_guide_says() -> None:
    layout = GenConfig.resolve()
    printed = {
        "format_control_1": 0,
        "format_control_2": 1,
        "format_control_3": 2,
        "device_class": 3,
        "nameplate_type": 7,
        "default_set_used": 8,
        "max_proc_parm_length": 9,
        "max_resp_data_len": 10,
        "std_version_no": 11,
        "std_revision_no": 12,
        "dim_std_tbls_used": 13,
        "dim_mfg_tbls_used": 14,
        "dim_std_proc_used": 15,
        "dim_mfg_proc_used": 16,
        "dim_mfg_status_used": 17,
        "nbr_pending": 18,
    }
    assert {name: layout.offset_of(name) for name in printed} == printed
    assert layout.offset_of(GenConfig.id_form) == 1


def test_an_osgp_meters_st0_may_end_at_offset_18() -> None:
    config = gen_config()
    assert (config.manufacturer, config.nameplate_type, config.max_proc_parm_length) == ("NES", 2, 255)
    assert (config.dim_std_tbls_used, config.dim_mfg_status_used, config.nbr_pending) == (10, 4, 2)
    assert config.std_tbls_used is None
    assert config.has_table(61) is None
    assert config.has_procedure(3) is None
    assert GenConfig.resolve().encode(config) == FORMAT_CONTROL + OSGP_REST


def test_a_whole_st0_tells_its_tables_and_procedures() -> None:
    sets = [BitSet.of({0, 1, 61}, 10), BitSet.of({3, 21}, 13), BitSet.of({3, 10}, 2), BitSet.of({67}, 12)]
    sets += [BitSet.of({7}, 10), BitSet.of({3}, 13)]
    octets = FORMAT_CONTROL + OSGP_REST + b"".join(one.octets for one in sets)
    assert len(octets) == 19 + 2 * 10 + 2 * 13 + 2 + 12 == 79
    config = gen_config(octets)
    assert (config.has_table(61), config.has_table(2048 + 21), config.has_table(62)) == (True, True, False)
    assert (config.can_write_table(7), config.can_write_table(2051), config.can_write_table(1)) == (
        True,
        True,
        False,
    )
    assert (config.has_procedure(10), config.has_procedure(67, manufacturer=True)) == (True, True)
    assert config.extra == b""
    assert GenConfig.resolve().encode(config) == octets
    assert plain(config)["std_tbls_used"] == [0, 1, 61]


def test_st0_shorter_than_its_fixed_part_is_refused() -> None:
    with pytest.raises(ProtocolFault, match="BT00 nbr_pending: 19 octets expected, 18 read"):
        gen_config((FORMAT_CONTROL + OSGP_REST)[:18])


def test_st0_decides_how_the_others_are_read() -> None:
    assert context_for([]).byte_order == "<"
    config = gen_config(bytes.fromhex("034a88") + OSGP_REST)
    context = context_for([config])
    assert (context.byte_order, context.int_format, context.char_format) == (">", 1, 1)
    assert context.firmware is None


def test_st1_with_characters() -> None:
    meter = GeneralMfgId.resolve(context_for([gen_config()])).decode(ST1_CHAR)
    assert (meter.manufacturer, meter.ed_model, meter.mfg_serial_number) == (
        "MKIT",
        "EMULATOR",
        "SN00000000000001",
    )
    assert (meter.hw_version_number, meter.hw_revision_number) == (1, 0)
    assert (meter.fw_version_number, meter.fw_revision_number) == (2, 1)
    assert GeneralMfgId.resolve(context_for([gen_config()])).encode(meter) == ST1_CHAR


def test_bt01_with_bcd_and_packed_firmware() -> None:
    octets = b"NES\0" + b"83331-3I" + bytes.fromhex("3018 3155 0012345678901234")
    context = context_for([gen_config(bytes.fromhex("022a88") + OSGP_REST)])
    layout = GeneralMfgId.resolve(context)
    assert layout.size == 24
    assert layout.offset_of("fw_version_number") == 14
    meter = layout.decode(octets)
    assert meter.mfg_serial_number == "0012345678901234"
    assert (str(meter.firmware), str(meter.application_firmware)) == ("3.10.21", "3.00.24")
    assert meter.firmware == (3, 10, 21)
    assert meter.firmware >= (3, 10)
    assert meter.firmware.pack() == 0x3155
    assert context_for([meter]).firmware == (3, 10, 21)
    assert plain(meter)["firmware"] == "3.10.21"
    assert layout.encode(meter) == octets.replace(b"NES\0", b"NES ")


def test_a_serial_number_that_is_no_bcd_still_reads_and_writes_back() -> None:
    context = context_for([gen_config(bytes.fromhex("022a88") + OSGP_REST)])
    octets = b" " * 12 + bytes(4) + bytes.fromhex("ffffffffffffffff")
    layout = GeneralMfgId.resolve(context)
    assert layout.decode(octets).mfg_serial_number == "f" * 16
    assert layout.encode(layout.decode(octets)) == octets


def test_a_firmware_version_that_cannot_be_packed_is_refused() -> None:
    assert FirmwareVersion.unpack(0x3018) == (3, 0, 24)
    for version in (FirmwareVersion(16, 0, 0), FirmwareVersion(0, 128, 0), FirmwareVersion(0, 0, 32)):
        with pytest.raises(ValueError, match="does not fit"):
            version.pack()


def test_et03_holds_a_null_terminated_serial_number() -> None:
    layout = UtilityInformation.resolve()
    assert (layout.size, layout.offset_of("reserved"), UtilityInformation.number) == (143, 30, 2051)
    record = layout.decode(b"ABC-123\0" + bytes(135))
    assert record.utility_serial_number == "ABC-123"
    assert layout.encode(record) == b"ABC-123\0" + bytes(135)


@pytest.mark.parametrize(
    ("table_id", "name"), [(1, "ST1"), (2112, "MT64"), (4150, "ST54 pending"), (6191, "MT47 pending")]
)
def test_tables_have_short_names(table_id: int, name: str) -> None:
    data = TableData(table_id, b"\1\2\3")
    assert data.display_name == table_name(table_id) == name
    assert data.is_manufacturing is not data.is_standard
    assert data.is_manufacturing is name.startswith("MT")
    assert data.is_pending is name.endswith("pending")
    assert len(data) == 3


def test_a_table_id_is_a_uint16() -> None:
    with pytest.raises(ValueError, match="0 to 65535 expected"):
        TableData(65536, b"")


def test_the_registry_knows_the_tables_and_parses_them() -> None:
    registry = TableRegistry()
    assert registry.get(0) is GenConfig
    assert registry.get(99) is None
    assert 2069 in registry
    standard = [0, 1, 2, 3, 4, 5, 6, *range(10, 17), *range(20, 29), 40, 41, *range(50, 57), *range(61, 68)]
    logs = [70, 71, 72, 73, 74, 76]
    extended = [2048 + number for number in (3, 11, 16, 21, 51, 79)]
    assert [table.number for table in registry] == [*standard, *logs, *extended]
    assert len(registry) == len(BUILT_IN)
    record = registry.parse(1, ST1_CHAR, context_for([gen_config()]))
    assert isinstance(record, GeneralMfgId)
    with pytest.raises(ProtocolFault, match="ST99: no declaration known"):
        registry.parse(99, b"")
    with pytest.raises(ValueError, match="read GenConfig first"):
        registry.parse(1, ST1_CHAR)


def test_a_declaration_can_be_added_but_not_by_accident() -> None:
    class Mine(GeneralMfgId, number=1):
        pass

    class Nameless(UtilityInformation):
        pass

    registry = TableRegistry()
    with pytest.raises(ValueError, match="ST1 is already GeneralMfgId"):
        registry.register(Mine)
    registry.register(Mine, replace=True)
    registry.register(Mine)
    assert registry.get(1) is Mine
    Nameless.number = -1
    with pytest.raises(ValueError, match="Nameless has no number"):
        registry.register(Nameless)
