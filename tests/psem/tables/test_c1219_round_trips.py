"""The standard tables a North American meter has: any dimensions, any octets, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec.layout import Context, plain
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import GenConfig, Table, context_for
from meterkit.psem.tables.calendar import Calendar
from meterkit.psem.tables.clock import ActTimeTou, Clock, ClockStateTbl, DimTimeTou, TimeOffset, TimeRemain
from meterkit.psem.tables.constants import Constants
from meterkit.psem.tables.identity import DeviceIdent, DeviceNameplate, UtilInfo
from meterkit.psem.tables.security import ActSecurityLimiting, DimSecurityLimiting
from meterkit.psem.tables.sources import (
    ActSourcesLim,
    DataControl,
    DemandControl,
    DimSourcesLim,
    Sources,
    UomEntryTbl,
)

WITHOUT_TEXT = (
    DimSourcesLim,
    ActSourcesLim,
    UomEntryTbl,
    DemandControl,
    DataControl,
    Constants,
    Sources,
    DimSecurityLimiting,
    ActSecurityLimiting,
    DimTimeTou,
    ActTimeTou,
    Clock,
    TimeOffset,
    Calendar,
    ClockStateTbl,
    TimeRemain,
)
EVERY_TABLE: tuple[type[Table], ...] = (DeviceNameplate, DeviceIdent, UtilInfo, *WITHOUT_TEXT)


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    """Return what is known of some meter: formats, sources and calendar of small dimensions."""
    order, tm_format, id_form = draw(st.integers(0, 1)), draw(st.integers(0, 4)), draw(st.integers(0, 1))
    ni_format = draw(st.sampled_from([5, 6, 7, 8, 9, 10, 11, 12]))
    controls = bytes([order | 2, tm_format | id_form << 5, ni_format | 8 << 4])
    rest = bytes(4) + bytes([draw(st.integers(0, 3)), 0, 0, 0, draw(st.integers(0, 2))]) + bytes(7)
    known = context_for([GenConfig.resolve().decode(controls + rest)])
    small, flags = st.integers(0, 3), st.integers(0, 255)
    act = ActSourcesLim.resolve(known).decode(bytes([draw(flags), *(draw(small) for _ in range(7))]))
    calendar = bytes([draw(flags), draw(flags), draw(flags) & 0x33, draw(small), draw(small), 0, 0, 0, 0])
    return known.with_(act, ActTimeTou.resolve(known).decode(calendar).replace(nbr_tier_switches=draw(small)))


def meter() -> Context:
    """Return what is known of a meter that has something of everything."""
    known = context_for([GenConfig.resolve().decode(bytes([2, 2, 0x88]) + bytes(4) + bytes([2]) + bytes(11))])
    act = ActSourcesLim.resolve(known).decode(bytes([0x6F, 2, 2, 3, 2, 2, 2, 2]))
    calendar = ActTimeTou.resolve(known).decode(bytes([0x21, 0x16, 0x42, 2, 2, 2, 0, 0, 0]))
    return known.with_(act, calendar)


def check_decode(caught: ProtocolFault, table: type[Table] | None) -> None:
    assert caught.error.kind is ErrorKind.DECODE
    assert caught.error.where.startswith(table.label() if table else "")


@given(contexts(), st.sampled_from(EVERY_TABLE), st.data())
@settings(max_examples=300)
def test_what_was_decoded_encodes_to_a_record_that_reads_the_same(
    context: Context, table: type[Table], data: st.DataObject
) -> None:
    layout = table.resolve(context)
    size = layout.size or 0
    record = layout.decode(data.draw(st.binary(min_size=size, max_size=size)))
    assert plain(layout.decode(layout.encode(record))) == plain(record)


@given(contexts(), st.sampled_from(WITHOUT_TEXT), st.data())
@settings(max_examples=300)
def test_tables_without_text_encode_to_the_very_octets(
    context: Context, table: type[Table], data: st.DataObject
) -> None:
    layout = table.resolve(context)
    size = layout.size or 0
    octets = data.draw(st.binary(min_size=size, max_size=size))
    record = layout.decode(octets)
    if "nan" not in repr(record):
        assert layout.encode(record) == octets


@given(contexts(), st.sampled_from(EVERY_TABLE), st.binary(max_size=300))
@settings(max_examples=300)
def test_any_octets_give_a_record_or_a_fault(context: Context, table: type[Table], octets: bytes) -> None:
    try:
        record = table.resolve(context).decode(octets)
    except ProtocolFault as caught:
        check_decode(caught, table)
    else:
        plain(record)
        repr(record)


@given(st.binary(min_size=19, max_size=19), st.lists(st.binary(max_size=400), min_size=19, max_size=19))
@settings(max_examples=300)
def test_any_dimensions_give_a_record_or_a_fault(st0: bytes, tables: list[bytes]) -> None:
    known = context_for([GenConfig.resolve().decode(st0)])
    order = sorted(EVERY_TABLE, key=lambda table: table not in (ActSourcesLim, ActTimeTou))
    for table, octets in zip(order, tables, strict=True):
        if not table.needs() <= known.records.keys():
            continue
        try:
            known = known.with_(table.resolve(known).decode(octets))
        except ProtocolFault as caught:
            # An INT_FORMAT that nobody knows is ST0's fault: it names no place in the table.
            check_decode(caught, table if caught.error.where else None)


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_every_prefix_names_the_value_that_is_cut(table: type[Table]) -> None:
    layout = table.resolve(meter())
    size = layout.size
    assert size
    whole = bytes(range(1, 256))[:size].ljust(size, b"1")
    for held in range(size):
        with pytest.raises(ProtocolFault, match=f"octets expected, {held} read") as caught:
            layout.decode(whole[:held])
        assert caught.value.error.where.startswith(f"{table.label()} ")
    assert layout.decode(whole + b"more").extra == b"more"


@pytest.mark.parametrize(
    ("table", "size"),
    [(DeviceNameplate, 33), (DeviceIdent, 20), (UtilInfo, 230), (ActSourcesLim, 8), (UomEntryTbl, 8),
     (DemandControl, 8), (DataControl, 6), (Constants, 52), (Sources, 2), (ActSecurityLimiting, 6),
     (ActTimeTou, 9), (Clock, 7), (TimeOffset, 6), (Calendar, 42), (ClockStateTbl, 9), (TimeRemain, 5)],
)  # fmt: skip
def test_tables_take_as_many_octets_as_their_dimensions_say(table: type[Table], size: int) -> None:
    assert table.resolve(meter()).size == size
