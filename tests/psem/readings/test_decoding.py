"""`client.decode`: any table by its number, pending, the user's own; the guide's on OSGP meters only."""

import json

import pytest

from meterkit.errors import ErrorKind
from meterkit.psem.tables import (
    ActRegs,
    Calendar,
    EdModeStatus,
    MepDeviceData,
    PendingTable,
    TableData,
    TableRegistry,
)
from meterkit.result import Err
from tests.psem.readings.meters import american_meter, osgp_meter
from tests.psem.readings.test_registers import tables_read
from tests.psem.rig import connected
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.mark.parametrize("firmware", ["2.10", "3.70", "4.30"])
async def test_every_declared_table_that_the_meter_has_decodes(firmware):
    emulator = osgp_meter(firmware)
    async with connected(emulator) as (client, _):
        for table in client.registry:
            if table.number in emulator.tables and table is not Calendar:  # needs ST51, which is not there
                data = (await client.read_table(table.number)).unwrap()
                record = (await client.decode(data)).unwrap()
                assert isinstance(record, table)
                assert data.data == emulator.tables[table.number]


async def test_the_guides_tables_are_declared_on_osgp_meters_only():
    async with connected(american_meter()) as (client, _):
        assert (await client.decode(TableData(2064, b"whatever"))).unwrap() is None
        assert (await client.decode(TableData(3, bytes(8)))).unwrap().label() == "BT03"
    async with connected(osgp_meter("3.70")) as (client, _):
        data = (await client.read_table(2064)).unwrap()
        assert isinstance((await client.decode(data)).unwrap(), MepDeviceData)


async def test_a_table_without_a_declaration_is_none():
    async with connected(osgp_meter("3.70")) as (client, _):
        assert (await client.decode(TableData(8, bytes(4)))).unwrap() is None


async def test_a_pending_table_has_its_event_and_its_data():
    async with connected(osgp_meter("3.70")) as (client, _):
        octets = bytes.fromhex("02 6d65000000" + "01 0000 00 00000000 00")
        record = (await client.decode(TableData(4096 + 3, octets))).unwrap()
    assert isinstance(record, PendingTable)
    assert record.event.activation == b"me\0\0\0"
    assert isinstance(record.data, EdModeStatus)


async def test_octets_that_do_not_fit_are_an_error():
    async with connected(osgp_meter("3.70")) as (client, _):
        cut = await client.decode(TableData(21, b"\x03\x0c\x00"))
    assert isinstance(cut, Err)
    assert cut.error.kind is ErrorKind.DECODE
    assert cut.error.where.startswith("BT21 ")


async def test_a_definition_from_json_reads_and_decodes(tmp_path):
    file = tmp_path / "levels.json"
    file.write_text(
        json.dumps(
            {
                "name": "Levels",
                "number": 2148,
                "fields": [
                    {"name": "count", "type": "UINT8"},
                    {"name": "levels", "type": "UINT16", "count": "count"},
                    {"name": "tiers", "type": "UINT8", "condition": "ActRegs.nbr_tiers > 0"},
                ],
            }
        )
    )
    emulator = osgp_meter("3.70")
    emulator.tables.write_table(2148, bytes.fromhex("02 0100 0200 07"))
    async with connected(emulator) as (client, transport):
        levels = client.registry.load_json(file)
        record = (await client.read(levels)).unwrap()
        assert record.levels == (1, 2)
        assert record.tiers == 7
        assert ActRegs.number in tables_read(transport)


def test_a_number_that_is_taken_is_not_taken_over_by_accident(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text('{"name": "Mine", "number": 21, "fields": [{"name": "x", "type": "UINT8"}]}')
    registry = TableRegistry()
    with pytest.raises(ValueError, match="ST21 is already ActRegs"):
        registry.load_json(file)
    assert registry.load_json(file, replace=True) is registry.get(21)
