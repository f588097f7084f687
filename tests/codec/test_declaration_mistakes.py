"""What a person may get wrong in declaring a table or making a record, and how it is told."""

from __future__ import annotations

import pytest

from meterkit.codec import json_parts
from meterkit.codec.expression import ELEMENT
from meterkit.codec.field import NotYet
from meterkit.codec.layout import Context, Record, array, as_read, derived, item, plain
from meterkit.codec.values import BitSet
from meterkit.codec.wire import UINT8, UINT16
from meterkit.errors import ErrorKind, ProtocolFault


class Sizes(Record):
    is_table = True
    count = item(UINT8)


class Pair(Record):
    low = item(UINT8)
    high = item(UINT8)
    both = derived(lambda record: record.low + record.high)


class Pairs(Record):
    is_table = True
    count = item(UINT8)
    pairs = array(Pair, count)


class Chained(Record):
    size = item(UINT8)
    values = array(UINT8, size)


class Chain(Record):
    """Records that each tell their own size."""

    is_table = True
    links = array(Chained, as_read(at_least=1, at_most=3))


def known(count: int) -> Context:
    return Context({Sizes: Sizes(count=count)})


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: item("UINT8"), "a type such as UINT8, or a Record class, expected"),
        (lambda: item(UINT8, when=3), "a field of a table, or an expression of some, expected"),
        (lambda: item(UINT8, since="3.10"), "a firmware version such as"),
        (lambda: item(UINT8, since=()), "a firmware version such as"),
    ],
)
def test_a_line_that_makes_no_sense_is_a_type_error(declare, told) -> None:
    with pytest.raises(TypeError, match=told):
        declare()


def test_expressions_may_begin_with_a_number_and_say_what_they_are() -> None:
    assert repr(ELEMENT) == "ELEMENT"
    assert repr(2 + Sizes.count).endswith("+ Sizes.count)")

    class Longer(Record):
        values = array(UINT8, 2 + Sizes.count)

    assert Longer.resolve(known(1)).size == 3


def test_an_element_counts_nothing_outside_its_array() -> None:
    class Lost(Record):
        values = array(UINT8, ELEMENT)

    with pytest.raises(ValueError, match="only inside array"):
        Lost.resolve(Context())


def test_a_set_is_asked_for_a_member_in_a_condition() -> None:
    class Sets(Record):
        is_table = True
        used = item(UINT8)

    class Optional(Record):
        value = item(UINT8, when=Sets.used.has(2))

    members = Sets(used=BitSet(b"\x04"))
    assert Optional.resolve(Context({Sets: members})).size == 1
    assert Optional.resolve(Context({Sets: Sets(used=BitSet(b"\x02"))})).size == 0


@pytest.mark.parametrize(("octets", "is_any"), [(b"", False), (b"\0\0", False), (b"\0\x80", True)])
def test_a_set_is_true_when_it_has_members(octets: bytes, is_any: bool) -> None:
    assert bool(BitSet(octets)) is is_any


def test_a_record_can_be_neither_changed_nor_emptied() -> None:
    pair = Pair(low=1, high=2)
    with pytest.raises(AttributeError, match="immutable"):
        del pair.low
    assert pair.low == 1


def test_a_view_of_a_whole_record_is_read_once_all_its_fields_are() -> None:
    unread = Pair.__new__(Pair)
    assert not unread.is_read("both")
    with pytest.raises(NotYet, match="has not been read yet"):
        unread.low  # noqa: B018
    assert Pair(low=1, high=2).is_read("both")


def test_octets_behind_the_last_field_are_kept_and_given_back() -> None:
    pair = Pair(low=1, high=2, extra=bytearray(b"\x07"))
    assert pair.extra == b"\x07"
    assert Pair.resolve().encode(pair) == b"\x01\x02\x07"


def test_lists_are_plain_too() -> None:
    assert plain([Pair(low=1, high=2), b"\x0a"]) == [{"low": 1, "high": 2, "both": 3}, "0a"]


def test_a_field_of_another_record_is_no_place_in_this_one() -> None:
    with pytest.raises(LookupError, match="is not a field of Pair"):
        Pair.resolve().offset_of(Sizes.count)
    for path in ("low]", "low[", "nobody", "low.inner"):
        with pytest.raises(LookupError):
            Pair.resolve().offset_of(path)


@pytest.mark.parametrize("path", ["pairs[0] high", " pairs[0].high", "pairs[0].high "])
def test_a_path_with_anything_between_its_steps_is_none(path: str) -> None:
    layout = Fixed.resolve(known(1))
    assert layout.offset_of("pairs[0].high") == 1
    with pytest.raises(LookupError) as caught:
        layout.offset_of(path)
    assert str(caught.value) == f"{path}: not a path"


class Fixed(Record):
    pairs = array(Pair, Sizes.count)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (3, "pairs: a tuple expected, int given"),
        ((3,), "Pair expected, int given"),
    ],
)
def test_an_array_of_something_else_is_told_by_field(value: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Fixed.resolve(known(1)).encode(Fixed(pairs=value))


def test_a_chain_of_records_that_tell_their_own_sizes_reads_writes_and_ends() -> None:
    layout = Chain.resolve(Context())
    octets = bytes.fromhex("02 0a0b 00 01 0c")
    record = layout.decode(octets)
    assert [link.values for link in record.links] == [(10, 11), (), (12,)]
    assert layout.encode(record) == octets
    with pytest.raises(ProtocolFault, match="octets expected"):
        layout.decode(b"")
    with pytest.raises(ValueError, match="1 to 3 elements expected, 0 given"):
        layout.encode(record.replace(links=()))
    with pytest.raises(ValueError, match=r"links\[0\]: Chained expected, Pair given"):
        layout.encode(record.replace(links=(Pair(low=1, high=2),)))


class Held(Record):
    is_table = True
    has_link = item(UINT8)
    link = item(Chained, when=has_link)


def test_a_record_within_one_that_describes_itself_may_be_absent_but_not_left_out() -> None:
    layout = Held.resolve(Context())
    assert layout.decode(b"\0").link is None
    assert layout.decode(bytes.fromhex("01 01 07")).link.values == (7,)
    with pytest.raises(ValueError, match="present on this meter, but no value is given"):
        layout.encode(Held(has_link=1, link=None))


def test_the_size_of_a_table_that_describes_itself_is_told_by_its_head() -> None:
    layout = Pairs.resolve(Context())
    assert layout.minimum_size == 1
    assert layout.size_from(b"\x03") == 7
    assert layout.size_from(b"\x00") == 1


def test_a_table_that_grew_with_firmware_says_so_and_so_does_what_holds_one() -> None:
    class Grown(Record):
        first = item(UINT8)
        second = item(UINT16, since=(3, 10))

    class Holder(Record):
        inner = item(Grown)

    assert Grown.grows()
    assert Holder.grows()
    assert not Pair.grows()


class Sized(Record):
    first = item(UINT8)
    size = item(UINT8)


class SizedTooLate(Sized):
    first = array(UINT8, Sized.size)


class LinkedTooLate(Sized):
    first = item(Chained, when=Sized.size)


@pytest.mark.parametrize("late", [SizedTooLate, LinkedTooLate])
def test_a_field_that_looks_at_one_after_it_is_the_programmers_mistake(late: type[Record]) -> None:
    with pytest.raises(ValueError, match="first") as caught:
        late.resolve(Context()).decode(bytes.fromhex("02 01 05"))
    name = late.__name__
    assert str(caught.value) == f"{name} first: {name}.first looks at a field that comes after it"


@pytest.mark.parametrize(
    ("take", "value", "told"),
    [
        (json_parts.boolean, 1, "here: true or false expected, 1 came"),
        (json_parts.text, 5, "here: a text expected, 5 came"),
        (json_parts.text, None, "here: a text expected, nothing came"),
    ],
)
def test_json_of_another_type_is_told_with_its_place(take, value, told) -> None:
    with pytest.raises(ValueError, match=told):
        take(value, "here")


def test_dimensions_that_reach_past_any_table_are_a_fault_and_not_a_table() -> None:
    class Wide(Record):
        is_table = True
        count = item(UINT16)
        values = array(UINT16, count * 0xFFFF)

    with pytest.raises(ProtocolFault) as caught:
        Wide.resolve(Context()).decode(b"\xff\xff")
    assert caught.value.error.kind is ErrorKind.DECODE
