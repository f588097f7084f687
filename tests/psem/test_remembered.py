"""What is made once for many meters: it holds no secret, and what is not equal is kept apart."""

import pytest

from meterkit.codec.layout import array, item
from meterkit.codec.wire import UINT8
from meterkit.emulator import DEMO_MASTER_KEY
from meterkit.link import Transmit
from meterkit.psem import session
from meterkit.psem.link import PsemLink
from meterkit.psem.packet import SHORT, encode_packet, encode_short_packet
from meterkit.psem.services import ServiceRequest, full_read, offset_read
from meterkit.psem.tables import ActRegs, Table
from meterkit.psem.trouble import Trouble
from tests.psem.rig import connected, meter
from tests.virtual_clock import VIRTUAL_CLOCK


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def packets_kept(message):
    """How many packets are remembered more once links of both toggles have sent `message`."""
    encode_short_packet.cache_clear()
    for _ in range(3):
        assert PsemLink().send(message) == [Transmit(encode_packet(0, 0, 0, message))]
    return encode_short_packet.cache_info().currsize


@pytest.mark.parametrize("request_", [ServiceRequest.read_full(2200), ServiceRequest.read_offset(23, 4, 5)])
def test_the_packet_of_a_read_is_made_once_for_all_links(request_):
    assert packets_kept(request_.encode()) == 1


@pytest.mark.parametrize(
    "request_",
    [
        ServiceRequest.security(b""),
        ServiceRequest.authenticate(bytes(9)),
        ServiceRequest(0x30, bytes(SHORT)),
    ],
)
def test_no_packet_that_could_hold_a_secret_is_kept(request_):
    assert packets_kept(request_.encode()) == 0


def test_the_short_end_of_a_long_message_is_not_kept():
    encode_short_packet.cache_clear()
    link = PsemLink()
    link.configure(64, 2)
    link.send(bytes(56) + b"secret")
    assert b"secret" in link.receive(b"\x06")[0].octets
    assert encode_short_packet.cache_info().currsize == 0


def test_a_remembered_packet_has_the_identity_and_the_toggle_bit_of_its_link():
    plain, fifth = PsemLink(), PsemLink(identity=5)
    assert plain.send(b"\x20") == [Transmit(encode_packet(0, 0, 0, b"\x20"))]
    assert fifth.send(b"\x20") == [Transmit(encode_packet(5, 0, 0, b"\x20"))]
    plain.receive(b"\x06" + encode_packet(0, 0, 0, b"\0"))
    assert plain.send(b"\x20") == [Transmit(encode_packet(0, 0x20, 0, b"\x20"))]


def test_send_bare_gives_the_octets_of_send():
    one, other = PsemLink(), PsemLink()
    assert one.send(b"\x20") == [Transmit(other.send_bare(b"\x20"))]


def test_remembered_requests_are_what_they_would_be():
    assert full_read(2200) == ServiceRequest.read_full(2200)
    assert offset_read(23, 4, 5) == ServiceRequest.read_offset(23, 4, 5)


@pytest.mark.anyio
async def test_clients_with_other_options_log_on_and_negotiate_otherwise():
    for user_id, packet_size in ((1, 256), (2, 512), (1, 256)):
        async with connected(user_id=user_id, packet_size=packet_size) as (client, transport):
            requests = [request for _, request in transport.requests]
            assert requests[1][1:3] == packet_size.to_bytes(2, "big")
            assert requests[2][1:3] == user_id.to_bytes(2, "big")
            assert client.negotiated is not None
            assert client.negotiated.packet_size == packet_size


@pytest.mark.anyio
async def test_no_password_is_kept_between_sessions():
    kept = (session._logon, session._negotiate, full_read, offset_read, encode_short_packet)
    for cache in kept:
        cache.cache_clear()
    async with connected(meter()) as (_, transport):
        assert DEMO_MASTER_KEY in transport.requests[-1][1]
    assert [cache.cache_info().currsize for cache in kept] == [1, 1, 0, 0, 4]  # 4: all but Logon and Security


def test_each_exchange_has_troubles_of_its_own():
    one, other = Trouble(), Trouble()
    one.naks += 1
    one.add_noise(b"\x55")
    assert one.describe(b"") == "NAK once; 1 stray octets, first 55"
    assert other.describe(b"") == ""


def test_a_table_knows_what_it_needs_however_often_it_is_asked_and_its_heir_may_need_more():
    class Small(Table):
        one = item(UINT8)

    class Heir(Small):
        many = array(UINT8, ActRegs.nbr_demands)

    assert Small.needs() == frozenset()
    assert Heir.needs() == {ActRegs}
    assert Heir.needs() is Heir.needs()
