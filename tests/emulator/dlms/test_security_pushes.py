"""Ciphered pushes of the emulated meter, as real ones send them."""

import pytest

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.notification import DataNotification
from meterkit.dlms.security import (
    Cipher,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    Security,
    SecurityPolicy,
    SecuritySuite,
)
from meterkit.dlms.security.headers import GeneralCiphered, sender_of
from tests.emulator.dlms.meters import WrapperClient, split
from tests.emulator.dlms.secured import CLIENT_TITLE, METER_TITLE, SAP, keys_of, secured_meter

BROADCAST = b"\x33" * 16
POLICIES = ["authentication", "encryption", "authentication_encryption"]


def receiver(protection, suite=0, **fields):
    """Return a push server's end."""
    encryption, authentication, _ = keys_of(suite)
    suite = SecuritySuite(suite)
    required = Security[protection.upper()]
    unicast = KeyInUse(KeyKind.GLOBAL_UNICAST_ENCRYPTION, ProtectionKey(suite, encryption, authentication))
    broadcast = KeyInUse(
        KeyKind.GLOBAL_BROADCAST_ENCRYPTION, ProtectionKey(SecuritySuite.SUITE_0, BROADCAST, keys_of(0)[1])
    )
    policy = SecurityPolicy(suite, Security.NONE, required)
    return Cipher(CLIENT_TITLE, policy, unicast, peer_title=METER_TITLE, broadcast=broadcast)


def pushed(emulator, **how):
    """Return the APDUs of one push, and where they went."""
    client = WrapperClient(emulator)
    emulator.push(**how)
    return split(client.session.wake(0.0))


@pytest.mark.parametrize("suite", [0, 2])
@pytest.mark.parametrize("protection", POLICIES)
@pytest.mark.parametrize("has_title", [True, False])
def test_a_push_goes_in_general_glo_ciphering(suite, protection, has_title):
    how = {"client": SAP, "protection": protection, "has_system_title": has_title}
    emulator = secured_meter(suite=suite, push_security=how)
    ((_, destination, apdu),) = pushed(emulator)
    assert destination == emulator.configuration.push_client
    assert sender_of(apdu) == (METER_TITLE if has_title else b"")
    assert isinstance(decode_apdu(receiver(protection, suite).unprotect(apdu)), DataNotification)


def test_a_push_can_go_by_the_broadcast_key():
    emulator = secured_meter(
        keys={"broadcast_key": BROADCAST}, push_security={"client": SAP, "is_broadcast": True}
    )
    ((_, _, apdu),) = pushed(emulator)
    assert GeneralCiphered.decode(apdu).content[0] == 0x70
    assert isinstance(decode_apdu(receiver("authentication_encryption").unprotect(apdu)), DataNotification)


def test_a_ciphered_push_is_cut_into_general_blocks_afterwards():
    emulator = secured_meter(push_security={"client": SAP, "has_system_title": False})
    blocks = [decode_apdu(apdu) for _, _, apdu in pushed(emulator, block_size=40)]
    assert len(blocks) > 3
    whole = b"".join(block.data for block in blocks)
    assert isinstance(decode_apdu(receiver("authentication_encryption").unprotect(whole)), DataNotification)


def test_pushes_never_use_a_counter_twice():
    emulator = secured_meter(push_security={"client": SAP})
    end = receiver("authentication_encryption")
    for number in range(1, 6):
        ((_, _, apdu),) = pushed(emulator)
        end.unprotect(apdu)
        assert end.unicast.received == number


def test_pushes_go_in_clear_unless_they_are_to_be_ciphered():
    ((_, _, apdu),) = pushed(secured_meter())
    assert isinstance(decode_apdu(apdu), DataNotification)


@pytest.mark.parametrize(
    "how",
    [
        {"client": 16},
        {"client": 99},
        {"client": SAP, "is_broadcast": True},
        {"client": SAP, "protection": "none"},
    ],
)
def test_pushes_that_could_not_be_ciphered_are_refused(how):
    with pytest.raises(ValueError, match="push_security"):
        secured_meter(push_security=how)
