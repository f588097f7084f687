"""OBIS codes: every spelling, both ways."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.cosem.obis import ObisCode
from meterkit.errors import ErrorKind, ProtocolFault

octet = st.integers(0, 255)
codes = st.builds(ObisCode, octet, octet, octet, octet, octet, octet)


@pytest.mark.parametrize(
    "text",
    [
        "1-0:1.8.0*255",
        "1-0:1.8.0",
        "1-0:1.8.0.255",
        "1-0:1.8.0&255",
        "1.0.1.8.0.255",
        "1.0.1.8.0",
        "1.0.1.8.0*255",
        "0100010800ff",
        "01 00 01 08 00 FF",
        "1.8.0",
        "1.8.0*255",
        "0:1.8.0",
        "  1-0:1.8.0*255 ",
    ],
)
def test_every_usual_spelling_is_read(text):
    assert ObisCode.parse(text) == ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("C.1.0", ObisCode(0, 0, 96, 1, 0)),
        ("F.F.0", None),
        ("l.1.0*1", ObisCode(0, 0, 98, 1, 0, 1)),
        ("0-0:P.1.0", ObisCode(0, 0, 99, 1, 0)),
        ("1-1:C.1.0", ObisCode(1, 1, 96, 1, 0)),
        ("1.8.0*1", ObisCode(1, 0, 1, 8, 0, 1)),
        ("96.1.0", ObisCode(0, 0, 96, 1, 0)),
    ],
)
def test_short_codes_of_a_readout_get_their_medium(text, code):
    if code is None:
        with pytest.raises(ValueError, match="no OBIS code"):
            ObisCode.parse(text)
    else:
        assert ObisCode.parse(text) == code


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.8", "1-0:1.8.0*256", "1.0.1.8.0.256", "999.8.0", "1-0:1.8.0*", "1--0:1.8.0", "0100010800",
     "0100010800ff00", "-1.0.1.8.0.255", "1-0:1.8.0*255x", "١.٨.٠"],
)  # fmt: skip
def test_what_is_no_code_is_a_value_error(text):
    with pytest.raises(ValueError):
        ObisCode.parse(text)


@given(codes)
@settings(derandomize=True, deadline=None)
def test_text_and_octets_come_back_the_same(code):
    assert ObisCode.parse(str(code)) == code
    assert ObisCode.from_bytes(code.to_bytes()) == code
    assert code.encode() == code.to_bytes() == bytes((code.a, code.b, code.c, code.d, code.e, code.f))


@given(codes, codes)
@settings(derandomize=True, deadline=None)
def test_codes_sort_as_their_octets_and_equal_ones_hash_the_same(one, other):
    assert (one < other) == (one.to_bytes() < other.to_bytes())
    assert (one == other) == (one.to_bytes() == other.to_bytes())
    assert hash(ObisCode.from_bytes(one.to_bytes())) == hash(one)


@pytest.mark.parametrize("groups", [(256, 0, 0, 0, 0), (-1, 0, 0, 0, 0), (0, 0, 0, 0, 0, 1000)])
def test_a_group_that_is_no_octet_is_a_value_error(groups):
    with pytest.raises(ValueError, match="0 to 255"):
        ObisCode(*groups)


@pytest.mark.parametrize("octets", [b"", bytes(5), bytes(7)])
def test_another_number_of_octets_is_a_fault_that_tells_it(octets):
    with pytest.raises(ProtocolFault, match=f"6 octets expected, {len(octets)} came") as odd:
        ObisCode.from_bytes(octets)
    assert odd.value.error.kind is ErrorKind.DECODE


def test_well_known_codes_are_attributes():
    assert ObisCode(0, 0, 1, 0, 0, 255) == ObisCode.CLOCK
    assert str(ObisCode.VOLTAGE_L1) == "1-0:32.7.0*255"
    assert str(ObisCode.CURRENT_L1) == "1-0:31.7.0*255"
    assert ObisCode.CLOCK is ObisCode.CLOCK
    with pytest.raises(AttributeError):
        ObisCode.CLOCK.a = 1
