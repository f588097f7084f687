"""EM1000 frames: garbage scanned, frames decoded; the floor is the bare C function over the same octets."""

from __future__ import annotations

from binascii import crc_hqx
from random import Random
from time import process_time

from benchmarks.harness import Job, main

GARBAGE = 20_000_000  # octets
FRAMES = 200_000
CHUNK = 4096  # octets, as a busy line gives them
CHALLENGE = bytes.fromhex("aa09ff4338c84464223211c86c")  # the longest of the frames that are public


def chunks(octets: bytes) -> list[bytes]:
    return [octets[at : at + CHUNK] for at in range(0, len(octets), CHUNK)]


def decode(pieces: list[bytes]) -> tuple[float, int]:
    """Return seconds of CPU and the frames found."""
    from meterkit.em1000 import Frame, FrameDecoder

    decoder, found = FrameDecoder(), 0
    begin = process_time()
    for piece in pieces:
        for event in decoder.feed(piece):
            found += type(event) is Frame
    return process_time() - begin, found


def check(pieces: list[bytes]) -> float:
    """Return seconds of CPU for one CRC over everything: the least that any decoder has to do."""
    begin = process_time()
    for piece in pieces:
        crc_hqx(piece, 0)
    return process_time() - begin


def jobs() -> list[dict[str, object]]:
    garbage = chunks(Random(1000).randbytes(GARBAGE))
    frames = chunks(CHALLENGE * FRAMES)

    def frames_decoded() -> float:
        taken, found = decode(frames)
        if found != FRAMES:
            raise RuntimeError(f"{found} of {FRAMES} frames were found")
        return taken * 1e6 / FRAMES

    scanned = Job(
        "EM1000 garbage scanned",
        "ns CPU an octet",
        ours=lambda: decode(garbage)[0] * 1e9 / GARBAGE,
        floor=lambda: check(garbage) * 1e9 / GARBAGE,
        rounds=5,
    ).run()
    decoded = Job(
        "EM1000 frames of 13 octets decoded",
        "us CPU a frame",
        ours=frames_decoded,
        floor=lambda: check(frames) * 1e6 / FRAMES,
        rounds=5,
    ).run()
    scanned["note"] = f"{1e3 / float(str(scanned['ours'])):.0f} MB/s"
    decoded["note"] = f"{1e6 / float(str(decoded['ours'])):.0f} frames/s"
    return [scanned, decoded]


if __name__ == "__main__":
    main(jobs, __doc__)
