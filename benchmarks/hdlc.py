"""One HDLC frame with 128 octets of information: encoded, decoded, and found in what came off a line.

The floor is `binascii.crc_hqx` over the same octets, once for the HCS and once for the FCS.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from functools import partial
from time import process_time

from benchmarks.harness import Job, main

TIMES = 2000
INFORMATION = bytes(range(128))


def per_frame(function: Callable[[], object], times: int = TIMES) -> float:
    """Return microseconds of CPU a frame."""
    begin = process_time()
    for _ in range(times):
        function()
    return (process_time() - begin) * 1e6 / times


def checks(header: bytes, body: bytes) -> None:
    binascii.crc_hqx(header, 0xFFFF)
    binascii.crc_hqx(body, 0xFFFF)


def gurux(octets: bytes) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return gurux-dlms's ways to encode and to decode the frame."""
    from gurux_dlms import GXByteBuffer, GXDLMSClient, GXReplyData
    from gurux_dlms.GXDLMS import GXDLMS

    settings = GXDLMSClient(True, 16, 1).settings
    settings.serverAddress, settings.serverAddressSize = 0x91, 2  # logical 1, physical 17

    def encode() -> bytes:
        data = GXByteBuffer(INFORMATION)
        settings.hdlc.maxInfoTX = 128 + 3  # it takes 3 octets off a message's first frame
        return bytes(GXDLMS.getHdlcFrame(settings, 0x30, data))

    def decode() -> bytes:
        settings.receiverFrame = 0x0E  # the number before the frame's, so that it is expected
        settings.senderFrame = 0x10
        received = GXByteBuffer(octets)
        if GXDLMS.getHdlcData(False, settings, received, GXReplyData(), None) != 0x30:
            return b""
        return bytes(received.array()[received.position : received.position + len(INFORMATION)])

    return encode, decode


def dlms_cosem(octets: bytes) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return dlms-cosem's ways to encode and to decode the frame."""
    from dlms_cosem.hdlc.address import HdlcAddress
    from dlms_cosem.hdlc.frames import InformationFrame

    meter, client = HdlcAddress(1, 17, "server"), HdlcAddress(16, None, "client")

    def encode() -> bytes:
        return InformationFrame(
            meter, client, INFORMATION, send_sequence_number=0, receive_sequence_number=1, final=True
        ).to_bytes()

    return encode, lambda: InformationFrame.from_bytes(octets)


def jobs() -> list[dict[str, object]]:
    from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
    from meterkit.dlms.hdlc.reader import HdlcReader

    meter, client = HdlcAddress(1, 17), HdlcAddress(16)
    control = HdlcControl(HdlcFrameType.INFORMATION, True, 0, 1)
    answer = HdlcFrame(client, meter, control, INFORMATION).encode()
    reader = HdlcReader()
    body = answer[1:-1]
    floor = partial(per_frame, partial(checks, body[:6], body[:-2]))
    gurux_encode, gurux_decode = gurux(answer)
    cosem_encode, cosem_decode = dlms_cosem(answer)

    def encode() -> bytes:
        return HdlcFrame(meter, client, control, INFORMATION).encode()

    if not encode() == gurux_encode() == cosem_encode() or gurux_decode() != INFORMATION:
        raise AssertionError("the contenders do not do the same work")
    peers = {"gurux-dlms": gurux_decode, "dlms-cosem": cosem_decode}
    decoders = {name: partial(per_frame, peer, TIMES // 10) for name, peer in peers.items()}
    encoders = {
        "gurux-dlms": partial(per_frame, gurux_encode, TIMES // 10),
        "dlms-cosem": partial(per_frame, cosem_encode, TIMES // 10),
    }
    unit = "us CPU a frame"
    return [
        Job("HDLC frame of 128 octets, encode", unit, partial(per_frame, encode), floor, encoders).run(),
        Job(
            "HDLC frame of 128 octets, decode",
            unit,
            partial(per_frame, lambda: HdlcFrame.decode(answer)),
            floor,
            decoders,
        ).run(),
        Job(
            "HDLC frame of 128 octets, found by the reader",
            unit,
            partial(per_frame, lambda: reader.feed(answer)),
            floor,
            decoders,
        ).run(),
    ]


if __name__ == "__main__":
    main(jobs, __doc__)
