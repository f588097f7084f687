"""One block of BT64, 96 intervals of 4 channels, from octets to rows with times and statuses.

The floor is one struct template over the same octets, no times, no rows.  The peer is construct, its
declaration compiled, which gives containers without times or statuses.
"""

from __future__ import annotations

import struct
from time import process_time

from benchmarks.harness import Job, main

TIMES = 300


def per_block(decode, octets: bytes) -> float:
    """Return microseconds of CPU a block."""
    begin = process_time()
    for _ in range(TIMES):
        decode(octets)
    return (process_time() - begin) / TIMES * 1e6


def construct_decoder():
    import construct as c

    interval = c.Struct("extended_int_status" / c.Bytes(3), "int_data" / c.Array(4, c.Int32sl))
    block = c.Struct(
        "blk_end_time" / c.Array(5, c.Int8ul),
        "simple_int_status" / c.Bytes(12),
        "lp_int" / c.Array(96, interval),
    )
    return block.compile().parse


def jobs() -> list[dict[str, object]]:
    from meterkit.emulator import EmulatorConfiguration, MeterEmulator
    from meterkit.psem.tables import ActLp, GenConfig, LpCtrl, context_for
    from meterkit.psem.tables.load_profile import LoadProfileGeometry

    emulator = MeterEmulator(EmulatorConfiguration())
    records = []
    for table in (GenConfig, ActLp, LpCtrl):
        records.append(table.resolve(context_for(records)).decode(emulator.tables[table.number]))
    geometry = LoadProfileGeometry.build(context_for(records), 1)
    block = (emulator.profiles[0].last_block + 1) % geometry.nbr_blks
    start = geometry.block_offset(block)
    octets = bytes(emulator.tables[64][start : start + geometry.block_size])
    template = struct.Struct("<3s4i")

    def ours(data: bytes) -> None:
        assert len(geometry.decode_rows(data, block=block, sequence=1)) == geometry.nbr_blk_ints

    def floor(data: bytes) -> None:
        assert len(list(template.iter_unpack(data[17:]))) == geometry.nbr_blk_ints

    parse = construct_decoder()
    return [
        Job(
            f"BT64 block of {geometry.nbr_blk_ints} x {geometry.nbr_chns} to rows",
            "us CPU a block",
            ours=lambda: per_block(ours, octets),
            floor=lambda: per_block(floor, octets),
            peers={"construct": lambda: per_block(parse, octets)},
        ).run()
    ]


if __name__ == "__main__":
    main(jobs, __doc__)
