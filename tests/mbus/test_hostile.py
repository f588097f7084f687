"""Telegrams that lie, are torn or random: always a Telegram, in little time, that says what is wrong."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.mbus import decode_telegram
from meterkit.mbus.record import MAX_EXTENSIONS, UNREADABLE
from meterkit.psem.tables.osgp.mbus import decode_billing_response

HEADER = bytes.fromhex("78563412 2423 01 07 55 00 0000")
ENTRY = 510  # octets of a billing response on the meters of the guide
VOLUME = bytes.fromhex("04 13 39300000")  # 12.345 m3

WAYS = [
    {},
    {"order": "big"},
    {"is_decrypted": True},
    {"is_fixed": True},
    {"is_fixed": True, "order": "big"},
]


def checked(octets, **ways):
    """Return the telegram, having made sure that it keeps its own promises."""
    telegram = decode_telegram(octets, **ways)
    assert telegram.raw == octets
    assert telegram.problem or telegram.header is not None
    for record in telegram.records:
        assert record.value is None or not record.problem
        assert record.problem or record.quantity
        assert not isinstance(record.value, Decimal) or record.value.is_finite()
        assert record.raw in octets
    if telegram.header is not None:
        assert str(telegram.header.status)
        assert str(telegram.header.encryption)
        assert len(telegram.encrypted) <= len(octets)
    return telegram


@pytest.mark.parametrize("ways", WAYS)
@given(octets=st.binary(max_size=255))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_any_octets_are_a_telegram(ways, octets):
    checked(octets, **ways)
    checked(HEADER + octets, **ways)


pieces = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=6),
        st.sampled_from([b"\x80", b"\xff", b"\xfd", b"\xfb", b"\xfc", b"\x7c", b"\x0d", b"\x8d", b"\xed"]),
        st.sampled_from([VOLUME, b"\x2f", b"\x0f", b"\x1f", b"\x6c", b"\x6d", b"\x3e", b"\x7d"]),
    ),
    max_size=40,
)


@given(body=pieces, encryption=st.integers(0, 0xFFFF))
@settings(max_examples=400, derandomize=True, deadline=None)
def test_records_made_of_hostile_parts_are_records(body, encryption):
    header = HEADER[:10] + encryption.to_bytes(2, "little")
    checked(header + b"".join(body))
    checked(header + b"\x2f\x2f" + b"".join(body))


@pytest.mark.parametrize("ways", WAYS)
def test_a_telegram_torn_anywhere_says_so_and_keeps_what_came_before(ways):
    whole = HEADER + VOLUME + bytes.fromhex("0d 78 04 44434241") + bytes.fromhex("0c 13 78563412")
    for length in range(len(whole)):
        torn = checked(whole[:length], **ways)
        if length < (16 if "is_fixed" in ways else 12):
            assert torn.header is None
            assert torn.problem
    if not ways:
        assert [len(decode_telegram(whole[:n]).records) for n in (12, 18, 25, 31)] == [0, 1, 2, 3]
        cut = decode_telegram(whole[:24])
        assert cut.records[0].value == Decimal("12.345")
        assert cut.records[1].quantity == UNREADABLE
        assert not cut.is_complete


# ---------------------------------------------------------------- chains and lengths
@pytest.mark.parametrize("octet", ["80", "ff", "8f", "f0"])
def test_a_dife_without_end_is_told_and_ends_the_telegram(octet):
    telegram = checked(HEADER + bytes.fromhex("84") + bytes.fromhex(octet) * 240)
    assert [record.quantity for record in telegram.records] == [UNREADABLE]
    assert f"more than {MAX_EXTENSIONS} DIFEs" in telegram.problem


@pytest.mark.parametrize("octet", ["93", "fd", "fb", "fc", "ff", "f7"])
def test_a_vife_without_end_is_told_and_ends_the_telegram(octet):
    telegram = checked(HEADER + bytes.fromhex("04 93") + bytes.fromhex(octet) * 240)
    assert [record.quantity for record in telegram.records] == [UNREADABLE]
    assert f"more than {MAX_EXTENSIONS} VIFEs" in telegram.problem


def test_as_many_difes_and_vifes_as_the_standard_allows_are_read():
    difes, vifes = b"\xff" * 9 + b"\x7f", b"\xf5" * 9 + b"\x75"
    (record,) = checked(HEADER + b"\xc4" + difes + b"\x93" + vifes + b"\1\0\0\0").records
    assert (record.storage, record.tariff, record.subunit) == (2**41 - 1, 2**20 - 1, 2**10 - 1)
    assert record.value == Decimal("1e-3") * Decimal("1e-10")


def test_correction_factors_without_end_stay_exact_and_short():
    largest = b"\xff" * 7 + b"\x7f"
    (record,) = checked(HEADER + b"\x07\x97" + b"\xfd" * 9 + b"\x7d" + largest).records
    assert record.value == Decimal(2**63 - 1).scaleb(1 + 30)
    assert len(str(record.value)) < 60


@pytest.mark.parametrize("length", range(0x100))
def test_every_lvar_has_its_octets_or_is_told(length):
    telegram = checked(HEADER + bytes([0x0D, 0x13, length]) + b"\x11" * 300)
    first = telegram.records[0]
    if length > 0xF6:
        assert f"0x{length:02x}" in telegram.problem
        assert first.quantity == UNREADABLE
    else:
        assert first.quantity == "volume"
        assert len(first.raw) <= 3 + 0xBF
    torn = checked(HEADER + bytes([0x0D, 0x13, length]))
    assert len(torn.records) == 1
    if length not in (0, 0xC0, 0xD0, 0xE0):
        assert not torn.is_complete


@pytest.mark.parametrize("mode", range(32))
@pytest.mark.parametrize("low", [0x00, 0x10, 0xF0, 0xFF])
def test_encrypted_octets_are_never_taken_for_records(mode, low):
    header = HEADER[:10] + bytes([low, mode])
    body = VOLUME * 6
    telegram = checked(header + body)
    taken = len(telegram.encrypted)
    assert telegram.encrypted == body[:taken]
    assert (taken == 0) == (mode == 0 or (mode in (4, 5) and not low & 0xF0))
    assert checked(header + body, is_decrypted=True).encrypted == b""
    assert len(checked(header + b"\x2f\x2f" + body).records) == 6  # fillers: it is in the clear already


# ---------------------------------------------------------------- billing responses
def test_lengths_that_reach_past_the_entry_are_told():
    random = Random(16)
    for _ in range(300):
        response = bytearray(random.randbytes(ENTRY))
        response[0] = random.choice([1, 12, 13, 16, 100, 255])
        for is_fixed in (False, True):
            telegrams = decode_billing_response(bytes(response), is_fixed=is_fixed)
            assert sum(1 + len(one.raw) for one in telegrams) <= ENTRY + len(telegrams)
            assert all(one.problem for one in telegrams if one.header is None)


@pytest.mark.parametrize(
    "response",
    [b"\1" * 65535, b"\1\0" * 32767, b"\xff" * 65535, (b"\xc8" + HEADER + b"\0\x13" * 94) * 320],
    ids=["ones", "ones and zeroes", "all bits", "records without data"],
)
def test_the_longest_entry_there_can_be_takes_as_many_telegrams_as_octets_at_most(response):
    telegrams = decode_billing_response(response)
    assert len(telegrams) <= len(response)
    assert sum(len(one.records) for one in telegrams) <= len(response)
