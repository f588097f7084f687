"""The address of an EM1000: its line has no defaults, because nobody has published them."""

import pytest

import meterkit
from meterkit.address import AddressError, MeterAddress
from meterkit.options import Em1000Options, Em1000SerialOptions, TcpOptions
from meterkit.transport.serial import SerialTransport
from meterkit.transport.tcp import TcpTransport

SERIAL = "em1000+serial:///dev/ttyUSB0?baud_rate=9600&parity=N&stop_bits=1"


def refusal(url):
    with pytest.raises(AddressError) as caught:
        MeterAddress.parse(url)
    return str(caught.value)


def test_a_serial_address_says_speed_parity_and_stop_bits():
    address = MeterAddress.parse(SERIAL)
    assert address.line == Em1000SerialOptions(port="/dev/ttyUSB0", baud_rate=9600, parity="N", stop_bits=1)
    assert address.options == Em1000Options()
    assert isinstance(address.transport(), SerialTransport)
    assert str(address) == SERIAL


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("", "baud_rate, parity, stop_bits must be given"),
        ("?baud_rate=9600", "parity, stop_bits must be given"),
        ("?baud_rate=9600&parity=e", "stop_bits must be given"),
    ],
)
def test_what_is_missing_is_named_with_the_reason(query, missing):
    told = refusal(f"em1000+serial:///dev/ttyUSB0{query}")
    assert missing in told
    assert "nobody has published" in told


def test_seven_data_bits_are_refused():
    assert "8 data bits" in refusal(f"{SERIAL}&data_bits=7")


def test_a_tcp_address_names_host_and_port():
    address = MeterAddress.parse("em1000+tcp://10.0.0.7:4001?echo=true&idle_gap=0.1")
    assert address.line == TcpOptions(host="10.0.0.7", port=4001, echo=True)
    # both may drop the echo: the session drops only a frame that is exactly its own
    assert address.options == Em1000Options(idle_gap=0.1, echo=True)
    assert isinstance(address.transport(), TcpTransport)
    assert MeterAddress.parse(str(address)) == address
    assert "names no port" in refusal("em1000+tcp://10.0.0.7")


def test_a_response_is_no_part_of_an_address():
    assert "secret" in refusal(f"{SERIAL}&secret=03be3b3e36")


@pytest.mark.anyio
async def test_connect_says_what_an_em1000_wants_instead():
    with pytest.raises(AddressError, match="Em1000Session"):
        async with meterkit.connect("em1000+tcp://10.0.0.7:4001"):
            pytest.fail("connected")
