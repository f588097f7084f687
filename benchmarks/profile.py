"""A profile's buffer of 10,000 x 8, 480 kB: to columns, to an Arrow table, to scaled rows; and memory.

The floor is one struct over rows known to be alike, and a datetime for each.  The peers are gurux-dlms and
dlms-cosem, which make rows with their own means.  The last line tells how much memory a process
had at most while a stream over a million rows was read, and had had after 1/20 of them.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

from benchmarks.axdr import ROWS, WIDTH, buffer, dlms_cosem_rows, floor_rows, gurux_rows, milliseconds
from benchmarks.harness import Job, main

LONG = 1_000_000  # rows
PERIOD = 900  # s, as the buffer has it
OF_A_MILLION = Struct(">2s14s" + "BI" * 6 + "BB")


def make_layout():
    from meterkit import ObisCode
    from meterkit.dlms.cosem.units import Unit
    from meterkit.dlms.profile.column import ProfileColumn
    from meterkit.dlms.profile.layout import Layout

    registers = [ProfileColumn(ObisCode(1, 0, c, 8, 0), 3, 2, 0, -1, Unit.WATT_HOUR) for c in range(1, 7)]
    clock = ProfileColumn(ObisCode.CLOCK, 8, 2)
    status = ProfileColumn(ObisCode(0, 0, 96, 10, 1), 1, 2)
    return Layout((clock, *registers, status), tuple(range(WIDTH)), PERIOD)


def jobs() -> Iterator[dict[str, object]]:
    from meterkit.dlms.profile.batch import batches_of
    from meterkit.dlms.profile.columns import ColumnBuilder
    from meterkit.dlms.profile.row import RowMaker

    octets, layout = buffer(), make_layout()
    order = range(WIDTH)

    def columns(data: bytes):
        builder = ColumnBuilder(layout, order)
        for batch in batches_of(data, layout, []):
            builder.add(layout, batch)
        return builder.built()

    def table(data: bytes):
        return columns(data).to_arrow()

    def rows(data: bytes):
        maker = RowMaker(layout, order)
        return [row for batch in batches_of(data, layout, []) for row in maker.rows(batch)]

    check(columns(octets), table(octets), rows(octets), floor_rows(octets))
    peers = {"gurux-dlms": gurux_rows, "dlms-cosem": dlms_cosem_rows}
    for name, ours in (("columns", columns), ("an Arrow table", table), ("scaled rows", rows)):
        yield Job(
            f"buffer of {ROWS:,} x {WIDTH} to {name}",
            "ms CPU",
            ours=lambda run=ours: milliseconds(run, octets),
            floor=lambda: milliseconds(floor_rows, octets),
            peers={peer: lambda run=run: milliseconds(run, octets) for peer, run in peers.items()},
        ).run()
    yield memory()


def check(columns, table, rows, wanted) -> None:
    """Make sure that every way tells the same."""
    assert len(columns) == table.num_rows == len(rows) == len(wanted) == ROWS
    assert [row.time for row in rows] == [time for time, *_ in wanted] == table["time"].to_pylist()
    assert list(columns.columns[1].values) == [row[1] for row in wanted]
    assert table.column(1).to_pylist() == [row.values[1] for row in rows]


# ---------------------------------------------------------------- memory
class EndlessProfile:
    """The services of a meter with a million rows, which makes those that it is asked for and keeps none."""

    def __init__(self) -> None:
        from benchmarks.axdr import BEGIN
        from meterkit.codec import axdr
        from meterkit.codec.cosem_time import CosemDateTime
        from meterkit.dlms.apdu.selective_access import EntryDescriptor, RangeDescriptor

        self._axdr, self._clock, self._begin = axdr, CosemDateTime, BEGIN
        self._range, self._entry = RangeDescriptor, EntryDescriptor
        self._layout = make_layout()

    def pieces(self, attributes, limit):
        return [list(attributes)]

    async def read_list(self, attributes):
        from meterkit import Ok

        return [Ok(self._attribute(attribute)) for attribute, _ in attributes]

    def _attribute(self, attribute) -> bytes:
        axdr = self._axdr
        if attribute.class_id == 8:
            return self._time(LONG - 1)
        if attribute.class_id == 3:
            return axdr.encode_structure([axdr.encode_integer(-1), axdr.encode_enum(30)])
        captured = [column.capture_object.encode() for column in self._layout.columns]
        wide = axdr.encode_double_long_unsigned
        return {
            3: axdr.encode_array(captured),
            4: wide(PERIOD),
            5: axdr.encode_enum(1),
            6: captured[0],
            7: wide(LONG),
            8: wide(LONG),
        }[attribute.attribute]

    async def read(self, attribute, selection=None):
        from meterkit import Ok

        if selection.selector == 2:
            entry = self._entry.decode(selection.parameters)
            return Ok(self._rows(entry.from_entry - 1, entry.to_entry))
        limits = self._range.decode(selection.parameters)
        first, last = (self._number(limit) for limit in (limits.from_value, limits.to_value))
        return Ok(self._rows(max(0, -int(-first // 1)), min(LONG, int(last) + 1)))

    def _number(self, limit: bytes) -> float:
        time = self._clock.from_octets(limit[2:]).to_datetime()
        return (time - self._begin).total_seconds() / PERIOD

    def _time(self, number: int) -> bytes:
        from datetime import timedelta

        time = self._begin + timedelta(seconds=number * PERIOD)
        return self._axdr.encode_octet_string(self._clock.from_datetime(time).encode())

    def _rows(self, begin: int, end: int) -> bytes:
        rows = []
        for number in range(begin, end):
            registers = (part for factor in range(1, 7) for part in (6, number * factor))
            rows.append(OF_A_MILLION.pack(b"\x02\x08", self._time(number), *registers, 17, 0))
        return self._axdr.encode_array(rows)


def megabytes() -> float:
    """Return how much memory this process has had at most."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    # Linux hands ru_maxrss on to children, and counts this one anew.
    return (
        next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        / 1e3
    )


def memory() -> dict[str, object]:
    """Stream a million rows in a process of its own, which had no more memory before."""
    script = "import anyio, json; from benchmarks import profile"
    script += "; print(json.dumps(anyio.run(profile.stream_a_million)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


async def stream_a_million() -> dict[str, object]:
    from meterkit import ObisCode
    from meterkit.dlms.profile.info import ProfileCache
    from meterkit.dlms.profile.reading import ProfileWish
    from meterkit.dlms.profile.stream import ProfileStream

    stream = ProfileStream(EndlessProfile(), ProfileCache(), ProfileWish(ObisCode.LOAD_PROFILE))
    count, total, early = 0, 0, 0.0
    async for row in stream.values():
        count += 1
        total += row.raw[1]
        if count == LONG // 20:
            early = megabytes()
    late = megabytes()
    assert (count, total) == (LONG, LONG * (LONG - 1) // 2)
    return {
        "job": f"memory of a stream over {LONG:,} rows of {WIDTH}",
        "ours": round(late, 1),
        "floor": round(early, 1),
        "unit": "MB of the process at most",
        "ratio_to_floor": round(late / early, 3),
        "ratio_to_best_peer": None,
        "note": "floor: after 1/20 of the rows",
    }


if __name__ == "__main__":
    main(jobs, __doc__)
