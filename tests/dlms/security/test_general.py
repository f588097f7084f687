"""general-ciphering and general-signing: the Green Book's example, every scheme, and attacks on them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.dlms.security import (
    CounterBlock,
    GeneralCipher,
    GeneralSigner,
    KeyMaterial,
    KeyScheme,
    ProtectionKey,
    Security,
    SecuritySuite,
    StaleCounter,
)
from meterkit.dlms.security.general_headers import (
    AgreedKey,
    GeneralCiphering,
    GeneralHeader,
    GeneralSigning,
    IdentifiedKey,
    KeyInfo,
    WrappedKey,
)
from meterkit.dlms.security.headers import GeneralCiphered, sender_of
from meterkit.dlms.security.key_agreement import generate_key, open_ephemeral
from meterkit.dlms.security.keys import public_key_octets, public_key_of
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import (
    AK,
    ANSWER,
    BOTH,
    CLIENT,
    GET,
    METER,
    OTHER_KEY,
    SUITE_0,
    SUITE_1,
    SUITE_2,
    in_use,
    key,
    parameter,
    policy,
)
from tests.dlms.vectors import VECTORS, octets_of

EXAMPLE = "general-ciphering-onepass-dh"
NEW_KEYS = [scheme for scheme in KeyScheme if scheme is not KeyScheme.IDENTIFIED]


def ends(
    scheme: KeyScheme, suite: SecuritySuite = SUITE_1, security: Security = BOTH
) -> tuple[GeneralCipher, GeneralCipher]:
    """Return the client's end and the meter's."""
    pairs = [generate_key(suite) for _ in range(4)] if suite.has_public_keys else [None] * 4

    def end(title: bytes, peer: bytes, own: int, other: int) -> GeneralCipher:
        material = KeyMaterial(
            master_key=OTHER_KEY * (suite.key_size // 16),
            own_agreement=pairs[own],
            peer_agreement=pairs[other].public_key() if pairs[other] else None,
            own_signing=pairs[own + 1],
            peer_signing=pairs[other + 1].public_key() if pairs[other + 1] else None,
        )
        its_policy = policy(security, suite=suite)
        return GeneralCipher(title, peer, its_policy, in_use(of=key(suite)), scheme=scheme, material=material)

    return end(CLIENT, METER, 0, 2), end(METER, CLIENT, 2, 0)


def refusal(cipher: GeneralCipher | GeneralSigner, octets: bytes) -> str:
    with pytest.raises(ProtocolFault) as refused:
        cipher.unprotect(octets)
    assert refused.value.error.kind is ErrorKind.SECURITY
    return str(refused.value.error)


# ---------------------------------------------------------------- octets
def test_the_green_books_example_is_read_and_written_again() -> None:
    expected = VECTORS[EXAMPLE]["expected"]
    apdu = GeneralCiphering.decode(octets_of(EXAMPLE))
    assert apdu.header.transaction_id.hex() == expected["transaction_id"]
    assert apdu.header.originator == bytes.fromhex(expected["originator"])
    assert apdu.header.recipient == bytes.fromhex(expected["recipient"])
    assert isinstance(apdu.key_info, AgreedKey)
    assert apdu.key_info.key_parameters == b"\x01"
    assert apdu.content[:5].hex() == expected["sc"] + expected["ic"]
    assert apdu.encode() == octets_of(EXAMPLE)
    assert sender_of(octets_of(EXAMPLE)) == apdu.header.originator


def test_the_green_books_example_holds_its_plaintext() -> None:
    # Nobody could reproduce the printed tag; without it the counter mode inside still shows the text.
    apdu = GeneralCiphering.decode(octets_of(EXAMPLE))
    its_key = ProtectionKey(SUITE_1, parameter(EXAMPLE, "ek"))
    without_tag = b"\x21" + apdu.content[1:-12]
    assert (
        its_key.unprotect(without_tag, apdu.header.originator).hex()
        == VECTORS[EXAMPLE]["expected"]["plaintext"].lower()
    )


def test_the_green_books_ephemeral_key_is_signed_without_a_prefix() -> None:
    name = "ecdsa-p256-onepass-epk-client"
    apdu = GeneralCiphering.decode(octets_of(EXAMPLE))
    assert isinstance(apdu.key_info, AgreedKey)
    signing = public_key_of(SUITE_1, parameter(name, "public"))
    opened = open_ephemeral(SUITE_1, apdu.key_info.key_ciphered_data, signing)
    assert public_key_octets(opened) == parameter(name, "data")


octet_strings = st.binary(max_size=200)
headers = st.builds(
    GeneralHeader,
    transaction_id=octet_strings,
    originator=octet_strings,
    recipient=octet_strings,
    date_time=octet_strings,
    other_information=octet_strings,
)
key_infos = (
    st.none() | st.builds(IdentifiedKey, st.sampled_from([0, 1])) | st.builds(WrappedKey, octet_strings)
)
agreed = st.builds(AgreedKey, octet_strings, octet_strings)


@given(headers, key_infos | agreed, octet_strings)
def test_general_ciphering_goes_there_and_back(
    header: GeneralHeader, info: KeyInfo | None, content: bytes
) -> None:
    apdu = GeneralCiphering(header, info, content)
    assert GeneralCiphering.decode(apdu.encode()) == apdu


@given(headers, octet_strings, octet_strings)
def test_general_signing_goes_there_and_back(header: GeneralHeader, content: bytes, signature: bytes) -> None:
    apdu = GeneralSigning(header, content, signature)
    assert GeneralSigning.decode(apdu.encode()) == apdu


@given(octet_strings, octet_strings, st.booleans())
def test_general_glo_and_ded_go_there_and_back(title: bytes, content: bytes, is_dedicated: bool) -> None:
    apdu = GeneralCiphered(title, content, is_dedicated)
    assert GeneralCiphered.decode(apdu.encode()) == apdu
    assert sender_of(apdu.encode()) == title


@given(st.sampled_from([GeneralCiphering, GeneralSigning, GeneralCiphered]), st.binary(max_size=80))
def test_any_octets_give_an_apdu_or_a_fault(kind: type[GeneralCiphering], octets: bytes) -> None:
    for head in (b"", b"\xdb", b"\xdd", b"\xdf", b"\xdd\x00\x00\x00\x00\x00\x01"):
        try:
            made: object = kind.decode(head + octets)
        except ProtocolFault as odd:
            made = odd.error.kind
        assert isinstance(made, kind) or made is ErrorKind.DECODE


# ---------------------------------------------------------------- schemes
@pytest.mark.parametrize("security", [one for one in Security if one is not Security.NONE])
@pytest.mark.parametrize("suite", [SUITE_1, SUITE_2])
@pytest.mark.parametrize("scheme", KeyScheme)
def test_every_scheme_crosses_both_ways(scheme: KeyScheme, suite: SecuritySuite, security: Security) -> None:
    client, meter = ends(scheme, suite, security)
    for _ in range(2):
        request = client.protect(GET)
        assert meter.unprotect(request) == GET
        transaction = GeneralCiphering.decode(request).header.transaction_id
        assert client.unprotect(meter.protect(ANSWER, answers=transaction)) == ANSWER


@pytest.mark.parametrize("scheme", [KeyScheme.IDENTIFIED, KeyScheme.WRAPPED])
def test_suite_0_identifies_and_wraps(scheme: KeyScheme) -> None:
    client, meter = ends(scheme, SUITE_0)
    assert meter.unprotect(client.protect(GET)) == GET


@pytest.mark.parametrize("scheme", NEW_KEYS)
def test_no_two_messages_share_a_key(scheme: KeyScheme) -> None:
    client, _ = ends(scheme)
    apdus = [GeneralCiphering.decode(client.protect(GET)) for _ in range(5)]
    infos = (
        {apdu.key_info for apdu in apdus}
        if scheme is not KeyScheme.STATIC
        else {apdu.header.transaction_id for apdu in apdus}
    )
    assert len(infos) == 5
    assert len({apdu.content[5:18] for apdu in apdus}) == 5


@pytest.mark.parametrize("scheme", KeyScheme)
def test_every_altered_octet_is_refused(scheme: KeyScheme) -> None:
    client, meter = ends(scheme)
    octets = client.protect(GET)
    for place in range(len(octets)):
        altered = bytearray(octets)
        altered[place] ^= 1 << place % 8
        with pytest.raises(ProtocolFault) as refused:
            meter.unprotect(bytes(altered))
        assert refused.value.error.kind in (ErrorKind.SECURITY, ErrorKind.DECODE)
    assert meter.unprotect(octets) == GET


@pytest.mark.parametrize("scheme", KeyScheme)
def test_a_request_played_back_is_refused(scheme: KeyScheme) -> None:
    client, meter = ends(scheme)
    first, second = client.protect(GET), client.protect(GET)
    meter.unprotect(first)
    if scheme is KeyScheme.IDENTIFIED:
        with pytest.raises(StaleCounter):
            meter.unprotect(first)
    else:
        assert "transaction id" in refusal(meter, first)
    assert meter.unprotect(second) == GET


@pytest.mark.parametrize("scheme", NEW_KEYS)
def test_an_answer_to_another_request_is_refused(scheme: KeyScheme) -> None:
    client, meter = ends(scheme)
    old = GeneralCiphering.decode(client.protect(GET)).header.transaction_id
    answer = meter.protect(ANSWER, answers=old)
    client.protect(GET)
    assert f"transaction id: {2:016x} expected, {1:016x} came" in refusal(client, answer)


@pytest.mark.parametrize("scheme", KeyScheme)
@pytest.mark.parametrize("other", KeyScheme)
def test_another_scheme_is_refused(scheme: KeyScheme, other: KeyScheme) -> None:
    if other is scheme:
        return
    _, meter = ends(scheme)
    client, _ = ends(other)
    assert f"a key by {scheme.value} expected" in refusal(meter, client.protect(GET))


def test_another_sender_receiver_or_weaker_protection_is_refused() -> None:
    client, meter = ends(KeyScheme.IDENTIFIED)
    apdu = GeneralCiphering.decode(client.protect(GET))
    lying = replace(apdu, header=replace(apdu.header, originator=b"OTHER001"))
    assert "system title" in refusal(meter, lying.encode())
    astray = replace(apdu, header=replace(apdu.header, recipient=b"OTHER001"))
    assert "one for 4f54484552303031 came" in refusal(meter, astray.encode())
    assert "claims our own system title" in refusal(client, client.protect(GET))
    weak, _ = ends(KeyScheme.IDENTIFIED, security=Security.AUTHENTICATION)
    assert "authentication only, suite 1 came" in refusal(meter, weak.protect(GET))
    assert "came without protection" in refusal(meter, GET)


@pytest.mark.parametrize("scheme", KeyScheme)
def test_a_sender_that_is_left_out_is_the_one_who_is_known(scheme: KeyScheme) -> None:
    client, meter = ends(scheme)
    transaction = client.transactions.begin(1)
    header = GeneralHeader(transaction_id=transaction, originator=b"", recipient=METER)
    info, its_key = client._new_key(transaction)
    content = its_key.protect(0x31, CLIENT, 1, GET, header.encode())
    assert meter.unprotect(GeneralCiphering(header, info, content).encode()) == GET


@pytest.mark.parametrize("scheme", NEW_KEYS)
def test_a_message_that_tells_no_key_is_refused_where_one_has_to_be_told(scheme: KeyScheme) -> None:
    client, meter = ends(scheme)
    silent = replace(GeneralCiphering.decode(client.protect(GET)), key_info=None)
    assert f"a key by {scheme.value} expected, none came" in refusal(meter, silent.encode())


@pytest.mark.parametrize("octets", [b"", b"\xff", b"\x02\x01"])
def test_octets_that_are_no_apdu_are_refused_as_unprotected(octets: bytes) -> None:
    assert "came without protection" in refusal(ends(KeyScheme.IDENTIFIED)[1], octets)


def test_another_ciphering_than_the_general_one_is_refused_by_its_name() -> None:
    assert "general-ciphering expected, db general-glo-ciphering came" in refusal(
        ends(KeyScheme.IDENTIFIED)[1], GeneralCiphered(CLIENT, b"\x31\0\0\0\1").encode()
    )


def test_a_content_too_short_for_its_head_is_told() -> None:
    client, meter = ends(KeyScheme.IDENTIFIED)
    short = replace(GeneralCiphering.decode(client.protect(GET)), content=b"\x31\x00")
    with pytest.raises(ProtocolFault, match="5 octets at least expected, 2 came") as refused:
        meter.unprotect(short.encode())
    assert refused.value.error.kind is ErrorKind.DECODE


def test_both_ends_cannot_have_one_title() -> None:
    with pytest.raises(ValueError, match="both ends have the system title"):
        GeneralCipher(CLIENT, CLIENT, policy(suite=SUITE_1), in_use(of=key(SUITE_1)))


@pytest.mark.parametrize("scheme", NEW_KEYS)
def test_a_missing_key_is_told(scheme: KeyScheme) -> None:
    bare = GeneralCipher(CLIENT, METER, policy(suite=SUITE_1), in_use(of=key(SUITE_1)), scheme=scheme)
    with pytest.raises(ValueError, match="is needed"):
        bare.protect(GET)


def test_key_material_shows_nothing() -> None:
    client, _ = ends(KeyScheme.WRAPPED)
    told = GeneralCiphering.decode(client.protect(GET))
    shown = repr(KeyMaterial(master_key=OTHER_KEY)) + repr(told.key_info) + repr(client.unicast)
    assert OTHER_KEY.hex() not in shown
    assert repr(OTHER_KEY)[2:-1] not in shown
    assert AK.hex() not in shown


# ---------------------------------------------------------------- signing
def signers(suite: SecuritySuite = SUITE_1) -> tuple[GeneralSigner, GeneralSigner]:
    one, other = generate_key(suite), generate_key(suite)
    return (
        GeneralSigner(suite, CLIENT, METER, one, other.public_key(), CounterBlock(1, 100)),
        GeneralSigner(suite, METER, CLIENT, other, one.public_key(), CounterBlock(1, 100)),
    )


@pytest.mark.parametrize("suite", [SUITE_1, SUITE_2])
def test_what_is_signed_comes_back_and_so_does_its_answer(suite: SecuritySuite) -> None:
    client, meter = signers(suite)
    request = client.protect(GET)
    assert meter.unprotect(request) == GET
    transaction = GeneralSigning.decode(request).header.transaction_id
    assert client.unprotect(meter.protect(ANSWER, answers=transaction)) == ANSWER
    assert "seen before" in refusal(meter, request)


def test_every_altered_octet_of_a_signed_apdu_is_refused() -> None:
    client, meter = signers()
    octets = client.protect(GET)
    for place in range(len(octets)):
        altered = bytearray(octets)
        altered[place] ^= 1 << place % 8
        with pytest.raises(ProtocolFault) as refused:
            meter.unprotect(bytes(altered))
        assert refused.value.error.kind in (ErrorKind.SECURITY, ErrorKind.DECODE)
    assert "c0 get-request came without a signature" in refusal(meter, GET)


def test_a_signature_goes_around_a_ciphered_apdu() -> None:
    client, meter = ends(KeyScheme.STATIC)
    signer, checker = signers()
    assert meter.unprotect(checker.unprotect(signer.protect(client.protect(GET)))) == GET
