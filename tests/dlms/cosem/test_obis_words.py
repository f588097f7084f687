"""OBIS codes in words.  Source of the vectors: IEC 62056-61, general knowledge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.obis_words import explain


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1-0:1.8.0", "active energy import, total"),
        ("1-0:1.8.2", "active energy import, tariff 2"),
        ("1-0:2.8.0*1", "active energy export, total, billing period 1"),
        ("1-0:3.8.0", "reactive energy import, total"),
        ("1-0:5.8.0", "reactive energy, quadrant I, total"),
        ("1-0:9.8.0", "apparent energy import, total"),
        ("1-0:15.8.0", "active energy, import plus export, total"),
        ("1-0:1.7.0", "active power import, instantaneous value"),
        ("1-0:1.6.1", "active power import, maximum 1, tariff 1"),
        ("1-0:21.7.0", "active power import L1, instantaneous value"),
        ("1-0:61.8.0", "active energy import L3, total"),
        ("1-0:32.7.0", "voltage L1, instantaneous value"),
        ("1-0:71.7.5", "current L3, instantaneous value, harmonic 5"),
        ("1-0:91.7.0", "neutral current, instantaneous value"),
        ("1-0:13.7.0", "power factor, instantaneous value"),
        ("1-0:14.7.0", "supply frequency, instantaneous value"),
        ("1-0:81.7.10", "angle, instantaneous value, from 0 to 1"),
        ("1-0:99.1.0", "load profile 1"),
        ("1-0:0.2.0", "active firmware identifier"),
        ("1-0:200.8.0", "manufacturer specific"),
        ("0-0:1.0.0", "clock"),
        ("0-0:96.1.0", "device ID"),
        ("0-0:96.7.21", "number of power failures, any phase"),
        ("0-0:40.0.0", "current association"),
        ("0-0:40.0.3", "association"),
        ("0-0:43.1.0", "invocation counter"),
        ("0-0:99.98.4", "event log"),
        ("0-1:24.2.1", "M-Bus value, channel 1"),
        ("7-0:3.0.0", "gas"),
        ("1-0:1.8.0*101", "active energy import, total, last billing period"),
        ("1-0:1.8.0*103", "active energy import, total, last 3 billing periods"),
        ("1-0:1.8.0*126", "active energy import, total, last billing periods"),
        ("1-0:1.8.0*127", "active energy import, total, F 127"),
    ],
)
def test_a_code_in_words(code, words):
    assert str(explain(code)) == words


def test_the_groups_one_by_one():
    words = explain("1-2:1.8.1*7")

    assert words.medium == "electricity"
    assert words.channel == "channel 2"
    assert words.quantity == "active energy import"
    assert words.processing == ""
    assert words.tariff == "tariff 1"
    assert words.billing_period == "billing period 7"


@given(st.builds(ObisCode, *[st.integers(0, 255)] * 6))
def test_every_code_has_words(code):
    words = explain(code)
    assert words.medium
    assert str(words).strip() == str(words)


def test_what_is_no_code_is_a_mistake():
    with pytest.raises(ValueError, match="no OBIS code"):
        explain("energy")
