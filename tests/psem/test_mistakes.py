"""What a program does wrong raises at once, says what was expected and what came, and sends nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from meterkit import arguments
from meterkit.codec.layout import Record, array, item, octets, text
from meterkit.emulator import EmulatorTransport
from meterkit.psem.client import PsemClient
from meterkit.psem.tables import CurrentRegData, Table, TableData, TableRegistry
from meterkit.psem.tables.wire import UINT8
from tests.psem.readings.meters import osgp_meter
from tests.psem.rig import connected, line
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 10)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class NoNumber(Table):
    value = item(UINT8)


class NoTable(Record):
    value = item(UINT8)


CALLS = [
    (lambda c: c.read("ST1"), TypeError, "a Table class such as CurrentRegData expected, not 'ST1'"),
    (lambda c: c.read(1), TypeError, "a Table class"),
    (lambda c: c.read(NoTable), TypeError, "NoTable"),
    (lambda c: c.read(NoNumber), ValueError, "NoNumber has no number"),
    (lambda c: c.decode(23), TypeError, r"what read_table returned expected.*not 23"),
    (lambda c: c.read_table("1"), TypeError, "table_id '1': a whole number expected, not str"),
    (lambda c: c.read_table(1.0), TypeError, "table_id 1.0: a whole number expected"),
    (lambda c: c.read_table(CurrentRegData), TypeError, "not the class CurrentRegData"),
    (lambda c: c.read_table(-1), ValueError, "table_id -1: 0 to 65535 expected"),
    (lambda c: c.read_table(2**31), ValueError, "table_id 2147483648: 0 to 65535 expected"),
    (lambda c: c.read_table_offset(1, -1, 1), ValueError, "offset -1: 0 to"),
    (lambda c: c.read_table_offset(1, 0, 2**31), ValueError, "count 2147483648: 0 to"),
    (lambda c: c.read_table_offset(1, 0xFFFFFF, 2), ValueError, "24 bits"),
    (lambda c: c.read_table_offset(1, "0", 1), TypeError, "offset '0': a whole number"),
    (lambda c: c.read_table_offset(1, 0, 1.5), TypeError, "count 1.5: a whole number"),
    (lambda c: c.write_table(2095, "abc"), TypeError, "data: bytes expected, not str"),
    (lambda c: c.write_table(2095, 5), TypeError, "data: bytes expected, not int"),
    (lambda c: c.write_table_offset(2095, 0, [1]), TypeError, "data: bytes expected, not list"),
    (lambda c: c.read_table_index(23, 5), TypeError, "indices 5: 1 to 9 whole numbers expected"),
    (lambda c: c.read_table_index(23, ["a"]), TypeError, "index 'a': a whole number"),
    (lambda c: c.execute_standard_procedure("0"), TypeError, "procedure number '0': a whole number"),
    (lambda c: c.execute_standard_procedure(2048), ValueError, "procedure number 2048: 0 to 2047"),
    (lambda c: c.execute_manufacturer_procedure(1, "x"), TypeError, "parameters: bytes expected, not str"),
    (lambda c: c.wait(1.5), TypeError, "seconds 1.5: a whole number"),
    (lambda c: c.read_table_offset(23.0, 0, 4), TypeError, "table_id 23.0: a whole number"),
    (lambda c: c.read_table_offset(23, 0.0, 4), TypeError, "offset 0.0: a whole number"),
    (lambda c: c.registers("10"), ValueError, "1, 10 or 100, not '10'"),
    (lambda c: c.registers(1.0), ValueError, "1, 10 or 100, not 1.0"),
    (lambda c: c.self_reads("2026-03-10"), TypeError, "since '2026-03-10': a datetime expected, not str"),
    (lambda c: c.self_reads(NOW.replace(tzinfo=UTC)), ValueError, "without a zone"),
    (lambda c: c.events(date(2026, 3, 10)), TypeError, "a datetime expected, not date"),
    (lambda c: c.clock(60), TypeError, "utc_offset 60: a timedelta expected, not int"),
    (lambda c: c.procedures.set_date_time("now"), TypeError, "time 'now': a datetime expected"),
    (lambda c: c.procedures.remote_reset(season="2"), TypeError, "season '2': a whole number"),
    (lambda c: c.procedures.reset_list_pointers(None), TypeError, "list None: a whole number"),
    (lambda c: c.procedures.log_in(1, "secret"), TypeError, "password: bytes expected, not str"),
    # bytes(5) would be five zero octets, sent to a meter that switches loads
    (lambda c: c.procedures.direct_load_control(5), TypeError, "parameters: bytes expected, not int"),
    (lambda c: c.procedures.activate_specific_pending_tables("me"), TypeError, "tag: bytes expected"),
    (lambda c: c.procedures.activate_specific_pending_tables(timedelta(-1)), ValueError, "whole seconds"),
]


async def test_a_call_with_a_wrong_argument_raises_and_sends_nothing_of_it():
    async with connected(osgp_meter("3.70")) as (client, transport):
        (await client.identity()).unwrap()
        (await client.read_table_offset(23, 0, 4)).unwrap()  # known now, but not by numbers like these
        writes = transport.count(0x40) + transport.count(0x4F)
        for call, kind, told in CALLS:
            with pytest.raises(kind, match=told) as raised:
                await call(client)
            assert "secret" not in str(raised.value)
        assert transport.count(0x40) + transport.count(0x4F) == writes
        assert (await client.registers()).is_success


@pytest.mark.parametrize(
    ("call", "kind", "told"),
    [
        (lambda c: c.load_profile("1"), TypeError, "data_set '1': a whole number"),
        (lambda c: c.load_profile(5), ValueError, "data_set 5: 1 to 4"),
        (lambda c: c.load_profile(1, "2026"), TypeError, "since '2026': a datetime expected"),
        (lambda c: c.load_profile(1, None, 5), TypeError, "until 5: a datetime expected"),
        (lambda c: c.load_profile(1, NOW), ValueError, "an aware datetime is expected"),
        (lambda c: c.stream_table("23"), TypeError, "table_id '23': a whole number"),
        (lambda c: c.stream_table(23, 0), ValueError, "chunk_size 0: 1 to"),
        (lambda c: c.stream_table(23, None, -1), ValueError, "total_size -1: 0 to"),
    ],
)
def test_a_stream_with_a_wrong_argument_raises_when_it_is_made(call, kind, told):
    with pytest.raises(kind, match=told):
        call(PsemClient(line(osgp_meter("3.70"))))


@pytest.mark.parametrize("password", [5, ["k"], object()])
async def test_a_password_is_text_or_octets(password):
    async with PsemClient(line(osgp_meter("3.70"))) as client:
        with pytest.raises(TypeError, match="password: bytes expected"):
            await client.connect(password)


def test_a_client_takes_a_transport_options_and_a_registry():
    transport = line(osgp_meter("3.70"))
    with pytest.raises(TypeError, match=r"a Transport expected, not 'tcp://meter'; connect\(url\)"):
        PsemClient("tcp://meter")
    with pytest.raises(TypeError, match="a Transport expected, not None"):
        PsemClient(None)
    with pytest.raises(TypeError, match="a Transport expected"):
        PsemClient(EmulatorTransport)  # the class, not one of its objects
    with pytest.raises(TypeError, match=r"a PsemClientOptions expected, not \{\}"):
        PsemClient(transport, {})
    with pytest.raises(TypeError, match="a TableRegistry expected"):
        PsemClient(transport, None, [CurrentRegData])


def test_a_registry_takes_table_classes_with_a_number():
    registry = TableRegistry()
    for wrong in (5, None, NoTable, "ST1"):
        with pytest.raises(TypeError, match="a Table class"):
            registry.register(wrong)
    with pytest.raises(ValueError, match="NoNumber has no number"):
        registry.register(NoNumber)
    with pytest.raises(TypeError, match="table_id '1'"):
        TableData("1", b"")
    with pytest.raises(TypeError, match="data: bytes expected, not str"):
        TableData(1, "")


@pytest.mark.parametrize(
    ("declare", "kind", "told"),
    [
        (lambda: octets(-1), ValueError, "size -1: 0 to"),
        (lambda: octets("size"), TypeError, "size 'size': a whole number"),
        (lambda: text(1.5), TypeError, "size 1.5: a whole number"),
        (lambda: array(UINT8, -1), ValueError, "count -1: 0 to"),
        (lambda: array(UINT8, 2**40), ValueError, "count 1099511627776: 0 to"),
        (lambda: array(UINT8, "count"), TypeError, "count 'count': a whole number"),
        (lambda: array(UINT8), TypeError, "a count, or each="),
        (lambda: item(int), TypeError, "a type such as UINT8, or a Record class"),
        (lambda: item(UINT8, when=True), TypeError, "when=True: a field of a table"),
        (lambda: item(UINT8, since="3.10"), TypeError, r"since='3.10': a firmware version such as \(3, 10\)"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused_where_it_is_written(declare, kind, told):
    with pytest.raises(kind, match=told):
        declare()


def test_arguments_come_back_as_what_they_stand_for():
    class Three:
        def __index__(self):
            return 3

    assert arguments.whole("n", Three(), 0, 3) == 3
    assert arguments.octets("d", bytearray(b"ab")) == arguments.octets("d", memoryview(b"ab")) == b"ab"
    assert arguments.moment("t", NOW) is NOW
    assert arguments.duration("d", timedelta(1)) == timedelta(1)
