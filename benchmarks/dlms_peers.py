"""The peers of `benchmarks.dlms`, each in a process of its own, over a socket that blocks.

    python -m benchmarks.dlms_peers gurux|dlms_cosem PORT gets|profile

The last line printed is the CPU spent: microseconds a GET, milliseconds a profile.
"""

from __future__ import annotations

import socket
import sys
from time import process_time

from benchmarks.dlms import GETS, ROWS


class Wrapper:
    """Whole WRAPPER messages over a blocking socket."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, octets: bytes) -> bytes:
        self.socket.sendall(octets)
        answer = self.socket.recv(65536)
        while len(answer) < 8 or len(answer) < 8 + int.from_bytes(answer[6:8], "big"):
            answer += self.socket.recv(65536)
        return answer


def gurux(port: int, job: str) -> float:
    from gurux_dlms.enums import Authentication, InterfaceType
    from gurux_dlms.GXDLMSClient import GXDLMSClient
    from gurux_dlms.GXReplyData import GXReplyData
    from gurux_dlms.objects import GXDLMSProfileGeneric, GXDLMSRegister

    client = GXDLMSClient(True, 16, 1, Authentication.NONE, None, InterfaceType.WRAPPER)
    line = Wrapper(port)

    def ask(request: bytes, reply: GXReplyData) -> None:
        client.getData(bytearray(line.ask(bytes(request))), reply)

    reply = GXReplyData()
    for request in client.aarqRequest():
        ask(request, reply)
    client.parseAareResponse(reply.data)
    if job == "gets":
        register = GXDLMSRegister("1.0.1.8.0.255")
        begin = process_time()
        for _ in range(GETS):
            reply = GXReplyData()
            ask(client.read(register, 2)[0], reply)
            assert client.updateValue(register, 2, reply.value) == 5009
        return (process_time() - begin) / GETS * 1e6
    profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
    begin = process_time()
    reply = GXReplyData()
    ask(client.read(profile, 2)[0], reply)
    while reply.isMoreData():
        ask(client.receiverReady(reply), reply)
    assert len(reply.value) == ROWS
    return (process_time() - begin) * 1e3


def dlms_cosem(port: int, job: str) -> float:
    from dlms_cosem import cosem, enumerations, utils
    from dlms_cosem.client import DlmsClient
    from dlms_cosem.io import BlockingTcpIO, TcpTransport
    from dlms_cosem.security import NoSecurityAuthentication

    io = BlockingTcpIO(host="127.0.0.1", port=port)
    transport = TcpTransport(client_logical_address=16, server_logical_address=1, io=io, timeout=10)
    client = DlmsClient(transport=transport, authentication=NoSecurityAuthentication())
    client.connect()
    client.associate()
    if job == "gets":
        energy = cosem.Obis(1, 0, 1, 8, 0, 255)
        register = cosem.CosemAttribute(enumerations.CosemInterface.REGISTER, energy, 2)
        begin = process_time()
        for _ in range(GETS):
            assert utils.parse_as_dlms_data(client.get(register)) == 5009
        return (process_time() - begin) / GETS * 1e6
    buffer = cosem.Obis(1, 0, 99, 1, 0, 255)
    profile = cosem.CosemAttribute(enumerations.CosemInterface.PROFILE_GENERIC, buffer, 2)
    begin = process_time()
    assert len(utils.parse_as_dlms_data(client.get(profile))) == ROWS
    return (process_time() - begin) * 1e3


if __name__ == "__main__":
    print(globals()[sys.argv[1]](int(sys.argv[2]), sys.argv[3]))
