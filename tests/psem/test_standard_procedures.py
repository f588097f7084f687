"""Standard procedures 0 to 32: typed parameters as octets, answers as values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.layout import Context, InvalidTime
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem import standard_procedures as sp
from meterkit.psem.procedures import ProcedureResponse, ProcedureResult, StandardProcedure
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.status import EndDeviceMode, PendingEvent

NOON = datetime(2026, 5, 1, 12, 30, 45)  # a Friday


def context(*, tm_format: int = 2, order: int = 0, maker: bytes = b"NES\0") -> Context:
    octets = (
        bytes([2 | order, 8 | tm_format, 0x88]) + maker + bytes([2, 0, 255, 12, 1, 0, 10, 13, 2, 12, 4, 2])
    )
    return context_for([GenConfig.resolve().decode(octets)])


def completed(data: bytes = b"") -> ProcedureResponse:
    return ProcedureResponse(ProcedureResult.COMPLETED, data)


def response(result: int) -> ProcedureResponse:
    return ProcedureResponse(ProcedureResult(result))


CALLS: list[tuple[int, Callable[[], sp.StandardCall[Any]], str]] = [
    (0, sp.cold_start, ""),
    (1, sp.warm_start, ""),
    (2, sp.save_configuration, ""),
    (3, sp.clear_data, ""),
    (4, lambda: sp.reset_list_pointers(sp.ListId.HISTORY_LOG), "07"),
    (4, lambda: sp.reset_list_pointers(sp.ListId.ALL), "ff"),
    (5, lambda: sp.update_last_read_entry(sp.ListId.LOAD_PROFILE_1, 258, context()), "03 0201"),
    (5, lambda: sp.update_last_read_entry(sp.ListId.EVENT_LOG, 258, context(order=1)), "01 0102"),
    (6, lambda: sp.change_end_device_mode(EndDeviceMode.METERING | EndDeviceMode.TEST), "03"),
    (7, sp.clear_standard_status_flags, ""),
    (8, sp.clear_manufacturer_status_flags, ""),
    (9, lambda: sp.remote_reset(demand_reset=True, self_read=True), "03"),
    (9, lambda: sp.remote_reset(season=5), "2c"),
    (10, lambda: sp.set_date_time(NOON, context()), "03 1a05010c1e2d 05"),
    (11, sp.execute_diagnostics, ""),
    (12, sp.activate_all_pending_tables, ""),
    (
        13,
        lambda: sp.activate_specific_pending_tables(PendingEvent.on_command(b"me"), context()),
        "02 6d65000000",
    ),
    (14, sp.clear_all_pending_tables, ""),
    (
        15,
        lambda: sp.clear_specific_pending_tables(PendingEvent.at(datetime(2026, 6, 1), context()), context()),
        "00 1a06010000",
    ),
    (16, sp.start_load_profile, ""),
    (17, sp.stop_load_profile, ""),
    (18, lambda: sp.log_in(2, b"secret", context()), "0200 736563726574" + "00" * 14),
    (18, lambda: sp.log_in(2, b"secret", context(order=1), padding=b" "), "0002 736563726574" + "20" * 14),
    (19, sp.log_out, ""),
    (20, lambda: sp.initiate_immediate_call(3), "03"),
    (21, lambda: sp.direct_load_control(b"\1\2"), "0102"),
    (22, lambda: sp.modify_credit(b"\1\2"), "0102"),
    (23, sp.register, ""),
    (24, sp.deregister, ""),
    (25, lambda: sp.network_interface_control(b"\1"), "01"),
    (26, lambda: sp.exception_report(b"\1"), "01"),
    (27, sp.clear_pending_call_status, ""),
    (28, sp.start_quality_of_service_monitors, ""),
    (29, sp.stop_quality_of_service_monitors, ""),
    (30, sp.start_secured_registers, ""),
    (31, sp.stop_secured_registers, ""),
    (32, lambda: sp.set_precision_date_time(b"\7"), "07"),
]


@pytest.mark.parametrize(("number", "make", "octets"), CALLS)
def test_a_procedure_has_its_number_and_parameters(
    number: int, make: Callable[[], sp.StandardCall[Any]], octets: str
) -> None:
    call = make()
    assert (int(call.procedure), call.parameters.hex()) == (number, octets.replace(" ", ""))


def test_every_standard_procedure_has_a_call() -> None:
    assert (
        {number for number, _, _ in CALLS} == {int(number) for number in StandardProcedure} == set(range(33))
    )


# ---------------------------------------------------------------- clock
@pytest.mark.parametrize(
    ("tm_format", "order", "octets"),
    [
        (1, 0, "260501123045"),
        (2, 0, "1a05010c1e2d"),
        (2, 1, "1a05010c1e2d"),
        (3, 0, "ae13c4012d"),
        (3, 1, "01c413ae2d"),
        (4, 0, "f59cf469"),
        (4, 1, "69f49cf5"),
    ],
)
def test_the_clock_is_set_in_the_meters_own_format_and_octet_order(
    tm_format: int, order: int, octets: str
) -> None:
    call = sp.set_date_time(NOON, context(tm_format=tm_format, order=order))
    assert call.parameters.hex() == f"03{octets}05"
    later = call.parameters[1:-1]
    assert call.value(completed(later + later)) == sp.ClockChange(NOON, NOON)


def test_an_aware_time_is_written_as_utc_and_says_so() -> None:
    aware = NOON.replace(tzinfo=timezone(timedelta(hours=13)))  # the day before in UTC, a Thursday
    call = sp.set_date_time(aware, context())
    assert call.parameters.hex() == "031a041e171e2d14"
    assert sp.set_date_time(NOON.replace(tzinfo=UTC), context()).parameters.hex() == "031a05010c1e2d15"


def test_the_mask_says_what_is_to_be_set() -> None:
    assert sp.set_date_time(NOON, context(), set_date=False).parameters[0] == 1
    assert sp.set_date_time(NOON, context(), set_time=False).parameters[0] == 2
    call = sp.set_date_time(NOON, context(), qualifier=0x9D)
    assert (call.parameters[0], call.parameters[-1]) == (7, 0x9D)
    with pytest.raises(ValueError, match="nothing to set"):
        sp.set_date_time(NOON, context(), set_date=False, set_time=False)


def test_the_answer_is_the_clock_before_and_after() -> None:
    call = sp.set_date_time(NOON, context())
    assert_type(call, sp.StandardCall[sp.ClockChange | None])
    change = call.value(completed(bytes.fromhex("1a05010c1e00 1a05010c1e2d ff")))
    assert change == sp.ClockChange(datetime(2026, 5, 1, 12, 30), NOON)
    assert change is not None
    assert change.shift == timedelta(seconds=45)
    never = call.value(completed(bytes(6) + bytes.fromhex("1a05010c1e2d")))
    assert never is not None
    assert (never.before, never.shift) == (InvalidTime(bytes(6)), None)
    assert call.value(completed()) is None
    with pytest.raises(
        ProtocolFault, match="SP10 set date time: clock before and after: 12 octets expected, 1"
    ):
        call.value(completed(b"\1"))


def test_a_clock_that_cannot_be_set_is_refused() -> None:
    with pytest.raises(ValueError, match="no time"):
        sp.set_date_time(NOON, context(tm_format=0))
    with pytest.raises(ValueError, match="TM_FORMAT 7 unknown"):
        sp.set_date_time(NOON, context(tm_format=7))
    with pytest.raises(ValueError, match="GenConfig is needed"):
        sp.set_date_time(NOON, Context())
    with pytest.raises(ValueError, match="finer than a second"):
        sp.set_date_time(NOON.replace(microsecond=1), context())
    with pytest.raises(ValueError, match="years 2000 to 2099"):
        sp.set_date_time(NOON.replace(year=2100), context())
    with pytest.raises(ValueError, match="qualifier 256"):
        sp.set_date_time(NOON, context(), qualifier=256)


# ---------------------------------------------------------------- answers and results
def test_a_remote_reset_answers_what_it_did() -> None:
    call = sp.remote_reset(demand_reset=True, season=5)
    assert call.value(completed(b"\x2c")) == sp.RemoteReset(season_change=True, season=5)
    assert call.value(completed()) is None
    assert sp.RemoteReset.of(0xFF).bits == 0x7F


def test_a_procedure_without_an_answer_gives_none_whatever_a_meter_adds() -> None:
    assert sp.cold_start().value(completed(b"\1\2")) is None
    assert sp.direct_load_control(b"").value(completed(b"\1\2")) == b"\1\2"


def test_a_procedure_that_did_not_complete_is_a_fault_with_its_code() -> None:
    with pytest.raises(ProtocolFault, match=r"SP9 remote reset: .*no authorization") as caught:
        sp.remote_reset(demand_reset=True).value(response(5))
    assert (caught.value.error.kind, caught.value.error.code) == (ErrorKind.PROCEDURE, 5)


@pytest.mark.parametrize("make", [sp.activate_specific_pending_tables, sp.clear_specific_pending_tables])
def test_result_1_of_the_pending_procedures_is_final_on_osgp_meters_only(
    make: Callable[[PendingEvent, Context], sp.StandardCall[None]],
) -> None:
    event = PendingEvent.on_command()
    guided, other = make(event, context()), make(event, context(maker=b"GE  "))
    assert guided.is_final(ProcedureResult.ACCEPTED_NOT_COMPLETE)
    assert not other.is_final(ProcedureResult.ACCEPTED_NOT_COMPLETE)
    assert "no pending table was found" in guided.failure(ProcedureResult(1)).message
    assert "internal conflict" in guided.failure(ProcedureResult(3)).message
    assert "not fully completed" in other.failure(ProcedureResult(1)).message
    assert guided.is_final(ProcedureResult.COMPLETED)
    assert guided.value(completed()) is None
    assert guided.failure(ProcedureResult(2)) == other.failure(ProcedureResult(2))
    assert not make(event, Context()).is_final(ProcedureResult(1))


def test_a_password_never_shows() -> None:
    call = sp.log_in(2, b"hush-hush", context())
    assert "hush" not in repr(call)
    with pytest.raises(ValueError, match="20 octets at most, not 21") as caught:
        sp.log_in(2, b"hush-hush" * 2 + b"abc", context())
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sp.reset_list_pointers(256), "list 256"),
        (lambda: sp.update_last_read_entry(1, 65536, context()), "entries 65536"),
        (lambda: sp.change_end_device_mode(-1), "mode -1"),
        (lambda: sp.remote_reset(season=16), "season 16"),
        (lambda: sp.log_in(65536, b"", context()), "user id 65536"),
        (lambda: sp.initiate_immediate_call(256), "phone 256"),
    ],
)
def test_parameters_out_of_range_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@given(st.integers(0, 255), st.binary(max_size=20), st.integers(1, 4), st.integers(0, len(CALLS) - 1))
def test_any_answer_gives_a_value_or_a_fault(result: int, data: bytes, tm_format: int, which: int) -> None:
    clock = sp.set_date_time(NOON, context(tm_format=tm_format))
    for call in (CALLS[which][1](), clock):
        try:
            call.value(ProcedureResponse(ProcedureResult(result), data))
        except ProtocolFault as caught:
            is_known(caught, result)


def is_known(caught: ProtocolFault, result: int) -> None:
    assert caught.error.kind is (ErrorKind.PROCEDURE if result else ErrorKind.DECODE)
    assert caught.error.where.startswith("SP")
