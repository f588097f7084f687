"""Whole sessions over bad lines: what comes out is what a healthy line gives, or a typed Err; nothing twice.

Each session has its own seed; a failure names it.  WRAPPER has no checksum, so there octets may be late, cut
up and repeated, or the line lossy: then only the kind of outcome is claimed.
"""

import asyncio
import random

import pytest

from meterkit import DlmsClient, Err, MeterError, ObisCode, Ok
from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import Selection
from tests.dlms.impaired import KINDS, ImpairedTransport, note_what_is_performed
from tests.dlms.rig import line, meter, options
from tests.virtual_clock import VirtualClockLoop

CLOCK = (8, ObisCode.CLOCK, 2)
ENERGY = (3, "1-0:1.8.0", 2)
SERIAL_NUMBER = (1, "0-0:42.0.0", 2)
NOTE = (1, "0-0:96.13.0", 2)
LOAD_PROFILE = (7, "1-0:99.1.0", 2)
WRITTEN = (axdr.encode_octet_string(b"first"), axdr.encode_octet_string(b"second" + bytes(1500)))
LONGEST = 600.0  # s that a session may take however bad its line
SESSIONS = 100


@pytest.fixture
def performed(monkeypatch):
    return note_what_is_performed(monkeypatch)


async def use(client):
    """Read and write; return all Results."""
    results = [await client.connect()]
    if results[0].is_failure:
        return results
    results.append(await client.get_attribute(*CLOCK))
    results += await client.get_attribute_list([ENERGY, SERIAL_NUMBER, CLOCK]).collect()
    results.append(await client.set_attribute(*NOTE, WRITTEN[0]))
    results.append(await client.get_attribute(*LOAD_PROFILE, Selection.by_entry(1, 30)))
    results.append(await client.set_attribute(*NOTE, WRITTEN[1]))
    results.append(await client.objects())
    return results


async def run_session(emulator, wire, chosen):
    """Use one line to its end and return the Results; the client must leave nothing behind."""
    begin = asyncio.get_running_loop().time()
    async with DlmsClient(wire, chosen) as client:
        results = await use(client)
        if not client.is_connected and isinstance(wire, ImpairedTransport):
            wire.use([])
            (await client.connect()).unwrap()
            (await client.get_attribute(*ENERGY)).unwrap()
    assert asyncio.get_running_loop().time() - begin < LONGEST
    assert not wire.is_open
    assert not wire.lock.locked()
    assert len(asyncio.all_tasks()) == 1
    return results


def run(emulator, wire, chosen):
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(run_session(emulator, wire, chosen))


def draw(interface, dice):
    """Return the configuration of a meter and the options of its client."""
    windows = {"window_transmit": dice.randint(1, 7), "window_receive": dice.randint(1, 7)}
    configuration = {
        "interface": interface,
        "max_pdu": dice.choice([100, 300, 1024]),
        "block_transfer": dice.choice(["service", "general"]),
        "hdlc": windows,
    }
    chosen = {
        "max_pdu": dice.choice([200, 1000, 65535]),
        "hdlc_window": dice.randint(1, 7),
        "hdlc_max_info": dice.choice([32, 128, 1000]),
        "response_timeout": dice.choice([2.0, 5.0]),
    }
    return configuration, chosen


def session_on_a_bad_line(interface, seed, kinds):
    """Return the Results of a session, of the same on a healthy line, and the line."""
    dice = random.Random(seed)
    configuration, chosen = draw(interface, dice)
    healthy, emulator = meter(**configuration), meter(**configuration)
    expected = run(healthy, line(healthy), options(healthy, manager=True, **chosen))
    assert all(result.is_success for result in expected)
    kinds = tuple(dice.sample(kinds, dice.randint(1, len(kinds))))
    chance = dice.choice([0.003, 0.01, 0.03, 0.1])
    wire = ImpairedTransport(emulator, seed, chance, kinds)
    return run(emulator, wire, options(emulator, manager=True, **chosen)), expected, wire


def assert_typed(result, seed):
    assert isinstance(result, Ok | Err), seed
    if isinstance(result, Err):
        assert isinstance(result.error, MeterError), seed
        assert result.error.message, seed
        assert "12345678" not in str(result.error), seed


@pytest.mark.parametrize("seed", range(SESSIONS))
def test_hdlc_gives_what_a_healthy_line_gives_or_a_typed_error(seed, performed):
    results, expected, _ = session_on_a_bad_line("hdlc", seed, KINDS)
    done = performed[2:]  # behind those on the healthy line
    assert len(done) == len(set(done)), f"seed {seed}: written twice"
    assert set(done) <= set(WRITTEN)
    for result, healthy in zip(results, expected, strict=False):
        assert_typed(result, seed)
        if isinstance(result, Ok) and result is not results[0]:
            assert result == healthy, seed


@pytest.mark.parametrize("seed", range(SESSIONS))
def test_wrapper_takes_late_split_and_repeated_octets_for_nothing_else(seed, performed):
    results, expected, wire = session_on_a_bad_line("wrapper", seed, ("delay", "split", "duplicate"))
    sent = [octets for _, octets in wire.log if b"first" in octets]
    assert len(sent) <= 1, f"seed {seed}: sent twice"
    for result, healthy in zip(results, expected, strict=False):
        assert_typed(result, seed)
        if isinstance(result, Ok) and result is not results[0]:
            assert result == healthy, seed


@pytest.mark.parametrize("seed", range(SESSIONS))
def test_wrapper_over_a_line_that_damages_octets_ends_in_values_or_typed_errors(seed, performed):
    results, _, wire = session_on_a_bad_line("wrapper", seed, KINDS)
    for result in results:
        assert_typed(result, seed)
    assert len([octets for _, octets in wire.log if b"first" in octets]) <= 1, f"seed {seed}: sent twice"
