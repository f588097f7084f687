"""A meter saved to a file and served from it: the same view, the same values, octet for octet."""

import json
from datetime import timedelta

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cloning import save_meter
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.object_list import CURRENT_LN_ASSOCIATION, CURRENT_SN_ASSOCIATION
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator, association_view
from meterkit.errors import ErrorKind
from meterkit.result import Err
from tests.dlms.rig import NOW, line, meter, options
from tests.dlms.security_rig import secured, secured_meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


NOTE = ObisCode(0, 0, 96, 13, 0)
SECRET = ObisCode(0, 0, 96, 1, 9)
KINDS = [
    {},
    {"interface": "hdlc"},
    {"association_version": 0},
    {"association_version": 3},
    {"short_name_referencing": True},
]


async def saved(emulator, **chosen):
    async with DlmsClient(line(emulator), options(emulator, **chosen)) as client:
        (await client.connect()).unwrap()
        document = (await save_meter(client, clock=lambda: NOW)).unwrap()
    return json.loads(json.dumps(document))


def served(document, clock=lambda: NOW, **configuration):
    return DlmsMeterEmulator(DlmsEmulatorConfiguration(objects=document, **configuration), clock=clock)


async def octets_of(emulator, document, **chosen):
    """Read the raw view and every attribute that the file knows; refusals by their message."""
    found = {}
    async with DlmsClient(line(emulator), options(emulator, **chosen)) as client:
        (await client.connect()).unwrap()
        view = (
            CURRENT_SN_ASSOCIATION if client.options.referencing == "short_name" else CURRENT_LN_ASSOCIATION
        )
        found["view"] = (await client.get_attribute(view.class_id, view.obis, view.attribute)).unwrap().data
        for one in document["objects"]:
            for index in one["attributes"]:
                result = await client.get_attribute(one["class_id"], one["obis"], int(index))
                told = result.error.message if isinstance(result, Err) else result.value.data
                found[one["class_id"], one["obis"], index] = told
    return found


@pytest.mark.parametrize("manager", [False, True], ids=["public", "manager"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_the_clone_shows_the_same_view_and_values_octet_for_octet(kind, manager):
    original = meter(profile={"rows": 40}, **kind)
    document = await saved(original, manager=manager)
    clone = served(document, interface=original.configuration.interface)
    seen = await octets_of(original, document, manager=manager)
    assert await octets_of(clone, document, manager=manager) == seen
    assert len(seen) > 150


async def test_a_clone_of_a_clone_is_the_same_file():
    document = await saved(meter(profile={"rows": 20}), manager=True)
    assert await saved(served(document), manager=True) == document


async def test_what_is_refused_is_saved_as_refused_and_secrets_are_left_out():
    document = await saved(meter(profile={"rows": 1}))
    objects = {(one["class_id"], one["obis"]): one for one in document["objects"]}
    assert objects[15, "0-0:40.0.0*255"]["attributes"]["7"]["refused"] == "read-write-denied"
    assert objects[1, str(SECRET)]["attributes"]["2"] == {"access": []}
    assert "12345678" not in json.dumps(document)


async def test_passwords_that_a_meter_would_show_are_not_even_read():
    secret = {"access": ["read"], "value": {"type": "octet-string", "text": "let me in"}}
    port = {"class_id": 19, "version": 1, "obis": "0-0:20.0.0", "attributes": {"1": {}, "7": secret}}
    meter_file = {"schema": "meterkit.meter/1", "objects": [port]}
    document = await saved(served(meter_file))
    (found,) = [one for one in document["objects"] if one["class_id"] == 19]
    assert found["attributes"]["7"] == {"access": ["read"], "refused": "read-write-denied"}
    assert b"let me in".hex() not in json.dumps(document)


async def test_of_a_profile_only_the_newest_rows_may_be_saved():
    original = meter(profile={"rows": 40})
    async with DlmsClient(line(original), options(original)) as client:
        (await client.connect()).unwrap()
        document = (await save_meter(client, rows=5, clock=lambda: NOW)).unwrap()
        whole = (await client.get_attribute(7, ObisCode.LOAD_PROFILE, 2)).unwrap().value
    clone = served(document)
    async with DlmsClient(line(clone), options(clone)) as client:
        (await client.connect()).unwrap()
        assert (await client.get_attribute(7, ObisCode.LOAD_PROFILE, 2)).unwrap().value == whole[-5:]
        assert (await client.get_attribute(7, ObisCode.LOAD_PROFILE, 7)).unwrap().value == 5


async def test_writes_change_the_clone_by_its_rights():
    clone = served(await saved(meter(profile={"rows": 1}), manager=True))
    async with DlmsClient(line(clone), options(clone, manager=True)) as client:
        (await client.connect()).unwrap()
        (await client.set_attribute(1, NOTE, 2, axdr.encode_octet_string(b"kitchen"))).unwrap()
        assert (await client.get_attribute(1, NOTE, 2)).unwrap().value == b"kitchen"
        wrong = await client.set_attribute(1, NOTE, 2, axdr.encode_unsigned(1))
        assert isinstance(wrong, Err)
        assert "type-unmatched" in wrong.error.message
        denied = await client.set_attribute(
            3, ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, 2, axdr.encode_unsigned(1)
        )
        assert isinstance(denied, Err)
        assert "read-write-denied" in denied.error.message
    async with DlmsClient(line(clone), options(clone)) as client:
        (await client.connect()).unwrap()
        assert (await client.get_attribute(1, NOTE, 2)).unwrap().value == b"kitchen"
        denied = await client.set_attribute(1, NOTE, 2, axdr.encode_octet_string(b""))
        assert isinstance(denied, Err)
        assert denied.error.kind is ErrorKind.REFUSED


async def test_the_clones_clock_goes_and_can_be_set_and_its_switch_switches():
    clone = served(await saved(meter(profile={"rows": 1}), manager=True))
    async with DlmsClient(line(clone), options(clone, manager=True)) as client:
        (await client.connect()).unwrap()
        later = axdr.encode_octet_string(clone.device.local.octets(NOW + timedelta(hours=2)))
        (await client.set_attribute(8, ObisCode.CLOCK, 2, later)).unwrap()
        assert (await client.get_attribute(8, ObisCode.CLOCK, 2)).unwrap().data == later
        (await client.action(70, ObisCode.DISCONNECT_CONTROL, 1, axdr.encode_integer(0))).unwrap()
        assert (await client.get_attribute(70, ObisCode.DISCONNECT_CONTROL, 3)).unwrap().value == 0


async def test_profiles_grow_on_with_what_the_clone_shows_at_the_end_of_each_period():
    document = await saved(meter(profile={"rows": 40}))
    moments = [NOW]
    clone = served(document, clock=lambda: moments[0])
    energy = next(o for o in document["objects"] if o["obis"] == "1-0:1.8.0*255")["attributes"]["2"]
    async with DlmsClient(line(clone), options(clone)) as client:
        (await client.connect()).unwrap()
        before = (await client.get_attribute(7, ObisCode.LOAD_PROFILE, 2)).unwrap().value
        moments[0] = NOW + timedelta(minutes=30)
        after = (await client.get_attribute(7, ObisCode.LOAD_PROFILE, 2)).unwrap().value
        assert after[:-2] == before[2:]  # 40 rows are kept
        assert [row[2] for row in after[-2:]] == [energy["value"]["value"]] * 2
        newest = Selection.by_range(NOW + timedelta(minutes=8), NOW + timedelta(minutes=30))
        rows = (await client.get_attribute(7, ObisCode.LOAD_PROFILE, 2, newest)).unwrap().value
        assert rows == after[-1:]


async def test_a_view_without_rights_is_saved_by_trying_what_the_classes_declare():
    document = await saved(meter(profile={"rows": 1}, short_name_referencing=True))
    for one in document["objects"]:
        one.pop("methods", None)
        if one["class_id"] == 12:
            one["attributes"]["3"]["access"] = []
    again = await saved(served(document))
    register = next(one for one in again["objects"] if one["obis"] == "1-0:1.8.0*255")
    assert list(register["attributes"]) == ["1", "2", "3"]
    assert all(one["base_name"] is not None for one in again["objects"])


async def test_a_line_that_fails_ends_the_saving_with_its_error():
    original = meter(profile={"rows": 1})
    async with DlmsClient(line(original), options(original)) as client:
        (await client.connect()).unwrap()
        original.faults.unanswered = 10_000
        answer = await save_meter(client)
    assert isinstance(answer, Err)
    assert answer.error.kind is ErrorKind.TIMEOUT


async def test_a_ciphered_clone_wants_the_clients_proof_and_shows_the_same():
    original, view, seen = secured_meter(profile={"rows": 4}), CURRENT_LN_ASSOCIATION, []
    async with secured(original) as (client, _):
        (await client.connect()).unwrap()
        document = (await save_meter(client, clock=lambda: NOW)).unwrap()
        seen.append((await client.get_attribute(view.class_id, view.obis, view.attribute)).unwrap().data)
    clone = secured_meter(objects=json.loads(json.dumps(document)))
    async with secured(clone) as (client, _):
        (await client.connect()).unwrap()
        seen.append((await client.get_attribute(view.class_id, view.obis, view.attribute)).unwrap().data)
        (await client.set_attribute(1, NOTE, 2, axdr.encode_octet_string(b"sealed"))).unwrap()
        assert (await client.get_attribute(1, NOTE, 2)).unwrap().value == b"sealed"
    assert seen[0] == seen[1]


async def test_short_name_rights_of_authenticated_messages_are_saved_as_what_they_are(monkeypatch):
    plain = association_view._attribute_rights

    def authenticated(*of):
        """Return modes 4 and 6 in place of 1 and 3."""
        return plain(*of).replace(b"\x16\x01", b"\x16\x04").replace(b"\x16\x03", b"\x16\x06")

    monkeypatch.setattr(association_view, "_attribute_rights", authenticated)
    document = await saved(meter(profile={"rows": 1}, short_name_referencing=True))
    told = {one["obis"]: one["attributes"] for one in document["objects"]}
    assert told["1-0:1.8.0*255"]["2"]["access"] == ["read", "authenticated_request"]
    assert "value" in told["1-0:1.8.0*255"]["2"]
    modes = {tuple(right["access"]) for rights in told.values() for right in rights.values()}
    assert modes <= {(), ("read", "authenticated_request"), ("read", "write", "authenticated_request")}


async def test_rights_to_what_has_no_short_name_are_left_out_so_that_the_clone_can_be_served(monkeypatch):
    plain = association_view._attribute_rights

    def with_nameless(*of):
        """Return one right more each for attributes 0, which stands for all, and -1."""
        told = plain(*of)
        assert told[0] == 1
        assert told[1] < 0x7E
        return bytes((1, told[1] + 2)) + told[2:] + bytes.fromhex("02030f00160100 02030fff160100")

    monkeypatch.setattr(association_view, "_attribute_rights", with_nameless)
    document = await saved(meter(profile={"rows": 1}, short_name_referencing=True))
    indices = {int(index) for one in document["objects"] for index in one["attributes"]}
    assert min(indices) == 1
    assert len(indices) > 5
    assert served(document).device.objects
