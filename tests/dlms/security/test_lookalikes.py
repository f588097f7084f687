"""Messages that a hurried reading takes for usual ones: their octets agree where it should not matter."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from meterkit.dlms.security import Cipher, CounterBlock, Security, dedicated_key
from meterkit.dlms.security.headers import unwrap, wrap
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import (
    ANSWER,
    BOTH,
    CLIENT,
    EK,
    GET,
    METER,
    OTHER_KEY,
    in_use,
    key,
    pair,
    policy,
)

CONTROL = BOTH.value  # 30, in suite 0
GLO_GET, DED_GET = 0xCC, 0xD4  # responses


def refusal(cipher: Cipher, octets: bytes) -> str:
    """Return what is said of octets that are refused; nothing may have moved."""
    with pytest.raises(ProtocolFault) as refused:
        cipher.unprotect(octets)
    assert refused.value.error.kind in (ErrorKind.SECURITY, ErrorKind.DECODE)
    assert cipher.unicast.received is None
    assert cipher.dedicated is None or cipher.dedicated.received is None
    return refused.value.error.message


def test_every_flipped_bit_is_noticed_where_length_control_and_counter_are_the_same_octet() -> None:
    client, meter = pair()
    meter.unicast.counters = CounterBlock(int.from_bytes(bytes([CONTROL] * 4), "big"), 2**32 - 1)
    plain = ANSWER + bytes(CONTROL - 17 - len(ANSWER))
    octets = meter.protect(plain)
    assert octets[1:7] == bytes([CONTROL] * 6)
    for bit in range(8 * len(octets)):
        altered = bytearray(octets)
        altered[bit // 8] ^= 1 << bit % 8
        refusal(client, bytes(altered))
    assert client.unprotect(octets) == plain


@pytest.mark.parametrize("size", range(17, 140))
def test_a_length_that_is_off_by_one_is_refused_before_what_would_verify(size: int) -> None:
    client, _ = pair()
    content = key().protect(CONTROL, METER, 1, (ANSWER + bytes(140))[: size - 17])
    right = wrap(GLO_GET, content)
    head = len(right) - len(content)
    for off in (-1, 1):
        refusal(client, right[: head - 1] + bytes(((right[head - 1] + off) % 256,)) + content)
        refusal(client, bytes((GLO_GET, 0x80)) + content)


def test_another_apdu_is_refused_though_its_second_octet_or_its_length_would_do() -> None:
    client, _ = pair()
    plain = b"\x08\xc4" + bytes(21)  # an InitiateResponse; its ciphered tag is the length, 28
    octets = wrap(GLO_GET, key().protect(CONTROL, METER, 1, plain))
    assert octets[1] == 0x28
    assert refusal(client, octets).startswith("cc glo-get-response holds 08 initiate-response")


@pytest.mark.parametrize("security", [BOTH, Security.AUTHENTICATION])
def test_a_tag_of_the_other_kind_of_key_is_refused(security: Security) -> None:
    client, meter = pair(security)
    by_global = bytearray(meter.protect(ANSWER))
    by_global[0] = DED_GET
    assert refusal(client, bytes(by_global)) == "ciphered with a dedicated key, none is known"
    for end in (client, meter):
        end.dedicated = dedicated_key(OTHER_KEY, end.unicast)
    by_dedicated = bytearray(meter.protect(ANSWER))
    assert by_dedicated[0] == DED_GET
    by_dedicated[0] = GLO_GET
    assert "the tag does not verify" in refusal(client, bytes(by_dedicated))


def test_a_global_key_is_still_read_beside_a_dedicated_one() -> None:
    client, meter = pair()
    client.dedicated = dedicated_key(OTHER_KEY, client.unicast)
    assert client.unprotect(meter.protect(ANSWER)) == ANSWER
    assert (client.unicast.received, client.dedicated.received) == (1, None)


@pytest.mark.parametrize("size", range(1, 140))
def test_a_service_of_any_size_goes_under_its_own_tag_behind_the_shortest_length(size: int) -> None:
    client, meter = pair()
    plain = (b"\xc0" + b"\xc4" * 140)[:size]  # its second octet is another service's tag
    octets = client.protect(plain)
    assert octets == wrap(0xC8, unwrap(octets))
    assert meter.unprotect(octets) == plain


def test_without_an_authentication_key_nothing_goes_out_and_nothing_comes_in() -> None:
    _, meter = pair()
    client = Cipher(CLIENT, policy(), in_use(of=key(authentication=None)), peer_title=METER)
    with pytest.raises(ProtocolFault, match="no authentication key is known"):
        client.protect(GET)
    assert refusal(client, meter.protect(ANSWER)).endswith("no authentication key is known")


def test_a_tag_that_covers_no_authentication_key_is_refused_where_none_is_known() -> None:
    client = Cipher(CLIENT, policy(), in_use(of=key(authentication=None)), peer_title=METER)
    counter = b"\0\0\0\1"
    sealed = AESGCM(EK).encrypt(METER + counter, ANSWER, b"")[:-4]
    octets = wrap(GLO_GET, bytes((CONTROL,)) + counter + sealed)
    assert refusal(client, octets).endswith("no authentication key is known")
