"""High level security and ciphering of an emulated meter with short names."""

import pytest

from meterkit.dlms.acse.apdus import Aarq, ApplicationContext
from meterkit.dlms.apdu.errors import ExceptionResponse
from meterkit.dlms.apdu.short_name import ParameterisedAccess, ReadRequest, VariableName, WriteRequest
from meterkit.dlms.security import Envelope, Security
from meterkit.emulator import serve_tcp
from tests.emulator.dlms.meters import CLOCK_OCTETS, run_client
from tests.emulator.dlms.secured import (
    CLIENT_TITLE,
    METER_TITLE,
    SAP,
    SECRET,
    SecuredClient,
    keys_of,
    secured_meter,
)

REPLY = 0xFA58
DEVICE_NAME = 0xFD08  # value of the logical device name


class ShortNameClient(SecuredClient):
    """The secured client with short names."""

    def aarq(self):
        names = ApplicationContext
        return Aarq(
            application_context=names.SHORT_NAME_CIPHERED if self.is_ciphered else names.SHORT_NAME,
            mechanism=self.mechanism,
            authentication_value=self.challenge,
            calling_ap_title=self.title,
            user_information=self.cipher.protect(self.initiate),
        ).encode()

    def prove(self, hls=None):
        proof = (hls or self.hls()).prove(self.unicast.take() if self.mechanism == 5 else None)
        parameters = bytes((9, len(proof))) + proof
        return self.request(ReadRequest((ParameterisedAccess(REPLY, 0, parameters),)))


def read_name(client):
    (value,) = client.request(ReadRequest((VariableName(DEVICE_NAME),))).results
    return value


@pytest.mark.parametrize("mechanism", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("policy", ["none", "authentication_encryption"])
@pytest.mark.parametrize("envelope", list(Envelope))
def test_both_ends_prove_themselves_by_a_read(mechanism, policy, envelope):
    emulator = secured_meter(f"hls{mechanism}", keys={"policy": policy}, short_name_referencing=True)
    client = ShortNameClient(emulator, mechanism, Security[policy.upper()], envelope=envelope)
    assert client.open().is_accepted
    assert client.aare.responding_ap_title == METER_TITLE
    assert client.request(ReadRequest((VariableName(DEVICE_NAME),))) == ExceptionResponse(1, 1)
    (returned,) = client.prove().results
    client.hls().check(returned[2:])
    assert read_name(client) == b"\x09\x0bMKT20260001"


def test_a_wrong_proof_ends_the_association():
    emulator = secured_meter("hls6", keys={"policy": "none"}, short_name_referencing=True)
    client = ShortNameClient(emulator, 6, Security.NONE)
    client.open()
    assert client.prove(client.hls(secret=b"another")).results == (3,)
    assert client.request(ReadRequest((VariableName(DEVICE_NAME),))) == ExceptionResponse(1, 1)


def test_the_proof_can_be_written_and_then_nothing_comes_back():
    emulator = secured_meter("hls6", keys={"policy": "none"}, short_name_referencing=True)
    client = ShortNameClient(emulator, 6, Security.NONE)
    client.open()
    proof = client.hls().prove()
    written = client.request(WriteRequest((VariableName(REPLY),), (bytes((9, len(proof))) + proof,)))
    assert written.results == (0,)
    assert read_name(client) == b"\x09\x0bMKT20260001"


def test_the_clock_is_read_ciphered_by_its_short_name():
    emulator = secured_meter(short_name_referencing=True)
    client = ShortNameClient(emulator)
    client.open()
    client.prove()
    objects = emulator.device.objects
    assert any(one.class_id == 64 for one in objects)
    services = next(iter(client.session.end._applications.values())).services
    base = next(base for base, one in services.short._names.bases.items() if one.class_id == 8)
    (value,) = client.request(ReadRequest((VariableName(base + 8),))).results
    assert value == CLOCK_OCTETS[1:] if value[0] != 9 else CLOCK_OCTETS[-14:]


@pytest.mark.anyio
@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize("mechanism", [3, 4, 5, 6])
async def test_gurux_proves_itself_by_a_write_and_reads_by_short_names(mechanism, interface):
    emulator = secured_meter(
        f"hls{mechanism}", keys={"policy": "none"}, short_name_referencing=True, interface=interface
    )
    async with serve_tcp(emulator) as server:
        seen = await run_client(
            "gurux_client.py",
            port=server.port,
            client=SAP,
            logical_names=False,
            interface=interface,
            mechanism=mechanism,
            password=None if mechanism == 5 else SECRET.decode(),
            title=CLIENT_TITLE.hex(),
            encryption_key=keys_of(0)[0].hex(),
            authentication_key=keys_of(0)[1].hex(),
            jobs=["view", "view_values"],
        )
    assert seen["clock"] == "2026-11-21T11:37:12+01:00"
    assert seen["energy"] == int(emulator.household.energy(emulator.now())[0])
    assert seen["name"] == "MKT20260001"
