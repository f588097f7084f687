"""ET11 and ET51 by firmware, against the offsets that the OSGP guide prints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.layout import Context, plain
from meterkit.errors import ProtocolFault
from meterkit.psem.tables.osgp.mep_config import MepDeviceConfiguration
from meterkit.psem.tables.osgp.mfg_dimension import MfgDimension

# The guide's printed values, offsets 0 to 38.
ET11 = bytes.fromhex(
    "06 42 24 05 06 0502 8003 f906 19 10 16 03 04 11 11 0a 0a 41 78 06 0a"
    "0a 10 50 0a 0501 0103 06 07 02 0a e204 03"
)


def dimension(count: int | None = None) -> MfgDimension:
    record = MfgDimension.resolve().decode(ET11 if count is not None else ET11[:32])
    return record if count is None else record.replace(mep_channel_count=count)


def test_et11_lies_where_the_guide_says() -> None:
    layout = MfgDimension.resolve()
    printed = {
        "nbr_of_devices": 0,
        "config_entry_size": 1,
        "status_entry_size": 2,
        "on_demand_queue_size": 3,
        "on_demand_entry_size": 4,
        "data_entry_size": 5,
        "transaction_request_length": 7,
        "transaction_response_length": 9,
        "on_demand_write_entry_size": 11,
        "phase_measurement_data_size": 12,
        "configuration_entry_2_size": 13,
        "meter_one_time_read_queue_size": 14,
        "mbus_one_time_read_queue_size": 15,
        "meter_one_time_read_entry_size": 16,
        "mbus_one_time_read_entry_size": 17,
        "nbr_group_ids": 18,
        "nbr_harmonics": 19,
        "mbus_multicast_message_length": 20,
        "et22_alarm_size": 21,
        "mep_data_sources": 22,
        "et48_entry_count": 23,
        "max_critical_event_bitmaps": 24,
        "et57_entry_count": 25,
        "time_based_relay_switches": 26,
        "mep_delta_data_alert_sources": 27,
        "ram_only_transaction_request_length": 28,
        "ram_only_transaction_response_length": 30,
        "firmware_module_entry_count": 32,
        "firmware_module_entry_length": 33,
        "mep_channel_count": 34,
        "reserved": 35,
        "et17_verification_bitmap_size": 36,
        "error_caution_screen_count": 38,
    }
    assert {name: layout.offset_of(name) for name in printed} == printed
    assert (layout.size, MfgDimension.number) == (39, 2059)


def test_the_printed_values_read_as_printed() -> None:
    record = MfgDimension.resolve().decode(ET11)
    assert (record.nbr_of_devices, record.data_entry_size) == (6, 517)
    assert (record.transaction_request_length, record.transaction_response_length) == (896, 1785)
    assert (record.ram_only_transaction_request_length, record.ram_only_transaction_response_length) == (
        261,
        769,
    )
    assert (record.mep_channel_count, record.et17_verification_bitmap_size) == (2, 1250)
    assert MfgDimension.resolve().encode(record) == ET11


@pytest.mark.parametrize(
    ("firmware", "size"),
    [
        ((2, 10, 0), 24),
        ((3, 30, 0), 27),
        ((3, 40, 0), 28),
        ((3, 50, 0), 32),
        ((4, 0, 0), 38),
        ((4, 20, 0), 39),
    ],
)
def test_each_firmware_has_the_fields_it_brought(firmware: tuple[int, int, int], size: int) -> None:
    layout = MfgDimension.resolve(Context(firmware=firmware))
    assert layout.size == size
    record = layout.decode(ET11)
    assert record.extra == ET11[size:]
    assert layout.encode(record) == ET11


def test_an_et11_shorter_than_any_printed_still_tells_the_size_of_et16() -> None:
    record = MfgDimension.resolve(Context(firmware=(2, 10, 0))).decode(ET11[:14])
    assert (record.nbr_of_devices, record.data_entry_size, record.nbr_group_ids) == (6, 517, None)
    assert record.mep_channels == 1


def test_et51_lies_where_the_guide_says() -> None:
    layout = MepDeviceConfiguration.resolve(Context().with_(dimension(2)))
    printed = {
        "mep_flags": 0,
        "mep_health_timeout": 1,
        "on_demand_timeout": 3,
        "optical_session_timeout": 4,
        "optical_session_hold_off": 6,
        "mep_down_reset_duration": 8,
        "han_flags": 9,
    }
    assert {name: layout.offset_of(f"clients[0].{name}") for name in printed} == printed
    assert layout.offset_of("clients[1]") == 10
    assert (layout.size, MepDeviceConfiguration.number) == (20, 2099)


@pytest.mark.parametrize(("octets", "reset", "is_off"), [(8, None, None), (9, 1, None), (10, 1, True)])
def test_a_client_before_firmware_4_has_8_9_or_10_octets(
    octets: int, reset: int | None, is_off: bool | None
) -> None:
    printed = bytes.fromhex("85 3c00 1e 5802 2c01 01 01")
    layout = MepDeviceConfiguration.resolve(Context(firmware=(3, 60, 0)).with_(dimension()))
    (client,) = layout.decode(printed[:octets]).clients
    assert (client.enable_optical_dos_timer, client.reset_device_down_mep, client.disable_mep) == (
        True,
        True,
        True,
    )
    assert (client.monitor_mep_health, client.reset_mep_now) == (False, False)
    assert (client.mep_health_timeout, client.on_demand_timeout) == (60, 30)
    assert (client.optical_session_timeout, client.optical_session_hold_off) == (600, 300)
    assert (client.mep_down_reset_duration, client.deactivate_han) == (reset, is_off)
    assert layout.encode(layout.decode(printed[:octets])) == printed[:octets]


def test_octet_8_came_with_firmware_3_40() -> None:
    layout = MepDeviceConfiguration.resolve(Context(firmware=(3, 30, 5)).with_(dimension()))
    assert layout.size == 8
    assert layout.decode(bytes(8) + b"\1").extra == b"\1"


def test_an_et51_cut_short_names_the_value() -> None:
    layout = MepDeviceConfiguration.resolve(Context(firmware=(4, 30, 0)).with_(dimension(2)))
    with pytest.raises(
        ProtocolFault, match=r"ET51 clients\[1\].on_demand_timeout: 16 octets expected, 11 read"
    ):
        layout.decode(bytes(11))


firmwares = st.none() | st.tuples(st.integers(2, 5), st.integers(0, 99), st.integers(0, 31))


@given(firmwares, st.binary(max_size=60), st.sampled_from("<>"))
def test_any_octets_of_et11_give_a_record_that_writes_back_or_a_fault(
    firmware: tuple[int, int, int] | None, octets: bytes, order: str
) -> None:
    layout = MfgDimension.resolve(Context(firmware=firmware, byte_order="<" if order == "<" else ">"))
    if len(octets) < 12:
        with pytest.raises(ProtocolFault, match=f"ET11 .*: 12 octets expected, {len(octets)} read"):
            layout.decode(octets)
    else:
        assert layout.encode(layout.decode(octets)) == octets


@given(firmwares, st.integers(0, 3), st.binary(max_size=60))
def test_any_octets_of_et51_give_a_record_that_writes_back_or_a_fault(
    firmware: tuple[int, int, int] | None, count: int, octets: bytes
) -> None:
    layout = MepDeviceConfiguration.resolve(Context(firmware=firmware).with_(dimension(count)))
    if len(octets) < 8 * count:
        with pytest.raises(ProtocolFault, match=rf"ET51 clients\[\d\].*, {len(octets)} read"):
            layout.decode(octets)
    else:
        record = layout.decode(octets)
        plain(record)
        assert layout.encode(record) == octets
