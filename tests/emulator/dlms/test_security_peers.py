"""gurux-dlms and dlms-cosem associate with the secured meter by all they know, read it and release."""

import pytest

from meterkit.emulator import serve_tcp
from meterkit.emulator.dlms.application import Application
from tests.emulator.dlms.meters import run_client
from tests.emulator.dlms.secured import CLIENT_TITLE, SAP, SECRET, keys_of, secured_meter

pytestmark = pytest.mark.anyio

DEDICATED = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
READING = ["identity", "registers", "profile"]
KEYS = {
    "title": CLIENT_TITLE.hex(),
    "encryption_key": keys_of(0)[0].hex(),
    "authentication_key": keys_of(0)[1].hex(),
}


async def run(script, emulator, **settings):
    async with serve_tcp(emulator) as server:
        return await run_client(script, port=server.port, client=SAP, **settings)


def check(seen, emulator):
    assert seen["clock"] == "2026-11-21T11:37:12+01:00"
    assert seen["name"] == "MKT20260001"
    assert seen["energy"] == int(emulator.household.energy(emulator.now())[0])
    assert seen["rows"] == 40
    assert seen["by_range"] == seen["whole_slice"]


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize(
    ("mechanism", "policy", "control"),
    [
        (2, "none", 0),
        (3, "none", 0),
        (4, "none", 0),
        (5, "none", 0),
        (6, "none", 0),
        (5, "authentication", 0x10),
        (5, "encryption", 0x20),
        (5, "authentication_encryption", 0x30),
        (1, "authentication_encryption", 0x30),
        (3, "authentication_encryption", 0x30),
        (6, "authentication_encryption", 0x30),
    ],
)
async def test_gurux_proves_itself_and_reads_what_is_ciphered(interface, mechanism, policy, control):
    authentication = "low" if mechanism == 1 else f"hls{mechanism}"
    emulator = secured_meter(
        authentication,
        keys={"policy": policy},
        interface=interface,
        profile={"rows": 40},
        max_pdu_transmit=400,
    )
    seen = await run(
        "gurux_client.py",
        emulator,
        interface=interface,
        mechanism=mechanism,
        password=None if mechanism == 5 else SECRET.decode(),
        security=control,
        jobs=READING,
        **KEYS,
    )
    check(seen, emulator)


@pytest.fixture
def tags(monkeypatch):
    """The first octets of what the meter was sent."""
    seen = []
    process = Application.process

    def recorded(application, apdu):
        seen.append(apdu[0])
        return process(application, apdu)

    monkeypatch.setattr(Application, "process", recorded)
    return seen


@pytest.mark.parametrize(
    ("is_general", "dedicated_key", "tag"),
    [
        (False, None, 0xC8),
        (False, DEDICATED, 0xD0),
        (True, None, 0xDB),
        (True, DEDICATED, 0xDC),
    ],
)
async def test_gurux_ciphers_by_service_or_in_general_by_the_global_or_a_dedicated_key(
    is_general, dedicated_key, tag, tags
):
    emulator = secured_meter(profile={"rows": 40}, max_pdu_transmit=400)
    dedicated = {} if dedicated_key is None else {"dedicated_key": dedicated_key}
    seen = await run(
        "gurux_client.py",
        emulator,
        interface="wrapper",
        mechanism=5,
        security=0x30,
        is_general=is_general,
        jobs=READING,
        **dedicated,
        **KEYS,
    )
    check(seen, emulator)
    assert tags.count(tag) > 10


async def test_dlms_cosem_proves_itself_by_gmac_and_reads_general_glo_ciphering():
    emulator = secured_meter(profile={"rows": 40}, max_pdu_transmit=500)
    seen = await run("dlms_cosem_client.py", emulator, jobs=READING, counter=1, **KEYS)
    check(seen, emulator)
    assert emulator.security.client(SAP).received > 10
