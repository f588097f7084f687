"""The services beside the main road: default and index reads, C12.21's Authenticate, timing, Disconnect."""

import pytest

from meterkit.emulator import DEMO_MASTER_KEY
from meterkit.errors import ErrorKind
from meterkit.options import PsemClientOptions
from meterkit.psem.authentication import authenticate_request, encipher, refuse_response
from meterkit.psem.client import PsemClient
from meterkit.psem.services import ResponseCode, ServiceCode
from meterkit.result import Err, Ok
from tests.psem.rig import connected, line, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

KEY = b"00000000"
TICKET = bytes.fromhex("0123456789ABCDEF")


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def test_the_default_table_is_read_where_the_meter_has_one():
    async with connected(meter(default_table=1)) as (client, _):
        assert (await client.read_default_table()).unwrap() == (await client.read_table(1)).unwrap().data
    async with connected() as (client, _):
        refused = await client.read_default_table()
        assert isinstance(refused, Err)
        assert refused.error.code == ResponseCode.SERVICE_NOT_SUPPORTED


async def test_elements_are_read_and_written_by_index():
    emulator = meter(index_access=True)
    async with connected(emulator) as (client, transport):
        whole = (await client.read_table(64)).unwrap().data
        block = (await client.read_table_index(64, [1])).unwrap()
        assert block == whole[1841 : 2 * 1841]
        assert (await client.read_table_index(64, [1, 0])).unwrap() == whole[1841:1846]
        assert transport.count(ServiceCode.READ_INDEX + 1) == 1
        refused = await client.write_table_index(64, [1], bytes(5))
        assert isinstance(refused, Err)


# Seen live between two independent implementations.
def test_des_gives_the_octets_seen_on_the_wire():
    assert authenticate_request(KEY, 0, TICKET).hex() == "00492b274f0ab4dbce"
    assert encipher(KEY, bytes.fromhex("492b274f0ab4dbce")).hex() == "74b604935d984216"


def test_a_meter_that_repeats_our_own_proof_has_proved_nothing():
    request = authenticate_request(KEY, 0, TICKET)
    refused = refuse_response(KEY, request, bytes([len(request)]) + request)
    assert refused is not None
    assert refused.kind is ErrorKind.SECURITY
    assert KEY.hex() not in str(refused)


@pytest.mark.parametrize("size", [0, 7, 9, 16])
def test_a_key_of_another_size_is_refused_unseen(size):
    with pytest.raises(ValueError, match="8 octets") as raised:
        encipher(b"k" * size, TICKET)
    assert "kkk" not in str(raised.value)


async def test_a_c1221_meter_and_its_client_prove_the_key_to_each_other():
    emulator = meter(standard="C12.21", authentication_key=KEY, authentication_ticket=TICKET)
    async with connected(emulator) as (client, transport):
        assert await client.authenticate(KEY) == Ok(None)
        assert b"\x53\x09" in [request[:2] for _, request in transport.requests]
    async with connected(emulator) as (client, _):
        refused = await client.authenticate(b"22222222")  # "1" differs from "0" in the parity bit only
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.SECURITY


async def test_without_a_ticket_there_is_nothing_to_authenticate_with():
    async with connected() as (client, transport):
        refused = await client.authenticate(KEY)
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.STATE
        assert not transport.count(ServiceCode.AUTHENTICATE)


async def test_timing_setup_tells_the_meter_our_times_and_keeps_its_answer():
    emulator = meter(standard="C12.21")
    options = {
        "timing_setup": True,
        "channel_traffic_timeout": 30.0,
        "intercharacter_timeout": 0.7,
        "response_timeout": 4.0,
    }
    async with connected(emulator, **options) as (client, transport):
        asked = next(request for _, request in transport.requests if request[0] == ServiceCode.TIMING_SETUP)
        assert asked == bytes((0x71, 30, 1, 4, 3))
        assert client._session.link.intercharacter_timeout == 1.0
        assert (await client.read_table(1)).is_success


async def test_hanging_up_ends_with_disconnect():
    transport = line(meter(standard="C12.21"))
    async with PsemClient(transport, PsemClientOptions(hang_up=True)) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
    assert transport.requests[-1][1] == bytes([ServiceCode.DISCONNECT])


async def test_a_meter_that_pads_with_zeros_and_does_not_negotiate_still_tells_table_0():
    emulator = meter(unsupported_services=("NEGOTIATE",))
    async with connected(emulator) as (client, transport):
        assert (await client.read_table(0)).unwrap().data == emulator.tables[0]
        assert transport.count(ServiceCode.READ_OFFSET) <= 5
