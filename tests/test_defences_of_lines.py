"""The defences a client needs, 11 to 25, on DLMS and PSEM; each tells where the defence is kept.

The first ten are in `test_defences`.
"""

import logging
import tomllib
from pathlib import Path

import anyio
import pytest
from pydantic import ValidationError

from meterkit import DlmsClientOptions, Err, ErrorKind, PsemClient, SerialOptions
from meterkit.cli.output import csv_text, safe_text
from meterkit.codec import axdr
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.hdlc.frame import HdlcAddress
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.security import Security, SecuritySuite
from meterkit.dlms.security import authentication as proofs
from meterkit.dlms.security import protect as tags
from meterkit.dlms.security.keys import public_key_of
from meterkit.dlms.transfer.general_block import IncomingBlocks
from meterkit.dlms.wrapper import WrapperReader
from meterkit.emulator import DEMO_MASTER_KEY
from meterkit.errors import ProtocolFault
from meterkit.link import Broken, Message
from meterkit.psem import authentication as des
from meterkit.psem.link import PsemLink
from meterkit.psem.services import ServiceCode
from meterkit.session.exchange import Exchange
from tests.dlms.rig import connected as dlms_connected
from tests.dlms.rig import meter as dlms_meter
from tests.dlms.security.material import AK, ANSWER, EK, pair
from tests.dlms.security.test_authentication import ends
from tests.dlms.security_rig import BOTH, HLS2, LLS, MD5, SECRET, SHA1, TITLE, apdus, secured, secured_meter
from tests.dlms.test_hdlc_link import GET, LLC, I, answer, make, said
from tests.psem.rig import connected as psem_connected
from tests.psem.rig import meter as psem_meter
from tests.psem.test_link import ACK, asked
from tests.psem.test_link import answer as packet
from tests.session.test_exchange import EchoLink, ScriptedTransport
from tests.virtual_clock import VIRTUAL_CLOCK

ROOT = Path(__file__).parents[1]
NOTE = (1, "0-0:96.13.0", 2)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def refusal(call, *arguments, kind=ErrorKind.SECURITY):
    with pytest.raises(ProtocolFault) as refused:
        call(*arguments)
    assert refused.value.error.kind is kind
    return refused.value.error.message


def test_11_elliptic_curves_are_cryptographys_points_are_checked_and_the_suite_is_fixed():
    """`meterkit.dlms.security.keys`; pyproject's contract "Cryptography stays in its room"."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (kept,) = (one for one in contracts if one["id"] == "cryptography")
    assert kept["forbidden_modules"] == ["cryptography"]
    assert "no point of secp256r1" in refusal(public_key_of, SecuritySuite.SUITE_1, bytes(63) + b"\x01")
    client, _ = pair()
    _, other = pair(suite=SecuritySuite.SUITE_1)
    assert "suite 0 expected, authentication and encryption, suite 1 came" in refusal(
        client.unprotect, other.protect(ANSWER)
    )


def test_12_tags_and_digests_are_compared_in_constant_time(monkeypatch):
    """`compare_digest` in `security.authentication`, `security.protect`; GCM's own in cryptography."""
    compared = []
    for module in (proofs, tags, des):
        compare = module.compare_digest

        def watched(a, b, compare=compare):
            compared.append(len(a))
            return compare(a, b)

        monkeypatch.setattr(module, "compare_digest", watched)
    client, meter = pair(Security.AUTHENTICATION)
    assert client.unprotect(meter.protect(ANSWER)) == ANSWER
    own, peer = ends(MD5)
    own.check(peer.prove())
    request = des.authenticate_request(b"8 octets", 0, b"a ticket")
    assert des.refuse_response(b"8 octets", request, bytes(10)) is not None
    assert {10, 12, 16} <= set(compared)


@pytest.mark.parametrize("octets", [-4, -1, 4])
def test_13_a_tag_has_12_octets_and_nothing_is_read_before_it_is_right(octets):
    """`meterkit.dlms.security.protect`."""
    client, meter = pair()
    sealed = meter.protect(ANSWER)
    content = sealed[2:octets] if octets < 0 else sealed[2:] + bytes(octets)
    assert "tag" in refusal(client.unprotect, bytes((sealed[0], len(content))) + content)


@pytest.mark.parametrize("control", [0x00, 0x10, 0x20, 0x31, 0x33, 0x70, 0xB0])
def test_14_the_security_control_octet_is_held_against_the_configuration(control):
    """`meterkit.dlms.security.control`, `policy.check`."""
    client, meter = pair()
    sealed = bytearray(meter.protect(ANSWER))
    sealed[2] = control
    refusal(client.unprotect, bytes(sealed))


@pytest.mark.anyio
async def test_15_weak_mechanisms_are_said_so_and_a_secret_is_never_the_challenge():
    """`meterkit.options.dlms_security`, `policy.check_strength`; `secured.association`."""
    for weak in (LLS, HLS2, MD5, SHA1):
        with pytest.raises(ValidationError, match="allow_weak"):
            DlmsClientOptions(
                authentication=weak,
                security=BOTH,
                password=SECRET,
                system_title=TITLE,
                encryption_key=EK,
                authentication_key=AK,
                counters=MemoryCounterStore(),
            )
    async with secured(secured_meter(HLS2), HLS2, allow_weak=True) as (client, wire):
        (await client.connect()).unwrap()
    assert SECRET not in b"".join(apdus(wire))


@pytest.mark.anyio
async def test_16_a_psem_password_is_the_callers_for_each_meter_and_is_shown_nowhere(caplog):
    """`PsemClient.connect(password)`; `session.exchange` (is_secret); `meterkit.passwords`."""
    caplog.set_level(logging.DEBUG)
    async with psem_connected() as (client, _):
        shown = repr(client) + repr(vars(client)) + repr(client.options) + caplog.text
    for written in (DEMO_MASTER_KEY.decode(), DEMO_MASTER_KEY.hex(), DEMO_MASTER_KEY.hex(" ")):
        assert written not in shown


def test_17_des_is_labelled_no_security():
    """`meterkit.psem.authentication`; EAX' and the RC4-based digests of OSGP are not there at all."""
    assert "NO SECURITY" in (des.__doc__ or "")
    assert "no security" in (PsemClient.authenticate.__doc__ or "")


def test_18_every_length_is_bounded_before_anything_is_allocated():
    """`hdlc.frame` (11 bits), `dlms.wrapper`, `codec.axdr_length`, `axdr_tags.MAX_DEPTH`."""
    assert "200 is most" in refusal(
        WrapperReader(200).feed, bytes.fromhex("000100010010ffff"), kind=ErrorKind.FRAMING
    )
    for lying in ("0984ffffffff", "0184ffffffff00", "0484ffffffff", "0c82ffff41"):
        refusal(axdr.decode, bytes.fromhex(lying), kind=ErrorKind.DECODE)
    deep = bytes((2, 1)) * (axdr.MAX_DEPTH + 1) + b"\x00"
    assert axdr.MAX_DEPTH == 16
    assert "at most 16" in refusal(axdr.decode, deep, kind=ErrorKind.DECODE)


@pytest.mark.anyio
async def test_19_every_reassembly_has_a_cap():
    """`max_response_size`, `hdlc.segments`, `transfer.general_block`; `psem.link` over packets."""
    async with dlms_connected(dlms_meter(), max_response_size=4096) as (client, _):
        error = (await client.get_attribute(7, "1-0:99.1.0", 2)).error
    assert error.kind is ErrorKind.PROTOCOL
    assert "4096" in error.message
    blocks = IncomingBlocks(8)
    refusal(blocks.add, GeneralBlockTransfer(False, True, 1, 1, 0, bytes(9)), kind=ErrorKind.PROTOCOL)
    hdlc = make(max_message_size=8)
    hdlc.send(GET)
    events = hdlc.receive(answer(I, 0, 1, LLC + bytes(9), segmented=True))
    assert isinstance(events[-1], Broken)
    psem = PsemLink()
    psem.configure(64, 16)  # packets at most
    psem.send(b"\x30\x00\x01")
    error = psem.receive(b"\x06" + packet(b"x" * 50, flags=0xC0, sequence=200))[-1].error
    assert "at most 16 were agreed" in error.message


@pytest.mark.anyio
async def test_20_one_deadline_bounds_an_exchange_however_slowly_octets_drip():
    """`meterkit.session.exchange`."""
    transport = ScriptedTransport(b"?")
    transport.pending, transport.delay = [b"?"] * 10_000, 0.4
    exchange = Exchange(EchoLink(), transport, timeout=20.0)
    await exchange.begin()
    lost = await exchange(b"request")
    assert isinstance(lost, Err)
    assert lost.error.kind is ErrorKind.TIMEOUT
    assert anyio.current_time() == pytest.approx(20.0, abs=0.5)


def test_21_duplicates_are_acknowledged_and_not_delivered_and_silence_ends_it():
    """`meterkit.dlms.hdlc_link`; `meterkit.psem.link`."""
    link = make()
    link.send(GET)
    part = answer(I, 0, 1, LLC + b"ab", segmented=True)
    link.receive(part)
    assert said(link.receive(part)) == ["RR N(R)=1 P/F=1"]
    assert link.receive(answer(I, 1, 1, b"cd")) == [Message(b"abcd")]
    psem, _ = asked()
    octets = packet(b"\x00new", toggle=1)
    assert psem.receive(b"\x06" + octets + octets) == [ACK, Message(b"\x00new"), ACK]
    psem.send(b"\x21")
    events = [event for _ in range(5) for event in psem.timed_out()]
    assert isinstance(events[-1], Broken)


def test_22_addresses_and_checks_hold_and_our_own_echo_is_dropped():
    """`meterkit.dlms.hdlc_link`, `hdlc.reader`; `meterkit.psem.link`."""
    link = make()
    (request,) = link.send(GET)
    right = answer(I, 0, 1, LLC + b"ab")
    assert link.receive(request.octets) == []
    assert link.receive(answer(I, 0, 1, LLC + b"xx", source=HdlcAddress(2, 18))) == []
    assert link.receive(answer(I, 0, 1, LLC + b"xx", to=HdlcAddress(33))) == []
    for at in range(1, len(right) - 1):
        spoilt = right[:at] + bytes((right[at] ^ 0x10,)) + right[at + 1 :]
        assert not any(isinstance(event, Message) for event in make_asking().receive(spoilt))
    assert link.receive(right) == [Message(b"ab")]
    psem, sent = asked()
    assert psem.receive(sent.octets) == []


def make_asking():
    link = make()
    link.send(GET)
    return link


@pytest.mark.anyio
async def test_23_a_write_is_never_repeated_after_a_timeout():
    """`dlms.hdlc_link` asks for the answer; `psem.session` repeats reads only."""
    for interface in ("wrapper", "hdlc"):
        emulator = dlms_meter(interface=interface)
        async with dlms_connected(emulator, manager=True) as (client, wire):
            emulator.faults.unanswered = 100
            failed = await client.set_attribute(*NOTE, axdr.encode_octet_string(b"only once"))
            written = [octets for _, octets in wire.log if b"only once" in octets]
        assert failed.error.kind is ErrorKind.TIMEOUT
        assert len(written) == 1
    emulator = psem_meter()
    async with psem_connected(emulator, retry_busy=5) as (client, transport):
        emulator.faults.unanswered = 1
        assert isinstance(await client.write_table(7, b"\x00\x00\x01"), Err)
        assert transport.count(ServiceCode.WRITE_FULL) == 1


def test_24_what_a_meter_says_is_untrusted_on_its_way_to_terminals_and_tables():
    """`meterkit.cli.output`; limits in `codec.axdr` and `psem.tables`."""
    hostile = "\x1b]0;owned\x07=cmd()\r\n\u202e"
    assert all(ord(one) >= 32 and one != "\u202e" for one in safe_text(hostile))
    assert not csv_text("=cmd()").startswith("=")


@pytest.mark.anyio
async def test_25_a_cancellation_closes_the_line_and_the_port_is_one_sessions():
    """`session.exchange`; `transport.serial_port` (exclusive)."""
    transport = ScriptedTransport(None)
    exchange = Exchange(EchoLink(), transport, timeout=20.0)
    await exchange.begin()
    with anyio.move_on_after(1.0) as scope:
        await exchange(b"request")
    assert scope.cancelled_caught
    assert transport.closed == 1
    assert exchange.lost is not None
    assert SerialOptions(port="/dev/ttyUSB0").exclusive
