"""Sessions with an emulated DLMS meter: HDLC, WRAPPER, behind a sign-on, ciphered, a readout, pushes."""

from typing import ClassVar

import anyio

from meterkit.codec import axdr
from meterkit.dlms.apdu.notification import DataNotification
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.push.listener import PushListener
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.emulator.dlms import ProfileConfiguration
from meterkit.errors import ErrorKind, MeterError
from meterkit.result import Err, Ok
from meterkit.session.sign_on import read_out
from meterkit.testing import Scenario
from tests.dlms.rig import line, meter, options
from tests.dlms.security_rig import GMAC, secured_meter, secured_options
from tests.reliability.rig import (
    PERFORMED,
    draw_the_same_challenges,
    note_what_dlms_meters_perform,
    one_by_one,
)

ENERGY = (3, "1-0:1.8.0", 2)
NOTE = (1, "0-0:96.13.0", 2)
NOTED = axdr.encode_octet_string(b"written but once")
SHORT = ProfileConfiguration(rows=3)
# WRAPPER has no checksum: it stands on TCP, which lets no octet be turned over, lost or added on the way.
# What is damaged in clear can't be told from what the meter said.
NO_CHECKSUM = frozenset({"drop", "duplicate", "flip", "insert", "truncate"})


class _Dlms(Scenario):
    configuration: ClassVar[dict] = {}
    chosen: ClassVar[dict] = {}
    speed: int | None = None

    def emulator(self):
        return meter(profile=SHORT, **self.configuration)

    def client_options(self):
        return options(self.meter, manager=True, **self.chosen)

    def line(self):
        note_what_dlms_meters_perform()
        self.meter = self.emulator()
        self.wire = line(self.meter, baud_rate=self.speed)
        return self.wire

    async def use(self, line):
        async with DlmsClient(line, self.client_options()) as client:
            results = [(await client.connect()).map(lambda granted: granted.conformance)]
            if results[0].is_success:
                results += await one_by_one(client, *self.calls(client))
        return results

    def performed(self):
        return list(PERFORMED)

    def calls(self, client):
        return (
            lambda: client.get_attribute(*ENERGY),
            lambda: client.set_attribute(*NOTE, NOTED),
            lambda: client.get_attribute(*NOTE),
            lambda: client.disconnect_supply(),
        )


class HdlcReadWrite(_Dlms):
    name = "HDLC: connect, read, write, action"
    configuration: ClassVar = {"interface": "hdlc"}


class HdlcStream(_Dlms):
    name = "HDLC: stream, in blocks and segments"
    configuration: ClassVar = {"interface": "hdlc", "max_pdu": 120}
    chosen: ClassVar = {"max_pdu": 120, "hdlc_max_info": 64, "hdlc_window": 3}

    def calls(self, client):
        return (lambda: client.load_profile("1-0:99.1.0").collect(),)


class WrapperReadWrite(_Dlms):
    name = "WRAPPER: connect, read, write, action"
    unseen = NO_CHECKSUM


class WrapperStream(_Dlms):
    name = "WRAPPER: stream, in blocks"
    configuration: ClassVar = {"max_pdu": 120}
    chosen: ClassVar = {"max_pdu": 120}
    unseen = NO_CHECKSUM

    def calls(self, client):
        return (lambda: client.load_profile("1-0:99.1.0").collect(),)


class _Ciphered(_Dlms):
    """Associated with GMAC; all that is sent is kept, to look for counters that came twice."""

    def emulator(self):
        return secured_meter(GMAC, profile=SHORT, **self.configuration)

    def line(self):
        draw_the_same_challenges()
        self.counters = MemoryCounterStore()
        return super().line()

    def client_options(self):
        return secured_options(self.meter, counters=self.counters, **self.chosen)

    def calls(self, client):
        return (
            lambda: client.get_attribute(*ENERGY),
            lambda: client.set_attribute(*NOTE, NOTED),
        )


class CipheredWrapper(_Ciphered):
    name = "WRAPPER, ciphered: connect, read, write"

    def audit(self, line):
        """A counter that comes with two messages is used twice."""
        return counters_used_twice(octets[8:] for _, octets in self.wire.log)


class CipheredHdlc(_Ciphered):
    name = "HDLC, ciphered: connect, read, write"
    configuration: ClassVar = {"interface": "hdlc"}


def counters_used_twice(apdus):
    """Tell which invocation counters stand in two different ciphered APDUs: tag, size, control, counter."""
    messages = {}
    for apdu in apdus:
        if len(apdu) > 7 and 0xC8 <= apdu[0] <= 0xCF and apdu[1] < 0x80:
            messages.setdefault(apdu[3:7], set()).add(apdu)
    return [f"counter {counter.hex()} used twice" for counter, those in messages.items() if len(those) > 1]


class ModeE(_Dlms):
    name = "mode E, then HDLC: connect, read"
    configuration: ClassVar = {"interface": "mode_e"}
    chosen: ClassVar = {"mode_e": True}
    speed = 9600

    def calls(self, client):
        return (lambda: client.get_attribute(*ENERGY),)


class Readout(_Dlms):
    name = "mode C: readout"
    configuration: ClassVar = {"interface": "mode_e"}
    speed = 9600

    async def use(self, line):
        return [(await read_out(line)).map(lambda readout: readout.lines)]


class _Push(_Dlms):
    """The meter pushes twice; what was lost of the first must not spoil the second, nor come out damaged."""

    limit = 100.0
    interface = "wrapper"
    expected = tuple(
        DataNotification(number, b"", axdr.encode_octet_string(bytes(range(number, number + 30)))).encode()
        for number in (1, 2)
    )

    async def use(self, line):
        client = self.meter.configuration.push_client
        heard = []

        async def hear(listener):
            async for result in listener:
                heard.append(result)  # noqa: PERF401  # what was heard counts, also when its time is up

        async with PushListener.transport(line, self.interface, client_address=client) as listener:
            with anyio.move_on_after(20):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self.push)
                    await hear(listener)
        return self.told(heard)

    async def push(self):
        for apdu in self.expected:
            self.meter.push(apdu)
            await anyio.sleep(6)

    def told(self, heard):
        """What came that nobody pushed; then each push: how often it came, or why it didn't."""
        came = [result.value.raw for result in heard if result.is_success]
        errors = [result for result in heard if result.is_failure]
        lost = errors[:1] or [Err(MeterError(ErrorKind.TIMEOUT, "a push was lost without a trace"))]
        strangers = Ok([one for one in came if one not in self.expected])
        return [strangers, *(Ok(came.count(one)) if one in came else lost[0] for one in self.expected)]


class HdlcPush(_Push):
    name = "HDLC: push"
    interface = "hdlc"
    configuration: ClassVar = {"interface": "hdlc"}


class WrapperPush(_Push):
    name = "WRAPPER: push"
    unseen = NO_CHECKSUM


SCENARIOS = (
    HdlcReadWrite,
    HdlcStream,
    WrapperReadWrite,
    WrapperStream,
    CipheredWrapper,
    CipheredHdlc,
    ModeE,
    Readout,
    HdlcPush,
    WrapperPush,
)
