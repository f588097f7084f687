"""Standard procedures as calls on the client: parameters, answers, results, and what they leave behind."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meterkit.emulator import DEMO_READ_KEY, MeterEmulator, ProcedureOutcome
from meterkit.errors import ErrorKind
from meterkit.psem import standard_procedures as sp
from meterkit.psem.procedures import ProcedureResult, StandardProcedure
from meterkit.psem.standard_procedures import ListId
from meterkit.psem.tables import ActRegs, PendingEvent
from meterkit.psem.typed_procedures import StandardProcedures
from meterkit.result import Err, Ok
from tests.psem.readings.meters import american_meter, osgp_meter
from tests.psem.rig import NOON, connected
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return VIRTUAL_CLOCK


def answering(emulator: MeterEmulator, number: int, result: int = 0, data: bytes = b"") -> list[bytes]:
    """Let the meter answer procedure `number` so; return where its parameters will be put."""
    seen: list[bytes] = []

    def run(_: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
        seen.append(bytes(parameters))
        return ProcedureOutcome(ProcedureResult(result), data)

    emulator.procedures[False, number] = run
    return seen


def test_every_standard_procedure_is_a_method() -> None:
    for procedure in StandardProcedure:
        name = procedure.name.lower()
        assert inspect.iscoroutinefunction(getattr(StandardProcedures, name)), name
        assert callable(getattr(sp, name))


CALLS: list[tuple[str, dict[str, Any], int, str]] = [
    ("cold_start", {}, 0, ""),
    ("warm_start", {}, 1, ""),
    ("save_configuration", {}, 2, ""),
    ("clear_data", {}, 3, ""),
    ("reset_list_pointers", {"which": ListId.HISTORY_LOG}, 4, "07"),
    ("update_last_read_entry", {"which": ListId.SELF_READ, "entries": 258}, 5, "02 0201"),
    ("change_end_device_mode", {"mode": 1}, 6, "01"),
    ("clear_standard_status_flags", {}, 7, ""),
    ("clear_manufacturer_status_flags", {}, 8, ""),
    ("remote_reset", {"demand_reset": True, "season": 3}, 9, "1d"),
    ("set_date_time", {"time": NOON}, 10, "03 1a030a0c0700 12"),
    ("execute_diagnostics", {}, 11, ""),
    ("activate_all_pending_tables", {}, 12, ""),
    ("activate_specific_pending_tables", {"when": b"me"}, 13, "02 6d65000000"),
    ("clear_all_pending_tables", {}, 14, ""),
    ("clear_specific_pending_tables", {"when": timedelta(days=8), "self_read": True}, 15, "11 0101000000"),
    ("clear_specific_pending_tables", {"when": NOON, "demand_reset": True}, 15, "20 1a030a0c07"),
    ("start_load_profile", {}, 16, ""),
    ("stop_load_profile", {}, 17, ""),
    ("log_in", {"user_id": 258, "password": b"key"}, 18, "0201 6b6579" + 17 * "00"),
    ("log_out", {}, 19, ""),
    ("initiate_immediate_call", {"phone": 2}, 20, "02"),
    ("direct_load_control", {"parameters": b"\1\2"}, 21, "0102"),
    ("modify_credit", {"parameters": b"\3"}, 22, "03"),
    ("register", {}, 23, ""),
    ("deregister", {}, 24, ""),
    ("network_interface_control", {"parameters": b"\4"}, 25, "04"),
    ("exception_report", {"parameters": b"\5"}, 26, "05"),
    ("clear_pending_call_status", {}, 27, ""),
    ("start_quality_of_service_monitors", {}, 28, ""),
    ("stop_quality_of_service_monitors", {}, 29, ""),
    ("start_secured_registers", {}, 30, ""),
    ("stop_secured_registers", {}, 31, ""),
    ("set_precision_date_time", {"parameters": b"\6"}, 32, "06"),
]


@pytest.mark.parametrize(("name", "arguments", "number", "parameters"), CALLS)
async def test_a_call_sends_its_parameters_once(
    name: str, arguments: dict[str, Any], number: int, parameters: str
) -> None:
    emulator = osgp_meter("3.70")
    seen = answering(emulator, number)
    async with connected(emulator) as (client, _):
        done = await getattr(client.procedures, name)(**arguments)
    assert isinstance(done, Ok)
    assert seen == [bytes.fromhex(parameters)]


def test_every_standard_procedure_is_tried() -> None:
    assert {number for _, _, number, _ in CALLS} == set(range(33))


async def test_parameters_are_in_the_meters_octet_order() -> None:
    emulator = american_meter()
    seen = answering(emulator, 5)
    async with connected(emulator) as (client, _):
        (await client.procedures.update_last_read_entry(ListId.EVENT_LOG, 258)).unwrap()
    assert seen == [bytes.fromhex("01 0102")]


async def test_setting_the_clock_tells_before_and_after() -> None:
    emulator = osgp_meter("3.70")
    async with connected(emulator) as (client, _):
        change = (await client.procedures.set_date_time(NOON + timedelta(minutes=2))).unwrap()
        clock = (await client.clock()).unwrap()
    assert change is not None
    assert change.shift == timedelta(minutes=2)
    assert clock.time == NOON + timedelta(minutes=2)


async def test_a_procedure_that_did_not_complete_is_an_error_with_its_result() -> None:
    emulator = osgp_meter("3.70")
    answering(emulator, 9, ProcedureResult.TIMING_CONSTRAINT)
    async with connected(emulator) as (client, _):
        failed = await client.procedures.remote_reset(demand_reset=True)
        assert client.is_connected
    assert isinstance(failed, Err)
    assert (failed.error.kind, failed.error.code) == (ErrorKind.PROCEDURE, 4)
    assert failed.error.where == "SP9 remote reset"


async def test_without_the_right_key_it_is_an_error() -> None:
    async with connected(osgp_meter("3.70"), key=DEMO_READ_KEY) as (client, _):
        assert isinstance(await client.procedures.clear_data(), Err)


async def test_an_osgp_meter_says_by_result_1_that_no_pending_table_matched() -> None:
    async with connected(osgp_meter("3.70")) as (client, transport):
        failed = await client.procedures.clear_specific_pending_tables(b"nil")
        polls = [octets for _, octets in transport.requests if octets[:3] == b"\x30\0\x08"]
    assert isinstance(failed, Err)
    assert "no pending table was found" in failed.error.message
    assert len(polls) == 1  # final: not asked again


async def test_another_meter_says_by_result_1_that_it_goes_on() -> None:
    emulator = american_meter()
    answering(emulator, 15, ProcedureResult.ACCEPTED_NOT_COMPLETE)
    async with connected(emulator, procedure_polls=3) as (client, _):
        failed = await client.procedures.clear_specific_pending_tables(b"nil")
    assert isinstance(failed, Err)
    assert "no final answer" in failed.error.message


async def test_an_answer_that_does_not_fit_is_an_error() -> None:
    emulator = osgp_meter("3.70")
    answering(emulator, 10, data=b"\x1a\x03")
    async with connected(emulator) as (client, _):
        odd = await client.procedures.set_date_time(NOON)
    assert isinstance(odd, Err)
    assert odd.error.kind is ErrorKind.DECODE


async def test_a_meter_without_time_cannot_be_set() -> None:
    emulator = osgp_meter("3.70")
    image = bytearray(emulator.tables[0])
    image[1] &= 0xF8  # TM_FORMAT 0
    emulator.tables.write_table(0, bytes(image))
    async with connected(emulator) as (client, _):
        for failed in (
            await client.procedures.set_date_time(NOON),
            await client.procedures.clear_specific_pending_tables(NOON),
        ):
            assert isinstance(failed, Err)
            assert failed.error.kind is ErrorKind.STATE


async def test_what_no_meter_takes_is_a_mistake() -> None:
    async with connected(osgp_meter("3.70")) as (client, _):
        with pytest.raises(ValueError, match="season 16"):
            await client.procedures.remote_reset(season=16)
        with pytest.raises(ValueError, match="flags of its own"):
            await client.procedures.clear_specific_pending_tables(PendingEvent.on_command(), self_read=True)
        with pytest.raises(ValueError, match="finer than a second"):
            await client.procedures.set_date_time(datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC))


async def test_after_an_activation_dimensions_are_read_anew() -> None:
    emulator = osgp_meter("3.70")
    async with connected(emulator) as (client, transport):
        (await client.registers()).unwrap()
        answering(emulator, 12)
        (await client.procedures.activate_all_pending_tables()).unwrap()
        transport.requests.clear()
        (await client.registers()).unwrap()
        asked = [octets[1:3] for _, octets in transport.requests]
    assert ActRegs.number.to_bytes(2, "big") in asked
