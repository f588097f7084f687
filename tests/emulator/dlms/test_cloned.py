"""Meters from a file: what may stand in one, what is wrong in it, values that move; gurux-dlms reads one."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from meterkit.codec import axdr
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.descriptors import ActionResult, DataAccessResult
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cloning import save_meter
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator import EmulatorTransport, serve_tcp
from meterkit.emulator.dlms import Clearance, DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.cloned.meter_file import parse_meter_file
from meterkit.emulator.dlms.object_view import ObjectView
from tests.emulator.dlms.meters import NOW, make_meter, run_client

ENERGY = {
    "class_id": 3,
    "version": 0,
    "obis": "1-0:1.8.0",
    "attributes": {
        "1": {"access": ["read"]},
        "2": {"access": ["read", "write"], "value": {"type": "double-long-unsigned", "value": 4294967290}},
    },
    "methods": {"1": {"access": ["execute"]}, "2": {"access": []}},
}
SAVED = NOW - timedelta(hours=1)


def file_of(*objects, **members):
    head = {"schema": "meterkit.meter/1", "saved": SAVED.isoformat()}
    return head | members | {"objects": list(objects)}


def changed(place, value, one=ENERGY):
    """Return an object with one member changed; `place` leads there by dots."""
    document = json.loads(json.dumps(one))
    *path, last = place.split(".")
    inner = document
    for name in path:
        inner = inner[name]
    inner[last] = value
    return document


def served(*objects, moments=(NOW,), **members):
    configuration = DlmsEmulatorConfiguration(objects=file_of(*objects, **members))
    return DlmsMeterEmulator(configuration, clock=lambda: moments[0])


def view_of(meter, clearance=Clearance.PUBLIC):
    return ObjectView(meter.device.objects, clearance)


SCALER = {"type": "structure", "value": [{"type": "integer", "value": 0}, {"type": "enum", "value": 30}]}


def push_setup(*named):
    """Return a push setup over attributes: class_id, OBIS code, attribute."""
    items = [
        {
            "type": "structure",
            "value": [
                {"type": "long-unsigned", "value": class_id},
                {"type": "octet-string", "value": ObisCode.parse(obis).to_bytes().hex()},
                {"type": "integer", "value": index},
                {"type": "long-unsigned", "value": 0},
            ],
        }
        for class_id, obis, index in named
    ]
    listed = {"value": {"type": "array", "value": items}}
    return {"class_id": 40, "obis": "0-0:25.9.0", "attributes": {"2": listed}, "methods": {"1": {}}}


def value_of(meter, index=2, number=0):
    view = view_of(meter)
    octets = view.read(view.objects[number], index)
    assert isinstance(octets, bytes), octets
    return axdr.decode(octets)


def test_a_file_may_be_short_a_name_needs_no_saving():
    meter = served(changed("attributes", {"1": {}, "2": {"value": {"type": "unsigned", "value": 7}}}))
    assert value_of(meter) == 7
    assert value_of(meter, 1) == bytes.fromhex("0100010800ff")


def test_classes_nobody_knows_are_served_all_the_same():
    meter = served(changed("class_id", 9999), changed("obis", "0-0:1.2.3"))
    assert [one.class_id for one in meter.device.objects] == [9999, 3]
    assert value_of(meter) == 4294967290


def test_methods_are_refused_by_their_rights_and_where_nothing_is_behind_them():
    meter = served(ENERGY, changed("class_id", 9999))
    view = view_of(meter)
    energy, unknown = view.objects
    assert view.invoke(energy, 2, None)[0] is ActionResult.READ_WRITE_DENIED
    assert view.invoke(unknown, 1, None)[0] is ActionResult.OTHER_REASON
    assert view.invoke(energy, 1, b"\x0f\x00")[0] is ActionResult.SUCCESS
    assert value_of(meter) == 0


def test_refused_attributes_are_refused_with_the_saved_result():
    meter = served(changed("attributes.2", {"refused": "temporary-failure"}))
    view = view_of(meter)
    assert view.read(view.objects[0], 2) is DataAccessResult.TEMPORARY_FAILURE


def test_who_writes_needs_the_clearance_that_the_file_asks_for():
    meter = served(ENERGY, writer="manager")
    five = axdr.encode_double_long_unsigned(5)
    for clearance, result in (
        (Clearance.PUBLIC, DataAccessResult.READ_WRITE_DENIED),
        (Clearance.MANAGER, DataAccessResult.SUCCESS),
    ):
        view = view_of(meter, clearance)
        assert view.write(view.objects[0], 2, five) is result
    assert value_of(meter) == 5


# ---------------------------------------------------------------- values that move
def moving(generator, value=None):
    one = changed("attributes.2.generator", generator)
    return one if value is None else changed("attributes.2.value", value, one)


def test_counting_goes_on_from_when_the_file_was_saved_wraps_and_restarts_when_written():
    moments = [SAVED]
    meter = served(moving({"kind": "counting", "per_hour": 12}), moments=moments)
    assert value_of(meter) == 4294967290
    moments[0] = NOW
    assert value_of(meter) == 6
    view = view_of(meter, Clearance.MANAGER)
    view.write(view.objects[0], 2, axdr.encode_double_long_unsigned(100))
    moments[0] = NOW + timedelta(minutes=30)
    assert value_of(meter) == 106


@pytest.mark.parametrize(
    ("value", "expected"),
    [({"type": "long", "value": 10}, -110), ({"type": "float64", "value": 1.5}, -118.5)],
)
def test_counting_goes_down_too_and_keeps_the_type(value, expected):
    assert value_of(served(moving({"kind": "counting", "per_hour": -120}, value))) == expected


def test_random_values_lie_between_two_and_are_the_same_at_the_same_time():
    moments = [NOW]
    drawn = moving({"kind": "random", "least": 2250, "most": 2350, "every": 60})
    meter, other = served(drawn, moments=moments), served(drawn, moments=moments)
    seen = []
    for minute in range(20):
        moments[0] = NOW + timedelta(minutes=minute)
        assert value_of(meter) == value_of(other)
        seen.append(value_of(meter))
    assert len(set(seen)) > 10
    assert all(2250 <= value <= 2350 for value in seen)


def test_a_value_may_follow_the_household():
    meter = served(moving({"kind": "household", "quantity": "1-0:1.8.0"}))
    assert value_of(meter) == int(meter.household.energy(NOW)[0])


def test_a_value_may_be_the_meters_time():
    meter = served(moving({"kind": "clock"}))
    assert value_of(meter) == meter.device.local.octets(NOW)


# ---------------------------------------------------------------- what it says unasked
def test_a_push_carries_what_the_saved_push_setup_names():
    clone = make_meter(objects=file_of(push_setup([3, "1-0:1.8.0", 2], [3, "1-0:9.9.9", 2]), ENERGY))
    assert axdr.decode(decode_apdu(clone.notification()).body) == (4294967290, None)


def test_meters_without_a_push_setup_or_a_clock_push_next_to_nothing():
    assert served(ENERGY).notification()[-2:] == b"\x02\x00"
    short = served(changed("base_name", 256), referencing="short_name")
    assert decode_apdu(short.notification()).variables == ()


def test_a_data_readout_has_the_saved_registers():
    scaled = changed("attributes.3", {"value": SCALER})
    assert served(scaled).readout() == [(ObisCode(1, 0, 1, 8, 0), 4294967290, 0, 30)]
    assert served(ENERGY).readout() == []


# ---------------------------------------------------------------- broken files
OBJECT = "objects[0] (3/1-0:1.8.0*255)"
NAMED = ENERGY | {"base_name": 256}
SHORT = "with short names, which count on from the base name"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "meter: an object with schema and objects expected, [] came"),
        ({"objects": []}, 'schema: "meterkit.meter/1" expected, nothing came'),
        (file_of(), "objects: 1 to 10000 objects expected, 0 came"),
        (file_of(ENERGY, ENERGY), "objects[1]: 3/1-0:1.8.0*255 is objects[0], too"),
        (file_of(ENERGY, referencing="names"), "referencing: one of logical_name, short_name expected"),
        (
            file_of(ENERGY, referencing="short_name"),
            f"{OBJECT}.base_name: with short names",
        ),
        (file_of(ENERGY, saved="yesterday"), "saved: a time with its offset"),
        (file_of(ENERGY, writer="me"), "writer: one of public, reader, manager expected, 'me' came"),
        (file_of(5), "objects[0]: an object expected, 5 came"),
        (file_of(changed("obis", "1.8")), "objects[0].obis: an OBIS code such as 1-0:1.8.0*255 expected"),
        (file_of(changed("class_id", 70000)), "objects[0].class_id: a whole number, 0 to 65535, expected"),
        (file_of(changed("attributs", {})), f"{OBJECT}: "),
        (file_of(changed("attributes", {"two": {}})), 'attributes and methods by number, such as "2",'),
        (file_of(changed("attributes", {"0": {}})), f"{OBJECT}: attributes and methods by number"),
        (file_of(changed("attributes", {"2": {}, "02": {}})), f"{OBJECT}: attributes and methods by number"),
        (file_of(changed("methods", {"+1": {}})), "by number, such as \"2\", expected, '+1' came"),
        (
            file_of(changed("attributes.-1", {}, NAMED), referencing="short_name"),
            f"{OBJECT}: {SHORT}, numbers from 1 expected, '-1' came",
        ),
        (
            file_of(changed("methods.-2", {}, NAMED), referencing="short_name"),
            f"{OBJECT}: {SHORT}, numbers from 1 expected, '-2' came",
        ),
        (file_of(changed("attributes.2", {"acess": []})), f"{OBJECT} attribute 2: "),
        (
            file_of(changed("attributes.2.access", ["reed"])),
            f"{OBJECT} attribute 2.access[0]: one of read, write,",
        ),
        (
            file_of(changed("attributes.2.value.value", "5")),
            f"{OBJECT} attribute 2.value.value: a whole number for double-long-unsigned expected, '5' came",
        ),
        (file_of(changed("attributes.2.refused", "no")), f"{OBJECT} attribute 2.refused: one of success"),
        (file_of(changed("methods.1.access", ["read"])), f"{OBJECT} method 1.access[0]: one of execute"),
        (file_of(moving({"kind": "script"})), f"{OBJECT} attribute 2.generator.kind: one of counting"),
        (file_of(moving({"kind": "counting"})), "generator.per_hour: a number expected, nothing came"),
        (
            file_of(moving({"kind": "counting", "per_hour": 1}, {"type": "null-data"})),
            "generator: it needs a number beside it to begin with, null-data came",
        ),
        (
            file_of(moving({"kind": "household", "quantity": "1-0:9.9.9"})),
            "generator.quantity: one of 1-0:1.8.0*255",
        ),
        (file_of(moving({"kind": "random", "least": 2, "most": 1})), "generator.most: at least 2"),
    ],
)
def test_a_broken_file_is_told_with_object_attribute_and_what_was_expected(document, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_meter_file(document)


def test_a_configuration_with_a_broken_meter_says_so():
    with pytest.raises(ValidationError, match="double-long-unsigned expected"):
        DlmsEmulatorConfiguration(objects=file_of(changed("attributes.2.value.value", "5")))


def test_an_edited_profile_with_odd_rows_is_served_as_it_stands():
    rows = {"type": "array", "value": [{"type": "unsigned", "value": 1}]}
    profile = {"class_id": 7, "version": 1, "obis": "1-0:99.1.0", "attributes": {"2": {"value": rows}}}
    meter = served(profile)
    assert value_of(meter) == [1]


# ---------------------------------------------------------------- an independent client
async def clone_of(original, **options):
    transport = EmulatorTransport(original)
    async with DlmsClient(transport) as client:
        (await client.connect()).unwrap()
        document = (await save_meter(client, clock=lambda: datetime.now(UTC))).unwrap()
    return make_meter(objects=json.loads(json.dumps(document)), **options)


@pytest.mark.anyio
async def test_gurux_reads_the_clones_view_and_values_as_the_originals():
    original = make_meter(profile={"rows": 30})
    jobs = ["identity", "registers", "view", "profile", "list"]
    seen = []
    for meter in (original, await clone_of(original)):
        async with serve_tcp(meter) as server:
            settings = {"interface": "wrapper", "client": 16, "jobs": jobs, "port": server.port}
            seen.append(await run_client("gurux_client.py", **settings))
    assert seen[0] == seen[1]
    assert seen[1]["rows"] == 30
    assert [7, "1.0.99.1.0.255"] in [one[:2] for one in seen[1]["view"]]
