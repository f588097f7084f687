"""ST3, ST4 and the procedures of pending tables on the emulated meter, which was written without them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from meterkit.codec.layout import Context
from meterkit.emulator import EmulatorConfiguration, MeterEmulator
from meterkit.emulator.access import AccessLevel
from meterkit.psem import standard_procedures as sp
from meterkit.psem.procedures import ProcedureResponse, decode_response, encode_initiate
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.osgp.alarms import alarms
from meterkit.psem.tables.status import EdModeStatus, PendingEvent, PendingStatus

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["little", "big"])
def meter(request: pytest.FixtureRequest) -> MeterEmulator:
    return MeterEmulator(
        EmulatorConfiguration(manufacturer="NES", byte_order=request.param), clock=lambda: NOON
    )


def octets_of(meter: MeterEmulator, table_id: int) -> bytes:
    octets = meter.tables.read_table(table_id)
    assert octets is not None
    return bytes(octets)


def known(meter: MeterEmulator) -> Context:
    return context_for([GenConfig.resolve().decode(octets_of(meter, 0))])


def pending_status(meter: MeterEmulator) -> PendingStatus:
    return PendingStatus.resolve(known(meter)).decode(octets_of(meter, 4))


def run(meter: MeterEmulator, call: sp.StandardCall[object]) -> ProcedureResponse:
    order = known(meter).byte_order
    request = encode_initiate(call.procedure, False, 1, call.parameters, order)
    running = meter.run_procedure(request, AccessLevel.MASTER)
    assert running is not None
    return decode_response(running.poll(), order)


def test_its_alarms_have_names(meter: MeterEmulator) -> None:
    meter.status.standard = 1 << 12 | 1 << 6
    meter.status.manufacturer = 1 << 8
    record = EdModeStatus.resolve(known(meter)).decode(octets_of(meter, 3))
    names = {alarm.name for alarm in alarms(record) if alarm.is_set}
    assert {"Clock Error", "Cover Removed", "Invalid Password"} <= names
    assert record.extra == b""


def test_its_pending_tables_are_activated_and_cleared_by_their_event(meter: MeterEmulator) -> None:
    first, second = PendingEvent.on_command(b"one"), PendingEvent.on_command(b"two")
    octets = octets_of(meter, 2051)
    meter.tables.set_pending(2051, first.octets(), b"NEW" + octets[3:])
    (entry,) = pending_status(meter).active_entries
    assert (entry.table_id, entry.still_pending_flag, entry.event.activation) == (2051, True, b"one\0\0")
    assert list(pending_status(meter).mfg_pending) == [3]

    other = sp.activate_specific_pending_tables(second, known(meter))
    answer = run(meter, other)
    assert int(answer.result) == 1
    assert other.is_final(answer.result)
    assert "no pending table" in other.failure(answer.result).message
    done = sp.activate_specific_pending_tables(first, known(meter))
    assert done.value(run(meter, done)) is None
    assert octets_of(meter, 2051)[:3] == b"NEW"
    assert pending_status(meter).active_entries == ()
    assert pending_status(meter).last_activation_date_time == NOON.replace(tzinfo=None)

    meter.tables.set_pending(2051, second.octets(), octets)
    cleared = sp.clear_specific_pending_tables(second, known(meter))
    assert cleared.value(run(meter, cleared)) is None
    assert octets_of(meter, 2051)[:3] == b"NEW"


def test_its_clock_is_set_and_tells_before_and_after(meter: MeterEmulator) -> None:
    call = sp.set_date_time(datetime(2026, 6, 2, 3, 4, 5), known(meter))
    change = call.value(run(meter, call))
    assert change == sp.ClockChange(NOON.replace(tzinfo=None), datetime(2026, 6, 2, 3, 4, 5))


def test_its_lists_are_reset_and_its_reset_answers(meter: MeterEmulator) -> None:
    assert (
        sp.reset_list_pointers(sp.ListId.ALL).value(run(meter, sp.reset_list_pointers(sp.ListId.ALL))) is None
    )
    call = sp.remote_reset(demand_reset=True)
    assert call.value(run(meter, call)) == sp.RemoteReset(demand_reset=True)
