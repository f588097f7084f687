"""The association view, kept between runs: good for the same meter, firmware and configuration only."""

import json
from dataclasses import replace

import pytest

from meterkit import Ok
from meterkit.codec import axdr
from meterkit.dlms.cosem.classes import Register
from meterkit.dlms.readings.object_cache import MemoryObjectCache, ObjectFiles
from tests.dlms.rig import connected, meter
from tests.dlms.test_readings import change
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def read(emulator, cached, **options):
    """Return the view and how many requests it took."""
    refresh = options.pop("refresh", False)
    async with connected(emulator, **options) as (client, wire):
        before = len(wire.log)
        view = (await client.objects(cached, refresh=refresh)).unwrap()
        return view, len(wire.log) - before


async def test_a_later_run_takes_the_view_from_the_folder(tmp_path):
    folder = tmp_path / "views"
    first, many = await read(meter(), folder)
    second, few = await read(meter(), str(folder))

    assert second == first
    assert [one.attribute_access for one in second] == [one.attribute_access for one in first]
    assert [one.method_access for one in second] == [one.method_access for one in first]
    assert [one.selectors for one in second] == [one.selectors for one in first]
    assert many > few == 1
    (file,) = folder.iterdir()
    document = json.loads(file.read_text())
    assert bytes.fromhex(document["origin"]["meter"]) == b"MKT20260001"
    assert document["objects"][0]["obis"] == "0-0:42.0.0*255"


async def test_rights_of_another_client_are_kept_apart(tmp_path):
    public, _ = await read(meter(), tmp_path)
    manager, many = await read(meter(), tmp_path, manager=True)

    assert many > 1
    assert len([*tmp_path.iterdir()]) == 2
    assert [one.attribute_access for one in public] != [one.attribute_access for one in manager]


@pytest.mark.parametrize(
    ("obis", "value"),
    [
        ("1-0:0.2.0", axdr.encode_octet_string(b"newer")),
        ("0-0:96.2.0", axdr.encode_long_unsigned(4)),
        ("0-0:42.0.0", axdr.encode_octet_string(b"MKT20269999")),
    ],
)
async def test_another_meter_firmware_or_configuration_is_read_anew(tmp_path, obis, value):
    emulator = meter()
    await read(emulator, tmp_path)
    change(emulator, 1, obis, 2, value)
    _, many = await read(emulator, tmp_path)
    _, few = await read(emulator, tmp_path)

    assert many > few == 1


async def test_the_view_is_read_anew_when_that_is_asked_for(tmp_path):
    await read(meter(), tmp_path)
    _, many = await read(meter(), tmp_path, refresh=True)
    assert many > 1


def broken(text):
    document = json.loads(text)
    return [
        "",
        text[: len(text) // 2],
        "[]",
        "null",
        json.dumps(document | {"digest": "0" * 64}),
        json.dumps(document | {"objects": document["objects"][:-1]}),
        json.dumps({"origin": document["origin"]}),
        text.replace('"class_id": 3', '"class_id": "three"', 1),
    ]


async def test_a_file_that_is_broken_is_as_good_as_none(tmp_path):
    emulator = meter()
    whole, _ = await read(emulator, tmp_path)
    (file,) = tmp_path.iterdir()
    for text in broken(file.read_text()):
        file.write_text(text)
        view, many = await read(emulator, tmp_path)
        assert view == whole
        assert many > 1


async def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    async with connected() as (client, _):
        with pytest.raises(OSError, match="file"):
            await client.objects(tmp_path / "file")
        assert (await client.objects()).is_success


async def test_a_meter_without_a_name_is_not_kept(tmp_path):
    emulator = meter()
    change(emulator, 1, "0-0:42.0.0", 2, axdr.encode_octet_string(b""))
    await read(emulator, tmp_path)
    assert not [*tmp_path.iterdir()]


async def test_with_short_names_the_list_is_always_read():
    kept = MemoryObjectCache()
    view, _ = await read(meter(short_name_referencing=True), kept)
    assert view[0].base_name is not None
    assert (await read(meter(short_name_referencing=True), kept))[0] == view


async def test_the_view_comes_as_typed_objects_with_words():
    cache = MemoryObjectCache()
    async with connected() as (client, _):
        typed = (await client.typed_objects(cache)).unwrap()
        energy = next(one for one in typed if one.object == Register("1-0:1.8.0"))
        values = (await client.read_object(energy.object, energy.rights)).unwrap()

    assert str(energy.words) == "active energy import, total"
    assert energy.readable == ("logical_name", "value", "scaler_unit")
    assert set(values.values) == set(energy.readable)


def test_a_view_that_was_never_kept_is_not_there(tmp_path):
    from meterkit.dlms.readings.object_cache import Origin

    assert ObjectFiles(tmp_path).load(Origin("4d", 16, 1)) is None
    assert MemoryObjectCache().load(Origin("4d", 16, 1)) is None


async def test_with_short_names_the_rights_come_too():
    async with connected(meter(short_name_referencing=True)) as (client, _):
        by_number = (await client.typed_objects()).unwrap()
        energy = next(one for one in by_number if one.object == Register("1-0:1.8.0"))
        profile = next(one for one in by_number if one.object.class_id == 7)
        values = (await client.read_object(energy.object, energy.rights)).unwrap()

    assert energy.rights.has_rights
    assert energy.readable == ("logical_name", "value", "scaler_unit")
    assert not energy.rights.is_writable(2)
    assert profile.rights.selectors == {2: (1, 2)}
    assert len(values) == 3


async def test_a_view_of_short_names_without_rights_lets_everything_be_tried():
    emulator = meter(short_name_referencing=True)
    async with connected(emulator) as (client, _):
        view = (await client.objects()).unwrap()
        bare = replace(view[0], attribute_access={}, method_access={})

    assert not bare.has_rights
    assert bare.is_readable(2)
    assert bare.is_writable(2)


@pytest.mark.parametrize("rights", [b"\x00", b"\x01\x01\x02\x01\x0f\x00", b"\x01"])
async def test_a_list_of_rights_that_is_none_leaves_the_view_without(rights):
    async with connected(meter(short_name_referencing=True)) as (client, _):
        services = client._services
        read = services.read

        async def odd(attribute, selection=None):
            return (
                Ok(rights) if (attribute.class_id, attribute.attribute) == (12, 3) else await read(attribute)
            )

        services.read = odd
        view = (await client.objects()).unwrap()

    assert view
    assert not any(one.has_rights for one in view)
