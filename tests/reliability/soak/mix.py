"""The meters of the soak: ten kinds in turn, each with numbers that are near an end.

kind      line                  what is near its end
psem      TCP                   block sequence numbers near 2**32
psem_log  TCP                   event sequence numbers near 2**32
psem_21   TCP, C12.21
psem_bad  serial, bad
psem_old  TCP, firmware 2.10
wrapper   TCP, password
hdlc      serial, bad           N(S) and N(R) wrap every eight frames, as always
alarm     TCP, ciphered         our invocation counter near 2,000,000,000, the meter's near 2**31
end       serial, ciphered      our invocation counter near 2**32: the key has to be changed
dedicated TCP, ciphered, suite 1, a dedicated key in each association
"""

from datetime import timedelta
from random import Random

from pydantic import SecretBytes

from meterkit.dlms.secured.counter_supply import counter_name
from meterkit.dlms.security.counters import ALARM
from meterkit.dlms.security.key_kinds import KeyKind
from meterkit.emulator import DEMO_READ_KEY, EmulatorConfiguration, LoadProfileSetConfiguration, MeterEmulator
from meterkit.emulator.dlms import (
    DEMO_PASSWORD,
    Clearance,
    ClientConfiguration,
    DlmsEmulatorConfiguration,
    DlmsMeterEmulator,
    ProfileConfiguration,
    SecurityConfiguration,
)
from meterkit.fleet import MeterEntry

KINDS = (
    "psem",
    "wrapper",
    "psem_log",
    "hdlc",
    "psem_21",
    "alarm",
    "psem_bad",
    "end",
    "psem_old",
    "dedicated",
)
CIPHERED = ("alarm", "end", "dedicated")
BAD_LINES = ("psem_bad", "hdlc")
SERIAL = (*BAD_LINES, "end")
INTERVAL = timedelta(minutes=15)
WRAP = 1 << 32
HISTORY = 16  # intervals that are there before the first poll
TITLE = b"MKCSOAK1"  # the client's
SAP = 1
HLS = {
    "authentication": "high_level_security_gmac",
    "security": "authentication_encryption",
    "system_title": TITLE.hex(),
}


class SoakMeter:
    """One emulated meter, how it is read, and what becomes of its lines."""

    def __init__(self, number, site, household):
        self.number, self.site, self.household = number, site, household
        self.kind = KINDS[number % len(KINDS)]
        self.name = f"{self.kind}-{number}"
        self.dice = Random(f"{site.seed} {self.name}")
        self.lines = set()
        self.lost = set()  #: intervals that the meter itself left out, as its clock was put forward
        self.generation = 0  #: of the key
        self.is_psem = self.kind.startswith("psem")
        self.is_ciphered = self.kind in CIPHERED
        self.has_bad_line = self.kind in BAD_LINES
        self.emulator = self._psem() if self.is_psem else self._dlms()
        self.entry = self._entry()

    # ---------------------------------------------------------------- what it is
    def _psem(self):
        meter = MeterEmulator(
            EmulatorConfiguration(
                serial_number=f"2026{self.number:012}",
                standard="C12.21" if self.kind == "psem_21" else "C12.18",
                firmware_version=(2, 10, 0) if self.kind == "psem_old" else (3, 60, 5),
                load_profile=(
                    LoadProfileSetConfiguration(intervals=16, blocks=8, sources=(0, 1), history=HISTORY),
                ),
                event_log_entries=20,
                first_event=WRAP - 10 if self.kind == "psem_log" else 1,
                self_reads=2,
            ),
            clock=self.site.true.now,
            household=self.household,
        )
        if self.kind == "psem":
            meter.profiles[0]._sequence = WRAP - 2  # so that it wraps within the first day
        return meter

    def _dlms(self):
        clients = {}
        if self.is_ciphered:
            clients["clients"] = (
                ClientConfiguration(
                    sap=SAP, authentication="hls5", clearance=Clearance.READER, security=self._security()
                ),
            )
        meter = DlmsMeterEmulator(
            DlmsEmulatorConfiguration(
                serial_number=f"{self.number:08}",
                system_title=b"MKT" + self.number.to_bytes(5, "big"),
                interface="hdlc" if self.kind in SERIAL else "wrapper",
                profile=ProfileConfiguration(
                    rows=128, columns=("0-0:1.0.0", "0-0:96.10.1", "1-0:1.8.0", "1-0:2.8.0")
                ),
                event_log_rows=20,
                summer_time=True,
                **clients,
            ),
            clock=self.site.true.now,
            household=self.household,
        )
        if self.kind == "alarm":
            meter.security.sent.of(self.keys[0]).skip_to((1 << 31) - 300)
        return meter

    def _security(self):
        first = {"alarm": ALARM - 1200, "end": self.site.last_counters}.get(self.kind)
        if first is not None:
            name = counter_name(self.keys[0], TITLE)
            self.site.counters.raise_to(name, first, is_trusted=True)
        encryption_key, authentication_key = self.keys
        return SecurityConfiguration(
            suite=1 if self.kind == "dedicated" else 0,
            policy="authentication_encryption",
            encryption_key=SecretBytes(encryption_key),
            authentication_key=SecretBytes(authentication_key),
            received_counter=None if first is None else first - 1,
        )

    @property
    def keys(self):
        """Encryption and authentication key of this generation."""
        dice = Random(f"key {self.site.seed} {self.name} {self.generation}")
        return dice.randbytes(16), dice.randbytes(16)

    def change_key(self):
        """Give meter and client a new encryption key, as a person at the meter would."""
        self.generation += 1
        security = self.emulator.security.client(SAP)
        security.change(KeyKind.GLOBAL_UNICAST_ENCRYPTION, self.keys[0])
        security.change(KeyKind.AUTHENTICATION, self.keys[1])
        security.settle()
        self.site.keys.put(self)
        self.cut()

    # ---------------------------------------------------------------- how it is read
    def _entry(self):
        if self.is_psem:
            options = {"keep_alive_wait": 200}
            if self.kind == "psem_21":
                options |= {"response_timeout": 4, "channel_traffic_timeout": 30}
        elif self.is_ciphered:
            options = {"client_address": SAP, **HLS}
            if self.kind == "dedicated":
                options |= {"suite": 1, "dedicated_key": True}
        else:
            options = {"client_address": 2, "authentication": "low_level_security"}
        if self.kind in SERIAL and not self.is_psem:
            options["keep_alive_interval"] = 90
        protocol = "psem" if self.is_psem else "dlms+hdlc" if self.kind in SERIAL else "dlms"
        place = f"serial:///dev/{self.name}" if self.kind in SERIAL else f"tcp://{self.name}:4059"
        return MeterEntry(id=self.name, url=f"{protocol}+{place}", options=options)

    @property
    def password(self):
        """What the client shows; None where it proves itself with keys."""
        return None if self.is_ciphered else DEMO_READ_KEY if self.is_psem else DEMO_PASSWORD

    # ---------------------------------------------------------------- what happens to it
    def cut(self):
        """Drop its lines."""
        for line in list(self.lines):
            line.cut()

    def restart(self):
        """Let it forget sessions and associations, as after a power failure.  A TCP line goes with it."""
        if self.kind not in SERIAL:
            self.cut()
        for line in list(self.lines):
            line.begin_anew()

    def shift_clock(self, shift):
        """Let its clock show `shift` more than the true time."""
        wanted = self.site.true.now() + shift
        if not self.is_psem:
            self.emulator.set_clock(wanted)
            return
        self.emulator.tick()
        profile = self.emulator.profiles[0]
        begin = profile._next_interval
        parts = (wanted.year - 2000, wanted.month, wanted.day, wanted.hour, wanted.minute, wanted.second)
        assert self.emulator.set_clock(bytes(parts))
        self.lost.update(range(begin, profile._next_interval))

    def truth(self, time):
        """Return what its energy register showed at a time, Wh."""
        return int(self.household.energy(time)[0])
