"""DLMS over loopback TCP (WRAPPER): single GETs and a large profile; CPU of the client's process.

The floor of the GETs is a bare asyncio Protocol that sends the same octets and awaits the same number back;
both talk to the same server, which answers at once.  The peers, gurux-dlms and dlms-cosem, block on a socket
of their own; they read the large profile from the same emulator, each in its own process as we do.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from time import process_time

from benchmarks.exchange import Bare
from benchmarks.harness import Job, main
from benchmarks.servers import AUTHENTICATION_KEY, CIPHERING_CLIENT, ENCRYPTION_KEY, server

GETS = 1000
# WRAPPER header, GET-request-normal of 1-0:1.8.0 attribute 2; its answer is a double-long-unsigned.
REQUEST = bytes.fromhex("0001 0010 0001 000d c001c1 0003 0100010800ff 02 00")
ANSWER = bytes.fromhex("0001 0001 0010 0009 c401c1 00 06 00001391")
PROFILE = (7, "1-0:99.1.0", 2)
ROWS = 10_000


def bare_gets(port: int, loop_factory=None) -> float:
    async def run() -> float:
        _, bare = await asyncio.get_running_loop().create_connection(Bare, "127.0.0.1", port)
        begin = process_time()
        for _ in range(GETS):
            await bare.ask(REQUEST)
        spent = process_time() - begin
        bare.transport.close()
        return spent / GETS * 1e6

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run())


def our_gets(port: int, loop_factory=None) -> float:
    from meterkit import DlmsClient, ObisCode, TcpOptions, TcpTransport

    async def run() -> float:
        async with DlmsClient(TcpTransport(TcpOptions(host="127.0.0.1", port=port))) as client:
            (await client.connect()).unwrap()
            energy = ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL
            begin = process_time()
            for _ in range(GETS):
                assert (await client.get_attribute(3, energy, 2)).unwrap().value == 5009
            return (process_time() - begin) / GETS * 1e6

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run())


def emulator_gets(port: int, is_ciphered: bool) -> float:
    """Read a register of the emulator again and again, in clear or with authentication and encryption."""
    from meterkit import (
        AuthenticationMechanism,
        DlmsClient,
        DlmsClientOptions,
        ObisCode,
        Security,
        TcpOptions,
        TcpTransport,
    )
    from meterkit.dlms.secured.counter_store import MemoryCounterStore

    ciphering = {
        "client_address": CIPHERING_CLIENT,
        "authentication": AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC,
        "security": Security.AUTHENTICATION_ENCRYPTION,
        "system_title": b"MKCBENCH",
        "encryption_key": ENCRYPTION_KEY,
        "authentication_key": AUTHENTICATION_KEY,
        "counters": MemoryCounterStore(),
    }
    options = DlmsClientOptions(interface="wrapper", **(ciphering if is_ciphered else {}))

    async def run() -> float:
        async with DlmsClient(TcpTransport(TcpOptions(host="127.0.0.1", port=port)), options) as client:
            (await client.connect()).unwrap()
            energy = ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL
            begin = process_time()
            for _ in range(GETS):
                (await client.get_attribute(3, energy, 2)).unwrap()
            return (process_time() - begin) / GETS * 1e6

    return asyncio.run(run())


def our_profile(port: int) -> float:
    from meterkit import DlmsClient, TcpOptions, TcpTransport

    async def run() -> float:
        async with DlmsClient(TcpTransport(TcpOptions(host="127.0.0.1", port=port))) as client:
            (await client.connect()).unwrap()
            begin = process_time()
            profile = (await client.get_attribute(*PROFILE)).unwrap()
            spent = process_time() - begin
            assert len(profile.value) == ROWS
            return spent * 1e3

    return asyncio.run(run())


def peer(program: str, port: int, job: str) -> float:
    """Run a peer in a process of its own: `gurux` or `dlms_cosem`; returns what it measured."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.dlms_peers", program, str(port), job],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def jobs() -> list[dict[str, object]]:
    lines = []
    loops = {"asyncio": None}
    try:
        import uvloop

        loops["uvloop"] = uvloop.new_event_loop
    except ImportError:
        pass
    with (
        server("canned_dlms") as canned,
        server("dlms", str(ROWS)) as meter,
    ):
        for name, factory in loops.items():
            lines.append(
                Job(
                    f"single GET over WRAPPER, {name}",
                    "us CPU a GET",
                    ours=lambda factory=factory: our_gets(canned, factory),
                    floor=lambda factory=factory: bare_gets(canned, factory),
                    peers={
                        "gurux-dlms": lambda: peer("gurux", canned, "gets"),
                        "dlms-cosem": lambda: peer("dlms_cosem", canned, "gets"),
                    },
                ).run()
            )
        lines.append(
            Job(
                "single ciphered GET over WRAPPER, suite 0 (floor: the same GET in clear)",
                "us CPU a GET",
                ours=lambda: emulator_gets(meter, True),
                floor=lambda: emulator_gets(meter, False),
            ).run()
        )
        lines.append(
            Job(
                f"profile of {ROWS} x 8 over WRAPPER",
                "ms CPU",
                ours=lambda: our_profile(meter),
                peers={
                    "gurux-dlms": lambda: peer("gurux", meter, "profile"),
                    "dlms-cosem": lambda: peer("dlms_cosem", meter, "profile"),
                },
                rounds=5,
            ).run()
        )
    return lines


if __name__ == "__main__":
    main(jobs, __doc__)
