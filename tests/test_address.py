"""One URL for one meter: what it says, what it may not say, and how it refuses."""

import contextlib
from typing import assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.address import AddressError, MeterAddress
from meterkit.options import PsemClientOptions, SerialOptions, TcpOptions
from meterkit.transport.base import Transport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.tcp import TcpTransport


def refusal(url):
    with pytest.raises(AddressError) as caught:
        MeterAddress.parse(url)
    assert isinstance(caught.value, ValueError)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("psem+tcp://10.0.0.7:1153", "10.0.0.7", 1153),
        ("psem+tcp://10.0.0.7", "10.0.0.7", 1153),
        ("psem+tcp://meter-7.example/", "meter-7.example", 1153),
        ("psem+tcp://[2001:db8::7]:4001", "2001:db8::7", 4001),
        ("psem+tcp://[fe80::1%25eth0]:4001", "fe80::1%eth0", 4001),
        ("  PSEM+TCP://gateway:1\n", "gateway", 1),
    ],
)
def test_a_tcp_address_names_host_and_port(url, host, port):
    address = MeterAddress.parse(url)
    assert address.scheme == "psem+tcp"
    assert address.line == TcpOptions(host=host, port=port)
    assert address.options == PsemClientOptions()


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("psem+serial:///dev/ttyUSB0", "/dev/ttyUSB0"),
        ("psem+serial:///dev/serial/by-id/usb-FTDI_a:b-if00", "/dev/serial/by-id/usb-FTDI_a:b-if00"),
        ("psem+serial:///tmp/with%20space", "/tmp/with space"),
        ("psem+serial://COM3", "COM3"),
    ],
)
def test_a_serial_address_names_a_port(url, port):
    address = MeterAddress.parse(url)
    assert address.line == SerialOptions(port=port)
    assert isinstance(address.transport(), SerialTransport)


def test_the_query_sets_options_of_the_line_and_of_the_client():
    address = MeterAddress.parse(
        "psem+serial:///dev/ttyUSB0?baud_rate=300&data_bits=7&parity=e&stop_bits=2&rts=true&dtr=false"
        "&exclusive=no&echo=1&user_id=7&user_name=anna&baud_rates=9600,19200&password_padding=space"
        "&response_timeout=2.5"
    )
    assert address.line == SerialOptions(
        port="/dev/ttyUSB0", baud_rate=300, data_bits=7, parity="E", stop_bits=2, rts=True, dtr=False,
        exclusive=False, echo=True,
    )  # fmt: skip
    assert address.options == PsemClientOptions(
        user_id=7, user_name="anna", baud_rates=(9600, 19200), password_padding="space", response_timeout=2.5
    )


def test_a_tcp_line_takes_its_own_options():
    address = MeterAddress.parse("psem+tcp://h?connect_timeout=3&is_noisy=true&echo=true")
    assert address.line == TcpOptions(host="h", connect_timeout=3, is_noisy=True, echo=True)


def test_an_address_makes_a_transport_that_is_not_yet_open():
    transport = MeterAddress.parse("psem+tcp://10.0.0.7:1153").transport()
    assert_type(transport, Transport)
    assert isinstance(transport, TcpTransport)
    assert not transport.is_open
    assert transport.name == "tcp 10.0.0.7:1153"


@pytest.mark.parametrize(
    "url",
    [
        "psem+tcp://10.0.0.7:1153",
        "psem+tcp://[2001:db8::7]:4001",
        "psem+tcp://[fe80::1%25eth0]:4001",
        "psem+tcp://h:1?is_noisy=true&user_name=anna&baud_rates=9600,300",
        "psem+serial:///dev/ttyUSB0",
        "psem+serial:///dev/ttyUSB0?baud_rate=300&data_bits=7&parity=E&rts=false&keep_alive=false",
        "psem+serial://COM3",
    ],
)
def test_an_address_turns_back_into_its_url(url):
    assert str(MeterAddress.parse(url)) == url
    assert MeterAddress.parse(str(MeterAddress.parse(url))) == MeterAddress.parse(url)


@given(
    port=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
    baud=st.integers(50, 4_000_000),
    name=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=10),
)
def test_any_settings_survive_the_way_to_a_url_and_back(port, baud, name):
    address = MeterAddress(
        "psem+serial",
        SerialOptions(port=f"/dev/{port}", baud_rate=baud),
        PsemClientOptions(user_name=name),
    )
    assert MeterAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    "scheme", ["dlms+tcp", "dlms+udp", "dlms+hdlc+tcp", "dlms+hdlc+serial", "em1000+serial"]
)
def test_schemes_of_later_versions_say_that_they_are_not_built_yet(scheme):
    message = refusal(f"{scheme}://10.0.0.7:4059")
    assert scheme in message
    assert "not built yet" in message
    assert "psem+tcp" in message


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "write it like psem+tcp://10.0.0.7:1153"),
        ("10.0.0.7:1153", "begin with psem+tcp:// or psem+serial://"),
        ("/dev/ttyUSB0", "psem+serial:///dev/ttyUSB0"),
        ("http://10.0.0.7", "begin with psem+tcp://"),
        ("psem+tpc://10.0.0.7", "did you mean psem+tcp://?"),
        ("psem+tcp:10.0.0.7", "write it like"),
        ("psem+tcp://", "names no host"),
        ("psem+tcp://:1153", "names no host"),
        ("psem+tcp://h:0", "1 to 65535"),
        ("psem+tcp://h:65536", "1 to 65535"),
        ("psem+tcp://h:port", "1 to 65535"),
        ("psem+tcp://h:-1", "1 to 65535"),
        ("psem+tcp://2001:db8::7:1153", "stands in brackets"),
        ("psem+tcp://[2001:db8::7:1153", "brackets"),
        ("psem+tcp://h/meter", "without a path"),
        ("psem+serial://", "names no port"),
        ("psem+serial:///", "names no port"),
        ("psem+serial://dev/ttyUSB0", "third slash: psem+serial:///dev/ttyUSB0"),
        ("psem+tcp://h#1", "no part after #"),
        ("psem+tcp://h?baudrate=9600", "there is no setting baudrate; did you mean baud_rates?"),
        ("psem+serial://COM3?baudrate=9600", "did you mean baud_rate?"),
        ("psem+tcp://h?parity=E", "there is no setting parity"),
        ("psem+tcp://h?port=1", "stands before the ?"),
        ("psem+tcp://h?zzzzzz=1", "there are "),
        ("psem+tcp://h?echo", "name=value"),
        ("psem+tcp://h?echo=1&echo=0", "echo is set twice"),
        ("psem+tcp://h?echo=perhaps", "echo: "),
        ("psem+tcp://h?user_name=far-too-long-a-name", "Logon carries at most 10 ASCII characters"),
        ("psem+tcp://h?baud_rates=9600,1", "no code for 1 baud"),
        ("psem+tcp://h?password_padding=x", "password_padding: Input should be 'nul' or 'space'"),
        ("psem+serial://COM3?data_bits=9", "data_bits: Input should be 7 or 8"),
        ("psem+serial://COM3?baud_rate=fast&parity=X", "baud_rate: .*; parity: "),
    ],
)
def test_an_address_that_names_no_meter_is_refused_with_a_lesson(url, told):
    message = refusal(url)
    parts = told.split(".*")
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    "url",
    [
        "psem+tcp://user:hunter2@h",
        "psem+tcp://hunter2@h:1153",
        "psem+tcp://h?password=hunter2",
        "psem+tcp://h?PASSWORD=hunter2",
        "psem+tcp://h?master_key=hunter2",
        "psem+tcp://h?key=hunter2&zzz=1",
        "psem+tcp://h?secret=hunter2",
        "psem+serial://COM3?pwd=hunter2",
        "psem+serial://COM3?encryption_key=hunter2",
        "psem+tcp://h?passphrase=hunter2",
    ],
)
def test_a_secret_in_an_address_is_refused_and_never_repeated(url):
    message = refusal(url)
    assert "hunter2" not in message
    assert "never carries a user, password or key" in message


@pytest.mark.parametrize(
    "url",
    [
        "hunter2://h",
        "hunter2",
        "psem+tcp://h:hunter2",
        "psem+tcp://h/hunter2",
        "psem+tcp://h#hunter2",
        "psem+tcp://[hunter2",
        "psem+tcp://[hunter2]",
        "psem+tcp://h?hunter2",
        "psem+tcp://h?echo=hunter2",
        "psem+tcp://h?hunter2=1",
        "psem+tcp://h?user_id=hunter2",
        "psem+tcp://h?user_name=hunter2hunter2",
    ],
)
def test_no_message_repeats_what_might_be_a_secret_in_the_wrong_place(url):
    assert "hunter2" not in refusal(url)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text):
    for url in (text, f"psem+tcp://{text}", f"psem+serial://{text}", f"psem+tcp://h?{text}"):
        with contextlib.suppress(AddressError):
            assert MeterAddress.parse(url).scheme.startswith("psem+")
