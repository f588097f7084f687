"""One small offset read, and a 16 KiB table, over loopback TCP: CPU of the client's process.

The floor of the small read is a bare asyncio Protocol that sends the same octets and awaits the same
number back; both talk to a server that answers at once.  The peer of the large table is termineter's
c1218 client, on the same emulator.
"""

from __future__ import annotations

import asyncio
from time import process_time

from benchmarks.harness import Job, main
from benchmarks.servers import LARGE_TABLE, LARGE_TABLE_SIZE, server

EXCHANGES = 2000
# ACK of the last answer and: offset read of table 1, offset 0, count 4; then its answer.
REQUEST = bytes.fromhex("06 ee00200000083f00010000000004 0000".replace(" ", ""))
ANSWER_SIZE = 1 + 8 + 1 + 2 + 4 + 1  # ACK, framing, code, count, data, checksum


class Bare(asyncio.Protocol):
    """The least a client can do: write, and resolve one future when the answer is whole."""

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.answer.set_result(data)

    def ask(self, octets: bytes) -> asyncio.Future[bytes]:
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(octets)
        return self.answer


def bare_echo(port: int, loop_factory=None) -> float:
    async def run() -> float:
        _, bare = await asyncio.get_running_loop().create_connection(Bare, "127.0.0.1", port)
        begin = process_time()
        for _ in range(EXCHANGES):
            await bare.ask(REQUEST)
        spent = process_time() - begin
        bare.transport.close()
        return spent / EXCHANGES * 1e6

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run())


def small_reads(port: int, loop_factory=None) -> float:
    from meterkit import PsemClient, TcpOptions, TcpTransport
    from meterkit.emulator import DEMO_MASTER_KEY

    async def run() -> float:
        async with PsemClient(TcpTransport(TcpOptions(host="127.0.0.1", port=port))) as client:
            (await client.connect(DEMO_MASTER_KEY)).unwrap()
            begin = process_time()
            for _ in range(EXCHANGES):
                (await client.read_table_offset(1, 0, 4)).unwrap()
            return (process_time() - begin) / EXCHANGES * 1e6

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run())


def large_table(port: int) -> float:
    from meterkit import PsemClient, TcpOptions, TcpTransport
    from meterkit.emulator import DEMO_MASTER_KEY

    async def run() -> float:
        async with PsemClient(TcpTransport(TcpOptions(host="127.0.0.1", port=port))) as client:
            (await client.connect(DEMO_MASTER_KEY)).unwrap()
            begin = process_time()
            for _ in range(8):
                table = (await client.read_table_offset(LARGE_TABLE, 0, LARGE_TABLE_SIZE)).unwrap()
                assert len(table) == LARGE_TABLE_SIZE
            return (process_time() - begin) / (8 * LARGE_TABLE_SIZE) * 1e9

    return asyncio.run(run())


def termineter_table(port: int) -> float:
    """Read the same table by offset with termineter, in reads that fit what it negotiates (512 x 2)."""
    from c1218.connection import Connection

    from meterkit.emulator import DEMO_MASTER_KEY

    connection = Connection(f"socket://127.0.0.1:{port}")
    connection.serial_h.timeout = 5
    connection.start()
    assert connection.login("bench", 2, DEMO_MASTER_KEY.decode())
    begin = process_time()
    size = 512
    octets = b"".join(
        connection.get_table_data(LARGE_TABLE, size, offset) for offset in range(0, LARGE_TABLE_SIZE, size)
    )
    spent = process_time() - begin
    assert octets == bytes(range(256)) * (LARGE_TABLE_SIZE // 256)
    connection.logoff()
    connection.close()
    return spent / LARGE_TABLE_SIZE * 1e9


def jobs() -> list[dict[str, object]]:
    lines = []
    with server("emulator") as meter, server("canned") as canned, server("echo", "00" * ANSWER_SIZE) as echo:
        loops = {"asyncio": None}
        try:
            import uvloop

            loops["uvloop"] = uvloop.new_event_loop
        except ImportError:
            pass
        for name, factory in loops.items():
            lines.append(
                Job(
                    f"small offset read, {name}",
                    "us CPU an exchange",
                    ours=lambda factory=factory: small_reads(canned, factory),
                    floor=lambda factory=factory: bare_echo(echo, factory),
                ).run()
            )
        lines.append(
            Job(
                "16 KiB table by offset",
                "ns CPU an octet",
                ours=lambda: large_table(meter),
                peers={"termineter": lambda: termineter_table(meter)},
                rounds=5,
            ).run()
        )
    return lines


if __name__ == "__main__":
    main(jobs, __doc__)
