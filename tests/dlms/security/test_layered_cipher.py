"""Layers of one association: which go out, which are taken, and keys that change underneath."""

from __future__ import annotations

import pytest

from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.security import (
    CounterBlock,
    GeneralCipher,
    KeyMaterial,
    KeyScheme,
    SeenBefore,
    StaleCounter,
)
from meterkit.dlms.security.key_agreement import generate_key
from meterkit.dlms.security.layered_cipher import LayeredCipher
from meterkit.dlms.security.transactions import Transactions
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import (
    ANSWER,
    CLIENT,
    EK,
    GET,
    METER,
    OTHER_KEY,
    SUITE_1,
    in_use,
    key,
    pair,
    policy,
)

OWN, PEER = [(generate_key(SUITE_1), generate_key(SUITE_1)) for _ in range(2)]  # signing, agreement
MATERIAL = KeyMaterial(
    master_key=OTHER_KEY,
    own_signing=OWN[0],
    own_agreement=OWN[1],
    peer_signing=PEER[0].public_key(),
    peer_agreement=PEER[1].public_key(),
)
OF_METER = KeyMaterial(
    master_key=OTHER_KEY,
    own_signing=PEER[0],
    own_agreement=PEER[1],
    peer_signing=OWN[0].public_key(),
    peer_agreement=OWN[1].public_key(),
)
DOWNGRADES = [bytes.fromhex("d80105"), bytes.fromhex("0e0600")]


def layered(scheme: KeyScheme | None = None, *, signs: bool = False, is_meter: bool = False) -> LayeredCipher:
    title, peer = (METER, CLIENT) if is_meter else (CLIENT, METER)
    cipher = LayeredCipher(title, policy(suite=SUITE_1), in_use(of=key(SUITE_1)), peer_title=peer)
    cipher.put_on(scheme, OF_METER if is_meter else MATERIAL, signs=signs)
    return cipher


def refusal(cipher: LayeredCipher, octets: bytes) -> str:
    with pytest.raises(ProtocolFault) as refused:
        cipher.unprotect(octets)
    assert refused.value.error.kind is ErrorKind.SECURITY
    return str(refused.value.error)


LAYERS = [(scheme, signs) for scheme in (None, *KeyScheme) for signs in (False, True)]


@pytest.mark.parametrize(("scheme", "signs"), LAYERS)
def test_no_other_layers_are_taken_than_those_put_on(scheme: KeyScheme | None, signs: bool) -> None:
    for other, other_signs in LAYERS:
        if (other, other_signs) == (scheme, signs):
            continue
        came = layered(other, signs=other_signs, is_meter=True).protect(ANSWER)
        refusal(layered(scheme, signs=signs), came)


@pytest.mark.parametrize(("scheme", "signs"), LAYERS)
def test_the_initiate_and_the_release_go_as_a_plain_cipher_has_them(
    scheme: KeyScheme | None, signs: bool
) -> None:
    cipher = layered(scheme, signs=signs)
    initiate = bytes.fromhex("01000000065f1f0400401e5dffff")
    assert cipher.protect(initiate)[0] == ApduTag.GLO_INITIATE_REQUEST
    assert cipher.protect(b"\x60\x00") == cipher.unprotect(b"\x60\x00") == b"\x60\x00"
    assert layered(is_meter=True).unprotect(cipher.protect(initiate)) == initiate


@pytest.mark.parametrize(("scheme", "signs"), LAYERS)
def test_layers_are_never_longer_than_said(scheme: KeyScheme | None, signs: bool) -> None:
    cipher = layered(scheme, signs=signs)
    for size in (1, 100, 1000, 60_000):
        grown = len(cipher.protect(GET + bytes(size))) - len(GET) - size
        assert grown in range(cipher.overhead - 8, cipher.overhead + 1)


@pytest.mark.parametrize("octets", DOWNGRADES, ids=["exception", "error"])
@pytest.mark.parametrize(("scheme", "signs"), LAYERS)
def test_a_refusal_of_a_meter_that_understands_nothing_may_come_in_clear(
    scheme: KeyScheme | None, signs: bool, octets: bytes
) -> None:
    assert layered(scheme, signs=signs).unprotect(octets) == octets


def test_layers_need_a_known_peer_and_keys() -> None:
    stranger = LayeredCipher(CLIENT, policy(suite=SUITE_1), in_use(of=key(SUITE_1)))
    with pytest.raises(ProtocolFault, match="system title is not known"):
        stranger.put_on(KeyScheme.STATIC, MATERIAL, signs=False)
    known = LayeredCipher(CLIENT, policy(suite=SUITE_1), in_use(of=key(SUITE_1)), peer_title=METER)
    with pytest.raises(ValueError, match="needs our signing key"):
        known.put_on(None, KeyMaterial(), signs=True)


@pytest.mark.parametrize("scheme", [KeyScheme.WRAPPED, KeyScheme.ONE_PASS, KeyScheme.STATIC])
def test_by_new_keys_nothing_is_taken_but_the_answer_that_is_awaited(scheme: KeyScheme) -> None:
    client, meter = layered(scheme), layered(scheme, is_meter=True)
    push = meter.protect(b"\x0f" + bytes(6))
    assert "an answer's expected" in refusal(client, push)


def test_by_a_key_both_have_a_push_is_taken_once() -> None:
    client, meter = (
        layered(KeyScheme.IDENTIFIED, signs=True),
        layered(KeyScheme.IDENTIFIED, signs=True, is_meter=True),
    )
    push = meter.protect(b"\x0f" + bytes(6))
    assert client.unprotect(push) == b"\x0f" + bytes(6)
    assert "seen before" in refusal(client, push)


@pytest.mark.parametrize(("scheme", "signs"), LAYERS[1:])
def test_an_answer_that_comes_again_is_told_apart_so_that_datagrams_may_be_dropped(
    scheme: KeyScheme | None, signs: bool
) -> None:
    client, meter = layered(scheme, signs=signs), layered(scheme, signs=signs, is_meter=True)
    client.protect(GET)
    # The meter's end answers by the ids of the request: 1 inside, then the signature's.
    general, signer = meter._general, meter._signer
    octets = ANSWER if general is None else general.protect(ANSWER, answers=(1).to_bytes(8, "big"))
    if general is None:
        octets = layered(is_meter=True).protect(ANSWER)
    if signer is not None:
        octets = signer.protect(octets, answers=(2).to_bytes(8, "big"))
    assert client.unprotect(octets) == ANSWER
    with pytest.raises(SeenBefore):
        client.unprotect(octets)


def test_the_signers_counters_are_those_of_the_key_in_use() -> None:
    cipher = layered(None, signs=True)
    cipher.unicast.counters = CounterBlock(5000, 5010)
    assert cipher.protect(GET)[2:10] == (5001).to_bytes(8, "big")  # 5000 is that of glo-


# ---------------------------------------------------------------- transactions
def test_an_answer_comes_once_even_where_pushes_are_taken() -> None:
    transactions = Transactions()
    own = transactions.begin(70)
    transactions.accept(own)
    with pytest.raises(ProtocolFault, match="seen before"):
        transactions.accept(own)
    transactions.accept((71).to_bytes(8, "big"))


# ---------------------------------------------------------------- a key in the middle of its change
@pytest.mark.parametrize("is_general", [False, True], ids=["glo", "general-ciphering"])
def test_old_and_new_key_are_both_tried_each_with_counters_of_its_own(is_general: bool) -> None:
    client, meter = pair()
    receiving = client
    if is_general:
        sender = GeneralCipher(METER, CLIENT, meter.policy, meter.unicast)
        receiving = GeneralCipher(CLIENT, METER, client.policy, client.unicast)  # type: ignore[assignment]
        meter = sender  # type: ignore[assignment]
    meter.unicast.counters = CounterBlock(900, 910)
    first, second = meter.protect(ANSWER), meter.protect(ANSWER)
    assert receiving.unprotect(first) == ANSWER
    new = key(encryption=OTHER_KEY)
    client.unicast.change(new)
    assert (client.unicast.received, client.unicast.previous_received) == (None, 900)
    with pytest.raises(StaleCounter):
        receiving.unprotect(first)
    assert receiving.unprotect(second) == ANSWER  # still by the former key
    with pytest.raises(StaleCounter):
        receiving.unprotect(second)
    meter.unicast.key, meter.unicast.counters = new, CounterBlock(1, 10)
    assert receiving.unprotect(meter.protect(ANSWER)) == ANSWER  # 1 is enough: a new key counts anew
    assert client.unicast.received == 1
    meter.unicast.key, meter.unicast.counters = key(encryption=EK), CounterBlock(950, 960)
    with pytest.raises(ProtocolFault, match="the tag does not verify"):
        receiving.unprotect(meter.protect(ANSWER))  # the former key is gone for good
