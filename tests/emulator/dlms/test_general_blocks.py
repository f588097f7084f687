"""General block transfer with the emulated meter: windows, lost blocks, long requests."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, DataAccessResult
from meterkit.dlms.apdu.get import GetRequestNormal
from meterkit.dlms.apdu.set import SetRequestNormal, SetResponseNormal
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.logical_device import NOTE
from tests.emulator.dlms.meters import manager

BUFFER = GetRequestNormal(0xC1, AttributeDescriptor(7, ObisCode.LOAD_PROFILE, 2)).encode()


def block(number, data, *, last=True, streaming=False, window=3, ack=0):
    return GeneralBlockTransfer(last, streaming, window, number, ack, data).encode()


def send(client, apdu):
    return [decode_apdu(answer) for _, _, answer in client.send(apdu)]


def collect(client, blocks, window=3):
    """Follow an answer in blocks to its end, confirming what came without a gap; return it and the turns."""
    octets, expected, turns = b"", 1, 0
    while True:
        is_whole = False
        for one in blocks:
            if one.block_number == expected:
                octets += one.data
                expected += 1
                is_whole = one.is_last
        if is_whole:
            return octets, turns
        turns += 1
        assert turns < 200
        blocks = send(client, block(turns + 1, b"", window=window, ack=expected - 1))


@pytest.mark.parametrize("window", [1, 3, 63])
def test_a_long_answer_comes_in_windows(window):
    client = manager(profile={"rows": 60})
    client.associate(max_pdu="0080", password=True)
    first = send(client, block(1, BUFFER, window=window))
    assert len(first) == min(window, 25)
    assert [one.is_streaming for one in first] == [True] * (len(first) - 1) + [False]
    octets, turns = collect(client, first, window)
    assert len(axdr.decode(decode_apdu(octets).result)) == 60
    assert turns == (25 - 1) // window


@pytest.mark.parametrize("lost", [{1}, {2}, {3}, {4, 5}, {25}, {1, 2, 3}])
def test_lost_blocks_are_sent_again(lost):
    client = manager(profile={"rows": 60})
    client.associate(max_pdu="0080", password=True)
    client.emulator.faults.lost_blocks = frozenset(lost)
    octets, _ = collect(client, send(client, block(1, BUFFER)))
    assert len(axdr.decode(decode_apdu(octets).result)) == 60
    assert not client.emulator.faults.lost_blocks


def test_a_long_request_is_taken_in_blocks_and_gaps_are_reported():
    client = manager()
    note = axdr.encode_octet_string(bytes(300))
    request = SetRequestNormal(0xC1, AttributeDescriptor(1, NOTE, 2), None, note).encode()
    cut = [request[at : at + 100] for at in range(0, len(request), 100)]
    assert send(client, block(1, cut[0], last=False, streaming=True)) == []
    (lost,) = send(client, block(3, cut[2], last=False))  # block 2 did not arrive
    assert (lost.block_number_ack, lost.data) == (1, b"")
    assert send(client, block(2, cut[1], last=False, streaming=True)) == []
    (confirmed,) = send(client, block(3, cut[2], last=False))
    assert confirmed.block_number_ack == 3
    (answer,) = send(client, block(4, cut[3]))
    assert decode_apdu(answer.data) == SetResponseNormal(0xC1, DataAccessResult(0))


def test_a_meter_that_prefers_them_answers_in_general_blocks_unasked():
    client = manager(block_transfer="general", profile={"rows": 60})
    octets, _ = collect(client, send(client, BUFFER))
    assert len(axdr.decode(decode_apdu(octets).result)) == 60


def test_without_the_bit_general_blocks_are_refused():
    client = manager()
    client.associate(conformance="00001010", password=True)
    assert client.ask(block(1, BUFFER)).hex() == "d80102"


def test_blocks_of_blocks_are_refused():
    client = manager()
    assert client.ask(block(1, block(1, BUFFER))).hex() == "d80103"
