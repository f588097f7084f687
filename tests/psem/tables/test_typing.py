"""What type checkers see: a field is a reference on the class and a value on a record."""

from __future__ import annotations

from datetime import datetime
from typing import assert_type

from meterkit.codec.layout import BitSet, Expression, Field, InvalidTime, Layout, Record, array, item
from meterkit.codec.wire import UINT8
from meterkit.psem.tables import ActLp, GenConfig, LpCtrl, LpInternalConfig, context_for
from meterkit.psem.tables.load_profile import ActLpSet, LpBlkDat, LpCtrlSet, LpInternalSet


class Sample(Record):
    plain = item(UINT8)
    maybe = item(UINT8, when=plain > 1)
    newer = item(UINT8, since=(3, 50))
    many = array(UINT8, 2)
    maybe_many = array(UINT8, 2, when=plain > 1)
    record = item(ActLpSet)
    records = array(ActLpSet, 2)


def test_references_and_values_have_their_types() -> None:
    sample = Sample(plain=1, many=(1, 2), record=None, records=())
    assert_type(Sample.plain, Field[int])
    assert_type(Sample.plain + 1, Expression)
    assert_type(sample.plain, int)
    assert_type(sample.maybe, int | None)
    assert_type(sample.newer, int | None)
    assert_type(sample.many, tuple[int, ...])
    assert_type(sample.maybe_many, tuple[int, ...] | None)
    assert_type(sample.record, ActLpSet)
    assert_type(sample.records, tuple[ActLpSet, ...])
    assert sample.maybe is None


def test_tables_have_their_types() -> None:
    layout = GenConfig.resolve()
    assert_type(layout, Layout[GenConfig])
    config = layout.decode(bytes([2, 2, 0x88]) + bytes(16))
    assert_type(config, GenConfig)
    assert_type(config.id_form, int)
    assert_type(config.std_tbls_used, BitSet | None)
    assert_type(config.manufacturer, str)
    actual = ActLp.resolve(context_for([config])).decode(bytes(13))
    assert_type(actual.sets, tuple[ActLpSet, ...])
    assert_type(actual.simple_int_status_flag, bool)
    assert_type(ActLp.simple_int_status_flag, Field[bool])


def check_only(block: LpBlkDat, control: LpCtrl, internal: LpInternalConfig) -> None:
    assert_type(block.blk_end_time, datetime | InvalidTime)
    assert_type(block.lp_int[0].int_data, tuple[int | float, ...])
    assert_type(control.sets[0], LpCtrlSet)
    assert_type(control.sets[0].scalars, tuple[int, ...] | None)
    assert_type(internal.sets[0], LpInternalSet)
    assert_type(internal.sets[0].block_start_time, datetime | InvalidTime | None)
    assert_type(internal.sets[0].nvmf_occurred, bool | None)
