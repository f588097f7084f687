"""The certificates of the emulated meter, by a bare client: odd octets, names that nobody has."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.obis import ObisCode
from tests.dlms.authority import Authority
from tests.emulator.dlms.meters import CLOCK_OCTETS, GET_CLOCK
from tests.emulator.dlms.secured import SecuredClient, secured_meter

SETUP = ObisCode.SECURITY_SETUP
GENERATE, REQUEST, IMPORT, EXPORT, REMOVE = 4, 5, 6, 7, 8
UNMATCHED, DENIED = ActionResult.TYPE_UNMATCHED, ActionResult.READ_WRITE_DENIED


def client(suite=1):
    return SecuredClient(secured_meter(suite=suite), suite=suite).enter()


def by_entity(entity, purpose, title):
    options = [axdr.encode_enum(entity), axdr.encode_enum(purpose), axdr.encode_octet_string(title)]
    return axdr.encode_structure([axdr.encode_enum(0), axdr.encode_structure(options)])


def by_serial(serial, issuer):
    options = [axdr.encode_octet_string(serial), axdr.encode_octet_string(issuer)]
    return axdr.encode_structure([axdr.encode_enum(1), axdr.encode_structure(options)])


@pytest.mark.parametrize("method", [GENERATE, REQUEST, IMPORT, EXPORT, REMOVE])
@pytest.mark.parametrize("octets", ["00", "020216000900", "0301", "110a", "090100", "02021600020216001600"])
def test_odd_parameters_are_refused_and_the_association_goes_on(method, octets):
    secured = client()
    assert secured.invoke(64, SETUP, method, bytes.fromhex(octets)).result is not ActionResult.SUCCESS
    assert secured.talk(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_a_certificate_that_nobody_has_is_undefined():
    secured = client()
    for name in (by_entity(0, 0, b"12345678"), by_serial(b"\x07", b"\x30\x00")):
        for method in (EXPORT, REMOVE):
            assert secured.invoke(64, SETUP, method, name).result is ActionResult.OBJECT_UNDEFINED


def test_what_is_no_certificate_is_denied():
    assert client().invoke(64, SETUP, IMPORT, axdr.encode_octet_string(b"\x30\x03abc")).result is DENIED


def test_an_authority_is_kept_once_however_often_it_comes():
    secured, authority = client(), Authority()
    der = authority.certificate
    for _ in range(3):
        assert secured.invoke(64, SETUP, IMPORT, axdr.encode_octet_string(der)).result == 0
    listed = axdr.decode(secured.talk("c001c1004000002b0000ff0600")[4:])
    assert len(listed) == 1
    assert listed[0][0] == 2


def test_there_are_no_key_pairs_in_suite_0():
    secured = client(0)
    for method in (GENERATE, REQUEST):
        assert secured.invoke(64, SETUP, method, b"\x16\x00").result is ActionResult.OBJECT_UNAVAILABLE


def test_keys_that_are_not_taken_are_answered_all_the_same():
    from meterkit.dlms.security.keys import wrap_key
    from tests.emulator.dlms.secured import keys_of

    secured = client(0)
    secured.emulator.faults.untaken_keys = 1
    wrapped = wrap_key(secured.suite, keys_of(0)[2], b"\x77" * 16)
    pair = axdr.encode_structure([axdr.encode_enum(0), axdr.encode_octet_string(wrapped)])
    assert secured.invoke(64, SETUP, 2, axdr.encode_array([pair])).result == 0
    assert secured.talk(GET_CLOCK)[4:] == CLOCK_OCTETS  # by the old key
    assert secured.emulator.faults.untaken_keys == 0
