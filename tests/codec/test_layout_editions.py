"""Tables that grew with the firmware, and tables that describe themselves."""

from __future__ import annotations

import pytest

from meterkit.codec.layout import ELEMENT, OPTIONAL, Context, Record, array, as_read, item, octets
from meterkit.codec.wire import UINT8, UINT16, UINT32
from meterkit.errors import ProtocolFault


class Grown(Record):
    first = item(UINT16)
    second = item(UINT16, since=(3, 10))
    third = octets(3, since=(3, 50))


@pytest.mark.parametrize(
    ("held", "second", "third", "extra"),
    [
        (2, None, None, b""),
        (3, None, None, b"\0"),
        (4, 0, None, b""),
        (6, 0, None, b"\0\0"),
        (7, 0, b"\0\0\0", b""),
        (9, 0, b"\0\0\0", b"\0\0"),
    ],
)
def test_the_octets_decide_which_edition_it_is(
    held: int, second: int | None, third: bytes | None, extra: bytes
) -> None:
    layout = Grown.resolve()
    record = layout.decode(bytes(held))
    assert (record.second, record.third, record.extra) == (second, third, extra)
    assert layout.encode(record) == bytes(held)
    assert (layout.minimum_size, layout.size) == (2, 7)


@pytest.mark.parametrize(
    ("firmware", "size"), [((3, 0, 9), 2), ((3, 10, 21), 4), ((3, 50, 0), 7), ((4, 10, 1), 7)]
)
def test_the_firmware_rules_out_newer_groups(firmware: tuple[int, int, int], size: int) -> None:
    layout = Grown.resolve(Context(firmware=firmware))
    assert layout.size == size
    assert layout.decode(bytes(9)).extra == bytes(9 - size)


def test_the_oldest_edition_is_the_least() -> None:
    with pytest.raises(ProtocolFault, match="Grown first: 2 octets expected, 1 read"):
        Grown.resolve().decode(b"\0")


def test_a_value_for_a_group_that_this_firmware_lacks_is_refused() -> None:
    layout = Grown.resolve(Context(firmware=(3, 10, 0)))
    with pytest.raises(ValueError, match="Grown third: absent on this meter"):
        layout.encode(Grown(first=1, second=2, third=b"abc"))


class Counted(Record):
    count = item(UINT8)
    words = array(UINT16, count)
    size = item(UINT8)
    name = octets(size, since=OPTIONAL)


def test_a_table_can_give_its_own_dimensions() -> None:
    layout = Counted.resolve()
    assert layout.is_self_described
    assert layout.size is None
    assert layout.minimum_size == 1
    octets_ = bytes.fromhex("02 0100 0200 03 616263 ff")
    record = layout.decode(octets_)
    assert (record.words, record.name, record.extra) == ((1, 2), b"abc", b"\xff")
    assert layout.encode(record) == octets_
    assert layout.offset_of("count") == 0
    with pytest.raises(ValueError, match="only the table's own octets can tell"):
        layout.offset_of("size")


def test_a_self_described_table_may_lack_its_optional_end() -> None:
    record = Counted.resolve().decode(bytes.fromhex("00 05 6162"))
    assert (record.words, record.size, record.name, record.extra) == ((), 5, None, b"ab")


def test_a_self_described_table_that_is_too_short_says_where() -> None:
    with pytest.raises(ProtocolFault, match=r"Counted words\[1\]: 6 octets expected, 4 read"):
        Counted.resolve().decode(bytes.fromhex("02 0100 02"))


class Telegram(Record):
    length = item(UINT8)
    data = octets(length)


class Telegrams(Record):
    count = item(UINT8)
    telegrams = array(Telegram, count)
    after = item(UINT8)


def test_elements_may_have_sizes_of_their_own() -> None:
    layout = Telegrams.resolve()
    octets_ = bytes.fromhex("03 01 aa 00 02 bbcc 07")
    record = layout.decode(octets_)
    assert [telegram.data for telegram in record.telegrams] == [b"\xaa", b"", b"\xbb\xcc"]
    assert record.after == 7
    assert layout.encode(record) == octets_
    for held in range(len(octets_)):
        with pytest.raises(ProtocolFault):
            layout.decode(octets_[:held])
    with pytest.raises(ValueError, match=r"Telegrams telegrams: 3 to 3 elements expected, 2 given"):
        layout.encode(record.replace(telegrams=record.telegrams[:2]))
    with pytest.raises(ValueError, match=r"Telegrams telegrams\[0\].data: .*2 octets expected"):
        layout.encode(record.replace(telegrams=(Telegram(length=2, data=b"x"),) * 3))


class Tail(Record):
    first = item(UINT8)
    rest = array(Telegram, as_read(0, 100))


def test_an_array_may_go_on_to_the_end_of_the_octets() -> None:
    layout = Tail.resolve()
    record = layout.decode(bytes.fromhex("01 01aa 00 00"))
    assert [telegram.data for telegram in record.rest] == [b"\xaa", b"", b""]
    assert layout.encode(record) == bytes.fromhex("01 01aa 00 00")
    assert layout.decode(b"\x01").rest == ()


class Rest(Record):
    telegrams = array(Telegram, as_read(0, 2))


class Rests(Record):
    count = item(UINT32)
    rests = array(Rest, count)


def test_a_count_makes_no_more_elements_than_there_are_octets_for() -> None:
    # 4 294 967 295 are claimed; the third has no octet left, and so have all that would follow.
    record = Rests.resolve().decode(bytes.fromhex("ffffff00 01aa 00 00"))
    told = [[telegram.data for telegram in rest.telegrams] for rest in record.rests]
    assert told == [[b"\xaa", b""], [b""]]


def test_records_nested_past_pythons_depth_are_a_fault_only_where_the_octets_go_there() -> None:
    nested: type[Record] = Telegram
    for _ in range(500):
        namespace = {"count": (count := item(UINT8)), "inner": array(nested, count)}
        nested = type("Nested", (Record,), namespace)
    layout = nested.resolve()
    assert layout.decode(b"\x01\x01\x00").inner[0].inner[0].inner == ()
    with pytest.raises(ProtocolFault) as caught:
        layout.decode(b"\x01" * 501)
    assert str(caught.value.error) == "Nested: nested too deeply [decode]"


class Words(Record):
    words = array(UINT16, as_read(1, 3))


def test_the_octets_tell_how_many_plain_elements_there_are() -> None:
    layout = Words.resolve()
    assert (layout.minimum_size, layout.size) == (2, 6)
    assert layout.decode(bytes(5)).words == (0, 0)
    assert layout.decode(bytes(5)).extra == b"\0"
    assert layout.decode(bytes(8)).words == (0, 0, 0)
    assert layout.encode(Words(words=(1, 2))) == b"\1\0\2\0"
    with pytest.raises(ProtocolFault, match="2 octets expected, 1 read"):
        layout.decode(b"\0")
    with pytest.raises(ValueError, match="3 elements expected, 4 given"):
        layout.encode(Words(words=(1, 2, 3, 4)))


class Set(Record):
    size = item(UINT8)


class Sets(Record):
    is_table = True
    flags = item(UINT8)
    sets = array(Set, 2)


class PerSet(Record):
    data = octets(Set.size)
    number = item(UINT8, when=Sets.flags.bit(ELEMENT))


class AllSets(Record):
    is_table = True
    sets = array(PerSet, each=Sets.sets)


def test_one_element_for_each_of_another_tables() -> None:
    assert AllSets.needs() == {Sets}
    sets = Sets(flags=0b10, sets=(Set(size=1), Set(size=3)))
    layout = AllSets.resolve(Context().with_(sets))
    assert layout.size == 1 + 3 + 1
    assert layout.offset_of("sets[1].number") == 4
    record = layout.decode(b"abcd\x07")
    assert record.sets[0] == PerSet(data=b"a", number=None)
    assert record.sets[1] == PerSet(data=b"bcd", number=7)
    assert layout.encode(record) == b"abcd\x07"
    with pytest.raises(ProtocolFault, match=r"AllSets sets\[1\].number"):
        layout.decode(b"abcd")
    with pytest.raises(ValueError, match="2 elements expected, 1 given"):
        layout.encode(AllSets(sets=record.sets[:1]))


class Entries(Record):
    count = item(UINT8)
    values = array(UINT8, count)


class PerSetEntries(Record):
    entries = item(Entries, when=Sets.flags.bit(ELEMENT))


class AllEntries(Record):
    is_table = True
    sets = array(PerSetEntries, each=Sets.sets)
    after = item(UINT8)


def test_an_element_without_octets_keeps_its_place_before_one_that_tells_its_own_size() -> None:
    layout = AllEntries.resolve(Context().with_(Sets(flags=0b10, sets=(Set(size=0), Set(size=0)))))
    octets_ = bytes.fromhex("02 aabb 07")
    record = layout.decode(octets_)
    assert record.sets == (
        PerSetEntries(entries=None),
        PerSetEntries(entries=Entries(count=2, values=(0xAA, 0xBB))),
    )
    assert record.after == 7
    assert layout.encode(record) == octets_
    with pytest.raises(ValueError, match=r"AllEntries sets: 2 to 2 elements expected, 1 given"):
        layout.encode(record.replace(sets=record.sets[1:]))


def test_a_record_can_be_bound_to_one_element() -> None:
    class Second(Record):
        data = octets(Set.size)

    class OnlySecond(Record):
        is_table = True
        second = item(Second, of=Sets.sets[1])
        third = item(Second, of=Sets.sets[1])

    assert OnlySecond.needs() == {Sets}
    sets = Sets(flags=0, sets=(Set(size=1), Set(size=3)))
    assert OnlySecond.resolve(Context().with_(sets)).decode(b"abcdef").third.data == b"def"


def test_a_missing_element_is_a_fault() -> None:
    class Second(Record):
        data = octets(Set.size)

    class Missing(Record):
        second = item(Second, of=Sets.sets[4])

    with pytest.raises(ProtocolFault, match=r"no Sets.sets"):
        Missing.resolve(Context().with_(Sets(flags=0, sets=(Set(size=1), Set(size=3)))))


def test_an_older_reading_of_a_table_does_not_shape_the_new_one() -> None:
    older = Counted.resolve().decode(bytes.fromhex("00 00"))
    record = Counted.resolve(Context().with_(older)).decode(bytes.fromhex("01 0500 00"))
    assert record.words == (5,)


def test_array_wants_a_count_or_a_companion() -> None:
    with pytest.raises(TypeError, match="a count, or each="):
        array(UINT8)
    with pytest.raises(ValueError, match="bounds"):
        as_read(3, 1)
