"""CRC-16/X-25 of a PSEM packet: ours, the bare C function under it, and crcelk's loop (termineter)."""

from __future__ import annotations

import binascii
from functools import partial
from time import process_time

from benchmarks.harness import Job, main


def per_octet(function, octets: bytes, times: int) -> float:
    """Return nanoseconds of CPU an octet."""
    begin = process_time()
    for _ in range(times):
        function(octets)
    return (process_time() - begin) * 1e9 / (times * len(octets))


def jobs() -> list[dict[str, object]]:
    import crcelk

    from meterkit.codec.crc import crc16

    lines = []
    for size in (64, 1024, 8192):
        octets = bytes(range(256)) * (size // 256) or bytes(range(size))
        times = 40_000_000 // (size * 40)
        lines.append(
            Job(
                f"CRC of {size} octets",
                "ns an octet",
                ours=partial(per_octet, crc16, octets, times),
                floor=partial(per_octet, lambda data: binascii.crc_hqx(data, 0xFFFF), octets, times),
                peers={
                    "crcelk": partial(per_octet, crcelk.CRC_HDLC.calc_bytes, octets, max(1, times // 300))
                },
            ).run()
        )
    return lines


if __name__ == "__main__":
    main(jobs, __doc__)
