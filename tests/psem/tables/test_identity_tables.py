"""ST2, ST5, ST6 and ST40, ST41 from hand-built octets."""

from __future__ import annotations

import pytest

from meterkit.codec.layout import Context, plain
from meterkit.errors import ProtocolFault
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.identity import DeviceIdent, DeviceNameplate, UtilInfo
from meterkit.psem.tables.security import ActSecurityLimiting, DimSecurityLimiting


def context(id_form: int = 0, nameplate_type: int = 2, order: int = 0) -> Context:
    octets = bytes([order | 2, 2 | id_form << 5, 0x88]) + b"TEST" + bytes([nameplate_type]) + bytes(11)
    return context_for([GenConfig.resolve().decode(octets)])


# By hand: Kh 7.2, Kt 1.8, form 16S, 60 Hz, 3 elements, base 1, class 10, class 200, 30 test amperes.
NAMEPLATE = (
    b"   7.2   1.8" + b"\x01" + b"16S  " + (4 | 4 << 3 | 1 << 6 | 10 << 10).to_bytes(2, "little") + b"\x23"
    b"   200    30"
)  # fmt: skip


def test_a_nameplate_of_an_electricity_meter() -> None:
    layout = DeviceNameplate.resolve(context())
    assert layout.size == 33
    plate = layout.decode(NAMEPLATE).electric
    assert plate is not None
    assert (plate.e_kh, plate.e_kt, plate.e_class_max_amps, plate.e_ta) == (7.2, 1.8, 200, 30)
    assert (plate.e_ed_config, plate.e_input_scalar) == ("16S", 1)
    assert (plate.e_freq, plate.e_no_of_elements, plate.e_base_type, plate.e_accuracy_class) == (4, 4, 1, 10)
    assert (plate.e_elements_volts, plate.e_ed_supply_volts) == (3, 2)
    assert layout.encode(layout.decode(NAMEPLATE)) == NAMEPLATE


def test_numbers_may_stand_to_the_left() -> None:
    octets = b"0.3   0.3   " + NAMEPLATE[12:]
    plate = DeviceNameplate.resolve(context()).decode(octets).electric
    assert plate is not None
    assert plate.e_kh == plate.e_kt == 0.3


@pytest.mark.parametrize("nameplate_type", [0, 1])
def test_a_gas_or_water_meters_nameplate_is_kept_as_octets(nameplate_type: int) -> None:
    layout = DeviceNameplate.resolve(context(nameplate_type=nameplate_type))
    record = layout.decode(b"whatever")
    assert (record.electric, record.extra) == (None, b"whatever")
    assert layout.encode(record) == b"whatever"


def test_st5_is_characters_or_bcd() -> None:
    text, digits = (DeviceIdent.resolve(context(id_form)) for id_form in (0, 1))
    assert (text.size, digits.size) == (20, 10)
    assert text.decode(b"METER 0042          ").identification == "METER 0042"
    assert digits.decode(bytes.fromhex("00000000000000004711")).identification == "00000000000000004711"


def test_st6_lies_where_its_fields_add_up_to() -> None:
    text, digits = (UtilInfo.resolve(context(id_form)) for id_form in (0, 1))
    assert (text.size, digits.size) == (230, 180)
    offsets = {
        name: text.offset_of(name) for name in ("service_point_id", "customer_id", "tariff_id", "misc_id")
    }
    assert offsets == {"service_point_id": 40, "customer_id": 120, "tariff_id": 170, "misc_id": 200}
    octets = b"Owner".ljust(20) + bytes(209) + b"!"
    record = text.decode(octets)
    assert (record.owner_name, record.misc_id[-1:]) == ("Owner", b"!")
    assert plain(text.decode(text.encode(record))) == plain(record)


def test_st41_says_how_many_passwords_and_st40_stands_in_for_it() -> None:
    octets = bytes([4, 20, 1, 8]) + (300).to_bytes(2, "big")
    act = ActSecurityLimiting.resolve(context(order=1)).decode(octets)
    assert (act.nbr_passwords, act.password_len, act.nbr_keys, act.key_len, act.nbr_perm_used) == (
        4,
        20,
        1,
        8,
        300,
    )
    dimension = DimSecurityLimiting.resolve(context(order=1)).decode(octets)
    assert ActSecurityLimiting.from_dimension(dimension) == act


@pytest.mark.parametrize("table", [DeviceNameplate, DeviceIdent, UtilInfo, ActSecurityLimiting])
def test_a_cut_table_names_the_value_that_is_cut(table: type[DeviceNameplate]) -> None:
    layout = table.resolve(context())
    for held in range(layout.size or 0):
        with pytest.raises(ProtocolFault, match=f"octets expected, {held} read"):
            layout.decode(bytes(held))
