"""Every APDU there is goes out and comes back the same; bad octets give a value or a fault."""

from contextlib import suppress
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.apdu import Apdu, ApduTag, decode_apdu
from meterkit.errors import ProtocolFault
from tests.dlms.apdus import APDUS, any_apdu


def decoded(octets, *, strict):
    """Return the APDU, or None for a fault; anything else raises."""
    with suppress(ProtocolFault):
        return decode_apdu(octets, strict=strict)
    return None


def test_every_kind_of_apdu_is_tried_here():
    assert set(APDUS) == set(get_args(Apdu))


@pytest.mark.parametrize("kind", APDUS, ids=lambda kind: kind.__name__)
def test_what_is_encoded_decodes_to_the_same(kind):
    @given(APDUS[kind])
    @settings(max_examples=60, derandomize=True, deadline=None)
    def check(apdu):
        octets = apdu.encode()
        assert decode_apdu(octets) == apdu
        assert decode_apdu(octets, strict=False) == apdu

    check()


@given(any_apdu)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_a_truncated_apdu_is_a_fault_and_never_an_accident(apdu):
    octets = apdu.encode()
    for end in range(len(octets)):
        kept = decoded(octets[:end], strict=True)
        # What may be left out at the end is an APDU of its own: the counter of an exception.
        assert kept is None or (octets[0] == ApduTag.EXCEPTION_RESPONSE and end == 3)
        decoded(octets[:end], strict=False)


@given(any_apdu, st.data())
@settings(max_examples=300, derandomize=True, deadline=None)
def test_a_flipped_bit_gives_a_value_or_a_fault(apdu, draw):
    octets = bytearray(apdu.encode())
    at = draw.draw(st.integers(0, 8 * len(octets) - 1))
    octets[at // 8] ^= 1 << at % 8
    for strict in (True, False):
        again = decoded(bytes(octets), strict=strict)
        if again is not None:
            assert decode_apdu(again.encode(), strict=False) is not None


@given(any_apdu, st.binary(min_size=1, max_size=20))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_octets_after_an_apdu_are_a_fault_or_put_up_with(apdu, junk):
    octets = apdu.encode()
    # An exception may go on with a counter; everything else ends where it ends.
    assert decoded(octets + junk, strict=True) is None or octets[0] == ApduTag.EXCEPTION_RESPONSE
    assert type(decode_apdu(octets + junk, strict=False)) is type(apdu)


@given(st.binary(max_size=80), st.booleans())
@settings(max_examples=500, derandomize=True, deadline=None)
def test_any_octets_give_a_value_or_a_fault(octets, strict):
    decoded(octets, strict=strict)


@given(st.sampled_from(ApduTag), st.integers(0, 8), st.binary(max_size=60), st.booleans())
@settings(max_examples=1000, derandomize=True, deadline=None)
def test_any_octets_after_a_known_tag_give_a_value_or_a_fault(tag, choice, octets, strict):
    decoded(bytes((tag, choice)) + octets, strict=strict)


@pytest.mark.parametrize("head", ["c003c1", "c103c1 01 00000001", "c403c1", "05", "0c", "d9 40000000 00"])
def test_a_count_of_billions_is_refused_before_anything_is_kept(head):
    octets = bytes.fromhex(head) + bytes.fromhex("84 ff ff ff ff") + bytes(64)
    with pytest.raises(ProtocolFault, match="octets left"):
        decode_apdu(octets)
