"""The other ends that the benchmarks talk to, each in a process of its own: its CPU is not measured.

    python -m benchmarks.servers emulator          a PSEM emulator with a 16 KiB table 2200
    python -m benchmarks.servers echo HEX          answers every chunk with the same octets
    python -m benchmarks.servers canned            answers every PSEM request from a dictionary, as fast as
                                                   the echo does, so that both clients wait equally long
    python -m benchmarks.servers canned_dlms [S]   the same for AARQ, GET and RLRQ behind a WRAPPER header,
                                                   each answer after S seconds, as over a cellular network
    python -m benchmarks.servers dlms ROWS         a DLMS emulator whose load profile has so many rows;
                                                   its client 1 ciphers, with the keys below

All listen on a free port of 127.0.0.1 and print it.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

CIPHERING_CLIENT = 1
ENCRYPTION_KEY, AUTHENTICATION_KEY = bytes(range(16)), bytes(range(0xD0, 0xE0))
LARGE_TABLE = 2200  # MT152: any number the emulator does not use
LARGE_TABLE_SIZE = 16384  # octets


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[int]:
    """Run a server of this module and yield its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.servers", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Echo(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer)


async def serve_echo(answer: bytes) -> None:
    listening = await asyncio.get_running_loop().create_server(lambda: Echo(answer), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


class Canned(asyncio.Protocol):
    """A meter that knows nine answers by heart, each with either toggle bit."""

    def __init__(self, answers: dict[tuple[int, int], bytes]) -> None:
        self.answers = answers
        self.toggle = 0x20

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        start = data.find(0xEE)
        if start >= 0:
            self.toggle ^= 0x20
            self.transport.write(self.answers[data[start + 6], self.toggle])


def canned_answers() -> dict[tuple[int, int], bytes]:
    from meterkit.psem.packet import encode_packet
    from meterkit.psem.services import checksum

    four = b"NES "
    bodies = {
        0x20: bytes((0, 0, 1, 0, 0)),
        0x61: bytes((0, 4, 0, 16, 6)),
        0x3F: bytes((0, 0, 4)) + four + bytes([checksum(four)]),
        0x30: bytes((0, 0, 4)) + four + bytes([checksum(four)]),
        **dict.fromkeys((0x50, 0x51, 0x52, 0x21, 0x70), b"\0"),
    }
    return {
        (code, toggle): b"\x06" + encode_packet(0, toggle, 0, body)
        for code, body in bodies.items()
        for toggle in (0, 0x20)
    }


async def serve_canned() -> None:
    answers = canned_answers()
    listening = await asyncio.get_running_loop().create_server(lambda: Canned(answers), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


class CannedDlms(asyncio.Protocol):
    """A DLMS meter that accepts every association and has one register."""

    AARE = bytes.fromhex(
        "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000501f01f40007"
    )

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.answer, data)
        else:
            self.answer(data)

    def answer(self, data: bytes) -> None:
        tag = data[8]
        if tag == 0xC0:
            answer = b"\xc4\x01" + data[10:11] + b"\0\x06\0\0\x13\x91"
        elif tag == 0x60:
            answer = self.AARE
        else:
            answer = b"\x63\x03\x80\x01\0"
        swapped = data[:2] + data[4:6] + data[2:4]
        self.transport.write(swapped + len(answer).to_bytes(2, "big") + answer)


async def serve_canned_dlms(delay: float) -> None:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: CannedDlms(delay), "127.0.0.1", 0, backlog=1000)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


async def serve_dlms(rows: int) -> None:
    from pydantic import SecretBytes

    from meterkit.emulator import serve_tcp
    from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator, ProfileConfiguration
    from meterkit.emulator.dlms.configuration import Clearance, ClientConfiguration
    from meterkit.emulator.dlms.security_configuration import SecurityConfiguration

    ciphering = SecurityConfiguration(
        suite=0,
        policy="authentication_encryption",
        encryption_key=SecretBytes(ENCRYPTION_KEY),
        authentication_key=SecretBytes(AUTHENTICATION_KEY),
    )
    clients = (
        ClientConfiguration(sap=16, clearance=Clearance.READER),
        ClientConfiguration(
            sap=CIPHERING_CLIENT, authentication="hls5", clearance=Clearance.READER, security=ciphering
        ),
    )
    emulator = DlmsMeterEmulator(
        DlmsEmulatorConfiguration(
            profile=ProfileConfiguration(rows=rows),
            max_pdu_transmit=2000,
            follow_clock=False,
            clients=clients,
        )
    )
    async with serve_tcp(emulator) as listening:
        print(listening.port, flush=True)
        await asyncio.Event().wait()


async def serve_emulator() -> None:
    from meterkit.emulator import EmulatorConfiguration, MeterEmulator, serve_tcp

    emulator = MeterEmulator(EmulatorConfiguration())
    emulator.tables.write_table(LARGE_TABLE, bytes(range(256)) * (LARGE_TABLE_SIZE // 256))
    async with serve_tcp(emulator) as listening:
        print(listening.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        if sys.argv[1] == "echo":
            asyncio.run(serve_echo(bytes.fromhex(sys.argv[2])))
        elif sys.argv[1] == "canned":
            asyncio.run(serve_canned())
        elif sys.argv[1] == "canned_dlms":
            asyncio.run(serve_canned_dlms(float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
        elif sys.argv[1] == "dlms":
            asyncio.run(serve_dlms(int(sys.argv[2])))
        else:
            asyncio.run(serve_emulator())
