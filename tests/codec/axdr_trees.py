"""Any value of COSEM Data, for hypothesis; written from the types' names, not from the decoder."""

from __future__ import annotations

from hypothesis import strategies as st

from meterkit.codec.axdr import (
    DONT_CARE,
    BcdString,
    BitString,
    CompactArray,
    Data,
    Delta,
    Tag,
    TypeDescription,
)
from meterkit.codec.cosem_time import ClockStatus, CosemDate, CosemDateTime, CosemTime

SIGNED = {Tag.INTEGER: 1, Tag.LONG: 2, Tag.DOUBLE_LONG: 4, Tag.LONG64: 8}
UNSIGNED = {Tag.ENUM: 1, Tag.UNSIGNED: 1, Tag.LONG_UNSIGNED: 2, Tag.DOUBLE_LONG_UNSIGNED: 4}
UNSIGNED |= {Tag.LONG64_UNSIGNED: 8}
DELTAS = {
    Tag.DELTA_INTEGER: (True, 1),
    Tag.DELTA_LONG: (True, 2),
    Tag.DELTA_DOUBLE_LONG: (True, 4),
    Tag.DELTA_UNSIGNED: (False, 1),
    Tag.DELTA_LONG_UNSIGNED: (False, 2),
    Tag.DELTA_DOUBLE_LONG_UNSIGNED: (False, 4),
}


def integers(is_signed: bool, size: int) -> st.SearchStrategy[int]:
    bits = 8 * size
    return (
        st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if is_signed else st.integers(0, (1 << bits) - 1)
    )


def octet() -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, 254)


def bit_strings() -> st.SearchStrategy[BitString]:
    return st.binary(max_size=20).flatmap(
        lambda octets: st.integers(max(0, 8 * len(octets) - 7), 8 * len(octets)).map(
            lambda length: BitString(octets, length)
        )
    )


dates = st.builds(CosemDate, st.none() | st.integers(0, 65534), octet(), octet(), octet())
times = st.builds(CosemTime, octet(), octet(), octet(), octet())
date_times = st.builds(
    CosemDateTime,
    dates,
    times,
    st.none() | st.integers(-0x7FFF, 0x7FFF),
    st.none() | st.integers(0, 254).map(ClockStatus),
)

VALUES: dict[Tag, st.SearchStrategy[object]] = {
    Tag.NULL_DATA: st.none(),
    Tag.BOOLEAN: st.booleans(),
    Tag.BIT_STRING: bit_strings(),
    Tag.OCTET_STRING: st.binary(max_size=200),
    Tag.VISIBLE_STRING: st.binary(max_size=200).map(lambda octets: octets.decode("latin-1")),
    Tag.UTF8_STRING: st.text(st.characters(codec="utf-8"), max_size=100),
    Tag.BCD: st.integers(0, 255).map(lambda number: BcdString(f"{number:02X}")),
    Tag.FLOAT32: st.floats(width=32, allow_nan=False),
    Tag.FLOAT64: st.floats(allow_nan=False),
    Tag.DATE_TIME: date_times,
    Tag.DATE: dates,
    Tag.TIME: times,
    Tag.DONT_CARE: st.just(DONT_CARE),
    **{tag: integers(True, size) for tag, size in SIGNED.items()},
    **{tag: integers(False, size) for tag, size in UNSIGNED.items()},
    **{tag: integers(*kind).map(Delta) for tag, kind in DELTAS.items()},
}
SIMPLE = tuple(VALUES)


def simple(tag: Tag) -> st.SearchStrategy[Data]:
    return VALUES[tag].map(lambda value: Data(tag, value))  # type: ignore[arg-type]


def of_description(description: TypeDescription) -> st.SearchStrategy[Data]:
    """Any value that is as described."""
    if description.tag is Tag.STRUCTURE:
        parts = st.tuples(*map(of_description, description.parts))
        return parts.map(lambda values: Data(Tag.STRUCTURE, values))
    if description.tag is Tag.ARRAY:
        count = description.count
        items = st.lists(of_description(description.parts[0]), min_size=count, max_size=count)
        return items.map(lambda values: Data(Tag.ARRAY, tuple(values)))
    return simple(description.tag)


_sized = st.sampled_from([tag for tag in SIMPLE if tag not in (Tag.NULL_DATA, Tag.DONT_CARE)])
_leaves = _sized.map(TypeDescription)
descriptions = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4).map(
            lambda parts: TypeDescription(Tag.STRUCTURE, tuple(parts))
        )
        | st.tuples(inner, st.integers(1, 3)).map(
            lambda both: TypeDescription(Tag.ARRAY, (both[0],), both[1])
        )
    ),
    max_leaves=5,
)


def compact_array(description: TypeDescription) -> st.SearchStrategy[Data]:
    items = st.lists(of_description(description), max_size=5)
    return items.map(lambda values: Data(Tag.COMPACT_ARRAY, CompactArray(description, tuple(values))))


compact_arrays = descriptions.flatmap(compact_array)
leaves = st.sampled_from(SIMPLE).flatmap(simple) | compact_arrays
trees = st.recursive(
    leaves,
    lambda inner: st.tuples(
        st.sampled_from((Tag.ARRAY, Tag.STRUCTURE)), st.lists(inner, max_size=5).map(tuple)
    ).map(lambda both: Data(*both)),
    max_leaves=12,
)
