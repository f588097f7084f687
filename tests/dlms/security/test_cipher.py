"""One association's APDUs, there and back, and everything an attacker may do to them."""

from __future__ import annotations

import pytest

from meterkit.dlms.acse.apdus import Aarq, Rlrq
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.security import (
    Cipher,
    CounterBlock,
    Envelope,
    KeyInUse,
    KeyKind,
    Security,
    SecurityPolicy,
    StaleCounter,
    dedicated_key,
)
from meterkit.dlms.security.cipher import ExpectedKey
from meterkit.dlms.security.headers import DED, GLO, PLAIN, GeneralCiphered, sender_of, unwrap, wrap
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import (
    ANSWER,
    BOTH,
    CLIENT,
    GET,
    METER,
    OTHER_KEY,
    SUITE_1,
    in_use,
    key,
    pair,
    parameter,
    policy,
)
from tests.dlms.vectors import VECTORS, octets_of

PROTECTIONS = [security for security in Security if security is not Security.NONE]


def refusal(cipher: Cipher, octets: bytes) -> str:
    """Return what `unprotect` says of octets it refuses; nothing may have moved."""
    before = cipher.unicast.received
    with pytest.raises(ProtocolFault) as refused:
        cipher.unprotect(octets)
    assert refused.value.error.kind is ErrorKind.SECURITY
    assert cipher.unicast.received == before
    return str(refused.value.error)


@pytest.mark.parametrize("security", PROTECTIONS)
@pytest.mark.parametrize("envelope", Envelope)
def test_requests_and_answers_cross(security: Security, envelope: Envelope) -> None:
    client, meter = pair(security, envelope=envelope)
    for _ in range(3):
        assert meter.unprotect(client.protect(GET)) == GET
        assert client.unprotect(meter.protect(ANSWER)) == ANSWER


@pytest.mark.parametrize("plain", sorted(GLO))
def test_every_service_has_its_own_tag_both_ways(plain: int) -> None:
    client, meter = pair()
    ciphered = client.protect(bytes((plain, 1, 2, 3)))
    assert ApduTag(ciphered[0]).name == f"GLO_{ApduTag(plain).name}"
    assert meter.unprotect(ciphered) == bytes((plain, 1, 2, 3))


def test_the_tables_of_tags_are_the_standards() -> None:
    assert {plain: glo for plain, glo in GLO.items() if plain < 0x80} == {
        plain: plain + 0x20 for plain in (0x01, 0x05, 0x06, 0x08, 0x0C, 0x0D, 0x0E, 0x16, 0x18)
    }
    assert {glo - plain for plain, glo in GLO.items() if plain >= 0xC0} == {8}
    assert {ded - plain for plain, ded in DED.items() if plain >= 0xC0} == {16}
    assert len(PLAIN) == 32


def test_a_dedicated_key_takes_over_from_the_initiate_on_with_a_counter_of_its_own() -> None:
    client, meter = pair()
    for end in (client, meter):
        end.dedicated = dedicated_key(OTHER_KEY, end.unicast)
    initiate = client.protect(b"\x01\x00\x00\x00")
    assert initiate[0] == ApduTag.GLO_INITIATE_REQUEST
    meter.unprotect(initiate)
    request = client.protect(GET)
    assert request[0] == ApduTag.DED_GET_REQUEST
    assert unwrap(request)[1:5] == b"\0\0\0\1"
    assert meter.unprotect(request) == GET
    answer = meter.protect(ANSWER)
    assert answer[0] == ApduTag.DED_GET_RESPONSE
    assert client.unprotect(answer) == ANSWER
    assert (meter.unicast.received, meter.dedicated.received) == (1, 1)  # type: ignore[union-attr]


def test_general_ded_ciphering_tells_its_sender() -> None:
    client, meter = pair(envelope=Envelope.GENERAL)
    for end in (client, meter):
        end.dedicated = in_use(KeyKind.DEDICATED, key(encryption=OTHER_KEY))
    octets = client.protect(GET)
    assert octets[0] == ApduTag.GENERAL_DED_CIPHERING
    assert sender_of(octets) == CLIENT
    assert meter.unprotect(octets) == GET


def test_an_initiate_is_never_general() -> None:
    client, meter = pair(envelope=Envelope.GENERAL)
    assert meter.unprotect(client.protect(b"\x01\0\0\0"))[0] == 1
    assert client.protect(b"\x01\0\0\0")[0] == ApduTag.GLO_INITIATE_REQUEST


def test_services_without_a_tag_of_their_own_go_by_general_glo_or_not_at_all() -> None:
    notification = bytes.fromhex("0f000000010000")
    client, meter = pair(envelope=Envelope.GENERAL)
    assert client.unprotect(meter.protect(notification)) == notification
    client, meter = pair()
    left = meter.unicast.counters.left  # type: ignore[union-attr]
    with pytest.raises(ProtocolFault, match="0f data-notification can't be sent ciphered but by general-glo"):
        meter.protect(notification)
    assert meter.unicast.counters.left == left  # type: ignore[union-attr]


def test_broadcasts_use_their_own_key_and_counter() -> None:
    group = key(encryption=OTHER_KEY)
    sender = Cipher(
        CLIENT,
        policy(),
        in_use(),
        broadcast=in_use(KeyKind.GLOBAL_BROADCAST_ENCRYPTION, group, first=500),
        sends_broadcast=True,
    )
    _, meter = pair(broadcast=in_use(KeyKind.GLOBAL_BROADCAST_ENCRYPTION, group))
    octets = sender.protect(GET)
    assert unwrap(octets)[0] == 0x70
    assert meter.unprotect(octets) == GET
    assert meter.unicast.received is None
    _, knows_none = pair()
    assert "ciphered with a global broadcast encryption key, none is known" in refusal(knows_none, octets)


@pytest.mark.parametrize("security", Security)
@pytest.mark.parametrize("envelope", Envelope)
def test_the_overhead_is_told_before_anything_is_sent(security: Security, envelope: Envelope) -> None:
    client, _ = pair(security, envelope=envelope)
    longest = b"\xc1" + bytes(60_000)
    assert len(client.protect(longest)) == len(longest) + client.overhead
    assert len(client.protect(GET)) <= len(GET) + client.overhead


# ---------------------------------------------------------------- live octets
def test_a_live_session_with_gmac_is_read_as_the_meter_reads_it() -> None:
    name = "wrapper-aarq-gmac-ciphered"
    aarq = Aarq.decode(octets_of(name)[8:])
    meter = Cipher(METER, policy(), in_use())
    meter.meet(aarq.calling_ap_title)
    assert aarq.user_information is not None
    assert meter.unprotect(aarq.user_information).hex() == VECTORS[name]["expected"]["plaintext"]
    action = meter.unprotect(octets_of("glo-action-request"))
    assert action.hex() == VECTORS["glo-action-request"]["expected"]["plaintext"]
    # The f(StoC) inside used 0x20, the AARQ 0x1f: three counters, none twice.
    assert meter.unicast.received == 0x21
    assert refusal(meter, octets_of("glo-action-request"))


def test_a_live_release_is_deciphered() -> None:
    name = "rlrq-ciphered-live"
    meter = Cipher(METER, policy(), in_use(), peer_title=parameter(name, "system_title"))
    octets = Rlrq.decode(octets_of(name)).user_information
    assert octets is not None
    assert meter.unprotect(octets).hex() == VECTORS[name]["expected"]["plaintext"]


def test_an_encrypted_push_opens_where_that_is_enough() -> None:
    name = "general-glo-kaifa-push-encrypt-only"
    title = parameter(name, "system_title")
    listener = Cipher(
        CLIENT,
        SecurityPolicy(SUITE_1, Security.ENCRYPTION, Security.ENCRYPTION),
        KeyInUse(KeyKind.GLOBAL_UNICAST_ENCRYPTION, key(SUITE_1, parameter(name, "ek"), None)),
        peer_title=sender_of(octets_of(name)),
    )
    assert listener.peer_title == title
    assert listener.unprotect(octets_of(name)).hex() == VECTORS[name]["expected"]["plaintext"]
    demanding = Cipher(CLIENT, policy(BOTH, suite=SUITE_1), in_use(of=key(SUITE_1)), peer_title=title)
    assert "authentication and encryption, suite 1 expected, encryption only, suite 1 came" in refusal(
        demanding, octets_of(name)
    )


def test_an_empty_title_is_the_peers() -> None:
    client, meter = pair(envelope=Envelope.GENERAL)
    told = GeneralCiphered.decode(meter.protect(ANSWER))
    assert client.unprotect(GeneralCiphered(b"", told.content).encode()) == ANSWER


# ---------------------------------------------------------------- attacks
def test_every_flipped_bit_of_an_answer_is_refused_and_moves_nothing() -> None:
    client, meter = pair()
    octets = meter.protect(ANSWER)
    for bit in range(8 * len(octets)):
        altered = bytearray(octets)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProtocolFault) as refused:
            client.unprotect(bytes(altered))
        assert refused.value.error.kind in (ErrorKind.SECURITY, ErrorKind.DECODE)
        assert client.unicast.received is None
    assert client.unprotect(octets) == ANSWER


def test_an_answer_played_back_is_refused() -> None:
    client, meter = pair()
    first, second = meter.protect(ANSWER), meter.protect(ANSWER)
    client.unprotect(second)
    for old in (first, second):
        with pytest.raises(StaleCounter, match="3 or higher expected") as refused:
            client.unprotect(old)
        assert refused.value.expected == 3
        assert refused.value.error.kind is ErrorKind.SECURITY


def test_a_first_counter_of_zero_is_legal_once() -> None:
    client, meter = pair()
    meter.unicast.counters = CounterBlock(0, 10)
    first = meter.protect(ANSWER)
    assert client.unprotect(first) == ANSWER
    with pytest.raises(StaleCounter, match="1 or higher expected, 0 came"):
        client.unprotect(first)


def test_a_stored_counter_goes_on_across_sessions() -> None:
    client, meter = pair()
    client.unicast.received = 1
    with pytest.raises(StaleCounter):
        client.unprotect(meter.protect(ANSWER))
    assert client.unprotect(meter.protect(ANSWER)) == ANSWER


def test_our_own_request_sent_back_is_refused() -> None:
    client, _ = pair()
    assert "the tag does not verify" in refusal(client, client.protect(GET))
    client, _ = pair(envelope=Envelope.GENERAL)
    assert "claims our own system title" in refusal(client, client.protect(GET))


def test_plaintext_is_refused_with_what_was_expected() -> None:
    client, _ = pair()
    assert (
        "authentication and encryption, suite 0 expected, c4 get-response came without protection"
        in refusal(client, ANSWER)
    )
    assert "e0 general-block-transfer came without protection" in refusal(client, b"\xe0\x80\0\1\0\0\0")
    assert "nothing came without protection" in refusal(client, b"")


@pytest.mark.parametrize("weaker", [Security.AUTHENTICATION, Security.ENCRYPTION])
def test_weaker_protection_is_refused_even_if_it_is_right(weaker: Security) -> None:
    client, _ = pair()
    meter = Cipher(METER, policy(weaker), in_use(), peer_title=CLIENT)
    assert f"expected, {weaker.words}, suite 0 came" in refusal(client, meter.protect(ANSWER))


def test_another_apdu_under_the_tag_is_refused() -> None:
    client, meter = pair()
    octets = bytearray(meter.protect(ANSWER))
    octets[0] = ApduTag.GLO_ACTION_RESPONSE
    assert "cf glo-action-response holds c4 get-response" in refusal(client, bytes(octets))


def test_a_lying_title_is_refused() -> None:
    client, meter = pair(envelope=Envelope.GENERAL)
    told = GeneralCiphered.decode(meter.protect(ANSWER))
    assert "system title" in refusal(client, GeneralCiphered(b"OTHER001", told.content).encode())
    with pytest.raises(ProtocolFault, match="expected, 4f54484552303031 came"):
        client.meet(b"OTHER001")
    client.meet(METER)


def test_octets_behind_the_content_are_refused() -> None:
    client, meter = pair()
    with pytest.raises(ProtocolFault, match="1 octets too many"):
        client.unprotect(meter.protect(ANSWER) + b"\0")


def test_a_content_too_short_for_its_head_is_told() -> None:
    _, meter = pair()
    with pytest.raises(ProtocolFault, match="5 octets at least expected, 2 came") as refused:
        meter.unprotect(wrap(0xC8, b"\x30\x00"))
    assert refused.value.error.kind is ErrorKind.DECODE
    assert refused.value.error.where == "c8 glo-get-request"


@pytest.mark.parametrize("length", ["02", "8102", "820002", "83000002"])
def test_a_content_may_have_a_length_of_any_size_and_no_other_than_its_own(length: str) -> None:
    octets = bytes.fromhex(f"c8 {length} 3000")
    assert unwrap(octets) == b"\x30\x00"
    for other in (octets[:-1], octets + b"\x00"):
        with pytest.raises(ProtocolFault) as refused:
            unwrap(other)
        assert refused.value.error.kind is ErrorKind.DECODE


@pytest.mark.parametrize("octets", [b"", GET, wrap(0xC8, b"\x30\x00")])
def test_only_general_apdus_name_their_sender(octets: bytes) -> None:
    assert sender_of(octets) == b""


def test_compression_is_refused_in_words() -> None:
    client, meter = pair()
    octets = bytearray(meter.protect(ANSWER))
    octets[2] |= 0x80
    assert "compressed (V.44), which meterkit doesn't undo" in refusal(client, bytes(octets))


def test_refusals_in_clear_pass_unless_the_policy_says_no() -> None:
    client, _ = pair()
    assert client.unprotect(bytes.fromhex("d80106")) == bytes.fromhex("d80106")
    assert client.unprotect(bytes.fromhex("0e0101")) == bytes.fromhex("0e0101")
    strict = Cipher(CLIENT, SecurityPolicy(policy().suite, BOTH, BOTH, False), in_use(), peer_title=METER)
    assert "d8 exception-response came without protection" in refusal(strict, bytes.fromhex("d80106"))


def test_acse_passes_and_so_does_everything_where_nothing_is_demanded() -> None:
    client, meter = pair()
    for octets in (Aarq().encode(), Rlrq().encode()):
        assert meter.unprotect(client.protect(octets)) == octets
    client, meter = pair(Security.NONE)
    assert meter.unprotect(client.protect(GET)) == GET


def test_without_a_counter_nothing_is_sent() -> None:
    client, _ = pair()
    client.unicast.counters = CounterBlock(1, 2)
    client.protect(GET)
    with pytest.raises(ProtocolFault, match="no invocation counter is reserved any more; nothing was sent"):
        client.protect(GET)
    client.unicast.counters = None
    with pytest.raises(ProtocolFault, match="nothing is sent with the global unicast encryption key here"):
        client.protect(GET)


def test_before_the_title_is_known_nothing_is_deciphered() -> None:
    _, meter = pair()
    stranger = Cipher(CLIENT, policy(), in_use())
    assert "system title is not known" in refusal(stranger, meter.protect(ANSWER))


# ---------------------------------------------------------------- a change of keys
def test_during_a_change_the_old_key_is_still_read_until_the_new_one_came() -> None:
    client, meter = pair()
    new = key(encryption=OTHER_KEY)
    client.unicast.change(new)
    assert client.unprotect(meter.protect(ANSWER)) == ANSWER  # the meter's confirmation, under the old key
    with pytest.raises(ProtocolFault, match="the tag does not verify"):
        meter.unprotect(client.protect(GET))
    old_answer = meter.protect(ANSWER)
    meter.unicast.change(new)
    assert client.unprotect(meter.protect(ANSWER)) == ANSWER
    assert client.unicast.previous is None
    assert "the tag does not verify" in refusal(client, old_answer)


def test_a_counter_of_the_expected_key_counts_for_the_key_in_use_once_that_is_the_one() -> None:
    one = in_use()
    one.expected = ExpectedKey(key(encryption=OTHER_KEY), counts_anew=True)
    one.accept_expected(900)
    assert (one.received, one.expected.received) == (None, 900)
    one.change(one.expected.key, received=900)
    with pytest.raises(StaleCounter):
        one.accept_expected(900)
    one.accept_expected(901)
    assert one.received == 901


def test_both_ends_cannot_have_one_title() -> None:
    with pytest.raises(ValueError, match="both ends have the system title"):
        Cipher(CLIENT, policy(), in_use(), peer_title=CLIENT)
    with pytest.raises(ValueError, match="8 octets expected, not 3"):
        Cipher(b"ABC", policy(), in_use())
    with pytest.raises(ValueError, match="a broadcast key expected"):
        Cipher(CLIENT, policy(), in_use(), sends_broadcast=True)
