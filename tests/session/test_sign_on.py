"""Sign-on and readout over a line with a speed, on virtual time; and once over a real pseudo-terminal."""

import asyncio
import termios

import anyio
import pytest

from meterkit.dlms.wrapper import WrapperLink
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.transport import EmulatorTransport
from meterkit.errors import ErrorKind, fault
from meterkit.mode_e import Identification, add_parity, choose_hdlc, choose_readout, request, strip_parity
from meterkit.options import SerialOptions
from meterkit.readout import block_check
from meterkit.result import Ok
from meterkit.session.exchange import Exchange
from meterkit.session.sign_on import read_out, sign_on
from meterkit.transport.base import Transport
from meterkit.transport.serial import SerialTransport
from tests.transport.probe import Probe
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

IDENTIFICATION = b"/GRX5\\2METER\r\n"
DATA = b"1-0:1.8.0(0001.5*kWh)\r\n0.9.1(120000)\r\n!\r\n\x03"
BLOCK = b"\x02" + DATA + bytes([block_check(DATA)])


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class MeterLine(Transport):
    """A serial line to a meter that hears and speaks at its own speed; octets take their time on it.

    `script` maps a text to (speed afterwards, answer); an answer comes 0.3 s after the text's end.
    """

    name = "line to a meter"
    is_noisy = True

    def __init__(self, script, *, speed=9600, echoes=False):
        super().__init__()
        self.script = script
        self.first_speed = self.speed = speed
        self.meter_speed = 300
        self.echoes = echoes
        self.sent = []  # (time, speed, octets)
        self.coming = []  # (time, speed, octets)
        self.free_at = 0.0
        self.is_up = False
        self.highest = 115200

    @property
    def is_open(self):
        return self.is_up

    @property
    def baud_rate(self):
        return self.speed

    async def open(self):
        if not self.is_up:
            self.is_up, self.speed, self.meter_speed = True, self.first_speed, 300

    async def close(self):
        self.is_up = False

    async def send(self, octets):
        assert self.is_up
        now = anyio.current_time()
        self.sent.append((round(now, 3), self.speed, octets))
        self.free_at = max(now, self.free_at) + len(octets) * 10 / self.speed
        if self.echoes:
            self.coming.append((self.free_at, self.speed, octets))
        answer = self.script.get(strip_parity(octets))
        if answer is not None and self.speed == self.meter_speed:
            after, said = answer
            self.meter_speed = after or self.meter_speed
            if said:
                at_speed = 300 if after and said[:1] == b"\x06" else self.meter_speed
                self.coming.append((self.free_at + 0.3, at_speed, add_parity(said)))

    async def receive(self, timeout):
        deadline = anyio.current_time() + timeout
        self.coming.sort(key=lambda item: item[0])
        if not self.coming or self.coming[0][0] > deadline:
            await anyio.sleep(timeout)
            return b""
        when, speed, octets = self.coming.pop(0)
        await anyio.sleep(max(0.0, when - anyio.current_time()))
        return octets if speed == self.speed else b"\xfe"

    def discard(self):
        return b""

    async def set_baud_rate(self, baud_rate):
        await anyio.sleep(max(0.0, self.free_at - anyio.current_time()))
        if baud_rate > self.highest:
            raise fault(ErrorKind.TRANSPORT, f"the port cannot do {baud_rate} bits per second")
        self.speed = baud_rate


def meter(choice=None, answer=None, after=None, identification=IDENTIFICATION, asked=b"/?!\r\n"):
    return {asked: (None, identification)} | ({choice: (after, answer)} if choice else {})


def hdlc_meter(letter="5", after=9600, **more):
    return meter(choose_hdlc(letter), choose_hdlc(letter), after, **more)


async def signed_on(line, **settings):
    await line.open()
    exchange = Exchange(WrapperLink(16, 1), line, timeout=60.0)
    await exchange.begin()
    return exchange, await sign_on(exchange, **settings)


@pytest.mark.parametrize("echoes", [False, True])
async def test_a_sign_on_leads_from_300_baud_to_hdlc_at_the_meters_speed(echoes):
    line = MeterLine(hdlc_meter(), echoes=echoes)
    exchange, result = await signed_on(line)
    assert result == Ok(Identification("GRX", "5", ("2",), "METER"))
    assert [(speed, octets) for _, speed, octets in line.sent] == [
        (300, add_parity(request())),
        (300, add_parity(choose_hdlc("5"))),
    ]
    assert line.speed == line.meter_speed == 9600
    assert exchange.lost is None
    # 5 octets, 0.3 s, and 0.2 s until we may answer; 6 octets and 0.3 s, and 0.2 s until we may speak.
    assert line.sent[1][0] == pytest.approx(5 / 30 + 0.3 + 0.2, abs=2e-3)
    assert anyio.current_time() == pytest.approx(11 / 30 + 2 * 0.5, abs=2e-3)


async def test_a_meter_with_a_small_third_letter_is_answered_sooner():
    line = MeterLine(hdlc_meter(identification=b"/GRx5METER\r\n"))
    _, result = await signed_on(line)
    assert result.is_success
    assert line.sent[1][0] == pytest.approx(5 / 30 + 0.3 + 0.02, abs=2e-3)


async def test_the_meter_on_a_shared_line_is_asked_by_its_address():
    line = MeterLine(hdlc_meter(asked=b"/?00123!\r\n"))
    _, result = await signed_on(line, device_address="00123")
    assert result.is_success


async def test_a_converter_that_cannot_follow_keeps_the_meter_at_300_baud():
    line = MeterLine(hdlc_meter("0", None))
    _, result = await signed_on(line, baud_switch=False)
    assert result.is_success
    assert line.speed == line.meter_speed == 300


async def test_a_speed_that_nobody_knows_is_declined():
    line = MeterLine(hdlc_meter("0", None, identification=b"/GRX9\\2METER\r\n"))
    _, result = await signed_on(line)
    assert result.is_success
    assert line.speed == 300


@pytest.mark.parametrize("echoes", [False, True])
async def test_a_meter_that_switches_without_a_word_is_followed(echoes):
    line = MeterLine(meter(choose_hdlc("5"), None, 9600), echoes=echoes)
    _, result = await signed_on(line)
    assert result.is_success
    assert line.speed == line.meter_speed == 9600


async def test_a_line_without_speed_gets_plain_octets_and_no_switch():
    emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(interface="mode_e"))
    transport = EmulatorTransport(emulator)
    _, result = await signed_on(transport)
    assert result.unwrap().manufacturer == "MKT"
    assert transport.sent == len(request()) + len(choose_hdlc("5"))


async def test_an_emulated_meter_on_a_line_with_speed_speaks_hdlc_next():
    emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(interface="mode_e"))
    transport = EmulatorTransport(emulator, baud_rate=9600, is_noisy=True)
    _, result = await signed_on(transport)
    assert result.unwrap().is_mode_e
    assert transport.baud_rate == transport.session.baud_rate == result.unwrap().baud_rate


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ({}, ErrorKind.TIMEOUT, "sign-on: no identification after 3 requests"),
        (meter(identification=b"/GR\r\n"), ErrorKind.FRAMING, "three letters"),
        (meter(identification=b"/GRXB\r\n"), ErrorKind.PROTOCOL, "mode B has no HDLC"),
        (meter(choose_hdlc("5"), BLOCK), ErrorKind.PROTOCOL, "begins a data readout"),
    ],
)
async def test_a_sign_on_that_fails_says_why_and_the_session_is_lost(script, kind, words):
    line = MeterLine(script)
    exchange, result = await signed_on(line)
    assert result.error.kind is kind
    assert words in str(result.error)
    assert result.error.has_ended_session
    assert exchange.lost is not None
    assert not line.is_open


async def test_a_port_that_cannot_do_the_speed_says_so():
    line = MeterLine(hdlc_meter())
    line.highest = 4800
    _, result = await signed_on(line)
    assert result.error.kind is ErrorKind.TRANSPORT
    assert "9600" in result.error.message


class TestReadout:
    @pytest.mark.parametrize("echoes", [False, True])
    async def test_mode_c_switches_after_the_acknowledgement(self, echoes):
        line = MeterLine(meter(choose_readout("5"), BLOCK, 9600), echoes=echoes)
        readout = (await read_out(line)).unwrap()
        assert readout.identification == Identification("GRX", "5", ("2",), "METER")
        assert [line.address for line in readout.lines] == ["1-0:1.8.0", "0.9.1"]
        assert readout.is_checked
        assert line.speed == 9600
        assert not line.is_open

    async def test_mode_b_switches_unasked(self):
        line = MeterLine(meter(identification=b"/GRXE METER\r\n"))
        line.coming.append((2.0, 9600, add_parity(BLOCK)))
        readout = (await read_out(line)).unwrap()
        assert readout.lines[0].values == (("0001.5", "kWh"),)
        assert len(line.sent) == 1

    async def test_mode_a_stays_at_300_baud(self):
        line = MeterLine(meter(identification=b"/GRX METER\r\n" + BLOCK))
        assert (await read_out(line)).unwrap().lines[1].address == "0.9.1"
        assert line.speed == 300

    async def test_without_a_switch_everything_comes_at_300_baud(self):
        line = MeterLine(meter(choose_readout("0"), BLOCK))
        assert (await read_out(line, baud_switch=False)).unwrap().is_checked

    async def test_a_readout_may_take_minutes_as_long_as_lines_keep_coming(self):
        line = MeterLine(meter(identification=b"/GRX METER\r\n"))
        text = b"".join(b"1.8.0*%02d(1)\r\n" % number for number in range(100)) + b"!\r\n\x03"
        for octet, at in zip(b"\x02" + text, range(len(text) + 1), strict=True):
            line.coming.append((1.0 + at * 0.5, 300, bytes([octet])))
        line.coming.append((1.5 + len(text) * 0.5, 300, bytes([block_check(text)])))
        assert len((await read_out(line)).unwrap().lines) == 100
        assert anyio.current_time() > 600

    async def test_an_open_line_stays_open(self):
        line = MeterLine(meter(choose_readout("5"), BLOCK, 9600))
        await line.open()
        assert (await read_out(line)).is_success
        assert line.is_open

    async def test_an_emulated_meter_is_read_out(self):
        emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(interface="mode_e"))
        readout = (await read_out(EmulatorTransport(emulator))).unwrap()
        assert readout.identification.manufacturer == "MKT"
        assert readout.find("1-0:1.8.0").values[0].unit == "kWh"

    @pytest.mark.parametrize(
        ("answer", "kind", "words"),
        [
            (None, ErrorKind.TIMEOUT, "readout: no data block came"),
            (BLOCK[:-4], ErrorKind.FRAMING, "broke off before ETX and BCC"),
            (BLOCK[:-1] + b"\x01", ErrorKind.CRC, "should be"),
            (BLOCK[4:], ErrorKind.FRAMING, "ETX came without STX"),
        ],
    )
    async def test_a_readout_that_fails_says_why(self, answer, kind, words):
        line = MeterLine(meter(choose_readout("5"), answer, 9600))
        result = await read_out(line)
        assert result.error.kind is kind
        assert words in str(result.error)
        assert not line.is_open

    async def test_a_line_that_cannot_be_opened_is_an_error(self):
        class Absent(MeterLine):
            async def open(self):
                raise fault(ErrorKind.TRANSPORT, "no such port")

        assert (await read_out(Absent({}))).error.message == "no such port"

    async def test_a_cancelled_readout_closes_the_line(self):
        line = MeterLine({})
        with anyio.move_on_after(1.0):
            await read_out(line)
        assert not line.is_open


class TestOnAPseudoTerminal:
    @pytest.fixture
    def anyio_backend(self):
        return "asyncio"

    @pytest.fixture
    def probe(self):
        probe = Probe()
        yield probe
        probe.unplug()

    async def test_a_sign_on_goes_through_a_real_port_set_to_8n1(self, probe):
        transport = SerialTransport(SerialOptions(port=probe.port))
        await transport.open()
        exchange = Exchange(WrapperLink(16, 1), transport, timeout=60.0)
        await exchange.begin()
        signing_on = asyncio.create_task(sign_on(exchange))
        assert await probe.hear(5) == b"\xaf\x3f\x21\x8d\x0a"
        assert probe.settings()[4] == termios.B300
        probe.say(b"\xaf\x3f\x21\x8d\x0a" + add_parity(b"/GRx5\\2METER\r\n"))
        assert await probe.hear(6) == b"\x06\xb2\x35\xb2\x8d\x0a"
        probe.say(b"\x06\xb2\x35\xb2\x8d\x0a" * 2)
        assert (await signing_on).unwrap().is_mode_e
        assert probe.settings()[4] == termios.B9600
        await transport.close()

    async def test_a_readout_goes_through_a_real_port_set_to_8n1(self, probe):
        transport = SerialTransport(SerialOptions(port=probe.port))
        reading = asyncio.create_task(read_out(transport))
        await probe.hear(5)
        probe.say(add_parity(b"/GRx5\\2METER\r\n"))
        await probe.hear(6)
        while probe.settings()[4] != termios.B9600:  # noqa: ASYNC110  nothing else tells that it switched
            await asyncio.sleep(0)
        probe.say(add_parity(BLOCK))
        assert (await reading).unwrap().lines[0].address == "1-0:1.8.0"
