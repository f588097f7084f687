"""The conformance block: 24 bits, named and ordered as the standard does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.conformance import Conformance
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.vectors import octets_of


def test_bits_are_counted_from_the_most_significant_one():
    bits, end = Conformance.decode(octets_of("conformance-001e1d"))
    assert end == 7
    assert bits == (
        Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
        | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
        | Conformance.BLOCK_TRANSFER_WITH_ACTION
        | Conformance.MULTIPLE_REFERENCES
        | Conformance.GET
        | Conformance.SET
        | Conformance.SELECTIVE_ACCESS
        | Conformance.ACTION
    )
    assert bits.encode() == octets_of("conformance-001e1d")


def test_newer_services_have_their_bits():
    bits, _ = Conformance.decode(octets_of("conformance-general-protection"))
    older, _ = Conformance.decode(octets_of("conformance-001e1d"))
    assert bits & ~older == Conformance.GENERAL_PROTECTION | Conformance.ACCESS


def test_a_shortened_tag_is_read_too():
    assert Conformance.decode(bytes.fromhex("ff 5f 04 00 00 1e 1d 00"), 1) == (Conformance(0x1E1D), 7)


def test_all_24_bits_have_names_and_words():
    assert len(Conformance) == 24
    assert sum(Conformance) == 0xFFFFFF
    assert (Conformance.GET | Conformance.PRIORITY_MGMT_SUPPORTED).words == "priority-mgmt-supported, get"
    assert Conformance(0).words == "none"


@given(st.integers(0, 0xFFFFFF).map(Conformance), st.binary(max_size=4))
@settings(derandomize=True, deadline=None)
def test_any_bits_come_back_the_same(bits, before):
    assert Conformance.decode(before + bits.encode(), len(before)) == (bits, len(before) + 7)


@pytest.mark.parametrize("octets", ["", "5f", "5f1f0400", "5f1f04001e1d", "5f1f0300001e1d", "5f1f0401001e1d"])
def test_anything_else_is_a_fault_that_shows_it(octets):
    with pytest.raises(ProtocolFault, match="5f 1f 04 00 and 3 octets expected") as odd:
        Conformance.decode(bytes.fromhex(octets))
    assert odd.value.error.kind is ErrorKind.DECODE


def test_more_than_24_bits_are_a_value_error():
    with pytest.raises(ValueError, match="24 bits"):
        Conformance(1 << 24).encode()
