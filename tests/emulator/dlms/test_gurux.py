"""gurux-dlms, a client that owes us nothing, reads and writes the emulated meter."""

import pytest

from meterkit.emulator import serve_tcp
from tests.emulator.dlms.meters import PASSWORD, make_meter, run_client

pytestmark = pytest.mark.anyio

SCRIPT = "gurux_client.py"
COLUMNS = [
    [8, "0.0.1.0.0.255"],
    [1, "0.0.96.10.1.255"],
    [3, "1.0.1.8.0.255"],
    [3, "1.0.2.8.0.255"],
    [3, "1.0.3.8.0.255"],
    [3, "1.0.4.8.0.255"],
    [3, "1.0.1.7.0.255"],
    [3, "1.0.2.7.0.255"],
]
UNKNOWN_TO_GURUX = {61}  # its view leaves out what it has no class for
READING = ["identity", "registers", "view", "profile", "list", "refusals"]
BLOCK = (bytes(range(256)) * 8).hex()


async def run(emulator, **settings):
    async with serve_tcp(emulator) as server:
        return await run_client(SCRIPT, port=server.port, **settings)


def check_reading(seen, emulator):
    wh, exported = (int(energy) for energy in emulator.household.energy(emulator.now()))
    assert seen["clock"] == "2026-11-21T11:37:12+01:00"
    assert seen["name"] == "MKT20260001"
    assert seen["energy"] == wh
    assert seen["scaler_unit"] == [1.0, 30]
    assert seen["voltage"] == pytest.approx(emulator.household.voltage(emulator.now()), abs=0.06)
    assert seen["list"][:2] == [wh, exported]
    assert seen["missing"] == "refused 4"
    assert seen["denied"] == "refused 3"
    known = [one for one in emulator.device.objects if one.class_id not in UNKNOWN_TO_GURUX]
    shown = [[class_id, name] for class_id, name, _, _ in seen["view"]]
    assert len(shown) == len(known) + 1
    assert shown[-1] == [15, "0.0.40.0.0.255"]


def check_profile(seen, emulator):
    assert seen["columns"] == COLUMNS
    assert seen["entries_in_use"] == seen["rows"] == emulator.configuration.profile.rows
    assert seen["last_row"][0] == "2026-11-21T11:30:00+01:00"
    assert seen["by_range"] == seen["whole_slice"]
    assert seen["by_entry"] == seen["whole_slice"][:2]


def check_writing(seen):
    assert seen["written"] == b"written by gurux".hex()
    assert seen["written_in_blocks"] == BLOCK
    assert (seen["output_state"], seen["output_state_again"]) == (False, True)


async def test_gurux_reads_everything_over_wrapper_without_a_password():
    emulator = make_meter()
    seen = await run(emulator, interface="wrapper", client=16, jobs=READING)
    check_reading(seen, emulator)
    check_profile(seen, emulator)


async def test_gurux_writes_and_switches_over_wrapper_with_a_password():
    seen = await run(make_meter(), interface="wrapper", client=1, password=PASSWORD, jobs=["write", "act"])
    check_writing(seen)


async def test_gurux_reads_and_writes_over_hdlc():
    emulator = make_meter(interface="hdlc", profile={"rows": 200})
    jobs = ["identity", "registers", "view", "profile", "list", "write", "act"]
    seen = await run(emulator, interface="hdlc", client=1, password=PASSWORD, jobs=[*jobs, "identity"])
    check_profile(seen, emulator)
    check_writing(seen)


async def test_gurux_reads_in_small_information_fields_and_addresses_of_four_octets():
    # gurux-dlms takes no more than one frame in a row, whatever window it negotiates; it proposes one.
    emulator = make_meter(interface="hdlc", hdlc={"window_transmit": 1}, profile={"rows": 50})
    seen = await run(
        emulator,
        interface="hdlc",
        client=1,
        password=PASSWORD,
        jobs=["identity", "profile", "write", "act"],
        window=7,
        info=64,
        address_size=4,
    )
    check_profile(seen, emulator)
    check_writing(seen)
    assert seen["frames"] > 100


@pytest.mark.parametrize("quirk", ["ignored_proposals", "ua_without_parameters"])
async def test_gurux_copes_with_a_link_that_is_odd(quirk):
    emulator = make_meter(interface="hdlc", quirks=[quirk])
    seen = await run(
        emulator, interface="hdlc", client=1, password=PASSWORD, jobs=["identity", "registers"], window=3
    )
    assert seen["name"] == "MKT20260001"


@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
async def test_gurux_views_and_reads_short_names(interface):
    emulator = make_meter(short_name_referencing=True, interface=interface)
    seen = await run(
        emulator, interface=interface, client=16, logical_names=False, jobs=["view", "view_values"]
    )
    assert seen["clock"] == "2026-11-21T11:37:12+01:00"
    assert seen["energy"] == int(emulator.household.energy(emulator.now())[0])
    assert seen["name"] == "MKT20260001"
    names = {name: base & 0xFFFF for _, name, _, base in seen["view"]}
    assert names["0.0.42.0.0.255"] == 0xFD00
    known = [one for one in emulator.device.objects if one.class_id not in UNKNOWN_TO_GURUX]
    assert len(seen["view"]) == len(known) + 1
