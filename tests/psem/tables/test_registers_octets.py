"""ST20 to ST28 with any octets and any dimensions: a value or a fault, both ways, in bounded memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec.layout import Context, plain
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import GenConfig, Table, context_for
from meterkit.psem.tables.osgp.present_values import present_values
from meterkit.psem.tables.osgp.summations import summation_values
from meterkit.psem.tables.registers import (
    ActRegs,
    CurrentRegData,
    DataSelection,
    DimRegs,
    PreviousDemandResetData,
    PreviousSeasonData,
)
from meterkit.psem.tables.registers_entries import register_entries
from meterkit.psem.tables.registers_present import (
    PresentRegisterData,
    PresentRegisterSelection,
    present_demands,
)
from meterkit.psem.tables.registers_self_read import SelfReadData, self_reads

TABLES: list[type[Table]] = [
    DimRegs,
    ActRegs,
    DataSelection,
    CurrentRegData,
    PreviousSeasonData,
    PreviousDemandResetData,
    SelfReadData,
    PresentRegisterSelection,
    PresentRegisterData,
]


def meter(controls: bytes, manufacturer: bytes, octets: bytes) -> Context:
    config = GenConfig.resolve().decode(controls + manufacturer + bytes(12))
    return context_for([config, ActRegs.resolve(context_for([config])).decode(octets)])


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    """Return a meter with small dimensions, any flags and any formats."""
    formats = st.sampled_from([0, 1, 5, 6, 7, 8, 9, 10, 11, 12])
    controls = [
        draw(st.integers(0, 1)) | 2,
        draw(st.integers(0, 4)) | draw(st.integers(0, 2)) << 6,
        draw(formats) | draw(formats) << 4,
    ]
    counts = draw(st.lists(st.integers(0, 3), min_size=8, max_size=8))
    flags = draw(st.binary(min_size=2, max_size=2))
    manufacturer = draw(st.sampled_from([b"NES ", b"ELON", b"ABCD"]))
    return meter(bytes(controls), manufacturer, flags + bytes(counts))


def check(caught: ProtocolFault, table: type[Table]) -> None:
    assert caught.error.kind is ErrorKind.DECODE
    assert caught.error.where.startswith(table.label())


def read_everything(record: Table) -> None:
    """Take from a record what a person would."""
    plain(record)
    repr(record)
    if isinstance(record, CurrentRegData):
        summation_values(record, (4, 30, 0), energy_register_unit=100)
        register_entries(record)
    if isinstance(record, PresentRegisterData):
        present_values(record)
        present_demands(record)
    if isinstance(record, SelfReadData):
        self_reads(record)


@pytest.mark.parametrize("table", TABLES)
@given(context=contexts(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_was_decoded_encodes_to_a_record_that_reads_the_same(
    table: type[Table], context: Context, data: st.DataObject
) -> None:
    layout = table.resolve(context)
    size = layout.size or 0
    record = layout.decode(data.draw(st.binary(min_size=size, max_size=size)))
    again = layout.decode(layout.encode(record))
    assert plain(again) == plain(record)


@pytest.mark.parametrize("table", TABLES)
@given(context=contexts(), octets=st.binary(max_size=500))
@settings(max_examples=80, deadline=None)
def test_any_octets_give_a_record_or_a_fault(table: type[Table], context: Context, octets: bytes) -> None:
    try:
        read_everything(table.resolve(context).decode(octets))
    except ProtocolFault as caught:
        check(caught, table)


@given(st.binary(min_size=10, max_size=10), st.sampled_from(TABLES), st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_dimensions_give_a_record_or_a_fault(st21: bytes, table: type[Table], octets: bytes) -> None:
    try:
        read_everything(table.resolve(meter(bytes.fromhex("022a88"), b"NES ", st21)).decode(octets))
    except ProtocolFault as caught:
        check(caught, table)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("manufacturer", [b"NES ", b"ABCD"])
def test_every_prefix_names_the_value_that_is_cut(table: type[Table], manufacturer: bytes) -> None:
    actual = bytes([0x7F, 0x0E, 2, 3, 2, 2, 2, 2, 2, 5])
    layout = table.resolve(meter(bytes.fromhex("022a88"), manufacturer, actual))
    whole = bytes(range(1, 256)) * 4
    whole = whole[: layout.size]
    assert layout.encode(layout.decode(whole)) == whole
    for held in range(len(whole)):
        with pytest.raises(ProtocolFault) as caught:
            layout.decode(whole[:held])
        assert caught.value.error.where.startswith(f"{table.label()} ")
        assert caught.value.error.message == f"{len(whole)} octets expected, {held} read"


@pytest.mark.parametrize("table", [DataSelection, PresentRegisterData, CurrentRegData, SelfReadData])
@pytest.mark.parametrize("demands", [8, 255])
def test_huge_dimensions_over_few_octets_take_little_memory(table: type[Table], demands: int) -> None:
    actual = bytes([0x7F, 0xFF, 255, 255, demands, 255, 255, 255, 255, 255])
    context = meter(bytes.fromhex("022a88"), b"NES ", actual)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolFault):
            table.resolve(context).decode(bytes(40))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
