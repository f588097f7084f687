"""Interface classes as class bodies: references, versions, what fails to import, what is unknown."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterkit.codec import axdr
from meterkit.codec.axdr import Data, Tag
from meterkit.dlms.cosem import classes
from meterkit.dlms.cosem.classes import (
    CLASSES,
    AssociationLnV2,
    Clock,
    Credit,
    DisconnectControl,
    DisconnectControlV1,
    ProfileGeneric,
    Register,
    class_for,
    versions_of,
)
from meterkit.dlms.cosem.data_types import INTEGER, NOTHING, UNSIGNED
from meterkit.dlms.cosem.declare import AttributeRef, CosemObject, attribute
from meterkit.dlms.cosem.definitions import ScalerUnit
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.units import Unit
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.cosem.strategies import plain, values_of

NAMED = json.loads((Path(__file__).parent / "class_ids.json").read_text())
ALL = sorted(CLASSES.values(), key=lambda cls: (cls.class_id, cls.version))


def test_an_attribute_of_an_object_is_a_typed_reference():
    energy = Register("1-0:1.8.0")

    assert energy.scaler_unit == AttributeRef(
        3, ObisCode(1, 0, 1, 8, 0), 3, Register.scaler_unit.type, "Register.scaler_unit"
    )
    assert energy.reset.index == 1
    assert str(energy.scaler_unit) == "Register 1-0:1.8.0*255 scaler_unit"
    assert energy == Register(ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL)
    assert repr(energy) == 'Register("1-0:1.8.0*255")'


def test_on_the_class_an_attribute_is_its_declaration():
    assert Register.value.index == 2
    assert Register.scaler_unit.is_static
    assert not Register.value.is_static
    assert list(Register.attributes) == [1, 2, 3]
    assert list(Register.methods) == [1]


def test_a_version_is_what_it_adds_to_the_one_before():
    assert DisconnectControlV1.attributes == DisconnectControl.attributes
    assert list(AssociationLnV2.attributes) == list(range(1, 12))
    assert versions_of(15)[2] is AssociationLnV2
    assert [cls.version for cls in versions_of(15)] == [0, 1, 2, 3]


def test_two_declarations_of_one_class_and_version_fail():
    with pytest.raises(TypeError, match="class 3 version 0 is declared twice: Again"):

        class Again(CosemObject, class_id=3, version=0):
            """Register once more."""


def test_one_index_under_two_names_fails():
    with pytest.raises(TypeError, match="first and second are both number 2"):

        class Odd(CosemObject, class_id=4711, version=0):
            """Two attributes, one number."""

            first = attribute(2, UNSIGNED)
            second = attribute(2, INTEGER)

    assert (4711, 0) not in CLASSES


def test_a_class_that_is_no_structure_is_no_type():
    class Plain:
        """Not decorated."""

    with pytest.raises(TypeError, match="Plain is no structure"):
        attribute(2, Plain)


def test_an_unknown_class_is_read_by_number():
    cls = class_for(8200, 3)
    odd = cls("0-0:96.200.0")

    assert (cls.class_id, cls.version) == (8200, 3)
    assert cls is class_for(8200, 3)
    assert odd.attribute_ref(5).decode(b"\x12\x01\x00") == 256
    assert odd.attribute_ref(1).decode(b"\x09\x06\x00\x00\x60\xc8\x00\xff") == odd.obis
    assert odd.method_ref(2).encode(Data(Tag.LONG, 5)) == b"\x10\x00\x05"
    assert str(odd.attribute_ref(5)) == "Class8200Version3 0-0:96.200.0*255 attribute_5"
    assert (8200, 3) not in CLASSES


def test_an_attribute_that_is_not_declared_is_read_by_number():
    assert Register("1.8.0").attribute_ref(-1).decode(b"\x16\x07") == 7
    assert Register("1.8.0").attribute_ref(3) == Register("1.8.0").scaler_unit
    assert Register("1.8.0").method_ref(1) == Register("1.8.0").reset


def test_an_unknown_version_is_not_taken_for_another():
    assert class_for(7, 0) not in CLASSES.values()
    assert class_for(7, 1) is ProfileGeneric


@pytest.mark.parametrize("class_id", NAMED)
def test_every_class_that_public_libraries_name_is_declared(class_id):
    assert versions_of(class_id)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_class_says_what_it_is(cls):
    assert cls.__doc__
    assert cls.__doc__.endswith(".")
    assert cls.__module__.startswith("meterkit.dlms.cosem.")
    assert getattr(classes, cls.__name__) is cls
    assert cls.attributes[1].name == "logical_name"


TYPED = [
    pytest.param(one.type, id=f"{cls.__name__}.{one.name}")
    for cls in ALL
    for one in [*cls.attributes.values(), *cls.methods.values()]
    if one.name != "logical_name"
]


@pytest.mark.parametrize("kind", TYPED)
def test_every_declared_type_decodes_what_it_encodes(kind):
    @settings(max_examples=8, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values_of(kind))
    def round_trip(value):
        octets = kind.encode(value)
        assert kind.decode(octets) == plain(value)
        assert kind.decode(octets + b"\x00\x17") == plain(value), "with octets of no meaning behind it"

    round_trip()


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=24) | st.binary(max_size=24).map(lambda octets: b"\x02\x03" + octets))
def test_any_octets_give_a_value_or_a_fault(cls, octets):
    obj = cls("0-0:1.0.0")
    for index in obj.attributes:
        error = error_of(obj.attribute_ref(index), octets)
        assert error is None or error.kind is ErrorKind.DECODE
        assert error is None or error.where.startswith(f"{cls.__name__} 0-0:1.0.0*255 ")


def error_of(ref, octets):
    """Return what is wrong with octets, None where nothing is."""
    try:
        ref.decode(octets)
    except ProtocolFault as odd:
        return odd.error
    return None


def test_values_are_immutable():
    unit = ScalerUnit(-3, Unit.WATT_HOUR)
    with pytest.raises(FrozenInstanceError):
        unit.scaler = 0  # type: ignore[misc]


def test_a_value_that_does_not_fit_names_object_attribute_and_place():
    profile = ProfileGeneric("1-0:99.1.0")
    first = axdr.encode_structure(
        [
            axdr.encode_long_unsigned(8),
            axdr.encode_octet_string(ObisCode.CLOCK.to_bytes()),
            axdr.encode_integer(2),
            axdr.encode_long_unsigned(0),
        ]
    )
    second = first.replace(b"\x0f\x02", b"\x09\x02\x41\x42")

    with pytest.raises(ProtocolFault) as odd:
        profile.capture_objects.decode(axdr.encode_array([first, second]))

    assert str(odd.value.error) == (
        "ProfileGeneric 1-0:99.1.0*255 capture_objects[1].attribute_index: "
        "integer expected, octet-string came: 09 02 41 42 [decode]"
    )


def test_a_structure_of_another_size_is_told():
    with pytest.raises(ProtocolFault, match="structure ScalerUnit of 2 elements expected, structure came"):
        Register("1.8.0").scaler_unit.decode(bytes.fromhex("02010f00"))


def test_octets_that_are_no_value_are_told_with_the_attribute():
    with pytest.raises(ProtocolFault, match=r"Register 1-0:1.8.0.255 scaler_unit"):
        Register("1.8.0").scaler_unit.decode(b"\x02")
    with pytest.raises(ProtocolFault, match=r"Register 1-0:1.8.0.255 value"):
        Register("1.8.0").value.decode(b"\x06\x00")


def test_writing_what_is_no_value_is_the_programs_mistake():
    with pytest.raises(ValueError, match=r"Clock 0-0:1.0.0.255 time_zone: 40000 is no long"):
        Clock("0-0:1.0.0").time_zone.encode(40000)
    with pytest.raises(TypeError, match=r"Clock 0-0:1.0.0.255 time: "):
        Clock("0-0:1.0.0").time.encode("noon")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Register 1-0:1.8.0.255 scaler_unit: "):
        Register("1.8.0").scaler_unit.encode((1, 2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Credit .* update_amount: "):
        Credit("0-0:19.10.0").update_amount.encode(1 << 31)
    with pytest.raises(ValueError, match="nothing is expected"):
        NOTHING.encode(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="more than one type"):
        Register("1.8.0").value.encode(5)
