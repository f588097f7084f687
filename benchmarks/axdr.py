"""A profile's buffer of 10,000 x 8, 480 kB of A-XDR: to plain values, and to rows with aware datetimes.

The floor is one struct over rows known to be alike, and a datetime for each.  The peers are gurux-dlms and
dlms-cosem, each with its own decoder; for rows their clocks are made datetimes by their own means, too.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from time import process_time

from benchmarks.harness import Job, main

ROWS, WIDTH = 10_000, 8
BEGIN = datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1)))
PERIOD = timedelta(minutes=15)
ROW = struct.Struct(">2x2x12s" + "xI" * 6 + "xB")
CLOCK = struct.Struct(">HBBxBBBxhx")


def buffer() -> bytes:
    """Return rows of a clock, six double-long-unsigned and an unsigned."""
    from meterkit.codec import axdr
    from meterkit.codec.cosem_time import CosemDateTime

    rows: list[bytes] = []
    for number in range(ROWS):
        clock = CosemDateTime.from_datetime(BEGIN + number * PERIOD).encode()
        registers = [axdr.encode_double_long_unsigned(number * factor) for factor in range(1, 7)]
        rows.append(
            axdr.encode_structure([axdr.encode_octet_string(clock), *registers, axdr.encode_unsigned(0)])
        )
    return axdr.encode_array(rows)


# ---------------------------------------------------------------- the floor
@cache
def zone(deviation: int) -> timezone:
    return timezone(timedelta(minutes=-deviation))


def floor_values(octets: bytes) -> list[tuple[object, ...]]:
    return list(ROW.iter_unpack(memoryview(octets)[4:]))


def floor_rows(octets: bytes) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for clock, *values in ROW.iter_unpack(memoryview(octets)[4:]):
        year, month, day, hour, minute, second, deviation = CLOCK.unpack(clock)
        rows.append((datetime(year, month, day, hour, minute, second, 0, zone(deviation)), *values))
    return rows


# ---------------------------------------------------------------- the peers
def gurux_values(octets: bytes) -> list[list[object]]:
    from gurux_dlms.GXByteBuffer import GXByteBuffer
    from gurux_dlms.GXDLMSSettings import GXDLMSSettings
    from gurux_dlms.internal._GXCommon import _GXCommon
    from gurux_dlms.internal._GXDataInfo import _GXDataInfo

    return _GXCommon.getData(GXDLMSSettings(False, None), GXByteBuffer(octets), _GXDataInfo())


def gurux_rows(octets: bytes) -> list[tuple[object, ...]]:
    from gurux_dlms.enums.DataType import DataType
    from gurux_dlms.GXDLMSClient import GXDLMSClient

    return [
        (GXDLMSClient.changeType(clock, DataType.DATETIME).value, *values)
        for clock, *values in gurux_values(octets)
    ]


def dlms_cosem_values(octets: bytes) -> list[list[object]]:
    from dlms_cosem.utils import parse_as_dlms_data

    return parse_as_dlms_data(octets)


def dlms_cosem_rows(octets: bytes) -> list[tuple[object, ...]]:
    from dlms_cosem.time import datetime_from_bytes

    return [(datetime_from_bytes(clock)[0], *values) for clock, *values in dlms_cosem_values(octets)]


# ---------------------------------------------------------------- the jobs
def milliseconds(function: Callable[[bytes], object], octets: bytes) -> float:
    """Return milliseconds of CPU for the whole buffer."""
    begin = process_time()
    function(octets)
    return (process_time() - begin) * 1e3


def job(name: str, ours, floor, peers, octets: bytes) -> dict[str, object]:
    wanted = [tuple(row) for row in ours(octets)]
    for contender in (floor, *peers.values()):
        assert [tuple(row) for row in contender(octets)] == wanted, contender
    return Job(
        f"{name} of {ROWS:,} x {WIDTH}, {len(octets) // 1000} kB",
        "ms CPU",
        ours=lambda: milliseconds(ours, octets),
        floor=lambda: milliseconds(floor, octets),
        peers={peer: lambda run=run: milliseconds(run, octets) for peer, run in peers.items()},
    ).run()


def jobs() -> Iterator[dict[str, object]]:
    from meterkit.codec.axdr import decode
    from meterkit.codec.axdr_rows import decode_rows

    octets = buffer()
    values = {"gurux-dlms": gurux_values, "dlms-cosem": dlms_cosem_values}
    rows = {"gurux-dlms": gurux_rows, "dlms-cosem": dlms_cosem_rows}
    yield job("plain values", decode, floor_values, values, octets)
    yield job("rows with datetimes", lambda data: decode_rows(data, [0]), floor_rows, rows, octets)


if __name__ == "__main__":
    main(jobs, __doc__)
