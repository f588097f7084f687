"""Captures deciphered: whole sessions, single APDUs, what is verified and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.dlms.client import DlmsClient
from meterkit.dlms.deciphering import CaptureKeys, Deciphering
from meterkit.dlms.secured.key_fingerprint import fingerprint
from meterkit.dlms.secured.key_provider import EVERY_METER, MemoryKeys
from meterkit.dlms.security import (
    CounterBlock,
    GeneralCipher,
    GeneralSigner,
    KeyKind,
    KeyMaterial,
    KeyScheme,
    Security,
)
from meterkit.dlms.security.general_headers import (
    STATIC_UNIFIED,
    AgreedKey,
    GeneralCiphering,
    GeneralHeader,
    GeneralSigning,
    KeyInfo,
    WrappedKey,
)
from meterkit.dlms.security.headers import GeneralCiphered, wrap
from meterkit.dlms.security.key_agreement import generate_key
from meterkit.dlms.security.keys import public_key_octets, wrap_key
from meterkit.dlms.translate import translate
from meterkit.dlms.wrapper import WrapperHeader
from meterkit.tree import NOT_UNDERSTOOD, text
from tests.dlms.rig import RecordingTransport
from tests.dlms.security.material import (
    AK,
    CLIENT,
    EK,
    GET,
    METER,
    OTHER_KEY,
    SUITE_1,
    SUITE_2,
    in_use,
    key,
    policy,
)
from tests.dlms.security_rig import (
    BOTH,
    ENERGY,
    GMAC,
    METER_TITLE,
    TITLE,
    keys,
    secured_meter,
    secured_options,
)
from tests.dlms.vectors import VECTORS, octets_of
from tests.virtual_clock import VIRTUAL_CLOCK

UNICAST, AUTHENTICATION = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION
BOOK = {UNICAST: EK, AUTHENTICATION: AK}


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def capture_keys(known):
    return CaptureKeys.of(MemoryKeys({(EVERY_METER, kind): key for kind, key in known.items()}), "any")


def opened(*octets, known=BOOK, titles=()):
    """Return the trees of octets, deciphered."""
    return Deciphering(capture_keys(known), list(titles)).nodes(translate(*octets))


def verdicts(nodes):
    return [node.meaning for one in nodes for node in one.walk() if node.name == "deciphered"]


def names(nodes):
    return [node.name for one in nodes for node in one.walk()]


class Both(RecordingTransport):
    """Remembers what came, too."""

    async def receive(self, *arguments, **named):
        octets = await super().receive(*arguments, **named)
        self.log.append((0.0, octets))
        return octets


async def captured(security=BOTH, suite=0, interface="wrapper", **changes):
    """Return the octets of a session: one GET and a long answer."""
    emulator = secured_meter(GMAC, security, suite, interface=interface, profile={"rows": 40})
    wire = Both(emulator, is_noisy=interface != "wrapper")
    options = secured_options(emulator, GMAC, security, suite, max_pdu=600, **changes)
    async with DlmsClient(wire, options) as client:
        (await client.connect()).unwrap()
        (await client.get_attribute(*ENERGY)).unwrap()
        (await client.get_attribute(7, "1-0:99.1.0", 2)).unwrap()
    return b"".join(octets for _, octets in wire.log)


def session_keys(suite=0):
    return dict(zip((UNICAST, AUTHENTICATION), keys(suite), strict=True))


# ------------------------------------------------------------------ sessions
@pytest.mark.anyio
@pytest.mark.parametrize("interface", ["wrapper", "hdlc"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dedicated_key": True},
        {"envelope": "general"},
        {"suite": 2},
        {"security": Security.AUTHENTICATION},
    ],
    ids=str,
)
async def test_a_whole_session_is_deciphered_and_verified(interface, changes):
    octets = await captured(interface=interface, **changes)
    nodes = opened(octets, known=session_keys(changes.get("suite", 0)))
    told = verdicts(nodes)
    assert len(told) > 6
    assert all(one.startswith("verified, sender ") for one in told)
    assert {one.split()[-1] for one in told} == {TITLE.hex().upper(), METER_TITLE.hex().upper()}
    inside = names(nodes)
    assert {"initiate-request", "initiate-response", "action-request-normal"} <= set(inside)
    assert "whole" in inside  # the long answer, put together from its deciphered blocks
    assert NOT_UNDERSTOOD not in inside


@pytest.mark.anyio
async def test_no_key_is_shown_not_even_the_dedicated_one():
    octets = await captured(dedicated_key=True)
    nodes = opened(octets, known=session_keys())
    shown = text(nodes).replace(" ", "")
    (dedicated,) = {
        node.meaning for one in nodes for node in one.walk() if node.name == "dedicated-key" and node.meaning
    }
    assert dedicated.startswith("a key, fingerprint ")
    for secret in keys():
        assert secret.hex() not in shown
        assert secret.hex() not in repr(capture_keys(session_keys()))
        assert fingerprint(secret) not in shown


@pytest.mark.anyio
async def test_a_capture_without_its_aarq_wants_titles_and_the_dedicated_key():
    octets = await captured(envelope="service")
    frames, at = [], 0
    while at < len(octets):
        header = WrapperHeader.decode(octets[at : at + 8])
        frames.append(octets[at : at + 8 + header.length])
        at += 8 + header.length
    late = b"".join(frames[2:6])
    assert (
        verdicts(opened(late, known=session_keys()))
        == ["not deciphered: the sender's system title is not known"] * 4
    )
    told = verdicts(opened(late, known=session_keys(), titles=(METER_TITLE, TITLE)))
    assert all(one.startswith("verified") for one in told)


@pytest.mark.anyio
async def test_in_the_middle_of_a_change_both_keys_are_tried():
    octets = await captured()
    known = {UNICAST: bytes(16), AUTHENTICATION: bytes(16)}
    others = dict(zip((KeyKind.OTHER_ENCRYPTION, KeyKind.OTHER_AUTHENTICATION), keys(), strict=True))
    assert all(one.startswith("verified") for one in verdicts(opened(octets, known=known | others)))


# ------------------------------------------------------------------ single APDUs
@pytest.mark.parametrize(
    "name",
    ["glo-initiate-request", "glo-get-request-authenticated-only", "glo-get-request-authenticated-encrypted"],
)
def test_the_green_books_examples_are_verified(name):
    vector = VECTORS[name]
    known = {UNICAST: bytes.fromhex(vector["params"]["ek"]), AUTHENTICATION: AK}
    nodes = opened(octets_of(name), known=known, titles=(METER,))
    (verdict,) = verdicts(nodes)
    assert verdict == f"verified, sender {METER.hex().upper()}"
    plain = bytes.fromhex(vector["expected"]["plaintext"])
    (deciphered,) = (node for one in nodes for node in one.walk() if node.name == "deciphered")
    assert deciphered.length == len(plain)


def test_a_push_without_a_tag_is_deciphered_and_told_to_be_unverified():
    name = "general-glo-kaifa-push-encrypt-only"
    known = {UNICAST: bytes.fromhex(VECTORS[name]["params"]["ek"])}
    nodes = opened(octets_of(name), known=known)
    (verdict,) = verdicts(nodes)
    assert verdict == "NOT verified: there is no tag; sender 4B464D1010000023"
    assert "data-notification" in names(nodes)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({UNICAST: EK}, "NOT verified: no authentication key is known"),
        ({UNICAST: EK, AUTHENTICATION: OTHER_KEY}, "NOT verified: the tag does not fit"),
        ({UNICAST: OTHER_KEY, AUTHENTICATION: AK}, "not deciphered: neither key nor sender fit"),
        ({AUTHENTICATION: AK}, "not deciphered: no global unicast encryption key of suite 0 is known"),
        ({UNICAST: EK * 2, AUTHENTICATION: AK * 2}, "not deciphered: no global unicast encryption key"),
    ],
)
def test_what_can_not_be_verified_is_told(known, words):
    octets = octets_of("glo-get-request-authenticated-encrypted")
    (verdict,) = verdicts(opened(octets, known=known, titles=(METER,)))
    assert verdict.startswith(words)


def test_what_is_too_short_for_its_tag_is_told_and_the_rest_of_the_tree_stays():
    nodes = opened(bytes.fromhex("cc003000000081bfc2"), titles=[CLIENT])  # found by fuzzing
    (told,) = verdicts(nodes)
    assert told.startswith("not deciphered: ")
    assert "octets" in told


@pytest.mark.parametrize("title", ["4d4d", "4d4d4d0000bc614e00", "4d" * 125])
@pytest.mark.parametrize("control", ["20", "30"])
def test_a_system_title_that_is_none_is_told_and_the_rest_of_the_tree_stays(title, control):
    size = len(title) // 2
    octets = bytes.fromhex(f"db{size:02x}{title}14{control}00000001") + bytes(15)
    nodes = opened(octets, titles=[CLIENT])
    (told,) = verdicts(nodes)
    came = bytes.fromhex(title).hex(" ")
    assert told == f"not deciphered: a system title of 8 octets expected, {size} came: {came}"


def test_what_is_only_authenticated_is_read_though_its_tag_does_not_fit():
    octets = octets_of("glo-get-request-authenticated-only")
    nodes = opened(octets, known={UNICAST: EK, AUTHENTICATION: OTHER_KEY}, titles=(METER,))
    assert verdicts(nodes) == [f"NOT verified: the tag does not fit; sender {METER.hex().upper()}"]
    assert "get-request-normal" in names(nodes)


def test_a_suite_that_nobody_knows_is_not_deciphered():
    octets = wrap(0xC8, b"\x33" + key().protect(0x30, METER, 7, GET)[1:])
    assert verdicts(opened(octets, titles=(METER,))) == ["not deciphered: its parts are not whole"]


def test_an_initiate_that_is_none_is_deciphered_and_teaches_no_key():
    octets = wrap(0x21, key().protect(0x30, METER, 7, b"\x01\xff"))
    nodes = opened(octets, titles=(METER,))
    assert verdicts(nodes) == [f"verified, sender {METER.hex().upper()}"]
    assert NOT_UNDERSTOOD in names(nodes)


def test_what_makes_no_sense_and_has_no_tag_is_by_another_key():
    octets = GeneralCiphered(METER, key(authentication=None).protect(0x20, METER, 7, b"\x99\x01")).encode()
    assert verdicts(opened(octets)) == ["not deciphered: neither key nor sender fit"]


def test_a_dedicated_key_that_nobody_told_is_missing():
    ciphered = GeneralCiphered(METER, key().protect(0x30, METER, 7, GET), is_dedicated=True).encode()
    (verdict,) = verdicts(opened(ciphered))
    assert verdict == "not deciphered: no dedicated key (the AARQ is not in the capture) is known"
    (verdict,) = verdicts(opened(ciphered, known=BOOK | {KeyKind.DEDICATED: EK}))
    assert verdict.startswith("verified")


def test_a_broadcast_goes_by_the_broadcast_key():
    broadcast = key().with_encryption_key(OTHER_KEY)
    ciphered = GeneralCiphered(METER, broadcast.protect(0x70, METER, 7, GET)).encode()
    (verdict,) = verdicts(opened(ciphered))
    assert "no global broadcast encryption key" in verdict
    (verdict,) = verdicts(opened(ciphered, known=BOOK | {KeyKind.GLOBAL_BROADCAST_ENCRYPTION: OTHER_KEY}))
    assert verdict.startswith("verified")


# ------------------------------------------------------------------ general-ciphering, general-signing
def private(pair, suite=SUITE_1):
    return pair.private_numbers().private_value.to_bytes(suite.coordinate_size, "big")


@pytest.mark.parametrize("scheme", list(KeyScheme), ids=lambda one: one.name)
def test_general_ciphering_is_deciphered_by_every_scheme(scheme):
    own, peer, signing = (generate_key(SUITE_1) for _ in range(3))
    material = KeyMaterial(
        master_key=OTHER_KEY,
        own_agreement=peer,
        peer_agreement=own.public_key(),
        own_signing=signing,
    )
    sender = GeneralCipher(
        METER, CLIENT, policy(suite=SUITE_1), in_use(of=key(SUITE_1)), scheme=scheme, material=material
    )
    octets = sender.protect(GET)
    known = BOOK | {
        KeyKind.MASTER: OTHER_KEY,
        KeyKind.AGREEMENT: private(own),
        KeyKind.SERVER_AGREEMENT: public_key_octets(peer),
    }
    nodes = opened(octets, known=known)
    assert verdicts(nodes) == [f"verified, sender {METER.hex().upper()}"]
    assert "get-request-normal" in names(nodes)
    if scheme is not KeyScheme.IDENTIFIED:
        (verdict,) = verdicts(opened(octets))
        assert verdict.startswith("not deciphered: no ")
    altered = octets[:-1] + bytes((octets[-1] ^ 1,))
    assert not verdicts(opened(altered, known=known))[0].startswith("verified")


def general(info: KeyInfo | None):
    header = GeneralHeader(transaction_id=b"\x01", originator=METER, recipient=CLIENT)
    content = key(SUITE_1).protect(0x31, METER, 7, GET, header.encode())
    return GeneralCiphering(header, info, content).encode()


def test_general_ciphering_without_a_word_on_its_key_goes_by_the_unicast_key():
    assert verdicts(opened(general(None))) == [f"verified, sender {METER.hex().upper()}"]


OWN, PEER = generate_key(SUITE_1), generate_key(SUITE_1)
PAIR = {KeyKind.AGREEMENT: private(OWN), KeyKind.SERVER_AGREEMENT: public_key_octets(PEER)}


@pytest.mark.parametrize(
    ("info", "known", "missing"),
    [
        (WrappedKey(wrap_key(SUITE_1, EK, EK)), {KeyKind.MASTER: OTHER_KEY}, "master key"),
        (WrappedKey(b"\x01"), {KeyKind.MASTER: OTHER_KEY}, "master key"),
        (AgreedKey(STATIC_UNIFIED), {KeyKind.AGREEMENT: private(OWN)}, "pair of agreement keys"),
        (AgreedKey(b"\x09"), PAIR, "pair of agreement keys"),
        (AgreedKey(STATIC_UNIFIED), PAIR | {KeyKind.AGREEMENT: bytes(48)}, "pair of agreement keys"),
    ],
    ids=["another master key", "no wrapped key", "one key of two", "another way to agree", "another suite"],
)
def test_a_key_that_can_not_be_had_of_the_message_is_missing(info, known, missing):
    assert verdicts(opened(general(info), known=BOOK | known)) == [
        f"not deciphered: no {missing} that fits is known"
    ]


def test_signing_keys_of_another_suite_tell_nothing():
    signing, other = generate_key(SUITE_1), generate_key(SUITE_2)
    signer = GeneralSigner(SUITE_1, METER, CLIENT, signing, signing.public_key(), CounterBlock(1, 9))
    of_suite_2 = {
        KeyKind.SIGNING: private(other, SUITE_2),
        KeyKind.SERVER_SIGNING: public_key_octets(other),
    }
    nodes = opened(signer.protect(GET), known=of_suite_2)
    assert [node.meaning for one in nodes for node in one.walk() if node.name == "signed"] == [
        "signature NOT verified: no signing key is known"
    ]


def test_a_signature_is_verified_where_there_is_a_key_for_it():
    signing = generate_key(SUITE_1)
    signer = GeneralSigner(SUITE_1, METER, CLIENT, signing, signing.public_key(), CounterBlock(1, 9))
    octets = signer.protect(GET)
    known = {KeyKind.SERVER_SIGNING: public_key_octets(signing)}

    def verdict(octets, known):
        nodes = opened(octets, known=known)
        assert "get-request-normal" in names(nodes)
        (signed,) = (node for one in nodes for node in one.walk() if node.name == "signed")
        return signed.meaning

    assert verdict(octets, known) == f"signature verified, signed by {METER.hex().upper()}"
    assert verdict(octets, {KeyKind.SIGNING: private(signing)}).startswith("signature verified")
    assert verdict(octets, {}) == "signature NOT verified: no signing key is known"
    assert verdict(octets[:-1] + bytes((octets[-1] ^ 1,)), known) == "signature NOT verified: it does not fit"


def test_what_is_nested_for_ever_comes_to_an_end():
    octets = GET
    for _ in range(300):
        octets = GeneralSigning(GeneralHeader(originator=METER, recipient=b""), octets, b"").encode()
    assert names(opened(octets)).count("signed") == 9


# ------------------------------------------------------------------ anything
@given(st.binary(max_size=80), st.sampled_from([0x21, 0xC8, 0xCC, 0xD0, 0xDB, 0xDC, 0xDD, 0xDF, 0x60]))
def test_any_octets_give_a_tree(octets, tag):
    text(opened(bytes((tag,)) + octets, titles=(METER, CLIENT)))


@given(st.integers(0, 31), st.integers(1, 255))
def test_an_altered_apdu_is_never_called_verified(at, by):
    octets = bytearray(octets_of("glo-get-request-authenticated-encrypted"))
    octets[at] ^= by
    told = verdicts(opened(bytes(octets), titles=(METER,)))
    # Another tag of the same length holds another APDU; what it holds is verified all the same.
    assert at == 0 or not any(one.startswith("verified") for one in told)
