"""What the ciphers say of what they refuse: whole sentences, and the place in front of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from meterkit.dlms.acse.names import AuthenticationMechanism
from meterkit.dlms.security import Cipher, CounterBlock, Envelope, Security, SecurityControl, dedicated_key
from meterkit.dlms.security.headers import GeneralCiphered, wrap
from meterkit.dlms.security.policy import check_mechanism, check_strength, check_titles
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import (
    ANSWER,
    BOTH,
    CLIENT,
    GET,
    METER,
    OTHER_KEY,
    in_use,
    key,
    pair,
    policy,
)

GMAC = AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
LARGE = 0x01000002  # a counter with something in each of its octets but two


def told(call: Callable[..., object], *arguments: object, kind: ErrorKind = ErrorKind.SECURITY) -> str:
    """The whole of a refusal."""
    with pytest.raises(ProtocolFault) as refused:
        call(*arguments)
    assert refused.value.error.kind is kind
    return str(refused.value.error).removesuffix(f" [{kind.value}]")


def test_a_wrong_tag_is_told_with_the_counter_as_it_came() -> None:
    content = key().protect(0x30, METER, LARGE, ANSWER)
    assert told(key(encryption=OTHER_KEY).unprotect, content, METER) == (
        f"the tag does not verify (security control 30, counter {LARGE}, sender {METER.hex()}): "
        "another key or system title was used, or octets were altered"
    )


def test_octets_too_few_for_their_protection_are_told_with_their_place() -> None:
    said = "octets at least expected (security control, counter, tag)"
    assert told(key().unprotect, b"\x30\0\0\0\1", METER, kind=ErrorKind.DECODE) == (
        f"ciphered content: 17 {said}, 5 came: 30 00 00 00 01"
    )
    client, _ = pair()
    assert told(client.unprotect, wrap(0xCC, b"\x30\0\0\0\1"), kind=ErrorKind.DECODE) == (
        f"ciphered content: 17 {said}, 5 came: 30 00 00 00 01"
    )


def test_no_protection_at_all_is_told_with_its_control_octet() -> None:
    assert told(key().unprotect, b"\x02\0\0\0\1" + ANSWER, METER) == (
        "security control 02: protection expected, there is none"
    )


def test_a_title_that_is_none_is_told() -> None:
    content = key().protect(0x30, METER, 1, ANSWER)
    for title, came in ((b"", "0 came: nothing"), (b"AB", "2 came: 41 42")):
        assert told(key().unprotect, content, title) == f"a system title of 8 octets expected, {came}"


def test_octets_too_few_for_a_counter_are_told() -> None:
    client, _ = pair()
    for size in range(5):
        assert told(client.unprotect, wrap(0xCC, bytes(size)), kind=ErrorKind.DECODE) == (
            f"cc glo-get-response: 5 octets at least expected, {size} came"
        )


def test_counters_that_are_used_up_are_told() -> None:
    assert told(CounterBlock(5, 5).take) == "no invocation counter is reserved any more; nothing was sent"


def test_a_counter_that_does_not_rise_is_told_in_all_its_octets() -> None:
    client, meter = pair()
    meter.unicast.counters = CounterBlock(LARGE, LARGE + 2)
    first = meter.protect(ANSWER)
    assert client.unprotect(first) == ANSWER
    assert client.unicast.received == LARGE
    assert told(client.unprotect, first) == (
        f"global unicast encryption key: invocation counter {LARGE + 1} or higher "
        f"expected, {LARGE} came: the message was seen before, or its sender lost count"
    )
    meter.unicast.counters = CounterBlock(5, 6)
    assert f"{LARGE + 1} or higher expected, 5 came" in told(client.unprotect, meter.protect(ANSWER))


def test_an_unknown_sender_is_told_with_the_apdu() -> None:
    _, meter = pair()
    assert told(Cipher(CLIENT, policy(), in_use()).unprotect, meter.protect(ANSWER)) == (
        "cc glo-get-response: the other end's system title is not known"
    )


def test_another_sender_than_the_pinned_one_is_told_before_its_tag_is_looked_at() -> None:
    client, meter = pair(envelope=Envelope.GENERAL)
    content = GeneralCiphered.decode(meter.protect(ANSWER)).content
    assert told(client.unprotect, GeneralCiphered(b"OTHER001", content).encode()) == (
        f"system title {METER.hex()} expected, {b'OTHER001'.hex()} came"
    )


def test_an_apdu_without_ciphered_form_is_told() -> None:
    client, _ = pair()
    for apdu, name in ((b"\x0f\0", "0f data-notification"), (b"", "nothing")):
        assert told(client.protect, apdu) == (
            f"{name} can't be sent ciphered but by general-glo-ciphering, which the meter did not grant; "
            "nothing was sent"
        )
    assert client.is_general_granted is False


def test_titles_and_keys_that_a_cipher_cannot_begin_with_are_told() -> None:
    for own, options, said in (
        (b"ABC", {}, "title 414243: 8 octets expected, not 3"),
        (CLIENT, {"peer_title": b"ABC"}, "peer_title 414243: 8 octets expected, not 3"),
        (CLIENT, {"peer_title": CLIENT}, f"both ends have the system title {CLIENT.hex()}"),
        (CLIENT, {"sends_broadcast": True}, "sends_broadcast: a broadcast key expected"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            Cipher(own, policy(), in_use(), **options)  # type: ignore[arg-type]


def test_a_cipher_shows_both_ends_and_no_key() -> None:
    client, _ = pair()
    words = "authentication and encryption"
    assert repr(client) == f"Cipher({CLIENT.hex()} with {METER.hex()}, {words})"
    assert repr(Cipher(CLIENT, policy(), in_use())) == f"Cipher({CLIENT.hex()} with any, {words})"


@pytest.mark.parametrize("security", [BOTH, Security.AUTHENTICATION, Security.ENCRYPTION])
def test_a_dedicated_key_may_be_there_from_the_beginning(security: Security) -> None:
    its = policy(security)
    ends = [
        Cipher(own, its, in_use(), peer_title=peer, dedicated=dedicated_key(OTHER_KEY, in_use()))
        for own, peer in ((CLIENT, METER), (METER, CLIENT))
    ]
    request = ends[0].protect(GET)
    assert request[0] == 0xD0
    assert ends[1].unprotect(request) == GET


def test_who_sends_by_a_broadcast_key_still_begins_by_the_unicast_key() -> None:
    sender = Cipher(
        CLIENT, policy(), in_use(), broadcast=in_use(of=key(encryption=OTHER_KEY)), sends_broadcast=True
    )
    assert sender.protect(b"\x01\0\0\0")[2] == 0x30
    assert sender.protect(GET)[2] == 0x70


def test_compression_is_told_with_what_to_do() -> None:
    assert told(SecurityControl.decode, 0xB0) == (
        "security control b0: the APDU is compressed (V.44), which meterkit doesn't undo; "
        "switch compression off in the meter"
    )


def test_mechanisms_and_titles_that_were_not_asked_for_are_told() -> None:
    asked = "authentication by HIGH_LEVEL_SECURITY_GMAC expected"
    assert told(check_mechanism, GMAC, AuthenticationMechanism.NONE) == f"{asked}, NONE came"
    assert told(check_mechanism, GMAC, b"\x60\x85") == f"{asked}, 6085 came"
    assert told(check_titles, CLIENT, None) == "the other end's system title expected, none came"


def test_a_weak_mechanism_is_told_with_the_ways_out() -> None:
    with pytest.raises(ValueError, match="is weak") as refused:
        check_strength(AuthenticationMechanism.LOW_LEVEL_SECURITY, BOTH)
    assert str(refused.value) == (
        "LOW_LEVEL_SECURITY is weak: who can listen or answer in the meter's place defeats it. With "
        "authentication and encryption expected, use GMAC, SHA256 or ECDSA, or say allow_weak=True"
    )


def test_an_empty_information_is_no_apdu_whatever_protects_it() -> None:
    client, _ = pair(Security.ENCRYPTION)
    assert told(client.unprotect, wrap(0xCC, b"\x20\0\0\0\1")) == (
        "cc glo-get-response: cc glo-get-response holds nothing: its tag was altered or the key is wrong"
    )
