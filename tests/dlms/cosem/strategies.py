"""Values of every declared type, for hypothesis."""

import dataclasses

from hypothesis import strategies as st

from meterkit.codec.axdr import BitString, Data, Tag
from meterkit.codec.cosem_time import ClockStatus, CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.cosem import composite_types as composite
from meterkit.dlms.cosem import data_types as simple
from meterkit.dlms.cosem.access_control import BaseNameType
from meterkit.dlms.cosem.obis import ObisCode

OCTETS = st.binary(max_size=12)
OBIS = st.builds(ObisCode, *[st.integers(0, 255)] * 6)
BITS = st.text("01", max_size=20).map(BitString.from_text)
_OCTET = st.none() | st.integers(0, 254)
DATES = st.builds(CosemDate, st.none() | st.integers(0, 0xFFFE), _OCTET, _OCTET, _OCTET)
TIMES = st.builds(CosemTime, _OCTET, _OCTET, _OCTET, _OCTET)
STATUS = st.none() | st.integers(0, 254).map(ClockStatus)
DATE_TIMES = st.builds(CosemDateTime, DATES, TIMES, st.none() | st.integers(-0x7FFF, 0x7FFF), STATUS)
_LEAVES = (BitString, CosemDate, CosemDateTime, CosemTime, ObisCode)
MOMENTS = {CosemDate: DATES, CosemTime: TIMES, CosemDateTime: DATE_TIMES}
ANYTHING = st.recursive(
    st.one_of(
        st.none().map(lambda _: Data(Tag.NULL_DATA)),
        st.integers(0, 0xFFFFFFFF).map(lambda number: Data(Tag.DOUBLE_LONG_UNSIGNED, number)),
        st.integers(-128, 127).map(lambda number: Data(Tag.INTEGER, number)),
        OCTETS.map(lambda octets: Data(Tag.OCTET_STRING, octets)),
        st.booleans().map(lambda truth: Data(Tag.BOOLEAN, truth)),
    ),
    lambda items: st.lists(items, max_size=3).map(lambda found: Data(Tag.STRUCTURE, tuple(found))),
    max_leaves=4,
)


def values_of(kind):
    """Return a strategy for values of a declared type."""
    match kind:
        case simple.NothingType():
            return st.none()
        case simple.AnyType():
            return ANYTHING
        case composite.RowsType():
            return st.lists(st.tuples(ANYTHING, ANYTHING), max_size=3)
        case BaseNameType():
            return st.integers(0, 0xFFFF)
        case simple.BooleanType():
            return st.booleans()
        case simple.BitStringType():
            return BITS
        case simple.NumberType():
            return st.integers(kind.lowest, kind.highest)
        case simple.EnumType():
            return st.integers(0, 255).map(kind.codes)
        case simple.FlagsType():
            return st.integers(0, kind.number.highest).map(kind.flags)
        case simple.BitFlagsType():
            return st.integers(0, (1 << kind.length) - 1).map(kind.flags)
        case simple.OctetsType():
            return OCTETS
        case simple.TextType():
            return st.text(st.characters(max_codepoint=0xFF, exclude_categories=["Cs"]), max_size=8)
        case simple.LogicalNameType():
            return OBIS
        case simple.TimeType():
            return MOMENTS[kind.kind]
        case composite.OptionalType():
            return st.none() | values_of(kind.kind)
        case composite.ArrayType():
            return st.lists(values_of(kind.item), max_size=2).map(tuple)
        case composite.StructureType():
            return st.builds(kind.kind, *[_element(one) for one in kind.elements])
        case _:
            raise TypeError(kind)


def _element(one):
    values = values_of(one.type)
    return st.none() | values if one.may_be_absent else values


def plain(value):
    """Return a value as reading gives it: what stood as Data in it as plain Python."""
    if isinstance(value, Data):
        return value.plain()
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, _LEAVES):
        return type(value)(*[plain(getattr(value, field.name)) for field in dataclasses.fields(value)])
    return value
