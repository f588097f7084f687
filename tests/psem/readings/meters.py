"""Meters to take readings of: emulated OSGP meters by firmware, and a North American one by hand."""

from meterkit.emulator import EmulatorConfiguration, LoadProfileSetConfiguration, MeterEmulator, MeterMode
from tests.psem.rig import NOON

SMALL = (LoadProfileSetConfiguration(intervals=8, blocks=2),)


def osgp_meter(firmware, **changes):
    """Return the ready-made meter of a firmware version, its clock standing at NOON."""
    configuration = EmulatorConfiguration.preset(firmware, load_profile=SMALL, **changes)
    return MeterEmulator(configuration, clock=lambda: NOON)


# A meter behind transformers, most significant octet first, by hand from C12.19.  One register block is
# two summations, one demand (when, cumulative, maximum), one coincident value.
BLOCK = "000004d2 0000002a" + "1a030a0b1e 00000064 0000000c" + "00038270"
TIER = "000003e8 00000000" + "1a0d0a0b1e 00000050 0000000a" + "00000000"  # month 13
EMPTY = "00" * 25
AMERICAN = {
    3: "01 0840 00 01000000",  # clock error, power failure; the manufacturer's bit 0
    5: "000000000000 12345678",
    # flags: block demand, ratios, no offset; 3 units, 1 demand entry, 2 electric constants, 4 sources
    11: "a4 03 01 00 00 02 02 04",
    12: "00025000 00025400 00283108",  # W dial reading 10^3 delivered; its block demand; V now 10^-3 phase A
    13: "000f",  # 15 minutes
    15: 2 * "00000002 00 00000078 00000001",  # times 2; ratios 120 and 1, not applied
    16: "39 3b 11 10",  # energy and demand with constants to apply; a voltage; one without a unit
    # demand resets, times, cumulative; self reads numbered: 2 of them
    21: "16 02 02 02 01 01 01 01 01 02",
    22: "0003 01 01 02 00",
    23: "07" + BLOCK + TIER,
    26: "04 02 00 0005 01" + "0005 1a03010000 06" + BLOCK + TIER + "0004 1a02010000 05" + BLOCK + EMPTY,
    27: "01 0203",
    28: "00000009 0003827c 00000011",
    51: "00 10 00 00 00 0000 0000",
    52: "1a030a080705 62",  # Tuesday 2026-03-10 08:07:05, the time zone in it
    53: "020000 3c fed4",  # 300 minutes west of Greenwich
    71: "06 00 00 00 00 0004 0002",
    74: "04 0003 0002 00000102 0001"
    + "1a0309060000 00ff 0001 0001"  # power down
    + "1a0309060500 0101 0001 0002"  # power up
    + "1a0d09060000 0102 0002 0803"  # the manufacturer's 3, in month 13
    + "00" * 12,
    76: "04 0001 0000 00000007 0000" + "1a0309060200 0007 0000 0015" + "00" * 12,  # self read
}


def american_meter(**changes):
    """Return a meter that has these tables beside ST0 and ST1; `changes` by "st23" and so on, None: none."""
    configuration = EmulatorConfiguration(
        manufacturer="MKIT",
        byte_order="big",
        mode=MeterMode.DEMAND_ONLY,
        manufacturer_status_octets=4,
        read_past_end="onp",
    )
    meter = MeterEmulator(configuration, clock=lambda: NOON)
    for number in meter.tables.table_ids:
        if number not in (0, 1, 7, 8, 2099):  # ET51 limits the emulated session
            meter.tables.remove(number)
    tables = AMERICAN | {int(name.removeprefix("st")): octets for name, octets in changes.items()}
    for number, octets in tables.items():
        if octets is not None:
            meter.tables.write_table(number, bytes.fromhex(octets))
    return meter
