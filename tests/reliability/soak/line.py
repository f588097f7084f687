"""A line of the soak: it takes time, it may be bad, it breaks, and it watches invocation counters."""

import asyncio

from meterkit.emulator import EmulatorTransport
from meterkit.errors import ErrorKind, fault
from tests.reliability.soak.mix import SERIAL

LATENCY = 0.02  # s
DAMAGED = 1 / 400  # of the pieces on a bad line, each way
BROKEN = 1 / 3000  # of the answers: half of one, and the line is gone
_LLC = b"\xe6\xe6\x00"
_WRAPPER = 8  # octets of header
_CIPHERED = (0xC8, 0xC9, 0xCB, 0xD0, 0xD1, 0xD3)  # glo- and ded- GET, SET, ACTION
_DEDICATED = 0xD0


class SoakLine(EmulatorTransport):
    def __init__(self, meter):
        super().__init__(meter.emulator, is_noisy=meter.has_bad_line)
        self.meter, self.site = meter, meter.site
        self.is_hdlc = meter.kind in SERIAL and not meter.is_psem
        self.opened = 0  #: which of the meter's lines this is

    async def open(self):
        await super().open()
        self.site.count("lines opened")
        self.opened = self.site.happened["lines opened"]
        self.meter.lines.add(self)

    async def close(self):
        self.meter.lines.discard(self)
        await super().close()

    async def send(self, octets):
        if self.meter.is_ciphered:
            self.site.nonces.see(self, octets)
        self.site.count("pieces sent to meters")
        await super().send(self._impaired(octets))

    async def receive(self, timeout):
        await asyncio.sleep(LATENCY)
        octets = await super().receive(max(timeout - LATENCY, 0))
        if not octets:
            return b""
        if not self.site.is_calm and self.meter.dice.random() < BROKEN:
            self.site.count("lines broken in an answer")
            self.cut()
            return octets[: len(octets) // 2] or octets
        return self._impaired(octets)

    def _impaired(self, octets):
        meter = self.meter
        if not meter.has_bad_line or self.site.is_calm or meter.dice.random() >= DAMAGED:
            return octets
        self.site.count("pieces damaged, lost or doubled")
        match meter.dice.randrange(4):
            case 0:
                return b""
            case 1:
                return octets * 2
            case _:
                damaged = bytearray(octets)
                damaged[meter.dice.randrange(len(octets))] ^= 1 << meter.dice.randrange(8)
                return bytes(damaged)

    # ---------------------------------------------------------------- what happens to it
    def cut(self):
        """Break, whatever is under way."""
        if self.session is not None:
            self.session.close()
            self.session = None
            self._pending.clear()
            self._notify()

    def begin_anew(self):
        """Let the meter forget what was; the line itself stays."""
        if self.session is not None:
            self.session.close()
            self._pending.clear()
            self.session = self.emulator.begin_session(self._notify)

    def _open_session(self):
        if self.session is None:
            raise fault(ErrorKind.TRANSPORT, "the line broke", where=self.name)
        return super()._open_session()


class Nonces:
    """Watches what goes down ciphered: a counter rises, or the very same octets go again."""

    def __init__(self):
        self.seen = 0
        self.repeated = []
        self._last = {}  # (meter, generation of the key, whether dedicated) -> line opened, counter, octets

    def see(self, line, octets):
        begin = _WRAPPER
        if line.is_hdlc:  # anything but an I frame has no LLC header
            begin = octets.find(_LLC) + len(_LLC) if _LLC in octets else len(octets)
        tag = octets[begin : begin + 1]
        if not tag or tag[0] not in _CIPHERED:
            return
        is_dedicated = tag[0] >= _DEDICATED
        length = octets[begin + 1]
        place = begin + 2 + (length & 0x7F if length & 0x80 else 0) + 1
        counter = int.from_bytes(octets[place : place + 4], "big")
        # A dedicated key begins its counter anew with each association, and here a line bears one at most.
        name = (line.meter.name, line.meter.generation, is_dedicated)
        key = line.opened if is_dedicated else None
        last_key, last, before = self._last.get(name, (key, -1, b""))
        self.seen += 1
        if key == last_key and counter <= last and octets != before:
            self.repeated.append((*name, counter))
        self._last[name] = key, counter, octets
