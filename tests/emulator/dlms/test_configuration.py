"""What a configuration of the emulated DLMS meter may say."""

import json

import pytest
from pydantic import ValidationError

from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms import ClientConfiguration, DlmsEmulatorConfiguration, DlmsQuirk, ProfileOddity


def test_a_configuration_is_read_from_json(tmp_path):
    file = tmp_path / "meter.json"
    file.write_text(
        json.dumps(
            {
                "interface": "hdlc",
                "quirks": ["ua_without_parameters"],
                "system_title": "hex:4d4b540000000001",
                "clients": [{"sap": 1, "authentication": "low", "password": "hex:00ff", "clearance": 2}],
                "profile": {"rows": 10_000, "oddities": ["newest_first", "clock_impossible"]},
            }
        )
    )
    configuration = DlmsEmulatorConfiguration.load(file)
    assert configuration.quirks == {DlmsQuirk.UA_WITHOUT_PARAMETERS}
    assert configuration.client(1).password.get_secret_value() == b"\x00\xff"
    assert configuration.client(16) is None
    assert configuration.profile.oddities == {ProfileOddity.NEWEST_FIRST, ProfileOddity.CLOCK_IMPOSSIBLE}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"system_title": b"short"}, "8 octets"),
        ({"clients": [{"sap": 1}, {"sap": 1}]}, "the same SAP"),
        ({"clients": [{"sap": 1, "authentication": "low"}]}, "has a password"),
        ({"clients": [{"sap": 1, "conformance": ["get", "fly"]}]}, "no service is called fly"),
        ({"serial_number": "\n"}, "printable"),
        ({"quirks": ["nonsense"]}, "quirks"),
        ({"profile": {"oddities": ["nonsense"]}}, "oddities"),
        ({"system_title": "hex:0"}, "hexadecimal"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        DlmsEmulatorConfiguration.model_validate(fields)


def test_a_client_can_be_granted_few_services():
    client = ClientConfiguration(sap=16, conformance=("get", "block-transfer-with-get-or-read"))
    assert client.services == Conformance.GET | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ


def test_a_password_is_never_shown():
    assert "12345678" not in repr(DlmsEmulatorConfiguration())
    with pytest.raises(ValidationError) as caught:
        DlmsEmulatorConfiguration.model_validate({"clients": [{"sap": 1, "password": "geheim123"}]})
    assert "geheim123" not in str(caught.value)


def test_no_oddity_of_a_profile_is_called_as_a_quirk_is():
    assert not {quirk.value for quirk in DlmsQuirk} & {oddity.value for oddity in ProfileOddity}


def test_every_quirk_tells_where_it_was_seen():
    for quirk in DlmsQuirk:
        assert quirk.seen.endswith(".")
        assert quirk.value == quirk.name.lower()
