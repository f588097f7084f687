"""Procedures through tables 7 and 8, without a data link."""

from datetime import UTC, datetime

import pytest

from meterkit.emulator import (
    DEMO_PROVISIONING_KEY,
    DEMO_READ_KEY,
    EmulatorConfiguration,
    LoadProfileSetConfiguration,
    MeterEmulator,
    ProcedureOutcome,
)
from meterkit.psem.procedures import ProcedureResult

NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)
SETS = (
    LoadProfileSetConfiguration(intervals=8, blocks=4),
    LoadProfileSetConfiguration(intervals=8, blocks=4),
)
COMPLETED, ACCEPTED, INVALID, CONFLICT, _, NO_AUTHORIZATION, UNRECOGNIZED = range(7)


def make_meter(key=DEMO_PROVISIONING_KEY, **changes):
    changes.setdefault("load_profile", SETS)
    meter = MeterEmulator(EmulatorConfiguration(**changes), clock=lambda: NOW)
    for request in (b"\x20", bytes.fromhex("50000241646d696e6973747261"), b"\x51" + key):
        assert meter.process_request(request)[:1] == b"\x00"
    return meter


def initiate(meter, number, parameters=b"", sequence=9, manufacturer=False, selector=0):
    field = (number | manufacturer << 11 | selector << 12).to_bytes(2, meter.configuration.byte_order)
    octets = field + bytes((sequence,)) + parameters
    request = b"\x40\x00\x07" + len(octets).to_bytes(2, "big") + octets + bytes((-sum(octets) & 255,))
    return meter.process_request(request)


def response(meter):
    return meter.process_request(bytes.fromhex("300008"))[3:-1]


def run(meter, number, parameters=b"", **how):
    assert initiate(meter, number, parameters, **how) == b"\x00"
    octets = response(meter)
    return octets[3], octets[4:]


@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_table_8_repeats_procedure_and_sequence_number(byte_order):
    meter = make_meter(byte_order=byte_order)
    initiate(meter, 9, b"\x01", sequence=0x55)
    expected = {"little": "0900550001", "big": "0009550001"}[byte_order]
    assert response(meter).hex() == expected


def test_an_unknown_procedure_is_unrecognized():
    meter = make_meter()
    assert run(meter, 99) == (UNRECOGNIZED, b"")
    assert run(meter, 3, manufacturer=True) == (UNRECOGNIZED, b"")


def test_the_read_key_may_run_nothing():
    assert run(make_meter(DEMO_READ_KEY), 3) == (NO_AUTHORIZATION, b"")


def test_diagnostics_are_accepted_so_often_before_they_complete():
    meter = make_meter(procedure_polls=3)
    initiate(meter, 11)
    assert [response(meter)[3] for _ in range(5)] == [ACCEPTED] * 3 + [COMPLETED] * 2


def test_selectors_decide_what_is_posted():
    meter = make_meter()
    initiate(meter, 9, b"\x01", sequence=1)
    initiate(meter, 9, b"\x01", sequence=2, selector=2)  # never
    initiate(meter, 9, b"\x01", sequence=3, selector=1)  # on exception only
    assert response(meter)[2] == 1
    initiate(meter, 9, b"", sequence=4, selector=1)
    assert response(meter)[2:4] == bytes((4, INVALID))
    initiate(meter, 9, b"\x01", sequence=5, selector=3)
    assert response(meter)[1:3] == bytes((0x30, 5))


def test_table_7_is_never_written_in_part_and_never_too_short():
    meter = make_meter()
    assert meter.process_request(bytes.fromhex("4f0007000000" + "0001" + "09f7")) == b"\x04"
    assert meter.process_request(bytes.fromhex("4000070002" + "0900f7")) == b"\x04"


def test_clear_data_begins_registers_and_profile_anew():
    meter = make_meter()
    assert meter.tables[23][:4] != bytes(4)
    assert run(meter, 3) == (COMPLETED, b"")
    assert meter.tables[23][:4] == bytes(4)
    assert all(profile.valid_blocks == 0 for profile in meter.profiles)


@pytest.mark.parametrize(("number", "emptied"), [(3, {0}), (4, {1}), (8, {0, 1}), (0xFF, {0, 1}), (1, set())])
def test_reset_list_pointers_empties_the_lists_it_names(number, emptied):
    meter = make_meter()
    sequences = [profile.last_sequence for profile in meter.profiles]
    assert run(meter, 4, bytes((number,))) == (COMPLETED, b"")
    assert {i for i, profile in enumerate(meter.profiles) if not profile.valid_blocks} == emptied
    assert [profile.last_sequence for profile in meter.profiles] == sequences


def test_an_emptied_ring_starts_at_its_first_block_and_numbers_on():
    meter = make_meter()
    sequence = meter.profiles[0].last_sequence
    run(meter, 4, b"\x03")
    meter.grow(1, data_set=1)
    profile = meter.profiles[0]
    assert (profile.valid_blocks, profile.last_block, profile.last_sequence) == (1, 0, sequence + 1)


@pytest.mark.parametrize("parameters", [b"", b"\x05", b"\x00", b"\x03\x00"])
def test_reset_of_a_list_the_meter_has_not_is_invalid(parameters):
    assert run(make_meter(), 4, parameters) == (INVALID, b"")


def test_update_last_read_counts_blocks_down():
    meter = make_meter()
    assert meter.profiles[1].unread_blocks == 4
    assert run(meter, 5, b"\x04\x03\x00") == (COMPLETED, b"")
    assert [profile.unread_blocks for profile in meter.profiles] == [4, 1]
    assert run(meter, 5, b"\x04\x02\x00") == (INVALID, b"")  # more than are left
    assert run(meter, 5, b"\x01\x00\x00") == (INVALID, b"")


def test_status_can_be_cleared_and_mode_changed():
    meter = make_meter()
    meter.status.standard, meter.status.manufacturer = 0x0800, 0x0102
    assert meter.tables[3][1:6].hex() == "0008010201"
    assert run(meter, 7) == (COMPLETED, b"")
    assert run(meter, 8) == (COMPLETED, b"")
    assert run(meter, 6, b"\x02") == (COMPLETED, b"")
    assert meter.tables[3][:7].hex() == "02000001000000"


def test_set_date_and_time_answers_before_and_after():
    meter = make_meter()
    before, after = bytes((26, 11, 21, 10, 37, 12)), bytes((26, 11, 22, 12, 0, 0))
    assert run(meter, 10, b"\x03" + after + b"\x00") == (COMPLETED, before + after)
    assert meter.now() == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_set_time_alone_leaves_the_date():
    meter = make_meter()
    assert run(meter, 10, b"\x01" + bytes((0, 0, 0, 12, 0, 0)) + b"\x00")[1][6:] == bytes(
        (26, 11, 21, 12, 0, 0)
    )


@pytest.mark.parametrize("parameters", [b"", b"\x03" + bytes((26, 13, 1, 0, 0, 0)) + b"\x00"])
def test_an_impossible_time_is_invalid(parameters):
    meter = make_meter()
    assert run(meter, 10, parameters) == (INVALID, b"")
    assert meter.now() == NOW


def test_load_profile_stops_and_starts():
    meter = make_meter()
    assert run(meter, 17) == (COMPLETED, b"")
    before = meter.tables[63]
    assert before[0] >> 5 & 1 == 0
    meter.grow(3)
    assert meter.tables[63] == before
    assert run(meter, 16) == (COMPLETED, b"")
    meter.grow(3)
    assert meter.tables[63] != before


def test_load_profile_cannot_be_started_where_there_is_none():
    assert run(make_meter(mode="demand_only"), 16) == (CONFLICT, b"")


def test_pending_tables_are_activated_and_cleared_by_their_event_description():
    meter = make_meter()
    event = bytes((0, 26, 12, 1, 0, 0))
    meter.tables.set_pending(54, event, bytes([7] * 64))
    assert run(meter, 15, bytes(6)) == (ACCEPTED, b"")  # the guide's code 1: no match
    assert run(meter, 15, event) == (COMPLETED, b"")
    assert not meter.tables.pending()
    assert meter.tables[54] != bytes([7] * 64)
    meter.tables.set_pending(54, event, bytes([7] * 64))
    assert run(meter, 13, event) == (COMPLETED, b"")
    assert meter.tables[54] == bytes([7] * 64)
    assert meter.tables[4][23:28] == bytes((26, 11, 21, 10, 37))
    meter.tables.set_pending(54, event, bytes(64))
    assert run(meter, 14) == (COMPLETED, b"")
    assert run(meter, 12) == (COMPLETED, b"")
    assert run(meter, 13, b"short") == (INVALID, b"")


def test_a_procedure_of_ones_own_can_be_added():
    meter = make_meter()
    meter.procedures[(True, 67)] = lambda emulator, parameters: ProcedureOutcome(
        ProcedureResult.COMPLETED, parameters[::-1], polls=1
    )
    initiate(meter, 67, b"\x01\x02", manufacturer=True)
    assert response(meter).hex() == "43080901"
    assert response(meter).hex() == "430809000201"
