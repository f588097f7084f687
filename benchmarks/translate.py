"""DLMS APDUs translated: to JSON, to XML, to a tree in text; the peer is gurux-dlms' translator to XML.

The floor is json.dumps of documents that are ready.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from time import process_time

from benchmarks.harness import Job, main

COUNT = 10_000
PEER_COUNT = 500  # of the slow peer; costs are told for one APDU

#: Requests and answers as a reading client sees them.
APDUS = [
    bytes.fromhex(octets)
    for octets in (
        "c001c100080000010000ff0200",
        "c401c100090c07e50713010f2e2300ff8880",
        "c001c100030100010800ff0200",
        "c401c1000600001391",
        "c001c100030100010800ff0300",
        "c401c10002020f00161e",
        "c003c10200080000010000ff020000030100010800ff0200",
        "c401c10104",
        "c101c100080000010000ff0200090c07e50713010f2e2300ff8880",
        "c501c100",
        "0f40000001000204090c07e50713010f2e2300ff88801100060000139106000000ff",
        "6036a1090607608574050801018a0207808b0760857405080201ac0a80083132333435363738be10040e01000000065f1f0400007e1f04b0",
    )
]


def timed(work: Callable[[bytes], object], count: int) -> float:
    """Return microseconds of CPU for one APDU."""
    many = (APDUS * (count // len(APDUS) + 1))[:count]
    begin = process_time()
    for octets in many:
        work(octets)
    return (process_time() - begin) * 1e6 / count


def gurux() -> Callable[[bytes], object]:
    from gurux_dlms import GXDLMSTranslator  # type: ignore[import-untyped]
    from gurux_dlms.enums import TranslatorOutputType  # type: ignore[import-untyped]

    translator = GXDLMSTranslator(TranslatorOutputType.SIMPLE_XML)
    translator.comments = False

    def to_xml(octets: bytes) -> object:
        with contextlib.redirect_stdout(io.StringIO()):
            return translator.pduToXml(octets.hex())

    return to_xml


def jobs() -> list[dict[str, object]]:
    from meterkit.dlms.translate import documents, translate
    from meterkit.tree import text

    ready = {octets: documents.to_json(octets) for octets in APDUS}
    peer = gurux()
    to_json = Job(
        "DLMS APDUs to JSON",
        "us CPU an APDU",
        ours=lambda: timed(lambda octets: json.dumps(documents.to_json(octets)), COUNT),
        floor=lambda: timed(lambda octets: json.dumps(ready[octets]), COUNT),
        rounds=5,
    ).run()
    to_json["note"] = f"{float(str(to_json['ours'])) * COUNT / 1e6:.2f} s for {COUNT}"
    to_xml = Job(
        "DLMS APDUs to XML",
        "us CPU an APDU",
        ours=lambda: timed(documents.to_xml, COUNT),
        peers={"gurux-dlms": lambda: timed(peer, PEER_COUNT)},
        rounds=5,
    ).run()
    from_json = Job(
        "DLMS APDUs from JSON",
        "us CPU an APDU",
        ours=lambda: timed(lambda octets: documents.from_json(ready[octets]), COUNT),
        rounds=5,
    ).run()
    to_text = Job(
        "DLMS APDUs to a tree in text",
        "us CPU an APDU",
        ours=lambda: timed(lambda octets: text(translate(octets)), COUNT),
        rounds=5,
    ).run()
    return [to_json, to_xml, from_json, to_text]


if __name__ == "__main__":
    main(jobs, __doc__)
