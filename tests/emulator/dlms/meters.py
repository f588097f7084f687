"""Emulated DLMS meters for tests, and a bare client that speaks APDUs to one in memory."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from struct import unpack_from

from meterkit.dlms.acse.apdus import Aare
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.emulator.dlms import DEMO_PASSWORD, DlmsEmulatorConfiguration, DlmsMeterEmulator

NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)
CLOCK_OCTETS = bytes.fromhex("090c07ea0b15060b250c00ffc400")  # 11:37:12 at UTC+1

AARQ = "601da109060760857405080101be10040e01000000065f1f04{conformance}{max_pdu}"
AARQ_LLS = (
    "6036a1090607608574050801018a0207808b0760857405080201ac0a80083132333435363738"
    "be10040e01000000065f1f04{conformance}{max_pdu}"
)
EVERYTHING = "003fffff"
GET_CLOCK = "c001c100080000010000ff0200"


def make_meter(**changes):
    return DlmsMeterEmulator(DlmsEmulatorConfiguration(**changes), clock=lambda: NOW)


class WrapperClient:
    """Sends APDUs in WRAPPER messages and takes the messages apart, on a clock of its own."""

    def __init__(self, emulator, sap=16):
        self.emulator = emulator
        self.sap = sap
        self.now = 0.0
        self.calls = 0
        self.session = emulator.begin_session(self.called)

    def called(self):
        self.calls += 1

    def send(self, apdu):
        """Return the APDUs that answer, with their wPorts."""
        octets = bytes.fromhex(apdu) if isinstance(apdu, str) else apdu
        head = b"\0\1" + self.sap.to_bytes(2, "big") + b"\0\1" + len(octets).to_bytes(2, "big")
        return split(self.session.receive(head + octets, self.now))

    def ask(self, apdu):
        """Return the one APDU that answers."""
        ((_, destination, answer),) = self.send(apdu)
        assert destination == self.sap
        return answer

    def ask_decoded(self, apdu):
        """Return the one APDU that answers, taken apart."""
        return decode_apdu(
            self.ask(apdu.encode() if hasattr(apdu, "encode") and not isinstance(apdu, str) else apdu)
        )

    def associate(self, conformance=EVERYTHING, max_pdu="04b0", password=False):
        """Return the AARE."""
        aarq = AARQ_LLS if password else AARQ
        return self.ask(aarq.format(conformance=conformance, max_pdu=max_pdu))


def split(octets):
    """Return (source, destination, APDU) of each WRAPPER message."""
    messages = []
    while octets:
        version, source, destination, length = unpack_from(">4H", octets)
        assert version == 1
        messages.append((source, destination, octets[8 : 8 + length]))
        octets = octets[8 + length :]
    return messages


def manager(**changes):
    """Return a client of a fresh meter that may write and switch, associated."""
    client = WrapperClient(make_meter(**changes), sap=1)
    assert Aare.decode(client.associate(password=True)).is_accepted
    return client


class HdlcClient:
    """Sends hand-made frames, and shows what came back."""

    def __init__(self, emulator, client=16, server=None):
        self.emulator = emulator
        self.client = HdlcAddress(client)
        self.server = server or HdlcAddress(1)
        self.now = 0.0
        self.session = emulator.begin_session(lambda: None)

    def raw(self, octets):
        return frames_of(self.session.receive(octets, self.now))

    def frame(self, kind, final=True, ns=0, nr=0, information=b"", segmented=False):
        control = HdlcControl(kind, final, ns, nr)
        return HdlcFrame(self.server, self.client, control, information, segmented).encode()

    def send(self, *args, **kwargs):
        return self.raw(self.frame(*args, **kwargs))

    def connect(self, **parameters):
        """SNRM; returns what the UA granted."""
        information = HdlcParameters(**parameters).encode() if parameters else b""
        (ua,) = self.send(HdlcFrameType.SNRM, information=information)
        assert ua.control == HdlcControl.UA
        return HdlcParameters.decode(ua.information)


def frames_of(octets):
    """Return the frames in octets, found by their lengths."""
    frames = []
    while octets:
        octets = octets.lstrip(b"\x7e")
        if not octets:
            break
        size = (octets[0] & 7) << 8 | octets[1]
        frames.append(HdlcFrame.decode(octets[:size]))
        octets = octets[size:]
    return frames


async def run_client(script, **settings):
    """Run one of the independent clients beside this file; return what it saw."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name(script)),
        json.dumps(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()[-3000:]
    return json.loads(out.decode().splitlines()[-1])


PASSWORD = DEMO_PASSWORD.decode()
