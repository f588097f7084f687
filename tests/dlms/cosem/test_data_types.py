"""Types of attributes: octets there and back, and the patience that meters need."""

from datetime import UTC, datetime

import pytest

from meterkit.codec.axdr import BitString, Data, Tag
from meterkit.codec.cosem_time import ClockStatus, CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.cosem.classes import (
    AssociationSn,
    AutoAnswer,
    Clock,
    DisconnectControl,
    ImageTransfer,
    ModemConfigurationV1,
    ProfileGeneric,
    PushSetupV1,
    Schedule,
    SecuritySetupV1,
)
from meterkit.dlms.cosem.composite_types import array, optional
from meterkit.dlms.cosem.data_types import (
    BOOLEAN,
    DATE_TIME,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LOGICAL_NAME,
    OCTET_DATE,
    OCTET_DATE_TIME,
    OCTET_STRING,
    OCTET_TIME,
    UNSIGNED,
    UTF8_STRING,
    VISIBLE_STRING,
    BitFlagsType,
)
from meterkit.dlms.cosem.definitions import CaptureObject, ScalerUnit
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.payment import CreditConfiguration
from meterkit.dlms.cosem.ports import InitializationString
from meterkit.dlms.cosem.security_setup import SecurityPolicy
from meterkit.dlms.cosem.switches_and_limits import ControlState
from meterkit.dlms.cosem.units import Unit
from meterkit.errors import ProtocolFault

NOON = CosemDateTime.from_datetime(datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC))
NOON_OCTETS = bytes.fromhex("07ea0b15060c000000000000")

VECTORS = [
    (DOUBLE_LONG_UNSIGNED, "0600003039", 12345),
    (INTEGER, "0ffd", -3),
    (BOOLEAN, "0301", True),
    (OCTET_STRING, "0903010203", b"\x01\x02\x03"),
    (VISIBLE_STRING, "0a034f4b21", "OK!"),
    (UTF8_STRING, "0c03e282ac", "€"),
    (LOGICAL_NAME, "09060100010800ff", ObisCode(1, 0, 1, 8, 0)),
    (OCTET_DATE_TIME, "090c" + NOON_OCTETS.hex(), NOON),
    (DATE_TIME, "19" + NOON_OCTETS.hex(), NOON),
    (OCTET_DATE, "0905ffff0c19ff", CosemDate(None, 12, 25, None)),
    (OCTET_TIME, "0904061e00ff", CosemTime(6, 30, 0, None)),
    (ProfileGeneric.capture_period.type, "0600000384", 900),
    (DisconnectControl.control_state.type, "1602", ControlState.READY_FOR_RECONNECTION),
    (Clock.status.type, "1180", ClockStatus.DAYLIGHT_SAVING_ACTIVE),
    (
        SecuritySetupV1.security_policy.type,
        "160c",
        SecurityPolicy.AUTHENTICATED_REQUEST | SecurityPolicy.ENCRYPTED_REQUEST,
    ),
    (
        BitFlagsType(CreditConfiguration, 5),
        "040588",
        CreditConfiguration.REQUIRES_VISUAL_INDICATION | CreditConfiguration.RECEIVES_TOKENS,
    ),
    (ImageTransfer.image_transferred_blocks_status.type, "0403a0", BitString(b"\xa0", 3)),
    (
        ProfileGeneric.sort_object.type,
        "0204120008090600000100 00ff0f02120000".replace(" ", ""),
        CaptureObject(8, ObisCode.CLOCK, 2, 0),
    ),
    (ProfileGeneric.sort_object.type, "00", None),
    (array(UNSIGNED), "0102110111ff", (1, 255)),
    (array(ScalerUnit), "010102020ffd161e", (ScalerUnit(-3, Unit.WATT_HOUR),)),
]


@pytest.mark.parametrize(("kind", "octets", "value"), VECTORS)
def test_a_type_reads_and_writes_the_octets_of_the_standard(kind, octets, value):
    assert kind.decode(bytes.fromhex(octets)) == value
    assert kind.encode(value).hex() == octets


@pytest.mark.parametrize(
    ("kind", "octets", "value"),
    [
        (DOUBLE_LONG_UNSIGNED, "120384", 900),  # long-unsigned
        (DOUBLE_LONG_UNSIGNED, "1105", 5),
        (UNSIGNED, "1605", 5),  # enum
        (UNSIGNED, "0500000005", 5),
        (DisconnectControl.control_state.type, "1101", ControlState.CONNECTED),
        (BOOLEAN, "03ff", True),
        (OCTET_STRING, "0a0141", b"A"),
        (OCTET_STRING, "0c01ff", b"\xff"),
        (VISIBLE_STRING, "090141", "A"),
        (UTF8_STRING, "0901ff", "\\xff"),
        (OCTET_DATE_TIME, "19" + NOON_OCTETS.hex(), NOON),
        (DATE_TIME, "090c" + NOON_OCTETS.hex(), NOON),
        (BitFlagsType(CreditConfiguration, 5), "040a0080", 1 << 8),
        (array(UNSIGNED), "1311020102", (1, 2)),  # compact-array
    ],
)
def test_reading_is_patient_where_nothing_can_be_mistaken(kind, octets, value):
    assert kind.decode(bytes.fromhex(octets)) == value


@pytest.mark.parametrize(
    ("kind", "octets", "expected"),
    [
        (UNSIGNED, "120100", "unsigned expected, long-unsigned came: 12 01 00"),
        (UNSIGNED, "0fff", "unsigned expected, integer came: 0f ff"),
        (UNSIGNED, "0301", "unsigned expected, boolean came: 03 01"),
        (INTEGER, "1c05", "integer expected, delta-integer came: 1c 05"),
        (BOOLEAN, "1101", "boolean expected, unsigned came: 11 01"),
        (OCTET_STRING, "1101", "octet-string expected, unsigned came: 11 01"),
        (VISIBLE_STRING, "00", "visible-string expected, null-data came: 00"),
        (LOGICAL_NAME, "09050100010800", "a logical name, octet-string of 6, expected"),
        (OCTET_DATE_TIME, "090107", "octet-string (date-time) expected, octet-string came: 09 01 07"),
        (OCTET_DATE, "19" + NOON_OCTETS.hex(), "octet-string (date) expected, date-time came"),
        (array(UNSIGNED), "02011101", "array of unsigned expected, structure came: 02 01 11 01"),
        (optional(UNSIGNED), "0900", "unsigned expected"),
        (DisconnectControl.control_state.type, "120100", "enum ControlState expected"),
        (Clock.status.type, "0900", "unsigned expected"),
        (BitFlagsType(CreditConfiguration, 5), "1101", "bit-string CreditConfiguration expected"),
        (ImageTransfer.image_transferred_blocks_status.type, "1101", "bit-string expected"),
        (ProfileGeneric.buffer.type, "1101", "array of structure, or compact-array expected, 11 01 came"),
        (DisconnectControl.remote_disconnect.type, "0900", "integer (0) expected"),
    ],
)
def test_another_type_is_a_fault_that_shows_what_came(kind, octets, expected):
    with pytest.raises(ProtocolFault) as odd:
        kind.decode(bytes.fromhex(octets))
    assert expected in str(odd.value.error)


def test_codes_of_the_meters_own_are_members_too():
    state = DisconnectControl("0-0:96.3.10").control_state.decode(b"\x16\xc8")

    assert state.name == "UNKNOWN_200"
    assert DisconnectControl("0-0:96.3.10").control_state.encode(state) == b"\x16\xc8"


def test_an_element_that_older_meters_leave_out_is_none():
    modem = ModemConfigurationV1("0-0:2.0.0")
    with_delay = bytes.fromhex("0101020309024154090240401203e8")
    without = bytes.fromhex("0101020209024154090240 40".replace(" ", ""))

    assert modem.initialization_string.decode(with_delay)[0].delay_after_response == 1000
    assert modem.initialization_string.decode(without) == (InitializationString(b"AT", b"@@", None),)
    assert modem.initialization_string.encode((InitializationString(b"AT", b"@@", None),)) == without


def test_a_push_object_may_come_without_its_restriction():
    pushed = bytes.fromhex("010102041200080906000001 0000ff0f02120000".replace(" ", ""))
    (one,) = PushSetupV1("0-0:25.9.0").push_object_list.decode(pushed)

    assert one.logical_name == ObisCode.CLOCK
    assert one.restriction_element is None


def test_days_of_a_schedule_keep_their_bits():
    (kind,) = (one.type for one in Schedule.entries.type.item.elements if one.name == "exec_weekdays")
    assert str(kind.decode(bytes.fromhex("0407fa"))) == "1111101"


def test_names_within_a_structure_lead_to_the_misfit():
    octets = bytes.fromhex("0202110109020102")
    with pytest.raises(ProtocolFault, match=r"number_of_rings\.nr_rings_out_of_window: unsigned expected"):
        AutoAnswer("0-0:2.2.0").number_of_rings.decode(octets)


def test_a_short_name_is_written_with_the_sign_it_does_not_mean():
    # FA00 is the base name of the current association: -1536 as a long.  Source: Blue Book 4.1.3.
    (name,) = (one.type for one in AssociationSn.object_list.type.item.elements if one.name == "base_name")
    assert name.decode(bytes.fromhex("10fa00")) == name.decode(bytes.fromhex("12fa00")) == 0xFA00
    assert name.encode(0xFA00) == bytes.fromhex("10fa00")
    with pytest.raises(ProtocolFault) as odd:
        name.decode(bytes.fromhex("0902fa00"))
    expected = "long (base_name) expected, octet-string came: 09 02 fa 00"
    assert odd.value.error.message == expected


def test_rows_are_read_within_another_type_as_they_are_alone():
    rows = optional(ProfileGeneric.buffer.type)

    assert rows.decode(b"\x00") is None
    assert rows.decode(bytes.fromhex("0102 0202 1105 0300 0202 1106 0301")) == [(5, False), (6, True)]
    with pytest.raises(ProtocolFault) as odd:
        rows.decode(bytes.fromhex("1101"))
    expected = "array of structure, or compact-array expected, unsigned came: 11 01"
    assert odd.value.error.message == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (UNSIGNED, "5"),
        (UNSIGNED, 5.7),
        (BOOLEAN, "False"),
        (BOOLEAN, 1),
        (OCTET_STRING, 5),
        (OCTET_STRING, "text"),
        (VISIBLE_STRING, b"text"),
        (LOGICAL_NAME, "1-0:1.8.0"),
        (OCTET_DATE_TIME, datetime(2026, 11, 21, tzinfo=UTC)),
        (ImageTransfer.image_transferred_blocks_status.type, "101"),
        (array(UNSIGNED), 5),
        (array(ScalerUnit), ((-3, 30),)),
    ],
)
def test_nothing_is_written_that_only_looks_like_the_type(kind, value):
    with pytest.raises(TypeError):
        kind.encode(value)


def test_what_is_too_large_is_not_written():
    for kind, value in ((UNSIGNED, 256), (UNSIGNED, -1), (INTEGER, 128), (UNSIGNED, True)):
        with pytest.raises(ValueError, match="expected"):
            kind.encode(value)


def test_data_with_its_type_may_be_written_where_the_class_leaves_it_to_the_meter():
    assert Data(Tag.LONG, 5).encode() == b"\x10\x00\x05"
    with pytest.raises(ValueError, match="5 bits expected"):
        BitFlagsType(CreditConfiguration, 5).encode(CreditConfiguration(64))
