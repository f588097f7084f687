"""Whatever a meter answers, readings and duties give a Result: no exception, no endless asking."""

import random
from datetime import date, datetime

import pytest

from meterkit import Err, Ok
from meterkit.codec import axdr
from meterkit.emulator.dlms.cosem_object import fixed
from tests.dlms.rig import NOW, connected, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

ODD = (
    axdr.encode_null(),
    axdr.encode_boolean(True),
    axdr.encode_integer(-128),
    axdr.encode_integer(127),
    axdr.encode_unsigned(255),
    axdr.encode_enum(200),
    axdr.encode_double_long_unsigned(0),
    axdr.encode_double_long_unsigned(0xFFFFFFFF),
    bytes.fromhex("177fc00000"),  # NaN
    bytes.fromhex("18fff0000000000000"),  # minus infinity
    axdr.encode_octet_string(b""),
    axdr.encode_octet_string(b"\x1b[2J\r\n=cmd()"),
    axdr.encode_octet_string(bytes(12)),
    axdr.encode_octet_string(b"\xff" * 12),
    axdr.encode_octet_string(bytes.fromhex("07ea021e01173b3b637fff80")),
    axdr.encode_visible_string("\x1b]0;x\x07"),
    axdr.encode_array([]),
    axdr.encode_array([axdr.encode_array([axdr.encode_null()])]),
    axdr.encode_structure([axdr.encode_integer(127), axdr.encode_enum(255)]),
    axdr.encode_structure([axdr.encode_integer(-1)]),
    bytes.fromhex("0405f8"),  # bits
    bytes.fromhex("13"),  # a compact array cut short
    bytes.fromhex("09ff"),  # a length cut short
    b"",
    b"\xee",
)
CALLS = {
    "measure": lambda client: client.measure("1-0:1.8.0"),
    "measure extended": lambda client: client.measure("1-0:1.6.0"),
    "measure demand": lambda client: client.measure("1-0:1.4.0"),
    "table": lambda client: client.register_table("1-0:32.7.255"),
    "identity": lambda client: client.identity(),
    "clock": lambda client: client.read_clock(now=lambda: NOW),
    "set clock": lambda client: client.set_clock(now=lambda: NOW),
    "events": lambda client: client.events(),
    "billing": lambda client: client.billing(since=datetime(2026, 10, 1)),
    "limiter": lambda client: client.read_limiter(),
    "disconnector": lambda client: client.read_disconnector(),
    "disconnect": lambda client: client.disconnect_supply(),
    "calendar": lambda client: client.read_calendar(),
    "special days": lambda client: client.special_days(),
    "insert": lambda client: client.insert_special_day(7, date(2026, 1, 1), 1),
    "push setup": lambda client: client.read_push_setup(),
    "scripts": lambda client: client.scripts("0-0:10.0.106"),
    "devices": lambda client: client.logical_devices(),
    "firmware status": lambda client: client.firmware_status(),
    "firmware": lambda client: client.update_firmware(bytes(300), b"MKT", patience=10.0, activate=True),
    "firmware resumed": lambda client: client.update_firmware(bytes(300), b"MKT", patience=10.0, resume=True),
    "view": lambda client: client.objects(),
    "typed view": lambda client: client.typed_objects(),
}


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", CALLS)
async def test_odd_answers_give_a_result(name, seed):
    choose = random.Random(f"{name} {seed}")
    emulator = meter()
    for one in emulator.device.objects:
        for index in [*one.attributes][1:]:
            if choose.random() < 0.6:
                one.attributes[index] = fixed(choose.choice(ODD))
    async with connected(emulator, manager=True) as (client, wire):
        before = len(wire.log)
        answer = await CALLS[name](client)

    assert isinstance(answer, Ok | Err)
    assert len(wire.log) - before < 400
