"""Whole tables from octets to values, once their layout is resolved: BT23, BT28, BT74.

The floor is one struct over the same octets: no records, no times.  The peer is construct, its declaration
compiled, its times made datetimes as ours are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from time import process_time

from benchmarks.harness import Job, main

SUMMATIONS, DEMANDS, COINCIDENTS, TIERS, PRESENT_VALUES, ENTRIES = 19, 8, 16, 4, 84, 200
BEGIN = datetime(2024, 3, 1)


def per_table(decode, octets: bytes, times: int) -> float:
    """Return microseconds of CPU a table."""
    begin = process_time()
    for _ in range(times):
        decode(octets)
    return (process_time() - begin) / times * 1e6


def job(name: str, decode, floor, peer, octets: bytes, times: int) -> dict[str, object]:
    return Job(
        f"{name}, {len(octets)} octets",
        "us CPU a table",
        ours=lambda: per_table(decode, octets, times),
        floor=lambda: per_table(floor, octets, times),
        peers={"construct": lambda: per_table(peer, octets, max(1, times // 10))},
    ).run()


def meter():
    """Return what is known of a meter with every demand flag, four tiers, 84 present values, 200 entries."""
    from meterkit.psem.tables import GenConfig, context_for
    from meterkit.psem.tables.logs import ActLog
    from meterkit.psem.tables.registers import ActRegs

    config = GenConfig.resolve().decode(bytes.fromhex("022a88") + b"NES " + bytes(12))
    counts = [0, SUMMATIONS, DEMANDS, COINCIDENTS, 1, TIERS, 0, PRESENT_VALUES]
    actual = ActRegs.resolve(context_for([config])).decode(bytes([0x3F, 0x0C, *counts]))
    log = ActLog.resolve(context_for([config])).decode(bytes([6, 8, 19, 2, 2, ENTRIES, 0, 0, 0]))
    return context_for([config, actual, log])


def stime(minutes: int) -> bytes:
    time = BEGIN + timedelta(minutes=minutes)
    return bytes([time.year - 2000, time.month, time.day, time.hour, time.minute])


def int32s(count: int, seed: int) -> bytes:
    return struct.pack(f"<{count}i", *((seed * 7919 + n * 104729) % 1_000_000_007 for n in range(count)))


def current_registers() -> bytes:
    """Return BT23 with 4 tiers, 8 demands with their times, 16 coincidents."""
    octets = b"\x05"
    for block in range(TIERS + 1):
        octets += int32s(SUMMATIONS, block)
        octets += b"".join(stime(7 * n + 1440 * block) + int32s(3, n) for n in range(DEMANDS))
        octets += int32s(COINCIDENTS, block + 50)
    return octets


def event_log() -> bytes:
    """Return BT74 with all its entries in use: header, then time, sequence, user, event, argument."""
    head = struct.pack("<BHHIH", 4, ENTRIES, ENTRIES - 1, ENTRIES - 1, 0)
    return head + b"".join(
        stime(11 * n) + struct.pack("<BHHH2s", n % 60, n, n % 3, n % 30, b"\1\2") for n in range(ENTRIES)
    )


def construct_time(c, size: int):
    """Return a time of `size` octets, year to minute or second, as a datetime."""

    def convert(numbers, _context):
        try:
            return datetime(2000 + numbers[0], *numbers[1:])
        except ValueError:
            return None

    return c.ExprAdapter(c.Bytes(size), convert, None)


def construct_bt23():
    import construct as c

    demand = c.Struct(
        "event_time" / c.Array(1, construct_time(c, 5)),
        "cum_demand" / c.Int32sl,
        "cont_cum_demand" / c.Int32sl,
        "demand" / c.Array(1, c.Int32sl),
    )
    block = c.Struct(
        "summations" / c.Array(SUMMATIONS, c.Int32sl),
        "demands" / c.Array(DEMANDS, demand),
        "coincidents" / c.Array(COINCIDENTS, c.Struct("coincident_values" / c.Array(1, c.Int32sl))),
    )
    table = c.Struct(
        "nbr_demand_resets" / c.Int8ul, "tot_data_block" / block, "tier_data_block" / c.Array(TIERS, block)
    )
    return table.compile().parse


def construct_bt28():
    import construct as c

    return c.Struct("present_value" / c.Array(PRESENT_VALUES, c.Int32sl)).compile().parse


def construct_bt74():
    import construct as c

    entry = c.Struct(
        "history_time" / construct_time(c, 6),
        "history_seq_nbr" / c.Int16ul,
        "user_id" / c.Int16ul,
        "history_code" / c.Int16ul,
        "history_argument" / c.Bytes(2),
    )
    table = c.Struct(
        "list_status_flags" / c.Int8ul,
        "nbr_valid_entries" / c.Int16ul,
        "last_entry_element" / c.Int16ul,
        "last_entry_seq_nbr" / c.Int32ul,
        "nbr_unread_entries" / c.Int16ul,
        "entries" / c.Array(ENTRIES, entry),
    )
    return table.compile().parse


def current() -> dict[str, object]:
    from meterkit.psem.tables.registers import CurrentRegData

    octets, decode, parse = current_registers(), CurrentRegData.resolve(meter()).decode, construct_bt23()
    ours, theirs = decode(octets), parse(octets)
    last, their_last = ours.tier_data_block[-1].demands[-1], theirs.tier_data_block[-1].demands[-1]
    assert list(last.event_time) == list(their_last.event_time)
    assert list(last.demand) == list(their_last.demand)
    block = f"{SUMMATIONS}i" + "5s3i" * DEMANDS + f"{COINCIDENTS}i"
    floor = struct.Struct("<B" + block * (TIERS + 1)).unpack
    return job(f"BT23 with {TIERS} tiers and {DEMANDS} demands", decode, floor, parse, octets, 2000)


def present() -> dict[str, object]:
    from meterkit.psem.tables.registers_present import PresentRegisterData

    octets, parse = int32s(PRESENT_VALUES, 3), construct_bt28()
    decode = PresentRegisterData.resolve(meter()).decode
    assert list(decode(octets).present_value) == list(parse(octets).present_value)
    floor = struct.Struct(f"<{PRESENT_VALUES}i").unpack
    return job(f"BT28 with {PRESENT_VALUES} values", decode, floor, parse, octets, 20000)


def log() -> dict[str, object]:
    from meterkit.psem.tables.logs import HistoryLogData

    octets, decode, parse = event_log(), HistoryLogData.resolve(meter()).decode, construct_bt74()
    ours, theirs = decode(octets).entries[-1], parse(octets).entries[-1]
    assert (ours.history_time, ours.history_code) == (theirs.history_time, theirs.history_code)
    floor = struct.Struct("<BHHIH" + "6sHHH2s" * ENTRIES).unpack
    return job(f"BT74 with {ENTRIES} entries", decode, floor, parse, octets, 500)


def jobs() -> Iterator[dict[str, object]]:
    yield current()
    yield present()
    yield log()


if __name__ == "__main__":
    main(jobs, __doc__)
