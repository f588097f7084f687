"""ET16: device data of M-Bus and MEP devices, from octets laid out as the guide prints them."""

from __future__ import annotations

import tracemalloc
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec.layout import Context, Layout, plain
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.mbus import (
    DataField,
    DeviceStatus,
    Encryption,
    TelegramHeader,
    encode_fixed_telegram,
    encode_record,
    encode_telegram,
)
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.osgp.mbus import (
    Authentication,
    MbusDevice,
    MepDevice,
    MepDeviceData,
    decode_billing_response,
    encode_billing_response,
)
from meterkit.psem.tables.osgp.mfg_dimension import MfgDimension

ENTRY = 517  # octets; printed value of ET11.5


def dimension(devices: int, entry: int = ENTRY) -> MfgDimension:
    octets = bytes([devices, 66, 36, 5, 6]) + entry.to_bytes(2, "little")
    return MfgDimension.resolve().decode(octets.ljust(39, b"\0"))


def context(devices: int = 6, entry: int = ENTRY, tm_format: int = 2, order: int = 0) -> Context:
    config = GenConfig.resolve().decode(bytes([order | 2, tm_format, 0x88]) + bytes(16))
    return context_for([config, dimension(devices, entry)])


def layout(devices: int = 6, entry: int = ENTRY) -> Layout[MepDeviceData]:
    return MepDeviceData.resolve(context(devices, entry))


def check_decode(caught: ProtocolFault) -> None:
    assert caught.error.kind is ErrorKind.DECODE
    assert caught.error.where.startswith("ET16 ")


WATER = TelegramHeader("00123456", "MTK", 1, "water", 7, 12, DeviceStatus(0))
GAS = TelegramHeader("07654321", "", None, "gas", 3, 99, DeviceStatus(0b100, is_fixed=True))
VOLUME = encode_record(Decimal("1234.567"), DataField.BCD8, "volume", "m3", -3)
DUE = encode_record(date(2024, 1, 1), DataField.INT16, "date", storage=1)
WATER_TELEGRAM = encode_telegram(WATER, [VOLUME, DUE])
GAS_TELEGRAM = encode_fixed_telegram(GAS, (0x2C, 0x3E), (4711, 4700))
STAMP = bytes([24, 2, 29, 23, 59, 30])


def entry(info: int, response: bytes, size: int = ENTRY) -> bytes:
    return (STAMP + bytes([info]) + response).ljust(size, b"\0")


def table(*entries: bytes, devices: int = 6, size: int = ENTRY) -> MepDeviceData:
    octets = b"".join(entries).ljust(devices * size, b"\0")
    return layout(devices, size).decode(octets)


def test_the_table_needs_its_dimensions_and_the_time_format() -> None:
    assert MepDeviceData.needs() == {MfgDimension, GenConfig}
    assert MepDeviceData.number == 0x0810


@pytest.mark.parametrize(("devices", "mbus", "mep"), [(5, 4, 1), (6, 4, 2), (4, 4, 0), (2, 2, 0), (0, 0, 0)])
def test_the_fifth_and_later_entries_are_mep_devices(devices: int, mbus: int, mep: int) -> None:
    record = table(devices=devices)
    assert (len(record.mbus_devices), len(record.mep_devices)) == (mbus, mep)
    assert layout(devices).size == devices * ENTRY


def test_the_fields_lie_where_the_guide_says() -> None:
    offset_of = layout().offset_of
    printed = {"timestamp": 0, "response_info": 6, "billing_response": 7}
    assert {name: offset_of(f"mbus_devices[0].{name}") for name in printed} == printed
    assert offset_of("mbus_devices[3].timestamp") == 3 * ENTRY
    printed = {"timestamp": 0, "response_info": 6, "read_count": 7, "length": 9, "space": 11}
    assert {name: offset_of(f"mep_devices[0].{name}") - 4 * ENTRY for name in printed} == printed
    assert layout().size_of("mbus_devices[0]") == layout().size_of("mep_devices[1]") == ENTRY


@pytest.mark.parametrize(("tm_format", "size"), [(0, 0), (1, 6), (2, 6), (3, 5), (4, 4)])
def test_entries_keep_their_size_whatever_the_time_format(tm_format: int, size: int) -> None:
    resolved = MepDeviceData.resolve(context(6, 100, tm_format))
    assert resolved.size == 600
    assert resolved.offset_of("mbus_devices[1].response_info") == 100 + size


def test_a_variable_telegram_lies_where_the_guide_says() -> None:
    # Printed offsets: length 7, serial number 8, manufacturer 12, version 14, medium 15, access number 16,
    # status 17, signature 18, records 20 (L-13 octets), then the zero terminator.
    octets = bytearray(ENTRY)
    octets[:6], octets[6] = STAMP, 0
    octets[7] = 13 + len(VOLUME)
    octets[8:12] = bytes.fromhex("56341200")
    octets[12:14] = (13 * 1024 + 20 * 32 + 11).to_bytes(2, "little")
    octets[14:20] = bytes([1, 7, 12, 0b110, 0, 0])
    octets[20 : 20 + len(VOLUME)] = VOLUME
    device = table(bytes(octets)).mbus_devices[0]
    assert device.timestamp == datetime(2024, 2, 29, 23, 59, 30)
    (telegram,) = device.telegrams
    assert telegram.header is not None
    assert (telegram.header.identification, telegram.header.manufacturer) == ("00123456", "MTK")
    assert (telegram.header.version, telegram.header.medium) == (1, "water")
    assert (telegram.header.access_number, str(telegram.header.status)) == (12, "error, power low")
    assert [(r.quantity, r.value, r.unit) for r in telegram.records] == [
        ("volume", Decimal("1234.567"), "m3")
    ]
    assert telegram.is_complete


def test_a_fixed_telegram_lies_where_the_guide_says() -> None:
    # Printed offsets: length 7 (16), serial number 8, access number 12, status 13, medium/unit 14,
    # counters 16 and 20.
    octets = bytearray(ENTRY)
    octets[6:8] = bytes([0b10, 16])
    octets[8:14] = bytes.fromhex("21436507 63 04")
    octets[14:16] = bytes([3 << 6 | 0x2C, 0x3E])
    octets[16:24] = bytes.fromhex("11470000 00470000")
    device = table(bytes(octets)).mbus_devices[0]
    (telegram,) = device.telegrams
    assert telegram.header == GAS
    assert [(r.value, r.unit, r.storage) for r in telegram.records] == [(4711, "m3", 0), (4700, "m3", 1)]
    assert telegram.raw == GAS_TELEGRAM


def test_the_response_info_is_named() -> None:
    device = table(entry(0b111101, b"")).mbus_devices[0]
    assert (device.data_order, device.response_type, device.key_availability) == (1, 0, True)
    assert (device.authentication, device.security_status) == (
        Authentication.PASSED_WITH_ALTERNATE_DATE,
        True,
    )
    device = table(entry(0b001010, b"")).mbus_devices[0]
    assert (device.data_order, device.response_type, device.key_availability) == (0, 1, False)
    assert (device.authentication, device.security_status) == (Authentication.ID_FAILURE, False)


def test_several_telegrams_follow_one_another_until_a_zero_length() -> None:
    response = encode_billing_response([WATER_TELEGRAM, WATER_TELEGRAM], ENTRY - 7)
    assert response[0] == 13 + len(VOLUME) + len(DUE)
    telegrams = table(entry(0, response)).mbus_devices[0].telegrams
    assert [telegram.raw for telegram in telegrams] == [WATER_TELEGRAM, WATER_TELEGRAM]
    assert all(telegram.header == WATER and telegram.is_complete for telegram in telegrams)


def test_a_device_that_was_never_read_has_no_telegrams() -> None:
    device = table().mbus_devices[0]
    assert device.telegrams == ()
    assert not device.timestamp


@pytest.mark.parametrize("kept", range(1, 1 + 13 + len(VOLUME) + len(DUE)))
def test_the_last_telegram_may_be_cut_at_the_end_of_the_entry(kept: int) -> None:
    whole = encode_billing_response([WATER_TELEGRAM], 100)
    (telegram,) = decode_billing_response(whole[:kept])
    assert "cut short" in telegram.problem
    assert sum(record.is_valid for record in telegram.records) == (kept >= 13 + len(VOLUME)) + (
        kept >= 13 + len(VOLUME) + len(DUE)
    )


def test_a_terminator_that_is_missing_costs_no_octet_of_the_last_record() -> None:
    zeroes = encode_telegram(WATER, [encode_record(Decimal(7), DataField.INT32, "volume", "m3")])
    assert zeroes[-1] == 0
    (telegram,) = decode_billing_response(bytes([len(zeroes)]) + zeroes)
    assert telegram.records[-1].value == 7
    (telegram,) = decode_billing_response(bytes([len(zeroes) + 1]) + zeroes + b"\0")
    assert telegram.records[-1].value == 7
    assert len(telegram.records) == 1


def test_telegrams_without_a_key_stay_encrypted_and_those_with_one_are_read() -> None:
    secured = TelegramHeader("00123456", "MTK", 1, "water", 7, 12, DeviceStatus(0), Encryption(0x0510))
    secret = encode_telegram(secured, [bytes(range(0xE0, 0xF0))])
    (telegram,) = table(entry(0, encode_billing_response([secret], 510))).mbus_devices[0].telegrams
    assert telegram.encrypted == bytes(range(0xE0, 0xF0))
    assert telegram.header is not None
    assert telegram.header.encryption.name == "AES-128-CBC, initial vector from the header"
    read = encode_telegram(secured, [VOLUME])
    (telegram,) = table(entry(4, encode_billing_response([read], 510))).mbus_devices[0].telegrams
    assert telegram.records[0].value == Decimal("1234.567")


def test_mode_2_devices_read_most_significant_octet_first() -> None:
    octets = bytes.fromhex("00123456 368b 01 07 0c 00 0000 0413 0012d687")
    (telegram,) = table(entry(1, encode_billing_response([octets], 510))).mbus_devices[0].telegrams
    assert telegram.header == WATER
    assert telegram.records[0].value == Decimal("1234.567")


def test_a_mep_device_has_what_it_submitted() -> None:
    data = bytes(range(1, 21))
    octets = bytes(4 * ENTRY) + entry(0, bytes.fromhex("0201 1400") + data)
    device = table(octets).mep_devices[0]
    assert (device.read_count, device.length, device.data) == (0x0102, 20, data)
    assert device.is_complete
    device = device.replace(length=ENTRY)
    assert (len(device.data), device.is_complete) == (ENTRY - 11, False)


def test_the_meters_octet_order_rules_mep_devices_and_not_telegrams() -> None:
    resolved = MepDeviceData.resolve(context(5, 60, order=1))
    response = encode_billing_response([WATER_TELEGRAM], 53)
    octets = entry(0, response, 60) * 4 + entry(0, bytes.fromhex("0102 0014"), 60)
    record = resolved.decode(octets)
    assert (record.mep_devices[0].read_count, record.mep_devices[0].length) == (0x0102, 20)
    assert record.mbus_devices[0].telegrams[0].header == WATER


def test_the_record_encodes_to_its_octets() -> None:
    octets = entry(0, encode_billing_response([WATER_TELEGRAM], ENTRY - 7))
    octets += entry(2, encode_billing_response([GAS_TELEGRAM], ENTRY - 7, is_fixed=True))
    octets = octets.ljust(6 * ENTRY, b"\0")
    record = layout().decode(octets)
    assert layout().encode(record) == octets
    assert record.mbus_devices[1].telegrams[0].header == GAS
    assert "telegrams" in plain(record)["mbus_devices"][0]


@pytest.mark.parametrize("size", [0, 6, 7, 10])
def test_entries_too_small_for_their_fields_are_refused_with_the_reason(size: int) -> None:
    with pytest.raises(ProtocolFault) as caught:
        layout(6, size)
    assert caught.value.error.kind is ErrorKind.DECODE
    assert "no table has that dimension" in caught.value.error.message


def test_a_table_cut_short_names_the_device() -> None:
    with pytest.raises(ProtocolFault) as caught:
        layout().decode(bytes(2 * ENTRY + 3))
    assert caught.value.error.where == "ET16 mbus_devices[2].timestamp"
    assert caught.value.error.message == f"{6 * ENTRY} octets expected, {2 * ENTRY + 3} read"


def test_a_billing_response_that_does_not_fit_its_length_octet_is_refused() -> None:
    for telegram in (b"", bytes(255)):
        with pytest.raises(ValueError, match="octets are no telegram"):
            encode_billing_response([telegram], 510)


def test_huge_dimensions_over_few_octets_take_little_memory() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolFault):
            layout(255, 0xFFFF).decode(bytes(100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@given(st.integers(0, 7), st.integers(11, 60), st.integers(0, 4), st.integers(0, 1), st.data())
@settings(max_examples=200)
def test_any_octets_of_the_right_length_read_and_encode_back(
    devices: int, size: int, tm_format: int, order: int, data: st.DataObject
) -> None:
    resolved = MepDeviceData.resolve(context(devices, size, tm_format, order))
    octets = data.draw(st.binary(min_size=devices * size, max_size=devices * size))
    record = resolved.decode(octets)
    assert resolved.encode(record) == octets
    plain(record)
    for device in record.mbus_devices:
        assert all(telegram.is_complete or telegram.problem for telegram in device.telegrams)


@given(st.integers(0, 255), st.integers(0, 300), st.binary(max_size=600))
@settings(max_examples=300)
def test_any_octets_give_a_record_or_a_fault(devices: int, size: int, octets: bytes) -> None:
    try:
        record = layout(devices, size).decode(octets)
    except ProtocolFault as caught:
        check_decode(caught)
    else:
        assert all(isinstance(device, MbusDevice) for device in record.mbus_devices)
        assert all(isinstance(device, MepDevice) for device in record.mep_devices)


@given(st.binary(max_size=600), st.booleans(), st.sampled_from(["little", "big"]), st.booleans())
@settings(max_examples=500)
def test_any_billing_response_gives_telegrams(
    octets: bytes, is_fixed: bool, order: str, is_decrypted: bool
) -> None:
    telegrams = decode_billing_response(
        octets,
        is_fixed=is_fixed,
        order=order,
        is_decrypted=is_decrypted,  # type: ignore[arg-type]
    )
    assert sum(1 + len(telegram.raw) for telegram in telegrams) <= len(octets)
