"""One URL for one meter: what it says, what it may not say, and how it refuses."""

import contextlib
from contextlib import AbstractAsyncContextManager
from typing import assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.address import AddressError, MeterAddress
from meterkit.address_schemes import SCHEMES
from meterkit.connection import connect
from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.conformance import Conformance
from meterkit.emulator import EmulatorTransport
from meterkit.emulator.dlms import DEMO_PASSWORD, DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.options import DlmsClientOptions, PsemClientOptions, SerialOptions, TcpOptions, UdpOptions
from meterkit.psem.client import PsemClient
from meterkit.transport.base import Transport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.tcp import TcpTransport
from meterkit.transport.udp import UdpTransport


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
    ("url", "told"),
    [
        ("", "write it like psem+tcp://10.0.0.7:1153"),
        ("10.0.0.7:1153", "begin with psem+tcp://, psem+serial://, dlms+tcp://"),
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
        ("psem+tcp://h?password_padding=x", "password_padding: 'nul' or 'space' is allowed"),
        ("psem+serial://COM3?data_bits=9", "data_bits: 7 or 8 is allowed"),
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


# ---------------------------------------------------------------- DLMS
@pytest.mark.parametrize(
    ("url", "transport", "options"),
    [
        ("dlms+tcp://h", TcpTransport, DlmsClientOptions()),
        (
            "dlms+tcp://h?client=1&server=17",
            TcpTransport,
            DlmsClientOptions(client_address=1, server_address=17),
        ),
        ("dlms+udp://h?client_address=1", UdpTransport, DlmsClientOptions(client_address=1)),
        ("dlms+hdlc+tcp://h", TcpTransport, DlmsClientOptions(interface="hdlc")),
        (
            "dlms+hdlc+serial:///dev/ttyUSB0?mode_e=true&mode_e_address=123&baud_switch=no",
            SerialTransport,
            DlmsClientOptions(interface="hdlc", mode_e=True, mode_e_address="123", baud_switch=False),
        ),
        (
            "dlms+tcp://h?authentication=low-level-security&referencing=short_name&conformance=get,set",
            TcpTransport,
            DlmsClientOptions(
                authentication=AuthenticationMechanism.LOW_LEVEL_SECURITY,
                referencing="short_name",
                conformance=Conformance.GET | Conformance.SET,
            ),
        ),
    ],
)
def test_a_dlms_address_names_the_line_the_interface_and_the_options(url, transport, options):
    address = MeterAddress.parse(url)
    assert address.options == options
    assert type(address.transport()) is transport
    assert MeterAddress.parse(str(address)) == address


def test_the_port_of_a_dlms_meter_is_that_of_iana():
    assert MeterAddress.parse("dlms+tcp://h").line == TcpOptions(host="h", port=4059)
    assert MeterAddress.parse("dlms+udp://h").line == UdpOptions(host="h", port=4059)


def test_client_and_server_stay_short_on_the_way_back():
    url = "dlms+hdlc+tcp://10.0.0.7:4059?client=1&server=16"
    assert str(MeterAddress.parse(url)) == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("dlms+tcp://h?interface=hdlc", "what the address begins with decides it"),
        ("dlms+tcp://h?client=1&client_address=2", "is set twice"),
        ("dlms+tcp://h?client=70000", "client_address: 65535 or less is allowed"),
        ("dlms+hdlc+tcp://h?client=200", "1 octet holds a logical address to 127"),
        ("dlms+tcp://h?mode_e=true", "leads to HDLC"),
        ("dlms+tcp://h?authentication=hunter2", "one of none, low_level_security"),
        ("dlms+tcp://h?conformance=get,hunter2", "some of reserved_zero"),
        ("dlms+tcp://h?clint=1", "did you mean client?"),
        ("dlms+tpc://h", "did you mean dlms+tcp://?"),
        ("dlms+udp://", "write it like dlms+udp://10.0.0.7:4059"),
    ],
)
def test_a_dlms_address_that_cannot_be_is_refused_with_a_lesson(url, told):
    message = refusal(url)
    assert told in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "url",
    ["dlms+tcp://h?password=hunter2", "dlms+tcp://h?authentication_key=hunter2", "dlms+tcp://hunter2@h"],
)
def test_a_dlms_address_carries_no_secret(url):
    message = refusal(url)
    assert "never carries a user, password or key" in message
    assert "hunter2" not in message


def test_what_is_told_to_whoever_typed_an_address_quotes_the_values():
    with pytest.raises(AddressError) as caught:
        MeterAddress.parse("psem+tcp://h?retries=many&echo=perhaps")
    assert caught.value.quoting == (
        "the address: echo: 'perhaps' came, true or false is allowed; "
        "retries: 'many' came, a whole number is allowed"
    )
    assert str(caught.value) == (
        "the address: echo: true or false is allowed; retries: a whole number is allowed"
    )


@pytest.fixture
def meter(monkeypatch):
    """Every address leads to one emulated DLMS meter in memory."""
    emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration())
    monkeypatch.setattr(MeterAddress, "transport", lambda _: EmulatorTransport(emulator))
    return emulator


@pytest.mark.usefixtures("meter")
@pytest.mark.anyio
async def test_connect_yields_the_client_of_the_protocol():
    opened = connect("dlms+tcp://h?client=1", DEMO_PASSWORD, client=DlmsClient)
    async with opened as client:
        assert_type(client, DlmsClient)
        assert client.is_associated
        clock = (await client.get_attribute(8, "0-0:1.0.0", 2)).unwrap()
        assert len(clock) == 14
    assert not client.is_associated
    assert_type(connect("psem+tcp://h"), AbstractAsyncContextManager[PsemClient])


@pytest.mark.usefixtures("meter")
@pytest.mark.anyio
async def test_connect_refuses_an_address_of_another_protocol():
    with pytest.raises(AddressError, match="leads to a DlmsClient, not a PsemClient"):
        async with connect("dlms+tcp://h", client=PsemClient):
            raise AssertionError
    with pytest.raises(AddressError, match="EM1000"):
        async with connect("em1000+tcp://h:1"):
            raise AssertionError


@pytest.mark.anyio
async def test_connect_takes_keys_and_counters_that_no_address_carries(monkeypatch):
    from meterkit import KeyKind, MemoryCounterStore, MemoryKeys
    from tests.dlms.security_rig import METER_TITLE, keys, secured_meter

    emulator = secured_meter()
    monkeypatch.setattr(MeterAddress, "transport", lambda _: EmulatorTransport(emulator))
    kinds = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION
    known = {(METER_TITLE.hex().upper(), kind): key for kind, key in zip(kinds, keys(), strict=True)}
    url = (
        "dlms+tcp://h?client=1&authentication=high_level_security_gmac&security=authentication_encryption"
        f"&system_title=CLIENT01&server_system_title={METER_TITLE.hex()}"
    )
    opened = connect(url, client=DlmsClient, keys=MemoryKeys(known), counters=MemoryCounterStore())
    async with opened as client:
        assert_type(client, DlmsClient)
        assert (await client.get_attribute(3, "1-0:1.8.0", 2)).is_success


@pytest.mark.parametrize("url", ["psem+tcp://h", "em1000+tcp://h:1"])
def test_connect_has_no_use_for_keys_of_meters_that_are_none_of_dlms(url):
    with pytest.raises(AddressError, match="keys: of use with DLMS meters only"):
        connect(url, keys=NoKeys())


# ------------------------------------------------------------------ security
SECURED = (
    "dlms+tcp://10.0.0.7:4059?client=1&authentication=high_level_security_gmac&security=authentication_encryption"
    "&suite=suite_1&system_title=434c49454e543031&server_system_title=4d4b540001352881&meter=cellar"
)


class NoKeys:
    def key(self, meter, kind):
        return None


def test_what_is_no_secret_of_a_secured_meter_stands_in_its_address() -> None:
    address = MeterAddress.parse(SECURED, {"keys": NoKeys()})
    options = address.options
    assert isinstance(options, DlmsClientOptions)
    assert options.system_title == b"CLIENT01"
    assert options.suite == 1
    assert options.meter == "cellar"
    again = MeterAddress.parse(str(address), {"keys": NoKeys()})
    assert str(again) == str(address)
    assert "keys" not in str(address).partition("?")[2]
    assert dict(vars(again.options), keys=None) == dict(vars(options), keys=None)


def test_options_go_before_what_the_address_says() -> None:
    address = MeterAddress.parse(SECURED, {"keys": NoKeys(), "suite": 2, "meter": "attic"})
    assert isinstance(address.options, DlmsClientOptions)
    assert (address.options.suite, address.options.meter) == (2, "attic")


def test_without_keys_a_secured_address_says_what_is_missing() -> None:
    assert "encryption_key, authentication_key missing" in refusal(SECURED)


@pytest.mark.parametrize("name", ["encryption_key", "master_key", "keys", "signing_key", "password", "key"])
def test_no_key_stands_in_an_address(name: str) -> None:
    assert "000102" not in refusal(f"{SECURED}&{name}=000102")


def test_the_names_of_settings_are_made_once_and_hold_no_secret():
    for scheme in SCHEMES.values():
        assert scheme.option_names is scheme.option_names
        assert scheme.line_names is scheme.line_names
        assert not scheme.line_names & {"host", "port"}
        assert not scheme.option_names & {"keys", "counters", *scheme.fixed}


def test_addresses_that_set_the_same_share_their_options_and_no_others_do():
    one = MeterAddress.parse("dlms+tcp://a:4059?client=16&server=1&connect_timeout=3")
    other = MeterAddress.parse("dlms+tcp://b:4059?client=16&server=1&connect_timeout=4")
    assert one.options is not None
    assert one.options == other.options
    assert (one.line.host, one.line.connect_timeout) == ("a", 3.0)
    assert (other.line.host, other.line.connect_timeout) == ("b", 4.0)
    third = MeterAddress.parse("dlms+tcp://a:4059?client=17&server=1&connect_timeout=3")
    assert (one.options.client_address, third.options.client_address) == (16, 17)
    same = MeterAddress.parse("dlms+tcp://c:4059?client=17&server=1&connect_timeout=3")
    assert same.options is third.options
    hdlc = MeterAddress.parse("dlms+hdlc+tcp://a:4059?client=17&server=1&connect_timeout=3")
    assert (third.options.interface, hdlc.options.interface) == ("wrapper", "hdlc")


def test_options_of_one_call_stay_with_that_call():
    plain = MeterAddress.parse("dlms+tcp://a:4059")
    given = MeterAddress.parse("dlms+tcp://a:4059", {"client_address": 32})
    again = MeterAddress.parse("dlms+tcp://b:4059")
    assert (plain.options.client_address, given.options.client_address) == (16, 32)
    assert again.options is plain.options
    with pytest.raises(AddressError, match="client_address"):
        MeterAddress.parse("dlms+tcp://a:4059", {"client_address": "x"})


def test_a_wrong_setting_is_refused_as_often_as_it_comes():
    for _ in range(3):
        assert "client_address" in refusal("dlms+tcp://a:4059?client=none&connect_timeout=3")
    message = refusal("psem+tcp://a:1153?connect_timeout=-1&retries=-1")
    assert "connect_timeout" in message
    assert "retries" in message
