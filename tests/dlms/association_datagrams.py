"""The meter of `association_meter` behind WRAPPER on UDP, and a line that does to datagrams what networks do.

    client --> lost | at once | late | twice, each as late as it likes --> meter
           <--                     likewise                            <--

What is late is overtaken by what is not.  Time is a number that moves when something comes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from struct import pack, unpack_from

from tests.dlms.association_meter import Meter

PROMPT = 0.1  # s on the way, at least
CLIENT, SERVER = 16, 1  # wPorts
AARE = bytes.fromhex("6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f0400007e1f04b00007")
NO_LONG_GET, NO_LONG_SET, NO_LONG_ACTION = 16, 18, 16  # "in progress", of the standard's results
CONTINUED = {(0xC0, 2), (0xC1, 3), (0xC3, 2), (0xC3, 6)}  # services that go on with a long one


class DatagramMeter(Meter):
    """A meter to whom requests come late, out of turn, or in the middle of others.

    A long service belongs to its invoke id; any other request ends it, as a new association does.
    """

    def __init__(self, *, refuses_by_exception=False, **options):
        super().__init__(**options)
        self.refuses_by_exception = refuses_by_exception
        self.end_long_service()

    def end_long_service(self):
        self.invoke = b""
        self.pending = None  # pieces of an answer
        self.expected = 0  # the next block of a request; 0: none

    def handle(self, apdu):
        if apdu[0] == 0x60:
            self.forget()
            self.end_long_service()
            return [AARE]
        if apdu[0] == 0xE0 and apdu[6] == 0 and self.answer is None:
            return []  # acknowledges what is no longer known
        return super().handle(apdu)

    def serve(self, apdu):
        tag, kind, invoke = apdu[0], apdu[1], apdu[2:3]
        if (tag, kind) not in CONTINUED:
            self.end_long_service()
            self.invoke = invoke
        elif invoke != self.invoke or not self.goes_on(tag, kind, apdu):
            self.end_long_service()
            return self.refuse(tag, invoke, apdu)
        response = super().serve(apdu)
        if (tag, kind) in {(0xC1, 3), (0xC3, 6)} and apdu[3]:
            self.expected = 0  # that was the last block
        return response

    def goes_on(self, tag, kind, apdu):
        if kind == 2:
            return self.pending is not None and unpack_from(">I", apdu, 3)[0] < len(self.pending[1])
        return self.expected != 0 and unpack_from(">I", apdu, 4)[0] == self.expected

    def refuse(self, tag, invoke, apdu):
        if self.refuses_by_exception:
            return b"\xd8\x01\x01"
        if tag == 0xC0:
            return b"\xc4\x02" + invoke + b"\x01" + apdu[3:7] + b"\x01" + bytes([NO_LONG_GET])
        if tag == 0xC1:
            return b"\xc5\x03" + invoke + bytes([NO_LONG_SET]) + apdu[4:8]
        return b"\xc7\x01" + invoke + bytes([NO_LONG_ACTION, 0])


@dataclass(frozen=True, slots=True)
class Datagram:
    """`serial` is the same for doubles, `call` for all that belongs to one call of the client's."""

    serial: int
    call: int
    is_to_meter: bool
    octets: bytes


@dataclass(slots=True)
class DatagramLine:
    """Carries datagrams both ways; `fates` tell of each how late its copies are, in s; () is lost.

    The meter's end says again what it said when a datagram comes a second time: it performs nothing twice
    of itself, so what is done twice was sent twice.
    """

    meter: DatagramMeter
    now: float = 0.0
    fates: Iterator[tuple[float, ...]] = field(default_factory=lambda: iter(()))  # well once they end
    flying: list[tuple[float, int, Datagram]] = field(default_factory=list)
    arrived: set[int] = field(default_factory=set)
    said: dict[int, list[Datagram]] = field(default_factory=dict)  # by the serial of what was asked
    numbers: count = field(default_factory=count)

    def ask(self, octets, call):
        """Send a datagram of the client's."""
        self.put(Datagram(next(self.numbers), call, True, octets))

    def put(self, datagram):
        for late in next(self.fates, (0.0,)):
            self.flying.append((self.now + PROMPT + late, next(self.numbers), datagram))

    def next(self, deadline):
        """Move time to the next arrival and return what came to the client, b"" if it came to the meter.

        None if nothing comes until `deadline`.
        """
        due, _, datagram = first = min(self.flying, default=(deadline, 0, None))
        if datagram is None or due >= deadline:
            self.now = deadline
            return None
        self.flying.remove(first)
        self.now = due
        self.arrived.add(datagram.serial)
        if not datagram.is_to_meter:
            return datagram.octets
        if datagram.serial not in self.said:
            self.said[datagram.serial] = [
                Datagram(next(self.numbers), datagram.call, False, framed(apdu))
                for apdu in self.meter.handle(unframed(datagram.octets))
            ]
        for answer in self.said[datagram.serial]:
            self.put(answer)
        return b""

    def lose(self, is_lost):
        """Lose all that is on the way and of which this is true."""
        self.flying = [one for one in self.flying if not is_lost(one[2])]

    def lose_doubles(self):
        """Lose what is on the way a second time, or came already."""
        firsts = {one.serial: number for _, number, one in sorted(self.flying, reverse=True)}
        self.flying = [
            (due, number, one)
            for due, number, one in self.flying
            if firsts[one.serial] == number and one.serial not in self.arrived
        ]

    def is_asking(self, call):
        """Whether anything of a call is still on the way to the meter."""
        return any(one.call == call and one.is_to_meter for _, _, one in self.flying)


def framed(apdu):
    return pack(">4H", 1, SERVER, CLIENT, len(apdu)) + apdu


def unframed(octets):
    assert unpack_from(">4H", octets) == (1, CLIENT, SERVER, len(octets) - 8)
    return octets[8:]
