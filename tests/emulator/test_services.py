"""Services one by one, straight into the meter: no data link."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.emulator import (
    DEMO_MASTER_KEY,
    DEMO_PROVISIONING_KEY,
    DEMO_READ_KEY,
    AccessLevel,
    EmulatorConfiguration,
    EmulatorState,
    MeterEmulator,
)

OK, ERR, SNS, ISC, ONP, IAR, BSY, DNR, DLK, RNO, ISSS = (bytes((code,)) for code in range(11))
IDENTIFY, TERMINATE, DISCONNECT, LOGOFF = b"\x20", b"\x21", b"\x22", b"\x52"
LOGON = bytes.fromhex("50000241646d696e6973747261")  # vectors/psem.json logon_request_administra
NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)


def security(key):
    return b"\x51" + key.ljust(20, b"\0")


def make_meter(key=None, **changes):
    meter = MeterEmulator(EmulatorConfiguration(**changes), clock=lambda: NOW)
    if key is not None:
        for request in (IDENTIFY, LOGON, security(key)):
            assert meter.process_request(request)[:1] == OK
    return meter


def ask(meter, text):
    return meter.process_request(bytes.fromhex(text))


def test_a_session_passes_through_the_five_states():
    meter = make_meter()
    states = [meter.state]
    for request in (IDENTIFY, bytes.fromhex("6104008006"), LOGON, security(DEMO_READ_KEY)):
        assert meter.process_request(request)[:1] == OK
        states.append(meter.state)
    assert states == list(EmulatorState)
    assert meter.process_request(LOGOFF) == OK
    assert meter.state is EmulatorState.IDENTIFIED
    assert meter.process_request(TERMINATE) == OK
    assert meter.state is EmulatorState.IDLE


def test_identify_tells_the_standard():
    assert make_meter().process_request(IDENTIFY).hex() == "0000010000"
    assert make_meter(standard="C12.21").process_request(IDENTIFY).hex() == "0002010000"


@pytest.mark.parametrize(
    ("key", "level"),
    [
        (DEMO_MASTER_KEY, AccessLevel.MASTER),
        (DEMO_PROVISIONING_KEY, AccessLevel.PROVISIONING),
        (DEMO_READ_KEY, AccessLevel.READER),
    ],
)
def test_each_key_gives_its_level(key, level):
    assert make_meter(key).current_access_level is level


@pytest.mark.parametrize("padding", [b"\0", b" "])
def test_a_short_key_matches_with_either_padding(padding):
    meter = make_meter(master_key=b"SECRET")
    meter.process_request(IDENTIFY)
    meter.process_request(LOGON)
    assert meter.process_request(b"\x51" + b"SECRET".ljust(20, padding)) == OK


@pytest.mark.parametrize(("answer", "code"), [("err", ERR), ("isc", ISC)])
def test_a_wrong_key_is_refused_and_takes_clearance_away(answer, code):
    meter = make_meter(DEMO_READ_KEY, wrong_key_response=answer)
    assert meter.process_request(security(b"wrong")) == code
    assert meter.current_access_level is AccessLevel.NO_ACCESS
    assert meter.tables[3][5] & 1  # BT03: invalid password


def test_a_disabled_key_is_a_wrong_key():
    meter = make_meter(DEMO_READ_KEY, provisioning_key=None)
    assert meter.process_request(security(DEMO_PROVISIONING_KEY)) == ERR


IN_BASE = {"20", "21"}
IN_ID = {"20", "21", "60004001", "7005"} | {LOGON.hex()}
IN_SESSION = {"20", "21", "300000", "3f00000000000001", "7005", "52"} | {security(DEMO_READ_KEY).hex()}


@pytest.mark.parametrize(
    ("steps", "request_hex"),
    list(product((0, 1, 2), sorted(IN_BASE | IN_ID | IN_SESSION))),
)
def test_a_service_out_of_its_state_is_answered_isss(steps, request_hex):
    meter = make_meter()
    for request in (IDENTIFY, LOGON)[:steps]:
        meter.process_request(request)
    response = ask(meter, request_hex)
    allowed = (IN_BASE, IN_ID, IN_SESSION)[steps]
    assert (response != ISSS) == (request_hex in allowed)


def test_identify_in_mid_session_can_be_refused_as_the_standard_has_it():
    meter = make_meter(DEMO_READ_KEY, identify_restarts=False)
    assert meter.process_request(IDENTIFY) == ISSS
    assert meter.state is EmulatorState.AUTHENTICATED


def test_identify_in_mid_session_starts_over_without_clearance():
    meter = make_meter(DEMO_READ_KEY)
    assert meter.process_request(IDENTIFY)[:1] == OK
    assert meter.current_access_level is AccessLevel.NO_ACCESS


@pytest.mark.parametrize(
    "request_hex", ["", "00", "1f", "23", "6c000000", "80", "ff", "22", "3e", "710101", "53"]
)
def test_unknown_and_unsupported_services_are_answered_in_any_state(request_hex):
    for steps in range(3):
        meter = make_meter()
        for request in (IDENTIFY, LOGON)[:steps]:
            meter.process_request(request)
        assert ask(meter, request_hex) == (SNS if request_hex else ERR)


def test_a_security_request_longer_than_its_field_is_an_error_and_no_crash():
    meter = make_meter(DEMO_READ_KEY)
    assert meter.process_request(b"\x51" + bytes(50)) == ERR  # vectors/psem.json l7_epri_security_short


@pytest.mark.parametrize(
    ("request_hex", "response_hex"),
    [
        ("60004001", "0000400106"),
        ("6104008006", "0004001006"),  # 1024 x 128 asked, 1024 x 16 granted, 9600
        ("63020004060a0c", "000200040c"),  # 115200 is the best of the three
        ("62100002010d", "0004000206"),  # 300 and 128000: neither, so the speed stays
        ("610200ff0a", "000200100a"),
    ],
)
def test_negotiate_grants_at_most_what_was_asked(request_hex, response_hex):
    meter = make_meter()
    meter.process_request(IDENTIFY)
    assert ask(meter, request_hex).hex() == response_hex
    assert meter.state is EmulatorState.NEGOTIATED


@pytest.mark.parametrize("request_hex", ["60003f01", "60004000", "6000", "6100400106ff"])
def test_a_senseless_negotiate_is_an_error(request_hex):
    meter = make_meter()
    meter.process_request(IDENTIFY)
    assert ask(meter, request_hex) == ERR


def test_full_read_carries_count_and_checksum():
    meter = make_meter(DEMO_READ_KEY)
    meter.tables.write_table(
        1, bytes.fromhex("4d4b4954454d554c41544f5201000201534e3030303030303030303030303031")
    )
    # vectors/psem.json read_st1_response
    assert ask(meter, "300001").hex() == (
        "0000204d4b4954454d554c41544f5201000201534e30303030303030303030303030311c"
    )


def test_offset_read_cuts_a_piece():
    meter = make_meter(DEMO_READ_KEY)
    meter.tables.write_table(200, bytes(range(256)))
    # vectors/psem.json read_offset_st200 and its response
    assert ask(meter, "3f00c80000200010").hex() == "000010202122232425262728292a2b2c2d2e2f88"


def test_a_read_past_the_end_is_filled_with_zeroes_as_osgp_meters_do():
    meter = make_meter(DEMO_READ_KEY)
    meter.tables.write_table(200, b"\x01\x02\x03")
    assert ask(meter, "3f00c80000020004").hex() == "00000403000000fd"
    assert ask(meter, "3f00c80100000002").hex() == "000002000000"


def test_a_read_past_the_end_can_be_refused():
    meter = make_meter(DEMO_READ_KEY, read_past_end="onp")
    meter.tables.write_table(200, b"\x01\x02\x03")
    assert ask(meter, "3f00c80000020002") == ONP
    assert ask(meter, "3f00c80000020001").hex() == "00000103fd"


@pytest.mark.parametrize(
    "request_hex", ["30", "3000", "30000000", "3f0000", "3f000000000000ff00", "4000", "40"]
)
def test_a_malformed_request_is_an_error(request_hex):
    assert ask(make_meter(DEMO_MASTER_KEY), request_hex) == ERR


def test_a_table_the_meter_has_not_is_inappropriate():
    meter = make_meter(DEMO_MASTER_KEY)
    for request in ("301234", "3f12340001f403e8", "40003700020000" + "00"):
        assert ask(meter, request) == IAR


def test_a_full_write_replaces_the_table():
    meter = make_meter(DEMO_PROVISIONING_KEY, id_form="char")
    # vectors/psem.json write_full_st5
    assert ask(meter, "40000500145752495454454e2020202020202020202020202033") == OK
    assert meter.tables[5] == b"WRITTEN             "


def test_an_offset_write_replaces_a_piece():
    meter = make_meter(DEMO_PROVISIONING_KEY)
    meter.tables.write_table(200, bytes(8))
    assert ask(meter, "4f00c80000040002dead75") == OK  # vectors/psem.json write_offset_st200
    assert meter.tables[200].hex() == "00000000dead0000"


def test_a_write_with_a_wrong_checksum_is_an_error_and_changes_nothing():
    meter = make_meter(DEMO_MASTER_KEY)
    meter.tables.remove(55)  # the clock's, which nobody may write
    meter.tables.write_table(55, bytes(10))
    # vectors/psem.json l7_write_full_55_ones_complement
    assert ask(meter, "400037000a13031313040300020000ba") == ERR
    assert meter.tables[55] == bytes(10)
    assert ask(meter, "400037000a13031313040300020000bb") == OK


@pytest.mark.parametrize(
    "request_hex",
    [
        "4000c80003000000" + "00",
        "4f00c8000007000200" + "0000",
        "4f00c8ffffff000101ff",
        "4f00c80000000000" + "00",
    ],
)
def test_a_write_that_does_not_fit_the_table_is_not_possible(request_hex):
    meter = make_meter(DEMO_MASTER_KEY)
    meter.tables.write_table(200, bytes(8))
    assert ask(meter, request_hex) == ONP
    assert meter.tables[200] == bytes(8)


def test_refusals_come_in_the_standards_order():
    meter = make_meter(DEMO_READ_KEY)
    meter.faults.busy = meter.faults.not_ready = 9
    meter.tables.write_table(200, bytes(8))
    assert ask(meter, "4000000001" + "0001") == IAR  # BT00 is read-only, whoever asks, whatever the checksum
    assert ask(meter, "4000c80009" + "00" * 9 + "01") == ISC  # too long as well
    assert ask(meter, "3f08150000000083") == ISC  # ET21 and the read-only key
    meter.process_request(security(DEMO_PROVISIONING_KEY))
    assert ask(meter, "4000c80009" + "00" * 9 + "01") == ONP
    assert ask(meter, "4000c80008" + "00" * 8 + "01") == BSY
    meter.faults.busy = 0
    assert ask(meter, "4000c80008" + "00" * 8 + "01") == DNR
    meter.faults.not_ready = 0
    assert ask(meter, "4000c80008" + "00" * 8 + "01") == ERR


@pytest.mark.parametrize(
    ("fault", "code"),
    [("busy", BSY), ("not_ready", DNR), ("locked", DLK), ("renegotiate", RNO), ("errors", ERR)],
)
def test_an_ordered_refusal_strikes_so_often_and_then_no_more(fault, code):
    meter = make_meter(DEMO_READ_KEY)
    setattr(meter.faults, fault, 2)
    assert [ask(meter, "300000")[:1] for _ in range(3)] == [code, code, OK]


def test_an_ordered_wrong_checksum_strikes_once():
    meter = make_meter(DEMO_READ_KEY)
    right = ask(meter, "300001")
    meter.faults.wrong_checksums = 1
    assert ask(meter, "300001") != right
    assert ask(meter, "300001") == right


def test_read_default_reads_the_configured_table():
    meter = make_meter(DEMO_READ_KEY, default_table=1)
    assert ask(meter, "3e") == ask(meter, "300001")
    assert ask(meter, "3e00") == ERR


def test_read_by_index_counts_elements():
    meter = make_meter(DEMO_READ_KEY, index_access=True)
    table = meter.tables[1]
    assert ask(meter, "31000100000002")[3:-1] == table[:12]  # manufacturer and model
    assert ask(meter, "31000100060001")[3:-1] == table[16:]  # serial number
    for request in ("31000100070001", "31000100000000", "31000100000008", "3200010000000000" + "01"):
        assert ask(meter, request) == ONP
    assert meter.tables[0][1] >> 3 & 3 == 3


def test_read_by_index_reaches_into_the_load_profile():
    meter = make_meter(DEMO_READ_KEY, index_access=True)
    profile, table = meter.profiles[0], meter.tables[64]
    at = 3 * profile.block_size + profile.header_size + 5 * profile.interval_size
    one = ask(meter, "34004000030002000500010001")  # block 3, intervals, interval 5, values
    assert one[3:-1] == table[at + profile.extended_status_size : at + profile.interval_size]
    assert ask(meter, "32004000030000" + "0001")[3:-1] == table[3 * profile.block_size :][:5]


def test_write_by_index_must_end_with_an_element():
    meter = make_meter(DEMO_MASTER_KEY, index_access=True)
    table = meter.tables.get(21)
    table.access = type(table.access)(AccessLevel.READER, AccessLevel.READER)
    assert ask(meter, "4100150002" + "0002" + "0506" + "f5") == OK
    assert meter.tables[21][2:4] == b"\x05\x06"
    assert ask(meter, "4100150009" + "0002" + "0506" + "f5") == ONP


def test_wait_is_granted_after_identify():
    meter = make_meter()
    meter.process_request(IDENTIFY)
    assert ask(meter, "701e") == OK
    assert ask(meter, "70") == ERR


def test_c1221_adds_timing_disconnect_and_authenticate():
    # The exchange was seen live between two other implementations: psem facts, C8.
    meter = make_meter(
        standard="C12.21", authentication_key=b"00000000", authentication_ticket="hex:0123456789ABCDEF"
    )
    assert meter.process_request(IDENTIFY).hex() == "00020100" + "02010008" + "0123456789abcdef" + "00"
    assert ask(meter, "711e010403").hex() == "001e010403"  # vectors/psem.json l7_timing_setup
    meter.process_request(LOGON)
    assert ask(meter, "530900" + "492b274f0ab4dbcf") == ISC
    assert ask(meter, "530900" + "492b274f0ab4dbce").hex() == "000900" + "74b604935d984216"
    assert meter.current_access_level is AccessLevel.MASTER
    assert meter.process_request(DISCONNECT) == OK
    assert meter.state is EmulatorState.IDLE


def test_reset_ends_the_session():
    meter = make_meter(DEMO_READ_KEY)
    meter.reset()
    assert meter.state is EmulatorState.IDLE
    assert meter.current_access_level is AccessLevel.NO_ACCESS


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=20), st.integers(0, 3))
@settings(deadline=None, derandomize=True, max_examples=150)
def test_any_octets_get_an_answer(requests, steps):
    meter = FUZZED
    meter.reset()
    for request in (IDENTIFY, LOGON, security(DEMO_MASTER_KEY))[:steps]:
        meter.process_request(request)
    for request in requests:
        assert meter.process_request(request)


@given(st.integers(0x30, 0x4F), st.sampled_from(sorted(make_meter().tables)), st.binary(max_size=40))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_any_read_or_write_of_any_table_gets_an_answer(code, table_id, rest):
    FUZZED.reset()
    for request in (IDENTIFY, LOGON, security(DEMO_MASTER_KEY)):
        FUZZED.process_request(request)
    assert FUZZED.process_request(bytes((code,)) + table_id.to_bytes(2, "big") + rest)


FUZZED = make_meter(index_access=True, default_table=0, standard="C12.21", authentication_key=b"00000000")
