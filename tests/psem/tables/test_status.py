"""ST3, ST4 and pending tables, against the offsets that the OSGP guide prints."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.layout import Context, InvalidTime, array, item, plain
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import (
    ActLp,
    GenConfig,
    GeneralMfgId,
    LpCtrl,
    Table,
    UtilityInformation,
    context_for,
)
from meterkit.psem.tables.status import (
    PED_SIZE,
    EdModeStatus,
    EndDeviceMode,
    EventCode,
    EventStorage,
    PendingActivation,
    PendingEvent,
    PendingStatus,
    PendingTable,
    pending,
)
from meterkit.psem.tables.wire import UINT8


class Levels(Table, number=2100):
    """A table that describes itself."""

    count = item(UINT8)
    levels = array(UINT8, count)


def context(
    *, mfg_status: int = 4, nbr_pending: int = 2, tm_format: int = 2, order: int = 0, ext_tables: int = 13
) -> Context:
    octets = bytes([2 | order, 8 | tm_format, 0x88]) + b"NES\0"
    octets += bytes([2, 0, 255, 12, 1, 0, 10, ext_tables, 2, 12, mfg_status, nbr_pending])
    return context_for([GenConfig.resolve().decode(octets)])


# ---------------------------------------------------------------- ST3
def test_bt03_lies_where_the_guide_says() -> None:
    layout = EdModeStatus.resolve(context())
    printed = {"ed_mode": 0, "ed_std_status1": 1, "ed_std_status2": 3, "ed_mfg_status": 4}
    assert {name: layout.offset_of(name) for name in printed} == printed
    assert (layout.size, EdModeStatus.resolve(context(mfg_status=6)).size) == (8, 10)


def test_mode_and_standard_status_are_named() -> None:
    record = EdModeStatus.resolve(context()).decode(bytes.fromhex("02 4110 08 00 80 00 01"))
    assert EndDeviceMode(record.ed_mode) is EndDeviceMode.TEST
    assert (record.metering_flag, record.test_mode_flag) == (False, True)
    named = {name for name, value in plain(record).items() if value is True}
    assert named == {"test_mode_flag", "unprogrammed_flag", "clock_error_flag", "tamper_detect_flag"}
    assert list(record.ed_mfg_status) == [15, 24]


def test_the_status_follows_the_octet_order_and_the_set_does_not() -> None:
    record = EdModeStatus.resolve(context(order=1)).decode(bytes.fromhex("01 1041 00 01 00 00 00"))
    assert (record.clock_error_flag, record.tamper_detect_flag, list(record.ed_mfg_status)) == (
        True,
        True,
        [0],
    )


# ---------------------------------------------------------------- ST4
def test_bt04_lies_where_the_guide_says() -> None:
    layout = PendingStatus.resolve(context())
    dim = 10 + 13  # BT00.13 + BT00.14
    printed = {
        "std_pending": 0,
        "mfg_pending": 10,
        "last_activation_date_time": dim,
        "nbr_pending_activation": dim + 5,
        "pending_activation[0].event": dim + 6,
        "pending_activation[0].event.event_storage": dim + 7,
        "pending_activation[0].table_selector": dim + 12,
        "pending_activation[1]": dim + 14,
    }
    assert {name: layout.offset_of(name) for name in printed} == printed
    assert layout.size == dim + 6 + 2 * 8


def test_pending_tables_are_listed_with_their_events() -> None:
    entries = bytes.fromhex("10 1a0c1f173b 3610  01 0102030405 2f08")
    octets = bytes(6) + b"\x40" + bytes(3) + bytes(5) + b"\x80" + bytes(7)
    octets += bytes.fromhex("1a0501060a 01") + entries
    record = PendingStatus.resolve(context()).decode(octets)
    assert (list(record.std_pending), list(record.mfg_pending)) == ([54], [47])
    assert record.last_activation_date_time == datetime(2026, 5, 1, 6, 10)
    first, second = record.pending_activation
    assert (first.table_id, first.still_pending_flag) == (54, True)
    assert (first.event.event_code, first.event.self_read_flag) == (EventCode.ABSOLUTE_TIME, True)
    assert first.event.activation == datetime(2026, 12, 31, 23, 59)
    assert (second.table_id, second.still_pending_flag) == (2048 + 47, False)
    assert second.event.activation == timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)
    assert record.active_entries == (first,)
    assert PendingStatus.resolve(context()).encode(record) == octets
    assert plain(record)["pending_activation"][1]["table_id"] == 2095


def test_more_activations_than_entries_are_as_many_as_there_are() -> None:
    octets = bytes(23 + 5) + b"\xff" + bytes(16)
    assert len(PendingStatus.resolve(context()).decode(octets).active_entries) == 2


# ---------------------------------------------------------------- PED
def decode_event(octets: str, tm_format: int = 2) -> PendingEvent:
    return PendingEvent.resolve(context(tm_format=tm_format)).decode(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("octets", "activation"),
    [
        ("00 1a051f173b", datetime(2026, 5, 31, 23, 59)),
        ("00 0000000000", InvalidTime(bytes(5))),
        ("20 1a0d01 0000", InvalidTime(bytes.fromhex("1a0d010000"))),
        ("01 0000000000", timedelta(0)),
        (
            "01 ffffffffff",
            timedelta(weeks=255, days=255, hours=255, minutes=255, seconds=255),
        ),
        ("02 6d79746167", b"mytag"),
        ("0f 0102030405", bytes([1, 2, 3, 4, 5])),
    ],
)
def test_the_event_code_says_what_the_storage_means(octets: str, activation: object) -> None:
    assert decode_event(octets).activation == activation


def test_an_empty_event_is_an_absolute_time_of_zeroes() -> None:
    assert decode_event("00 0000000000").is_empty
    assert decode_event("30 0000000000").is_empty
    assert not decode_event("01 0000000000").is_empty
    assert not decode_event("00 1a051f173b").is_empty


@pytest.mark.parametrize(
    ("tm_format", "octets"),
    [(1, "00 2605312359"), (2, "00 1a051f173b"), (3, "00 1fbfc401 00"), (4, "00 44cb1c6a 00")],
)
def test_an_absolute_time_has_the_meters_own_format(tm_format: int, octets: str) -> None:
    event = PendingEvent.at(datetime(2026, 5, 31, 23, 59), context(tm_format=tm_format))
    assert event.octets() == bytes.fromhex(octets)
    assert decode_event(octets, tm_format).activation == datetime(2026, 5, 31, 23, 59)


def test_events_are_made_for_a_time_a_delay_or_a_command() -> None:
    event = PendingEvent.at(datetime(2026, 5, 31, 23, 59), Context(), self_read=True, demand_reset=True)
    assert event.octets().hex() == "301a051f173b"
    delay = PendingEvent.after(timedelta(days=9, hours=3, minutes=4, seconds=5))
    assert delay.octets().hex() == "010102030405"
    assert delay.activation == timedelta(days=9, hours=3, minutes=4, seconds=5)
    command = PendingEvent.on_command(b"ab", demand_reset=True)
    assert (command.octets().hex(), command.activation) == ("226162000000", b"ab\0\0\0")
    assert len(command.octets()) == PED_SIZE == 6
    assert str(command.event_storage) == "61 62 00 00 00"


def test_what_an_event_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="finer than a minute"):
        PendingEvent.at(datetime(2026, 5, 31, 23, 59, 1), context())
    with pytest.raises(ValueError, match="no time"):
        PendingEvent.at(datetime(2026, 5, 31, 23, 59), context(tm_format=0))
    for delay in (timedelta(-1), timedelta(weeks=256), timedelta(microseconds=1)):
        with pytest.raises(ValueError, match="under 256 weeks"):
            PendingEvent.after(delay)
    with pytest.raises(ValueError, match="5 octets at most, not 6"):
        PendingEvent.on_command(b"123456")
    short = PendingEvent(event_selector=0, event_storage=EventStorage(b"\0", InvalidTime(b"")))
    with pytest.raises(ValueError, match=r"event_storage: .* 5 octets expected, 1 given"):
        PendingEvent.resolve(context()).encode(short)


# ---------------------------------------------------------------- pending tables
def test_a_pending_table_is_its_event_and_the_table() -> None:
    declared = pending(UtilityInformation)
    assert_type(declared, type[PendingTable[UtilityInformation]])
    assert (declared.number, declared.label(), declared.__name__) == (
        6147,
        "PendingET03",
        "PendingUtilityInformation",
    )
    assert pending(UtilityInformation) is declared
    layout = declared.resolve(context())
    assert (layout.size, layout.offset_of("data.reserved")) == (PED_SIZE + 143, PED_SIZE + 30)
    octets = bytes.fromhex("00 1a051f173b") + b"ABC\0" + bytes(139)
    record = layout.decode(octets)
    assert_type(record.data, UtilityInformation)
    assert record.event.activation == datetime(2026, 5, 31, 23, 59)
    assert record.data.utility_serial_number == "ABC"
    assert layout.encode(record) == octets
    with pytest.raises(ProtocolFault, match=r"PendingET03 data.reserved: 149 octets expected, 148 read"):
        layout.decode(octets[:-1])
    with pytest.raises(ProtocolFault, match=r"PendingET03 event.event_storage: 149 octets expected, 3 read"):
        layout.decode(octets[:3])


def test_a_pending_table_needs_what_the_table_needs_but_never_itself() -> None:
    assert pending(ActLp).needs() == {GenConfig}
    assert pending(LpCtrl).needs() == {GenConfig, ActLp}
    assert pending(GenConfig).needs() == {GenConfig} == pending(GeneralMfgId).needs()


def test_a_pending_table_is_read_by_its_own_dimensions_not_the_active_ones() -> None:
    active = Levels(count=1, levels=(9,))
    layout = pending(Levels).resolve(context().with_(active))
    record = layout.decode(bytes(6) + bytes([3, 1, 2, 3]))
    assert record.data == Levels(count=3, levels=(1, 2, 3))
    assert layout.encode(record) == bytes(6) + bytes([3, 1, 2, 3])


def test_only_a_numbered_table_that_is_not_pending_has_a_pending_copy() -> None:
    class Nameless(Table):
        pass

    for table in (Nameless, pending(ActLp)):
        with pytest.raises(ValueError, match="no pending copy"):
            pending(table)


# ---------------------------------------------------------------- any octets
TABLES: list[type[Table]] = [EdModeStatus, PendingStatus, pending(ActLp), pending(UtilityInformation)]
contexts = st.builds(
    context,
    mfg_status=st.integers(0, 9),
    nbr_pending=st.integers(0, 4),
    tm_format=st.integers(0, 4),
    order=st.integers(0, 1),
    ext_tables=st.integers(0, 20),
)


def check_cut(caught: ProtocolFault, table: type[Table], held: int) -> None:
    assert caught.error.kind is ErrorKind.DECODE
    assert caught.error.where.startswith(table.label())
    assert caught.error.message.endswith(f"octets expected, {held} read")


@given(contexts, st.sampled_from(TABLES[:3]), st.data())
def test_whole_tables_write_back_to_the_very_octets(
    known: Context, table: type[Table], data: st.DataObject
) -> None:
    layout = table.resolve(known)
    size = layout.size or 0
    octets = data.draw(st.binary(min_size=size, max_size=size))
    record = layout.decode(octets)
    assert layout.encode(record) == octets
    plain(record)


@given(contexts, st.sampled_from(TABLES), st.binary(max_size=300))
def test_any_octets_give_a_record_or_a_fault_that_names_the_table(
    known: Context, table: type[Table], octets: bytes
) -> None:
    try:
        record = table.resolve(known).decode(octets)
    except ProtocolFault as caught:
        check_cut(caught, table, len(octets))
    else:
        plain(record)
        assert table.resolve(known).encode(record)[:6] == octets[:6]


@pytest.mark.parametrize("table", TABLES)
def test_every_prefix_is_a_record_or_names_the_value_that_is_cut(table: type[Table]) -> None:
    layout = table.resolve(context())
    whole = bytes(range(1, 256))[: layout.size or 0]
    for held in range(len(whole)):
        try:
            layout.decode(whole[:held])
        except ProtocolFault as caught:
            check_cut(caught, table, held)
        else:
            assert held >= layout.minimum_size


@given(contexts, st.binary(min_size=8, max_size=8))
def test_any_eight_octets_are_a_pending_activation(known: Context, octets: bytes) -> None:
    layout = PendingActivation.resolve(known)
    record = layout.decode(octets)
    assert layout.encode(record) == octets
    assert 0 <= record.table_id < 4096
    assert record.event.octets() == octets[:6]
