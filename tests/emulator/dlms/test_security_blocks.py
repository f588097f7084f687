"""Long answers and requests of the secured meter: blocks inside the ciphering, and around it."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.get import GetResponseNormal
from meterkit.dlms.security import Envelope
from tests.emulator.dlms.meters import CLOCK_OCTETS, GET_CLOCK
from tests.emulator.dlms.secured import SecuredClient, secured_meter

GET_PROFILE = "c001c100070100630100ff0200"


def rows_of(client, request=GET_PROFILE):
    """Return the profile, asked for in the service's own blocks."""
    response = client.request(request)
    octets = b""
    while not isinstance(response, GetResponseNormal):
        octets += response.result
        if response.is_last:
            return axdr.decode(octets)
        response = client.request(f"c002c1{response.block_number:08x}")
    return axdr.decode(response.result)


@pytest.mark.parametrize("envelope", list(Envelope))
def test_no_ciphered_answer_is_longer_than_the_client_takes(envelope):
    emulator = secured_meter(profile={"rows": 30})
    client = SecuredClient(emulator, envelope=envelope, max_pdu=200).enter()
    lengths = []
    ask = client.ask

    def measured(apdu):
        answer = ask(apdu)
        lengths.append(len(answer))
        return answer

    client.ask = measured
    assert len(rows_of(client)) == 30
    assert max(lengths) in range(190, 201)


def test_a_client_that_takes_less_than_the_ciphering_needs_is_refused():
    client = SecuredClient(secured_meter(), max_pdu=40)
    assert not client.open().is_accepted


def test_general_blocks_hold_what_is_ciphered():
    emulator = secured_meter(profile={"rows": 30}, block_transfer="general")
    client = SecuredClient(emulator, max_pdu=300).enter()
    answers = client.send(client.cipher.protect(bytes.fromhex(GET_PROFILE)))
    joined, number = b"", 0
    while True:
        for _, _, apdu in answers:
            block = decode_apdu(apdu)
            joined, number = joined + block.data, block.block_number
        if block.is_last:
            break
        ack = GeneralBlockTransfer(
            is_last=False, is_streaming=False, window=2, block_number=1, block_number_ack=number, data=b""
        )
        answers = client.send(ack.encode())
    assert len(axdr.decode(client.cipher.unprotect(joined)[4:])) == 30


def test_ciphered_requests_come_in_general_blocks():
    client = SecuredClient(secured_meter()).enter()
    request = client.cipher.protect(bytes.fromhex(GET_CLOCK))
    pieces = [request[:20], request[20:]]
    for number, piece in enumerate(pieces, 1):
        block = GeneralBlockTransfer(
            is_last=number == 2,
            is_streaming=False,
            window=1,
            block_number=number,
            block_number_ack=0,
            data=piece,
        )
        answer = client.ask(block.encode())
    assert client.cipher.unprotect(decode_apdu(answer).data)[4:] == CLOCK_OCTETS


def test_general_blocks_may_each_be_ciphered():
    client = SecuredClient(secured_meter(), envelope=Envelope.GENERAL).enter()
    block = GeneralBlockTransfer(
        is_last=True,
        is_streaming=False,
        window=1,
        block_number=1,
        block_number_ack=0,
        data=bytes.fromhex(GET_CLOCK),
    )
    answer = client.request(block.encode())
    assert isinstance(answer, GeneralBlockTransfer)
    assert answer.data[4:] == CLOCK_OCTETS


def gbt(client, number, ack, data=b"", is_last=False):
    """Send one general block, ciphered; return the blocks that answer, in clear."""
    block = GeneralBlockTransfer(
        is_last=is_last, is_streaming=False, window=3, block_number=number, block_number_ack=ack, data=data
    )
    answers = client.send(client.cipher.protect(block.encode()))
    assert all(apdu[0] == 0xDB for _, _, apdu in answers)
    return [decode_apdu(client.cipher.unprotect(apdu)) for _, _, apdu in answers]


def test_a_lost_block_comes_again_under_a_new_counter():
    emulator = secured_meter(profile={"rows": 20})
    client = SecuredClient(emulator, max_pdu=200, envelope=Envelope.GENERAL).enter()
    emulator.faults.lost_blocks = frozenset({2})
    blocks = gbt(client, 1, 0, bytes.fromhex(GET_PROFILE), is_last=True)
    assert [one.block_number for one in blocks] == [1, 3]
    got = {1: blocks[0].data}
    number = 1
    while not blocks[-1].is_last or len(got) < blocks[-1].block_number:
        number += 1
        blocks = gbt(client, number, len(got))
        got |= {one.block_number: one.data for one in blocks}
    assert len(axdr.decode(b"".join(got[number] for number in sorted(got))[4:])) == 20
