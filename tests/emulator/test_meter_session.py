"""One line to the meter: packets in, packets out, and the meter's own time-outs.  Time is a number."""

import json
from datetime import UTC, datetime
from math import inf
from pathlib import Path

import pytest

from meterkit.codec.crc import crc16_wire
from meterkit.emulator import (
    EmulatorConfiguration,
    EmulatorState,
    LoadProfileSetConfiguration,
    MeterEmulator,
    MeterSession,
)

ACK, NAK = b"\x06", b"\x15"
IDENTIFY = bytes.fromhex("ee0000000001201310")
NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)
SMALL = (LoadProfileSetConfiguration(intervals=8, blocks=2),)
READ_KEY = b"METERKIT-DEMO-READER"


def packet(data, toggle=0, sequence=0, flags=0):
    head = bytes((0xEE, 0, flags | toggle << 5, sequence, len(data) >> 8, len(data) & 255)) + data
    return head + crc16_wire(head)


class Client:
    """As little of a client as these tests need: it says requests and acknowledges answers."""

    def __init__(self, emulator=None, **changes):
        configuration = EmulatorConfiguration(load_profile=SMALL, **changes)
        self.emulator = emulator or MeterEmulator(configuration, clock=lambda: NOW)
        self.session = MeterSession(self.emulator)
        self.now = 100.0
        self.toggle = 0

    def say(self, octets):
        return self.session.receive(octets, self.now)

    def ask(self, request):
        """Return what the meter says to one request, its ACK included, and acknowledge it."""
        octets = self.say(packet(request, self.toggle))
        self.toggle ^= 1
        rest = octets
        while len(rest) > 1:  # packet by packet
            rest = self.say(ACK)
            octets += rest
        return octets

    def log_on(self, key=READ_KEY):
        for request in (b"\x20", bytes.fromhex("50000241646d696e6973747261"), b"\x51" + key):
            assert self.ask(request)[7:8] == b"\x00"

    def pass_time(self, seconds):
        """Let time pass, waking the meter whenever it wants; return all it says."""
        end, octets = self.now + seconds, b""
        while self.session.deadline <= end:
            self.now = self.session.deadline
            octets += self.session.wake(self.now)
        self.now = end
        return octets


def test_ack_and_response_leave_in_one_piece():
    client = Client()
    # vectors/psem.json identify_response_c1218_1996, negotiate_request_1baud_1024x128 and its response
    # but for the number of packets, which this meter limits to 16.
    assert client.say(IDENTIFY).hex() == "06ee00000000050000010000c6b5"
    client.say(ACK)
    answer = client.say(bytes.fromhex("ee00200000056104008006c229"))
    assert answer[:8].hex() == "06ee002000000500"[:16]
    assert answer[7:12].hex() == "0004001006"


def test_captured_requests_get_the_captured_responses():
    vectors = {vector["name"]: bytes.fromhex(vector["hex"]) for vector in VECTORS}
    client = Client(max_packets=128)
    client.emulator.tables.write_table(1, vectors["read_st1_response"][10:42])
    client.emulator.tables.write_table(200, bytes(range(256)))
    script = [
        ("identify_request", "identify_response_c1218_1996"),
        ("negotiate_request_1baud_1024x128", "negotiate_response_1024x128_9600"),
        ("logon_request_administra", "ok_response_toggle0"),
    ]
    for request, response in script:
        assert client.say(vectors[request].removeprefix(ACK)) == vectors[response], request
        client.say(ACK)
    assert client.say(packet(b"\x51" + READ_KEY, 1)) == vectors["ok_response_toggle1"]
    assert client.say(ACK + vectors["read_full_st1"].removeprefix(ACK)) == vectors["read_st1_response"]
    client.say(ACK)
    client.ask(b"\x70\x1e")  # brings the toggle bits to where the captures have them
    assert client.say(vectors["read_offset_st200"]) == vectors["read_offset_st200_response"]
    client.say(ACK)
    assert client.say(vectors["logoff_request"]) == vectors["ok_response_toggle1"]
    client.say(ACK)
    assert client.say(vectors["terminate_request"]) == vectors["ok_response_toggle0"]


def test_a_table_of_1024_octets_comes_in_the_19_captured_packets():
    vector = next(vector for vector in VECTORS if vector["kind"] == "multi-packet")
    client = Client(packet_size=64, max_packets=20)
    for request in (b"\x20", bytes.fromhex("6000401e"), bytes.fromhex("50000241646d696e6973747261")):
        client.ask(request)
    client.ask(b"\x51" + READ_KEY)
    client.emulator.tables.write_table(201, bytes(range(256)) * 4)
    answer = client.ask(bytes.fromhex("3000c9"))
    assert answer == bytes.fromhex(vector["hex"])


def test_a_repeated_request_is_acknowledged_and_not_executed_again():
    client = Client()
    client.log_on()
    client.emulator.faults.busy = 1
    request = packet(b"\x30\x00\x01", client.toggle)
    assert client.say(request)[7:8] == b"\x06"
    assert client.say(request) == ACK
    assert client.say(ACK) == b""
    assert client.say(request) == ACK  # still the same packet: the answer was given


def test_a_response_without_acknowledgement_is_repeated_and_then_the_session_ends():
    client = Client()
    answer = client.say(IDENTIFY)[1:]
    assert client.pass_time(7.9) == answer * 3
    assert client.session.state is EmulatorState.IDENTIFIED
    assert client.pass_time(0.2) == b""
    assert client.session.state is EmulatorState.IDLE
    assert client.session.deadline == inf


def test_six_seconds_without_a_packet_end_the_session():
    client = Client()
    client.log_on()
    client.pass_time(5.9)
    client.say(b"\x55\x00")  # noise is no packet
    assert client.session.state is EmulatorState.AUTHENTICATED
    client.pass_time(0.2)
    assert client.session.state is EmulatorState.IDLE
    assert client.ask(b"\x30\x00\x01")[7:8] == b"\x0a"  # isss


def test_a_late_client_finds_the_session_ended_though_nobody_woke_the_meter():
    client = Client()
    client.log_on()
    client.now += 60
    assert client.ask(b"\x30\x00\x01")[7:8] == b"\x0a"


def test_wait_extends_the_session_until_the_next_packet():
    client = Client()
    client.log_on()
    assert client.ask(b"\x70\x3c")[7:8] == b"\x00"
    client.pass_time(59)
    assert client.session.state is EmulatorState.AUTHENTICATED
    assert client.ask(b"\x30\x00\x01")[7:8] == b"\x00"
    client.pass_time(6.1)
    assert client.session.state is EmulatorState.IDLE


def test_packets_keep_the_session_alive():
    client = Client()
    client.log_on()
    for _ in range(10):
        client.pass_time(5)
        assert client.ask(b"\x30\x00\x01")[7:8] == b"\x00"


def test_half_a_packet_is_naked_after_half_a_second():
    client = Client()
    assert client.say(IDENTIFY[:4]) == b""
    assert client.session.deadline == client.now + 0.5
    assert client.pass_time(0.5) == NAK


def test_negotiated_size_and_speed_apply_when_the_response_was_acknowledged():
    client = Client()
    client.ask(b"\x20")
    answer = client.say(packet(bytes.fromhex("610200040c"), 1))
    assert answer[7:12].hex() == "000200040c"
    assert client.session.baud_rate == 9600
    client.say(ACK)
    assert client.session.baud_rate == 115200
    client.toggle = 0
    assert client.ask(b"\x50" + bytes(12))[7:8] == b"\x00"
    assert client.ask(b"\x51" + bytes(120))[:1] == ACK  # longer than the 56 octets of the beginning


def test_terminate_brings_the_channel_back_after_its_acknowledgement():
    client = Client()
    client.ask(b"\x20")
    client.ask(bytes.fromhex("610200040c"))
    client.say(packet(b"\x21", 0))
    assert client.session.baud_rate == 115200
    client.say(ACK)
    assert client.session.baud_rate == 9600
    assert client.session.state is EmulatorState.IDLE


def test_a_time_out_brings_the_channel_back():
    client = Client()
    client.ask(b"\x20")
    client.ask(bytes.fromhex("610200040c"))
    client.pass_time(6.1)
    assert client.session.baud_rate == 9600


def test_timing_setup_applies_to_the_session():
    client = Client(standard="C12.21")
    client.ask(b"\x20")
    client.ask(bytes.fromhex("710a010203"))
    client.pass_time(9.9)
    assert client.session.state is EmulatorState.IDENTIFIED
    client.pass_time(0.2)
    assert client.session.state is EmulatorState.IDLE


def test_c1221_waits_thirty_seconds():
    client = Client(standard="C12.21")
    client.ask(b"\x20")
    client.pass_time(29.9)
    assert client.session.state is EmulatorState.IDENTIFIED


def test_disconnect_drops_the_line_once_acknowledged():
    client = Client(standard="C12.21")
    client.ask(b"\x20")
    client.say(packet(b"\x22", 1))
    assert not client.session.is_hung_up
    client.say(ACK)
    assert client.session.is_hung_up


def test_a_full_read_that_exceeds_the_channel_is_not_possible():
    client = Client()
    client.log_on()
    assert client.ask(b"\x30\x00\x40")[7:8] == b"\x04"
    assert client.ask(bytes.fromhex("3f00400000000034"))[7:8] == b"\x00"  # 52 + 4 are 56
    assert client.ask(bytes.fromhex("3f00400000000035"))[7:8] == b"\x04"


def test_a_partial_read_that_exceeds_the_channel_can_be_shortened():
    client = Client(truncate_reads=True)
    client.log_on()
    assert client.ask(bytes.fromhex("3f00400000000100"))[7:10].hex() == "000034"


def test_a_shared_optical_port_naks_the_first_packet_of_each_session():
    client = Client(shared_optical_port=True)
    assert client.say(IDENTIFY) == NAK
    assert client.ask(b"\x20")[:1] == ACK
    client.pass_time(6.1)
    assert client.say(packet(b"\x20", 1)) == NAK


def test_a_session_that_takes_too_long_is_ended_and_the_port_held_off():
    client = Client(session_lock_out=True, session_timeout=20, session_hold_off=30)
    client.log_on()
    for _ in range(4):
        client.pass_time(4)
        assert client.ask(b"\x30\x00\x01")[7:8] == b"\x00"
    client.pass_time(5)
    assert client.session.state is EmulatorState.IDLE
    assert client.say(IDENTIFY) == b""
    other = Client(client.emulator)
    other.now = client.now
    assert other.say(IDENTIFY) == b""  # it is the port that is locked, not the line
    client.pass_time(30)
    assert client.ask(b"\x20")[:1] == ACK


def test_the_lock_out_is_what_et51_says_now():
    client = Client()
    client.log_on(b"METERKIT-DEMO-PROVIS")
    image = bytearray(client.emulator.tables[2099])
    image[0] |= 1
    image[4:8] = bytes((9, 0, 60, 0))
    client.emulator.tables.write_table(2099, bytes(image))
    client.ask(b"\x21")
    client.log_on()
    client.pass_time(5)
    client.ask(b"\x30\x00\x01")
    client.pass_time(4.1)
    assert client.session.state is EmulatorState.IDLE
    assert client.say(IDENTIFY) == b""


def test_sessions_on_one_meter_do_not_disturb_each_other():
    first = Client()
    second = Client(first.emulator)
    first.log_on()
    assert second.session.state is EmulatorState.IDLE
    second.log_on(b"METERKIT-DEMO-PROVIS")
    assert first.ask(bytes.fromhex("300815"))[7:8] == b"\x03"  # ET21 needs more than the read key
    assert second.ask(bytes.fromhex("3f081500000000" + "20"))[7:8] == b"\x00"
    first.session.close()
    assert second.session.state is EmulatorState.AUTHENTICATED


# ---------------------------------------------------------------- ordered faults
def test_ordered_naks_and_deafness_strike_the_next_packets():
    client = Client()
    client.emulator.faults.nak_packets = 1
    client.emulator.faults.ignore_packets = 1
    assert client.say(IDENTIFY) == b""
    assert client.say(IDENTIFY) == NAK
    assert client.say(IDENTIFY)[:1] == ACK


def test_a_swallowed_ack_leaves_the_response_alone():
    client = Client()
    client.emulator.faults.drop_acks = 1
    assert client.say(IDENTIFY)[:1] == b"\xee"


def test_a_swallowed_response_comes_again_after_two_seconds():
    client = Client()
    client.emulator.faults.drop_packets = 1
    assert client.say(IDENTIFY) == ACK
    assert client.pass_time(2.0).hex() == "ee00000000050000010000c6b5"


def test_a_damaged_response_is_whole_when_it_is_asked_for_again():
    client = Client()
    client.emulator.faults.corrupt_packets = 1
    damaged = client.say(IDENTIFY)
    assert damaged[0:1] == ACK
    assert damaged[1:].hex() != "ee00000000050000010000c6b5"
    assert client.say(NAK).hex() == "ee00000000050000010000c6b5"


def test_a_response_can_come_twice():
    client = Client()
    client.emulator.faults.duplicate_packets = 1
    assert client.say(IDENTIFY).hex() == "06" + "ee00000000050000010000c6b5" * 2


def test_noise_comes_once_before_the_next_octets():
    client = Client()
    client.emulator.faults.noise = b"\x00\xff"
    assert client.say(IDENTIFY)[:3] == b"\x00\xff\x06"
    assert client.say(packet(b"\x21", 1))[:1] == ACK


def test_a_silent_meter_hears_and_says_nothing():
    client = Client()
    client.emulator.faults.silent = True
    assert client.say(IDENTIFY) == b""
    assert client.session.state is EmulatorState.IDENTIFIED
    assert client.pass_time(10) == b""
    assert client.session.state is EmulatorState.IDLE


def test_an_unanswered_request_is_acknowledged_all_the_same():
    client = Client()
    client.emulator.faults.unanswered = 1
    assert client.say(IDENTIFY) == ACK
    assert client.say(IDENTIFY)[:1] == ACK
    assert client.session.state is EmulatorState.IDENTIFIED


def test_a_slow_meter_acknowledges_at_once_and_answers_later():
    client = Client()
    client.emulator.faults.response_delay = 20.0
    assert client.say(IDENTIFY) == ACK
    assert client.pass_time(19.9) == b""
    assert client.pass_time(0.2).hex() == "ee00000000050000010000c6b5"
    assert client.session.state is EmulatorState.IDENTIFIED


def test_the_line_can_drop_in_place_of_an_answer():
    client = Client()
    client.emulator.faults.hang_up_after = 1
    assert client.ask(b"\x20")[:1] == ACK
    assert client.ask(bytes.fromhex("60004001")) == b""
    assert client.session.is_hung_up
    assert client.emulator.faults.hang_up_after is None


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_session_works_in_pieces_of_any_size(size):
    client = Client()
    whole = client.session.receive

    def in_pieces(octets, now):
        return b"".join(whole(octets[at : at + size], now) for at in range(0, len(octets), size))

    client.session.receive = in_pieces
    client.log_on()
    assert client.ask(b"\x30\x00\x01")[7:8] == b"\x00"


VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "psem.json").read_text())
