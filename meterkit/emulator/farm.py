"""A farm: thousands of seeded meters on one machine, some of them slow, some of them broken.

    async with Farm(FarmConfiguration(psem=500, dlms=500)) as farm:
        farm.fleet_file()            # what a fleet needs to read them

One port a meter, or several meters behind one port, told apart by their addresses.  The same seed makes the
same meters, slow and broken in the same places.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from types import TracebackType
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from meterkit.emulator.farm_meters import BROKEN, FarmMeter, Houses, Interface, Trouble
from meterkit.emulator.lazy_meter import Awake, LazyMeter
from meterkit.emulator.server import TcpEmulatorServer
from meterkit.emulator.shared_line import SharedLine
from meterkit.options import Options

__all__ = ["Farm", "FarmConfiguration", "FarmMeter", "Trouble"]

#: Where a fleet file says that the passwords are; `emulate fleet` tells what to put there.
PASSWORD_REFERENCE: Final = "env:METERKIT_PASSWORD"
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class FarmConfiguration(Options):
    """How many meters of which kind, and what is wrong with how many of them."""

    psem: Annotated[int, Field(ge=0, le=50_000)] = 0
    dlms: Annotated[int, Field(ge=0, le=50_000)] = 0  #: half of them WRAPPER, half of them HDLC
    slow: Share = 0.0  #: share of the meters
    broken: Share = 0.0  #: share of the meters: refusing, silent, dropping the line, of another password
    per_port: Annotated[int, Field(ge=1, le=100)] = 1  #: meters behind one port
    seed: int = 1
    awake: Annotated[int, Field(ge=0)] = 1000  #: meters that stay built while nobody talks to them

    @model_validator(mode="after")
    def _has_meters(self) -> Self:
        if self.psem + self.dlms == 0:
            raise ValueError("a farm has psem meters, dlms meters or both")
        if self.slow + self.broken > 1:
            raise ValueError(f"slow {self.slow} and broken {self.broken} are more than all of them")
        return self

    def meters(self) -> list[FarmMeter]:
        """Return the meters, those of one port after each other."""
        kinds: list[tuple[str, Interface, int]] = [
            ("psem", "psem", self.psem),
            ("dlms", "wrapper", (self.dlms + 1) // 2),
            ("dlms", "hdlc", self.dlms // 2),
        ]
        troubles = self._troubles()
        meters: list[FarmMeter] = []
        counts = {"psem": 0, "dlms": 0}
        for name, interface, count in kinds:
            for number in range(count):
                counts[name] += 1
                meters.append(
                    FarmMeter(
                        id=f"{name}-{counts[name]:05}",
                        number=len(meters),
                        interface=interface,
                        place=number % self.per_port,
                        is_alone=self.per_port == 1,
                        trouble=troubles[len(meters)],
                    )
                )
        return meters

    def _troubles(self) -> Sequence[Trouble]:
        total = self.psem + self.dlms
        slow, broken = round(total * self.slow), round(total * self.broken)
        troubles = [Trouble.SLOW] * slow + [BROKEN[number % len(BROKEN)] for number in range(broken)]
        troubles += [Trouble.NONE] * (total - len(troubles))
        Random(f"{self.seed}/troubles").shuffle(troubles)
        return troubles


class Farm:
    """The meters of a configuration, on TCP ports of one host.

    `port` is the first; 0 takes any that are free.  `clock` is that of all meters.
    """

    def __init__(
        self,
        configuration: FarmConfiguration,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.configuration = configuration
        self.meters = configuration.meters()
        self._host, self._port = host, port
        self._clock = clock
        self._houses = Houses(configuration.seed)
        self._awake = Awake(configuration.awake)
        self._servers: list[TcpEmulatorServer] = []
        self._lazy: list[LazyMeter] = []
        self._refusing: list[socket.socket] = []  # ports that are taken, and nobody listens on
        self._ports: dict[str, int] = {}  # by the meter's id

    async def open(self) -> None:
        """Begin to listen on all ports.  Errors: OSError a port cannot be had, or too many files are open."""
        try:
            for number, group in enumerate(self._groups()):
                port = await self._open(group, self._port + number if self._port else 0)
                self._ports.update((meter.id, port) for meter in group)
        except BaseException:
            await self.close()
            raise

    async def build(self) -> None:
        """Build every meter now, not when it is called; other tasks go on meanwhile."""
        for meter in self._lazy:
            meter.build()
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Listen no longer, and drop every line."""
        servers, self._servers = self._servers, []
        refusing, self._refusing = self._refusing, []
        for taken in refusing:
            taken.close()
        await asyncio.gather(*(server.close() for server in servers))

    @property
    def nbr_ports(self) -> int:
        """Ports that it has."""
        return len(self._servers) + len(self._refusing)

    @property
    def nbr_built(self) -> int:
        """Meters that are built."""
        return sum(meter.is_built for meter in self._lazy)

    @property
    def nbr_clients(self) -> int:
        """Lines that are up."""
        return sum(server.nbr_clients for server in self._servers)

    def url(self, meter: FarmMeter) -> str:
        """Return a meter's address.  Errors: KeyError before `open`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return meter.url("tcp", f"{host}:{self._ports[meter.id]}")

    def fleet_file(self) -> dict[str, Any]:
        """Return what a fleet file for these meters says, ready for JSON: meters, a plan, limits."""
        configuration = self.configuration
        plan: dict[str, Any] = {}
        if configuration.psem:
            plan["psem"] = {
                "clock": {},
                "registers": True,
                "load_profile": [{"data_set": 1, "first_days": 1}],
            }
        if configuration.dlms:
            registers = ["1-0:1.8.0", "1-0:2.8.0"]
            plan["dlms"] = {"clock": {}, "registers": registers, "load_profile": [{"first_days": 1}]}
        meters: list[dict[str, Any]] = []
        for meter in self.meters:
            entry: dict[str, Any] = {"id": meter.id, "url": self.url(meter)}
            if meter.needs_password:
                entry["password"] = PASSWORD_REFERENCE
            meters.append(entry)
        # A meter that is built when it is called takes the farm some 15 ms, in which no other answers.
        rate = 500 if self.nbr_built == len(self._lazy) else 50
        return {
            "plan": plan,
            "limits": {"sessions": 1000, "connections_per_second": rate, "connection_burst": rate // 5},
            "retries": {"attempts": 2, "backoff": 2.0},
            "meters": meters,
        }

    def _groups(self) -> list[list[FarmMeter]]:
        """Return the meters port by port."""
        groups: list[list[FarmMeter]] = []
        for meter in self.meters:
            if meter.place == 0:
                groups.append([])
            groups[-1].append(meter)
        return groups

    async def _open(self, group: list[FarmMeter], port: int) -> int:
        first = group[0]
        if first.is_alone and first.trouble is Trouble.REFUSES:
            return self._refuse(port)
        lazy = [meter.lazy(self._houses, self._awake, self._clock) for meter in group]
        self._lazy += lazy
        meters = [meter.with_its_trouble(one) for meter, one in zip(group, lazy, strict=True)]
        line = meters[0] if len(meters) == 1 else SharedLine(f"line of {first.id}", meters)
        server = TcpEmulatorServer(line, self._host, port)
        await server.open()
        self._servers.append(server)
        return server.port

    def _refuse(self, port: int) -> int:
        """Take a port and do not listen: connections are refused."""
        taken = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        self._refusing.append(taken)
        taken.bind((self._host, port))
        return int(taken.getsockname()[1])

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
