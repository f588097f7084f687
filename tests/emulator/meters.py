"""Emulated meters with a clock that tests turn, spoken to without a data link."""

from datetime import UTC, datetime, timedelta

from meterkit.emulator import (
    DEMO_MASTER_KEY,
    EmulatorConfiguration,
    LoadProfileSetConfiguration,
    MeterEmulator,
)

NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)  # a Saturday
SMALL = (LoadProfileSetConfiguration(intervals=8, blocks=2),)
USER = 0x0241


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now

    def forward(self, **by):
        self.now += timedelta(**by)


def make_meter(preset=None, clock=None, **changes):
    changes.setdefault("load_profile", SMALL)
    made = (
        EmulatorConfiguration(**changes)
        if preset is None
        else EmulatorConfiguration.preset(preset, **changes)
    )
    return MeterEmulator(made, clock=clock or Clock())


def log_on(meter, key=DEMO_MASTER_KEY):
    for request in (b"\x20", b"\x50" + USER.to_bytes(2, "big") + b"technician", b"\x51" + key):
        assert meter.process_request(request)[:1] == b"\x00"
    return meter


def read(meter, table_id):
    """Return a table's octets, or the code of the refusal."""
    response = meter.process_request(b"\x30" + table_id.to_bytes(2, "big"))
    return response[3:-1] if response[0] == 0 else response[0]


def run(meter, number, parameters=b""):
    """Run a standard procedure; return its result."""
    octets = number.to_bytes(2, meter.configuration.byte_order) + b"\x09" + parameters
    request = b"\x40\x00\x07" + len(octets).to_bytes(2, "big") + octets + bytes((-sum(octets) & 255,))
    assert meter.process_request(request) == b"\x00"
    return read(meter, 8)[3]
