"""Every declared table: octets and values both ways, and any octets give a value or a fault."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec.layout import Context, plain
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import (
    ActLog,
    ActLp,
    ActRegs,
    ActSourcesLim,
    ActTimeTou,
    DeviceIdent,
    DeviceNameplate,
    GenConfig,
    GeneralMfgId,
    LpCtrl,
    LpDataSet1,
    LpInternalConfig,
    LpStatus,
    MfgDimension,
    Table,
    TableRegistry,
    UtilInfo,
    UtilityInformation,
    context_for,
)
from meterkit.psem.tables.load_profile import LoadProfileGeometry

EVERY_TABLE = list(TableRegistry())
HOLD_TEXT = (GeneralMfgId, DeviceNameplate, DeviceIdent, UtilInfo)  # characters that are none are not kept


def gen_config(order: int, tm_format: int, id_form: int, int_format: int, ni: tuple[int, int]) -> GenConfig:
    controls = [order | 2, tm_format | id_form << 5 | int_format << 6, ni[0] | ni[1] << 4]
    return GenConfig.resolve().decode(bytes(controls) + bytes(16))


configs = st.builds(
    gen_config,
    st.integers(0, 1),
    st.integers(0, 4),
    st.integers(0, 1),
    st.integers(0, 2),
    st.tuples(st.sampled_from([5, 6, 7, 8, 9, 10, 11, 12]), st.sampled_from([7, 8, 9, 10, 11])),
)


@st.composite
def contexts(draw: st.DrawFn, most: int = 3) -> Context:
    """Return what is known of some meter whose four data sets have small dimensions."""
    config = draw(configs).replace(
        nameplate_type=draw(st.sampled_from([0, 2])), dim_std_tbls_used=draw(st.integers(0, 3))
    )
    layout = ActLp.resolve(context_for([config]))
    base = layout.decode(bytes(4) + draw(st.binary(min_size=2, max_size=2)) + b"\xff" + bytes(24))
    dimensions = st.integers(1, most)
    sets = tuple(
        one.replace(
            nbr_blks=draw(dimensions),
            nbr_blk_ints=draw(dimensions),
            nbr_chns=draw(dimensions),
            max_int_time=15,
        )
        for one in base.sets
    )
    act = base.replace(sets=sets)
    control = LpCtrl.resolve(context_for([config, act]))
    record = control.decode(bytes(control.size or 0))
    codes = st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128])
    record = record.replace(sets=tuple(one.replace(int_fmt_cde=draw(codes)) for one in record.sets))
    return context_for([config, act, record, *dimensions_of_others(draw, config)])


def dimensions_of_others(draw: st.DrawFn, config: GenConfig) -> list[Table]:
    """Return the actual tables of the other decades: any flags, small dimensions."""
    flags, small = st.integers(0, 255), st.integers(0, 3)

    def made(table: type[Table], *octets: st.SearchStrategy[int]) -> Table:
        return table.resolve(context_for([config])).decode(bytes(draw(octet) for octet in octets))

    def low_octet(order: str) -> list[st.SearchStrategy[int]]:
        return [small, st.just(0)] if order == "little" else [st.just(0), small]

    count = low_octet("big" if config.is_big_endian else "little")
    extended = MfgDimension.resolve(context_for([config])).decode(bytes(24))
    return [
        made(ActSourcesLim, flags, *[small] * 7),
        made(ActRegs, flags, flags, *[small] * 8),
        made(ActTimeTou, flags, flags, st.sampled_from([0, 0x12, 0x21]), small, small, *count, *count),
        made(ActLog, flags, *[small] * 4, *count, *count, *[small] * 3),
        extended.replace(nbr_of_devices=draw(st.integers(0, 6)), data_entry_size=draw(st.integers(12, 40))),
    ]


def without_negative_zero(context: Context) -> Context:
    """Return the context with two's complement: -0 of the other formats reads 0 and is written +0."""
    return Context(context.records, context.byte_order)


def check_decode(caught: ProtocolFault, where: str = "", message: str = "") -> None:
    assert caught.error.kind is ErrorKind.DECODE
    assert caught.error.where.startswith(where)
    assert caught.error.message.endswith(message)


@given(contexts(), st.sampled_from(EVERY_TABLE), st.data())
@settings(max_examples=300)
def test_what_was_decoded_encodes_to_a_record_that_reads_the_same(
    context: Context, table: type[Table], data: st.DataObject
) -> None:
    layout = table.resolve(context)
    record = layout.decode(data.draw(st.binary(min_size=layout.size or 1600, max_size=layout.size or 1600)))
    assert plain(layout.decode(layout.encode(record))) == plain(record)


@given(
    contexts(), st.sampled_from([ActLp, LpCtrl, LpStatus, LpDataSet1, LpInternalConfig, GenConfig]), st.data()
)
@settings(max_examples=300)
def test_tables_without_text_encode_to_the_very_octets(
    context: Context, table: type[Table], data: st.DataObject
) -> None:
    context = without_negative_zero(context)
    layout = table.resolve(context)
    size = layout.size or 19
    octets = data.draw(st.binary(min_size=size, max_size=size))
    record = layout.decode(octets)
    if "nan" not in repr(record):
        assert layout.encode(record) == octets


@given(contexts(), st.sampled_from(EVERY_TABLE), st.binary(max_size=400))
@settings(max_examples=500)
def test_any_octets_give_a_record_or_a_fault(context: Context, table: type[Table], octets: bytes) -> None:
    try:
        record = table.resolve(context).decode(octets)
    except ProtocolFault as caught:
        check_decode(caught, table.label())
    else:
        plain(record)
        repr(record)


@given(st.binary(min_size=19, max_size=19), st.binary(min_size=13, max_size=31), st.binary(max_size=600))
@settings(max_examples=500)
def test_any_dimensions_give_a_record_or_a_fault(st0: bytes, st61: bytes, octets: bytes) -> None:
    config = GenConfig.resolve().decode(st0)
    act = ActLp.resolve(context_for([config])).decode(st61)
    known: list[Table] = [config, act]
    for table in (LpCtrl, LpStatus, LpInternalConfig, GeneralMfgId, UtilityInformation, LpDataSet1):
        if not table.needs() <= {type(record) for record in known}:
            continue
        try:
            known.append(table.resolve(context_for(known)).decode(octets))
        except ProtocolFault as caught:
            check_decode(caught)
    if any(isinstance(record, LpCtrl) for record in known):
        for number in (1, 2, 3, 4):
            try:
                geometry = LoadProfileGeometry.build(context_for(known), number)
                geometry.decode_rows(octets, block=0, sequence=0)
            except ProtocolFault as caught:
                check_decode(caught)


def example() -> Context:
    config = gen_config(0, 2, 1, 0, (8, 8))
    act = ActLp.resolve(context_for([config])).decode(
        bytes.fromhex("00000100700c20 0200090003 0f 0100 0100 02 54 0100 0200 01 3c 0200 0100 03 05")
    )
    control = LpCtrl.resolve(context_for([config, act]))
    zeroes = control.decode(bytes(control.size or 0))
    sets = tuple(one.replace(int_fmt_cde=32) for one in zeroes.sets)
    others = [
        (ActSourcesLim, "60 02 02 02 02 02 02 02"),
        (ActRegs, "7f 02 02 03 02 02 02 02 02 03"),
        (ActTimeTou, "20 10 12 02 02 02 00 00 00"),
        (ActLog, "07 02 02 03 03 03 00 02 00"),
        (MfgDimension, "06 42 24 05 06 28 00" + 17 * "00"),
    ]
    known = [table.resolve(context_for([config])).decode(bytes.fromhex(octets)) for table, octets in others]
    return context_for([config, act, zeroes.replace(sets=sets), *known])


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_every_prefix_is_a_record_or_names_the_value_that_is_cut(table: type[Table]) -> None:
    layout = table.resolve(example())
    whole = bytes(range(1, 256)) * 20
    whole = whole[: layout.size or 200]
    for held in range(len(whole) + 1):
        try:
            record = layout.decode(whole[:held])
        except ProtocolFault as caught:
            check_decode(caught, f"{table.label()} ", f"octets expected, {held} read")
        else:
            assert held >= layout.minimum_size
            assert layout.encode(record)[:3] == whole[:3] or table in HOLD_TEXT


def test_huge_dimensions_over_few_octets_take_little_memory() -> None:
    config = gen_config(0, 0, 0, 0, (8, 8))
    act = ActLp.resolve(context_for([config])).decode(bytes.fromhex("00000000000020") + b"\xff" * 24)
    tracemalloc.start()
    try:
        for table in (LpCtrl, LpStatus, LpInternalConfig):
            with pytest.raises(ProtocolFault):
                table.resolve(context_for([config, act])).decode(b"\0" * 10)
        control = LpCtrl.resolve(context_for([config, act])).decode(bytes([0] * 765 + [32]) * 4)
        with pytest.raises(ProtocolFault):
            LpDataSet1.resolve(context_for([config, act, control])).decode(b"\0" * 10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000
